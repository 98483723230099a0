"""Where an edge is: a straight line or a circle fitted to all pixels of a region at once.

The model is a step blurred by a normal distribution. Its width is only a first guess, but where it puts
the edge is right for every symmetric blur.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.physics.pitch import Doubles, Pitch

_LEAST_PIXELS = 100
_LEAST_SIDE = 8
_SMOOTHING = 1.2
"""Pixels over which values are smoothed for the first guess."""


class EdgeShape(StrEnum):
    """What is looked for."""

    LINE = "edge"
    DISC = "disc"


@dataclass(frozen=True)
class EdgePlace:
    """A fitted edge, in the pitch's unit from the upper left corner of the first pixel.

    Args:
        shape: a straight edge or a disc's rim.
        x: a point of the edge, or the disc's centre.
        y: likewise.
        angle: of the edge's normal in radians, from x towards y; 0 for a disc.
        radius: of the disc; 0 for an edge.
        width: sd of the blur as fitted.
    """

    shape: EdgeShape
    x: float
    y: float
    angle: float
    radius: float
    width: float

    def distances(self, shape: tuple[int, ...], pitch: Pitch) -> Doubles:
        """`(h, w)`: signed distance of every pixel's centre; positive beyond the edge."""
        height, width = shape
        x = ((np.arange(width) + 0.5) * pitch.column - self.x)[None, :]
        y = ((np.arange(height) + 0.5) * pitch.row - self.y)[:, None]
        if self.shape is EdgeShape.DISC:
            return np.asarray(np.hypot(x, y) - self.radius)
        return np.asarray(x * math.cos(self.angle) + y * math.sin(self.angle))


def find_edge(values: Doubles, inside: BoolArray, pitch: Pitch, shape: EdgeShape) -> EdgePlace:
    """Fit a straight edge or a disc's rim.

    Args:
        values: `(h, w)`.
        inside: `(h, w)`, True where a pixel counts.
        pitch: of the pixels.
        shape: what to fit.

    Raises:
        MeasureError: the region is too small, or there is no such edge in it.
    """
    height, width = values.shape
    if np.count_nonzero(inside) < _LEAST_PIXELS or min(height, width) < _LEAST_SIDE:
        raise MeasureError(
            f"The region is too small for sharpness: at least {_LEAST_PIXELS} pixels and {_LEAST_SIDE} × "
            f"{_LEAST_SIDE} px are needed."
        )
    smooth = _smoothed(values, inside)
    low, high = np.percentile(smooth[inside], (5, 95))
    if not high > low:
        raise MeasureError("There is no edge in the region: all of it has one value.")
    guess = _guess_line if shape is EdgeShape.LINE else _guess_disc
    place = guess(smooth, inside, pitch)
    return _refined(place, values, inside, pitch)


def _smoothed(values: Doubles, inside: BoolArray) -> Doubles:
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(inside.astype(np.float64), _SMOOTHING)
    smooth = gaussian_filter(np.where(inside, values, 0.0), _SMOOTHING)
    return np.asarray(smooth / np.maximum(weight, 1e-9))


def _centres(values: Doubles, pitch: Pitch) -> tuple[Doubles, Doubles]:
    y, x = np.indices(values.shape) + 0.5
    return x * pitch.column, y * pitch.row


def _guess_line(smooth: Doubles, inside: BoolArray, pitch: Pitch) -> EdgePlace:
    """The direction in which values change most, and the middle of where they do."""
    down, right = (
        np.gradient(smooth, step, axis=axis) for axis, step in enumerate((pitch.row, pitch.column))
    )
    weight = _inner(inside)
    if not weight.any():
        weight = inside
    right, down = right[weight], down[weight]
    energy = right**2 + down**2
    # Structure tensor; the fourth power keeps noise, which is everywhere, from having a say.
    xx, yy, xy = (float((energy * part).sum()) for part in (right * right, down * down, right * down))
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    x, y = (part[weight] for part in _centres(smooth, pitch))
    strong = energy**2
    total = float(strong.sum()) or 1.0
    middle = float((x * strong).sum()) / total, float((y * strong).sum()) / total
    return EdgePlace(EdgeShape.LINE, *middle, angle, 0.0, _SMOOTHING * max(pitch.row, pitch.column))


def _guess_disc(smooth: Doubles, inside: BoolArray, pitch: Pitch) -> EdgePlace:
    """The largest connected part that differs from the region's rim."""
    from scipy.ndimage import label

    rim = inside & ~_inner(inside, 2)
    background = float(np.median(smooth[rim]))
    away = np.where(inside, smooth - background, 0.0)
    low, high = np.percentile(away[inside], (2, 98))
    sign = 1.0 if high >= -low else -1.0
    away *= sign
    parts, count = label(away > 0.5 * max(high, -low))
    if not count:
        raise MeasureError("There is no disc in the region: draw it around one, with some of what is beside.")
    sizes = np.bincount(parts.ravel())[1:]
    disc = parts == int(np.argmax(sizes)) + 1
    x, y = (part[disc] for part in _centres(smooth, pitch))
    radius = math.sqrt(float(disc.sum()) * pitch.pixel_area / math.pi)
    width = _SMOOTHING * max(pitch.row, pitch.column)
    return EdgePlace(EdgeShape.DISC, float(x.mean()), float(y.mean()), 0.0, radius, width)


def _inner(inside: BoolArray, margin: int = 2) -> BoolArray:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(inside, iterations=margin))


def _refined(place: EdgePlace, values: Doubles, inside: BoolArray, pitch: Pitch) -> EdgePlace:
    """Least squares over place, direction or radius, and width; the two levels follow from each trial."""
    from scipy.optimize import least_squares

    x, y = (part[inside] for part in _centres(values, pitch))
    seen = values[inside]
    scale = float(np.std(seen)) or 1.0
    if place.shape is EdgeShape.LINE:
        start = [place.angle, 0.0, math.log(place.width)]

        def distance(p: Doubles) -> Doubles:
            return np.asarray((x - place.x) * math.cos(p[0]) + (y - place.y) * math.sin(p[0]) - p[1])
    else:
        start = [place.x, place.y, math.log(place.width), place.radius]

        def distance(p: Doubles) -> Doubles:
            return np.asarray(np.hypot(x - p[0], y - p[1]) - p[3])

    def residual(p: Doubles) -> Doubles:
        step = _step(distance(p), math.exp(min(max(p[2], -20.0), 20.0)))
        return np.asarray((_levelled(step, seen) - seen) / scale)

    found = least_squares(residual, start, method="lm", max_nfev=200)
    p = found.x
    width = max(math.exp(min(max(float(p[2]), -20.0), 20.0)), 0.05 * pitch.finest)
    if place.shape is EdgeShape.LINE:
        nx, ny = math.cos(p[0]), math.sin(p[0])
        fitted = EdgePlace(place.shape, place.x + p[1] * nx, place.y + p[1] * ny, float(p[0]), 0.0, width)
    else:
        fitted = EdgePlace(place.shape, float(p[0]), float(p[1]), 0.0, float(p[3]), width)
    _check(fitted, values, inside, pitch)
    return fitted


def _step(distance: Doubles, width: float) -> Doubles:
    from scipy.special import ndtr

    return np.asarray(ndtr(distance / width))


def _levelled(step: Doubles, seen: Doubles) -> Doubles:
    """The best straight line from the step to the values: the two levels."""
    centred = step - step.mean()
    power = float(centred @ centred)
    gain = float(centred @ seen) / power if power > 0 else 0.0
    return np.asarray(seen.mean() + gain * centred)


def _check(place: EdgePlace, values: Doubles, inside: BoolArray, pitch: Pitch) -> None:
    distance = place.distances(values.shape, pitch)[inside]
    both = np.count_nonzero(distance < 0), np.count_nonzero(distance > 0)
    if min(both) < 0.05 * inside.sum():
        what = "disc" if place.shape is EdgeShape.DISC else "edge"
        raise MeasureError(f"No {what} was found in the region: draw it so that the {what} lies inside.")
    if place.shape is EdgeShape.DISC and place.radius < 3 * max(pitch.row, pitch.column):
        raise MeasureError("The disc is too small for its sharpness: its radius must be 3 px at least.")
