"""Where each output goes: below the folder, under a name of its own, never over a source."""

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from denoise_studio.core.errors import FormatError
from denoise_studio.core.series import Place
from denoise_studio.engine.batch.inputs import Found
from denoise_studio.engine.record import record_path
from denoise_studio.formats import Format, all_formats, format_for

SAME = "same"
_HEAD = 1024
_RAW_ENDING = ".dng"
"""What a camera's file becomes: makers' own formats are not written."""


@dataclass(frozen=True)
class Task:
    """One file and its output.

    Attributes:
        path: the source.
        name: how the report calls it.
        output: below the output folder, with forward slashes; "" if no format is known.
        problem: why nothing can be done, "" if something can.
        place: for a slice that is opened as one of its series.
    """

    path: Path
    name: str
    output: str = ""
    problem: str = ""
    place: Place | None = None


def plan(found: Sequence[Found], folder: Path, ending: str = SAME, suffix: str = "") -> list[Task]:
    """Give every file its output.

    Where two files would get one name, those with another ending than the output keep theirs inside
    it (`a.jpg` and `a.png` become `a.jpg.png` and `a.png`); where that is not enough, later ones are
    numbered (`a-2.png`).

    Args:
        found: from `find_inputs`.
        folder: where outputs go.
        ending: of outputs, without the dot; "same" takes each source's own, and DNG for camera raw.
        suffix: put behind the name, before the ending.

    Raises:
        FormatError: nothing is written with this ending, or the suffix is part of a path.
    """
    if ending != SAME:
        format_for(f"x.{ending}")
    if set(suffix) & set('/\\:\0*?"<>|'):
        raise FormatError(f"The suffix {suffix!r} cannot be part of a file name.")
    sources = {identity for item in found if (identity := _identity(item.path))}
    tasks = [_task(item, ending) for item in found]
    for index, name in _distinct(found, tasks, suffix).items():
        target = folder / name
        # The record is a file too.
        hits = any(_identity(path) in sources for path in (target, record_path(target)))
        problem = f"Its output would be written over a source file, {name}." if hits else ""
        tasks[index] = replace(tasks[index], output=name, problem=problem)
    return tasks


def _task(item: Found, ending: str) -> Task:
    """With the ending alone as its output, for now."""
    task = Task(item.path, item.name, problem=item.problem)
    if item.problem:
        return task
    return replace(task, output=f".{ending}" if ending != SAME else _own_ending(item.path))


def _own_ending(path: Path) -> str:
    """That of the source, if it is written; by its content, like opening. "" if it is no known format."""
    chosen = _format_of(path)
    own = path.suffix.lower()
    if chosen is None:
        return path.suffix if any(own in each.suffixes and each.can_write for each in all_formats()) else ""
    if chosen.can_write:
        return path.suffix if own in chosen.suffixes else chosen.suffixes[0]
    try:
        format_for(f"x{_RAW_ENDING}")
    except FormatError:
        return ""
    return path.suffix if own == _RAW_ENDING else _RAW_ENDING


def _format_of(path: Path) -> Format | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        return next((each for each in all_formats() if head and each.matches(head, path)), None)
    except OSError:
        return None


def _distinct(found: Sequence[Found], tasks: Sequence[Task], suffix: str) -> dict[int, str]:
    known = {ending for each in all_formats() for ending in each.suffixes}
    plain: dict[int, str] = {}
    longer: dict[int, str] = {}
    for index, (item, task) in enumerate(zip(found, tasks, strict=True)):
        if task.problem or not task.output:
            continue
        name, ending = PurePosixPath(item.name), task.output
        own = name.suffix if name.suffix.lower() in known else ""
        stem = name.name.removesuffix(own) + suffix
        plain[index] = str(name.parent / f"{stem}{ending}")
        same = own.lower() == ending.lower()
        longer[index] = plain[index] if same else str(name.parent / f"{stem}{own}{ending}")
    count = Counter(_key(name) for name in plain.values())
    wanted = {index: longer[index] if count[_key(name)] > 1 else name for index, name in plain.items()}
    return _numbered(wanted)


def _numbered(wanted: dict[int, str]) -> dict[int, str]:
    reserved = {_key(name) for name in wanted.values()}
    taken: set[str] = set()
    result = {}
    for index, name in wanted.items():
        path, free, number = PurePosixPath(name), name, 1
        while _key(free) in taken or (number > 1 and _key(free) in reserved):
            number += 1
            free = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        taken.add(_key(free))
        result[index] = free
    return result


def _key(name: str) -> str:
    """Names that some file systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
