"""The grain of filtered back-projection's noise: its power spectrum and correlation in closed form.

Riederer, Pelc and Chesler, Phys. Med. Biol. 23 (1978) 446: the power of the noise of a projection,
filtered with |f| W(f), is spread over circles, so a picture's spectrum is |f| W(f)^2. Linear
interpolation between detector elements d apart multiplies by sinc(f d)^4.
"""

import functools
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.ct.kernels import Kernel, hann_of

_SIZE = 64
_CUTOFFS = np.geomspace(0.3, 5.0, 56)
"""Of kernels that are tried, in terms of the pixels' sampling limit."""


def noise_power(
    frequency: Any, kernel: Kernel, bin_mm: float, variance: float = 1.0, views: int = 720
) -> Any:
    """Power per mm^-2 of the noise of line integrals, before it is sampled at pixels.

    Args:
        frequency: distance from the origin of the frequency plane, cycles per mm, any shape. Beyond
            0.5 / bin_mm lie the images of the sampled filter, weakened by the interpolation.
        kernel: of the reconstruction.
        bin_mm: distance of two detector elements.
        variance: of a line integral, the same for all.
        views: over 180 degrees.
    """
    frequency = np.asarray(frequency, np.float64)
    folded = np.abs(frequency - np.round(frequency * bin_mm) / bin_mm)
    filtered = (folded * kernel.window(folded, bin_mm) * np.sinc(frequency * bin_mm) ** 2) ** 2
    spread = np.divide(filtered, frequency, out=np.zeros_like(filtered), where=frequency > 0)
    return np.pi / views * variance * bin_mm * spread


def pixel_power(kernel: Kernel, bin_mm: float, size: int) -> Any:
    """The same at pixels as far apart as detector elements: `(size, size)`, in the order of `fft2`."""
    line = np.fft.fftfreq(size, bin_mm)
    total = np.zeros((size, size))
    for up in (-1, 0, 1):
        for right in (-1, 0, 1):
            distance = np.hypot(line[:, None] + up / bin_mm, line + right / bin_mm)
            total += noise_power(distance, kernel, bin_mm)
    return total


def correlation(kernel: Kernel, bin_mm: float, radius: int) -> FloatArray:
    """Correlation of two pixels by their distance: `(2 radius + 1, 2 radius + 1)`, 1 in the middle."""
    found = np.fft.fftshift(np.fft.ifft2(pixel_power(kernel, bin_mm, _SIZE)).real)
    middle = _SIZE // 2
    near = slice(middle - radius, middle + radius + 1)
    return np.asarray(found[near, near] / found[middle, middle], np.float64)


def matched_kernel(wanted: FloatArray, bin_mm: float) -> Kernel:
    """The Hann kernel whose noise is correlated most like this, of cutoffs 5 % apart.

    Args:
        wanted: correlation of neighbours, as `blind.NoiseEstimate.kernel`.
        bin_mm: distance of two pixels.
    """
    misfit = ((_correlations(wanted.shape[0] // 2) - wanted) ** 2).sum(axis=(1, 2))
    return hann_of(round(float(_CUTOFFS[int(misfit.argmin())]) * 0.5 / bin_mm, 3))


@functools.lru_cache(maxsize=2)
def _correlations(radius: int) -> Any:
    """Of all kernels that are tried; it is the same for pixels of any size."""
    return np.stack([correlation(hann_of(part * 0.5), 1.0, radius) for part in _CUTOFFS])
