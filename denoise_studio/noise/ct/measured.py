"""How much noise a CT slice has, read in its flattest soft tissue.

The reconstruction tells how the noise's strength goes from place to place, all but one factor
(`calibration.sensitivity`), and how neighbours are correlated (`texture`). So every small patch
of soft tissue, less a plane, tells that factor; anatomy only adds to it. The factor is read in the
flattest tenth of the patches, and as flattest is also lowest by chance, the same quantile of pure
noise of that correlation is divided out.
"""

from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.ct.kernels import Kernel
from denoise_studio.noise.ct.texture import pixel_power

SIDE, STRIDE = 8, 4
"""Side of a patch and distance of two, in pixels."""
TISSUE = (-150.0, 300.0)
"""HU between which all parts of a patch, of 4 x 4 pixels, have their means if it is soft tissue or fat."""
_QUANTILE = 10.0
_FEWEST = 30
_FIELD = 256


def flat_factor(
    hu: FloatArray, shape: FloatArray, kernel: Kernel, bin_mm: float, padding: BoolArray | None = None
) -> float | None:
    """By what the noise's variance exceeds `shape`; None where there is too little soft tissue.

    Args:
        hu: `(H, W)`.
        shape: variance that the noise would have, HU^2, at every 4th row and column.
        kernel: of the reconstruction.
        bin_mm: distance of two pixels.
        padding: `(H, W)`, True where the slice is none.
    """
    if min(hu.shape) < SIDE:
        return None
    patches = _patches(hu)
    blocks = patches.reshape(*patches.shape[:2], SIDE // STRIDE, STRIDE, SIDE // STRIDE, STRIDE)
    means = blocks.mean(axis=(3, 5))
    chosen = ((means > TISSUE[0]) & (means < TISSUE[1])).all(axis=(2, 3))
    if padding is not None:
        chosen &= ~_patches(padding).any(axis=(2, 3))
    if chosen.sum() < _FEWEST:
        return None
    nodes = SIDE // STRIDE
    expected = np.lib.stride_tricks.sliding_window_view(shape, (nodes, nodes)).mean(axis=(2, 3))
    rows, columns = chosen.shape
    ratio = _variances(patches[chosen]) / np.maximum(expected[:rows, :columns][chosen], 1e-30)
    return float(np.percentile(ratio, _QUANTILE)) / _chance(kernel, bin_mm)


def _patches(values: Any) -> Any:
    return np.lib.stride_tricks.sliding_window_view(values, (SIDE, SIDE))[::STRIDE, ::STRIDE]


def _variances(patches: Any) -> Any:
    """Mean square of `(n, SIDE, SIDE)` patches less the plane that fits each best."""
    line = np.arange(SIDE) - (SIDE - 1) / 2
    ones = np.ones(SIDE)
    planes = np.stack([np.outer(ones, ones), np.outer(line, ones), np.outer(ones, line)]).reshape(3, -1)
    planes /= np.linalg.norm(planes, axis=1, keepdims=True)
    flat = patches.reshape(len(patches), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    rest = flat - (flat @ planes.T) @ planes
    return (rest**2).mean(axis=1)


def _chance(kernel: Kernel, bin_mm: float) -> float:
    """The quantile in pure noise of variance 1 and the kernel's correlation."""
    power = pixel_power(kernel, bin_mm, _FIELD)
    white = np.random.default_rng(0).standard_normal((_FIELD, _FIELD))
    noise = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(power / power.mean())).real
    return float(np.percentile(_variances(_patches(noise).reshape(-1, SIDE, SIDE)), _QUANTILE))
