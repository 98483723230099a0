"""The level that the network has to be told where the noise is not what it was trained on."""

import numpy as np
import pytest

from denoise_studio.core.fitted import FitTask
from denoise_studio.core.picture import Picture
from denoise_studio.formats import open_picture
from denoise_studio.noise.blind import estimate_noise

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.network import SHA256  # noqa: E402
from denoise_studio.denoisers.network.apply import run  # noqa: E402
from denoise_studio.denoisers.network.calibrate import best_factor, busiest_part, calibrated  # noqa: E402
from denoise_studio.denoisers.network.weights import Weights, load_network  # noqa: E402

GREY = Weights("network-grey", SHA256[1])
SIGMA = 30 / 255


@pytest.fixture(scope="module")
def photo(samples):
    clean = open_picture(samples / "photo-clean.png").pixels.mean(axis=0, keepdims=True) / 255
    return np.ascontiguousarray(clean[:, 60:316, 200:456])


def white(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32) * np.float32(SIGMA)


def truth(clean, noisy_pixels):
    """Mean squared error against the clean picture for a factor of the nominal level."""
    network = load_network(GREY)
    return lambda factor: float(((run(network, noisy_pixels, factor * SIGMA, "float32") - clean) ** 2).mean())


@pytest.mark.parametrize("best", [0.3, 0.5, 1.0, 1.7, 3.8])
def test_the_search_finds_the_least_error(best):
    assert best_factor(lambda factor: np.log(factor / best) ** 2) == pytest.approx(best, rel=1e-3)


def test_the_search_stays_in_its_range():
    assert best_factor(lambda factor: factor) == 0.25
    assert best_factor(lambda factor: -factor) == 4.0


def test_matched_white_noise_leaves_the_level(photo):
    assert best_factor(truth(photo, photo + white(photo.shape))) == pytest.approx(1.0, abs=0.05)


def test_a_two_by_two_mean_halves_it(photo):
    """Noise of a nominal sigma, in a picture that was made half as large by averaging."""
    _, height, width = photo.shape
    noise = white((1, 2 * height, 2 * width)).reshape(1, height, 2, width, 2).mean(axis=(2, 4))
    assert best_factor(truth(photo, photo + noise)) == pytest.approx(0.5, rel=0.05)


def blurred(shape, seed=0):
    """Noise of sd SIGMA that neighbours share."""
    import cv2

    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(shape[1:]), (0, 0), 0.7)
    return (SIGMA * noise / noise.std())[None].astype(np.float32)


def test_the_risk_finds_what_the_truth_would(photo):
    noisy_pixels = photo + blurred(photo.shape)
    shown = Picture(noisy_pixels)
    estimate = estimate_noise(shown)
    assert estimate.is_correlated
    found = calibrated(FitTask(shown, {}), estimate, SIGMA, GREY)
    error = truth(photo, noisy_pixels)
    assert found > 1.1  # told the sd alone it would take too little away
    assert error(found) < error(1.0)
    assert error(found) < 1.1 * error(best_factor(error))


def test_the_busiest_part_avoids_padding():
    pixels = np.zeros((1, 600, 600), np.float32)
    pixels[:, 40:200, 40:200] = np.random.default_rng(0).normal(0, 1, (160, 160))
    padding = np.zeros((600, 600), bool)
    pixels[:, 300:, 300:] = np.random.default_rng(1).normal(0, 3, (300, 300))
    padding[300:, 300:] = True
    part = busiest_part(Picture(pixels, padding=padding))
    assert part.shape == (1, 256, 256)
    assert np.array_equal(part, pixels[:, :256, :256])
