"""Going through the slices of a series: opened in the background, denoised ahead, never waited for."""

import contextlib
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from denoise_studio.core.errors import MeasureError, StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.engine.stack import Stack, stack_of
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.pictures import nearest
from denoise_studio.gui.views.compare import Compare

RATES = (5, 10, 15, 20, 25, 30)
"""Slices a second of the cine loop."""
_BEFORE = 0.45
"""Share of the memory for slices that are open; a result takes as much as a slice."""
_REST = 200
"""Milliseconds on one slice after which others are denoised ahead."""
_STEPS = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Home: -(10**9),
    Qt.Key.Key_End: 10**9,
}


@dataclass
class State:
    """Where one document is in its series.

    Attributes:
        wanted: the slice that a person asked for last; it may still be on its way.
        ready: slices that are denoised with the present recipe, as far as is known.
        direction: 1 or -1, where the last step went: what is denoised ahead first.
        broken: sentences about slices that cannot be opened, by index.
        references: what slices were compared with when they were left, by index.
        beside: the series that the slices are compared with.
    """

    wanted: int
    ready: set[int] = field(default_factory=set)
    direction: int = 1
    broken: dict[int, str] = field(default_factory=dict)
    references: dict[int, Picture] = field(default_factory=dict)
    beside: Stack | None = None


class Slices(QObject):
    """Moves the shown document through its series.

    Signals:
        changed: another slice is wanted, or is there, or more of them are ready.
        playing_changed: whether the cine loop runs.
        failed: one sentence about a slice that cannot be opened.
    """

    changed = Signal()
    playing_changed = Signal(bool)
    failed = Signal(str)
    _told = Signal(object, int)

    def __init__(self, bridge: Bridge, compare: Compare, budget_bytes: int, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge, self._compare = bridge, compare
        self._budget = budget_bytes
        self._states: dict[Document, State] = {}
        self._document: Document | None = None
        self.ahead = True
        """Whether slices that nobody looks at yet are denoised in the background."""
        self._cine = QTimer(self)
        self._cine.setTimerType(Qt.TimerType.PreciseTimer)
        self._cine.timeout.connect(self._next)
        self.rate = 10
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._begin_ahead)
        self._told.connect(self._is_ready)
        for pane in compare.panes:
            pane.wheeled.connect(lambda steps, point: self.step(steps))
            pane.scrolled.connect(self.step)
            pane.installEventFilter(self)

    # The document

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self._look_ahead)
            self._document.recipe_changed.disconnect(self._forget_ready)
        self.play(False)
        self._document = document
        series = document is not None and document.stack is not None
        for pane in self._compare.panes:
            pane.wheel_scrolls = series
        if document is not None:
            document.response_changed.connect(self._look_ahead)
            document.recipe_changed.connect(self._forget_ready)
            if document.stack is not None:
                self._take(document, document.stack)
        self._share()
        self.changed.emit()

    def _take(self, document: Document, stack: Stack) -> None:
        if document in self._states:
            self._states[document].wanted = document.index
        else:
            self._states[document] = State(document.index)
            stack.prepare = estimated_noise  # here, so that the window need not wait for it
            stack.dropped = self._bridge.session.forget
            stack.shown = document.index

    def close(self, document: Document) -> None:
        """The document was closed."""
        self._states.pop(document, None)
        if document.stack is not None:
            document.stack.clear()

    def _share(self) -> None:
        """Of the memory a part for slices as they were, the rest for what came of them."""
        stack = self._stack()
        whole = part = round(_BEFORE * self._budget)
        for document in self._states:
            if document.stack is not None and document.stack is not stack:
                document.stack.set_budget(0)
        state = self.state
        if state is not None and state.beside is not None:
            state.beside.set_budget(part // 4)
            part -= part // 4
        if stack is not None:
            stack.set_budget(part)
        self._bridge.session.cache.budget_bytes = self._budget - (whole if stack is not None else 0)

    @property
    def document(self) -> Document | None:
        """The one shown, if it is a series."""
        document = self._document
        return document if document is not None and document.stack is not None else None

    @property
    def state(self) -> State | None:
        return self._states.get(self._document) if self._document is not None else None

    def ready(self) -> set[int]:
        """The slices that would be there at once; what memory had to let go is none of them any more."""
        document, stack, state = self._document, self._stack(), self.state
        if document is None or stack is None or state is None:
            return set()
        session, recipe = self._bridge.session, document.recipe
        kept = {index: stack.peek(index) for index in state.ready}
        gone = {i for i, picture in kept.items() if picture is None or not session.holds(picture, recipe)}
        state.ready -= gone - {document.index}
        return state.ready

    def _stack(self) -> Stack | None:
        return self._document.stack if self._document is not None else None

    # Going

    def step(self, steps: int) -> None:
        """Go on by so many slices; stops at the ends."""
        state = self.state
        if state is not None:
            self.go(state.wanted + steps)

    def go(self, index: int) -> None:
        """Show a slice: at once if it is open, else as soon as it is; the newest wish wins."""
        document, stack, state = self._document, self._stack(), self.state
        if document is None or stack is None or state is None:
            return
        index = min(max(index, 0), len(stack) - 1)
        if index == state.wanted and (index == document.index or index in state.broken):
            return
        state.direction = 1 if index >= state.wanted else -1
        state.wanted = index
        picture = stack.peek(index)
        if picture is not None:
            self._show(document, picture)
        else:
            self._open(document, stack, index)
        self.changed.emit()

    def _open(self, document: Document, stack: Stack, index: int) -> None:
        def opened(picture: Picture) -> None:
            state = self._states.get(document)
            if state is not None and state.wanted == index:
                self._show(document, picture)
                self.changed.emit()

        def failed(error: Exception) -> None:
            state = self._states.get(document)
            if state is None or state.wanted != index:
                return
            sentence = str(error) if isinstance(error, StudioError) else f"The slice failed: {error}"
            state.broken[index] = sentence
            self.failed.emit(sentence)
            self.changed.emit()

        bridge = self._bridge
        bridge.run(bridge.slices, lambda progress: stack.get(index, progress), opened, failed, key="slice")

    def _show(self, document: Document, picture: Picture) -> None:
        if picture is document.picture or document is not self._document:
            return
        if document.stack is not None and picture.place is not None:
            document.stack.shown = picture.place.index
        self._keep_reference(document)
        document.show_picture(picture)
        self._follow(document)

    # What a slice is compared with

    def _keep_reference(self, document: Document) -> None:
        """Remember what the slice that is left was compared with."""
        state, reference = self._states[document], document.reference
        if reference is None:
            return
        if reference.place is not None and len(reference.place.series) > 1:
            state.beside = stack_of(reference.place.series)
            state.beside.put(reference.place.index, reference)
            self._share()
        else:
            state.references[document.index] = reference

    def _follow(self, document: Document) -> None:
        """The reference of the slice that is shown now: its own, or that of the series beside."""
        state, picture = self._states[document], document.picture
        reference, stack = state.references.get(document.index), state.beside
        if reference is None and stack is not None:
            index = nearest(stack.series, picture)
            reference = stack.peek(index) if index is not None else None
            if index is not None and reference is None:
                self._fetch(document, stack, index)
        document.set_reference(reference)

    def _fetch(self, document: Document, stack: Stack, index: int) -> None:
        picture = document.picture

        def opened(reference: Picture) -> None:
            if document.picture is picture and document in self._states:
                with contextlib.suppress(MeasureError):
                    document.set_reference(reference)

        bridge = self._bridge
        bridge.run(
            bridge.slices,
            lambda progress: stack.get(index, progress),
            opened,
            lambda error: self.failed.emit(str(error)),
            key="reference",
        )

    def take_reference(self, document: Document, picture: Picture, reference: Picture) -> None:
        """Compare with this from now on; it was opened for `picture`, from which one may have gone on."""
        state = self._states.get(document)
        if document.picture is picture or state is None:
            document.set_reference(reference)
            return
        if reference.place is not None and len(reference.place.series) > 1:
            state.beside = stack_of(reference.place.series)
            state.beside.put(reference.place.index, reference)
            self._share()
        elif picture.place is not None:
            state.references[picture.place.index] = reference
        self._follow(document)

    def forget_reference(self, document: Document) -> None:
        """Compare with nothing, on any slice."""
        state = self._states.get(document)
        if state is not None:
            state.references.clear()
            state.beside = None
        document.set_reference(None)

    # Cine

    @property
    def playing(self) -> bool:
        return self._cine.isActive()

    def play(self, on: bool) -> None:
        """Run through the slices, round and round."""
        on = on and self.document is not None
        if on == self.playing:
            return
        if on:
            self._cine.start(round(1000 / self.rate))
        else:
            self._cine.stop()
        self.playing_changed.emit(on)

    def set_rate(self, rate: int) -> None:
        """Slices a second."""
        self.rate = rate
        if self.playing:
            self._cine.start(round(1000 / rate))

    def _next(self) -> None:
        document, stack, state = self._document, self._stack(), self.state
        if document is None or stack is None or state is None:
            return
        if document.index != state.wanted and state.wanted not in state.broken:
            return  # the last one is still on its way
        self.go((state.wanted + 1) % len(stack))

    # Ahead

    def set_ahead(self, on: bool) -> None:
        """Denoise slices that nobody looks at yet, or not."""
        self.ahead = on
        if on:
            self._look_ahead()
        else:
            self._bridge.session.ahead.cancel_all()

    def _forget_ready(self) -> None:
        if self.state is not None:
            self.state.ready.clear()
            self.changed.emit()

    def _look_ahead(self) -> None:
        """Once the slice that is shown is final: the others, the nearest and those ahead first."""
        document, stack, state = self._document, self._stack(), self.state
        if document is None or stack is None or state is None or not document.is_final:
            return
        fresh = document.index not in state.ready
        state.ready.add(document.index)
        if fresh:
            self.changed.emit()
        if self.ahead:
            self._rest.start()

    def _begin_ahead(self) -> None:
        """Whoever goes on from slice to slice is not to be held up by those that come next."""
        document, stack, state = self._document, self._stack(), self.state
        if document is None or stack is None or state is None or not document.is_final or not self.ahead:
            return
        session = self._bridge.session
        recipe, told = document.recipe, self._told.emit
        session.look_ahead(
            stack,
            self._order(stack, document.index, state),
            recipe,
            lambda index: told((document, recipe), index),
        )

    def _order(self, stack: Stack, index: int, state: State) -> list[int]:
        """Slices around this one, nearest first, as many as memory keeps both before and after of."""
        response = self._document.response if self._document is not None else None
        size = response.layer.bytes if response is not None else 1
        kept = max(4, min(stack.room, self._bridge.session.cache.budget_bytes // size) - 2)
        near = sorted(
            (other for other in range(len(stack)) if other != index),
            key=lambda other: (abs(other - index), -state.direction * (other - index)),
        )
        return [other for other in near[:kept] if other not in state.broken]

    def _is_ready(self, asked: object, index: int) -> None:
        assert isinstance(asked, tuple)
        document, recipe = asked
        state = self._states.get(document)
        if state is not None and document.recipe == recipe:
            state.ready.add(index)
            self.changed.emit()

    # Keys over a picture

    def do_cine(self) -> None:
        """Carry out the action: start or stop the loop."""
        self.play(not self.playing)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and self.document is not None:
            assert isinstance(event, QKeyEvent)
            plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if plain and event.key() in _STEPS:
                self.step(_STEPS[Qt.Key(event.key())])
                return True
        return False
