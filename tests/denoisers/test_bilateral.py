"""The bilateral filter against an independent reference in double precision with the same taps."""

import math
import threading

import numpy as np
import pytest
from builders import noisy, numbers, tile
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_studio.denoisers import get_denoiser
from denoise_studio.denoisers.bilateral import _maps
from denoise_studio.denoisers.bilateral.on_torch import bilateral_torch
from denoise_studio.denoisers.bilateral.window import radii, radius

METHOD = get_denoiser("bilateral")


def reference(pixels, sigma_x, sigma_y, sigma_r, valid=None):
    """The formula as the paper writes it, window radii ceil(2 sigma), tap by tap, float64."""
    _, height, width = pixels.shape
    sx, sy, sr = (
        np.broadcast_to(np.asarray(s, np.float64), (height, width)) for s in (sigma_x, sigma_y, sigma_r)
    )
    rx, ry = np.ceil(2 * sx - 1e-6), np.ceil(2 * sy - 1e-6)
    top, side = int(ry.max()), int(rx.max())
    around = [(top, top), (side, side)]
    x = pixels.astype(np.float64)
    wide = np.pad(x, [(0, 0), *around], mode="reflect")
    usable = np.pad(np.ones((height, width), bool) if valid is None else valid, around, mode="reflect")
    weights, total = np.zeros((height, width)), np.zeros(x.shape)
    for dy in range(-top, top + 1):
        for dx in range(-side, side + 1):
            where = slice(top + dy, top + dy + height), slice(side + dx, side + dx + width)
            other = wide[:, *where]
            exponent = dx**2 / (2 * sx**2) + dy**2 / (2 * sy**2) + ((other - x) ** 2).sum(0) / (2 * sr**2)
            # An ellipse; a radius of 0 leaves only the line through the centre.
            across, down = dx / np.where(rx > 0, rx, 1), dy / np.where(ry > 0, ry, 1)
            window = (across**2 + down**2 <= 1 + 1e-12) & (abs(dx) <= rx) & (abs(dy) <= ry)
            weight = np.exp(-exponent) * window * usable[where]
            weights += weight
            total += weight * other
    return total / np.where(weights > 0, weights, 1)


def run(pixels, sigma_x, sigma_y, sigma_r, valid=None, extra=0):
    values = {"sigma_x": sigma_x, "sigma_y": sigma_y, "sigma_r": sigma_r}
    halo = METHOD.halo({name: float(np.max(value)) for name, value in values.items()}) + extra
    return METHOD.load()(tile(pixels, halo, valid, **values))


def check(pixels, *sigmas, valid=None):
    result = run(pixels, *sigmas, valid=valid)
    wanted = reference(pixels, *(np.float32(s) for s in sigmas), valid=valid)
    keep = np.ones(pixels.shape[1:], bool) if valid is None else valid
    assert result.dtype == np.float32
    assert np.abs(result - wanted)[:, keep].max() <= 1e-5 * np.ptp(pixels) + 1e-12


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigmas", [(1.5, 1.5, 0.15), (0.2, 0.2, 0.1), (3.0, 0.7, 0.3), (0.5, 2.5, 0.05)])
def test_equals_the_reference(channels, sigmas):
    check(noisy(40, 53, channels), *sigmas)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma_r", [0.0005, 0.003, 2.0])
@pytest.mark.parametrize("sigma", [0.2, 8.0])
def test_extreme_sigmas(channels, sigma, sigma_r):
    check(noisy(33, 37, channels), sigma, sigma, sigma_r)


@pytest.mark.parametrize(("low", "high"), [(-1024.0, 3071.0), (0.0, 65535.0), (0.0, 1e-6), (-1e8, 1e8)])
def test_any_unit(low, high):
    pixels = noisy(30, 40, low=low, high=high)
    check(pixels, 1.5, 1.5, 0.1 * (high - low))


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_give_every_pixel_its_own_sigmas(channels):
    rng = np.random.default_rng(5)
    maps = [
        rng.uniform(low, high, (37, 41)).astype(np.float32) for low, high in ((0.2, 3), (0.2, 3), (0.02, 0.5))
    ]
    check(noisy(37, 41, channels), *maps)


def test_a_map_of_one_value_equals_the_value():
    pixels = noisy(25, 31)
    maps = [np.full((25, 31), value, np.float32) for value in (1.3, 2.1, 0.2)]
    assert np.array_equal(run(pixels, *maps), run(pixels, 1.3, 2.1, 0.2))
    assert np.array_equal(run(pixels, 1.3, maps[1], 0.2), run(pixels, 1.3, 2.1, 0.2))


@pytest.mark.parametrize("channels", [1, 3])
def test_padding_is_not_looked_at(channels):
    pixels = noisy(31, 43, channels)
    valid = np.random.default_rng(1).random((31, 43)) > 0.3
    check(pixels, 1.8, 1.2, 0.2, valid=valid)
    other = pixels.copy()
    other[:, ~valid] = 1e6
    assert np.array_equal(
        run(pixels, 1.8, 1.2, 0.2, valid=valid)[:, valid], run(other, 1.8, 1.2, 0.2, valid=valid)[:, valid]
    )


def test_a_pixel_alone_in_padding_keeps_its_value():
    pixels = noisy(15, 15)
    valid = np.zeros((15, 15), bool)
    valid[7, 7] = True
    assert run(pixels, 2.0, 2.0, 1.0, valid=valid)[0, 7, 7] == pixels[0, 7, 7]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (3, 2), (5, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_thin_pictures(shape, channels):
    check(noisy(*shape, channels) + np.arange(shape[1], dtype=np.float32), 3.0, 3.0, 0.5)


@pytest.mark.parametrize("value", [0.0, 0.1, -1024.0, 3071.4, 65535.0, 1e-30, 1e30])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_constant_stays_exactly(value, channels):
    pixels = np.full((channels, 20, 23), value, np.float32)
    assert np.array_equal(run(pixels, 2.0, 1.0, 0.1), pixels)


@given(numbers(0.2, 3.0), numbers(0.2, 3.0), numbers(0.02, 1.0), st.integers(-8, 8), st.sampled_from([1, 3]))
@settings(max_examples=25)
def test_scaling_by_a_power_of_two_is_exact(sigma_x, sigma_y, sigma_r, power, channels):
    pixels = noisy(17, 21, channels)
    factor = np.float32(2.0**power)
    sigma_r = float(np.float32(sigma_r))
    scaled = run(pixels * factor, sigma_x, sigma_y, sigma_r * float(factor))
    assert np.array_equal(scaled, run(pixels, sigma_x, sigma_y, sigma_r) * factor)
    assert np.array_equal(run(-pixels, sigma_x, sigma_y, sigma_r), -run(pixels, sigma_x, sigma_y, sigma_r))


@given(numbers(0.01, 1000.0), numbers(-2000.0, 2000.0))
@settings(max_examples=25)
def test_equivariant_to_gain_and_offset(gain, offset):
    pixels = noisy(19, 23)
    moved = (gain * pixels.astype(np.float64) + offset).astype(np.float32)
    wanted = gain * run(pixels, 1.5, 1.5, 0.2).astype(np.float64) + offset
    # What float32 costs on the way in is not the filter's fault: half a step of the offset value.
    rounding = 4 * np.spacing(np.float32(abs(offset) + 2 * gain))
    assert np.abs(run(moved, 1.5, 1.5, 0.2 * gain) - wanted).max() <= 1e-5 * gain + rounding


def test_turning_the_picture_turns_the_result():
    pixels = noisy(20, 27)
    turned = run(np.ascontiguousarray(pixels.transpose(0, 2, 1)), 2.0, 0.8, 0.2)
    np.testing.assert_allclose(turned.transpose(0, 2, 1), run(pixels, 0.8, 2.0, 0.2), rtol=0, atol=1e-6)


def test_a_wider_margin_changes_nothing():
    pixels = noisy(22, 29, 3)
    assert np.array_equal(run(pixels, 1.5, 1.5, 0.2, extra=5), run(pixels, 1.5, 1.5, 0.2))


def test_results_lie_between_their_neighbours():
    pixels = noisy(30, 30)
    result = run(pixels, 8.0, 8.0, 2.0)
    assert pixels.min() <= result.min() <= result.max() <= pixels.max()


@pytest.mark.parametrize("sigma", [k / 2 for k in range(1, 17)])
def test_window_radius(sigma):
    assert radius(sigma) == math.ceil(2 * sigma)
    assert radius(float(np.float32(sigma * 1.000001 + 1e-9))) in (
        math.ceil(2 * sigma),
        math.ceil(2 * sigma) + 1,
    )
    assert radius(math.nextafter(sigma, 9)) == math.ceil(2 * sigma)
    assert radius(sigma + 0.01) == math.ceil(2 * sigma) + 1


@given(numbers(0.2, 8.0), numbers(0.2, 8.0), numbers(0.0, 1.0))
@settings(max_examples=300)
def test_no_mix_of_two_sigmas_looks_beyond_the_margin(base, other, share):
    """The kernel does not check bounds: a radius above the halo would read foreign memory."""
    p, q, m = np.float32(base), np.float32(other), np.float32(share)
    mixed = np.float32(p + m * (q - p))
    halo = METHOD.halo({"sigma_x": max(base, other), "sigma_y": 0.2, "sigma_r": 1.0})
    one = tile(
        np.zeros((1, 1, 1), np.float32), halo, sigma_x=np.full((1, 1), mixed), sigma_y=0.2, sigma_r=1.0
    )
    assert radii(_maps(one)[0]).max() <= halo


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("case", ["plain", "maps", "padding", "extreme", "thin"])
def test_the_torch_form_equals_the_numba_form(case, channels):
    height, width = (1, 30) if case == "thin" else (35, 44)
    pixels = noisy(height, width, channels, low=-1000, high=2000)
    sigmas = (1.5, 0.7, 300.0)
    valid = None
    if case == "maps":
        rng = np.random.default_rng(2)
        sigmas = tuple(
            rng.uniform(a, b, (height, width)).astype(np.float32) for a, b in ((0.2, 3), (0.2, 3), (9, 900))
        )
    elif case == "padding":
        valid = np.random.default_rng(3).random((height, width)) > 0.2
    elif case == "extreme":
        sigmas = (8.0, 0.2, 1.5)
    halo = METHOD.halo(
        {"sigma_x": float(np.max(sigmas[0])), "sigma_y": float(np.max(sigmas[1])), "sigma_r": 1.0}
    )
    one = tile(pixels, halo, valid, **dict(zip(("sigma_x", "sigma_y", "sigma_r"), sigmas, strict=True)))
    on_torch = bilateral_torch(one.pixels, halo, one.valid, *_maps(one), "cpu")
    on_cpu = METHOD.load()(one)
    keep = np.ones((height, width), bool) if valid is None else valid
    assert on_torch.dtype == np.float32
    assert on_torch.shape == on_cpu.shape
    assert np.abs(on_torch - on_cpu)[:, keep].max() <= 1e-5 * np.ptp(pixels)


def test_hundreds_of_calls_from_several_threads():
    pixels = noisy(48, 50, 3)
    apply = METHOD.load()
    one = tile(pixels, 3, sigma_x=1.5, sigma_y=1.5, sigma_r=0.2)
    wanted = apply(one)
    wrong = []

    def work():
        wrong.extend(k for k in range(50) if not np.array_equal(apply(one), wanted))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
