"""Read noise of a pixel: Tukey lambda (ELD, arXiv 2108.02158, section 4), Gaussian, or as measured.

Tukey's lambda distribution is known by its quantiles, Q(u) = scale (u^lam - (1 - u)^lam) / lam:
logistic for lam -> 0, close to Gaussian at 0.14, uniform at 1, with longer tails the lower lam is.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import StudioError
from denoise_studio.core.types import FloatArray

NEARLY_GAUSSIAN = 0.1349
"""The lambda whose quantiles lie closest to a Gaussian's."""
_LOWEST = -0.5
"""At and below this lambda the variance is infinite."""
_NEAR_ZERO = 1e-4
_ZETA_3 = 1.2020569031595942
"""Riemann's zeta function at 3."""
_HALF = np.float32(2.0**-32)


class ReadNoise(Protocol):
    """Noise without light of one pixel, independent of all others, of mean 0, in DN."""

    @property
    def variance(self) -> float:
        """DN^2."""

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Independent values, float32."""

    def scaled(self, factor: float) -> "ReadNoise":
        """The same noise, `factor` times as strong."""


@dataclass(frozen=True)
class Gaussian:
    """Normal read noise.

    Args:
        sd: DN.
    """

    sd: float

    def __post_init__(self) -> None:
        if not 0 <= self.sd < math.inf:
            raise StudioError(f"A read noise of {self.sd} DN makes no sense.")

    @property
    def variance(self) -> float:
        return self.sd**2

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        return random.standard_normal(shape, np.float32) * np.float32(self.sd)

    def scaled(self, factor: float) -> "Gaussian":
        return Gaussian(self.sd * factor)


@dataclass(frozen=True)
class Tukey:
    """Long-tailed read noise.

    Args:
        scale: DN; no standard deviation.
        shape: lambda, above -0.5.

    Raises:
        StudioError: a shape without a finite variance, or no scale.
    """

    scale: float
    shape: float

    def __post_init__(self) -> None:
        if not 0 <= self.scale < math.inf:
            raise StudioError(f"A Tukey scale of {self.scale} DN makes no sense.")
        unit_variance(self.shape)

    @property
    def variance(self) -> float:
        return self.scale**2 * unit_variance(self.shape)

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        # 32 random bits: a sign, and a probability below one half that float32 holds at full
        # precision however small it is. The tails of 24 million pixels need that.
        bits = random.integers(-(2**31), 2**31, shape, np.int32)
        negative = bits < 0
        np.invert(bits, out=bits, where=negative)
        below = (bits.astype(np.float32) + np.float32(0.5)) * _HALF
        values: FloatArray = _lower_half(below, np.float32(self.shape))
        values *= np.float32(self.scale)
        np.negative(values, out=values, where=negative)
        return values

    def scaled(self, factor: float) -> "Tukey":
        return replace(self, scale=self.scale * factor)


@dataclass(frozen=True, eq=False)
class Measured:
    """Read noise as dark frames showed it: the inverse of its distribution function, linear in between.

    Args:
        levels: `(N,)` probabilities, rising from 0 to 1.
        values: `(N,)` quantiles there, DN, not falling.
    """

    levels: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    @property
    def mean(self) -> float:
        """DN, of the distribution as drawn."""
        low, high = self.values[:-1], self.values[1:]
        return float((np.diff(self.levels) * (low + high)).sum() / 2)

    @property
    def variance(self) -> float:
        low, high = self.values[:-1], self.values[1:]
        square = (np.diff(self.levels) * (low * low + low * high + high * high)).sum() / 3
        return float(square) - self.mean**2

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        found = np.interp(random.random(shape), self.levels, self.values - self.mean)
        return found.astype(np.float32)

    def scaled(self, factor: float) -> "Measured":
        return Measured(self.levels, self.values * factor)


def quantile(probability: Any, shape: float) -> Any:
    """Q(u) of scale 1, for probabilities in (0, 1)."""
    u = np.asarray(probability, np.float64)
    below = np.minimum(u, 1 - u)
    return np.copysign(_lower_half(below, shape), u - 0.5)


def _lower_half(below: Any, shape: Any) -> Any:
    """Q(u) for u <= 1/2, through logarithms: near lambda 0 the two powers would cancel."""
    low, high = np.log(below), np.log1p(-below)
    if shape == 0:
        return low - high
    return (np.expm1(low * shape) - np.expm1(high * shape)) / shape


def unit_variance(shape: float) -> float:
    """Variance of scale 1: 2 / lam^2 (1 / (1 + 2 lam) - Gamma(1 + lam)^2 / Gamma(2 + 2 lam)).

    Raises:
        StudioError: it is infinite (lam <= -1/2).
    """
    if not _LOWEST < shape < 50:
        raise StudioError(f"Tukey's lambda must be above -0.5 for a finite variance, not {shape}.")
    if abs(shape) < _NEAR_ZERO:
        # The formula's limit, that of a logistic distribution, and its first derivative.
        return math.pi**2 / 3 - shape * (2 * math.pi**2 / 3 + 4 * _ZETA_3)
    beta = math.exp(2 * math.lgamma(1 + shape) - math.lgamma(2 + 2 * shape))
    return 2 / shape**2 * (1 / (1 + 2 * shape) - beta)
