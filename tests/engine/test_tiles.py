"""Tiled equals untiled: the grid, the cutting out, and the methods on any rectangle."""

import numpy as np
import pytest
from builders import bilateral, noisy, numbers, padded, picture, rects, region
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_studio.core.geometry import Rect, cut_out
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Stroke
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.fields import _Masks, fields, maxima
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.grid import CELL, by_urgency, cell_rect, cells_of
from denoise_studio.engine.render import render
from denoise_studio.engine.resolve import resolve

REGIONS = (
    region(Ellipse(60, 50, 40, 25, 20.0), feather=12, sigma_x=3.0, sigma_r=0.4),
    region(Box(40.3, 20.7, 110.2, 77.1), feather=5, sigma_y=0.4, sigma_x=0.7),
    region(Polygon(((5.0, 90.0), (60.0, 30.0), (90.0, 110.0))), sigma_r=0.02),
    region(
        Brush((Stroke(((10.0, 10.0), (100.0, 60.0), (20.0, 100.0)), 9.0),)),
        feather=8,
        sigma_x=2.2,
        sigma_y=2.2,
    ),
    region(Box(0, 0, 500, 500), enabled=False, sigma_x=8.0),
)


def bound(shown: Picture, recipe: Recipe) -> Filter:
    return Filter(shown, resolve(shown, recipe), devices.cpu())


def filtered(filter_: Filter, *areas: Rect) -> np.ndarray:
    out = np.full(filter_.picture.pixels.shape, np.nan, np.float32)

    def sink(rect: Rect, pixels: np.ndarray) -> None:
        out[(slice(None), *rect.slices)] = pixels

    filter_.run(areas, sink, Progress())
    return out


def untiled(filter_: Filter) -> np.ndarray:
    """The method called once for the whole picture, past the engine's tiler."""
    return filter_.denoiser.load()(filter_.cut(filter_.picture.rect))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(3, 100))
def test_the_grid_tiles_every_picture_once(width, height, size):
    whole = Rect(0, 0, width, height)
    areas = [cell_rect(cell, whole, size) for cell in cells_of(whole, whole, size)]
    assert all(areas)
    assert sum(area.area for area in areas) == whole.area
    assert all(a.x % size == 0 and a.y % size == 0 and whole.contains(a) for a in areas)
    assert len(set(areas)) == len(areas)


@given(rects(60, 50), st.integers(3, 70))
def test_cells_of_a_rectangle_are_those_that_share_a_pixel(rect, size):
    whole = Rect(0, 0, 60, 50)
    touching = {cell for cell in cells_of(whole, whole, size) if cell_rect(cell, whole, size).intersect(rect)}
    assert set(cells_of(rect, whole, size)) == touching
    assert cells_of(Rect(60, 0, 5, 5), whole, size) == []


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 70), st.data())
def test_cut_out_equals_numpy_s_reflection(height, width, halo, data):
    array = np.arange(2 * height * width, dtype=np.float32).reshape(2, height, width)
    rect = data.draw(rects(width, height))
    mirrored = np.pad(array, [(0, 0), (halo, halo), (halo, halo)], mode="reflect")
    wanted = mirrored[:, rect.y : rect.y1 + 2 * halo, rect.x : rect.x1 + 2 * halo]
    result = cut_out(array, rect, halo)
    assert np.array_equal(result, wanted)
    assert result.flags.c_contiguous
    assert not np.shares_memory(result, array)


def test_urgent_rectangles_come_first():
    whole = Rect(0, 0, 5 * CELL, 5 * CELL)
    areas = [cell_rect(cell, whole) for cell in cells_of(whole, whole)]
    visible = Rect(3 * CELL, 3 * CELL, 2 * CELL, CELL)
    focus = (4.5 * CELL, 3.5 * CELL)
    order = by_urgency(areas, visible, focus)
    assert sorted(order) == sorted(areas)
    assert order[0] == Rect(4 * CELL, 3 * CELL, CELL, CELL)
    assert {(r.x // CELL, r.y // CELL) for r in order[:2]} == {(3, 3), (4, 3)}
    assert by_urgency(areas, None, None) == areas


@pytest.mark.parametrize("shape", [(128, 131), (97, 130), (1, 90), (90, 1), (2, 2)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [picture, padded], ids=["plain", "padded"])
@pytest.mark.parametrize("size", [7, 32, 64, 256])
def test_bilateral_tiled_equals_untiled(shape, channels, make, size):
    shown = make(*shape, channels)
    filter_ = bound(shown, bilateral(*REGIONS))
    areas = [cell_rect(cell, shown.rect, size) for cell in cells_of(shown.rect, shown.rect, size)]
    keep = np.ones(shape, bool) if shown.padding is None else ~shown.padding
    assert np.array_equal(filtered(filter_, *areas)[:, keep], untiled(filter_)[:, keep])


@pytest.mark.parametrize("channels", [1, 3])
def test_bilateral_on_rectangles_of_every_width(channels):
    """Vector units work on 4, 8 or 16 pixels; the last few of a row must not round differently."""
    shown = picture(70, 120, channels)
    for recipe in (bilateral(), bilateral(*REGIONS), bilateral(sigma_x=0.3, sigma_y=3.0)):
        filter_ = bound(shown, recipe)
        whole = untiled(filter_)
        for width in range(1, 41):
            rect = Rect(3 + width, 11, width, 5 + width % 3)
            part = filter_.denoiser.load()(filter_.cut(rect))
            assert np.array_equal(part, whole[(slice(None), *rect.slices)]), width


SHOWN = padded(130, 140, 3)
BOUND = bound(SHOWN, bilateral(*REGIONS))


@given(rects(140, 130))
@settings(max_examples=60)
def test_bilateral_on_any_rectangle(rect):
    whole = untiled_once()
    keep = ~SHOWN.padding[rect.slices]
    part = filtered(BOUND, rect)[(slice(None), *rect.slices)]
    assert np.array_equal(part[:, keep], whole[(slice(None), *rect.slices)][:, keep])


_whole: list[np.ndarray] = []


def untiled_once() -> np.ndarray:
    if not _whole:
        _whole.append(untiled(BOUND))
    return _whole[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [picture, padded], ids=["plain", "padded"])
@pytest.mark.parametrize("size", [50, 64, 256])
def test_nlm_tiled_equals_untiled(channels, make, size):
    """Exactly: it counts in whole numbers, and the margin holds all that a pixel looks at."""
    shown = make(140, 133, channels)
    recipe = Recipe(method="nlm", parameters=Values({"search_radius": 6}), noise_level=0.05, device="cpu")
    filter_ = bound(shown, recipe)
    areas = [cell_rect(cell, shown.rect, size) for cell in cells_of(shown.rect, shown.rect, size)]
    keep = np.ones((140, 133), bool) if shown.padding is None else ~shown.padding
    assert np.array_equal(filtered(filter_, *areas)[:, keep], untiled(filter_)[:, keep])


@pytest.mark.parametrize("method", ["bilateral", "nlm", "identity"])
def test_a_render_over_several_cells_equals_untiled(method):
    shown = picture(300, 530)
    recipe = Recipe(method=method, device="cpu")
    assert np.array_equal(render(shown, recipe).pixels, untiled(bound(shown, recipe)))


def test_identity_with_padding_in_a_single_cell():
    shown = padded(200, 256)
    assert np.array_equal(render(shown, Recipe(method="identity")).pixels, shown.pixels)


@given(rects(140, 130), rects(140, 130))
@settings(max_examples=40)
def test_fields_do_not_depend_on_the_rectangle(one, other):
    recipe = resolve(SHOWN, bilateral(*REGIONS))
    method = get_denoiser("bilateral")
    common = one.intersect(other)
    if not common:
        return
    for name in ("sigma_x", "sigma_y", "sigma_r"):
        values = []
        for rect in (one, other):
            value = np.broadcast_to(fields(recipe, method, rect)[name], (rect.height, rect.width))
            values.append(np.float32(value)[common.translate(-rect.x, -rect.y).slices])
        assert np.array_equal(*values)
        assert values[0].max() <= np.float32(maxima(recipe, method, one)[name])


@given(numbers(0.2, 8.0), numbers(0.2, 8.0))
def test_inside_a_region_its_value_comes_out_exactly(base, value):
    shown = picture(4, 4)
    recipe = resolve(shown, bilateral(region(Box(0, 0, 2, 4), sigma_x=value), sigma_x=base))
    row = fields(recipe, get_denoiser("bilateral"), shown.rect)["sigma_x"][0]
    assert np.array_equal(row, np.float32([value, value, base, base]))


def test_drawn_masks_are_kept_and_dropped_again():
    stroke = region(Brush((Stroke(((5.0, 5.0), (60.0, 40.0)), 9.0),)), feather=4.0)
    masks = _Masks(budget_bytes=3 * 32 * 32 * 4)
    areas = [Rect(x, 0, 32, 32) for x in (0, 7, 14, 21, 28)]
    for _ in range(2):
        for area in areas:
            assert np.array_equal(masks.get(stroke, area), stroke.mask(area))
    assert masks.get(stroke, areas[-1]) is masks.get(stroke.replace(name="other"), areas[-1])
    assert len(masks._kept) == 3
    assert masks._bytes == 3 * 32 * 32 * 4
    wider = stroke.replace(feather=8.0)
    assert np.array_equal(masks.get(wider, areas[-1]), wider.mask(areas[-1]))
    large = Rect(0, 0, 100, 100)
    assert np.array_equal(masks.get(stroke, large), stroke.mask(large))
    assert len(masks._kept) == 3


def test_later_regions_lie_on_top():
    shown = picture(20, 20)
    low, high = region(Box(0, 0, 10, 20), sigma_x=0.5), region(Box(5, 0, 20, 20), sigma_x=4.0)
    method = get_denoiser("bilateral")

    def row(*regions):
        return fields(resolve(shown, bilateral(*regions)), method, shown.rect)["sigma_x"][0].tolist()

    assert row(low, high) == [0.5] * 5 + [4.0] * 15
    assert row(high, low) == [0.5] * 10 + [4.0] * 10


def test_a_feather_mixes_the_values_straight():
    shown = picture(4, 40)
    recipe = resolve(shown, bilateral(region(Box(20, -50, 90, 50), feather=8, sigma_x=5.5), sigma_x=1.5))
    row = fields(recipe, get_denoiser("bilateral"), shown.rect)["sigma_x"][1]
    centres = np.arange(40) + 0.5
    assert row == pytest.approx(1.5 + 4.0 * np.clip((centres - 16) / 8, 0, 1), abs=1e-6)


def test_noise_in_regions_reaches_only_the_regions():
    shown = Picture(noisy(100, 100))
    plain = render(shown, bilateral()).pixels
    inside = render(shown, bilateral(region(Box(20, 30, 60, 80), sigma_r=0.5))).pixels
    changed = (plain != inside)[0]
    assert changed[30:80, 20:60].mean() > 0.99
    changed[30:80, 20:60] = False
    assert not changed.any()
