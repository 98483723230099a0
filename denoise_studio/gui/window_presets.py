"""Window presets: those that ship, and a person's own in the settings folder. Data, not code."""

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from denoise_studio.core.errors import StudioError
from denoise_studio.core.resources import resource
from denoise_studio.formats.files import write_bytes

log = logging.getLogger(__name__)

SHIPPED = ("presets", "windows.json")
LONGEST_NAME = 40
MOST = 40
_LARGEST = 100_000.0
_VERSION = 1


@dataclass(frozen=True)
class Preset:
    """A named window in HU.

    Raises:
        StudioError: it has no name, or numbers that are no window; one sentence.
    """

    name: str
    width: float
    level: float

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME or not self.name.isprintable():
            raise StudioError(f"A window preset needs a name of 1 to {LONGEST_NAME} characters.")
        numbers = math.isfinite(self.width) and math.isfinite(self.level)
        if not numbers or not 0 < self.width <= _LARGEST or abs(self.level) > _LARGEST:
            raise StudioError(f"The window preset {self.name} needs a width above 0 and a level, both in HU.")


class PresetStore:
    """The list of presets: the shipped one until a person changes it.

    Args:
        folder: of the settings; the file "windows.json" in it has the person's own list.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "windows.json"
        self.shipped = load(resource(*SHIPPED))
        self.presets = self._load()

    @property
    def changed(self) -> bool:
        """Whether the list is another one than the shipped."""
        return self.presets != self.shipped

    def _load(self) -> tuple[Preset, ...]:
        try:
            return load(self.path)
        except FileNotFoundError:
            return self.shipped
        except (OSError, StudioError) as error:
            log.info("window presets could not be read, the shipped ones are used: %s", error)
            return self.shipped

    def store(self, presets: tuple[Preset, ...]) -> None:
        """Use this list and keep it; the shipped list is kept by keeping none.

        Raises:
            StudioError: the disk refuses; the list is used all the same.
        """
        self.presets = presets
        entries = [{"name": p.name, "width": p.width, "level": p.level} for p in presets]
        content = {"version": _VERSION, "unit": "HU", "windows": entries}
        try:
            if not self.changed:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.path, json.dumps(content, indent=2, ensure_ascii=False).encode())
        except OSError as error:
            raise StudioError(f"The window presets could not be saved: {error.strerror}.") from error


def load(path: Path) -> tuple[Preset, ...]:
    """Read a list of presets.

    Raises:
        FileNotFoundError: there is none.
        StudioError: it is no such list; one sentence.
    """
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        entries = [Preset(str(e["name"]), float(e["width"]), float(e["level"])) for e in data["windows"]]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise StudioError(f"{path.name} holds no window presets.") from error
    return tuple(entries[:MOST])
