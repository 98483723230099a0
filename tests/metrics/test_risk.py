"""Stein's risk estimate against methods whose error and Jacobian are known exactly."""

import dataclasses
import json
import math

import numpy as np
import pytest

from denoise_studio.metrics.risk import FEWEST_PIXELS, curve, risk
from denoise_studio.metrics.stein import Noise, Part, Probe, Sums, sums
from denoise_studio.noise.coloured import coloured_noise

SIDE = 20
SD = 0.3


def kernel_of(near):
    """The correlation of noise whose neighbours share that much, a valid one."""
    kernel = np.zeros((13, 13), np.float32)
    kernel[6, 6] = 1.0
    kernel[6, 5] = kernel[6, 7] = kernel[5, 6] = kernel[7, 6] = near
    return kernel


def covariance(noise):
    """Σ as a matrix, from its definition."""
    _, height, width = noise.sd.shape
    row, column = (index.ravel() for index in np.mgrid[0:height, 0:width])
    down, across = row[:, None] - row, column[:, None] - column
    if noise.kernel is None:
        rho = (down == 0) & (across == 0)
    else:
        near = (abs(down) <= 6) & (abs(across) <= 6)
        rho = np.where(near, noise.kernel[np.clip(down, -6, 6) + 6, np.clip(across, -6, 6) + 6], 0.0)
    sd = noise.sd[0].ravel().astype(np.float64)
    return sd[:, None] * rho * sd


def blur_matrix(side=SIDE):
    """A symmetric smoothing that keeps the mean: (1, 2, 1) / 4 both ways, mirrored at the border."""
    line = (
        np.diag(np.full(side, 0.5))
        + np.diag(np.full(side - 1, 0.25), 1)
        + np.diag(np.full(side - 1, 0.25), -1)
    )
    line[0, 0] = line[-1, -1] = 0.75
    return np.kron(line, line)


def wave(side=SIDE):
    y, x = np.mgrid[0:side, 0:side]
    return (np.sin(x / 2.0) + np.cos(y / 3.0)).astype(np.float32)[None]


def part_of(before, after, noise, directions, answers, mix=1.0, inside=None):
    inside = np.ones(before.shape[1:], bool) if inside is None else inside
    probes = [Probe(np.float32(b), np.float32(a)) for b, a in zip(directions, answers, strict=True)]
    return Part(np.float32(before), np.float32(after), inside, mix, noise, probes)


def root_of(noise):
    sigma = covariance(noise)
    return np.linalg.cholesky(sigma + 1e-12 * np.eye(len(sigma)))


def linear_part(matrix, y, noise, seed, probes=1, root=None, **more):
    def apply(values):
        return (matrix @ values.reshape(-1)).reshape(values.shape)

    rng = np.random.default_rng(seed)
    root = root_of(noise) if root is None else root
    directions = [(root @ rng.standard_normal(len(matrix))).reshape(y.shape) for _ in range(probes)]
    return part_of(y, apply(y), noise, directions, [apply(b) for b in directions], **more)


def even(sd=SD, kernel=None, side=SIDE):
    return Noise(np.full((1, side, side), sd, np.float32), kernel)


def uneven(kernel=None):
    ramp = np.linspace(0.1, 0.5, SIDE, dtype=np.float32)
    return Noise(np.broadcast_to(ramp, (1, SIDE, SIDE)).copy(), kernel)


@pytest.mark.parametrize("near", [None, 0.2])
def test_times_is_the_covariance_matrix(near):
    noise = uneven(None if near is None else kernel_of(near))
    values = np.random.default_rng(0).standard_normal((1, SIDE, SIDE)).astype(np.float32)
    wanted = covariance(noise) @ values.ravel()
    np.testing.assert_allclose(noise.times(values).ravel(), wanted, rtol=1e-4, atol=1e-6)


def test_the_identity_keeps_all_noise():
    noise = uneven()
    y = wave()
    b = np.random.default_rng(1).standard_normal(y.shape) * noise.sd
    found = risk(sums(part_of(y, y, noise, [b], [b])), 0.0, 1.0)
    assert found.mse == pytest.approx(float((noise.sd**2).mean()), rel=1e-5)
    assert found.freedom == pytest.approx(1.0, rel=1e-6)
    assert found.parameters == pytest.approx(SIDE * SIDE, rel=1e-6)
    assert found.psnr == pytest.approx(found.input_psnr)
    # The loss itself is |n|², of variance 2 tr Σ²: the estimate does not vary, the truth does.
    wanted = math.sqrt(2 * float((noise.sd.astype(np.float64) ** 4).sum())) / y.size
    assert found.parts["noise"] == pytest.approx(wanted, rel=1e-4)
    assert found.parts["probes"] == pytest.approx(0.0, abs=1e-6)


def test_a_constant_keeps_none():
    y = wave()
    flat = np.full_like(y, 0.4)
    b = np.random.default_rng(1).standard_normal(y.shape) * SD
    found = risk(sums(part_of(y, flat, even(), [b], [0 * b])), 0.0, 1.0)
    assert found.freedom == 0.0
    assert found.mse == pytest.approx(float(((y - 0.4) ** 2).mean()) - SD**2, rel=1e-5)


@pytest.mark.parametrize("near", [None, 0.2])
def test_a_linear_method_without_bias_and_with_an_honest_spread(near):
    noise = uneven(None if near is None else kernel_of(near))
    matrix, x, sigma = blur_matrix(), wave().astype(np.float64), covariance(noise)
    root = root_of(noise)
    rng = np.random.default_rng(3)
    errors, variances, losses = [], [], []
    for seed in range(400):
        y = x + (root @ rng.standard_normal(len(sigma))).reshape(x.shape)
        total = sums(linear_part(matrix, y, noise, seed + 1, root=root))
        true = float(((matrix @ y.ravel() - x.ravel()) ** 2).sum())
        losses.append(total.loss)
        errors.append(total.loss - true)
        variances.append((total.chance, total.scatter))
    bias = (matrix - np.eye(len(matrix))) @ x.ravel()
    expected = bias @ bias + np.trace(matrix @ sigma @ matrix.T)
    assert np.mean(losses) == pytest.approx(expected, abs=4 * np.std(losses) / 20)
    assert np.mean(errors) == pytest.approx(0.0, abs=4 * np.std(errors) / 20)
    # J is symmetric, so the variance is that of Bellec and Zhang; the sd of a variance of 400 is 7 %.
    assert np.var(errors) == pytest.approx(np.sum(np.mean(variances, axis=0)), rel=0.25)


def test_the_trace_of_a_linear_method():
    noise = uneven(kernel_of(0.2))
    matrix = blur_matrix()
    total = sums(linear_part(matrix, wave(), noise, 5, probes=300))
    wanted = np.trace(covariance(noise) @ matrix)
    assert total.trace == pytest.approx(wanted, abs=4 * math.sqrt(total.scatter) / 2)
    assert total.trace == pytest.approx(wanted, rel=0.02)


def test_strength_needs_no_new_run():
    noise = even()
    matrix = blur_matrix()
    mix = np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32)
    y = wave() + np.random.default_rng(2).standard_normal((1, SIDE, SIDE)) * SD
    mixed = np.eye(len(matrix)) + mix.ravel()[:, None] * (matrix - np.eye(len(matrix)))
    one = sums(linear_part(matrix, y, noise, 7, mix=mix))
    other = sums(linear_part(mixed, y, noise, 7))
    for field in dataclasses.fields(Sums):
        assert getattr(one, field.name) == pytest.approx(getattr(other, field.name), rel=1e-4), field.name


def test_one_strength_everywhere_is_algebra():
    y = wave() + np.random.default_rng(2).standard_normal((1, SIDE, SIDE)) * SD
    part = linear_part(blur_matrix(), y, uneven(), 7)
    for strength in (0.0, 0.3, 1.0):
        one, other = sums(part).at(strength), sums(dataclasses.replace(part, mix=strength))
        for field in dataclasses.fields(Sums):
            wanted = pytest.approx(getattr(other, field.name), rel=1e-4, abs=1e-8)
            assert getattr(one, field.name) == wanted, field.name


def test_parts_add_up_and_what_is_outside_counts_nothing():
    noise = even()
    y = wave() + np.random.default_rng(2).standard_normal((1, SIDE, SIDE)).astype(np.float32) * SD
    whole = linear_part(blur_matrix(), y, noise, 7)
    left = np.zeros((SIDE, SIDE), bool)
    left[:, :7] = True
    halves = [sums(dataclasses.replace(whole, inside=side)) for side in (left, ~left)]
    total = halves[0] + halves[1]
    for field in dataclasses.fields(Sums):
        wanted = getattr(sums(whole), field.name)
        assert getattr(total, field.name) == pytest.approx(wanted, rel=1e-4), field.name
    spoilt = y.copy()
    spoilt[:, ~left] = 1e6
    assert sums(dataclasses.replace(whole, inside=left, before=spoilt)) == halves[0]


def test_the_curve_is_the_parabola_between_input_and_result():
    matrix = blur_matrix()
    y = wave() + np.random.default_rng(2).standard_normal((1, SIDE, SIDE)) * SD
    part = linear_part(matrix, y, even(), 7)
    found = curve(sums(part), 1.0)
    assert found.mse[0] == pytest.approx(SD**2, rel=1e-5)
    for strength, mse in zip(found.strengths, found.mse, strict=True):
        mixed = sums(dataclasses.replace(part, mix=float(strength)))
        assert mse == pytest.approx(mixed.loss / y.size, rel=1e-4)
    fine = np.linspace(0, 1, 1001)
    losses = [sums(dataclasses.replace(part, mix=float(s))).loss for s in fine]
    assert found.best == pytest.approx(fine[int(np.argmin(losses))], abs=2e-3)


def test_an_error_of_sigma_moves_the_risk_as_told():
    y = wave() + np.random.default_rng(2).standard_normal((1, SIDE, SIDE)) * SD
    step = 1e-3
    one, two = (sums(linear_part(blur_matrix(), y, even(SD * f), 7)) for f in (1.0, 1.0 + step))
    moved = abs(two.loss - one.loss) / y.size
    assert risk(one, step, 1.0).parts["sigma"] == pytest.approx(moved, rel=5e-3)


def test_an_end_without_a_bound_is_said():
    b = np.random.default_rng(1).standard_normal((1, SIDE, SIDE)) * SD
    y = wave()
    total = sums(part_of(y + np.float32(SD), y, even(), [b], [0.05 * b]))
    found = risk(total, 0.2, 255.0)
    assert found.low <= 0 < found.mse
    assert found.psnr_high == math.inf
    assert found.psnr_low < found.psnr
    told = found.describe()
    assert told["psnr_high"] is None
    json.dumps(told, allow_nan=False)


def test_what_cannot_be_relied_on_is_said():
    side = 40
    b = np.random.default_rng(1).standard_normal((1, side, side)) * SD
    y = wave(side)
    good = sums(part_of(y, y, even(side=side), [b], [b]))
    assert risk(good, 0.0, 1.0).reliable
    assert not risk(good, 0.0, 1.0, "For a reason.").reliable
    silent = sums(part_of(y, y, even(0.0, side=side), [0 * b], [0 * b]))
    assert "No noise" in risk(silent, 0.0, 1.0).why
    few = dataclasses.replace(good, pixels=FEWEST_PIXELS - 1)
    assert str(FEWEST_PIXELS) in risk(few, 0.0, 1.0).why
    perfect = sums(part_of(y, y, even(side=side), [b], [0 * b]))
    assert "smaller" in risk(perfect, 0.0, 1.0).why


def test_coloured_probes_have_the_noise_covariance():
    noise = even(kernel=kernel_of(0.2), side=200)
    b = coloured_noise(noise.kernel, noise.sd.shape, 4) * np.float32(SD)
    total = sums(part_of(wave(200), wave(200), noise, [b], [b]))
    assert total.direction == pytest.approx(total.variance, rel=0.03)
    assert total.noisy_direction == pytest.approx(total.squared, rel=0.06)


def test_an_unsure_correlation_moves_only_what_the_method_lets_through():
    y = wave()
    b = np.random.default_rng(1).standard_normal(y.shape) * SD
    for share in (0.0, 0.4, 1.0):
        total = sums(part_of(y, y, even(), [b], [share * b]))
        wanted = 2 * 0.1 * share * SD**2
        assert risk(total, 0.0, 1.0, kernel_error=0.1).parts["correlation"] == pytest.approx(wanted, rel=1e-5)
