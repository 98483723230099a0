"""Eigenpairs, trace and asymmetry of a Jacobian that is never written out, against matrices that are."""

import numpy as np
import pytest

from denoise_studio.core.errors import Cancelled
from denoise_studio.core.progress import Progress
from denoise_studio.metrics.jacobian import STEPS, Arnoldi, Differences, checked, measured, trace


def grown(matrix, steps, seed=0):
    found = Arnoldi(lambda v: matrix @ v, len(matrix), seed)
    for _ in range(steps):
        found.step()
    return found


def orthogonal(size, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


def wiener(size, noise):
    """A linear denoiser: the best one for a known circulant covariance. Its matrix and its shares."""
    frequency = np.minimum(np.arange(size), size - np.arange(size))
    spectrum = 4.0 / (1.0 + frequency**2)
    shares = spectrum / (spectrum + noise**2)
    fourier = np.fft.fft(np.eye(size), norm="ortho")
    return (fourier.conj().T @ np.diag(shares) @ fourier).real, np.sort(shares)[::-1]


def test_a_wiener_filter_keeps_lambda_over_lambda_plus_sigma_squared():
    matrix, shares = wiener(120, 0.5)
    found = grown(matrix, 110)
    patterns = found.patterns(9)
    assert [one.share for one in patterns] == pytest.approx(shares[:9], abs=1e-8)
    assert all(one.turn == 0 for one in patterns)
    mean = patterns[0].vector  # the only share that stands alone: the constant
    assert np.abs(mean) == pytest.approx(np.full(120, 120**-0.5), abs=1e-6)
    at = np.arange(120) * 2 * np.pi / 120  # the next two are waves of one period, in any phase
    waves = np.stack([np.cos(at), np.sin(at)]) / np.sqrt(60)
    for one in patterns[1:3]:
        assert np.linalg.norm(waves @ one.vector) == pytest.approx(1, abs=1e-5)


def test_all_shares_of_the_identity_are_one():
    found = Arnoldi(lambda v: v.copy(), 50)
    for _ in range(8):
        found.step()
    patterns = found.patterns(8)
    assert [one.share for one in patterns] == pytest.approx([1.0] * 8, abs=1e-12)
    together = np.stack([one.vector for one in patterns])
    assert np.linalg.svd(together)[1].min() > 0.1  # eight different ones, in no order
    known = trace(found)
    assert (known.value, known.asymmetry) == (pytest.approx(50, abs=1e-9), pytest.approx(0, abs=1e-12))
    assert known.error < 1e-9  # every direction tells the same of the identity


def test_nothing_is_left_of_anything_by_a_constant():
    found = Arnoldi(np.zeros_like, 30)
    for _ in range(5):
        found.step()
    assert [one.share for one in found.patterns(4)] == [0.0] * 4
    assert trace(found).value == trace(found).asymmetry == 0


def test_a_matrix_that_is_not_symmetric_against_lapack():
    rng = np.random.default_rng(3)
    values = 0.97 ** np.arange(60)
    basis = orthogonal(60) @ (np.eye(60) + 0.1 * np.triu(rng.standard_normal((60, 60)), 1))
    matrix = basis @ np.diag(values) @ np.linalg.inv(basis)
    found = grown(matrix, 60)
    assert found.is_complete
    found.step()  # does nothing
    patterns = found.patterns(10)
    assert [one.share for one in patterns] == pytest.approx(values[:10], abs=1e-6)
    for one in patterns:
        assert matrix @ one.vector == pytest.approx(one.share * one.vector, abs=1e-6)
    assert trace(found).value == pytest.approx(values.sum(), abs=1e-8)


def test_a_turn_comes_as_two_patterns_side_by_side():
    """A rotation by angle a, shrunk: eigenvalues 0.9 exp(±ia), in the plane of two known vectors."""
    axes = orthogonal(40)
    block = np.diag(np.linspace(0.8, 0.1, 40))
    angle = 0.2
    block[:2, :2] = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = axes @ block @ axes.T
    first, second, third = grown(matrix, 38).patterns(3)
    for one in (first, second):
        assert one.share == pytest.approx(0.9 * np.cos(angle), abs=1e-6)
        assert one.turn == pytest.approx(0.9 * np.sin(angle), abs=1e-6)
        assert np.linalg.norm(axes[:, :2].T @ one.vector) == pytest.approx(1, abs=1e-5)
    assert first.vector @ second.vector == pytest.approx(0, abs=1e-6)
    assert third.turn == 0
    assert third.share == pytest.approx(block[2, 2], abs=1e-4)


def test_the_residual_is_what_the_pair_misses():
    matrix, _ = wiener(200, 0.5)
    found = grown(matrix, 12)
    for one in found.patterns(6):
        missed = np.linalg.norm(matrix @ one.vector - one.share * one.vector)
        assert one.residual == pytest.approx(missed, rel=1e-6, abs=1e-12)


def test_a_check_knows_the_errors_of_the_products():
    matrix, _ = wiener(80, 0.5)
    one = grown(matrix, 70).patterns(1)[0]
    assert one.residual < 1e-6
    spoilt = checked(one, lambda v: 1.05 * (matrix @ v))
    assert spoilt.residual == pytest.approx(0.05 * one.share, rel=1e-5)
    assert spoilt.share == one.share


def test_more_steps_go_on_where_the_basis_ended():
    matrix, _ = wiener(90, 0.5)
    found = grown(matrix, 20)
    before = found.basis.copy()
    for _ in range(30):
        found.step()
    assert np.array_equal(found.basis[:20], before)
    straight = grown(matrix, 50)
    assert np.array_equal(found.basis, straight.basis)
    assert found.basis @ found.basis.T == pytest.approx(np.eye(50), abs=1e-10)


def test_the_trace_is_within_its_error():
    rng = np.random.default_rng(5)
    axes = orthogonal(300)
    matrix = axes @ np.diag(1 / (1 + np.arange(300) / 20)) @ axes.T + 0.002 * rng.standard_normal((300, 300))
    off = []
    for seed in range(40):
        found = trace(grown(matrix, 30), seed=seed)
        off.append((found.value - np.trace(matrix)) / found.error)
    assert abs(np.mean(off)) < 4 / np.sqrt(40)
    assert 0.6 < np.sqrt(np.mean(np.square(off))) < 1.8  # t with 7 degrees of freedom has sd 1.18


def test_the_asymmetry_is_about_that_of_the_matrix():
    rng = np.random.default_rng(6)
    symmetric = rng.standard_normal((200, 200))
    symmetric += symmetric.T
    for part in (0.0, 0.3, 1.0):
        skew = rng.standard_normal((200, 200))
        skew -= skew.T
        matrix = np.sqrt(1 - part**2) * symmetric + part * skew
        wanted = np.linalg.norm(matrix - matrix.T) / (2 * np.linalg.norm(matrix))
        found = np.mean([trace(grown(matrix, 5), seed=seed).asymmetry for seed in range(20)])
        assert found == pytest.approx(wanted, rel=0.08, abs=1e-9)


# Products by differences


def bend(x):
    return np.tanh(x) + 0.3 * x * np.roll(x, 1)


def bend_exact(x, v):
    return v / np.cosh(x) ** 2 + 0.3 * (v * np.roll(x, 1) + x * np.roll(v, 1))


def as_float32(function):
    return lambda x: function(x.astype(np.float32).astype(np.float64)).astype(np.float32).astype(np.float64)


def test_differences_of_a_linear_function_are_exact_and_of_any_length():
    matrix = np.random.default_rng(0).standard_normal((30, 30))
    product = Differences(lambda x: matrix @ x, np.ones(30), 0.01)
    for scale in (1e-6, 1.0, 1e4):
        v = scale * np.random.default_rng(1).standard_normal(30)
        assert product(v) == pytest.approx(matrix @ v, rel=1e-9, abs=1e-9 * scale)
    assert not product(np.zeros(30)).any()


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_the_measured_error_bounds_the_true_one(offset):
    """Float32 around a bent function: the step is as good as it says, on other directions too."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal(400)
    point = x + offset
    product = measured(as_float32(lambda y: bend(y - offset)), point, noise=0.5)
    assert product.step in [share * 0.5 for share in STEPS]
    assert 0 < product.error < 1e-2
    for direction in (rng.standard_normal(400), np.eye(400)[7], np.sin(np.arange(400) / 30)):
        exact = bend_exact(x, direction)
        off = np.linalg.norm(product(direction) - exact) / np.linalg.norm(exact)
        assert off < 3 * product.error + 1e-5


def test_rounding_asks_for_a_larger_step_than_kinks_do():
    rng = np.random.default_rng(4)
    point = rng.standard_normal(400)
    kinks = rng.standard_normal((40, 400))

    def kinked(x):
        return np.abs(x + 0.3 * np.sin(7 * x)) + np.maximum(kinks @ x, 0) @ kinks / 400

    def coarse(x):  # rounded as float32 rounds values of about a thousand
        return np.rint(np.tanh(x) / 1e-4) * 1e-4

    fine, rough = measured(kinked, point, 0.5), measured(coarse, point, 0.5)
    assert fine.step < rough.step


def test_cancelling_stops_between_runs():
    progress, runs = Progress(), []

    def function(x):
        runs.append(1)
        progress.cancel()
        return x

    with pytest.raises(Cancelled):
        measured(function, np.ones(5), 1.0, progress.check)
    assert len(runs) == 2
    with pytest.raises(Cancelled):
        trace(grown(np.eye(5), 2), progress.check)
