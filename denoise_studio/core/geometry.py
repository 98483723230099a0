"""Integer rectangles of a picture, in pixels: x to the right, y down."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from denoise_studio.core.types import AnyArray


class Rect(NamedTuple):
    """The pixels with `x <= column < x + width` and `y <= row < y + height`."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def from_edges(cls, x0: int, y0: int, x1: int, y1: int) -> "Rect":
        return cls(x0, y0, max(0, x1 - x0), max(0, y1 - y0))

    @property
    def x1(self) -> int:
        return self.x + self.width

    @property
    def y1(self) -> int:
        return self.y + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices into a `(..., H, W)` array."""
        return slice(self.y, self.y1), slice(self.x, self.x1)

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0

    def intersect(self, other: "Rect") -> "Rect":
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect.from_edges(x, y, max(x, min(self.x1, other.x1)), max(y, min(self.y1, other.y1)))

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle around both; an empty one adds nothing."""
        if not other:
            return self
        if not self:
            return other
        return Rect.from_edges(
            min(self.x, other.x), min(self.y, other.y), max(self.x1, other.x1), max(self.y1, other.y1)
        )

    def expand(self, margin: int) -> "Rect":
        return Rect.from_edges(self.x - margin, self.y - margin, self.x1 + margin, self.y1 + margin)

    def translate(self, dx: int, dy: int) -> "Rect":
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def contains(self, other: "Rect") -> bool:
        return self.x <= other.x and self.y <= other.y and self.x1 >= other.x1 and self.y1 >= other.y1

    def quarters(self, multiple: int = 1) -> Iterator["Rect"]:
        """Up to four rectangles that tile this one, halving each side longer than `multiple`.

        They begin at multiples of `multiple` from this one's corner.
        """
        xm, ym = (
            start + min(side, -(-((side + 1) // 2) // multiple) * multiple)
            for start, side in ((self.x, self.width), (self.y, self.height))
        )
        for y0, y1 in ((self.y, ym), (ym, self.y1)):
            for x0, x1 in ((self.x, xm), (xm, self.x1)):
                part = Rect.from_edges(x0, y0, x1, y1)
                if part:
                    yield part


def bounding(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around all of them."""
    result = Rect(0, 0, 0, 0)
    for rect in rects:
        result = result.union(rect)
    return result


def cut_out(array: AnyArray, rect: Rect, halo: int) -> AnyArray:
    """`rect` and `halo` pixels around it, `(..., h + 2 halo, w + 2 halo)`, mirrored at the edges.

    The edge pixel itself is not repeated (numpy's "reflect"); a picture narrower than the halo
    is mirrored as often as needed. Always a copy, never a view of `array`.
    """
    height, width = array.shape[-2:]
    outer = rect.expand(halo)
    if outer.x >= 0 and outer.y >= 0 and outer.x1 <= width and outer.y1 <= height:
        return array[(..., *outer.slices)].copy()
    rows, columns = mirrored(outer, width, height)
    top, left = int(rows.min()), int(columns.min())
    part = array[..., top : int(rows.max()) + 1, left : int(columns.max()) + 1]  # `take` copies it first
    part = np.take(part, rows - top, axis=-2)
    return np.ascontiguousarray(np.take(part, columns - left, axis=-1))


def mirrored(rect: Rect, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Rows and columns of a picture of this size that stand for those of `rect`, mirrored at its edges."""
    return reflect(np.arange(rect.y, rect.y1), height), reflect(np.arange(rect.x, rect.x1), width)


def reflect(index: np.ndarray, size: int) -> np.ndarray:  # type: ignore[type-arg]
    if size == 1:
        return np.zeros_like(index)
    period = 2 * (size - 1)
    index = np.abs(index) % period
    return np.where(index >= size, period - index, index)
