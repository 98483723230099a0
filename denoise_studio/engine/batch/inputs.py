"""Which files a batch takes: named ones, those in folders, and those that fit a pattern."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from denoise_studio.engine.batch.report import REPORT_NAME
from denoise_studio.engine.record import SUFFIX as RECORD_SUFFIX
from denoise_studio.engine.record import record_path
from denoise_studio.formats import all_formats


@dataclass(frozen=True)
class Found:
    """A file to try.

    Attributes:
        path: where it is.
        name: the same below its input root, with forward slashes: how reports call it.
        problem: why it cannot even be tried, "" if it can.
    """

    path: Path
    name: str
    problem: str = ""


def find_inputs(
    inputs: Iterable[str | os.PathLike[str]], folder: Path, *, recursive: bool = False
) -> list[Found]:
    """Every file once, in the order in which it was named.

    A folder gives what a format may read by its ending, and DICOM files without one; never hidden or
    temporary files, records, outputs of this program, or what is in the output folder below it.
    A file that is named is taken whatever it is called, one that fits a pattern whatever its ending is.

    Args:
        inputs: files, folders, or patterns such as `scans/**/*.dcm`.
        folder: where outputs go.
        recursive: take sub-folders of folders too; links to folders are not followed.
    """
    found: dict[Path, Found] = {}
    for word in inputs:
        for item in _expand(Path(word), folder, recursive):
            found.setdefault(Path(os.path.realpath(item.path)), item)
    return list(found.values())


def _expand(path: Path, folder: Path, recursive: bool) -> Iterator[Found]:
    if os.path.isdir(path):  # unlike Path.is_dir never an error
        yield from _walk(path, path, folder, recursive)
    elif os.path.lexists(path):
        if not (_is_ours(path) or (_is_output(path) and _inside(path, folder))):
            yield Found(path, path.name)
    elif glob.has_magic(str(path)):
        yield from _matching(path, folder, recursive)
    else:
        yield Found(path, path.name, f"{path.name} does not exist.")


def _matching(pattern: Path, folder: Path, recursive: bool) -> Iterator[Found]:
    """The files of a pattern that no shell has expanded; names are relative to its fixed beginning."""
    parts = pattern.parts[:-1]
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    root = Path(*parts[:fixed])
    matches = sorted(glob.glob(str(pattern), recursive=True))
    if not matches:
        yield Found(pattern, pattern.name, f"Nothing fits the pattern {pattern.name}.")
    for match in map(Path, matches):
        if os.path.isdir(match):
            yield from _walk(match, root, folder, recursive)
        elif not (_hidden(match.name) or _is_ours(match) or _is_output(match)):
            yield Found(match, match.relative_to(root).as_posix())


def _walk(top: Path, root: Path, folder: Path, recursive: bool) -> Iterator[Found]:
    """The pictures in a folder; a folder that cannot be read is one problem."""
    problems: list[OSError] = []
    suffixes = {suffix for each in all_formats() for suffix in each.suffixes}
    for place, folders, files in os.walk(top, onerror=problems.append):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if recursive and not _hidden(name) and not _same(here / name, folder)
        )
        for name in sorted(files):
            path = here / name
            if not (_hidden(name) or _is_ours(path) or _is_output(path)) and _is_picture(path, suffixes):
                yield Found(path, path.relative_to(root).as_posix())
    for error in problems:
        path = Path(error.filename)
        name = path.relative_to(root).as_posix()
        name = path.name if name == "." else name
        yield Found(path, name, f"The folder {name} cannot be read: {(error.strerror or '').lower()}.")


def _is_picture(path: Path, suffixes: set[str]) -> bool:
    """By its ending; scanners name DICOM files without one, or with numbers."""
    if path.suffix.lower() in suffixes:
        return True
    if path.suffix[1:].strip("0123456789") or path.name.upper() == "DICOMDIR" or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _hidden(name: str) -> bool:
    """Hidden or temporary: those that programs leave beside a file while they write it are hidden too."""
    return name.startswith((".", "~"))


def _is_ours(path: Path) -> bool:
    """Whether it is what a batch writes beside pictures."""
    return path.name.endswith(RECORD_SUFFIX) or path.name == REPORT_NAME


def _is_output(path: Path) -> bool:
    """Whether this program made it: its record is beside it."""
    return record_path(path).is_file()


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _same(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)
