"""The tool for CT: a slice or a series at a lower dose as a new picture, compared with its original."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.dose_plan import DosePlan, DoseSlice, DoseWish, settled, why_not
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.engine.simulating_ct import simulated, simulated_series
from denoise_studio.gui.ct_dose_dialog import CtDoseDialog
from denoise_studio.gui.document import Document

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow


class CtTools(QObject):
    """The dialog here, the work in the background."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def ask(self, document: Document) -> None:
        """Look at the slice that is shown, then ask for a dose."""
        picture, bridge = document.picture, self._window.bridge
        if why_not(picture):
            return
        bridge.run(
            bridge.background,
            lambda progress: DoseSlice(picture, progress),
            lambda ready: self._show(document, ready),
            lambda error: self._window.files.complain(str(error)),
            key="simulate",
        )

    def _show(self, document: Document, ready: DoseSlice) -> None:
        if document not in self._window.documents:
            return
        slices = len(document.stack) if document.stack is not None else 1

        def compute(wish: DoseWish, done: Callable[[], None]) -> None:
            self._plan(dialog, ready, wish, done)

        dialog = CtDoseDialog(ready, compute, slices, self._window)
        dialog.wished.connect(lambda wish, all_: self.simulate(document, ready, wish, all_))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _plan(self, dialog: CtDoseDialog, ready: DoseSlice, wish: DoseWish, done: Callable[[], None]) -> None:
        """Plan a wish for a dialog that may be closed meanwhile."""
        bridge = self._window.bridge

        def found(_: DosePlan | None = None) -> None:
            if dialog in self._window.findChildren(CtDoseDialog) and dialog.isVisible():
                done()

        bridge.run(
            bridge.background,
            lambda progress: ready.plan(wish),
            found,
            lambda error: self._window.files.complain(str(error)),
            key="dose plan",
        )

    def simulate(self, document: Document, ready: DoseSlice, wish: DoseWish, whole: bool = False) -> None:
        """Make a new picture, or series, at the dose that is wished; its reference is the old one.

        Args:
            document: what is shown.
            ready: its slice.
            wish: the dose.
            whole: the whole series.
        """
        picture = ready.picture

        def work(progress: Progress) -> Picture:
            if whole and picture.place is not None:
                series = simulated_series(picture.place.series, settled(wish, ready))
                result = series.open(picture.place.index, progress)
            else:
                result = simulated(picture, wish, progress, ready)
            estimated_noise(result)  # here, so that the window need not wait for it
            return result

        def done(result: Picture) -> None:
            new = Document(result)
            new.set_reference(picture)
            new.set_levels(document.levels)
            self._window.add_document(new)
            line = result.history[-1]
            self._window.status.say(f"{line[0].upper()}{line[1:]}.", 12)

        self._window.files.run_job(work, done)
