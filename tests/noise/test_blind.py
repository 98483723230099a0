"""The noise of a picture that is not raw: what is found in noise whose truth is known."""

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.noise.blind import estimate_noise

SIZE = 256


def white(seed=0, channels=1, size=SIZE):
    return np.random.default_rng(seed).standard_normal((channels, size, size))


def scene(size=SIZE):
    """Slow waves, discs with sharp edges and fine bars."""
    y, x = np.mgrid[0:size, 0:size]
    value = 60 * np.sin(x / 40.0) * np.cos(y / 30.0)
    for cx, cy, r, height in ((60, 70, 30, 90), (180, 150, 45, -70), (90, 200, 12, 100)):
        value = value + height * ((x - cx) ** 2 + (y - cy) ** 2 < r * r)
    value[20:50, 180:240] += 80 * ((x[20:50, 180:240] // 3) % 2)
    return value[None]


def estimate(pixels, **more):
    return estimate_noise(Picture(np.asarray(pixels, np.float32), **more))


@pytest.mark.parametrize("sd", [1.0, 5.0, 25.0])
def test_white_noise(sd):
    found = estimate(scene() + sd * white())
    assert found.sigma == pytest.approx(sd, rel=0.08)
    assert found.model == "gaussian"
    assert not found.is_correlated
    assert abs(found.correlation) < 0.1
    assert found.correlation_length == 1.0


@pytest.mark.parametrize("blur", [0.6, 1.0])
def test_correlated_noise_has_all_its_power_counted(blur):
    noise = gaussian_filter(white(size=512)[0], blur, mode="wrap")
    found = estimate(scene(512) + 20 * noise / noise.std())
    assert found.sigma == pytest.approx(20, rel=0.12)
    assert found.is_correlated
    assert found.correlation == pytest.approx(np.exp(-1 / (4 * blur**2)), abs=0.12)


def test_its_own_error_is_told():
    readings = [(sd, estimate(scene() + sd * white(seed))) for seed in range(12) for sd in (2.0, 10.0, 40.0)]
    missed = [abs(np.log(found.sigma / sd)) > 1.96 * found.sigma_error for sd, found in readings]
    assert np.mean(missed) <= 0.1
    assert all(found.sigma_error < 0.15 and found.kernel_error == 0.0 for _, found in readings)
    noise = gaussian_filter(white(size=512)[0], 1.0, mode="wrap")
    correlated = estimate(scene(512) + 20 * noise / noise.std())
    assert correlated.kernel_error > 0
    assert correlated.sigma_error > 2 * readings[-1][1].sigma_error
    assert estimate(np.zeros((1, 64, 64))).sigma_error == 1.0


def test_scaling_and_shift():
    noisy = scene() + 10 * white()
    first, second = estimate(noisy), estimate(0.25 * noisy - 64)
    assert second.sigma == pytest.approx(first.sigma / 4, rel=1e-3)
    assert second.sd_map(SIZE, SIZE) == pytest.approx(first.sd_map(SIZE, SIZE) / 4, rel=1e-2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 7), (8, 8), (15, 33), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_constant_pictures(shape, channels):
    noisy = np.random.default_rng(0).standard_normal((channels, *shape))
    found = estimate(noisy)
    assert np.isfinite(found.sigma)
    assert np.isfinite(found.sd_map(*shape)).all()
    constant = estimate(np.full((channels, *shape), 7.0))
    assert constant.sigma == 0
    assert constant.model == "none"


def test_padding_is_not_looked_at():
    padding = np.zeros((SIZE, SIZE), bool)
    padding[:, :90] = True
    pixels = np.where(padding, 1e3 * white(1), scene() + 10 * white())
    found = estimate(pixels, padding=padding, scale=Scale.HU)
    assert found.sigma == pytest.approx(10, rel=0.1)


def test_a_large_picture_needs_no_copy_of_itself():
    shown = Picture(np.random.default_rng(0).standard_normal((1, 5000, 5000), np.float32))
    tracemalloc.start()
    try:
        assert estimate_noise(shown).sigma == pytest.approx(1, rel=0.05)
        assert tracemalloc.get_traced_memory()[1] < 0.6 * shown.pixels.nbytes
    finally:
        tracemalloc.stop()
