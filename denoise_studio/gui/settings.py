"""What the program remembers between starts: a small JSON file, no patient data unless asked."""

import json
import logging
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_state_path

from denoise_studio.core.errors import StudioError
from denoise_studio.formats.files import write_bytes

log = logging.getLogger(__name__)

_APP = "denoise-studio"
_RECENT = 12


@dataclass(frozen=True)
class Settings:
    """Preferences.

    Args:
        theme: "dark" or "light".
        recent: paths of pictures and projects, newest first.
        remember_medical: whether DICOM paths may enter `recent`.
        memory_mb: budget for kept results.
        knee: whether the knee plot is unfolded.
        mouse: what every button does; see `gui.mouse.Habits`.
        corners: whether texts, letters, scale and marks lie over the pictures.
        scale_bar: whether a millimetre scale is among them.
        probe: whether the values under the cursor stand beside it too.
    """

    theme: str = "dark"
    recent: list[str] = field(default_factory=list)
    remember_medical: bool = False
    memory_mb: int = 1024
    knee: bool = False
    mouse: dict[str, Any] = field(default_factory=dict)
    corners: bool = True
    scale_bar: bool = True
    probe: bool = False

    def with_recent(self, path: Path) -> "Settings":
        text = str(path.resolve())
        return replace(self, recent=[text, *(old for old in self.recent if old != text)][:_RECENT])


class SettingsFile:
    """Settings kept in a file; a broken file counts as none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_config_path(_APP)
        self.path = self.folder / "settings.json"
        self.value = self._load()

    @property
    def presets(self) -> Path:
        return self.folder / "presets"

    def _load(self) -> Settings:
        try:
            data: Any = json.loads(self.path.read_text("utf-8"))
            known = {f.name: type(getattr(Settings(), f.name)) for f in fields(Settings)}
            return Settings(**{k: v for k, v in data.items() if k in known and isinstance(v, known[k])})
        except FileNotFoundError:
            return Settings()
        except (OSError, ValueError, AttributeError) as error:
            log.info("settings could not be read and start anew: %s", error)
            return Settings()

    def change(self, **changes: Any) -> None:
        """Change and save; a disk that refuses loses only the memory of it."""
        self.store(replace(self.value, **changes))

    def store(self, value: Settings) -> None:
        self.value = value
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self.path, json.dumps(asdict(value), indent=2).encode())
        except (OSError, StudioError) as error:
            log.info("settings could not be saved: %s", error)


def recovery_folder() -> Path:
    """Where autosaves lie until the program ends well."""
    return user_state_path(_APP) / "recovery"
