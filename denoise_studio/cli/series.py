"""`denoise` for a folder: every slice of a series into a new, derived one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.batch import outcome, stopping
from denoise_studio.cli.options import read_wishes
from denoise_studio.core.errors import FormatError, RecipeError, StudioError

if TYPE_CHECKING:
    from denoise_studio.core.series import Series
    from denoise_studio.engine.wishes import Wishes


def denoise_series(
    source: Path,
    folder: Path,
    saving: dict[str, Any],
    choice: int | None,
    jobs: int,
    force: bool,
    as_json: bool,
    **wishes: Any,
) -> int:
    """Denoise the series in a folder; the exit status."""
    from denoise_studio.cli.batch_printing import watcher
    from denoise_studio.engine.batch import run_series
    from denoise_studio.formats import SaveOptions

    wanted = _wishes(**wishes)
    saving["bits"] = int(saving["bits"]) if saving["bits"] else None
    options = SaveOptions(**saving)
    problems: list[str] = []
    with stopping() as progress:
        chosen = _chosen(source, choice, progress)
        for number, series in chosen:
            target = folder if len(chosen) == 1 else folder / f"series-{number}"
            if not as_json:
                _introduce(series, target)
            try:
                with watcher(as_json, progress) as shown:
                    report = run_series(
                        series, target, wishes=wanted, options=options, force=force, jobs=jobs,
                        progress=progress, watcher=shown,
                    )  # fmt: skip
                shown.end(report, target)
                if outcome(report):
                    return 130
            except StudioError as error:
                problems.append(f"series {number}: {error}" if len(chosen) > 1 else str(error))
    if problems:
        raise StudioError(" ".join(problems))
    return 0


def _wishes(**given: Any) -> "Wishes":
    wanted = read_wishes(**given)
    try:
        wanted.check()
    except RecipeError as error:
        if wanted.method is None and not wanted.settings:
            raise  # the file's fault, not the command's
        raise click.UsageError(str(error)) from None
    return wanted


def _chosen(source: Path, choice: int | None, progress: Any) -> list[tuple[int, "Series"]]:
    """The series to denoise, with their numbers."""
    from denoise_studio.formats import find_series

    found = list(enumerate(find_series(source, progress), 1))
    if choice is None:
        return found
    if choice > len(found):
        raise FormatError(f"{source} holds {len(found)} series, so there is no number {choice}.")
    return [found[choice - 1]]


def _introduce(series: "Series", target: Path) -> None:
    click.echo(f"{series.label} to {target}", err=True)
    for note in series.notes:
        click.echo(note, err=True)
