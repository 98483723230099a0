"""Moments of rectangles and regions, in double precision."""

import numpy as np
import pytest
from builders import noisy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from denoise_studio.core.errors import MeasureError
from denoise_studio.metrics import statistics
from denoise_studio.metrics.statistics import moments

FLOATS = st.floats(-1e6, 1e6, width=32)


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 20)),
        elements=FLOATS,
    )
)
def test_moments_are_numpy_s(pixels):
    found, double = moments(pixels), pixels.astype(np.float64)
    assert found.count == pixels.size
    assert found.mean == pytest.approx(double.mean(), rel=1e-12, abs=1e-9)
    assert found.sd == pytest.approx(double.std(), rel=1e-9, abs=1e-6)
    assert found.rms == pytest.approx(np.sqrt((double**2).mean()), rel=1e-9, abs=1e-6)
    assert (found.minimum, found.maximum) == (double.min(), double.max())
    assert found.largest == np.abs(double).max()


def test_many_bands_give_the_same():
    pixels = noisy(1500, 1000, 3)
    mask = np.random.default_rng(0).random((1500, 1000)) < 0.5
    mask[700:1100] = False
    found, double = moments(pixels, valid=mask), pixels.astype(np.float64)[:, mask]
    assert (found.count, found.mean) == (double.size, pytest.approx(double.mean(), rel=1e-12))
    assert found.sd == pytest.approx(double.std(), rel=1e-12)


def test_a_large_offset_costs_no_digits():
    pixels = np.float32(8_000_000) + np.arange(1000, dtype=np.float32)[None] % 2
    assert moments(pixels).sd == pytest.approx(0.5, rel=1e-12)


def test_the_picture_is_not_changed():
    pixels = noisy(20, 20)
    pixels.flags.writeable = False
    moments(pixels)
    moments(pixels, valid=np.ones((20, 20), bool))


def test_statistics_of_a_region():
    before, after = noisy(30, 30, seed=1)[0], noisy(30, 30, seed=2)[0]
    mask = np.zeros((30, 30), bool)
    mask[5:10, 5:20] = True
    found = statistics(before, after, mask)
    change = (after.astype(np.float64) - before)[mask]
    assert found["count"] == 75
    assert found["before_mean"] == pytest.approx(before[mask].mean(dtype=np.float64))
    assert found["after_sd"] == pytest.approx(after[mask].std(dtype=np.float64))
    assert found["change_mean"] == pytest.approx(change.mean())
    assert found["change_sd"] == pytest.approx(change.std())
    assert found["change_largest"] == np.abs(change).max()
    assert found["change_rms"] == pytest.approx(np.sqrt((change**2).mean()))


def test_what_has_no_statistics():
    pixels = noisy(4, 4)
    with pytest.raises(MeasureError, match="no pixel to measure"):
        statistics(pixels, pixels, np.zeros((4, 4), bool))
    with pytest.raises(MeasureError, match="differ in size"):
        statistics(pixels, noisy(4, 5))
