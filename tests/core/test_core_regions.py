"""Masks against closed forms and brute force, and independence of the rectangle asked for."""

import math

import numpy as np
import pytest
from builders import numbers, points, rects, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Region, Stroke

WHOLE = Rect(-40, -40, 180, 180)
feathers = st.one_of(st.just(0.0), numbers(0.5, 30.0))


def centres(rect: Rect) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[rect.y : rect.y1, rect.x : rect.x1] + 0.5
    return x, y


def to_segment(x, y, a, b):
    """Distance to a segment, from the three cases of the textbook."""
    ab = np.subtract(b, a)
    if not ab @ ab:
        return np.hypot(x - a[0], y - a[1])
    t = ((x - a[0]) * ab[0] + (y - a[1]) * ab[1]) / (ab @ ab)
    line = np.abs((x - a[0]) * ab[1] - (y - a[1]) * ab[0]) / np.hypot(*ab)
    ends = np.minimum(np.hypot(x - a[0], y - a[1]), np.hypot(x - b[0], y - b[1]))
    return np.where((t < 0) | (t > 1), ends, line)


def inside_polygon(x, y, corners):
    """Even-odd, by counting the edges that a ray to the right of each single point crosses."""
    result = np.zeros(x.shape, bool)
    for index in np.ndindex(x.shape):
        px, py = x[index], y[index]
        crossings = 0
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
            if (ay > py) != (by > py) and px < ax + (bx - ax) * (py - ay) / (by - ay):
                crossings += 1
        result[index] = crossings % 2
    return result


def expected(distance: np.ndarray, feather: float) -> np.ndarray:
    """A straight ramp across the feather, half inside and half outside; a step without one."""
    if feather == 0:
        return (distance <= 0).astype(float)
    return np.interp(distance, [-feather / 2, feather / 2], [1.0, 0.0])


def compare(mask, distance, feather, slack=1e-5):
    """Equal, except at the very edge of a step, where rounding decides."""
    wanted = expected(distance, feather)
    firm = np.abs(distance) > 1e-6 if feather == 0 else np.ones(mask.shape, bool)
    tolerance = slack if feather == 0 else slack + 1e-6 / feather
    np.testing.assert_allclose(mask[firm], wanted[firm], rtol=0, atol=tolerance)


@given(shapes(-10, 70), feathers, rects(80, 80), rects(80, 80))
@settings(max_examples=150)
def test_a_mask_does_not_depend_on_the_rectangle(shape, feather, one, other):
    region = Region(shape=shape, feather=feather)
    whole = region.mask(Rect(0, 0, 80, 80))
    for rect in (one, other, one.intersect(other)):
        assert np.array_equal(region.mask(rect), whole[rect.slices])


@given(shapes(), feathers)
def test_masks_are_weights_and_zero_outside_the_bounds(shape, feather):
    region = Region(shape=shape, feather=feather)
    mask = region.mask(WHOLE)
    assert mask.dtype == np.float32
    assert 0 <= mask.min() <= mask.max() <= 1
    outside = np.ones(mask.shape, bool)
    outside[region.bounds().intersect(WHOLE).translate(40, 40).slices] = False
    assert not mask[outside].any()


@given(points(-20, 120), points(-20, 120), feathers)
def test_box(one, other, feather):
    region = Region(shape=Box(*one, *other), feather=feather)
    x, y = centres(WHOLE)
    (x0, x1), (y0, y1) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    gap = np.hypot(np.clip(x, x0, x1) - x, np.clip(y, y0, y1) - y)
    depth = np.min([x - x0, x1 - x, y - y0, y1 - y], axis=0)
    compare(region.mask(WHOLE), np.where(gap > 0, gap, -depth), feather)


@given(points(-20, 120), numbers(0.5, 60), numbers(-360, 360), feathers)
def test_circle(centre, radius, angle, feather):
    region = Region(shape=Ellipse(*centre, radius, radius, angle), feather=feather)
    x, y = centres(WHOLE)
    compare(region.mask(WHOLE), np.hypot(x - centre[0], y - centre[1]) - radius, feather)


@given(points(20, 80), numbers(1, 60), numbers(1, 60), numbers(-360, 360), feathers)
@settings(max_examples=40)
def test_ellipse(centre, rx, ry, angle, feather):
    rect = Rect(0, 0, 100, 100)
    mask = Region(shape=Ellipse(*centre, rx, ry, angle), feather=feather).mask(rect)
    turn = np.exp(1j * math.radians(angle))
    around = np.linspace(0, 2 * np.pi, 2000)
    edge = (rx * np.cos(around) + 1j * ry * np.sin(around)) * turn
    x, y = centres(rect)
    spots = (x[::7, ::7] + 1j * y[::7, ::7]) - complex(*centre)
    distance = np.abs(spots[..., None] - edge).min(-1)
    upright = spots / turn
    inside = (upright.real / rx) ** 2 + (upright.imag / ry) ** 2 <= 1
    signed = np.where(inside, -distance, distance)
    firm = distance > 0.1  # 2000 points round a long edge are up to 0.19 px apart
    slack = 0.2 / feather if feather else 0
    difference = np.abs(mask[::7, ::7] - expected(signed, feather))
    assert difference[firm].max(initial=0) <= slack + 1e-6


def test_the_feather_of_a_long_ellipse_ends_at_its_bounds():
    """Its tips fade to nothing, they are not cut off."""
    region = Region(shape=Ellipse(150, 60, 100, 5), feather=40)
    mask = region.mask(Rect(0, 0, 300, 120))
    bounds = region.bounds()
    ring = np.concatenate([mask[:, bounds.x], mask[:, bounds.x1 - 1], mask[bounds.y], mask[bounds.y1 - 1]])
    assert ring.max() <= 1.0 / 40  # the weight one pixel from the end of the ramp


@given(st.lists(points(0, 24), min_size=3, max_size=8), feathers)
@settings(max_examples=40)
def test_polygon(corners, feather):
    rect = Rect(-4, -4, 32, 32)
    x, y = centres(rect)
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    distance = np.min([to_segment(x, y, a, b) for a, b in edges], axis=0)
    signed = np.where(inside_polygon(x, y, corners), -distance, distance)
    compare(Region(shape=Polygon(tuple(corners)), feather=feather).mask(rect), signed, feather)


strokes = st.tuples(st.lists(points(0, 90), min_size=1, max_size=6), numbers(0.3, 25))


@given(st.lists(strokes, min_size=1, max_size=3), feathers)
def test_brush(drawn, feather):
    x, y = centres(WHOLE)
    distance = np.full(x.shape, np.inf)
    for path, radius in drawn:
        pairs = zip(path, path[1:] or path, strict=False)
        for a, b in pairs:
            distance = np.minimum(distance, to_segment(x, y, a, b) - radius)
    shape = Brush(tuple(Stroke(tuple(path), radius) for path, radius in drawn))
    compare(Region(shape=shape, feather=feather).mask(WHOLE), distance, feather)


def test_a_self_crossing_polygon_is_even_odd():
    star = tuple((50 + 40 * math.cos(a), 50 + 40 * math.sin(a)) for a in np.arange(5) * 0.8 * math.pi)
    mask = Region(shape=Polygon(star)).mask(Rect(0, 0, 100, 100))
    assert mask[50, 50] == 0
    assert mask[50, 85] == 1


def test_ramp_values():
    mask = Region(shape=Box(10, 0, 100, 100), feather=4).mask(Rect(0, 50, 20, 1))
    # Centres at 7.5, 8.5, ... of an edge at 10: (2 + centre - 10) / 4.
    assert mask[0, 7:13].tolist() == [0.0, 0.125, 0.375, 0.625, 0.875, 1.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Box(0, 0, math.nan, 1),
        lambda: Box(0, 0, 2e6, 1),
        lambda: Ellipse(0, 0, -1, 1),
        lambda: Ellipse(0, 0, 1, 1, 361),
        lambda: Polygon(((0.0, 0.0), (1.0, 1.0))),
        lambda: Polygon(((0.0, 0.0), (1.0, 1.0), (math.inf, 0.0))),
        lambda: Stroke((), 1.0),
        lambda: Stroke(((0.0, 0.0),), 0.0),
        lambda: Brush(()),
        lambda: Region(shape=Box(0, 0, 1, 1), feather=-1.0),
        lambda: Region(shape=Box(0, 0, 1, 1), feather=math.nan),
    ],
)
def test_what_a_file_could_not_hold_cannot_be_made(make):
    with pytest.raises(RecipeError, match=r"between|needs"):
        make()
