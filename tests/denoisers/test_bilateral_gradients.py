"""Gradients against autograd through the unfolded float64 form, and against finite differences."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from builders import noisy
from test_bilateral_reference import SMALL, double, looped, smooth_maps, some_valid, unfolded

from denoise_studio.denoisers.bilateral.gradients import bilateral_backward
from denoise_studio.denoisers.bilateral.whole import bilateral_gradients


def upstream_of(shape, seed=8):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_autograd(pixels, sigmas, upstream, valid=None, window=None):
    leaves = [double(array, grad=True) for array in (pixels, *sigmas)]
    unfolded(*leaves, valid, window).backward(double(upstream))
    return [leaf.grad.numpy() for leaf in leaves]


def agree(found, wanted, rtol=2e-5):
    """Each gradient within rtol of its own largest value."""
    for name, a, b in zip(("pixels", "sigma_x", "sigma_y", "sigma_r"), found, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max() + 1e-7, err_msg=name)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [*SMALL, (31, 37)])
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_autograd(shape, channels, window, masked):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape)
    valid = some_valid(*shape) if masked else None
    upstream = upstream_of(pixels.shape)
    found = bilateral_gradients(pixels, *sigmas, upstream, valid=valid, window=window)
    assert all(gradient.dtype == np.float32 for gradient in found)
    agree(found, by_autograd(pixels, sigmas, upstream, valid, window))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1e-3, 4096.0])
@pytest.mark.parametrize("sigma", [(0.3, 2.7, 0.01), (3.0, 0.2, 2.0), (2.5, 2.5, 0.1)])
def test_any_unit_and_sigmas(channels, scale, sigma):
    pixels = noisy(19, 22, channels, low=-scale, high=scale)
    sigmas = [np.full((19, 22), v, np.float32) for v in (*sigma[:2], sigma[2] * scale)]
    upstream = upstream_of(pixels.shape)
    found = bilateral_gradients(pixels, *(float(s[0, 0]) for s in sigmas), upstream)
    agree(found, by_autograd(pixels, sigmas, upstream), rtol=5e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(1, 4), (2, 2), (5, 3)])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_finite_differences(shape, channels, masked):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape, seed=5)
    valid = some_valid(*shape, seed=2) if masked else None
    upstream = upstream_of(pixels.shape)
    found = bilateral_gradients(pixels, *sigmas, upstream, valid=valid)
    everything = [np.asarray(array, np.float64) for array in (pixels, *sigmas)]
    radii_now = [np.ceil(2 * s - 1e-6) for s in everything[1:3]]
    wanted = [np.zeros(array.shape) for array in everything]
    step = 1e-5
    for index, array in enumerate(everything):
        for place in np.ndindex(array.shape):
            losses = []
            for sign in (1, -1):
                moved = [a.copy() for a in everything]
                moved[index][place] += sign * step
                radii_then = [np.ceil(2 * s - 1e-6) for s in moved[1:3]]
                assert np.array_equal(radii_then, radii_now)
                losses.append((looped(moved[0], moved[1:], valid) * upstream).sum())
            wanted[index][place] = (losses[0] - losses[1]) / (2 * step)
    agree(found, wanted, rtol=3e-5)


def test_bands_and_cores_change_no_bit():
    pixels, sigmas = noisy(150, 60, 3), smooth_maps(150, 60)
    upstream = upstream_of(pixels.shape)
    alone = bilateral_gradients(pixels, *sigmas, upstream)
    with ThreadPoolExecutor(3) as pool:
        together = bilateral_gradients(pixels, *sigmas, upstream, spread=pool.map)
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_without_the_picture_the_maps_stay_the_same():
    pixels, sigmas = noisy(20, 30), smooth_maps(20, 30)
    upstream = upstream_of(pixels.shape)
    full = bilateral_gradients(pixels, *sigmas, upstream)
    maps = bilateral_gradients(pixels, *sigmas, upstream, with_pixels=False)
    assert all(np.array_equal(a, b) for a, b in zip(full[1:], maps[1:], strict=True))
    assert not maps.pixels.any()


def test_a_wider_margin_changes_nothing():
    pixels, sigmas = noisy(30, 34), smooth_maps(12, 14)
    upstream = upstream_of((1, 12, 14))
    narrow = bilateral_backward(np.ascontiguousarray(pixels[:, 5:25, 6:28]), 4, None, *sigmas, upstream)
    wide = bilateral_backward(np.ascontiguousarray(pixels[:, 2:28, 3:31]), 7, None, *sigmas, upstream)
    assert np.array_equal(wide.pixels[:, 3:-3, 3:-3], narrow.pixels)
    assert not wide.pixels[:, :3].any()
    assert all(np.array_equal(a, b) for a, b in zip(wide[1:], narrow[1:], strict=True))


@pytest.mark.parametrize("value", [0.0, -1024.0])
def test_on_a_constant_the_maps_do_not_matter(value):
    pixels = np.full((3, 12, 13), value, np.float32)
    found = bilateral_gradients(pixels, 1.5, 1.0, 0.1, np.ones_like(pixels))
    assert not any(gradient.any() for gradient in found[1:])
    assert found.pixels.sum() == pytest.approx(pixels.size, rel=1e-5)


def test_padding_hands_its_gradient_on_and_may_hold_anything():
    pixels, valid = noisy(15, 16), some_valid(15, 16)
    broken = np.where(valid, pixels, np.nan).astype(np.float32)
    upstream = upstream_of(pixels.shape)
    found = bilateral_gradients(broken, 1.5, 1.5, 0.2, upstream, valid=valid)
    assert np.array_equal(found.pixels[:, ~valid], upstream[:, ~valid])
    assert not any(gradient[~valid].any() for gradient in found[1:])
    same = bilateral_gradients(pixels, 1.5, 1.5, 0.2, upstream, valid=valid)
    assert all(np.array_equal(a, b) for a, b in zip(found, same, strict=True))


def test_an_upstream_of_another_size_is_refused():
    with pytest.raises(ValueError, match="upstream must be"):
        bilateral_gradients(noisy(4, 5), 1.0, 1.0, 0.1, np.zeros((1, 5, 4), np.float32))
