"""Contrast-to-noise ratio of two regions, by the two definitions in use."""

import math
from dataclasses import dataclass
from enum import StrEnum

from denoise_studio.metrics.physics.region_statistics import RegionStatistics


class NoiseOf(StrEnum):
    """Which noise the contrast is divided by."""

    POOLED = "pooled"
    """√((sd₁² + sd₂²) / 2): both regions alike (Bushberg et al., Essential Physics of Medical Imaging)."""
    BACKGROUND = "background"
    """The second region's sd alone, as the ACR's CT accreditation phantom is read (2012 instructions)."""


@dataclass(frozen=True)
class Contrast:
    """How far two regions stand apart.

    Args:
        contrast: |mean₁ - mean₂| in the picture's unit.
        noise: in the picture's unit.
        noise_of: by which definition.
    """

    contrast: float
    noise: float
    noise_of: NoiseOf

    @property
    def ratio(self) -> float:
        """Contrast over noise; infinite without noise, 0 without either."""
        if self.noise > 0:
            return self.contrast / self.noise
        return math.inf if self.contrast > 0 else 0.0


def contrast_to_noise(
    first: RegionStatistics, second: RegionStatistics, noise_of: NoiseOf = NoiseOf.POOLED
) -> Contrast:
    """Contrast-to-noise of a region against another, the background."""
    noise = second.sd
    if noise_of is NoiseOf.POOLED:
        noise = math.sqrt((first.sd**2 + second.sd**2) / 2)
    return Contrast(abs(first.mean - second.mean), noise, noise_of)
