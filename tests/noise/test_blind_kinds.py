"""The noise of a picture that is not raw: by brightness, place, kind of picture, and how sure it is."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.noise.blind import estimate_noise
from denoise_studio.noise.ct_dose import Scan, dose_noise, inscribed_circle

BYTES = {"scale": Scale.DISPLAY, "stored": Stored("uint8", 8), "nominal_range": (0.0, 255.0)}


def estimate(pixels, **more):
    pixels = np.asarray(pixels, np.float32)
    return estimate_noise(Picture(pixels if pixels.ndim == 3 else pixels[None], **more))


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def cameraman():
    return data.camera().astype(np.float64)


@pytest.mark.parametrize("sd", [5, 15, 40])
def test_white_noise_on_a_photograph(sd):
    found = estimate(cameraman() + sd * normal((512, 512)), **BYTES)
    assert found.sigma == pytest.approx(sd, rel=0.15)
    assert not found.is_correlated


def test_noise_that_follows_brightness():
    y, x = np.mgrid[0:384, 0:384]
    exact = 20 + 200 * (x / 383) + 10 * np.sin(y / 25)
    truth = np.sqrt(0.5 * exact + 4)
    found = estimate(exact + truth * normal(exact.shape))
    assert found.model == "signal-dependent"
    values = np.linspace(40, 200, 9)
    assert found.channels[0].sigma_of(values) == pytest.approx(np.sqrt(0.5 * values + 4), rel=0.15)
    assert np.quantile(np.abs(found.sd_map(384, 384)[0] / truth - 1), 0.95) < 0.3


def test_noise_that_differs_from_place_to_place():
    strength = np.linspace(5, 15, 384)[None, :]
    exact = 100 + 20 * np.sin(np.mgrid[0:384, 0:384][0] / 30)
    found = estimate(exact + strength * normal((384, 384)))
    assert found.sd_map(384, 384)[0].mean(axis=0)[40:-40] == pytest.approx(strength[0, 40:-40], rel=0.3)


def test_colour_channels_by_name():
    noise = np.array([3.0, 6.0, 12.0])[:, None, None] * normal((3, 256, 256))
    found = estimate(120 + noise)
    assert [channel.name for channel in found.channels] == ["R", "G", "B"]
    assert [channel.sigma for channel in found.channels] == pytest.approx([3, 6, 12], rel=0.08)
    assert found.sigma == pytest.approx(np.sqrt(63), rel=0.08)


@pytest.mark.parametrize("kernel", ["hann", "ramp"])
def test_ct_noise_in_soft_tissue(kernel):
    """Water in air: noise from the projections, correlated, read where the water is."""
    size = 256
    y, x = np.mgrid[0:size, 0:size] - size / 2
    water = (x**2 + y**2 < 90**2).astype(np.float64)
    exact = (cv2.GaussianBlur(water, (0, 0), 1.0) * 1040 - 1000).astype(np.float32)
    noise = dose_noise(exact, 1.2, Scan(photons=1e5, kernel=kernel, views=360))
    inside = (exact > 0) & inscribed_circle(size)
    found = estimate(exact + noise, scale=Scale.HU, unit="HU")
    assert found.unit == "HU"
    assert found.is_correlated
    assert found.sigma == pytest.approx(noise[inside].std(), rel=0.2)
    across = (noise[:, 1:] * noise[:, :-1])[inside[:, 1:]].mean() / noise[inside].var()
    assert found.kernel[6, 7] == pytest.approx(across, abs=0.12)


def test_air_of_a_ct_slice_does_not_lower_it():
    noisy = np.full((256, 256), 40.0) + 20 * normal((256, 256))
    noisy[:, :128] = -1000 + 2 * normal((256, 128), 1)
    assert estimate(noisy, scale=Scale.HU).sigma == pytest.approx(20, rel=0.08)


def test_clipped_areas_are_left_out():
    noisy = 128 + 10 * normal((256, 256))
    noisy[:, :100], noisy[:, 200:] = 0, 255
    assert estimate(noisy, **BYTES).sigma == pytest.approx(10, rel=0.08)


def test_texture_and_few_pixels_lower_the_confidence():
    flat = estimate(100 + 5 * normal((256, 256)))
    small = estimate(100 + 5 * normal((40, 40)))
    gravel = data.gravel().astype(np.float64)
    assert flat.confidence > 0.9
    assert estimate(gravel + 2 * normal(gravel.shape), **BYTES).confidence < flat.confidence - 0.2
    assert small.confidence < flat.confidence - 0.1
    assert estimate(normal((7, 7))).confidence == 0


@settings(max_examples=10)
@given(power=st.integers(-12, 12), shift=st.sampled_from([0.0, 1.0, -3.0]), seed=st.integers(0, 99))
def test_any_unit(power, shift, seed):
    """Powers of two scale exactly, so nothing but the shift's rounding differs."""
    noisy = (100 + 10 * np.sin(np.mgrid[0:96, 0:96][0] / 9) + 4 * normal((96, 96), seed)).astype(np.float32)
    first, second = estimate(noisy), estimate(2.0**power * (noisy + np.float32(shift)))
    assert second.sigma == pytest.approx(2.0**power * first.sigma, rel=1e-2)
    assert second.is_correlated == first.is_correlated


def test_a_description_is_json():
    found = json.loads(json.dumps(estimate(cameraman() + 9 * normal((512, 512))).describe(), allow_nan=False))
    assert set(found) >= {"model", "channels", "correlation", "correlation_length", "correlated", "unit"}
    assert set(found["channels"]["grey"]) == {"sigma", "confidence", "curve"}


@pytest.mark.shared
def test_camera_pairs(shared_data):
    """In-camera JPEG: correlated noise, whose whole strength is read and not its highest frequencies only."""
    ratios, flags = [], []
    for file in sorted((shared_data / "photos" / "pairs").glob("*_real.*"))[::3]:
        noisy, mean = (
            cv2.imread(str(f)) for f in (file, file.with_name(file.name.replace("_real", "_mean")))
        )
        green, noise = noisy[..., 1].astype(np.float64), noisy[..., 1] - mean[..., 1].astype(np.float64)
        blocks = noise[:512, :512].reshape(32, 16, 32, 16).swapaxes(1, 2).reshape(1024, 256)
        found = estimate(green, **BYTES)
        ratios.append(found.sigma / np.median(blocks.std(axis=1, ddof=1)))
        flags.append(found.is_correlated)
    assert 0.65 < np.median(ratios) < 1.2
    assert np.mean(flags) > 0.8
