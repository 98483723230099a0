"""`measure`: numbers about a picture, or about how far it is from another."""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.printing import echo_json, echo_table
from denoise_studio.core.errors import MeasureError

if TYPE_CHECKING:
    from denoise_studio.core.region import Region
    from denoise_studio.metrics import Measurement
    from denoise_studio.metrics.judged import Judge
    from denoise_studio.metrics.residual import Residual
    from denoise_studio.metrics.risk import Risk


class Range(click.ParamType):  # type: ignore[type-arg]
    """`LO:HI`."""

    name = "LO:HI"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(":")
        try:
            low, high = (float(part) for part in parts)
        except ValueError:
            self.fail(f"{value!r} is no range such as -1000:400.", param, ctx)
        if not low < high:
            self.fail(f"{value!r} is no range: its lower end must come first.", param, ctx)
        return low, high


class Shape(click.ParamType):  # type: ignore[type-arg]
    """`box:X0,Y0,X1,Y1`, `ellipse:CX,CY,RX,RY[,DEGREES]` or `polygon:X,Y,...`, in pixels."""

    name = "SHAPE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from denoise_studio.core.errors import RecipeError
        from denoise_studio.core.region import Region

        if isinstance(value, Region):
            return value
        try:
            return _region(str(value))
        except RecipeError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        except (ValueError, TypeError):
            self.fail(
                f"{value!r} is no shape such as box:10,20,60,80, ellipse:64,64,20,20 or polygon:1,1,9,1,5,8.",
                param,
                ctx,
            )


def _region(text: str) -> "Region":
    """Raise `ValueError` or `TypeError` for what is no shape, `RecipeError` for one out of range."""
    from denoise_studio.core.region import Box, Ellipse, Polygon, Region

    kind, _, rest = text.partition(":")
    numbers = [float(part) for part in rest.split(",")]
    if kind == "polygon":
        return Region(shape=Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True))))
    shapes = {"box": Box, "ellipse": Ellipse}
    if kind not in shapes:
        raise ValueError(kind)
    return Region(shape=shapes[kind](*numbers))


@click.command()
@click.argument("test", type=click.Path(path_type=Path))
@click.argument("reference", required=False, type=click.Path(path_type=Path))
@click.option(
    "--metric",
    "names",
    metavar="NAME,...",
    multiple=True,
    help="Which; the default is all that fit and take seconds: iem up to 640 x 640 pixels, iem_square never.",
)
@click.option(
    "--range",
    "value_range",
    type=Range(),
    help="Data range of PSNR and SSIM; default: REFERENCE's nominal range, for CT -1024:3071.",
)
@click.option("--prior", help="Of iem and iem_square: network (the default), patch-gmm or gaussian.")
@click.option(
    "--gamma",
    type=Range(),
    help="Of iem and iem_square, in 1 / unit^2; default: 0:0.25 for values taken as [-1, 1], for CT "
    "0:6.25e-6 (400 HU).",
)
@click.option(
    "--sigma",
    type=click.FloatRange(min=0, min_open=True),
    help="Of sure and residual: sd of white noise that is known, in the picture's unit; default: estimated.",
)
@click.option(
    "--region",
    "regions",
    type=Shape(),
    multiple=True,
    help="Where region, cnr (two of them), nps, ttf, texture and mean_shift look, in pixels: "
    "box:X0,Y0,X1,Y1, ellipse:CX,CY,RX,RY[,DEGREES] or polygon:X,Y,X,Y,X,Y...",
)
@click.option(
    "--noise-of",
    type=click.Choice(["pooled", "background"]),
    help="Of cnr: which noise counts, both regions' or the second one's.  [default: pooled]",
)
@click.option(
    "--limit", type=click.FloatRange(min=0), help="Of mean_shift, in the picture's unit; default: 1 HU in CT."
)
@click.option(
    "--curve",
    "curve_file",
    metavar="OUT.csv",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the curve of nps or ttf.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def measure(
    test: Path,
    reference: Path | None,
    names: tuple[str, ...],
    value_range: tuple[float, float] | None,
    prior: str | None,
    gamma: tuple[float, float] | None,
    sigma: float | None,
    regions: "tuple[Region, ...]",
    noise_of: str | None,
    limit: float | None,
    curve_file: Path | None,
    as_json: bool,
) -> None:
    """Measure TEST against REFERENCE, or TEST alone.

    JSON knows no infinity: the PSNR of equal pictures is printed as "value": null with
    "infinite": true. Of iem, "error" is half the width of the interval that holds the value with
    95 % confidence, and "unit" that of gamma. sure and residual run TEST's method again: TEST has to be
    a result of this program, its record beside it. region, cnr, nps, ttf, texture and mean_shift are the
    measures of medical physics (docs/measurements.md), each measured where it is named; texture and
    mean_shift take the picture before as REFERENCE.
    """
    from denoise_studio.formats import open_picture
    from denoise_studio.metrics import measure as run

    chosen = [name for text in names for name in re.split(r"[,\s]+", text) if name] or None
    _check_names(chosen, prior)
    given = {
        "prior": prior,
        "gamma": gamma,
        "judge": _judge(test, sigma, chosen),
        "regions": regions or None,
        "noise_of": noise_of,
        "limit": limit,
    }
    options = {name: value for name, value in given.items() if value is not None}
    pictures = open_picture(test), open_picture(reference) if reference is not None else None
    found = run(*pictures, chosen, value_range, options)
    if curve_file is not None:
        _write_curve(found, curve_file)
    if as_json:
        echo_json({name: measurement.describe() for name, measurement in found.items()})
    else:
        echo_table([(name, _number(measurement)) for name, measurement in found.items()])


def _write_curve(found: "dict[str, Measurement]", path: Path) -> None:
    from denoise_studio.engine.tables import Table
    from denoise_studio.formats.files import write_bytes
    from denoise_studio.metrics.physics.metrics import CURVE

    curves = [measurement.extra[CURVE] for measurement in found.values() if CURVE in measurement.extra]
    if len(curves) != 1:
        raise click.UsageError("--curve writes one curve: name nps or ttf.")
    rows = tuple(zip(*curves[0]["columns"], strict=True))
    write_bytes(path, Table(tuple(curves[0]["heads"]), rows).csv().encode())


def _judge(test: Path, sigma: float | None, names: list[str] | None) -> "Judge | None":
    """What `sure` and `residual` need, if one of them is asked for."""
    from denoise_studio.metrics import get_metric
    from denoise_studio.metrics.judged import JUDGE

    if not any(JUDGE in get_metric(name).options for name in names or ()):
        if sigma is not None:
            raise click.UsageError("--sigma is for sure and residual: name one of them.")
        return None

    @functools.cache
    def judge() -> "tuple[Risk, Residual]":
        from denoise_studio.engine.judging import risk_of
        from denoise_studio.engine.replay import recorded
        from denoise_studio.formats import open_picture

        record, source = recorded(test)
        found = risk_of(open_picture(source), record.recipe, sigma=sigma)
        return found.risk, found.residual

    return judge


def _check_names(metrics: list[str] | None, prior: str | None) -> None:
    from denoise_studio.metrics import get_metric
    from denoise_studio.metrics.iem.priors import get_prior

    try:
        for name in metrics or ():
            get_metric(name)
        if prior is not None:
            get_prior(prior)
    except MeasureError as error:
        raise click.UsageError(str(error)) from None


def _number(measurement: "Measurement") -> str:
    extra = measurement.extra
    if measurement.value is None:
        return f"none: {extra.get('why', '')}"
    text = f"{measurement.value:.6g}"
    if "error" in extra:
        text += f" ± {extra['error']:.2g}"
    unit = measurement.unit or ("" if "also" not in extra else extra.get("unit", ""))
    text += f" {unit}" if unit else ""
    if "range" in extra:
        low, high = extra["range"]
        text += f"  (range {low:g} to {high:g}, {extra['range_from']})"
    if "prior" in extra:
        low, high = extra["gamma"]
        text += (
            f"  (prior {extra['prior']}: {extra['trained_on']}; gamma {low:g} to {high:g}, {extra['unit']})"
        )
    if "also" in extra:
        text += f"  ({extra['also']})"
    if "psnr_low" in extra:
        low, high = (_end(extra[name]) for name in ("psnr_low", "psnr_high"))
        text += f"  (95 %: {low} to {high} dB; keeps {extra['freedom']:.1%} of the freedom)"
    doubt = extra.get("why") or extra.get("warning")
    text += f"  ⚑ {doubt}" if doubt else ""
    return f"{text}  {extra.get('compares', measurement.compares)}"


def _end(value: float | None) -> str:
    return "∞" if value is None else f"{value:.2f}"
