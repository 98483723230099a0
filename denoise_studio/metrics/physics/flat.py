"""Flat parts of a picture, found without being told: squares that hold one tissue and noise, no structure."""

from typing import NamedTuple

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.physics.pitch import Doubles
from denoise_studio.metrics.physics.squares import Places, Squares

SOFT_TISSUE = (-160.0, 240.0)
"""HU of what is looked through: fat, muscle, organs, blood; neither lung nor bone."""
_PARTS = 4
"""Parts along a side, whose means must agree."""
_NOISIEST = 1.25
"""Times the typical noise above which a square holds structure."""
_QUANTILE = 0.25
_SIDES = (32, 24, 16)
"""Of the squares that `flat_parts` tries."""
_FEWEST = 6
_DARK = 0.1
"""Of the range of values, from its lower end: what counts as dark ground."""


def flat_squares(
    values: Doubles,
    inside: BoolArray,
    side: int,
    limits: tuple[float, float] | None = None,
    most: int = 32,
    noise: float | None = None,
) -> Places:
    """Squares, half a side or more apart, that differ from a constant by noise alone, the flattest first.

    After the global noise index (Christianson et al., AJR 205 (2015) W93; TG-233): the noise is what the
    quieter squares of the tissue agree on. Of those, squares are kept whose parts have the same mean to
    within what that noise explains.

    Args:
        values: `(h, w)`.
        inside: `(h, w)`, True where a pixel counts.
        side: of the squares in pixels; rounded down to a multiple of 4.
        limits: lowest and highest mean of a square that is wanted.
        most: how many at most.
        noise: the noise's sd, if it is known; else the squares themselves have to tell it.

    Returns:
        `(n, 2)` row and column of upper left pixels; empty if nothing is flat.
    """
    side = max(_PARTS, side // _PARTS * _PARTS)
    found = _Looked.at(values, inside, side, limits)
    if found is None:
        return np.empty((0, 2), np.int64)
    noise = found.noise if noise is None else noise
    quiet = found.wanted & (found.sd <= _NOISIEST * noise + 1e-9)
    if not quiet.any():
        return np.empty((0, 2), np.int64)
    part = side // _PARTS
    means = np.stack(
        [
            _sums(found.table, part, found.ys + a * part, found.xs + b * part) / part**2
            for a in range(_PARTS)
            for b in range(_PARTS)
        ]
    )
    spread = means.std(axis=0)
    # Noise alone spreads the parts' means too, by how much is seen in the quieter half.
    usual = float(np.median(spread[quiet]))
    flat = quiet & (spread <= _NOISIEST * usual + 1e-9)
    order = np.argsort(np.where(flat, spread, np.inf), axis=None, kind="stable")[: np.count_nonzero(flat)]
    return _apart(order, flat.shape, found.ys, found.xs, side, most)


class _Looked(NamedTuple):
    """Mean and sd of all squares of a side, and which of them may be taken."""

    table: Doubles
    ys: Places
    xs: Places
    sd: Doubles
    wanted: BoolArray

    @classmethod
    def at(
        cls, values: Doubles, inside: BoolArray, side: int, limits: tuple[float, float] | None
    ) -> "_Looked | None":
        """None where there is no square."""
        height, width = values.shape
        if height < side or width < side:
            return None
        step = side // 2
        ys, xs = np.arange(0, height - side + 1, step), np.arange(0, width - side + 1, step)
        wanted = _sums(_table(inside.astype(np.float64)), side, ys, xs) == side * side
        clean = np.where(inside, values, 0.0)
        table = _table(clean)
        mean = _sums(table, side, ys, xs) / side**2
        sd = np.sqrt(np.maximum(_sums(_table(clean * clean), side, ys, xs) / side**2 - mean**2, 0.0))
        if limits is not None:
            wanted = wanted & (mean >= limits[0]) & (mean <= limits[1])
        return cls(table, ys, xs, sd, wanted) if wanted.any() else None

    @property
    def noise(self) -> float:
        """What the quieter squares agree on."""
        return float(np.quantile(self.sd[self.wanted], _QUANTILE))


def flat_parts(values: Doubles, counted: BoolArray, hu: bool) -> Squares:
    """Flat squares of a size that the picture has room for.

    Args:
        values: `(h, w)`.
        counted: `(h, w)`, True where a pixel counts.
        hu: whether they are Hounsfield units: then only soft tissue is looked at.

    Raises:
        MeasureError: nothing is flat.
    """
    limits = SOFT_TISSUE if hu else _foreground(values[counted])
    # Told by the smallest squares: larger ones may all hold structure.
    smallest = _Looked.at(values, counted, _SIDES[-1], limits)
    noise = smallest.noise if smallest is not None else None
    best: tuple[int, Places] | None = None
    for side in _SIDES:
        found = flat_squares(values, counted, side, limits, noise=noise)
        if len(found) and (best is None or len(found) >= 2 * len(best[1])):
            best = side, found
        if len(found) >= _FEWEST:
            break
    if best is None:
        what = "soft tissue" if hu else "part"
        raise MeasureError(f"No flat {what} was found in the picture: draw a region where it is flat.")
    return Squares(*best)


def _foreground(values: Doubles) -> tuple[float, float] | None:
    """Not the dark ground around what was imaged, which may hold no noise or one of another kind."""
    if not values.size:
        return None
    low, high = np.percentile(values, (1, 99))
    return float(low + _DARK * (high - low)), float("inf")


def _apart(order: Places, shape: tuple[int, int], ys: Places, xs: Places, side: int, most: int) -> Places:
    """The first of them that do not overlap."""
    taken: list[tuple[int, int]] = []
    for index in order:
        row, column = np.unravel_index(int(index), shape)
        y, x = int(ys[row]), int(xs[column])
        if all(abs(y - b) >= side or abs(x - a) >= side for b, a in taken):
            taken.append((y, x))
            if len(taken) == most:
                break
    return np.asarray(taken, np.int64).reshape(-1, 2)


def _table(values: Doubles) -> Doubles:
    """Sums over everything above and to the left: what `_sums` takes differences of."""
    return np.asarray(np.pad(np.cumsum(np.cumsum(values, 0), 1), ((1, 0), (1, 0))))


def _sums(table: Doubles, side: int, ys: Places, xs: Places) -> Doubles:
    """Sums over squares with these upper left pixels."""
    y, x = ys[:, None], xs[None, :]
    found = table[y + side, x + side] - table[y, x + side] - table[y + side, x] + table[y, x]
    return np.asarray(found)
