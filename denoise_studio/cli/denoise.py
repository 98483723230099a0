"""`denoise` and `replay`: make an output, make it again."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.options import (
    anonymise_option,
    read_wishes,
    recipe_options,
    saving_options,
    series_options,
)
from denoise_studio.cli.printing import echo_json, number, report_progress
from denoise_studio.core.errors import FormatError, RecipeError

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture
    from denoise_studio.core.recipe import Recipe
    from denoise_studio.engine.export import ExportReport
    from denoise_studio.engine.render import Rendering


@click.command()
@click.argument("input", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; its ending chooses the format. OUT.recipe.json is written beside it. "
    "For a series the folder of the new one, made if it is missing.",
)
@recipe_options
@saving_options
@anonymise_option
@series_options
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON; of a series a line a slice.")
def denoise(
    input: Path,
    output: Path,
    bits: str | None,
    quality: int,
    develop: str | None,
    exposure: float,
    anonymise: bool,
    as_json: bool,
    choice: int | None,
    number: int | None,
    jobs: int,
    force: bool,
    **wishes: Any,
) -> int:
    """Denoise the picture IN and save it as OUT.

    The source file is never written to, and for a single picture a folder is never made.

    IN may be a folder with the slices of a series, or a DICOMDIR. OUT is then the folder of the new,
    derived series; where IN holds several, each gets a folder of its own in OUT. Run again with the
    same words, it skips the slices that are done (not of an anonymised series). A file with several
    slices (enhanced DICOM, NIfTI) becomes one new file.
    """
    if input.is_dir() or input.name.upper() == "DICOMDIR":
        from denoise_studio.cli.series import denoise_series

        saving = {"bits": bits, "quality": quality, "develop": develop, "exposure": exposure}
        saving["anonymise"] = anonymise
        return denoise_series(input, output, saving, choice, jobs, force, as_json, **wishes)
    if not output.parent.is_dir():
        raise FormatError(f"The folder {output.parent} does not exist.")
    from denoise_studio.cli.series import denoise_volume
    from denoise_studio.engine.export import export
    from denoise_studio.engine.outgoing import require_room
    from denoise_studio.engine.render import render_in_full
    from denoise_studio.engine.volume import is_volume
    from denoise_studio.formats import SaveOptions, format_for, open_picture, refuse_source

    chosen = format_for(output)
    with report_progress() as progress:
        picture = open_picture(input, progress)
        refuse_source(picture, output)
        options = SaveOptions(
            int(bits) if bits else None, quality, develop=develop, exposure=exposure, anonymise=anonymise
        )
        if picture.place is not None and is_volume(picture.place.series):
            series = picture.place.series
            if number is None:
                return denoise_volume(series, output, options, as_json, progress, **wishes)
            if number > len(series):
                raise FormatError(f"{input.name} has {len(series)} slices; there is no slice {number}.")
            picture = series.open(number - 1, progress)
        recipe = _recipe(picture, **wishes)
        require_room(picture, chosen, options)
        rendering = render_in_full(picture, recipe, progress)
        report = export(rendering, output, options)
    if as_json:
        from denoise_studio.engine.record import to_dict

        assert report.record is not None
        echo_json({"path": str(output), "record_path": str(report.record_path), **to_dict(report.record)})
    else:
        _print(rendering, report)
    return 0


def _recipe(picture: "Picture", recipe_file: Path | None, **wishes: Any) -> "Recipe":
    """What the options ask for: the file's recipe or the default one, with the options over it."""
    wanted = read_wishes(recipe_file, **wishes)
    try:
        return wanted.recipe_for(picture)
    except RecipeError as error:
        if wanted.method is None and not wanted.settings:
            raise  # the file's fault, not the command's
        raise click.UsageError(str(error)) from None


def _print(rendering: "Rendering", report: "ExportReport") -> None:
    from denoise_studio.engine.maps import spreads
    from denoise_studio.engine.render import describe

    click.echo(f"{report.path}: {describe(rendering.recipe)}")
    click.echo(f"{rendering.device.name}, tiles of {rendering.tile} px, {rendering.milliseconds:.0f} ms")
    if rendering.fitted is not None:
        click.echo(
            f"found in the picture: {rendering.fitted.note}" if rendering.fitted.note else "maps found"
        )
        for name, found in spreads(rendering.picture, rendering.recipe, rendering.fitted).items():
            click.echo(f"  {name}: {found.low:.3g} to {found.high:.3g}, median {found.median:.3g}")
    if rendering.fallback:
        click.echo(rendering.fallback)
    if report.clipped:
        click.echo(f"{number(report.clipped, 'value')} beyond what the file can hold: clipped.")
    for sentence in report.dropped:
        click.echo(sentence)
    click.echo(f"record: {report.record_path}")


@click.command()
@click.argument("output", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option(
    "--input", type=click.Path(path_type=Path), metavar="FILE", help="The source, if it was moved since."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def replay(output: Path, input: Path | None, as_json: bool) -> int:
    """Render OUTPUT again from its record and compare every pixel.

    Exit status 0 if all are equal, 1 with the largest difference if not.
    """
    from denoise_studio.engine.replay import replay as run

    with report_progress() as progress:
        result = run(output, input, progress)
    if as_json:
        echo_json(
            {
                "equal": result.equal,
                "largest_difference": result.largest_difference,
                "count_different": result.count_different,
                "message": result.message,
            }
        )
    if not result.equal:
        raise RecipeError(result.message)
    if not as_json:
        click.echo(result.message)
    sys.stdout.flush()
    return 0
