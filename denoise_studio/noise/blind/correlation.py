"""How the noise of neighbours hangs together, read where the picture is flattest."""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.blind.levels import total_level
from denoise_studio.noise.blind.patches import WINDOW, Patches, patches_of
from denoise_studio.noise.coloured import coloured_noise
from denoise_studio.noise.local import RADIUS, correlation_from, without_plane

_SHARE = 0.05
_FEWEST, _MOST = 24, 400
_SYNTHETIC = 320


def white_correlation() -> FloatArray:
    """Of white noise: `(13, 13)`, 1 in the middle, else 0."""
    kernel = np.zeros((2 * RADIUS + 1, 2 * RADIUS + 1), np.float32)
    kernel[RADIUS, RADIUS] = 1.0
    return kernel


def read_correlation(patches: Patches, chosen: Any, variance: Any) -> Any | None:
    """Correlation around the flattest patches, before calibration: `(13, 13)`, or None if none fits.

    Args:
        patches: of a channel.
        chosen: `(k,)` indices of those that may be looked at.
        variance: `(k,)` of the noise that was found in each of them, which "flat" is measured by.
    """
    flatness = np.full(len(patches), np.inf)
    flatness[chosen] = patches.around[chosen]
    if not patches.uneven:
        flatness[chosen] /= np.maximum(variance, 1e-30)
    fits = np.flatnonzero(np.isfinite(flatness))
    count = min(len(fits), max(_FEWEST, int(_SHARE * len(fits))))
    if not count:
        return None
    flattest = fits[np.argpartition(flatness[fits], count - 1)[:count]]
    windows = patches.windows(np.sort(flattest)[:: -(-count // _MOST)])
    if not len(windows):
        return None
    rest = without_plane(windows)
    rest /= np.maximum(np.sqrt((rest**2).mean(axis=(1, 2), keepdims=True)), 1e-30)
    power = np.abs(np.fft.rfft2(rest, s=(2 * WINDOW, 2 * WINDOW))) ** 2
    return correlation_from(np.fft.irfft2(power.sum(axis=0), s=(2 * WINDOW, 2 * WINDOW)), WINDOW)


def calibrated(found: Any) -> tuple[Any, float]:
    """What a reading means: the correlation behind it, and how much of the sd `total_level` then reads.

    Both are found out on synthetic noise, which is read in the same way.
    """
    patches = _synthetic(found)
    everywhere = np.arange(len(patches))
    again = read_correlation(patches, everywhere, np.ones(len(patches)))
    correlation = 2.0 * found - again if again is not None else found
    correlation[RADIUS, RADIUS] = 1.0
    return correlation, float(np.sqrt(total_level(_synthetic(correlation), everywhere).variance))


def _synthetic(correlation: Any) -> Patches:
    return patches_of(coloured_noise(correlation, (1, _SYNTHETIC, _SYNTHETIC), seed=1)[0])
