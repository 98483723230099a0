"""A whole series, slice by slice, into a new one; it goes on where an earlier run was ended."""

import hashlib
import os
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series
from denoise_studio.engine.batch.names import Task
from denoise_studio.engine.batch.report import Report, read_report
from denoise_studio.engine.batch.runner import Watcher, carry_out
from denoise_studio.engine.stack import stack_of
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions

OWN_FOLDER = "denoise_studio"
"""Beside a series, where its results go when nobody says where."""


def run_series(
    series: Series,
    folder: str | os.PathLike[str],
    *,
    wishes: Wishes | None = None,
    options: SaveOptions | None = None,
    force: bool = False,
    jobs: int = 1,
    memory: int | None = None,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Denoise every slice of a series of single files and save them as one derived series.

    Files are named by the order of the slices (`IM0001.dcm`): no name of a source file, which may be a
    patient's, goes on. A slice that cannot be read costs one sentence in its entry.

    Args:
        series: from `formats.find_series`.
        folder: where outputs, their records and the report go; made if it is missing, never the
            source's own.
        wishes: what to do; None takes the default.
        options: `anonymise`, above all.
        force: render everything anew.
        jobs: slices at a time, as far as memory allows.
        memory: bytes that the slices may take.
        progress: told how far it is; its `cancel` ends it, with nothing half-written.
        watcher: told of every slice.

    Raises:
        FormatError: the folder is the source's, holds another series, cannot be written, or the series
            is one file with several frames, which becomes one new file.
        StudioError: the wish makes no sense.
    """
    from denoise_studio.formats.dicom_anonymise import plain_name  # pydicom only where it is needed

    folder = Path(folder)
    if any(info.frame is not None for info in series.slices):
        raise FormatError("A file with several frames becomes one new file; it is not saved slice by slice.")
    if any(_same(info.path.parent, folder) for info in series.slices):
        raise FormatError(f"{folder} is the folder of the source, which is never written to; choose another.")
    stack = stack_of(series)  # kept until the end: neighbours share what was opened and found
    hidden = options is not None and options.anonymise
    tasks = [
        Task(
            info.path,
            f"slice {index + 1}" if hidden else info.path.name,
            plain_name(index + 1),
            place=Place(series, index),
        )
        for index, info in enumerate(series.slices)
    ]
    source = "anonymised" if hidden else identity(series)
    try:
        return carry_out(
            tasks, folder, wishes, options, force=force, jobs=jobs, memory=memory, progress=progress,
            watcher=watcher, source=source, state=_state(series, wishes),
        )  # fmt: skip
    finally:
        del stack


def identity(series: Series) -> str:
    """A checksum that tells a series from another and nothing else about it."""
    slices = [f"{info.path.name}:{info.frame}" for info in series.slices]
    key = series.key or slices[0]
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _state(series: Series, wishes: Wishes | None) -> str:
    """Where a slice's result depends on its neighbours: a checksum of all files, as they are now."""
    ways = (wishes.across, wishes.recipe.across if wishes.recipe is not None else None) if wishes else ()
    if all(way in (None, "each") for way in ways):
        return ""
    found = [(info.path.name, info.frame, *_touched(info.path)) for info in series.slices]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _touched(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def folder_for(series: Series) -> Path:
    """Beside a series, a folder for its results that holds none of another series."""
    parent, number = series.slices[0].path.parent, 1
    while True:
        folder = parent / (OWN_FOLDER if number == 1 else f"{OWN_FOLDER}-{number}")
        try:
            before = read_report(folder)
        except FormatError:
            before = Report(files=[], source="somebody's own")
        if before is None or before.source == identity(series):
            return folder
        number += 1


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
