"""Small windows of a mosaic: brightness, noise variance, and whether there is anything else in them.

Within a window the pixels of one class are taken 2 x 2 at a time to the orthonormal Haar
transform. Of white noise every band has the pixels' variance, and the bands are independent: the
diagonal band tells the variance, the two others whether the window is flat, and choosing flat windows
by them does not change what the diagonal one says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import BoolArray, FloatArray

CELLS = 8
"""Haar cells a side of a window: 16 x 16 pixels of a class."""
DIAGONALS = CELLS * CELLS
"""Coefficients that a window's variance is a mean of."""
SIDES = 2 * DIAGONALS
_BAND = 64
"""Rows of windows that are transformed at a time: the whole would need several times the picture."""
_NEAR_WHITE = 0.99
_FLOOR_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one class of pixels.

    Args:
        mean: `(N,)` float32, mean in DN, black included.
        variance: `(N,)`, mean square of the diagonal coefficients, DN^2.
        texture: `(N,)`, the same of the two other bands: about `variance` where nothing but noise is.
        place: `(N, 2)` int32, row and column of the upper left pixel in the mosaic.
    """

    mean: FloatArray
    variance: FloatArray
    texture: FloatArray
    place: Any

    def __len__(self) -> int:
        return len(self.mean)

    def where(self, chosen: Any) -> "Windows":
        return Windows(self.mean[chosen], self.variance[chosen], self.texture[chosen], self.place[chosen])


def above_black(windows: Windows, black: float) -> Windows:
    """The same with means above black."""
    return Windows(windows.mean - np.float32(black), windows.variance, windows.texture, windows.place)


def joined(parts: Sequence[Windows]) -> Windows:
    """All windows of several classes or pieces."""
    fields = zip(*((w.mean, w.variance, w.texture, w.place) for w in parts), strict=True)
    return Windows(*(np.concatenate(values) for values in fields))


def windows_of(
    pixels: FloatArray, mosaic: Mosaic, padding: BoolArray | None = None, origin: tuple[int, int] = (0, 0)
) -> dict[str, Windows]:
    """The windows of every class, by its name; those with clipped or padded pixels are left out.

    Args:
        pixels: `(H, W)` float32, DN.
        mosaic: of a Bayer pattern, beginning at this array's corner.
        padding: `(H, W)`, True where a pixel does not count.
        origin: row and column of the corner in the picture, added to `place`.
    """
    return {
        mosaic.sites[index].name: _of_class(pixels, mosaic, index, (y, x), padding, origin)
        for y, row in enumerate(mosaic.pattern)
        for x, index in enumerate(row)
    }


def _of_class(
    pixels: FloatArray,
    mosaic: Mosaic,
    index: int,
    first: tuple[int, int],
    padding: BoolArray | None,
    origin: tuple[int, int],
) -> Windows:
    site = mosaic.sites[index]
    limit = site.black + _NEAR_WHITE * (site.white - site.black)
    floor = float(pixels.min())
    side = 4 * CELLS  # in the mosaic: 2 pixels of another class lie between two of this one
    height, width = ((size - start) // side for size, start in zip(pixels.shape, first, strict=True))
    parts = []
    for top in range(0, height if width > 0 else 0, _BAND):
        count = min(_BAND, height - top)
        rows = slice(first[0] + top * side, first[0] + (top + count) * side)
        columns = slice(first[1], first[1] + width * side)
        bad = padding[rows, columns] if padding is not None else None
        corner = rows.start + origin[0], columns.start + origin[1]
        parts.append(_band(pixels[rows, columns], bad, limit, floor, corner))
    if not parts:
        empty = np.empty(0, np.float32)
        return Windows(empty, empty, empty, np.empty((0, 2), np.int32))
    return Windows(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _band(
    part: FloatArray, bad: BoolArray | None, limit: float, floor: float, corner: tuple[int, int]
) -> Any:
    """Mean, variance, texture and place of the windows of some rows of windows."""
    side = 4 * CELLS
    a, b, c, d = (part[y::4, x::4] for y, x in ((0, 0), (0, 2), (2, 0), (2, 2)))
    mean = _averaged((a + b + c + d) / 4)
    diagonal = _averaged(np.square((a - b - c + d) / 2))
    across = _averaged(np.square((a + b - c - d) / 2) + np.square((a - b + c - d) / 2)) / 2
    largest = np.maximum(np.maximum(a, b), np.maximum(c, d))
    clipped = _averaged((largest >= limit).astype(np.float32)) > 0
    lowest = np.minimum(np.minimum(a, b), np.minimum(c, d))
    floored = _averaged((lowest <= floor).astype(np.float32)) > _FLOOR_SHARE
    good = ~(clipped | floored) & (diagonal > 0)
    if bad is not None:
        good &= _averaged(bad.astype(np.float32), side) == 0
    y, x = np.nonzero(good)
    place = np.stack([y * side + corner[0], x * side + corner[1]], axis=1).astype(np.int32)
    return mean[good], diagonal[good], across[good], place


def _averaged(values: Any, side: int = CELLS) -> FloatArray:
    """Means over squares of that side, which divides both of the array's."""
    size = (values.shape[1] // side, values.shape[0] // side)
    found: FloatArray = cv2.resize(np.ascontiguousarray(values), size, interpolation=cv2.INTER_AREA)
    return found
