"""From the mean of dark frames to the dark shading: each of its parts kept as far as it is no noise."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.sensor.dark_sums import Parts

_CELL = 32
"""Side in pixels of one place in the pattern, over which the smooth part of a shading is averaged."""
_HOT = 5.0
"""sds of one frame's noise from which a pixel's own level counts as hot."""
_MAD = 1.4826


@dataclass(frozen=True, eq=False)
class Shading:
    """A dark shading.

    Args:
        level: `(H, W)` DN above the file's black level.
        weight: share of the mean frame's own pixels in it, 0 (only smooth, rows, columns) to 1.
        row_weight: the same of row by row.
        column_weight: the same of column by column.
    """

    level: FloatArray
    weight: float
    row_weight: float
    column_weight: float


def smooth(mean: FloatArray, period: tuple[int, int]) -> FloatArray:
    """The part of a mean frame that changes slowly, for each place in the colour filter's pattern."""
    found = np.empty_like(mean)
    for y in range(period[0]):
        for x in range(period[1]):
            plane = np.ascontiguousarray(mean[y :: period[0], x :: period[1]])
            height, width = plane.shape
            size = (max(1, width // _CELL), max(1, height // _CELL))
            coarse = cv2.resize(_without_outliers(plane), size, interpolation=cv2.INTER_AREA)
            found[y :: period[0], x :: period[1]] = cv2.resize(
                coarse, (width, height), interpolation=cv2.INTER_LINEAR
            )
    return found


def hot_pixels(detail: FloatArray, pixel_sd: float) -> BoolArray:
    """Where a pixel's own level stands out of one frame's noise.

    Args:
        detail: `(H, W)` mean frame without what changes slowly.
        pixel_sd: sd of the pixel noise of one frame, DN.
    """
    fixed = robust_sd(detail)
    hot: BoolArray = np.abs(detail) > _HOT * math.hypot(fixed, pixel_sd)
    return hot


def shading_of(mean: FloatArray, slow: FloatArray, hot: BoolArray, parts: Parts, count: int) -> Shading:
    """The best guess of what stays from frame to frame (a Wiener filter for each part).

    Args:
        mean: `(H, W)` mean frame.
        slow: its `smooth` part, which so many pixels carry that it is kept whole.
        hot: hot pixels, kept as they are.
        parts: noise of one frame.
        count: frames in the mean.
    """
    height, width = mean.shape
    detail = np.where(hot, np.float32(0), mean - slow)
    row, column = detail.mean(axis=1, keepdims=True), detail.mean(axis=0, keepdims=True)
    detail -= row
    detail -= column
    own = _kept(detail, parts.pixel**2 / count)
    by_row = _kept(row, (parts.row**2 + parts.pixel**2 / width) / count)
    by_column = _kept(column, (parts.column**2 + parts.pixel**2 / height) / count)
    detail *= np.float32(own)
    detail += slow + row * np.float32(by_row) + column * np.float32(by_column)
    np.copyto(detail, mean, where=hot)
    return Shading(detail, own, by_row, by_column)


def robust_sd(values: FloatArray) -> float:
    """Standard deviation of the bulk, from the median absolute deviation of at most a few million values."""
    some = values.ravel()[:: max(1, values.size // 2_000_000)]
    return float(_MAD * np.median(np.abs(some - np.median(some))))


def _kept(values: FloatArray, noise: float) -> float:
    """Share of the values' variance that is no noise; 0 if it is within what chance would give."""
    seen = float(values.var(dtype=np.float64))
    chance = 1 + 3 * math.sqrt(2 / values.size)
    return max(0.0, 1 - noise / seen) if seen > chance * noise else 0.0


def _without_outliers(plane: FloatArray) -> FloatArray:
    """The same with what stands far out replaced by its neighbourhood's median."""
    size = 5 if min(plane.shape) > 5 else 3
    around = cv2.medianBlur(plane, size)
    off = plane - around
    limit = 8 * max(robust_sd(off), 1e-6)
    return np.where(np.abs(off) > limit, around, plane)
