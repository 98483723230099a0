"""A whole series, slice by slice, into a new one; it goes on where an earlier run was ended."""

import os
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series
from denoise_studio.engine.batch.names import Task
from denoise_studio.engine.batch.report import Report
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
        FormatError: the folder is the source's, cannot be written, or the series is one file with
            several frames, which becomes one new file.
        StudioError: the wish makes no sense.
    """
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
            f"IM{index + 1:04d}.dcm",
            place=Place(series, index),
        )
        for index, info in enumerate(series.slices)
    ]
    try:
        return carry_out(
            tasks, folder, wishes, options, force=force, jobs=jobs, memory=memory, progress=progress,
            watcher=watcher,
        )  # fmt: skip
    finally:
        del stack


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
