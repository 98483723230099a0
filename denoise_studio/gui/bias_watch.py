"""Watches the means of CT: has flat tissue, or a drawn region, kept its Hounsfield units?"""

import logging
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.engine.bias_guard import Guard, bias_guard, default_limit
from denoise_studio.engine.readings import Result
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document

log = logging.getLogger(__name__)

_WAIT = 120


class BiasWatch(QObject):
    """Looks again whenever a result of a CT picture is final; that takes some tens of milliseconds.

    Signals:
        changed: there is something new, or nothing any more.
    """

    changed = Signal()
    _ended = Signal(object)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._seen: tuple[Any, ...] | None = None
        self._busy: tuple[Any, ...] | None = None
        self.times = 1.0
        """The limit as a multiple of the scale's own: 1 HU."""
        self.guard: Guard | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self._look)
        self._ended.connect(self._end)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.picture_changed.disconnect(self._leave)
        self._document = document
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
            document.picture_changed.connect(self._leave)
        self._leave()

    def _leave(self) -> None:
        """Another picture or slice: what was found is about the one before."""
        self._seen = self._busy = None
        self._take(None)
        self.refresh()

    def limit(self, picture: Picture) -> float:
        """How far a mean may move, in the picture's unit."""
        return self.times * default_limit(picture)

    def set_limit(self, limit: float, picture: Picture) -> None:
        """Flag what moves further than this."""
        self.times = limit / default_limit(picture)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        self._timer.start()

    def _look(self) -> None:
        document = self._document
        result = document.result() if document is not None else None
        if document is None or result is None or document.picture.scale is not Scale.HU:
            return
        if self._busy is not None or not result.is_final(document.picture.rect):
            return
        subject = (result.layer, result.recipe, result.fitted, self.times)
        if self._seen is not None and all(a is b or a == b for a, b in zip(subject, self._seen, strict=True)):
            return
        self._begin(result, subject)

    def _begin(self, result: Result, subject: tuple[Any, ...]) -> None:
        picture, limit = result.picture, self.limit(result.picture)

        def work(progress: Progress) -> Guard | None:
            try:
                after = result.over(picture.rect)
                progress.check()
                return bias_guard(picture, after, result.recipe.regions, limit)
            except StudioError:  # nothing flat: there is nothing to say
                return None
            except Cancelled:
                self._ended.emit(subject)
                raise

        def take(guard: Guard | None) -> None:
            if self._busy is subject:
                self._seen = subject
                self._take(guard)
            self._end(subject)

        def failed(error: Exception) -> None:
            log.error("the means could not be compared: %s", error, exc_info=error)
            take(None)

        self._busy = subject
        self._bridge.run(self._bridge.background, work, take, failed)

    def _end(self, subject: tuple[Any, ...]) -> None:
        if self._busy is subject:
            self._busy = None
            self._timer.start()

    def _take(self, guard: Guard | None) -> None:
        self.guard = guard
        self.changed.emit()
