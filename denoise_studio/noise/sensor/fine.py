"""The second look at a sensor's noise: through a denoiser that was told the first (YOND, section 3.1).

A window's noise variance is the mean square of the noisy mosaic's diagonal coefficients less that of
the denoised one's; the denoised mosaic also tells where there is texture. What the denoiser leaves of
the noise counts only with its square, so the number is not low where it leaves some; where texture is
a fifth of the noise at most, what it takes of that hardly makes the number high. (The mean of
h (h - g), unbiased for Wiener's filter, reads 5 to 12 % low at low ISO: there a network leaves noise.)
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.model import SensorNoise
from denoise_studio.noise.sensor.windows import CELLS, Windows

DenoiseMosaic = Callable[[FloatArray, Mosaic, SensorNoise], FloatArray]
"""Denoises a piece of a mosaic, `(h, w)` DN, whose noise is this."""

_NEAR_WHITE = 0.99
_SIDE = 4 * CELLS


def fine_windows(
    noisy: FloatArray, denoised: FloatArray, mosaic: Mosaic, noise: SensorNoise, corner: tuple[int, int]
) -> dict[str, Windows]:
    """Windows of every class; `texture` is that of the denoised piece, the noise's variance added.

    Args:
        noisy: `(h, w)` DN.
        denoised: the same, denoised.
        mosaic: of the piece.
        noise: what the denoiser was told.
        corner: row and column of the piece in the picture.
    """
    found = {}
    for y, row in enumerate(mosaic.pattern):
        for x, index in enumerate(row):
            site = noise.sites[index]
            height, width = ((size - start) // _SIDE for size, start in zip(noisy.shape, (y, x), strict=True))
            if min(height, width) < 1:
                continue
            where = (slice(y, y + height * _SIDE), slice(x, x + width * _SIDE))
            limit = site.black + _NEAR_WHITE * (site.white - site.black)
            found[site.name] = _of_class(
                noisy[where], denoised[where], limit, (y + corner[0], x + corner[1]), site
            )
    return found


def _of_class(
    noisy: FloatArray, denoised: FloatArray, limit: float, corner: tuple[int, int], site: object
) -> Windows:
    mean, diagonal, _ = _bands(noisy)
    clean_mean, clean_diagonal, sides = _bands(denoised)
    variance = _averaged(np.square(diagonal) - np.square(clean_diagonal))
    texture = _averaged((np.square(clean_diagonal) + sides) / 2)
    clipped = _averaged((mean >= limit).astype(np.float32)) > 0
    good = ~clipped & (variance > 0)
    y, x = np.nonzero(good)
    place = np.stack([y * _SIDE + corner[0], x * _SIDE + corner[1]], axis=1).astype(np.int32)
    return Windows(_averaged(clean_mean)[good], variance[good], texture[good], place)


def _bands(part: FloatArray) -> tuple[Any, Any, Any]:
    """Mean and diagonal coefficient of every cell, and half the sum of squares of the two others."""
    a, b, c, d = (part[y::4, x::4] for y, x in ((0, 0), (0, 2), (2, 0), (2, 2)))
    sides = (np.square((a + b - c - d) / 2) + np.square((a - b + c - d) / 2)) / 2
    return (a + b + c + d) / 4, (a - b - c + d) / 2, sides


def _averaged(cells: Any) -> FloatArray:
    size = (cells.shape[1] // CELLS, cells.shape[0] // CELLS)
    found: FloatArray = cv2.resize(np.ascontiguousarray(cells), size, interpolation=cv2.INTER_AREA)
    return found
