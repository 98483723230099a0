"""The noise of a sensor, as the command line and the window's plot ask for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denoise_studio.core.fitted import Fitted
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.noise.sensor.as_estimate import MosaicEstimate, as_estimate
from denoise_studio.noise.sensor.estimate import estimate_sensor
from denoise_studio.noise.sensor.model import SensorNoise, SiteNoise


def sensor_noise(picture: Picture, coarse: bool = False, dark_frames: Path | None = None) -> MosaicEstimate:
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


_MOST_POINTS = 1200
_LINE_POINTS = 200


@dataclass(frozen=True, eq=False)
class ClassPlot:
    """One class of pixels in the plot of variance against mean, in DN above black and DN^2.

    Args:
        site: what was found.
        used: `(2, N)` mean and variance of windows that carry the line, thinned.
        others: `(2, M)` of those that do not.
    """

    site: SiteNoise
    used: FloatArray
    others: FloatArray


@dataclass(frozen=True, eq=False)
class SensorPlot:
    """All that the plot shows.

    Args:
        noise: what was found.
        classes: one for each class of pixels.
        levels: `(L,)` means at which lines are drawn, rising from near black to white.
    """

    noise: SensorNoise
    classes: tuple[ClassPlot, ...]
    levels: FloatArray


def sensor_plot(picture: Picture, fitted: Fitted | None) -> SensorPlot | None:
    """The windows behind a sensor's noise: the fit's if there is one, else the coarse estimate's.

    None for a picture that is no mosaic of the Bayer pattern.
    """
    noise = fitted.knowledge if fitted is not None else None
    if not isinstance(noise, SensorNoise):
        estimate = noise_estimate(picture)
        if not isinstance(estimate, MosaicEstimate):
            return None
        noise = estimate.sensor
    classes = []
    for site in noise.sites:
        points = noise.points.get(site.name)
        if points is None:
            continue
        both = np.stack([points.mean, points.variance]).astype(np.float32)
        chosen = np.asarray(points.used, np.bool_)
        classes.append(ClassPlot(site, _thinned(both[:, chosen]), _thinned(both[:, ~chosen])))
    span = max(site.white - site.black for site in noise.sites)
    levels = np.geomspace(max(span * 1e-4, 1e-3), span, _LINE_POINTS).astype(np.float32)
    return SensorPlot(noise, tuple(classes), levels)


def _thinned(points: FloatArray) -> FloatArray:
    step = max(1, -(-points.shape[1] // _MOST_POINTS))
    return np.ascontiguousarray(points[:, ::step])
