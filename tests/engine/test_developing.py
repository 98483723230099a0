"""Camera raw as colours: the same wherever it is looked at, neutral where it should be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_builders import BLACK, WHITE, mosaic, raw

from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import CameraColour, Mosaic, Photosite
from denoise_studio.engine import interpolation
from denoise_studio.engine.developing import colours, own_pixels, sampled, seen
from denoise_studio.engine.display import Levels, default_levels, robust_levels, show_part, thumbnail
from denoise_studio.formats.demosaic import demosaic

MATRIX = np.array([[1.6, -0.5, -0.1], [-0.2, 1.5, -0.3], [0.05, -0.55, 1.5]], np.float32)
COLOUR = CameraColour((2.1, 1.0, 1.6), MATRIX)
SPAN = WHITE - BLACK


def camera(**more):
    return replace(mosaic(), colour=COLOUR, **more)


def seen_by(camera_colours, layout=None):
    """The mosaic, DN, of white-balanced camera colours `(3, H, W)`, 1 being white."""
    layout = layout or camera()
    _, height, width = camera_colours.shape
    rect = Rect(0, 0, width, height)
    values = np.zeros((height, width))
    for index, site in enumerate(layout.sites):
        where = layout.spread(np.eye(len(layout.sites))[index], rect) > 0
        plane = camera_colours[site.colour] / layout.colour.white_balance[site.colour]
        values[where] = (plane * (site.white - site.black) + site.black)[where]
    return np.clip(values, 0, WHITE)


def noise(height, width, seed=0, level=0.3):
    random = np.random.default_rng(seed)
    return np.clip(random.uniform(0, SPAN * level, (height, width)) + BLACK, 0, WHITE).astype(np.float32)


X_TRANS = (
    *((1, 1, 0, 1, 1, 2), (1, 1, 2, 1, 1, 0), (2, 0, 1, 0, 2, 1)),
    *((1, 1, 2, 1, 1, 0), (1, 1, 0, 1, 1, 2), (0, 2, 1, 2, 0, 1)),
)


def x_trans():
    sites = tuple(Photosite(name, i, BLACK, WHITE) for i, name in enumerate("RGB"))
    return Mosaic(X_TRANS, sites, COLOUR)


@pytest.fixture(scope="module")
def large():
    """Squares of very different brightness beside each other, some with noise below black."""
    values = noise(534, 585) - BLACK
    light = (
        np.geomspace(1, 3, 585)[None]
        * 4.0
        ** -np.random.default_rng(8).integers(0, 7, (6, 7))[
            (np.arange(534) // 96)[:, None], (np.arange(585) // 96)[None]
        ]
    )
    read = 6 * np.random.default_rng(9).standard_normal(values.shape)
    picture = raw(np.clip(values * light + read + BLACK, 0, WHITE), camera())
    return picture, colours(picture, picture.rect)


@settings(max_examples=20)
@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 90), st.integers(1, 90))
def test_any_rectangle_has_the_pixels_of_the_whole(large, x, y, width, height):
    picture, whole = large
    rect = Rect(x, y, width, height).intersect(picture.rect)
    if rect:
        part = colours(picture, rect, 1, own_pixels(picture))
        np.testing.assert_array_equal(part, whole[(slice(None), *rect.slices)])


def test_what_is_kept_of_a_picture_is_what_would_be_made_again(large):
    picture, whole = large
    again = colours(raw(picture.pixels[0], picture.mosaic), picture.rect)
    np.testing.assert_array_equal(again, whole)
    assert interpolation._kept.bytes <= interpolation._KEPT_BYTES


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_flat_colours_come_out_as_the_matrix_says(corner):
    y, x = corner
    patches = np.random.default_rng(3).uniform(0.05, 0.9, (3, 24))
    sheet = np.kron(patches.reshape(3, 4, 6), np.ones((1, 40, 40)))
    layout = camera().shifted(x, y)
    picture = raw(seen_by(sheet, layout), layout)
    found = colours(picture, picture.rect)
    expected = np.tensordot(MATRIX.astype(np.float64), patches, 1).reshape(3, 4, 6)
    for row in range(4):
        for column in range(6):
            part = found[:, 40 * row + 10 : 40 * row + 30, 40 * column + 10 : 40 * column + 30]
            np.testing.assert_allclose(part.mean(axis=(1, 2)), expected[:, row, column], atol=0.005)


@pytest.mark.parametrize("factor", [2, 3, 5, 8])
def test_zoomed_out_the_means_are_the_same(factor):
    sheet = np.kron(np.random.default_rng(4).uniform(0.1, 0.9, (3, 3, 4)), np.ones((1, 80, 80)))
    picture = raw(seen_by(sheet), camera())
    whole, small = colours(picture, picture.rect), colours(picture, picture.rect, factor)
    assert small.shape == (3, -(-240 // factor), -(-320 // factor))
    np.testing.assert_allclose(small.mean(axis=(1, 2)), whole.mean(axis=(1, 2)), atol=0.005)


def test_grey_in_deep_shadow_stays_grey_though_noise_goes_below_black():
    random = np.random.default_rng(5)
    grey = np.full((3, 240, 240), 0.0005)
    values = seen_by(grey) + 20 * random.standard_normal((240, 240))
    picture = raw(values, camera())
    assert (values < BLACK).mean() > 0.3
    for factor in (1, 4):
        mean = colours(picture, picture.rect, factor).mean(axis=(1, 2))
        np.testing.assert_allclose(mean, 0.0005, atol=0.0002)


def test_clipped_highlights_are_white_not_pink():
    bright = np.full((3, 96, 96), 3.0)  # beyond white in every colour
    picture = raw(seen_by(bright), camera())
    for factor in (1, 2):
        found = colours(picture, picture.rect, factor)
        np.testing.assert_allclose(found, 1.0, atol=2e-3)
    shown = show_part(picture, picture.rect, default_levels(picture))
    assert (shown == 255).all()


@pytest.mark.parametrize("balance", [(2.1, 1.0, 1.6), (0.8, 1.0, 2.4)])
@pytest.mark.parametrize("factor", [1, 2, 3, 7])
def test_the_edges_of_clipped_highlights_have_no_cast(balance, factor):
    grey = np.full((3, 128, 128), 0.02)
    grey[:, 30:90, 40:88] = 5.0  # a lamp before a dark wall, both neutral, every class as often in both
    layout = replace(mosaic(), colour=CameraColour(balance, MATRIX))
    picture = raw(seen_by(grey, layout), layout)
    found = colours(picture, picture.rect, factor)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), found.mean(), rtol=0.005)
    middle = slice(40 // factor, 80 // factor)
    np.testing.assert_allclose(found[:, middle, slice(50 // factor, 80 // factor)], 1.0, atol=2e-3)


def test_values_between_whole_numbers_are_seen_in_dark_pictures():
    ramp = np.linspace(0, 3, 256)[None].repeat(256, 0) + BLACK  # three DN over the whole width
    picture = raw(ramp.astype(np.float32), mosaic())
    green = colours(picture, picture.rect)[1, 128, 20:-20]
    assert len(np.unique(np.round(green * SPAN, 3))) > 100


@pytest.mark.parametrize("shape", [(5, 7), (40, 12), (33, 34), (19, 500)])
def test_small_and_odd_pictures_are_developed(shape):
    flat = np.full((3, *shape), 0.25)
    picture = raw(seen_by(flat), camera())
    np.testing.assert_allclose(colours(picture, picture.rect), 0.25, atol=0.002)
    assert thumbnail(picture, default_levels(picture), 8).shape[2] == 3


def test_x_trans_is_developed_too():
    layout = x_trans()
    patches = np.array([[0.2, 0.6], [0.5, 0.3], [0.7, 0.4]])
    sheet = np.kron(patches[:, None], np.ones((1, 96, 96)))
    picture = raw(seen_by(sheet, layout), layout)
    expected = np.tensordot(MATRIX.astype(np.float64), patches, 1)
    for factor in (1, 2, 4):
        found = colours(picture, picture.rect, factor)
        side = 96 // factor
        for column in range(2):
            part = found[
                :, side // 4 : -side // 4, column * side + side // 4 : (column + 1) * side - side // 4
            ]
            np.testing.assert_allclose(part.mean(axis=(1, 2)), expected[:, column], atol=0.01)
    rect = Rect(31, 17, 60, 41)
    part = colours(picture, rect, 1, own_pixels(picture))
    np.testing.assert_array_equal(part, colours(picture, picture.rect)[(slice(None), *rect.slices)])


def test_a_pixels_own_colour_is_not_changed_by_interpolation():
    codes = np.random.default_rng(6).integers(3000, 60000, (64, 64)).astype(np.uint16)
    found = demosaic(codes, [[0, 1], [1, 2]])
    inner = slice(8, -8)
    np.testing.assert_array_equal(found[0::2, 0::2, 0][inner, inner], codes[0::2, 0::2][inner, inner])
    np.testing.assert_array_equal(found[1::2, 1::2, 2][inner, inner], codes[1::2, 1::2][inner, inner])


def test_exposure_and_levels_are_light():
    grey = np.full((3, 64, 64), 0.1)
    picture = raw(seen_by(grey), camera())
    low, high = picture.nominal_range

    def byte(levels):
        return show_part(picture, picture.rect, levels)[32, 32]

    # sRGB's curve at 0.1 and 0.4 of linear light, IEC 61966-2-1.
    assert byte(Levels(low, high)) == pytest.approx([89] * 3, abs=1)
    assert byte(Levels(low, high, exposure=2.0)) == pytest.approx([170] * 3, abs=1)
    assert byte(Levels(low, low + (high - low) / 4)) == pytest.approx([170] * 3, abs=1)
    assert byte(Levels(low, high, invert=True)) == pytest.approx([166] * 3, abs=1)


def test_automatic_levels_of_raw_are_an_exposure():
    dark = np.full((3, 128, 128), 0.9 / 16)
    picture = raw(seen_by(dark), camera())
    found = robust_levels(picture, picture.rect)
    assert (found.low, found.high) == picture.nominal_range
    # The brightest colour after the matrix is grey's own: sixteen times darker than what is wanted.
    assert found.exposure == pytest.approx(4.0, abs=0.25)


def test_small_pictures_take_only_some_pixels():
    sheet = np.kron(np.random.default_rng(7).uniform(0.2, 0.8, (3, 2, 2)), np.ones((1, 100, 100)))
    picture = raw(seen_by(sheet), camera())
    found = sampled(picture, 10)
    assert found.shape[1] in (19, 20)
    np.testing.assert_allclose(found[:, 3, 3], np.tensordot(MATRIX, sheet[:, 10, 10], 1), atol=0.01)


def test_what_is_measured_is_what_is_seen():
    grey = np.full((3, 64, 80), 0.1)
    padding = np.zeros((64, 80), bool)
    padding[10, 11] = True
    picture = raw(seen_by(grey), camera(), padding=padding)
    found = seen(picture)
    assert found.pixels.shape == (3, 32, 40)
    assert found.mosaic is None
    np.testing.assert_allclose(found.pixels, 89, atol=1)
    assert found.padding[5, 5]
    assert found.padding.sum() == 1
