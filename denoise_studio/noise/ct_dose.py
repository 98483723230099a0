"""Noise of a CT dose, made where a scanner makes it: in the projections.

A slice in HU becomes attenuation, attenuation becomes line integrals (parallel beams), line
integrals become photon counts. Poisson noise and the read-out's electronic noise are added to
the counts, the logarithm is taken, and the *difference* between noisy and exact line integrals
goes through filtered back-projection. Because back-projection is linear, that difference is
exactly the noise of the reconstructed slice: streaked, stronger behind bone, and with the
ramp-shaped noise power spectrum of real CT. The slice itself is never re-projected, so its own
HU and sharpness stay as they were.

This is the short form for square slices, with scikit-image's projector: the sample pictures and the
tables of the benchmarks are made with it, bit for bit, so it stays as it is. What a person asks for,
in the window and on the command line, is made by `noise.ct` (docs/ct_dose.md).

Sources: the counting model is that of Zeng et al., "A simple low-dose x-ray CT simulation from
high-dose scan", IEEE Trans. Nucl. Sci. 62 (2015) 2226; the noise power spectrum of filtered
back-projection is from Riederer, Pelc and Chesler, Phys. Med. Biol. 23 (1978) 446.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.types import FloatArray

Kernel = Literal["ramp", "shepp-logan", "cosine", "hamming", "hann"]

WATER_ATTENUATION = 0.0193
"""Of water at 70 keV, near the effective energy of a filtered 120 kVp beam, per mm.

NIST, X-Ray Mass Attenuation Coefficients (Hubbell and Seltzer): about 0.193 cm²/g.
"""

_FEWEST_COUNTS = 1.0
"""What a scanner's floor for starved detectors comes to; the logarithm needs something above zero."""


@dataclass(frozen=True)
class Scan:
    """How a slice is measured and reconstructed.

    Args:
        photons: mean photons that reach one detector element in one view through air. The
            noise variance is close to proportional to 1 / photons.
        electronic: sd of the read-out's noise, in photons.
        views: projections over 180 degrees.
        kernel: reconstruction kernel, by the name of the window on the ramp filter; "ramp" is
            the sharpest and noisiest, "hann" the softest.
        water: attenuation of water per mm.
    """

    photons: float = 1e5
    electronic: float = 10.0
    views: int = 720
    kernel: Kernel = "hann"
    water: float = WATER_ATTENUATION

    def __post_init__(self) -> None:
        if not self.photons > 0 or self.electronic < 0 or self.views < 1 or not self.water > 0:
            raise StudioError(f"A CT scan cannot be simulated with {self}.")


def simulate_dose(
    hu: FloatArray, spacing_mm: float, scan: Scan, *, fraction: float | None = None, seed: int = 0
) -> FloatArray:
    """The slice as a scan at this dose would show it.

    Args:
        hu: `(H, W)` or `(1, H, W)` HU, square. What lies outside the inscribed circle (the
            field of view) is taken for air and comes back unchanged.
        spacing_mm: pixel distance; a detector element is as wide as a pixel.
        scan: the scan, `photons` being those of the full dose.
        fraction: None if `hu` is free of noise: it gets all the noise of `scan`. Otherwise
            `hu` is a real slice taken with `scan`, and only the noise that is missing at this
            fraction (0..1) of its dose is added.
        seed: of numpy's default generator; the same seed gives the same noise.

    Returns:
        Same shape, float32 HU.

    Raises:
        StudioError: the slice is not square, or a number is out of range.
    """
    noise = dose_noise(hu.reshape(hu.shape[-2:]), spacing_mm, scan, fraction=fraction, seed=seed)
    return np.asarray(hu + noise.reshape(hu.shape), np.float32)


def dose_noise(
    hu: FloatArray, spacing_mm: float, scan: Scan, *, fraction: float | None = None, seed: int = 0
) -> FloatArray:
    """The noise alone that `simulate_dose` adds: `(H, W)` float32, HU, 0 outside the circle.

    A 512 x 512 slice with 720 views takes some seconds: a generator's work, not the window's.
    """
    from skimage.transform import iradon, radon

    if hu.ndim != 2 or hu.shape[0] != hu.shape[1]:
        raise StudioError(f"The dose simulation needs a square slice, not one of shape {hu.shape}.")
    if not spacing_mm > 0:
        raise StudioError(f"The pixel spacing must be above 0 mm, not {spacing_mm:g}.")
    if fraction is not None and not 0.0 < fraction <= 1.0:
        raise StudioError(f"The dose fraction must be above 0 and at most 1, not {fraction:g}.")
    circle = inscribed_circle(hu.shape[0])
    attenuation = np.where(circle, scan.water * np.maximum(1.0 + hu.astype(np.float64) / 1000.0, 0.0), 0.0)
    angles = np.linspace(0.0, 180.0, scan.views, endpoint=False)
    lines = spacing_mm * radon(attenuation, angles, circle=True)
    error = _line_noise(np.maximum(lines, 0.0), scan, fraction, np.random.default_rng(seed))
    noise: Any = iradon(error / spacing_mm, angles, filter_name=scan.kernel, circle=True)
    return np.asarray(np.where(circle, noise * (1000.0 / scan.water), 0.0), np.float32)


def inscribed_circle(size: int) -> Any:
    """The pixels of a square slice that every view sees: `(size, size)` bool."""
    middle = size // 2
    offset = np.arange(size) - middle
    return np.asarray(offset[:, None] ** 2 + offset[None, :] ** 2 <= (middle - 1) ** 2)


def _line_noise(lines: Any, scan: Scan, fraction: float | None, rng: np.random.Generator) -> Any:
    """Error of the measured line integrals, dimensionless, same shape as `lines`."""
    counts = scan.photons * np.exp(-lines)
    if fraction is None:
        measured = rng.poisson(counts) + scan.electronic * rng.standard_normal(counts.shape)
        # The logarithm of noisy counts is too large by half its variance (to second order), which
        # scanners calibrate away; uncorrected, the middle of a large patient would read too high.
        bias = 0.5 * np.minimum(_line_variance(counts, scan), 1.0)
        return np.log(counts / np.maximum(measured, _FEWEST_COUNTS)) - bias
    # A real slice has its own noise already; variances add, so what is missing is their difference.
    missing = _line_variance(fraction * counts, scan) - _line_variance(counts, scan)
    return np.sqrt(missing) * rng.standard_normal(counts.shape)


def _line_variance(counts: Any, scan: Scan) -> Any:
    """Variance of `-log(measured / photons)`, to first order in the noise of the counts."""
    counts = np.maximum(counts, _FEWEST_COUNTS)
    return (counts + scan.electronic**2) / counts**2
