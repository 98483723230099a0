"""The grain of filtered back-projection's noise: its power spectrum and correlation in closed form.

Riederer, Pelc and Chesler, Phys. Med. Biol. 23 (1978) 446: the power of the noise of a projection,
filtered with |f| W(f), is spread over circles, so a picture's spectrum is |f| W(f)^2. Linear
interpolation between detector elements d apart multiplies by sinc(f d)^4.
"""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.ct.kernels import Kernel, hann_of

_SIZE = 128
_CUTOFFS = np.geomspace(0.3, 2.0, 40)
"""Of kernels that are tried, in terms of the pixels' sampling limit."""


def noise_power(
    frequency: Any, kernel: Kernel, bin_mm: float, variance: float = 1.0, views: int = 720
) -> Any:
    """Spectral density of the noise per mm^2 and per mm^2, at frequencies in cycles per mm (any shape).

    Args:
        frequency: distance from the origin of the frequency plane, up to 0.5 / bin_mm.
        kernel: of the reconstruction.
        bin_mm: distance of two detector elements.
        variance: of a line integral, the same for all.
        views: over 180 degrees.
    """
    frequency = np.asarray(frequency, np.float64)
    filtered = frequency * kernel.window(frequency, bin_mm) ** 2 * np.sinc(frequency * bin_mm) ** 4
    return np.pi / views * variance * bin_mm * filtered


def correlation(kernel: Kernel, bin_mm: float, radius: int) -> FloatArray:
    """Correlation of two pixels by their distance: `(2 radius + 1, 2 radius + 1)`, 1 in the middle."""
    line = np.fft.fftfreq(_SIZE, bin_mm)
    power = noise_power(np.hypot(line[:, None], line), kernel, bin_mm)
    found = np.fft.fftshift(np.fft.ifft2(power).real)
    middle = _SIZE // 2
    near = slice(middle - radius, middle + radius + 1)
    return np.asarray(found[near, near] / found[middle, middle], np.float64)


def matched_kernel(wanted: FloatArray, bin_mm: float) -> Kernel:
    """The Hann kernel whose noise is correlated most like this, of cutoffs 5 % apart.

    Args:
        wanted: correlation of neighbours, as `blind.NoiseEstimate.kernel`.
        bin_mm: distance of two pixels.
    """
    radius = wanted.shape[0] // 2
    limit = 0.5 / bin_mm

    def misfit(part: float) -> float:
        found = correlation(hann_of(part * limit), bin_mm, radius)
        return float(((found - wanted) ** 2).sum())

    best = min(_CUTOFFS, key=misfit)
    return hann_of(round(float(best) * limit, 3))
