"""`denoise` for a folder: every slice of a series into a new, derived one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.batch import outcome, stopping
from denoise_studio.cli.options import checked_wishes
from denoise_studio.cli.printing import echo_json, number
from denoise_studio.core.errors import FormatError, StudioError

if TYPE_CHECKING:
    from denoise_studio.core.progress import Progress
    from denoise_studio.core.series import Series
    from denoise_studio.formats import SaveOptions


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

    wanted = checked_wishes(**wishes)
    saving["bits"] = int(saving["bits"]) if saving["bits"] else None
    options = SaveOptions(**saving)
    problems: list[str] = []
    with stopping() as progress:
        chosen = _chosen(source, folder, choice, progress)
        for ordinal, series in chosen:
            target = folder if len(chosen) == 1 else folder / f"series-{ordinal}"
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
                problems.append(f"series {ordinal}: {error}" if len(chosen) > 1 else str(error))
    unread = dict.fromkeys(sentence for _, series in chosen for sentence in series.unread)
    if problems or unread:
        raise StudioError(" ".join([*problems, *unread]))
    return 0


def denoise_volume(
    series: "Series", output: Path, options: "SaveOptions", as_json: bool, progress: "Progress", **wishes: Any
) -> int:
    """Denoise all slices of a file into one new file; the exit status."""
    from denoise_studio.engine.render import describe
    from denoise_studio.engine.volume import save_volume

    report = save_volume(series, output, checked_wishes(**wishes), options, progress)
    saved = report.saved
    if as_json:
        echo_json(
            {
                "path": str(output),
                "recipe_path": str(report.recipe_path),
                "slices": report.slices,
                "clipped": saved.clipped,
                "dropped": list(saved.dropped),
            }
        )
        return 0
    click.echo(f"{output}: {report.slices} slices, {describe(report.recipe)}")
    if saved.clipped:
        click.echo(f"{number(saved.clipped, 'value')} beyond what the file can hold: clipped.")
    for sentence in saved.dropped:
        click.echo(sentence)
    click.echo(f"recipe: {report.recipe_path}")
    return 0


def list_series(source: Path, as_json: bool) -> None:
    """What `info` tells of a folder."""
    from denoise_studio.formats import find_series

    found = find_series(source)
    if as_json:
        echo_json({"series": [_described(series) for series in found]})
        return
    for ordinal, series in enumerate(found, 1):
        step = f", {series.step:g} mm apart" if series.step is not None else ""
        click.echo(f"{ordinal}: {series.label}, {series.shape[1]} x {series.shape[0]} px{step}")
        for note in series.notes:
            click.echo(f"   {note}")


def _described(series: "Series") -> dict[str, Any]:
    return {
        "label": series.label,
        "kind": series.kind.value,
        "shape": list(series.shape),
        "step_mm": series.step,
        "gantry_tilt_degrees": series.tilt,
        "notes": list(series.notes),
        "slices": [
            {
                "file": info.path.name,
                "frame": info.frame,
                "position_mm": info.position,
                "thickness_mm": info.thickness,
                "number": info.number,
            }
            for info in series.slices
        ],
    }


def _chosen(source: Path, folder: Path, choice: int | None, progress: Any) -> list[tuple[int, "Series"]]:
    """The series to denoise, with their numbers; what an earlier run has put into `folder` is none."""
    from denoise_studio.formats import find_series

    own = folder.resolve()
    series = find_series(source, progress)
    if not source.resolve().is_relative_to(own):
        series = [each for each in series if not each.slices[0].path.resolve().is_relative_to(own)]
    found = list(enumerate(series, 1))
    if choice is None:
        return found
    if choice > len(found):
        raise FormatError(f"{source} holds {len(found)} series, so there is no number {choice}.")
    return [found[choice - 1]]


def _introduce(series: "Series", target: Path) -> None:
    click.echo(f"{series.label} to {target}", err=True)
    for note in series.notes:
        click.echo(note, err=True)
