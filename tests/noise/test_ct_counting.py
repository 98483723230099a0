"""Moments of the logarithm of counts: against counts that are drawn, and textbook limits."""

import numpy as np
import pytest

from denoise_studio.noise.ct.counting import log_moments


@pytest.mark.parametrize("electronic", [0.0, 5.0, 30.0])
@pytest.mark.parametrize("mean", [0.2, 2.0, 12.0, 70.0, 390.0, 900.0, 5000.0])
def test_they_are_those_of_drawn_counts(mean: float, electronic: float) -> None:
    random = np.random.default_rng([int(10 * mean), int(electronic)])
    count = 400_000
    measured = random.poisson(mean, count) + electronic * random.standard_normal(count)
    errors = -np.log(np.maximum(measured, 1.0) / mean)
    found = log_moments(np.array([mean]), electronic)
    sampling = errors.std() / np.sqrt(count)
    assert found.mean[0] == pytest.approx(errors.mean(), abs=4 * sampling)
    assert found.variance[0] == pytest.approx(errors.var(), rel=0.02)


def test_many_photons_are_the_first_order() -> None:
    counts = np.array([1e4, 1e6])
    found = log_moments(counts, 20.0)
    first = (counts + 400) / counts**2
    np.testing.assert_allclose(found.variance, first, rtol=1e-3)
    np.testing.assert_allclose(found.mean, first / 2, rtol=1e-2)


def test_sums_and_series_meet() -> None:
    for electronic in (0.0, 7.0, 60.0):
        top = max(400.0, 30 * electronic)
        low, high = (log_moments(np.array([top * side]), electronic) for side in (0.9999, 1.0001))
        assert low.variance[0] == pytest.approx(high.variance[0], rel=2e-3)
        assert low.mean[0] == pytest.approx(high.mean[0], rel=5e-3)


def test_a_dark_detector_is_finite() -> None:
    found = log_moments(np.zeros(3), 5.0)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.variance).all()
