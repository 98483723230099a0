"""Project files: which pictures are open, what was decided for each, and how they were looked at.

A project is JSON with the ending ".dstudio". It holds no pixels: pictures are named by their
path relative to the project file, so that a folder can be moved as a whole.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from denoise_studio.core import recipe as recipes
from denoise_studio.core.errors import FormatError, RecipeError, StudioError
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.record import relative
from denoise_studio.formats.files import file_sha256, write_bytes

FORMAT = "denoise-studio-project"
VERSION = 1
SUFFIX = ".dstudio"

_LARGEST_FILE = 256 * 1024 * 1024


@dataclass(frozen=True)
class ProjectPicture:
    """A picture of a project.

    Args:
        path: the file, absolute once loaded.
        sha256: the file's checksum when the project was saved, if it was taken.
        recipe: what was decided.
        view: the window's own state for it (window/level, zoom, ...), JSON types; no other
            floor looks inside.
        reference: what it is compared with, absolute once loaded.
    """

    path: Path
    sha256: str | None
    recipe: Recipe
    view: Mapping[str, Any] = field(default_factory=dict)
    reference: Path | None = None

    def problem(self) -> str:
        """Why the picture is not what it was: missing or changed; "" if all is well.

        Reads the whole file if there is a checksum: call it in a job.
        """
        if not self.path.is_file():
            return f"{self.path} does not exist."
        if self.sha256 is None:
            return ""
        try:
            found = file_sha256(self.path)
        except OSError as error:
            return f"Cannot read {self.path}: {(error.strerror or str(error)).lower()}."
        return "" if found == self.sha256 else f"{self.path.name} has changed since the project was saved."


@dataclass(frozen=True)
class Project:
    """The pictures in the order of the list, and which of them is shown (-1 if none is)."""

    pictures: tuple[ProjectPicture, ...] = ()
    current: int = -1


class _StoredPicture(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    recipe: Any
    sha256: str | None = None
    view: dict[str, Any] = {}
    reference: str | None = None


class _StoredProject(msgspec.Struct):
    pictures: list[_StoredPicture]
    current: int


def save_project(project: Project, path: str | os.PathLike[str]) -> None:
    """Write a project file, beside the target and then renamed.

    Raises:
        FormatError: the target is one of the pictures, or writing failed; what was there
            before is then still there.
    """
    path = Path(path)
    for picture in project.pictures:
        if path.exists() and picture.path.exists() and path.samefile(picture.path):
            raise FormatError(f"{path.name} is one of the pictures, which are never overwritten.")
    body = {
        "format": FORMAT,
        "version": VERSION,
        "current": project.current,
        "pictures": [
            {
                "path": relative(picture.path, path.parent),
                "sha256": picture.sha256,
                "recipe": recipes.to_dict(picture.recipe),
                "view": dict(picture.view),
                "reference": relative(picture.reference, path.parent) if picture.reference else None,
            }
            for picture in project.pictures
        ],
    }
    write_bytes(path, msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")


def load_project(path: str | os.PathLike[str]) -> Project:
    """Read a project file. Pictures that are missing are still in it: see `ProjectPicture.problem`.

    Raises:
        FormatError: it cannot be read, is no project, or has an unknown version.
        RecipeError: a picture's recipe is not valid.
    """
    path = Path(path)
    data = _load(path)
    try:
        stored = msgspec.convert(data, _StoredProject)
    except msgspec.ValidationError as error:
        raise FormatError(f"{path.name} is not a valid project: {error}.") from None
    folder = path.resolve().parent
    pictures = tuple(_picture(item, folder, path.name) for item in stored.pictures)
    current = stored.current if 0 <= stored.current < len(pictures) else min(0, len(pictures) - 1)
    return Project(pictures, current)


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FormatError(f"{path.name} is too large for a project.")
        text = path.read_bytes()
    except OSError as error:
        raise FormatError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(f"{path.name} is not a project of Denoise Studio.")
    if data.get("version") != VERSION:
        raise FormatError(
            f"{path.name} is a project of version {data.get('version')!r}; "
            f"this program reads version {VERSION}."
        )
    return data


def _picture(stored: _StoredPicture, folder: Path, name: str) -> ProjectPicture:
    try:
        recipe = recipes.from_dict(stored.recipe)
    except StudioError as error:
        raise RecipeError(f"{name}, picture {Path(stored.path).name}: {error}") from None
    # normpath, not resolve: the user's own names for folders stay.
    path, reference = (
        Path(os.path.normpath(folder / name)) if name else None for name in (stored.path, stored.reference)
    )
    assert path is not None
    return ProjectPicture(path, stored.sha256, recipe, stored.view, reference)
