"""The noise of a sensor as the command line asks for it: with the network's second look, with dark frames."""

from pathlib import Path

from denoise_studio.core.picture import Picture
from denoise_studio.noise.sensor.as_estimate import MosaicEstimate, as_estimate
from denoise_studio.noise.sensor.estimate import estimate_sensor


def measure_sensor(picture: Picture, coarse: bool = False, dark_frames: Path | None = None) -> MosaicEstimate:
    """What is found in a mosaic of the Bayer pattern.

    Args:
        picture: camera raw.
        coarse: without the network, which needs torch and some seconds.
        dark_frames: a profile of the camera's dark frames.

    Raises:
        StudioError: every pixel is clipped, or the dark frames do not fit.
    """
    from denoise_studio.noise.sensor.known import by_profile, by_table

    known = by_table(picture)
    if dark_frames is not None:
        from denoise_studio.noise.sensor.dark_file import load_profile

        dark = by_profile(picture, load_profile(dark_frames))
        picture, known = dark.picture, dark.known
    if coarse:
        return as_estimate(picture, estimate_sensor(picture, known))
    from denoise_studio.denoisers.raw_network.fit import fine_estimate

    return as_estimate(picture, fine_estimate(picture, known))
