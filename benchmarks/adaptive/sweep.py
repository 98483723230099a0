"""A grid of constant bilateral filters: the best one without the truth, with it, and place by place."""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adaptive.cases import Sample
from adaptive.output import Output
from denoise_studio.denoisers.bilateral.risk import WHITE
from denoise_studio.denoisers.bilateral.whole import bilateral_divergence
from denoise_studio.engine.workers import pool
from denoise_studio.noise.estimate import noise_sd

SIGMAS = (0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 1.0, 1.15, 1.35, 1.6, 2.0, 2.5, 3.2, 4.0)
"""Spatial sigmas, pixels."""
RATIOS = (*(0.5 * 2 ** (step / 2) for step in range(13)), 128.0)
"""Range sigmas over the estimated noise sd; the last is as good as a Gaussian filter."""
SMOOTHING = 6.0
"""sd in pixels over which the oracle maps smooth the true squared error."""


@dataclass(frozen=True, eq=False)
class Noise:
    """What the risk estimate believes of the noise.

    Args:
        sd: the picture's unit; one number or `(C, H, W)`.
        correlation: `(2 R + 1, 2 R + 1)`.
    """

    sd: Any
    correlation: Any


@dataclass
class Best:
    """The lowest value so far and what reached it."""

    value: float = np.inf
    pixels: Any = None
    sigma: float = 0.0
    sigma_r: float = 0.0

    def offer(self, value: float, pixels: Any, sigma: float, sigma_r: float) -> None:
        if value < self.value:
            self.value, self.pixels, self.sigma, self.sigma_r = value, pixels, sigma, sigma_r

    def output(self, seconds: float | None) -> Output:
        return Output(self.pixels, {"sigma": self.sigma, "sigma_r": self.sigma_r}, seconds)


def white_noise(sample: Sample) -> Noise:
    """White, of the program's own estimate."""
    return Noise(_sd(sample), WHITE)


def local_noise(sample: Sample) -> Noise:
    """The program's own model of local strength and correlation.

    Raises:
        ImportError: this version of the program has none.
    """
    from denoise_studio.noise.local import estimate_noise_model

    model = estimate_noise_model(sample.noisy)
    rect = sample.noisy.rect
    sd = model.sd_at(np.arange(rect.height), np.arange(rect.width))
    return Noise(sd, model.correlation)


def _sd(sample: Sample) -> float:
    low, high = sample.limits
    return max(noise_sd(sample.noisy), 1e-5 * (high - low))


def _filters(sample: Sample, correlation: Any) -> Iterator[tuple[float, float, Any, Any]]:
    """sigma, sigma_r, result and divergence."""
    sd, picture = _sd(sample), sample.noisy
    valid = None if picture.padding is None else ~picture.padding
    for sigma in SIGMAS:
        for ratio in RATIOS:
            result, divergence = bilateral_divergence(
                picture.pixels, sigma, sigma, ratio * sd, rho=correlation, valid=valid, spread=pool().map
            )
            yield sigma, ratio * sd, result, divergence


def _risk(sample: Sample, noise: Noise, result: Any, divergence: Any) -> float:
    """Unbiased estimate of the mean squared error where the picture is no padding."""
    variance = np.square(noise.sd)
    risk = (result - sample.noisy.pixels) ** 2 + (2 * divergence - 1) * variance
    where = True if sample.noisy.padding is None else ~sample.noisy.padding
    return float(risk.mean(where=where))


def blind(sample: Sample, model: Callable[[Sample], Noise]) -> Output:
    """The filter of least estimated risk: a walk of its own, timed with the noise estimate."""
    started = time.perf_counter()
    noise, best = model(sample), Best()
    for sigma, sigma_r, result, divergence in _filters(sample, noise.correlation):
        best.offer(_risk(sample, noise, result, divergence), result, sigma, sigma_r)
    return best.output(time.perf_counter() - started)


@functools.lru_cache(maxsize=1)
def bounds(sample: Sample) -> tuple[Output, Output]:
    """With the truth: the best constant filter, and the best filter for every pixel."""
    from scipy.ndimage import gaussian_filter

    inside = sample.field.astype(np.float32)
    share = np.maximum(gaussian_filter(inside, SMOOTHING, mode="nearest"), 1e-6)
    constant = Best()
    lowest = np.full(inside.shape, np.inf, np.float32)
    pixels = sample.noisy.pixels.copy()
    sigmas, ranges = np.zeros_like(inside), np.zeros_like(inside)
    for sigma, sigma_r, result, _ in _filters(sample, WHITE):
        error = ((result - sample.clean) ** 2).mean(axis=0) * inside
        constant.offer(float(error.sum()), result, sigma, sigma_r)
        local = gaussian_filter(error, SMOOTHING, mode="nearest") / share
        better = local < lowest
        lowest[better], sigmas[better], ranges[better] = local[better], sigma, sigma_r
        pixels[:, better] = result[:, better]
    return constant.output(None), Output(pixels, {"sigma": sigmas, "sigma_r": ranges}, None)
