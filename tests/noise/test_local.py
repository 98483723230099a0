import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from denoise_studio.core.picture import Picture
from denoise_studio.noise.local import RADIUS, estimate_noise_model

SIZE = 256


def white(seed=0, size=SIZE, channels=1):
    return np.random.default_rng(seed).standard_normal((channels, size, size))


def scene(size=SIZE):
    """Soft waves, discs with sharp edges and fine bars: what an estimate has to look past."""
    y, x = np.mgrid[0:size, 0:size]
    value = 100 * np.sin(x / 40.0) * np.cos(y / 30.0)
    for cx, cy, r, height in ((60, 70, 30, 300), (180, 150, 45, -250), (90, 200, 12, 800)):
        value = value + height * ((x - cx) ** 2 + (y - cy) ** 2 < r * r)
    value[20:50, 180:240] += 200 * ((x[20:50, 180:240] // 3) % 2)
    return value[None]


def model_of(pixels, **more):
    return estimate_noise_model(Picture(pixels.astype(np.float32), **more))


def everywhere(model, size=SIZE):
    return model.sd_at(np.arange(size), np.arange(size))


@pytest.mark.parametrize("sd", [1e-3, 20.0, 1e4])
def test_pure_white_noise_is_found_everywhere(sd):
    found = np.concatenate([everywhere(model_of(sd * white(seed)))[0].ravel() for seed in range(3)])
    assert np.median(found) == pytest.approx(sd, rel=0.03)
    assert np.percentile(found, [2, 98]) == pytest.approx([sd, sd], rel=0.12)


def test_structure_hardly_raises_it():
    model = model_of(scene() + 20 * white())
    assert np.median(everywhere(model)) == pytest.approx(20, rel=0.1)
    assert np.percentile(everywhere(model), 95) < 20 * 1.35
    assert model.is_white


def test_noise_that_changes_from_place_to_place_is_followed():
    strength = 10 + 30 * np.linspace(0, 1, SIZE)[None, None, :]
    found = everywhere(model_of(scene() + strength * white()))[0].mean(axis=0)
    assert found[32:-32] == pytest.approx(strength[0, 0, 32:-32], rel=0.2)


@pytest.mark.parametrize(("blur", "tolerance"), [(0.7, 0.06), (1.2, 0.12)])
def test_correlation_of_blurred_noise(blur, tolerance):
    """Patches of 16 pixels less a plane hold 16² / (4 pi blur²) = 42 and 14 waves: they miss the longest."""
    noise = gaussian_filter(white(size=512)[0], blur, mode="wrap")
    noise *= 25 / noise.std()
    power = np.abs(np.fft.fft2(noise)) ** 2
    truth = np.roll(np.fft.ifft2(power).real / power.mean(), (RADIUS, RADIUS), axis=(0, 1))
    truth = truth[: 2 * RADIUS + 1, : 2 * RADIUS + 1]
    model = model_of(scene(512) + noise)
    near = slice(RADIUS - 1, RADIUS + 2)
    assert model.correlation[near, near] == pytest.approx(truth[near, near], abs=tolerance)
    assert model.correlation[RADIUS, RADIUS] == 1.0
    assert not model.is_white
    assert np.median(everywhere(model, 512)) == pytest.approx(25, rel=0.15)


def test_channels_have_their_own_strength():
    scale = np.array([5.0, 10.0, 20.0])[:, None, None]
    model = model_of(scene() + scale * white(channels=3))
    assert np.median(everywhere(model), axis=(1, 2)) == pytest.approx(scale[:, 0, 0], rel=0.15)
    assert model.typical == pytest.approx(np.sqrt(525.0), rel=0.12)


def test_padding_and_clipped_air_are_not_looked_at():
    pixels = scene() + 20 * white()
    padding = np.zeros((SIZE, SIZE), bool)
    padding[:, :90] = True
    loud = np.where(padding, 1e4 * white(1), pixels)
    clipped = loud.copy()
    clipped[:, 200:, :] = -1000.0
    for values in (loud, clipped):
        found = everywhere(model_of(values, padding=padding))[0, :190, 90:]
        assert np.median(found) == pytest.approx(20, rel=0.12)


def test_scale_and_offset_pass_through():
    pixels = (scene() + 20 * white()).astype(np.float32)
    one, other = model_of(pixels), model_of(pixels * 4 + 1024)
    assert other.grid == pytest.approx(4 * one.grid, rel=1e-3)
    assert other.correlation == pytest.approx(one.correlation, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (5, 300), (23, 23), (24, 24), (24, 500)])
def test_small_and_thin_pictures(shape):
    noise = np.random.default_rng(3).normal(0, 7.0, (1, *shape))
    model = model_of(noise)
    assert np.isfinite(model.grid).all()
    if shape[0] * shape[1] >= 300:
        assert model.typical == pytest.approx(7.0, rel=0.25)


def test_no_noise_is_none():
    assert model_of(np.full((1, 100, 100), 4.0)).typical == 0.0
    padding = np.ones((100, 100), bool)
    assert model_of(white(size=100), padding=padding).typical == 0.0


def test_stronger_by_a_factor():
    model = model_of(20 * white())
    twice = model.times(2.0)
    assert everywhere(twice) == pytest.approx(2 * everywhere(model), rel=1e-6)
    assert twice.typical == 2 * model.typical
