"""Autosave of edits, and the offer to recover them after a crash. Recipes and paths, no pixels."""

import logging
import os
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from denoise_studio.core.errors import StudioError
from denoise_studio.engine.project import SUFFIX, Project, save_project

log = logging.getLogger(__name__)

_AFTER_EDIT = 1500
"""Milliseconds of quiet after an edit before it is saved."""


class Autosave(QObject):
    """Writes the open edits to a file named by this process; removes it at a good end."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = folder / f"{os.getpid()}-{id(self):x}{SUFFIX}"
        self._project = Project()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_EDIT)
        self._timer.timeout.connect(self.save_now)

    def remember(self, project: Project) -> None:
        """Save this soon."""
        self._project = project
        self._timer.start()

    def save_now(self) -> None:
        self._timer.stop()
        if not self._project.pictures:
            self.forget()
            return
        try:
            # Paths of scans may tell whose they are: nobody else looks in here.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            save_project(self._project, self.path)
        except (StudioError, OSError) as error:
            log.info("the autosave failed: %s", error)

    def forget(self) -> None:
        """The program ends well, or nothing is open: nothing to recover."""
        self._timer.stop()
        self.path.unlink(missing_ok=True)


def left_behind(folder: Path) -> list[Path]:
    """Autosaves of processes that are gone, newest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.glob(f"*{SUFFIX}") if not _alive(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _alive(path: Path) -> bool:
    """Whether the process that wrote an autosave still runs."""
    try:
        number = int(path.name.split("-")[0])
    except ValueError:
        return False
    if number == os.getpid():
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return os.name != "nt"  # on Windows an unknown process raises a plain OSError
    return True
