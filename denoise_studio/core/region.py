"""Regions: a shape with a feather, and the parameters that differ inside it.

Coordinates are in pixels of the upright picture: pixel `i` covers `[i, i + 1)`, its centre is
at `i + 0.5`. A mask depends only on the region and the pixel, never on the rectangle asked
for, so tiles agree to the last bit.
"""

import functools
import itertools
import math
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import numpy as np

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.types import FloatArray

FARTHEST = 1e6
Coordinate = Annotated[float, msgspec.Meta(ge=-FARTHEST, le=FARTHEST)]
Length = Annotated[float, msgspec.Meta(ge=0.0, le=FARTHEST)]
Point = tuple[Coordinate, Coordinate]
_ELLIPSE_STEPS = 6


class Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="box"):
    """An upright box with corners (x0, y0) and (x1, y1)."""

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate

    def __post_init__(self) -> None:
        _check("a corner of a box", (self.x0, self.y0, self.x1, self.y1), -FARTHEST, FARTHEST)

    def extent(self) -> tuple[float, float, float, float]:
        return min(self.x0, self.x1), min(self.y0, self.y1), max(self.x0, self.x1), max(self.y0, self.y1)

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        x0, y0, x1, y1 = self.extent()
        dx = np.abs(x - (x0 + x1) / 2) - (x1 - x0) / 2
        dy = np.abs(y - (y0 + y1) / 2) - (y1 - y0) / 2
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return np.asarray(outside + np.minimum(np.maximum(dx, dy), 0))


class Ellipse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ellipse"):
    """An ellipse around (cx, cy) with half axes rx, ry, turned by `angle` degrees (x towards y)."""

    cx: Coordinate
    cy: Coordinate
    rx: Length
    ry: Length
    angle: Annotated[float, msgspec.Meta(ge=-360.0, le=360.0)] = 0.0

    def __post_init__(self) -> None:
        _check("the centre of an ellipse", (self.cx, self.cy), -FARTHEST, FARTHEST)
        _check("a half axis of an ellipse", (self.rx, self.ry), 0.0, FARTHEST)
        _check("the angle of an ellipse", (self.angle,), -360.0, 360.0)

    def extent(self) -> tuple[float, float, float, float]:
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        half_x, half_y = math.hypot(self.rx * c, self.ry * s), math.hypot(self.rx * s, self.ry * c)
        return self.cx - half_x, self.cy - half_y, self.cx + half_x, self.cy + half_y

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        """Signed distance, good to a small fraction of a pixel, exact for circles."""
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        rx, ry = max(self.rx, 1e-3), max(self.ry, 1e-3)
        u = np.abs((x - self.cx) * c + (y - self.cy) * s)
        v = np.abs((y - self.cy) * c - (x - self.cx) * s)
        outwards = np.hypot(u / rx, v / ry) - 1
        result = np.where(outwards <= 0, -reach, reach)
        # Elsewhere the edge is farther away than `reach`: the mask is 0 or 1 there.
        close = np.abs(outwards) * min(rx, ry) < reach
        u, v = u[close], v[close]
        edge_u, edge_v = _nearest_on_ellipse(u, v, rx, ry)
        result[close] = np.copysign(np.minimum(np.hypot(u - edge_u, v - edge_v), reach), outwards[close])
        return np.asarray(result)


class Polygon(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="polygon"):
    """A closed polygon; the inside is even-odd."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=10_000)]

    def __post_init__(self) -> None:
        _check_points("a polygon", self.points, 3, 10_000)

    def extent(self) -> tuple[float, float, float, float]:
        return _extent(self.points, 0.0)

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
        ends = self.points[1:] + self.points[:1]
        for (ax, ay), (bx, by) in zip(self.points, ends, strict=True):
            if ay == by or max(ay, by) <= y[0, 0] or min(ay, by) > y[-1, 0]:
                continue
            rows = np.flatnonzero((y[:, 0] >= min(ay, by)) & (y[:, 0] < max(ay, by)))
            if rows.size:
                band = slice(rows[0], rows[-1] + 1)
                inside[band] ^= x < ax + (y[band] - ay) * ((bx - ax) / (by - ay))
        edge = _distance_to_path(x, y, self.points + self.points[:1], reach)
        return np.asarray(np.where(inside, -edge, edge))


class Stroke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A round brush of the given radius drawn along the points."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1, max_length=100_000)]
    radius: Annotated[float, msgspec.Meta(gt=0.0, le=1e5)]

    def __post_init__(self) -> None:
        _check_points("a brush stroke", self.points, 1, 100_000)
        _check("the radius of a brush", (self.radius,), math.ulp(0.0), 1e5)


class Brush(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="brush"):
    """Everything that one or more brush strokes touch."""

    strokes: Annotated[tuple[Stroke, ...], msgspec.Meta(min_length=1, max_length=10_000)]

    def __post_init__(self) -> None:
        if not 1 <= len(self.strokes) <= 10_000:
            raise RecipeError(f"a brush region needs 1 to 10000 strokes, not {len(self.strokes)}.")

    def extent(self) -> tuple[float, float, float, float]:
        parts = [_extent(stroke.points, stroke.radius) for stroke in self.strokes]
        x0, y0, x1, y1 = zip(*parts, strict=True)
        return min(x0), min(y0), max(x1), max(y1)

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        result = np.full(np.broadcast_shapes(x.shape, y.shape), reach)
        for stroke in self.strokes:
            # Inside the stroke we need the distance exactly as deep as the feather reaches.
            path = _distance_to_path(x, y, stroke.points, reach + stroke.radius)
            np.minimum(result, path - stroke.radius, out=result)
        return result


Shape = Box | Ellipse | Polygon | Brush


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape, its feather, and the values that differ inside.

    Args:
        shape: where.
        name: what the user calls it.
        feather: width in pixels of the soft edge, half of it inside and half outside the shape.
        parameters: values that replace the recipe's inside; "strength" may be among them.
        enabled: a region that is switched off changes nothing.
    """

    shape: Shape
    name: str = ""
    feather: Annotated[float, msgspec.Meta(ge=0.0, le=1e4)] = 0.0
    parameters: Values = Values()
    enabled: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.parameters, Values):
            msgspec.structs.force_setattr(self, "parameters", Values(self.parameters))
        _check("the feather of a region", (self.feather,), 0.0, 1e4)

    def replace(self, **changes: Any) -> "Region":
        return msgspec.structs.replace(self, **changes)

    def bounds(self) -> Rect:
        """All pixels whose mask can be above zero (it may reach beyond the picture)."""
        x0, y0, x1, y1 = self.shape.extent()
        half = self.feather / 2
        return Rect.from_edges(
            math.floor(x0 - half), math.floor(y0 - half), math.ceil(x1 + half), math.ceil(y1 + half)
        )

    def mask(self, rect: Rect) -> FloatArray:
        """Weight 0..1 of the region at the centre of every pixel of `rect`, `(height, width)`.

        1 inside, 0 outside, and a straight ramp across the feather.
        """
        result = np.zeros((rect.height, rect.width), np.float32)
        part = rect.intersect(self.bounds())
        if not part:
            return result
        # Strips keep the many temporary arrays small beside the picture, and in the cache. Paths
        # have few, but take a step for every segment of each strip.
        strip_area = 4096 if isinstance(self.shape, Box | Ellipse) else 32768
        rows = max(1, strip_area // part.width)
        for top in range(part.y, part.y1, rows):
            strip = Rect.from_edges(part.x, top, part.x1, min(top + rows, part.y1))
            result[strip.translate(-rect.x, -rect.y).slices] = self._weight(strip)
        return result

    def _weight(self, rect: Rect) -> Any:
        x = (np.arange(rect.x, rect.x1, dtype=np.float64) + 0.5)[None, :]
        y = (np.arange(rect.y, rect.y1, dtype=np.float64) + 0.5)[:, None]
        distance: Any = self.shape.distance(x, y, self.feather / 2 + 1.0)  # type: ignore[arg-type]
        if self.feather > 0:
            return np.clip(0.5 - distance / self.feather, 0.0, 1.0)
        return distance <= 0


def _check(what: str, numbers: Iterable[float], low: float, high: float) -> None:
    """The same limits as in a file, so that whatever can be made can be read back."""
    for number in numbers:
        if not low <= number <= high:
            raise RecipeError(f"{what} must be between {low:g} and {high:g}, not {number:g}.")


def _check_points(what: str, points: tuple[Point, ...], fewest: int, most: int) -> None:
    if not fewest <= len(points) <= most:
        raise RecipeError(f"{what} needs {fewest} to {most} points, not {len(points)}.")
    _check(f"a point of {what}", itertools.chain.from_iterable(points), -FARTHEST, FARTHEST)


def _extent(points: tuple[Point, ...], margin: float) -> tuple[float, float, float, float]:
    xs, ys = zip(*points, strict=True)
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _nearest_on_ellipse(u: Any, v: Any, rx: float, ry: float) -> tuple[Any, Any]:
    """The point of an upright ellipse that is nearest to (u, v), both of them not negative.

    A few steps from the edge's centre of curvature towards (u, v) and back to the edge.
    """
    a, b = np.full_like(u, math.sqrt(0.5)), np.full_like(v, math.sqrt(0.5))
    for _ in range(_ELLIPSE_STEPS):
        centre_u, centre_v = (rx * rx - ry * ry) / rx * (a * a * a), (ry * ry - rx * rx) / ry * (b * b * b)
        to_u, to_v = u - centre_u, v - centre_v
        away = np.hypot(to_u, to_v)
        scale = np.hypot(rx * a - centre_u, ry * b - centre_v) / np.maximum(away, 1e-300)
        next_a = np.clip((to_u * scale + centre_u) / rx, 0.0, 1.0)
        next_b = np.clip((to_v * scale + centre_v) / ry, 0.0, 1.0)
        length = np.hypot(next_a, next_b)
        moves = (away > 0) & (length > 0)
        np.divide(next_a, length, out=a, where=moves)
        np.divide(next_b, length, out=b, where=moves)
    return rx * a, ry * b


def _distance_to_path(x: Any, y: Any, points: tuple[Point, ...], reach: float) -> Any:
    """Distance to a polyline, exact up to `reach` and `reach` beyond (each segment touches only its slab)."""
    result = np.full(np.broadcast_shapes(x.shape, y.shape), reach)
    low, high = _segment_boxes(points)
    near = (low <= (x[0, -1] + reach, y[-1, 0] + reach)) & (high >= (x[0, 0] - reach, y[0, 0] - reach))
    for index in np.flatnonzero(near.all(axis=1)):
        (ax, ay), (bx, by) = points[int(index)], points[min(int(index) + 1, len(points) - 1)]
        columns = _span(x[0], min(ax, bx) - reach, max(ax, bx) + reach)
        rows = _span(y[:, 0], min(ay, by) - reach, max(ay, by) + reach)
        px, py = x[:, columns] - ax, y[rows] - ay
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        along = np.clip((px * dx + py * dy) / length, 0.0, 1.0) if length > 0 else 0.0
        distance = np.hypot(px - along * dx, py - along * dy)
        np.minimum(result[rows, columns], distance, out=result[rows, columns])
    return result


@functools.lru_cache(maxsize=32)
def _segment_boxes(points: tuple[Point, ...]) -> tuple[Any, Any]:
    """Lower and upper corners of every segment's box, `(segments, 2)`."""
    path = np.asarray(points, np.float64)
    starts, ends = path[: max(1, len(path) - 1)], path[min(1, len(path) - 1) :]
    return np.minimum(starts, ends), np.maximum(starts, ends)


def _span(values: Any, low: float, high: float) -> slice:
    return slice(int(np.searchsorted(values, low)), int(np.searchsorted(values, high, side="right")))
