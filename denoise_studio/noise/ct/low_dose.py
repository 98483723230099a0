"""A slice at a fraction of its dose: what noise the counts of its projections would add.

A slice in HU becomes attenuation, attenuation becomes line integrals (parallel beams), these
become mean photon counts at full dose, behind a bow-tie filter if there is one. Then the counts
that decide the noise are drawn, and the *error* of their logarithm goes through filtered
back-projection. That is linear, so the result is just the noise of the reconstructed slice:
streaked where the patient is thick, with the ramp-shaped power spectrum of CT. The slice itself
is never reconstructed anew: its HU and its sharpness stay.

**What is missing.** A line integral behind N photons at full dose, read out with the sd s, has
the variance 1/N + (s/N)^2; at the fraction f of the dose 1/(fN) + (s/(fN))^2. The difference,
(1/f - 1)/N + (1/f^2 - 1)(s/N)^2, is what a slice that was taken at full dose lacks. It is exactly
the variance of one count of m = N f/(1 - f) photons with the read-out's sd s sqrt((1 + f)/(1 - f)):
such a count is drawn, Poisson's law and all. A slice without noise of its own gets the count
that a scan would have, m = f N.

**No bias.** The logarithm of few counts is wrong on average. The mean error, which is known
exactly for every ray (`counting`), is taken off, as scanners calibrate it away.

Sources: counting model, Zeng et al., IEEE Trans. Nucl. Sci. 62 (2015) 2226; noise added to real
slices in the projections, Massoumzadeh et al., Med. Phys. 36 (2009) 174.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.counting import LARGEST_SD, log_moments
from denoise_studio.noise.ct.kernels import KERNELS, Kernel, noise_weights, transform_size
from denoise_studio.noise.ct.projection import (
    Geometry,
    Run,
    back_projection,
    filtered_back_projection,
    project,
)
from denoise_studio.noise.ct_dose import WATER_ATTENUATION

HU_PER_MM = 1000.0 / WATER_ATTENUATION
"""HU of one attenuation per mm."""
_AIR = -1000.0
STANDARD = KERNELS["standard"]


@dataclass(frozen=True)
class Scanner:
    """How the full dose is measured and reconstructed.

    Args:
        photons: mean photons that reach one detector element in one view through air, in the
            middle of the beam, at full dose.
        electronic: sd of the read-out's noise, in photons, the same at every dose.
        kernel: of the reconstruction.
        bow_tie: filter in front of the patient.
    """

    photons: float
    electronic: float = 5.0
    kernel: Kernel = STANDARD
    bow_tie: BowTie | None = None

    def __post_init__(self) -> None:
        if not 0 < self.photons < math.inf:
            raise StudioError(f"The photons of a CT scan must be above 0, not {self.photons:g}.")
        if not 0 <= self.electronic <= LARGEST_SD:
            raise StudioError(
                f"The electronic noise must be from 0 to {LARGEST_SD:g} photons, not {self.electronic:g}."
            )


@dataclass(frozen=True)
class Dose:
    """How much of the full dose.

    Args:
        fraction: above 0, at most 1.
        clean: the slice has no noise of its own: it gets all that this dose brings, not only what
            full dose did not have.
    """

    fraction: float
    clean: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.fraction <= 1.0:
            raise StudioError(f"The dose fraction must be above 0 and at most 1, not {self.fraction:g}.")

    @property
    def adds_nothing(self) -> bool:
        return self.fraction == 1.0 and not self.clean

    def count(self, electronic: float) -> tuple[float, float]:
        """The count that is drawn: photons for each one of the full dose, and its read-out's sd."""
        f = self.fraction
        if self.clean:
            return f, electronic
        return f / (1 - f), electronic * math.sqrt((1 + f) / (1 - f))


@dataclass(frozen=True, eq=False)
class Projections:
    """A slice as its detector sees it.

    Args:
        geometry: of the scan.
        lines: `(views, bins)` float32 line integrals, not below 0.
    """

    geometry: Geometry
    lines: FloatArray

    @classmethod
    def of(
        cls, hu: FloatArray, geometry: Geometry, padding: BoolArray | None = None, run: Run = map
    ) -> "Projections":
        """Of an `(H, W)` slice in HU; air is what lies beyond it, below -1000 HU, or in its `padding`."""
        if padding is not None:
            hu = np.where(padding, np.float32(_AIR), hu)
        attenuation = np.maximum(1.0 + hu / 1000.0, 0.0) * WATER_ATTENUATION
        return cls(geometry, np.maximum(project(attenuation, geometry, run), 0.0))

    def counts(self, scanner: Scanner) -> Any:
        """Mean photons at full dose, `(views, bins)` float64."""
        open_beam: Any = scanner.photons
        if scanner.bow_tie is not None:
            open_beam = scanner.photons * scanner.bow_tie.transmission(self.geometry.offsets)
        return open_beam * np.exp(-self.lines.astype(np.float64))


def added_noise(
    seen: Projections,
    scanner: Scanner,
    dose: Dose,
    seed: int | np.random.SeedSequence = 0,
    run: Run = map,
    progress: Progress | None = None,
) -> FloatArray:
    """The noise that a dose adds to a slice: `(H, W)` float32, HU, mean zero at every pixel.

    Args:
        seen: the slice's projections.
        scanner: of the full dose.
        dose: how much of it.
        seed: of numpy's default generator; the same one gives the same bits however work is run.
        run: runs pieces of work.
        progress: told how far it is.

    Raises:
        Cancelled: through `progress`.
    """
    progress = progress or Progress()
    geometry = seen.geometry
    if dose.adds_nothing:
        return np.zeros((geometry.height, geometry.width), np.float32)
    error = line_errors(seen, scanner, dose, np.random.default_rng(seed))
    progress.report(0.4, "reconstructing noise")
    noise = filtered_back_projection(error, geometry, scanner.kernel, run)
    progress.report(1.0, "reconstructing noise")
    return np.asarray(noise * np.float32(HU_PER_MM), np.float32)


def line_errors(seen: Projections, scanner: Scanner, dose: Dose, random: np.random.Generator) -> FloatArray:
    """Errors of the line integrals, drawn; `(views, bins)` float32, mean zero."""
    share, electronic = dose.count(scanner.electronic)
    mean = share * seen.counts(scanner)
    measured = random.poisson(mean).astype(np.float64)
    if electronic:
        measured += electronic * random.standard_normal(mean.shape)
    # A detector that sees hardly any photon at all tells nothing about its ray.
    error = np.log(np.maximum(mean, 1e-4) / np.maximum(measured, 1.0))
    return np.asarray(error - log_moments(mean, electronic).mean, np.float32)


def added_sd(seen: Projections, scanner: Scanner, dose: Dose, step: int = 4, run: Run = map) -> FloatArray:
    """The sd of `added_noise` by propagation of variances, at every `step`-th pixel: float32, HU.

    Where counts change within a few detector elements it is an average over them.
    """
    if dose.adds_nothing:
        shape = (-(-seen.geometry.height // step), -(-seen.geometry.width // step))
        return np.zeros(shape, np.float32)
    share, electronic = dose.count(scanner.electronic)
    variance = log_moments(share * seen.counts(scanner), electronic).variance
    return np.sqrt(image_variance(variance, seen.geometry, scanner.kernel, step, run))


def image_variance(
    variance: Any, geometry: Geometry, kernel: Kernel, step: int = 4, run: Run = map
) -> FloatArray:
    """Variance in HU^2 at every `step`-th pixel, from the line integrals' `(views, bins)`."""
    bins = geometry.bins
    size = transform_size(bins)
    weights = np.fft.rfft(noise_weights(kernel, bins, geometry.bin_mm))
    spread = np.fft.irfft(np.fft.rfft(variance, size, axis=1) * weights, size, axis=1)[:, :bins]
    total = back_projection(np.maximum(spread, 0.0), geometry, step, run)
    return np.asarray(total * (math.pi / geometry.views * HU_PER_MM**2), np.float32)
