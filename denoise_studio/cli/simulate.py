"""`simulate`: how a raw file would look at a higher ISO or in less light, or a CT slice with less dose."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.printing import report_progress
from denoise_studio.cli.simulate_ct import NAMES, dose_options, read_wish, simulate_dose

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture
    from denoise_studio.core.types import FloatArray
    from denoise_studio.noise.sensor.camera_noise import CameraNoise
    from denoise_studio.noise.sensor.model import SensorNoise

_ABOVE_0 = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("file", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="File to write; for a series the folder of the new one.",
)
@dose_options
@click.option(
    "--camera", metavar="NAME", help="A published calibration, for example SonyA7S2 (with --iso or --gain)."
)
@click.option("--iso", type=_ABOVE_0, metavar="N", help="ISO to be simulated.")
@click.option("--gain", type=_ABOVE_0, metavar="K", help="Gain to be simulated, DN per electron.")
@click.option(
    "--read", type=click.FloatRange(0), metavar="S", help="Read noise to be simulated, DN (with --gain)."
)
@click.option(
    "--dark-profile",
    metavar="PROFILE",
    type=click.Path(path_type=Path),
    help="The camera's own read noise, from `dark-frames` (with --gain, and --iso unless IN's own).",
)
@click.option(
    "--exposure-ratio", type=_ABOVE_0, default=1.0, metavar="R", help="Divide the light by this first."
)
@click.option("--brighten", is_flag=True, help="Multiply the result by the exposure ratio again.")
@click.option("--source-gain", type=_ABOVE_0, metavar="K", help="Gain of the noise that IN has already.")
@click.option("--source-read", type=click.FloatRange(0), metavar="S", help="Its read noise, DN.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the noise.")
def simulate(file: Path, output: Path, **options: Any) -> None:
    """Add noise: to a raw file as if at a higher ISO or in less light, to CT as if with less dose.

    Of the noise told with --source-gain and --source-read only what is missing is added; without
    them a raw IN is taken as clean.

    With --dose IN is a CT slice, a file with several, or a folder with a series. The noise is made in
    the projections; its strength is matched to the noise that IN has. Seeds differ from slice to slice.
    """
    if options["dose"] is not None:
        _check_dose(options)
        simulate_dose(file, output, read_wish(options))
        return
    for name in NAMES:
        if options.pop(name) is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --dose.")
    from denoise_studio.core.errors import FormatError
    from denoise_studio.formats import open_picture, save_picture
    from denoise_studio.formats.registry import format_for, refuse_source
    from denoise_studio.noise.sensor.simulate import Exposure
    from denoise_studio.noise.sensor.simulate import simulate as simulated

    _check(options)
    format_for(output)
    with report_progress() as progress:
        picture = open_picture(file, progress.part(0, 0.4))
        refuse_source(picture, output)
        if picture.mosaic is None:
            raise FormatError(f"{file.name} is not what a camera's sensor saw (a raw file).")
        progress.report(0.4, "Adding noise")
        noise, dark = _noise(picture, options)
        exposure = Exposure(options["exposure_ratio"], options["brighten"], options["seed"])
        result = simulated(picture, noise, exposure, _source(picture, options), dark)
        progress.report(0.9, "Saving")
        report = save_picture(result, output)
    click.echo(result.history[-1])
    for sentence in report.dropped:
        click.echo(sentence)


def _check_dose(options: dict[str, Any]) -> None:
    """Nothing of camera raw goes with a dose."""
    raw = ("camera", "iso", "gain", "read", "dark_profile", "source_gain", "source_read")
    found = [name for name in raw if options[name] is not None]
    if found or options["brighten"] or options["exposure_ratio"] != 1:
        name = found[0] if found else "brighten" if options["brighten"] else "exposure_ratio"
        raise click.UsageError(f"--{name.replace('_', '-')} is for camera raw, --dose for CT.")


def _check(options: dict[str, Any]) -> None:
    """What goes together; one way to tell the noise."""
    ways = [options["camera"], options["dark_profile"], options["read"]]
    if sum(way is not None for way in ways) != 1:
        raise click.UsageError("Tell the noise in one way: --camera, --dark-profile, or --gain with --read.")
    if options["camera"] is not None and (options["iso"] is None) == (options["gain"] is None):
        raise click.UsageError("--camera needs either --iso or --gain.")
    if options["camera"] is None and options["gain"] is None:
        raise click.UsageError(
            "Without --camera, --gain is needed: dark frames and read noise do not tell it."
        )
    if (options["source_gain"] is None) != (options["source_read"] is None):
        raise click.UsageError("--source-gain and --source-read go together.")


def _noise(picture: "Picture", options: dict[str, Any]) -> tuple["CameraNoise", "FloatArray | None"]:
    """The noise to simulate, in the picture's DN, and the dark level that goes with it."""
    from denoise_studio.core.errors import StudioError
    from denoise_studio.noise.sensor.camera_noise import CameraNoise
    from denoise_studio.noise.sensor.cameras import preset
    from denoise_studio.noise.sensor.simulate import of_camera, of_profile
    from denoise_studio.noise.sensor.tukey import Gaussian

    if options["camera"] is not None:
        return of_camera(picture, preset(options["camera"]), options["iso"], options["gain"]), None
    if options["dark_profile"] is None:
        return CameraNoise(options["gain"], Gaussian(options["read"]), step=0.0, iso=options["iso"]), None
    from denoise_studio.noise.sensor.dark_file import load_profile

    profile = load_profile(options["dark_profile"])
    iso = options["iso"] or (picture.mosaic.iso if picture.mosaic is not None else None)
    if iso is None:
        raise StudioError(f"{picture.name} does not say at which ISO it was taken; tell it with --iso.")
    return of_profile(picture, profile, options["gain"], iso, proxy=profile.proxy is not None)


def _source(picture: "Picture", options: dict[str, Any]) -> "SensorNoise | None":
    """The noise that the picture is told to have."""
    from denoise_studio.noise.sensor.model import SensorNoise, SiteNoise

    gain, read = options["source_gain"], options["source_read"]
    if gain is None or picture.mosaic is None:
        return None
    mosaic = picture.mosaic
    sites = tuple(SiteNoise(site.name, gain, read, site.black, site.white) for site in mosaic.sites)
    return SensorNoise(sites, mosaic.iso, "told")
