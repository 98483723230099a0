"""Tools for camera raw: simulated sensor noise as a new picture, dark frames as a profile."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.progress import Progress
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.dark_frames import dark_parameter, problem, with_profile
from denoise_studio.engine.display import Levels
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.engine.sensor import has_sensor, sensor_noise
from denoise_studio.engine.simulating import Wish, cameras, load_dark_profile, simulated
from denoise_studio.gui.ct_tools import CtTools
from denoise_studio.gui.dark_frames_dialog import DarkFramesDialog
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import maps_of
from denoise_studio.gui.simulate_dialog import Known, SimulateDialog
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.model import SensorNoise

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

_MOST_STOPS = 12.0
"""Of the display's exposure."""


class RawTools(QObject):
    """Dialogs here, the work in the background."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self.ct = CtTools(window)

    # Simulation

    def do_simulate(self) -> None:
        document = self._window.document
        if document is not None and document.picture.kind is Kind.CT:
            self.ct.ask(document)
        if document is None or not has_sensor(document.picture):
            return
        picture, maps = document.picture, maps_of(document)
        fitted, bridge = maps.fitted if maps is not None else None, self._window.bridge

        def work(progress: Progress) -> Known:
            own = sensor_noise(picture, fitted)
            if own is None:
                raise StudioError("The noise of this picture's sensor is not known.")
            return Known(picture, own, cameras())

        bridge.run(
            bridge.background, work, lambda known: self._ask(document, known), self._failed, key="simulate"
        )

    def _ask(self, document: Document, known: Known) -> None:
        if document not in self._window.documents:
            return
        dialog = SimulateDialog(known, lambda path: self._load(dialog, path), self._window)
        dialog.wished.connect(lambda wish: self.simulate(document, known.own, wish))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _load(self, dialog: SimulateDialog, path: Path) -> None:
        """Have a profile read for a dialog that may be closed meanwhile."""
        bridge = self._window.bridge

        def done(profile: DarkProfile | None, text: str = "") -> None:
            if dialog in self._window.findChildren(SimulateDialog) and dialog.isVisible():
                dialog.take_profile(profile, text)

        bridge.run(
            bridge.files,
            lambda progress: load_dark_profile(path),
            done,
            lambda error: done(None, str(error)),
            key="dark profile",
        )

    def simulate(self, document: Document, own: SensorNoise, wish: Wish) -> None:
        """Make a new picture of a document's, with the noise that is wished; its reference is the old one."""
        picture = document.picture

        def work(progress: Progress) -> Picture:
            result = simulated(picture, own, wish, progress)
            estimated_noise(result)  # here, so that the window need not wait for it
            return result

        def done(result: Picture) -> None:
            new = Document(result)
            if wish.is_comparable:
                new.set_reference(picture)
            new.set_levels(_as_bright(document.levels, wish))
            self._window.add_document(new)
            line = result.history[-1]
            self._window.status.say(f"{line[0].upper()}{line[1:]}.", 12)

        self._window.files.run_job(work, done)

    # Dark frames

    def do_dark_frames(self) -> None:
        dialog = DarkFramesDialog(self._window.bridge, self.why_not, self._window)
        dialog.used.connect(self.use)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def why_not(self, profile: DarkProfile) -> str:
        """Why the picture shown cannot take a profile; "" if it can."""
        document = self._window.document
        if document is None:
            return "No picture is open"
        denoiser = get_denoiser(document.recipe.method)
        if dark_parameter(denoiser) is None:
            return f"{denoiser.name} takes no dark frames"
        return problem(profile, document.picture)

    def use(self, path: str) -> None:
        """Let the method of the picture shown take a profile, as one undoable step."""
        document = self._window.document
        if document is None:
            return
        recipe = with_profile(document.recipe, get_denoiser(document.recipe.method), Path(path))
        if recipe is not None:
            document.edit(recipe, "dark frames", Document.begin_gesture())
            self._window.status.say("The dark frames are taken off this picture before it is denoised.", 8)

    def _failed(self, error: Exception) -> None:
        self._window.files.complain(str(error))


def _as_bright(levels: Levels, wish: Wish) -> Levels:
    """Levels that show a picture of less light as bright as the one it was made of."""
    if wish.is_comparable:
        return levels
    return replace(levels, exposure=min(levels.exposure + math.log2(wish.ratio), _MOST_STOPS))
