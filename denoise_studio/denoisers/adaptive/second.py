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
from denoise_studio.noise.local import RADIUS, NoiseModel

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

    def mean_risk(self, filtered: FloatArray, moved: FloatArray) -> float:
        """The mean over all valid pixels."""
        risk = self.risk(filtered, moved)
        return float((risk * self.weight).sum(dtype=np.float64) / max(self.weight.sum(dtype=np.float64), 1.0))

    def filter(self, pixels: FloatArray, spatial: Any, contrast: Any, guide: Any = None) -> FloatArray:
        """The bilateral filter over the whole picture."""
        return bilateral(
            pixels, spatial, spatial, contrast, valid=self.valid, spread=self._task.spread, guide=guide
        )


def coloured_noise(correlation: FloatArray, shape: tuple[int, ...], seed: int) -> FloatArray:
    """Gaussian noise of sd 1 with this correlation, `shape` = (C, H, W)."""
    import cv2

    size = 32
    taper = np.hanning(2 * RADIUS + 3)[1:-1]
    periodic = np.zeros((size, size))
    periodic[: 2 * RADIUS + 1, : 2 * RADIUS + 1] = correlation * np.outer(taper, taper)
    spectrum = np.fft.fft2(np.roll(periodic, (-RADIUS, -RADIUS), axis=(0, 1))).real
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(np.maximum(spectrum, 0.0))).real)
    kernel /= np.sqrt((kernel**2).sum())
    draw = np.random.default_rng(seed)
    kernel = kernel.astype(np.float32)
    channels = (draw.standard_normal(shape[1:], np.float32) for _ in range(shape[0]))
    return np.stack([cv2.filter2D(c, -1, kernel, borderType=cv2.BORDER_REFLECT) for c in channels])


def choose_second(task: FitTask, probe: Probe, guides: tuple[FloatArray, FloatArray]) -> Second:
    """Choose stage 2's sigmas everywhere, given stage 1's results for the picture and the moved one."""
    candidates = [(sigma, contrast) for sigma in SPATIAL for contrast in CONTRAST]
    weight = _padded(probe.weight)
    risks = []
    for number, (sigma, contrast) in enumerate(candidates):
        task.progress.report(number / len(candidates), "stage 2: comparing filters")
        sigma_r = np.float32(contrast) * probe.scale
        filtered = probe.filter(probe.pixels, sigma, sigma_r, guides[0])
        moved = probe.filter(probe.moved, sigma, sigma_r, guides[1])
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
