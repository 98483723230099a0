from hypothesis import given
from hypothesis import strategies as st

from denoise_studio.core.geometry import Rect, bounding

sizes = st.integers(0, 9)
places = st.integers(-6, 6)
any_rect = st.builds(Rect, places, places, sizes, sizes)


def cells(rect: Rect) -> set[tuple[int, int]]:
    """The pixels of a rectangle, by definition."""
    return {(x, y) for x in range(rect.x, rect.x1) for y in range(rect.y, rect.y1)}


@given(any_rect, any_rect)
def test_intersection_is_the_common_pixels(a, b):
    assert cells(a.intersect(b)) == cells(a) & cells(b) == cells(b.intersect(a))


@given(any_rect, any_rect)
def test_union_is_the_smallest_rectangle_around_both(a, b):
    pixels = cells(a) | cells(b)
    union = a.union(b)
    assert cells(union) >= pixels
    assert bool(union) == bool(pixels)
    if pixels:
        xs, ys = zip(*pixels, strict=True)
        assert union == Rect.from_edges(min(xs), min(ys), max(xs) + 1, max(ys) + 1)


@given(st.lists(any_rect, max_size=5))
def test_bounding_does_not_depend_on_the_order(rects):
    assert cells(bounding(rects)) == cells(bounding(rects[::-1]))
    assert all(cells(bounding(rects)) >= cells(rect) for rect in rects)


@given(any_rect)
def test_area_and_truth_count_pixels(rect):
    assert rect.area == len(cells(rect))
    assert bool(rect) == bool(cells(rect))


@given(any_rect)
def test_quarters_tile_the_rectangle_once(rect):
    parts = list(rect.quarters())
    assert len(parts) <= 4
    assert all(parts)
    assert sum(part.area for part in parts) == rect.area
    assert set().union(*map(cells, parts)) == cells(rect)
    assert all(max(p.width, p.height) < max(rect.width, rect.height) for p in parts) or rect.area <= 1


@given(any_rect, st.integers(0, 5), places, places)
def test_expand_and_translate(rect, margin, dx, dy):
    assert rect.expand(margin).expand(-margin) == rect
    assert cells(rect.translate(dx, dy)) == {(x + dx, y + dy) for x, y in cells(rect)}


@given(any_rect, any_rect)
def test_contains_means_every_pixel(a, b):
    if a.contains(b):
        assert cells(a) >= cells(b)
    if b and cells(a) >= cells(b):
        assert a.contains(b)


def test_from_edges_never_has_a_negative_size():
    assert Rect.from_edges(5, 5, 3, 9) == Rect(5, 5, 0, 4)
    assert not Rect.from_edges(5, 5, 3, 9)


def test_slices_are_rows_then_columns():
    assert Rect(1, 2, 3, 4).slices == (slice(2, 6), slice(1, 4))
