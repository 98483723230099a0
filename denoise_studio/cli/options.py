"""Options that several commands have: what to do to a picture, and how to save it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from denoise_studio.engine.wishes import Wishes

_LARGEST_SEED = 2**63 - 1

Command = Callable[..., Any]


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


_RECIPE = (
    click.option("--method", metavar="ID", help="Method; the default depends on the kind of picture."),
    click.option(
        "--set", "settings", type=Setting(), multiple=True, help="A parameter of the method (see `methods`)."
    ),
    click.option(
        "--strength",
        type=click.FloatRange(0, 1),
        metavar="0..1",
        help="0 gives the input, 1 the method's result.",
    ),
    click.option(
        "--recipe",
        "recipe_file",
        metavar="R.json",
        type=click.Path(path_type=Path),
        help="Start from a recipe or from the record of another output; other options win over it.",
    ),
    click.option(
        "--noise-level",
        type=click.FloatRange(0, 1e12),
        metavar="SD",
        help="Noise sd in the picture's unit, instead of the estimate.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        help="Where to compute.  [default: auto]",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, _LARGEST_SEED),
        metavar="N",
        help="Seed of methods that draw random numbers.  [default: 0]",
    ),
)
_ACROSS = click.option(
    "--across",
    type=click.Choice(["each", "smoothed", "shared"]),
    help="What a method finds by itself in a series: for each slice alone, smoothed along the series, or "
    "the same for all.  [default: each]",
)
_SERIES = (
    _ACROSS,
    click.option(
        "--series",
        "choice",
        type=click.IntRange(1),
        metavar="N",
        help="Of a folder with several series this one, as `info` numbers them.",
    ),
    click.option(
        "--slice",
        "number",
        type=click.IntRange(1),
        metavar="N",
        help="Of a file with several slices this one alone; without it all go into one new file.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        metavar="N",
        help="Slices at a time, as far as memory allows.",
    ),
    click.option(
        "--force", is_flag=True, help="Render slices that are done, too; replace files without record."
    ),
)
_SAVING = (
    click.option(
        "--bits",
        type=click.Choice(["8", "16", "32"]),
        help="Bits a sample; 32 is floating point. Default: as IN; a result in NPY is always 32.",
    ),
    click.option(
        "--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="JPEG quality."
    ),
    click.option(
        "--develop",
        type=click.Choice(["display", "linear"]),
        help="Camera raw saved as PNG, JPEG or TIFF: sRGB, or linear Rec. 2020.  [default: linear for TIFF]",
    ),
    click.option(
        "--exposure",
        type=click.FloatRange(-8, 12),
        metavar="STOPS",
        default=0.0,
        help="Exposure of developed camera raw.  [default: 0]",
    ),
)


def recipe_options(command: Command) -> Command:
    """All that decides the recipe, `--method` to `--seed`; see `read_wishes`."""
    return _all(_RECIPE, command)


def series_options(command: Command) -> Command:
    """`--across` and how to go about a series, for commands that take one."""
    return _all(_SERIES, command)


def saving_options(command: Command) -> Command:
    """`--bits` and `--quality`."""
    return _all(_SAVING, command)


def anonymise_option(command: Command) -> Command:
    """`--anonymise`."""
    return click.option(
        "--anonymise",
        is_flag=True,
        help="DICOM without names, dates, identifiers and private tags (the standard's basic profile); the "
        "record names no source. Pixels stay as they are, with any text in them.",
    )(command)


def _all(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def read_wishes(recipe_file: Path | None, **given: Any) -> "Wishes":
    """What `recipe_options` were given.

    Raises:
        RecipeError: the recipe file cannot be read.
    """
    from denoise_studio.engine.record import read_recipe
    from denoise_studio.engine.wishes import Wishes

    return Wishes(recipe=None if recipe_file is None else read_recipe(recipe_file), **given)


def checked_wishes(**given: Any) -> "Wishes":
    """`read_wishes` for commands of many pictures: what makes no sense is said before the first is opened.

    Raises:
        RecipeError: the recipe file cannot be read, or what it asks for makes no sense.
        UsageError: what the options ask for makes no sense.
    """
    from denoise_studio.core.errors import RecipeError

    wanted = read_wishes(**given)
    try:
        wanted.check()
    except RecipeError as error:
        if wanted.method is None and not wanted.settings:
            raise  # the file's fault, not the command's
        raise click.UsageError(str(error)) from None
    return wanted
