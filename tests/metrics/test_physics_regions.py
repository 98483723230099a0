"""Region statistics, contrast to noise, profiles and flat squares, against closed forms and numpy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.region import Ellipse, Region
from denoise_studio.metrics.physics.contrast import NoiseOf, contrast_to_noise
from denoise_studio.metrics.physics.flat import SOFT_TISSUE, flat_squares
from denoise_studio.metrics.physics.pitch import Pitch
from denoise_studio.metrics.physics.profile import line_profile
from denoise_studio.metrics.physics.region_statistics import (
    PERCENTILES,
    RegionStatistics,
    is_biased,
    mean_change,
    region_statistics,
)

MM = Pitch(0.8, 0.5, "mm")


def test_statistics_of_known_values():
    values = np.arange(101, dtype=np.float32).reshape(1, 1, 101) - 50
    found = region_statistics(values, np.ones((1, 101), bool), MM)
    assert found.percentiles == tuple(p - 50 for p in PERCENTILES)
    assert (found.mean, found.minimum, found.maximum) == (0, -50, 50)
    assert found.sd == pytest.approx(math.sqrt((101**2 - 1) / 12))
    assert (found.pixels, found.area) == (101, pytest.approx(101 * 0.4))


def test_a_disc_s_area_is_that_of_its_pixels_and_about_pi_r_squared():
    region = Region(shape=Ellipse(60, 50, 40, 40), feather=8)
    inside = region.replace(feather=0.0).mask(Rect(0, 0, 120, 100)) > 0.5
    found = region_statistics(np.zeros((1, 100, 120), np.float32), inside, MM)
    assert found.area == pytest.approx(math.pi * 1600 * 0.4, rel=0.005)


def test_padding_does_not_count_and_nothing_at_all_is_an_error():
    values = np.full((2, 6, 6), 5.0, np.float32)
    inside = np.ones((6, 6), bool)
    values[:, :3], inside[:3] = -2000, False
    found = region_statistics(values, inside, Pitch())
    assert (found.mean, found.sd, found.pixels, found.area) == (5, 0, 18, 18)
    with pytest.raises(MeasureError, match="no pixel"):
        region_statistics(values, np.zeros_like(inside), Pitch())
    with pytest.raises(MeasureError, match="no pixel"):
        mean_change(values, values, np.zeros_like(inside))


def region(mean, sd):
    return RegionStatistics(10, 10.0, mean, sd, 0.0, 0.0, (0.0,) * 5)


def test_contrast_to_noise_by_both_definitions():
    lesion, liver = region(80, 6), region(100, 8)
    pooled, background = (contrast_to_noise(lesion, liver, kind) for kind in NoiseOf)
    assert pooled.contrast == 20
    assert pooled.ratio == pytest.approx(20 / math.sqrt(50))
    assert background.ratio == pytest.approx(2.5)
    assert contrast_to_noise(region(1, 0), region(2, 0)).ratio == math.inf
    assert contrast_to_noise(region(1, 0), region(1, 0)).ratio == 0


def test_the_error_of_a_moved_mean_allows_for_correlation():
    """Blocks of 4 x 4 equal pixels: the mean's error is that of the blocks, four times the pixels' own."""
    rng = np.random.default_rng(0)
    inside = np.ones((128, 128), bool)
    moved, errors = [], []
    for _ in range(200):
        after = np.kron(rng.normal(0.5, 3.0, (32, 32)), np.ones((4, 4)))
        mean, error = mean_change(np.zeros_like(after), after, inside)
        moved.append(mean)
        errors.append(error)
    assert np.mean(moved) == pytest.approx(0.5, abs=4 * 3.0 / 32 / math.sqrt(200))
    assert np.mean(errors) == pytest.approx(3.0 / 32, rel=0.05)
    assert np.std(moved) == pytest.approx(3.0 / 32, rel=0.2)
    assert mean_change(np.zeros((8, 8)), np.ones((8, 8)), np.ones((8, 8), bool)) == (1.0, math.inf)


def test_structure_that_a_filter_changed_does_not_hide_that_a_mean_moved():
    """A quarter of the region loses 40 HU: the mean moves by 10, far beyond what the noise explains."""
    rng = np.random.default_rng(5)
    before = rng.normal(0, 5, (64, 64))
    after = before - rng.normal(0, 4, (64, 64))
    after[:32, :32] -= 40
    mean, error = mean_change(before, after, np.ones((64, 64), bool))
    assert mean == pytest.approx(-10, abs=0.3)
    assert error < 0.3
    assert is_biased(mean, error, 1.0)
    assert not is_biased(0.9, 0.1, 1.0)
    assert not is_biased(1.5, 1.0, 1.0)
    assert is_biased(1.5, math.inf, 1.0)


@given(
    st.floats(2, 38), st.floats(2, 28), st.floats(2, 38), st.floats(2, 28), st.integers(1, 4),
)  # fmt: skip
def test_a_plane_is_read_off_exactly_along_any_line(x0, y0, x1, y1, width):
    if math.hypot(x1 - x0, y1 - y0) < 1:
        return
    y, x = np.mgrid[0:30, 0:40] + 0.5
    found = line_profile(3 * x - 2 * y + 7, (x0, y0), (x1, y1), MM, width)
    share = found.distances / found.distances[-1]
    truth = 3 * (x0 + share * (x1 - x0)) - 2 * (y0 + share * (y1 - y0)) + 7
    assert found.distances[-1] == pytest.approx(math.hypot((x1 - x0) * 0.5, (y1 - y0) * 0.8))
    inner = np.isfinite(found.values)
    assert inner.mean() > 0.5
    # Within half a pixel of the rim the plane goes on as a constant.
    far = (
        min(x0, x1) > 2.6 + width
        and max(x0, x1) < 37 - width
        and min(y0, y1) > 3 + width
        and max(y0, y1) < 27 - width
    )
    if far:
        np.testing.assert_allclose(found.values, truth, atol=1e-9)


def test_width_averages_across_the_line_as_it_lies_in_mm():
    """Rows of alternating value along a horizontal line: two of them cancel."""
    values = np.where(np.arange(20)[:, None] % 2, 1.0, -1.0) * np.ones((20, 30))
    one = line_profile(values, (3, 10.5), (20, 10.5), Pitch())
    two = line_profile(values, (3, 10.0), (20, 10.0), Pitch(), width=2)
    assert (one.values == -1).all()
    assert np.allclose(two.values, 0)
    # Pixels half as wide as high: across a vertical line, 0.5 mm is one column.
    columns = values.T.copy()
    beside = line_profile(columns, (10.0, 3), (10.0, 15), MM, width=2)
    assert np.allclose(beside.values, 0)


def test_padding_and_what_lies_outside_are_left_out_of_a_profile():
    values = np.full((10, 20), 4.0)
    valid = np.ones((10, 20), bool)
    values[:, 8:12], valid[:, 8:12] = -2000, False
    found = line_profile(values, (1, 5), (19, 5), Pitch(), valid=valid)
    known = np.isfinite(found.values)
    assert (found.values[known] == 4).all()
    at = found.distances + 1
    assert not known[(at > 8.6) & (at < 11.4)].any()
    assert known[(at < 8) | (at > 12)].all()
    beyond = line_profile(values, (15, 5), (25, 5), Pitch())
    assert np.isnan(beyond.values[-1])
    assert beyond.values[0] == 4


@pytest.mark.parametrize(("end", "width"), [((1.5, 1), 1), ((30, 1), 0), ((1e6, 1), 1), ((30, 1), 999)])
def test_lines_that_make_no_sense(end, width):
    with pytest.raises(MeasureError, match="profile"):
        line_profile(np.zeros((10, 40)), (1, 1), end, Pitch(), width)


def test_flat_squares_avoid_structure_padding_and_other_tissue():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:256, 0:256]
    values = np.where(x < 128, 60.0, 60.0 + 40 * np.sin(x / 5.0)) + rng.normal(0, 10, (256, 256))
    values[:64, :128] -= 800  # lung
    values[200:, :128] += 60 * ((x[200:, :128] + y[200:, :128]) > 280)  # an edge across
    inside = np.ones((256, 256), bool)
    inside[64:100, :20] = False
    found = flat_squares(values, inside, 16, SOFT_TISSUE)
    assert len(found) >= 10
    for row, column in found:
        assert column + 16 <= 130
        assert row >= 64
        assert inside[row : row + 16, column : column + 16].all()
    starts = {tuple(place) for place in found}
    assert all(abs(a - c) >= 16 or abs(b - d) >= 16 for a, b in starts for c, d in starts if (a, b) != (c, d))
    assert not len(flat_squares(values - 5000, inside, 16, SOFT_TISSUE))
    assert not len(flat_squares(values[:8, :8], inside[:8, :8], 16))
