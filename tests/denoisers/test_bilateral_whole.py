"""Whole pictures: guides, square windows, blocks, devices, and what the engine's tiles give."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from builders import noisy
from test_bilateral_reference import SMALL, double, looped, smooth_maps, some_valid, unfolded

from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.mirror import cut, origins
from denoise_studio.denoisers.bilateral.whole import bilateral


@pytest.mark.parametrize("device", ["cpu", "torch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("guides", [None, 1, 3])
@pytest.mark.parametrize("window", [None, 0, 2])
@pytest.mark.parametrize("shape", SMALL)
def test_equals_the_loop(shape, window, guides, channels, device, monkeypatch):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape)
    guide = None if guides is None else noisy(*shape, guides, seed=2)
    if device == "torch":  # the form for GPUs, on the CPU
        use_torch_on_the_cpu(monkeypatch)
    for valid in (None, some_valid(*shape)):
        found = bilateral(pixels, *sigmas, valid=valid, window=window, guide=guide, device=device)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, looped(pixels, sigmas, valid, window, guide), rtol=0, atol=2e-6)


def use_torch_on_the_cpu(monkeypatch):
    from denoise_studio.denoisers.bilateral import on_torch

    real = on_torch.bilateral_torch
    monkeypatch.setattr(
        on_torch, "bilateral_torch", lambda *args, device, **more: real(*args, device="cpu", **more)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_as_its_own_guide_is_the_plain_filter(channels):
    pixels, sigmas = noisy(40, 43, channels), smooth_maps(40, 43)
    plain = bilateral(pixels, *sigmas)
    np.testing.assert_allclose(bilateral(pixels, *sigmas, guide=pixels), plain, rtol=0, atol=2e-7)


def test_a_flat_guide_leaves_a_gaussian_blur():
    pixels = noisy(30, 31)
    blurred = bilateral(pixels, 1.5, 1.5, 0.1, guide=np.full_like(pixels, 7.0), window=3)
    offsets = np.arange(-3, 4)
    line = np.exp(-(offsets**2) / 4.5)
    kernel = np.outer(line, line) / line.sum() ** 2
    wide = np.pad(pixels[0].astype(np.float64), 3, mode="reflect")
    wanted = sum(kernel[j, i] * wide[j : j + 30, i : i + 31] for j in range(7) for i in range(7))
    np.testing.assert_allclose(blurred[0], wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_tiling_and_any_cores_give_the_same_bits(channels, window, guided):
    height, width = 70, 90
    pixels, sigmas = noisy(height, width, channels), smooth_maps(height, width)
    guide = noisy(height, width, 1, seed=5) if guided else None
    whole = bilateral(pixels, *sigmas, window=window, guide=guide)
    with ThreadPoolExecutor(3) as pool:
        spread = bilateral(pixels, *sigmas, window=window, guide=guide, spread=pool.map)
    assert np.array_equal(whole, spread)
    for top, bottom, left, right in ((0, 70, 0, 90), (3, 50, 11, 62), (60, 70, 80, 90), (8, 9, 8, 9)):
        halo = 4
        place = origins(top - halo, bottom + halo, height), origins(left - halo, right + halo, width)
        part = [np.ascontiguousarray(s[top:bottom, left:right]) for s in sigmas]
        wide = None if guide is None else cut(guide, *place)
        tile = bilateral_cpu(cut(pixels, *place), halo, None, *part, window=window, guide=wide)
        assert np.array_equal(tile, whole[:, top:bottom, left:right])


@pytest.mark.parametrize("gain", [0.001, 4096.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_gain_and_offset_pass_through(gain, channels):
    pixels, (sx, sy, sr) = noisy(30, 33, channels), smooth_maps(30, 33)
    offset = -0.25 * gain
    moved = bilateral((gain * pixels + offset).astype(np.float32), sx, sy, gain * sr)
    np.testing.assert_allclose(moved, gain * bilateral(pixels, sx, sy, sr) + offset, rtol=0, atol=1e-5 * gain)


@pytest.mark.parametrize("value", [0.0, -1024.0, 1e30])
@pytest.mark.parametrize("window", [None, 4])
def test_a_constant_stays_exactly(value, window):
    pixels = np.full((3, 9, 70), value, np.float32)
    assert np.array_equal(bilateral(pixels, 1.5, 1.0, 0.1, window=window), pixels)


def test_padding_is_neither_seen_nor_changed():
    pixels, guide, valid = noisy(25, 26), noisy(25, 26, seed=1), some_valid(25, 26)
    broken, broken_guide = (np.where(valid, a, np.nan).astype(np.float32) for a in (pixels, guide))
    found = bilateral(broken, 1.5, 1.5, 0.2, valid=valid, guide=broken_guide)
    assert np.array_equal(
        found[:, valid], bilateral(pixels, 1.5, 1.5, 0.2, valid=valid, guide=guide)[:, valid]
    )
    assert np.isnan(found[:, ~valid]).all()


def test_the_input_is_left_alone():
    pixels = noisy(20, 20)
    before = pixels.copy()
    bilateral(pixels, 1.5, 1.5, 0.2, valid=some_valid(20, 20))
    assert np.array_equal(pixels, before)


def reference_error(pixels, sigmas):
    """Largest error in fractions of the range."""
    exact = unfolded(double(pixels), *map(double, sigmas)).numpy()
    return np.abs(bilateral(pixels, *sigmas) - exact).max() / np.ptp(pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1024.0, 3071.0)])
@pytest.mark.parametrize("case", ["smooth", "rough", "tiny", "strong", "mixed"])
def test_error_against_double_precision(case, low, high, channels):
    """At most 1e-5 of the range, the promise of the whole method."""
    pixels = noisy(28, 31, channels, low=low, high=high)
    span = high - low
    y, x = np.mgrid[0:28, 0:31] / 30
    rng = np.random.default_rng(4)
    maps = {
        "smooth": (1.5 + 0.5 * x, 1.5 - 0.5 * y, span * (0.05 + 0.1 * x * y)),
        "rough": tuple(rng.uniform(a, b, x.shape) for a, b in ((0.2, 3), (0.2, 3), (0.01 * span, span))),
        "tiny": (0.2 + 0 * x, 0.2 + 0 * x, span * 0.0005 + 0 * x),
        "strong": (8.0 + 0 * x, 8.0 + 0 * x, 2 * span + 0 * x),
        "mixed": (0.2 + 7.8 * x, 8.0 - 7.8 * y, span * np.where(x > y, 2.0, 0.0005)),
    }[case]
    sigmas = tuple(np.asarray(m, np.float32) for m in maps)
    assert reference_error(pixels, sigmas) <= 1e-5


@pytest.mark.parametrize("channels", [1, 3])
def test_the_weights_at_a_pixel_make_its_result(channels):
    from builders import bilateral as recipe
    from builders import padded, region

    from denoise_studio.core.region import Box
    from denoise_studio.engine.maps import footprints
    from denoise_studio.engine.render import render
    from denoise_studio.engine.resolve import resolve

    shown = padded(30, 34, channels)
    wanted = recipe(region(Box(5, 5, 20, 20), sigma_x=3.0, sigma_r=0.4))
    result = render(shown, wanted).pixels
    for x, y in ((33, 0), (10, 12), (25, 29)):
        if shown.padding[y, x]:
            assert footprints(shown, resolve(shown, wanted), None, x, y) == ()
            continue
        (found,) = footprints(shown, resolve(shown, wanted), None, x, y)
        ry, rx = (side // 2 for side in found.weights.shape)
        assert rx == (6 if 5 <= x < 20 and 5 <= y < 20 else 3)
        margin = [(0, 0), (10, 10), (10, 10)]
        around = np.pad(shown.pixels, margin, mode="reflect")
        around = around[:, y + 10 - ry : y + 11 + ry, x + 10 - rx : x + 11 + rx]
        assert (found.weights * around).sum(axis=(1, 2)) == pytest.approx(result[:, y, x], abs=1e-5)
