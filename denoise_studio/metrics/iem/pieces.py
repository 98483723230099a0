"""Large pictures in pieces, and the pieces' integrals put together."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.metrics.iem.integrate import Integral

_CUT = 0.01
"""Share of the square that cutting was found to change at most: a prior may look further than it is shown."""


def pieces(rect: Rect, side: int) -> Iterator[Rect]:
    """The picture itself, if it is at most a quarter wider than `side`, or squares of a grid."""
    if max(rect.width, rect.height) <= side * 5 // 4:
        yield rect
        return
    for y in range(0, rect.height, side):
        for x in range(0, rect.width, side):
            yield Rect(x, y, side, side).intersect(rect)


class Whole:
    """Puts pieces together: noise of different pieces is independent, other errors add up."""

    def __init__(self, rect: Rect) -> None:
        self._map = np.zeros((rect.height, rect.width))
        self._found: list[Integral] = []

    def add(self, piece: Rect, found: Integral) -> None:
        """Take over the integral of one piece."""
        self._map[piece.slices] = found.map
        self._found.append(replace(found, map=None))

    def integral(self) -> Integral:
        """Of all pieces."""
        found, squared = self._found, float(self._map.sum())
        return Integral(
            squared=squared,
            spread=math.sqrt(sum((part.believed * part.spread) ** 2 for part in found)),
            believed=1.0,
            rest=sum(part.rest for part in found) + _CUT * squared,
            levels=max(part.levels for part in found),
            paths=max(part.paths for part in found),
            calls=sum(part.calls for part in found),
            map=self._map,
        )
