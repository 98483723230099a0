"""`denoise` and `replay`: make an output, make it again."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.printing import echo_json, number, report_progress
from denoise_studio.core.errors import FormatError, RecipeError

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture
    from denoise_studio.core.recipe import Recipe
    from denoise_studio.engine.export import ExportReport
    from denoise_studio.engine.render import Rendering

_LARGEST_SEED = 2**63 - 1


class Setting(click.ParamType):  # type: ignore[type-arg]
    """`NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        name, separator, text = str(value).partition("=")
        if not separator or not name.strip() or not text.strip():
            self.fail(f"{value!r} is not of the form NAME=VALUE.", param, ctx)
        return name.strip(), text.strip()


@click.command()
@click.argument("input", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; its ending chooses the format. OUT.recipe.json is written beside it.",
)
@click.option("--method", metavar="ID", help="Method; the default depends on the kind of picture.")
@click.option(
    "--set", "settings", type=Setting(), multiple=True, help="A parameter of the method (see `methods`)."
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="0 gives the input, 1 the method's result.",
)
@click.option(
    "--recipe",
    "recipe_file",
    metavar="R.json",
    type=click.Path(path_type=Path),
    help="Start from a recipe or from the record of another output; other options win over it.",
)
@click.option(
    "--noise-level",
    type=click.FloatRange(0, 1e12),
    metavar="SD",
    help="Noise sd in the picture's unit, instead of the estimate.",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16", "32"]),
    help="Bits a sample; 32 is floating point. Default: as IN; a result in NPY is always 32.",
)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="JPEG quality.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), help="Where to compute.  [default: auto]"
)
@click.option(
    "--seed",
    type=click.IntRange(0, _LARGEST_SEED),
    metavar="N",
    help="Seed of methods that draw random numbers.  [default: 0]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def denoise(input: Path, output: Path, bits: str | None, quality: int, as_json: bool, **wishes: Any) -> None:
    """Denoise the picture IN and save it as OUT.

    The source file is never written to, and a folder is never made.
    """
    if not output.parent.is_dir():
        raise FormatError(f"The folder {output.parent} does not exist.")
    from denoise_studio.engine.export import export
    from denoise_studio.engine.render import render_in_full
    from denoise_studio.formats import SaveOptions, encode_for, format_for, open_picture, refuse_source

    format_for(output)
    with report_progress() as progress:
        picture = open_picture(input, progress)
        refuse_source(picture, output)
        options = SaveOptions(bits=int(bits) if bits else None, quality=quality)
        recipe = _recipe(picture, **wishes)
        encode_for(picture, output, options)  # a format that cannot hold it says so before the work
        rendering = render_in_full(picture, recipe, progress)
        report = export(rendering, output, options)
    if as_json:
        from denoise_studio.engine.record import to_dict

        assert report.record is not None
        echo_json({"path": str(output), "record_path": str(report.record_path), **to_dict(report.record)})
    else:
        _print(rendering, report)


def _recipe(
    picture: "Picture",
    method: str | None,
    settings: tuple[tuple[str, str], ...],
    strength: float | None,
    recipe_file: Path | None,
    noise_level: float | None,
    device: str | None,
    seed: int | None,
) -> "Recipe":
    """What the options ask for: the file's recipe or the default one, with the options over it."""
    from denoise_studio.denoisers import get_denoiser
    from denoise_studio.engine.record import read_recipe
    from denoise_studio.engine.resolve import default_recipe

    recipe = read_recipe(recipe_file) if recipe_file is not None else default_recipe(picture)
    if method is not None and method != recipe.method:
        # Another method's parameters mean nothing to this one.
        recipe = recipe.replace(method=method, parameters=type(recipe.parameters)())
    try:
        denoiser = get_denoiser(recipe.method)
        for name, text in settings:
            recipe = recipe.with_parameter(name, denoiser.parameter(name).parse(text))
    except RecipeError as error:
        if method is None and not settings:
            raise  # the file's fault, not the command's
        raise click.UsageError(str(error)) from None
    given = {"strength": strength, "noise_level": noise_level, "device": device, "seed": seed}
    return recipe.replace(**{name: value for name, value in given.items() if value is not None})


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
