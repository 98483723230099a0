"""Measures of medical physics on a finished result: areas cut out before and after, side by side.

What is measured is `metrics.physics`; here is where. Several channels count as their mean.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.geometry import Rect, bounding
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.region import Ellipse
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.engine.areas import Area, inside, middle
from denoise_studio.engine.readings import Result
from denoise_studio.metrics.physics.edge_fit import EdgeShape, find_edge
from denoise_studio.metrics.physics.flat import flat_parts
from denoise_studio.metrics.physics.noise_power import NoisePower, noise_power, texture_shift
from denoise_studio.metrics.physics.pitch import Pitch, grey
from denoise_studio.metrics.physics.profile import Point, Profile, line_profile
from denoise_studio.metrics.physics.region_statistics import (
    RegionStatistics,
    mean_change,
    region_statistics,
)
from denoise_studio.metrics.physics.squares import Squares, place_squares
from denoise_studio.metrics.physics.transfer import Transfer, transfer

Check = Callable[[], None]

_LARGEST = 2048
"""Side of the middle of a large picture that is searched for flat squares."""


@dataclass(frozen=True, eq=False)
class Cut:
    """An area before and after, `(C, h, w)` each, and where pixels count."""

    before: FloatArray
    after: FloatArray
    counted: BoolArray
    pitch: Pitch


def can_be_measured(picture: Picture) -> bool:
    """Whether a pixel holds a whole value: one of a camera's mosaic holds one colour of three."""
    return picture.mosaic is None


def cut(result: Result, area: Area) -> Cut:
    """Cut an area out of input and result.

    Raises:
        Cancelled: the result is no longer there.
        MeasureError: the area holds no pixel, or the picture is a mosaic.
    """
    picture = result.picture
    if not can_be_measured(picture):
        raise MeasureError("Camera raw holds one colour a pixel: develop it to measure it.")
    counted = hard_inside(picture, area)
    if not area.rect or not counted.any():
        raise MeasureError(f"{area.name} holds no pixel of the picture.")
    before = picture.pixels[(slice(None), *area.rect.slices)]
    return Cut(before, result.over(area.rect), counted, Pitch.of(picture))


def hard_inside(picture: Picture, area: Area) -> BoolArray:
    """`(h, w)` of an area's rectangle: inside the shape itself, whose feather is no part of it."""
    region = area.region
    return inside(picture, None if region is None else region.replace(feather=0.0), area.rect)


@dataclass(frozen=True)
class RegionBeside:
    """One area's statistics before and after.

    Args:
        area: which.
        before: of the input.
        after: of the result.
        moved: mean of after - before, in the picture's unit.
        error: its standard error; infinite where the area is too small to tell.
    """

    area: Area
    before: RegionStatistics
    after: RegionStatistics
    moved: float
    error: float


def region_beside(result: Result, area: Area) -> RegionBeside:
    """Statistics of an area; raises as `cut` does."""
    found = cut(result, area)
    before, after = (region_statistics(p, found.counted, found.pitch) for p in (found.before, found.after))
    return RegionBeside(area, before, after, *mean_change(found.before, found.after, found.counted))


@dataclass(frozen=True, eq=False)
class NoiseBeside:
    """Noise power before and after, in the same squares.

    Args:
        where: in words.
        before: of the input.
        after: of the result.
        shift: of the mean frequency in percent; None without noise.
        rects: the squares, in the picture's pixels.
        unit: of the values.
        searched: whether they were looked for; else they fill a region.
    """

    where: str
    before: NoisePower
    after: NoisePower
    shift: float | None
    rects: tuple[Rect, ...]
    unit: str
    searched: bool = False


def noise_beside(result: Result, area: Area, check: Check = lambda: None) -> NoiseBeside:
    """Noise power in a region's squares; of the whole picture in the flat squares that are found in it.

    Raises:
        Cancelled: the result is no longer there, or through `check`.
        MeasureError: no square fits, or nothing flat was found.
    """
    picture = result.picture
    chosen: tuple[Rect, ...] = ()
    if area.region is None:
        chosen = flat_rects(picture)
        area = replace(area, rect=bounding(chosen))
    found = cut(result, area)
    before, after = grey(found.before), grey(found.after)
    check()
    if chosen:
        corners = [(rect.y - area.rect.y, rect.x - area.rect.x) for rect in chosen]
        squares = Squares(chosen[0].width, np.asarray(corners, np.int64))
        where = f"{squares.count} flat squares of {squares.side} px"
    else:
        squares = place_squares(found.counted)
        many = "square" if squares.count == 1 else "squares"
        where = f"{area.name}, {squares.count} {many} of {squares.side} px"
    check()
    power_before, power_after = (
        noise_power(values, squares, found.pitch, check=check) for values in (before, after)
    )
    rects = chosen or tuple(
        Rect(area.rect.x + int(x), area.rect.y + int(y), squares.side, squares.side)
        for y, x in squares.corners
    )
    shift = texture_shift(power_before, power_after)
    return NoiseBeside(where, power_before, power_after, shift, rects, picture.unit, searched=bool(chosen))


_flat: "weakref.WeakKeyDictionary[Picture, tuple[Rect, ...]]" = weakref.WeakKeyDictionary()


def flat_rects(picture: Picture) -> tuple[Rect, ...]:
    """Flat squares of a picture, of soft tissue in CT; looked for once.

    Raises:
        MeasureError: nothing is flat.
    """
    if picture not in _flat:
        area = middle(Area.of(picture), _LARGEST)
        rect = area.rect
        values = grey(picture.pixels[(slice(None), *rect.slices)])
        try:
            squares = flat_parts(values, hard_inside(picture, area), picture.scale is Scale.HU)
        except MeasureError:
            _flat[picture] = ()
        else:
            _flat[picture] = tuple(
                Rect(rect.x + int(x), rect.y + int(y), squares.side, squares.side) for y, x in squares.corners
            )
    if not _flat[picture]:
        what = "soft tissue" if picture.scale is Scale.HU else "part"
        raise MeasureError(f"No flat {what} was found in the picture: draw a region where it is flat.")
    return _flat[picture]


@dataclass(frozen=True, eq=False)
class TransferBeside:
    """Task transfer functions before and after, at one fitted edge.

    Args:
        where: in words.
        before: of the input.
        after: of the result.
        unit: of the values.
    """

    where: str
    before: Transfer
    after: Transfer
    unit: str


def transfer_beside(
    result: Result, area: Area, shape: EdgeShape | None = None, check: Check = lambda: None
) -> TransferBeside:
    """Sharpness of the edge in a box, or of the disc in an ellipse.

    The edge is fitted to the result, which has less noise; the input is measured at the same place.

    Args:
        result: at any strength.
        area: a region; the whole picture has no one edge.
        shape: what lies in it; None takes a disc for an ellipse and an edge for other shapes.
        check: asked between steps; raises to stop.

    Raises:
        Cancelled: the result is no longer there, or through `check`.
        MeasureError: there is no such edge.
    """
    if area.region is None:
        raise MeasureError(
            "Draw a box over a straight edge, or an ellipse around a disc, and select it: its sharpness is "
            "shown here."
        )
    if shape is None:
        shape = EdgeShape.DISC if isinstance(area.region.shape, Ellipse) else EdgeShape.LINE
    found = cut(result, area)
    before, after = grey(found.before), grey(found.after)
    place = find_edge(after, found.counted, found.pitch, shape)
    check()
    curves = [transfer(values, found.counted, found.pitch, shape, place) for values in (before, after)]
    what = "disc" if shape is EdgeShape.DISC else "edge"
    return TransferBeside(f"{what} in {area.name}", curves[0], curves[1], result.picture.unit)


@dataclass(frozen=True)
class Line:
    """Where a profile is taken: from (x0, y0) to (x1, y1) in pixels, averaged over `width` pixels."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: int = 1

    @property
    def ends(self) -> tuple[Point, Point]:
        return (self.x0, self.y0), (self.x1, self.y1)

    def bounds(self, picture: Picture) -> Rect:
        """Every pixel that a profile along it can read."""
        margin = 2 + self.width * max(Pitch.of(picture).row, Pitch.of(picture).column) / (
            2 * Pitch.of(picture).finest
        )
        xs, ys = sorted((self.x0, self.x1)), sorted((self.y0, self.y1))
        return Rect.from_edges(
            int(np.floor(xs[0] - margin)),
            int(np.floor(ys[0] - margin)),
            int(np.ceil(xs[1] + margin)),
            int(np.ceil(ys[1] + margin)),
        ).intersect(picture.rect)


@dataclass(frozen=True, eq=False)
class ProfileBeside:
    """Values along a line before and after, and of a reference where there is one."""

    line: Line
    before: Profile
    after: Profile
    reference: Profile | None
    unit: str


def profile_beside(result: Result, line: Line, reference: Picture | None = None) -> ProfileBeside:
    """Read a line off.

    Raises:
        Cancelled: the result is no longer there.
        MeasureError: the line lies beside the picture, or is too short.
    """
    rect = line.bounds(result.picture)
    if not rect:
        raise MeasureError("The line lies beside the picture.")
    found = cut(result, Area("The line", rect))
    start, end = (((x - rect.x), (y - rect.y)) for x, y in line.ends)

    def read(pixels: FloatArray) -> Profile:
        return line_profile(grey(pixels), start, end, found.pitch, line.width, found.counted)

    other = None if reference is None else read(reference.pixels[(slice(None), *rect.slices)])
    return ProfileBeside(line, read(found.before), read(found.after), other, result.picture.unit)
