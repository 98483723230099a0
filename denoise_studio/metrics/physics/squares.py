"""Squares inside a region: where a noise power spectrum is taken."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.physics.pitch import Doubles

Places = npt.NDArray[np.int64]

SIDES = (128, 96, 64, 48, 32, 24, 16)
"""Sides that are tried, in pixels, the largest first: products of few small primes."""
_ENOUGH = 9
"""Squares with which a spectrum is smooth enough to prefer their size to smaller ones."""
_MOST = 1024
"""Squares that are used at most: more would only take time."""
_STEPS = 4
"""Places tried along a side of a square in regions of any shape."""


@dataclass(frozen=True, eq=False)
class Squares:
    """Squares of one side, overlapping by half at most.

    Args:
        side: in pixels.
        corners: `(n, 2)` row and column of their upper left pixels.
    """

    side: int
    corners: Places

    @property
    def count(self) -> int:
        return int(self.corners.shape[0])

    def cut(self, values: Doubles, start: int = 0, stop: int | None = None) -> Doubles:
        """`(n, side, side)`: the values in some of the squares."""
        windows = np.lib.stride_tricks.sliding_window_view(values, (self.side, self.side))
        chosen = self.corners[start:stop]
        return np.asarray(windows[chosen[:, 0], chosen[:, 1]])


def place_squares(inside: BoolArray, side: int | None = None) -> Squares:
    """Squares that lie wholly where pixels count.

    Args:
        inside: `(h, w)`.
        side: in pixels; None takes the largest of `SIDES` that fits nine times, else the largest that fits.

    Raises:
        MeasureError: none fits; the sentence names the least side.
    """
    sums = np.pad(np.cumsum(np.cumsum(inside, 0, dtype=np.int64), 1), ((1, 0), (1, 0)))
    best: Squares | None = None
    for length in (side,) if side is not None else SIDES:
        corners = _corners(sums, length)
        if len(corners) and best is None:
            best = Squares(length, _some(corners))
        if len(corners) >= _ENOUGH:
            return Squares(length, _some(corners))
    if best is None:
        least = side if side is not None else SIDES[-1]
        raise MeasureError(
            f"The region is too small for noise power: a square of at least {least} × {least} px must fit "
            "into it."
        )
    return best


def _corners(sums: Places, side: int) -> Places:
    """Upper left corners of squares that fit, row by row, half a side or more apart."""
    if sums.shape[0] <= side or sums.shape[1] <= side:
        return np.empty((0, 2), np.int64)
    held = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    fits = held == side * side
    apart = max(1, side // 2)
    fine = max(1, side // _STEPS)
    found: list[tuple[int, int]] = []
    y = int(np.argmax(fits.any(axis=1)))
    while y < fits.shape[0]:
        columns, last = np.flatnonzero(fits[y]), -apart
        for x in columns:
            if x - last >= apart:
                found.append((y, int(x)))
                last = int(x)
        # A row without a square costs a small step, one with squares half a side.
        y += apart if columns.size else fine
    return np.asarray(found, np.int64).reshape(-1, 2)


def _some(corners: Places) -> Places:
    """At most `_MOST`, evenly chosen."""
    if len(corners) <= _MOST:
        return corners
    return np.asarray(corners[np.linspace(0, len(corners) - 1, _MOST).round().astype(int)])
