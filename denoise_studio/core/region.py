"""Regions: a shape with a feather, and the parameters that differ inside it.

Coordinates are in pixels of the upright picture: pixel `i` covers `[i, i + 1)`, its centre is
at `i + 0.5`. A mask depends only on the region and the pixel, never on the rectangle asked
for, so tiles agree to the last bit.
"""

import itertools
import math
from typing import Annotated, Any

import msgspec
import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.types import FloatArray

Coordinate = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
Length = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]
Point = tuple[Coordinate, Coordinate]


class Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="box"):
    """An upright box with corners (x0, y0) and (x1, y1)."""

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate

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

    def extent(self) -> tuple[float, float, float, float]:
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        half_x, half_y = math.hypot(self.rx * c, self.ry * s), math.hypot(self.rx * s, self.ry * c)
        return self.cx - half_x, self.cy - half_y, self.cx + half_x, self.cy + half_y

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        """First-order signed distance (value over gradient): exact on the edge and for circles."""
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        rx, ry = max(self.rx, 1e-3), max(self.ry, 1e-3)
        u = ((x - self.cx) * c + (y - self.cy) * s) / rx
        v = ((y - self.cy) * c - (x - self.cx) * s) / ry
        radius = np.hypot(u, v)
        gradient = np.hypot(u / rx, v / ry) / np.maximum(radius, 1e-12)
        return np.asarray(np.where(radius > 0, (radius - 1) / np.maximum(gradient, 1e-12), -min(rx, ry)))


class Polygon(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="polygon"):
    """A closed polygon; the inside is even-odd."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=10_000)]

    def extent(self) -> tuple[float, float, float, float]:
        return _extent(self.points, 0.0)

    def distance(self, x: FloatArray, y: FloatArray, reach: float) -> FloatArray:
        inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
        ends = self.points[1:] + self.points[:1]
        for (ax, ay), (bx, by) in zip(self.points, ends, strict=True):
            if ay == by:
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


class Brush(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="brush"):
    """Everything that one or more brush strokes touch."""

    strokes: Annotated[tuple[Stroke, ...], msgspec.Meta(min_length=1, max_length=10_000)]

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
        x = (np.arange(part.x, part.x1, dtype=np.float64) + 0.5)[None, :]
        y = (np.arange(part.y, part.y1, dtype=np.float64) + 0.5)[:, None]
        distance: Any = self.shape.distance(x, y, self.feather / 2 + 1.0)  # type: ignore[arg-type]
        if self.feather > 0:
            weight = np.clip(0.5 - distance / self.feather, 0.0, 1.0)
        else:
            weight = (distance <= 0).astype(np.float64)
        result[part.translate(-rect.x, -rect.y).slices] = weight
        return result


def _extent(points: tuple[Point, ...], margin: float) -> tuple[float, float, float, float]:
    xs, ys = zip(*points, strict=True)
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _distance_to_path(x: Any, y: Any, points: tuple[Point, ...], reach: float) -> Any:
    """Distance to a polyline, exact up to `reach` and `reach` beyond (each segment touches only its slab)."""
    result = np.full(np.broadcast_shapes(x.shape, y.shape), reach)
    segments = list(itertools.pairwise(points)) or [(points[0], points[0])]
    for (ax, ay), (bx, by) in segments:
        columns = _span(x[0], min(ax, bx) - reach, max(ax, bx) + reach)
        rows = _span(y[:, 0], min(ay, by) - reach, max(ay, by) + reach)
        px, py = x[:, columns] - ax, y[rows] - ay
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        along = np.clip((px * dx + py * dy) / length, 0.0, 1.0) if length > 0 else 0.0
        distance = np.hypot(px - along * dx, py - along * dy)
        np.minimum(result[rows, columns], distance, out=result[rows, columns])
    return result


def _span(values: Any, low: float, high: float) -> slice:
    return slice(int(np.searchsorted(values, low)), int(np.searchsorted(values, high, side="right")))
