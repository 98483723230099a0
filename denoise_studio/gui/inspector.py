"""The inspector: the patterns that a method keeps of a small region, and those that it takes away."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QWidget

from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.display import ByteArray, Levels, show
from denoise_studio.engine.inspection import COUNT, MOST, Inspection, Inspector, region_of
from denoise_studio.engine.lanes import Job
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.inspector_page import PER_PAGE, InspectorPage
from denoise_studio.gui.views.pattern_tile import Drawn, colours


class _Of(NamedTuple):
    """What is looked into; another one of these needs another look."""

    picture: Picture
    recipe: Recipe
    rect: Rect


@dataclass(frozen=True, eq=False)
class _Look:
    """All that is shown of an inspection, as the lane made it ready."""

    of: _Of
    found: Inspection
    patterns: tuple[Drawn, ...]
    before: ByteArray
    after: ByteArray


class InspectorWindow(QDialog):
    """Beside the main window; it looks only where and when it is asked to.

    What it shows is greyed as soon as the recipe or the picture is another one, and comes back when
    they do.
    """

    _published = Signal(object)

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._rect: Rect | None = None
        self._engine: tuple[_Of, Inspector] | None = None
        self._job: Job | None = None
        self._words = ""
        """Why it ended early, if it did."""
        self.look: _Look | None = None
        self.page = 0
        self.setWindowTitle("Inspector")
        self.setModal(False)
        self.parts = InspectorPage(self)
        self.parts.previous.clicked.connect(lambda: self.turn(-1))
        self.parts.next.clicked.connect(lambda: self.turn(1))
        self.parts.more.clicked.connect(self._more)
        self.parts.button.clicked.connect(self._clicked)
        self._published.connect(self._grow)
        for keys, step in (
            ((Qt.Key.Key_Left, Qt.Key.Key_PageUp), -1),
            ((Qt.Key.Key_Right, Qt.Key.Key_PageDown), 1),
        ):
            for key in keys:
                QShortcut(QKeySequence(key), self, lambda step=step: self.turn(step))
        self._refresh()

    def restyle(self) -> None:
        self.parts.restyle()

    # What it is of

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self._changed)
            self._document.levels_changed.disconnect(self._relevel)
        self._document = document
        if document is None:
            self._stop()
            self.look = self._engine = self._rect = None
            self._words = ""
            self.hide()
        else:
            document.recipe_changed.connect(self._changed)
            document.levels_changed.connect(self._relevel)
        self._changed()

    def inspect(self, rect: Rect) -> None:
        """Look into the middle of this part of the picture, and come to the front."""
        document = self._document
        if document is None:
            return
        self._rect = rect
        self.show()
        self.raise_()
        self.activateWindow()
        self._begin(COUNT)

    @property
    def is_running(self) -> bool:
        return self._job is not None

    @property
    def is_current(self) -> bool:
        """Whether what is shown is of the picture and the recipe as they are now."""
        return self.look is not None and self._is_now(self.look.of)

    def _is_now(self, of: _Of) -> bool:
        document = self._document
        return document is not None and of.picture is document.picture and of.recipe == document.recipe

    def _changed(self, *_: Any) -> None:
        if self._job is not None and self._engine is not None and not self._is_now(self._engine[0]):
            self._stop()
        self._refresh()

    # Looking

    def _begin(self, count: int) -> None:
        document, rect = self._document, self._rect
        if document is None or rect is None:
            return
        picture, recipe, levels = document.picture, document.recipe, document.levels
        of = _Of(picture, recipe, region_of(picture, rect, get_denoiser(recipe.method).size_multiple))
        if self._engine is None or self._engine[0] != of:
            self._engine = of, Inspector(*of)
            if self.look is not None and not self._is_now(self.look.of):
                self.look = None
            self.page = 0
        engine, publish = self._engine[1], self._published.emit

        def work(progress: Progress) -> _Look:
            return _drawn(
                of, engine.find(count, progress, lambda found: publish(_drawn(of, found, levels))), levels
            )

        self._stop()
        self._words = ""
        self._job = self._bridge.run(
            self._bridge.knee, work, self._finish, self._failed, "inspector", self.parts.show_progress
        )
        self.parts.show_progress(0.0, "waiting for its turn")
        self._refresh()

    def _grow(self, look: _Look) -> None:
        if self._job is not None and self._engine is not None and look.of is self._engine[0]:
            self.look = look
            self._refresh()

    def _finish(self, look: _Look) -> None:
        self._job = None
        self.look = look
        self._refresh()

    def _failed(self, error: Exception) -> None:
        self._job = None
        self._words = str(error) if isinstance(error, StudioError) else "This cannot be inspected."
        self._refresh()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._words = "Stopped."
        self._job = None

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()  # nobody looks
        self._refresh()

    def _clicked(self) -> None:
        if self._job is not None:
            self._stop()
            self._refresh()
        else:
            self._begin(self.look.found.wanted if self.is_current and self.look is not None else COUNT)

    def _more(self) -> None:
        if self.look is not None:
            self._begin(min(2 * self.look.found.wanted, MOST))

    def _relevel(self) -> None:
        """Show the region in the picture's present levels."""
        document, look = self._document, self.look
        if document is None or look is None or not self.isVisible():
            return
        levels = document.levels

        def work(progress: Progress) -> _Look:
            return _drawn(look.of, look.found, levels)

        def done(again: _Look) -> None:
            if self.look is look:
                self.look = again
                self._refresh()

        self._bridge.run(self._bridge.display, work, done, key="inspector")

    # Showing

    @property
    def pages(self) -> int:
        found = self.look.found if self.look is not None else None
        return -(-found.wanted // PER_PAGE) if found is not None else 1

    def turn(self, step: int) -> None:
        """To another page, as far as there are any."""
        self.page = min(max(self.page + step, 0), self.pages - 1)
        self._refresh()

    def _refresh(self) -> None:
        look, parts = self.look, self.parts
        current = self.is_current
        self.page = min(self.page, self.pages - 1)
        parts.show_where(self._where(), look.before if look else None, look.after if look else None)
        unit = look.of.picture.noise_unit if look is not None else ""
        parts.show_patterns(
            look.patterns if look is not None else (),
            look.found.wanted if look is not None else COUNT,
            self.page,
            unit,
        )
        parts.show_facts(look.found if look is not None else None)
        parts.set_current(current or look is None)
        done = look is not None and look.found.is_complete
        parts.more.setEnabled(
            current
            and done
            and not self.is_running
            and look is not None
            and look.found.wanted < min(MOST, look.found.samples)
        )
        if self.is_running:
            parts.set_running(True)
        else:
            parts.set_running(False, *self._standing())

    def _where(self) -> str:
        if self.look is None:
            return " "
        of, rect = self.look.of, self.look.of.rect
        name = get_denoiser(of.recipe.method).name
        return f"{name} · {rect.width} × {rect.height} px at x {rect.x}, y {rect.y}"

    def _standing(self) -> tuple[str, str]:
        """What the line below says while nothing runs, and what its button offers ("" for nothing)."""
        look = self.look
        if look is not None and not self.is_current:
            other = self._document is not None and look.of.picture is not self._document.picture
            what = "Another picture is shown now" if other else "The recipe has changed since"
            return f"{what}: this is not current.", "Inspect again"
        if look is None or not look.found.is_complete:
            return self._words or " ", "Go on" if look is not None else "Inspect again"
        runs, error = look.found.runs, look.found.step_error
        if not error:
            return f"Found with {runs} runs of the method's own derivative.", ""
        known = f"{max(100 * error, 0.01):.1g}"
        return f"Found with {runs} runs of the method; differences between them are good to {known} %.", ""


def _drawn(of: _Of, found: Inspection, levels: Levels) -> _Look:
    patterns = tuple(Drawn(one, colours(one.image)) for one in found.patterns)
    before, after = (show(of.picture, pixels, levels) for pixels in (found.before, found.after))
    return _Look(of, found, patterns, before, after)
