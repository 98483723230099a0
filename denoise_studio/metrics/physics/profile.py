"""Values along a line, averaged over a width."""

import math
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.physics.pitch import Doubles, Pitch

Point = tuple[float, float]
_STEPS_A_PIXEL = 2
_LONGEST = 20_000
_WIDEST = 200


@dataclass(frozen=True, eq=False)
class Profile:
    """Values along a line.

    Args:
        distances: `(n,)` from the line's start, in mm (px where the spacing is not known).
        values: `(n,)` in the picture's unit; NaN beside the picture and in padding.
        unit: of the distances.
    """

    distances: Doubles
    values: Doubles
    unit: str


def line_profile(
    values: Doubles,
    start: Point,
    end: Point,
    pitch: Pitch,
    width: int = 1,
    valid: BoolArray | None = None,
) -> Profile:
    """Read values off between two points, twice a pixel, by bilinear interpolation.

    Args:
        values: `(h, w)`.
        start: (x, y); pixel `i` has its centre at `i + 0.5`.
        end: likewise.
        pitch: of the pixels.
        width: how many parallel lines, a pixel apart, are averaged; across the line as it lies in mm.
        valid: `(h, w)`, False where a pixel is padding.

    Raises:
        MeasureError: the line is shorter than a pixel, or longer or wider than makes sense.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    pixels = math.hypot(dx, dy)
    if not 1 <= width <= _WIDEST:
        raise MeasureError(f"A profile is 1 to {_WIDEST} px wide, not {width}.")
    if not 1.0 <= pixels <= _LONGEST:
        raise MeasureError(f"A profile's line is 1 to {_LONGEST} px long, not {pixels:.3g}.")
    length = math.hypot(dx * pitch.column, dy * pitch.row)
    along = np.linspace(0.0, 1.0, max(2, math.ceil(pixels * _STEPS_A_PIXEL) + 1))
    # Across the line in mm, then back to pixels, one of the finer distance apart.
    across = (
        -dy * pitch.row / length * pitch.finest / pitch.column,
        dx * pitch.column / length * pitch.finest / pitch.row,
    )
    offsets = np.arange(width) - (width - 1) / 2
    x = start[0] + along[:, None] * dx + offsets * across[0]
    y = start[1] + along[:, None] * dy + offsets * across[1]
    read, weight = _bilinear(values, x - 0.5, y - 0.5, valid)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(total >= 0.5 * width, (read * weight).sum(axis=1) / total, np.nan)
    return Profile(along * length, mean, pitch.unit)


def _bilinear(values: Doubles, x: Doubles, y: Doubles, valid: BoolArray | None) -> tuple[Doubles, Doubles]:
    """Values between pixel centres, and the share of each that comes from pixels that count."""
    height, width = values.shape
    # The outer half of the rim's pixels has no neighbour on one side: their own value holds there.
    outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
    x, y = np.clip(x, 0.0, width - 1.0), np.clip(y, 0.0, height - 1.0)
    left = np.minimum(x.astype(np.int64), max(width - 2, 0))
    top = np.minimum(y.astype(np.int64), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = x - left, y - top
    total = np.zeros(x.shape)
    weight = np.zeros(x.shape)
    for rows, columns, share in (
        (top, left, (1 - down) * (1 - across)),
        (top, right, (1 - down) * across),
        (bottom, left, down * (1 - across)),
        (bottom, right, down * across),
    ):
        counts = share if valid is None else share * valid[rows, columns]
        total += counts * values[rows, columns]
        weight += counts
    weight[outside] = 0.0
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0), weight
