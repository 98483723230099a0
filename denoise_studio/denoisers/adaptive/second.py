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

CANDIDATES = (
    *((1.3, contrast) for contrast in (0.7, 1.0, 1.4, 2.0, 3.0)),
    *((2.5, contrast) for contrast in (0.5, 0.7, 1.0, 1.4, 2.0)),
    *((4.5, contrast) for contrast in (0.35, 0.5, 0.7, 1.0, 1.4)),
)
"""sigma in pixels, and sigma_r in units of the noise's sd at the place."""

BLOCK = 8
"""Pixels whose risk is summed before it is smoothed."""

_POOL = 24.0
"""sd in pixels of the surroundings whose risk is averaged: measured divergences are noisy."""
_BAND = 256
"""Rows that are pooled at a time: no more than that needs memory of its own."""
_STEP = 0.1
"""Size of the probe in units of the noise."""


@dataclass(frozen=True, eq=False)
class Second:
    """Stage 2's maps, `(ceil(H / 8), ceil(W / 8))` float32 each."""

    spatial: FloatArray
    contrast: FloatArray


class Probe:
    """A picture, its noise, and the same picture moved by a little of that noise.

    Each channel's median is taken off: differences of large numbers would lose their last digits.

    Attributes:
        pixels, moved: `(C, H, W)` float32.
        scale: `(H, W)`, sd of the noise over all channels.
        valid: `(H, W)`, or None.
    """

    def __init__(self, task: FitTask, model: NoiseModel) -> None:
        picture = task.picture
        self._task = task
        self.valid: BoolArray | None = None if picture.padding is None else ~picture.padding
        self.pixels = picture.pixels - np.median(picture.pixels[:, ::4, ::4], axis=(1, 2), keepdims=True)
        if self.valid is not None:
            self.pixels *= self.valid
        self._sd = model.sd_at(np.arange(picture.height), np.arange(picture.width))
        self.scale: FloatArray = np.sqrt((self._sd**2).sum(axis=0))
        self._noise = coloured_noise(model.correlation, picture.pixels.shape, task.seed)
        self._noise *= self._sd
        self.moved = self.pixels + np.float32(_STEP) * self._noise

    def filter(self, pixels: FloatArray, sigmas: Any, guide: FloatArray | None = None) -> FloatArray:
        """The bilateral filter over the whole picture, sigma_x, sigma_y and sigma_r numbers or maps."""
        return bilateral(pixels, *sigmas, valid=self.valid, spread=self._task.each, guide=guide)

    def risk(self, filtered: FloatArray, moved: FloatArray) -> Any:
        """Estimated squared error, channels summed, smoothed: `(ceil(H / 8), ceil(W / 8))`."""

        def pool(rows: slice) -> Any:
            response = (moved[:, rows] - filtered[:, rows]) * (self._noise[:, rows] * np.float32(2 / _STEP))
            response += (self.pixels[:, rows] - filtered[:, rows]) ** 2
            response -= self._sd[:, rows] ** 2
            weight = np.ones(response.shape[1:], np.float32)
            if self.valid is not None:
                weight *= self.valid[rows]
            return pooled(_padded(response.sum(axis=0)), _padded(weight), BLOCK)

        parts = list(self._task.each(pool, self._bands()))
        sums, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return smoothed(sums, weights, _POOL / BLOCK)

    def variance(self) -> Any:
        """Mean of the noise's variance over each block, `(ceil(H / 8), ceil(W / 8))`."""
        parts = []
        for rows in self._bands():
            part = self.scale[rows] ** 2
            sums, counts = pooled(_padded(part), _padded(np.ones_like(part)), BLOCK)
            parts.append(sums / counts)
        return np.concatenate(parts)

    def _bands(self) -> list[slice]:
        return [slice(y, y + _BAND) for y in range(0, self.pixels.shape[1], _BAND)]


def choose_second(task: FitTask, probe: Probe, guides: tuple[FloatArray, FloatArray]) -> Second:
    """Choose stage 2's sigmas everywhere, given stage 1's results for the picture and the moved one."""
    risks = []
    for number, (sigma, contrast) in enumerate(CANDIDATES):
        task.progress.report(number / len(CANDIDATES), "stage 2: comparing filters")
        sigmas = sigma, sigma, np.float32(contrast) * probe.scale
        filtered = probe.filter(probe.pixels, sigmas, guides[0])
        moved = probe.filter(probe.moved, sigmas, guides[1])
        risks.append(probe.risk(filtered, moved))
    variance = probe.variance()
    chosen = soft_choice(np.array(risks), CANDIDATES, variance)
    return Second(chosen[0], chosen[1] * np.sqrt(variance).astype(np.float32))


def _padded(array: Any) -> Any:
    """Filled up with zeros to whole blocks."""
    height, width = array.shape
    return np.pad(array, ((0, -height % BLOCK), (0, -width % BLOCK)))
