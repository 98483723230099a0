"""Divergence and correlated divergence against the whole Jacobian and finite differences, float64."""

import numpy as np
import pytest
from builders import noisy
from test_bilateral_reference import SMALL, double, jacobian, looped, smooth_maps, some_valid, unfolded

from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.mirror import cut, fold, origins
from denoise_studio.denoisers.bilateral.risk import bilateral_risk
from denoise_studio.denoisers.bilateral.whole import bilateral, bilateral_divergence


def lopsided(radius, seed=4):
    """Correlations that no symmetry helps to get right, 1 in the middle."""
    rho = np.random.default_rng(seed).uniform(-0.5, 0.9, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
    rho[radius, radius] = 1
    return rho


def correlated(full, rho):
    """sum_j rho(i - j) J_ij for every channel, from the Jacobian `(C, H, W, C, H, W)`."""
    channels, height, width = full.shape[:3]
    radius = rho.shape[0] // 2
    result = np.zeros((channels, height, width))
    for y in range(height):
        for x in range(width):
            for j in range(max(0, y - radius), min(height, y + radius + 1)):
                for i in range(max(0, x - radius), min(width, x + radius + 1)):
                    share = float(rho[radius + y - j, radius + x - i])
                    result[:, y, x] += [share * full[c, y, x, c, j, i] for c in range(channels)]
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_jacobian_times_rho(shape, channels, window, masked):
    pixels, sigmas = noisy(*shape, channels), smooth_maps(*shape)
    valid = some_valid(*shape) if masked else None
    full = jacobian(pixels, sigmas, valid, window)
    wanted = unfolded(double(pixels), *map(double, sigmas), valid, window).numpy()
    for rho in (lopsided(0), lopsided(1), lopsided(3)):
        filtered, divergence = bilateral_divergence(pixels, *sigmas, rho=rho, valid=valid, window=window)
        assert filtered.dtype == divergence.dtype == np.float32
        keep = np.ones(shape, bool) if valid is None else valid
        np.testing.assert_allclose(filtered, wanted, rtol=0, atol=1e-6)
        np.testing.assert_allclose(divergence[:, keep], correlated(full, rho)[:, keep], rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_divergence_is_the_diagonal_of_the_jacobian(channels):
    pixels, sigmas = noisy(6, 7, channels), smooth_maps(6, 7, seed=1)
    full = jacobian(pixels, sigmas).reshape(channels * 42, channels * 42)
    _, divergence = bilateral_divergence(pixels, *sigmas)
    np.testing.assert_allclose(divergence.ravel(), np.diagonal(full), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(1, 2), (3, 3), (6, 8)])
def test_divergence_equals_finite_differences(shape):
    pixels, sigmas = noisy(*shape), smooth_maps(*shape, seed=2)
    _, divergence = bilateral_divergence(pixels, *sigmas)
    step = 1e-5
    for y in range(shape[0]):
        for x in range(shape[1]):
            up, down = pixels.astype(np.float64), pixels.astype(np.float64)
            up[0, y, x] += step
            down[0, y, x] -= step
            slope = (looped(up, sigmas) - looped(down, sigmas))[0, y, x] / (2 * step)
            assert divergence[0, y, x] == pytest.approx(slope, rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_any_tiling_gives_the_same_bits(channels, masked):
    height, width = 37, 45
    pixels, sigmas = noisy(height, width, channels), smooth_maps(height, width, seed=3)
    valid = some_valid(height, width) if masked else None
    rho = lopsided(2)
    whole = bilateral_divergence(pixels, *sigmas, rho=rho, valid=valid)
    plain = bilateral(pixels, *sigmas, valid=valid)
    source = pixels if valid is None else pixels * valid
    for top, bottom, left, right in (
        (0, 37, 0, 45),
        (5, 17, 3, 38),
        (0, 9, 30, 45),
        (20, 37, 0, 1),
        (8, 9, 9, 10),
    ):
        halo = 4 + top % 3
        rows, columns = origins(top - halo, bottom + halo, height), origins(left - halo, right + halo, width)
        mask = None if valid is None else cut(valid, rows, columns)
        part = [np.ascontiguousarray(s[top:bottom, left:right]) for s in sigmas]
        wide = cut(source, rows, columns)
        tile = bilateral_risk(wide, halo, mask, *part, rho=rho, rows=rows, columns=columns)
        area = np.s_[:, top:bottom, left:right]
        keep = np.broadcast_to(True if valid is None else valid, pixels.shape)[area]
        for piece, result in zip(
            (*tile, bilateral_cpu(wide, halo, mask, *part)), (*whole, plain), strict=True
        ):
            assert np.array_equal(piece[keep], result[area][keep])


def test_blocks_and_cores_change_no_bit():
    from concurrent.futures import ThreadPoolExecutor

    pixels, sigmas = noisy(150, 70), smooth_maps(150, 70)
    alone = bilateral_divergence(pixels, *sigmas, rho=lopsided(1))
    with ThreadPoolExecutor(3) as pool:
        together = bilateral_divergence(pixels, *sigmas, rho=lopsided(1), spread=pool.map)
        assert np.array_equal(bilateral(pixels, *sigmas), bilateral(pixels, *sigmas, spread=pool.map))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_one_sigma_equals_a_map_of_it():
    pixels = noisy(20, 30, 3)
    maps = [np.full((20, 30), value, np.float32) for value in (1.3, 0.8, 0.2)]
    for a, b in zip(
        bilateral_divergence(pixels, 1.3, 0.8, 0.2), bilateral_divergence(pixels, *maps), strict=True
    ):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 4096.0])
def test_tiny_and_strong_sigmas(scale):
    pixels = noisy(12, 13, low=-scale, high=scale)
    for spatial, contrast in ((0.2, 1e-3), (2.5, 1e-3), (2.5, 3.0), (0.2, 3.0)):
        sigmas = [np.full((12, 13), v, np.float32) for v in (spatial, spatial, contrast * scale)]
        full = jacobian(pixels, sigmas)
        _, divergence = bilateral_divergence(pixels, *sigmas, rho=lopsided(2))
        np.testing.assert_allclose(divergence, correlated(full, lopsided(2)), rtol=5e-5, atol=2e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -1024.0, 1e30])
def test_on_a_constant_it_is_the_weights_themselves(value):
    pixels = np.full((1, 9, 9), value, np.float32)
    filtered, divergence = bilateral_divergence(pixels, 1.5, 1.5, 0.1)
    assert np.array_equal(filtered, pixels)
    weights = sum(
        np.exp(-(x * x + y * y) / 4.5) for x in range(-3, 4) for y in range(-3, 4) if x * x + y * y <= 9
    )
    assert divergence[0, 4, 4] == pytest.approx(1 / weights, rel=1e-6)


def test_gain_and_offset_leave_the_divergence():
    pixels, rho = noisy(20, 21), lopsided(2)
    filtered, divergence = bilateral_divergence(pixels, 1.4, 0.9, 0.15, rho=rho)
    moved, same = bilateral_divergence(700 * pixels - 300, 1.4, 0.9, 0.15 * 700, rho=rho)
    np.testing.assert_allclose(moved, 700 * filtered - 300, rtol=0, atol=1e-5 * 700)
    np.testing.assert_allclose(same, divergence, rtol=0, atol=1e-3)


def test_padding_may_hold_anything():
    pixels, valid = noisy(15, 16), some_valid(15, 16)
    broken = np.where(valid, pixels, np.nan).astype(np.float32)
    filtered, divergence = bilateral_divergence(broken, 1.5, 1.5, 0.2, valid=valid)
    plain, same = bilateral_divergence(pixels, 1.5, 1.5, 0.2, valid=valid)
    assert np.array_equal(filtered[:, valid], plain[:, valid])
    assert np.isnan(filtered[:, ~valid]).all()
    assert np.array_equal(divergence, same)
    assert (divergence[:, ~valid] == 1).all()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("margin", [0, 1, 4, 9])
def test_origins_are_those_of_numpy(size, margin):
    assert np.array_equal(
        origins(-margin, size + margin, size), np.pad(np.arange(size), margin, mode="reflect")
    )


@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("margin", [0, 2, 7])
def test_folding_is_the_adjoint_of_cutting(shape, margin):
    rng = np.random.default_rng(6)
    height, width = shape
    rows, columns = origins(-margin, height + margin, height), origins(-margin, width + margin, width)
    inner, outer = rng.normal(size=(3, *shape)), rng.normal(size=(3, len(rows), len(columns)))
    folded = fold(outer.astype(np.float32), margin)
    assert folded.shape == (3, *shape)
    assert (cut(inner, rows, columns) * outer).sum() == pytest.approx(
        (inner * folded).sum(), rel=1e-5, abs=1e-5
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pixels": np.zeros((2, 4, 5), np.float32)}, "pixels must be"),
        ({"sigma_x": np.ones((5, 4), np.float32)}, "a sigma must be"),
        ({"sigma_y": 80.0}, "radius must be"),
        ({"window": 101}, "radius must be"),
        ({"valid": np.ones((4, 4), bool)}, "valid must be"),
        ({"guide": np.zeros((1, 4, 4), np.float32)}, "guide must be"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    arguments = {"pixels": np.zeros((1, 4, 5), np.float32), "sigma_x": 1.0, "sigma_y": 1.0, "sigma_r": 1.0}
    with pytest.raises(ValueError, match=words):
        bilateral(**{**arguments, **change})
