"""How the noise's strength differs from place to place beyond what brightness explains."""

from collections.abc import Callable
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.blind.levels import HIGH, LOW, MIDDLE
from denoise_studio.noise.blind.patches import Patches

CELL = 16
"""Pixels between the nodes of the factor's grid; more in a large picture."""
_MOST_CELLS = 10_000
_WIDTH = 1.5
"""sd of the smoothing, in cells."""
_PRIOR = 4.0
"""Independent flat patches that the picture's own mean counts as, in every surrounding."""
_FLAT = 1.6
_LIMIT = 4.0
_BAND = 32
_CHOSEN = 1.1
"""Median sd of flat patches in pure white noise: those with more power where it is read are chosen."""
_ABOVE = 1.3
"""From here on it is more than chance."""
_NOISY = 1.1
"""Low over high frequencies in the flattest tenth: 0.6 in pure white noise, above this there is texture."""


def cell_size(shape: tuple[int, int]) -> int:
    """Distance of the factor's nodes in pixels."""
    return max(CELL, int(np.ceil(np.sqrt(shape[0] * shape[1] / _MOST_CELLS))))


def local_factor(
    patches: Patches, chosen: Any, sigma: Any, correlated: bool, shape: tuple[int, int]
) -> tuple[FloatArray, float]:
    """The sd over what brightness lets expect, at the middles of cells: `(gh, gw)` float32, mean about 1.

    And one number to multiply the sd with: 1, or more if white noise was read in the quietest places only,
    which has most of a picture's flat patches well above it.

    Read in patches with hardly more power at low frequencies than at those where noise is read; where
    there are none, it is 1.

    Args:
        patches: of a channel.
        chosen: indices of the patches over which the factor is about 1.
        sigma: `(n,)` the sd expected in each of them.
        correlated: whether the noise is, so that high frequencies say little.
        shape: (H, W) of the picture.
    """
    import cv2

    below, band = (LOW & ~MIDDLE, MIDDLE) if correlated else (LOW | MIDDLE, HIGH)
    power = patches.power[:, band].mean(axis=1)
    lower = patches.power[:, below].mean(axis=1)
    ratio = lower / np.maximum(power, 1e-30)
    lowest = float(np.quantile(ratio[chosen], 0.1))
    flat = ratio < _FLAT * lowest
    typical = np.intersect1d(np.flatnonzero(flat), chosen)
    if not len(typical):
        return np.ones((1, 1), np.float32), 1.0
    size = cell_size(shape)
    grid = -(-shape[0] // size), -(-shape[1] // size)
    relative = power / np.maximum(sigma, 1e-30) ** 2
    middle = max(float(np.median(relative[typical])), 1e-30)
    above = float(np.sqrt(middle)) / _CHOSEN if not correlated and lowest < _NOISY else 1.0
    relative = np.minimum(relative / middle, _LIMIT**2)
    mean = float(relative[typical].mean())
    relative = relative[flat]
    row, column = (place[flat].astype(np.int64) // size for place in (patches.row, patches.column))
    node = row * grid[1] + column

    def smooth(weights: Any) -> Any:
        values = np.bincount(node, weights, grid[0] * grid[1]).reshape(grid) * patches.apart
        return cv2.GaussianBlur(values, (0, 0), _WIDTH, borderType=cv2.BORDER_REPLICATE)

    prior = _PRIOR / (4 * np.pi * _WIDTH**2)
    factor = (smooth(relative) + prior * mean) / (smooth(np.ones(len(node))) + prior) / mean
    return np.asarray(np.sqrt(factor), np.float32), above if above > _ABOVE else 1.0


def levels_of(channel: FloatArray, padding: BoolArray | None, size: int) -> FloatArray:
    """Local mean values of a channel, a little smoothed: one for every `size` pixels each way."""
    import cv2

    bands = range(0, channel.shape[0], size * _BAND)

    def small(part: Callable[[slice], Any]) -> Any:
        # Some rows at a time: a copy of the channel would be large.
        values = np.concatenate([_shrunk(part(slice(row, row + size * _BAND)), size) for row in bands])
        return cv2.GaussianBlur(values, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)

    if padding is None:
        return np.asarray(small(lambda rows: channel[rows]))
    total = small(lambda rows: np.where(padding[rows], np.float32(0), channel[rows]))
    return np.asarray(total / np.maximum(small(lambda rows: (~padding[rows]).astype(np.float32)), 1e-6))


def _shrunk(values: Any, size: int) -> Any:
    """Means over squares of `size` pixels, the last ones filled up with the border's value."""
    import cv2

    height, width = -(-values.shape[0] // size), -(-values.shape[1] // size)
    below, right = height * size - values.shape[0], width * size - values.shape[1]
    values = cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width)
