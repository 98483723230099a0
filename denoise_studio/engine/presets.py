"""Named presets: a method with its parameters, kept as one small JSON file each."""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Any

import msgspec

from denoise_studio.core import recipe as recipes
from denoise_studio.core.errors import FormatError, RecipeError
from denoise_studio.core.recipe import Recipe
from denoise_studio.formats.files import write_bytes

log = logging.getLogger(__name__)

FORMAT = "denoise-studio-preset"
VERSION = 1

_LONGEST_NAME = 100
_LARGEST_FILE = 64 * 1024 * 1024


def save_preset(
    folder: str | os.PathLike[str], name: str, recipe: Recipe, *, keep_regions: bool = False
) -> Path:
    """Keep a recipe under a name; a preset of the same name is replaced.

    Args:
        folder: where presets are; made if it is missing (it is the program's own).
        name: what the user calls it.
        recipe: method, parameters, noise level and strength are kept; the device is not, since
            it belongs to the machine.
        keep_regions: keep the regions too; they belong to one picture, so they mostly are not.

    Returns:
        The file.

    Raises:
        FormatError: the name is empty or too long, or the file cannot be written.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise FormatError(f"A preset needs a name of 1 to {_LONGEST_NAME} characters.")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"Cannot make {folder}: {(error.strerror or str(error)).lower()}.") from None
    kept = recipe.replace(device="auto", regions=recipe.regions if keep_regions else ())
    body = {"format": FORMAT, "version": VERSION, "name": name, "recipe": recipes.to_dict(kept)}
    path = folder / _file_name(name)
    write_bytes(path, msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")
    return path


def delete_preset(folder: str | os.PathLike[str], name: str) -> None:
    """Forget a preset; nothing happens if there is none of that name.

    Raises:
        FormatError: its file cannot be removed.
    """
    for path, found, _ in _all(Path(folder)):
        if found == name:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise FormatError(
                    f"Cannot remove {path}: {(error.strerror or str(error)).lower()}."
                ) from None


def load_presets(folder: str | os.PathLike[str]) -> list[tuple[str, Recipe]]:
    """Every preset in a folder by name; files that are none are skipped with a line in the log.

    A folder that does not exist has none.
    """
    found = [(name, recipe) for _, name, recipe in _all(Path(folder))]
    return sorted(found, key=lambda item: item[0].casefold())


def _all(folder: Path) -> list[tuple[Path, str, Recipe]]:
    result = []
    for path in sorted(folder.glob("*.json")):
        try:
            result.append((path, *_load(path)))
        except (RecipeError, OSError) as error:
            log.warning("the preset %s is skipped: %s", path.name, error)
    return result


def _load(path: Path) -> tuple[str, Recipe]:
    if path.stat().st_size > _LARGEST_FILE:
        raise RecipeError("It is too large.")
    try:
        data: Any = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecipeError("It holds no valid JSON.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RecipeError("It is not a preset.")
    if data.get("version") != VERSION:
        raise RecipeError(f"It has version {data.get('version')!r}, not {VERSION}.")
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise RecipeError("It has no name.")
    return name, recipes.from_dict(data.get("recipe"))


def _file_name(name: str) -> str:
    """A file name that every system takes, and that no two names share."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40] or "preset"
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.json"
