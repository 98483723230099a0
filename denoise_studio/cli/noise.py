"""`noise`: how strong a picture's noise is, without a clean picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from denoise_studio.cli.printing import echo_json, echo_table

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture
    from denoise_studio.noise.blind import ChannelNoise, NoiseEstimate
    from denoise_studio.noise.sensor.as_estimate import MosaicEstimate

_MAPS = (".npy", ".tif", ".tiff")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--coarse", is_flag=True, help="Camera raw: without the second look through the network.")
@click.option(
    "--dark-frames",
    metavar="PROFILE",
    type=click.Path(path_type=Path),
    help="Camera raw: a profile of this camera's dark frames (see `dark-frames`).",
)
@click.option(
    "--map",
    "map_file",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Also write the sd at every pixel: float32, .npy or .tif.",
)
def noise(file: Path, as_json: bool, coarse: bool, dark_frames: Path | None, map_file: Path | None) -> None:
    """Estimate a picture's noise: sd by channel, brightness and place, and whether neighbours share it.

    Of camera raw: gain K in DN per electron, noise s without light, and black level, by class of pixels.
    """
    from denoise_studio.formats import open_picture

    if map_file is not None and map_file.suffix.lower() not in _MAPS:
        raise click.UsageError(f"A map is written as {', '.join(_MAPS)}, not as {map_file.name}.")
    picture = open_picture(file)
    estimate = _estimate(picture, coarse, dark_frames)
    if map_file is not None:
        _save_map(picture, estimate, map_file)
    if as_json:
        echo_json(estimate.describe())
    else:
        echo_table(_rows(picture, estimate))


def _estimate(picture: "Picture", coarse: bool, dark_frames: Path | None) -> "NoiseEstimate":
    from denoise_studio.noise.of_picture import estimate_noise

    if picture.mosaic is None or not picture.mosaic.is_bayer:
        if dark_frames is not None:
            raise click.UsageError(
                f"Dark frames are for camera raw of the Bayer pattern; {picture.name} is none."
            )
        return estimate_noise(picture)
    from denoise_studio.engine.measuring_sensor import measure_sensor

    return measure_sensor(picture, coarse, dark_frames)


def _sensor_rows(estimate: "MosaicEstimate") -> list[tuple[str, str]]:
    found = estimate.sensor
    rows = [("noise", f"sensor (Poisson and Gaussian), {found.stage} estimate")]
    for site in found.sites:
        numbers = (
            f"K {site.gain:.4g} DN, s {site.read:.4g} DN, black {site.black:.6g}, white {site.white:.6g}"
        )
        rows.append((site.name, f"{numbers}, confidence {site.confidence:.0%}"))
    low, high = found.black.interval
    judged = f"{found.black.offset:+.2f} DN by {found.black.source}, {low:+.2f} to {high:+.2f} possible"
    return [
        *rows,
        ("black level", judged),
        *(("note", text) for text in (found.black.warning, *found.notes) if text),
    ]


def _rows(picture: "Picture", estimate: "NoiseEstimate") -> list[tuple[str, str]]:
    from denoise_studio.noise.sensor.as_estimate import MosaicEstimate

    if isinstance(estimate, MosaicEstimate):
        return [("file", picture.name), *_sensor_rows(estimate)]
    shared = f"neighbours {estimate.correlation:+.2f}"
    if estimate.is_correlated:
        shared += f", length {estimate.correlation_length:.1f} px"
    return [
        ("file", picture.name),
        ("noise", estimate.model),
        *((channel.name, _channel(channel, estimate.unit)) for channel in estimate.channels),
        ("correlation", f"{shared} ({'correlated' if estimate.is_correlated else 'white'})"),
    ]


def _channel(channel: "ChannelNoise", unit: str) -> str:
    text = f"sd {channel.sigma:.3g}{f' {unit}' if unit else ''}, confidence {channel.confidence:.0%}"
    knots = list(zip(channel.intensities, channel.sigmas, strict=True))
    if channel.sigmas.min() < channel.sigmas.max():
        some = (knots[0], knots[len(knots) // 2], knots[-1])
        text += "; " + ", ".join(f"{sigma:.3g} at {intensity:.4g}" for intensity, sigma in some)
    return text


def _save_map(picture: "Picture", estimate: "NoiseEstimate", path: Path) -> None:
    from denoise_studio.core.picture import Picture
    from denoise_studio.formats import save_picture
    from denoise_studio.formats.registry import refuse_source

    refuse_source(picture, path)
    pixels = estimate.sd_map(picture.height, picture.width)
    save_picture(Picture(pixels, unit=picture.unit, spacing=picture.spacing), path)
