"""`batch`: many pictures with one wish."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.options import checked_wishes, recipe_options, saving_options
from denoise_studio.core.errors import StudioError
from denoise_studio.core.progress import Progress

if TYPE_CHECKING:
    from denoise_studio.engine.batch import Report

_SHOWN = 5
"""Files that a one-line failure names; the summary names all."""


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the outputs, their records and batch-report.json; made if it is missing.",
)
@click.option("-r", "--recursive", is_flag=True, help="Take sub-folders too; they are kept below DIR.")
@click.option(
    "--format",
    "ending",
    type=click.Choice(["same", "dng", "tif", "png", "jpg", "dcm", "npy"]),
    default="same",
    show_default=True,
    help="Format of outputs; same is each source's own, DNG for camera raw.",
)
@click.option("--suffix", default="", metavar="TEXT", help="Put behind each name, before its ending.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Pictures at a time, as far as memory allows.",
)
@click.option("--force", is_flag=True, help="Render what is done, too; replace outputs without record.")
@recipe_options
@saving_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a line a file, and one at the end.")
def batch(
    inputs: tuple[str, ...],
    folder: Path,
    recursive: bool,
    ending: str,
    suffix: str,
    jobs: int,
    force: bool,
    bits: str | None,
    quality: int,
    develop: str | None,
    exposure: float,
    as_json: bool,
    **wishes: Any,
) -> int:
    """Denoise many pictures into the folder DIR.

    IN is a file, a folder, or a pattern in quotes ('scans/**/*.dcm'). Run again with the same words, it
    skips what is done: same input, same wish, output still there. A file that fails costs one sentence.

    --json: {"event": "file", ...} for every file as it ends, at last {"event": "end", ...} with the totals.
    """
    from denoise_studio.cli.batch_printing import watcher
    from denoise_studio.engine.batch import run
    from denoise_studio.formats import SaveOptions

    wanted = checked_wishes(**wishes)
    options = SaveOptions(int(bits) if bits else None, quality, develop=develop, exposure=exposure)
    with stopping() as progress, watcher(as_json, progress) as shown:
        report = run(
            inputs,
            folder,
            wishes=wanted,
            options=options,
            ending=ending,
            suffix=suffix,
            recursive=recursive,
            force=force,
            jobs=jobs,
            progress=progress,
            watcher=shown,
        )
    shown.end(report, folder)
    return outcome(report)


def outcome(report: "Report") -> int:
    """The exit status; a failure is raised, for the program to print as its one line."""
    totals = report.totals
    through = f"{totals.files - totals.left} of {totals.files} files are through"
    if report.stopped:
        raise StudioError(f"{report.stopped.rstrip('.')}; {through}. Run the same command again to go on.")
    if report.cancelled:
        click.echo(f"denoise-studio: Cancelled; {through}. Run the same command again to go on.", err=True)
        return 130
    if totals.failed:
        names = ", ".join(entry.input for entry in report.failures[:_SHOWN])
        more = f" and {totals.failed - _SHOWN} more" if totals.failed > _SHOWN else ""
        raise StudioError(f"{totals.failed} of {totals.files} files failed: {names}{more}.")
    return 0


@contextlib.contextmanager
def stopping() -> Iterator[Progress]:
    """A `Progress` that Ctrl-C, or the system's wish to end, cancels instead of breaking in anywhere."""
    progress = Progress()
    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield progress
        return
    words = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(word, lambda *_: progress.cancel()) for word in words]
    try:
        yield progress
    finally:
        for word, handler in zip(words, before, strict=True):
            signal.signal(word, handler)
