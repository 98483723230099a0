"""The doors to the window: opening it, and drawing it into a file."""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from denoise_studio.core.errors import StudioError
from denoise_studio.core.recipe import Recipe

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)

_SNAPSHOT_PATIENCE = 300.0
"""Seconds that a snapshot waits for the picture to be finished."""


def launch(files: list[Path], sample: bool = False) -> int:
    """Open the window and run until it is closed; the exit status.

    Raises:
        StudioError: this Qt cannot run here; one sentence.
    """
    app = application("dark")
    from denoise_studio.core.resources import resource
    from denoise_studio.gui.autosave import left_behind
    from denoise_studio.gui.files import SAMPLE
    from denoise_studio.gui.main_window import MainWindow
    from denoise_studio.gui.settings import SettingsFile, recovery_folder

    settings = SettingsFile()
    window = MainWindow(settings, ask_before_closing=True)
    if settings.value.theme != "dark":
        window.set_theme(settings.value.theme)
    window.show()
    paths = [*files, *([resource(*SAMPLE)] if sample else [])]
    if paths:
        window.files.open(paths)
    window.files.recover(left_behind(recovery_folder()))
    status = app.exec()
    window.bridge.join()
    return status


def snapshot(file: Path, output: Path, recipe: Recipe | None, size: tuple[int, int], theme: str) -> None:
    """Draw the real window with a picture, finished, into a PNG; no display is needed.

    Raises:
        StudioError: the picture or the recipe is not usable, or the file cannot be written.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = application(theme)
    from denoise_studio.engine.resolve import resolve
    from denoise_studio.formats import open_picture
    from denoise_studio.formats.files import replacing
    from denoise_studio.gui.document import Document
    from denoise_studio.gui.main_window import MainWindow
    from denoise_studio.gui.settings import SettingsFile

    picture = open_picture(file)
    if recipe is not None:
        resolve(picture, recipe)  # a recipe that does not fit is said now, in one line
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(SettingsFile(Path(folder)), Path(folder))
        window.resize(*size)
        window.show()
        window.add_document(Document(picture, recipe))
        if recipe is not None and recipe.regions and window.document is not None:
            window.document.select(0)
        finished = wait_until_idle(app, window, _SNAPSHOT_PATIENCE)
        image = window.grab().toImage()
        window.close()
        window.bridge.join()
    if not finished:
        raise StudioError("The picture was not finished in time.")
    with replacing(output) as temporary:
        if not image.save(str(temporary)):
            raise StudioError(f"Cannot write {output}.")


def wait_until_idle(app: "QApplication", window: object, patience: float) -> bool:
    """Run the event loop until the window has nothing left to do, twice in a row."""
    deadline, quiet = time.monotonic() + patience, 0
    while time.monotonic() < deadline:
        app.processEvents()
        quiet = quiet + 1 if window.is_idle() else 0  # type: ignore[attr-defined]
        if quiet > 30:  # timers that fold edits together have fired by then
            return True
        time.sleep(0.01)
    return False


def application(theme_name: str) -> "QApplication":
    """The one QApplication, themed.

    On Windows torch must be loaded before Qt: afterwards its libraries cannot be found.

    Raises:
        StudioError: a Qt that crashes with this Python.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "win32":
        _splash_while_torch_loads()
    os.environ.setdefault("QT_API", "pyside6")
    import PySide6

    if sys.version_info < (3, 12) and PySide6.__version_info__[:2] >= (6, 12):
        raise StudioError("PySide6 6.12 crashes with Python 3.11; install PySide6-Essentials below 6.12.")
    from PySide6.QtWidgets import QApplication

    _keep_file_dialogs_silent()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Denoise Studio")
    app.setDesktopFileName("denoise-studio")
    app.setStyle("Fusion")
    from denoise_studio.gui import theme

    theme.apply(app, theme_name)
    return app


def _keep_file_dialogs_silent() -> None:
    """Qt's own file dialog writes the folders it was in to a file of Qt's; they may name patients."""
    from PySide6.QtCore import QSettings

    folder = tempfile.mkdtemp(prefix="denoise-studio-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)


def _splash_while_torch_loads() -> None:
    """A sign of life before Qt may be loaded: a bare Tk window, where Python has Tk."""
    try:
        import tkinter

        root: tkinter.Tk | None = tkinter.Tk()
        if root is not None:
            root.overrideredirect(True)
            tkinter.Label(root, text="Denoise Studio is starting …", padx=40, pady=24).pack()
            root.update()
    except Exception:  # no Tk, no screen: start without a splash
        root = None
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:
        log.info("torch cannot be loaded: %s", error)
    if root is not None:
        root.destroy()
