"""Stage 2: a joint filter of the noisy pixels, guided by stage 1; chosen by the same risk.

Its divergence runs through the guide too, so it is measured instead of computed: the picture is
moved by a little noise b of the same covariance, and b_i (F(y + e b) - F(y))_i / e has the mean
s_i² sum_j rho(i - j) dF_i/dy_j (Ramani, Blu and Unser, IEEE Trans. Image Process. 17 (2008) 1540).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.fitted import FitTask
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.adaptive.risk import pooled, smoothed, soft_choice
from denoise_studio.denoisers.bilateral.whole import bilateral
from denoise_studio.noise.coloured import coloured_noise
from denoise_studio.noise.local import NoiseModel

SPATIAL = (1.3, 2.5, 4.5)
CONTRAST = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
BLOCK = 8
"""Pixels whose risk is summed before it is smoothed."""

_POOL = 24.0
"""sd in pixels of the surroundings whose risk is averaged: measured divergences are noisy."""
_STEP = 0.1
"""Size of the probe in units of the noise."""


@dataclass(frozen=True, eq=False)
class Second:
    """Stage 2's maps, `(ceil(H / 8), ceil(W / 8))` float32 each."""

    spatial: FloatArray
    contrast: FloatArray


class Probe:
    """A picture, its noise, and the same picture moved by a little of that noise.

    Attributes:
        pixels, moved: `(C, H, W)` float32.
        sd: `(C, H, W)`, of the noise.
        scale: `(H, W)`, sd over all channels.
        weight: `(H, W)` float32, 1 where a pixel is valid.
    """

    def __init__(self, task: FitTask, model: NoiseModel) -> None:
        picture = task.picture
        height, width = picture.height, picture.width
        self._task = task
        self.valid: BoolArray | None = None if picture.padding is None else ~picture.padding
        self.weight: FloatArray = (
            np.ones((height, width), np.float32) if self.valid is None else self.valid.astype(np.float32)
        )
        self.pixels = picture.pixels if self.valid is None else picture.pixels * self.valid
        self.sd = model.sd_at(np.arange(height), np.arange(width))
        self.scale: FloatArray = np.sqrt((self.sd**2).sum(axis=0))
        self._noise = coloured_noise(model.correlation, picture.pixels.shape, task.seed) * self.sd
        self.moved = self.pixels + np.float32(_STEP) * self._noise

    def risk(self, filtered: FloatArray, moved: FloatArray) -> Any:
        """Estimated squared error at every pixel, channels summed; `(H, W)`."""
        response = (moved - filtered) * (self._noise * np.float32(2 / _STEP))
        residual = self.pixels - filtered
        return (residual * residual - self.sd**2 + response).sum(axis=0)

    def filter(self, pixels: FloatArray, sigmas: Any, guide: FloatArray | None = None) -> FloatArray:
        """The bilateral filter over the whole picture, sigma_x, sigma_y and sigma_r numbers or maps."""
        return bilateral(pixels, *sigmas, valid=self.valid, spread=self._task.spread, guide=guide)


def choose_second(task: FitTask, probe: Probe, guides: tuple[FloatArray, FloatArray]) -> Second:
    """Choose stage 2's sigmas everywhere, given stage 1's results for the picture and the moved one."""
    candidates = [(sigma, contrast) for sigma in SPATIAL for contrast in CONTRAST]
    weight = _padded(probe.weight)
    risks = []
    for number, (sigma, contrast) in enumerate(candidates):
        task.progress.report(number / len(candidates), "stage 2: comparing filters")
        sigmas = sigma, sigma, np.float32(contrast) * probe.scale
        filtered = probe.filter(probe.pixels, sigmas, guides[0])
        moved = probe.filter(probe.moved, sigmas, guides[1])
        sums, weights = pooled(_padded(probe.risk(filtered, moved)), weight, BLOCK)
        risks.append(smoothed(sums, weights, _POOL / BLOCK))
    variance, count = pooled(_padded(probe.scale**2), _padded(np.ones_like(probe.scale)), BLOCK)
    variance /= count
    chosen = soft_choice(np.array(risks), candidates, variance)
    return Second(chosen[0], chosen[1] * np.sqrt(variance).astype(np.float32))


def _padded(array: Any) -> Any:
    """Filled up with zeros to whole blocks."""
    height, width = array.shape
    return np.pad(array, ((0, -height % BLOCK), (0, -width % BLOCK)))
