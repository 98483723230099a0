import numpy as np
import pytest
from builders import noisy

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.noise.estimate import noise_sd


def smooth(height, width, channels=1):
    y, x = np.mgrid[0:height, 0:width] / 40.0
    return np.broadcast_to(100 * np.sin(x) * np.cos(0.7 * y) + 30 * y, (channels, height, width))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sd", [0.5, 10.0, 80.0])
def test_white_noise_is_found_within_five_percent(channels, sd):
    noise = np.random.default_rng(1).normal(0, sd, (channels, 256, 256))
    assert noise_sd(Picture((smooth(256, 256, channels) + noise).astype(np.float32))) == pytest.approx(
        sd, rel=0.05
    )


def test_large_pictures_skip_rows_and_still_find_it():
    noise = np.random.default_rng(1).normal(0, 3.0, (1, 3000, 3100)).astype(np.float32)
    assert noise_sd(Picture(noise)) == pytest.approx(3.0, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (2, 50), (3, 3)])
def test_tiny_pictures(shape):
    assert noise_sd(Picture(np.full((1, *shape), 7, np.float32))) == 0.0
    assert noise_sd(Picture(noisy(*shape))) >= 0.0


def test_a_constant_has_no_noise():
    assert noise_sd(Picture(np.full((3, 64, 64), 0.1, np.float32))) == 0.0


def test_padding_is_left_out():
    pixels = np.random.default_rng(2).normal(0, 5.0, (1, 200, 200)).astype(np.float32)
    padding = np.zeros((200, 200), bool)
    padding[:, :150] = True
    loud = pixels.copy()
    loud[:, padding] *= 1000
    assert noise_sd(Picture(loud, padding=padding)) == pytest.approx(5.0, rel=0.05)
    assert noise_sd(Picture(loud.copy(), padding=np.ones((200, 200), bool))) == 0.0


def test_flat_blocks_are_left_out():
    pixels = np.random.default_rng(3).normal(0, 5.0, (1, 200, 200)).astype(np.float32)
    pixels[:, 50:] = 0.0
    assert noise_sd(Picture(pixels)) == pytest.approx(5.0, rel=0.05)


def test_rows_and_columns_count_alike():
    """Whole numbers have many equal neighbours: leaving out blocks must not depend on the direction."""
    pixels = np.rint(np.random.default_rng(4).normal(100, 0.45, (1, 96, 96))).astype(np.float32)
    pixels[:, :, ::2] += np.float32(0.25)
    turned = np.ascontiguousarray(pixels.transpose(0, 2, 1))
    assert noise_sd(Picture(turned)) == noise_sd(Picture(pixels))


def test_unit_and_offset():
    pixels = noisy(128, 128)
    sd = noise_sd(Picture(pixels))
    assert noise_sd(Picture(pixels * np.float32(1024))) == pytest.approx(1024 * sd, rel=1e-6)
    assert noise_sd(Picture(pixels - np.float32(10))) == pytest.approx(sd, rel=1e-3)


def test_a_ct_slice_tells_the_noise_of_soft_tissue():
    """Air around the body has less of it, and bone is left out."""
    rng = np.random.default_rng(6)
    pixels = np.full((1, 300, 300), -1000.0)
    pixels[:, :, 100:] = 40.0
    pixels[:, 200:, 200:] = 900.0
    sd = np.where(pixels < -500, 3.0, np.where(pixels > 500, 90.0, 20.0))
    noisy_slice = (pixels + rng.normal(0, 1, pixels.shape) * sd).astype(np.float32)
    assert noise_sd(Picture(noisy_slice, scale=Scale.HU)) == pytest.approx(20.0, rel=0.05)


@pytest.mark.parametrize("scale", [Scale.HU, Scale.SIGNAL])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3), (12, 12), (13, 13), (20, 300)])
def test_small_scans(scale, shape):
    white = np.random.default_rng(7).normal(0, 5.0, (1, *shape)).astype(np.float32)
    found = noise_sd(Picture(white, scale=scale))
    assert found == pytest.approx(5.0, rel=0.1) if white.size > 1000 else 0 <= found < 20
    assert noise_sd(Picture(np.full((1, *shape), 7, np.float32), scale=scale)) == 0.0


def test_a_ct_slice_without_soft_tissue_is_taken_whole():
    white = np.random.default_rng(8).normal(1500, 30.0, (1, 200, 200)).astype(np.float32)
    assert noise_sd(Picture(white, scale=Scale.HU)) == pytest.approx(30.0, rel=0.05)
