"""Means and standard deviations in double precision, without a double copy of the picture."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray, FloatArray

_BAND = 1 << 20
"""Samples in one band: 8 MB in double precision."""


@dataclass(frozen=True)
class Moments:
    """Of a set of samples: count, mean, population sd, root mean square, and the two ends."""

    count: int
    mean: float
    sd: float
    rms: float
    minimum: float
    maximum: float

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(self.minimum), abs(self.maximum))


def moments(pixels: FloatArray, minus: FloatArray | None = None, valid: BoolArray | None = None) -> Moments:
    """Moments of `pixels`, or of `pixels - minus`, over all channels.

    Args:
        pixels: `(C, H, W)` or `(H, W)` float32.
        minus: the same shape.
        valid: `(H, W)`, False where a pixel does not count.

    Raises:
        MeasureError: no pixel is valid.
    """
    count, total = 0, 0.0
    minimum, maximum = math.inf, -math.inf
    for band in _bands(pixels, minus, valid):
        count += band.size
        total += float(band.sum())
        minimum, maximum = min(minimum, float(band.min())), max(maximum, float(band.max()))
    if not count:
        raise MeasureError("There is no pixel to measure (all are padding).")
    mean, squares = total / count, 0.0
    # A second pass: the sum of squares around the mean loses no digits to a large offset.
    for band in _bands(pixels, minus, valid):
        band -= mean
        squares += float(np.dot(band, band))
    variance = squares / count
    return Moments(count, mean, math.sqrt(variance), math.sqrt(variance + mean * mean), minimum, maximum)


def statistics(before: FloatArray, after: FloatArray, valid: BoolArray | None = None) -> dict[str, Any]:
    """What happened inside a rectangle or region: both pictures and what was removed.

    Args:
        before: `(C, h, w)` or `(h, w)` float32, the input.
        after: the same shape, the result.
        valid: `(h, w)`, True where a pixel counts (inside the region and no padding).

    Returns:
        `count` (samples, over all channels), and `mean`, `sd` (population), `minimum`,
        `maximum` for each of `before`, `after` and `change` (after - before), as
        `before_mean`, ...; with `change_rms` and `change_largest` besides.

    Raises:
        MeasureError: the shapes differ, or no pixel is valid.
    """
    if before.shape != after.shape:
        raise MeasureError(f"The pictures differ in size: {before.shape} against {after.shape}.")
    sets = {
        "before": moments(before, valid=valid),
        "after": moments(after, valid=valid),
        "change": moments(after, before, valid),
    }
    result: dict[str, Any] = {"count": sets["before"].count}
    for name, found in sets.items():
        result |= {
            f"{name}_mean": found.mean,
            f"{name}_sd": found.sd,
            f"{name}_minimum": found.minimum,
            f"{name}_maximum": found.maximum,
        }
    change = sets["change"]
    return result | {"change_rms": change.rms, "change_largest": change.largest}


def _bands(pixels: FloatArray, minus: FloatArray | None, valid: BoolArray | None) -> Iterator[Any]:
    """The valid samples, some rows at a time, as flat float64 arrays that may be written to."""
    height, width = pixels.shape[-2:]
    channels = pixels.size // max(height * width, 1)
    rows = max(1, _BAND // max(width * channels, 1))
    for y in range(0, height, rows):
        where = (..., slice(y, y + rows), slice(None))
        band = pixels[where].astype(np.float64)
        if minus is not None:
            band -= minus[where]
        flat = band.reshape(-1) if valid is None else band[..., valid[y : y + rows]].reshape(-1)
        if flat.size:
            yield flat
