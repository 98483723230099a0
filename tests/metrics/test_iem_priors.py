"""The priors against dense matrices and Bayes' rule, and what the shipped ones know."""

import hashlib
import itertools

import numpy as np
import pytest
from iem_pictures import photo, untrained
from scipy.stats import multivariate_normal

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Scale
from denoise_studio.core.resources import resource
from denoise_studio.formats import open_picture
from denoise_studio.metrics import iem
from denoise_studio.metrics.iem import gaussian, patches
from denoise_studio.metrics.iem.gaussian import GaussianPrior
from denoise_studio.metrics.iem.integrate import Integrator, Span
from denoise_studio.metrics.iem.patches import Mixture, PatchPrior
from denoise_studio.metrics.iem.priors import WEIGHTS, get_prior

__all__ = ["untrained"]

CLASSES = [("photographs", 1), ("photographs", 3), ("ct", 1)]
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def dense(prior, channels, height, width):
    """The covariance of all samples, `(C H W, C H W)`, summed up cosine by cosine."""
    down, across = np.meshgrid(range(height), range(width), indexing="ij")
    places = np.stack([down.ravel(), across.ravel()], axis=1)
    apart = places[:, None] - places
    blocks = []
    for power in prior.powers:
        block = np.zeros((height * width, height * width))
        for i, j in itertools.product(range(height), range(width)):
            f = np.array([min(i, height - i) / height, min(j, width - j) / width])
            height_of = np.interp(np.log(max(np.hypot(*f), prior.frequencies[0])),
                                  np.log(prior.frequencies), np.log(power))  # fmt: skip
            block += np.exp(height_of) * np.cos(2 * np.pi * (apart @ (np.array([i / height, j / width]))))
        blocks.append(block / (height * width))
    if channels == 1:
        return blocks[0]
    turned = np.kron(OPPONENT, np.eye(height * width))
    whole = np.zeros((channels * height * width,) * 2)
    for c, block in enumerate(blocks):
        part = slice(c * height * width, (c + 1) * height * width)
        whole[part, part] = block
    return turned.T @ whole @ turned


# The Gaussian prior


@pytest.mark.parametrize("size", [(6, 5), (4, 8), (7, 7)])
@pytest.mark.parametrize(("kind", "channels"), CLASSES)
def test_the_gaussian_prior_is_the_mahalanobis_distance(kind, channels, size):
    prior = gaussian.load(kind, channels)
    covariance = dense(prior, channels, *size)
    difference = np.random.default_rng(0).standard_normal((channels, *size))
    flat, eye = difference.ravel(), np.eye(difference.size)
    for low, high in ((0.0, 0.25), (0.0, 6.0), (0.1, 1.0)):
        exact = flat @ np.linalg.solve(covariance + eye / high, flat)
        if low:
            exact -= flat @ np.linalg.solve(covariance + eye / low, flat)
        assert prior.map(difference, high, low).sum() == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("kind", "channels"), CLASSES)
def test_the_wiener_filter_is_the_dense_one(kind, channels):
    prior = gaussian.load(kind, channels)
    covariance = dense(prior, channels, 6, 5)
    y = np.random.default_rng(1).standard_normal((2, channels, 6, 5))
    opponent = np.asarray(prior.mean)
    mean = np.repeat(opponent if channels == 1 else OPPONENT.T @ opponent, 30)
    for sigma in (0.3, 4.0):
        gain = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(len(covariance)))
        found = prior.posterior_mean(y, np.full(2, sigma))
        for one, noisy in zip(found, y, strict=True):
            np.testing.assert_allclose(one.ravel(), mean + gain @ (noisy.ravel() - mean), atol=1e-9)


@pytest.mark.parametrize(("kind", "channels"), CLASSES)
@pytest.mark.parametrize("highest", [0.25, 1.0, 10.0])
def test_the_integrator_gives_the_closed_form_without_knowing_it(kind, channels, highest):
    prior = gaussian.load(kind, channels)
    x1, x2 = np.random.default_rng(2).standard_normal((2, channels, 24, 20))
    integrator = Integrator(x1, x2, prior.posterior_mean, Span(1 / 900, highest))
    integrator.grow(15, 2)
    exact = float(np.sqrt(prior.map(x1 - x2, highest).sum()))
    assert integrator.result().value == pytest.approx(exact, rel=1e-4)
    coarse = Integrator(x1, x2, prior.posterior_mean, Span(1 / 900, highest))
    coarse.grow(3, 2)
    assert abs(coarse.result().value - exact) <= coarse.result().error


def test_a_white_spectrum_measures_the_euclidean_distance():
    prior = GaussianPrior(np.array([0.01, 0.7]), (np.array([0.3, 0.3]),), (0.0,))
    difference = np.random.default_rng(3).standard_normal((1, 16, 12))
    exact = (difference**2).sum() / (0.3 + 1 / 0.25)
    assert prior.map(difference, 0.25).sum() == pytest.approx(exact)


# The mixture of patches


def by_bayes(weights, means, covariances, y, sigma):
    """E[x | y] in two dimensions, both integrals sums over a fine grid of x."""
    axis = np.linspace(-6, 6, 601)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    prior = sum(
        w * multivariate_normal(m, c).pdf(x) for w, m, c in zip(weights, means, covariances, strict=True)
    )
    found = []
    for one in y:
        joint = prior * np.exp(-((x - one) ** 2).sum(axis=1) / 2 / sigma**2)
        found.append(joint @ x / joint.sum())
    return np.array(found)


def test_the_posterior_mean_of_a_mixture_is_bayes():
    weights, means = np.array([0.3, 0.7]), np.array([[0.0, 1.0], [1.0, -1.0]])
    covariances = np.array([[[1.0, 0.0], [0.0, 0.1]], [[1.0, 0.5], [0.5, 0.4]]])
    variances, bases = np.linalg.eigh(covariances)
    mixture = Mixture(weights, means, bases, variances)
    y = np.random.default_rng(4).normal(0, 1.5, (7, 2))
    for sigma in (0.3, 1.0, 3.0):
        expected = by_bayes(weights, means, covariances, y, sigma)
        np.testing.assert_allclose(mixture.posterior_mean(y, sigma), expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "channels"), CLASSES)
def test_the_shipped_mixtures_follow_bayes_rule(kind, channels):
    """Component by component with dense covariances, in double precision."""
    for mixture in patches.load(kind, channels).mixtures:
        assert float(mixture.weights.sum()) == pytest.approx(1.0, abs=1e-3)
        bases = mixture.bases.astype(float)
        covariances = np.einsum("kde,ke,kfe->kdf", bases, mixture.variances.astype(float), bases)
        y = np.random.default_rng(5).normal(0, 0.6, (5, 64)).astype(np.float32)
        for sigma in (0.3, 2.0):
            noisy = covariances + sigma**2 * np.eye(64)
            logs = np.array([
                np.log(w) + multivariate_normal(m, c).logpdf(y)
                for w, m, c in zip(mixture.weights.astype(float), mixture.means, noisy, strict=True)
            ])  # fmt: skip
            share = np.exp(logs - logs.max(axis=0))
            share /= share.sum(axis=0)
            expected = sum(
                s[:, None] * (m + (y - m) @ np.linalg.solve(n, c))
                for s, m, c, n in zip(share, mixture.means.astype(float), covariances, noisy, strict=True)
            )
            np.testing.assert_allclose(mixture.posterior_mean(y, sigma), expected, atol=2e-3)


def test_patches_lie_on_a_grid_that_the_draw_decides():
    prior = PatchPrior(patches.load("photographs", 1).mixtures)
    y = np.random.default_rng(6).standard_normal((3, 1, 40, 40)).astype(np.float32)
    y[:] = y[0]
    found = prior.posterior_mean(y, np.full(3, 1.0, np.float32), np.array([1, 1, 2]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    top, left = np.argwhere(found[0, 0] != y[0, 0])[0]
    assert max(top, left) < patches.SIDE
    patch = y[0, 0, top : top + 8, left : left + 8].reshape(1, 64)
    expected = prior.mixtures[0].posterior_mean(patch, 1.0).reshape(8, 8)
    np.testing.assert_allclose(found[0, 0, top : top + 8, left : left + 8], expected, atol=1e-5)


# The network


def test_a_network_s_answer_depends_on_picture_and_noise_alone(untrained, monkeypatch):
    from denoise_studio.metrics.iem import network

    prior = untrained("photographs", 1, "cpu")
    y = np.random.default_rng(7).standard_normal((4, 1, 32, 64)).astype(np.float32)
    sigma = np.array([0.3, 2.0, 2.0, 30.0], np.float32)
    together = prior.posterior_mean(y, sigma)
    assert (together.shape, together.dtype) == (y.shape, np.float32)
    monkeypatch.setattr(network, "_AT_ONCE", 1)
    np.testing.assert_allclose(together, prior.posterior_mean(y, sigma, np.arange(4)), atol=1e-5)
    assert prior.sigmas == (0.25, 40.0)


def test_an_unknown_device_is_said(tmp_path):
    torch = pytest.importorskip("torch")
    from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape
    from denoise_studio.metrics.iem.network import load
    from denoise_studio.training.export import write_weights

    shape = HeavyShape(1, widths=(8, 16), blocks=(1, 1))
    sha256 = write_weights(HeavyNoiseNetwork(shape, torch.Generator()), tmp_path / "a.safetensors")
    assert load(tmp_path / "a.safetensors", sha256).network.shape == shape
    with pytest.raises(StudioError, match="no device 'abacus'"):
        load(tmp_path / "a.safetensors", sha256, "abacus")
    with pytest.raises(StudioError, match="not those that were shipped"):
        load(tmp_path / "a.safetensors", "0" * 64)


# What the shipped priors know, on the bundled sample pictures


SAMPLES = {"photographs": "photo-clean.png", "ct": "ct-phantom-clean.dcm"}


def weights_file(kind, channels):
    return resource("weights", f"{WEIGHTS[kind, channels][0]}.safetensors")


def shipped(*about):
    missing = not weights_file(*about).exists()
    return pytest.param(*about, marks=pytest.mark.skipif(missing, reason="these weights are not there yet"))


def sample(samples, kind, channels):
    """Clean, in the prior's unit, `(C, 256, 256)`."""
    picture = open_picture(samples / SAMPLES[kind])
    pixels = picture.pixels[:, 60:316, 100:356]
    if picture.scale is Scale.HU:
        return pixels / 1000
    grey = np.array([0.299, 0.587, 0.114], np.float32)
    pixels = pixels if channels == 3 else np.tensordot(grey, pixels, 1)[None]
    return pixels / np.float32(127.5) - 1


@pytest.mark.parametrize(("kind", "channels"), CLASSES)
@pytest.mark.parametrize("name", ["gaussian", "patch-gmm"])
def test_the_analytic_priors_take_noise_away(samples, kind, channels, name):
    clean = sample(samples, kind, channels)
    prior = get_prior(name).load(kind, channels, "cpu")
    for sigma in (0.5, 2.0):
        noise = np.random.default_rng(8).standard_normal((1, *clean.shape), np.float32)
        found = prior.posterior_mean(clean + np.float32(sigma) * noise, np.full(1, sigma), np.zeros(1, int))
        inner = (..., slice(8, -8), slice(8, -8))
        assert np.mean((found - clean)[inner] ** 2) < 0.2 * sigma**2


@pytest.mark.parametrize(("kind", "channels"), [shipped(*about) for about in CLASSES])
def test_the_network_knows_more_than_a_spectrum(samples, kind, channels):
    clean = sample(samples, kind, channels)
    priors = [get_prior(name).load(kind, channels, "cpu") for name in ("network", "gaussian")]
    for sigma in (0.5, 2.0):
        noise = np.random.default_rng(8).standard_normal((4, *clean.shape), np.float32)
        errors = [
            np.mean((prior.posterior_mean(clean + np.float32(sigma) * noise, np.full(4, sigma)) - clean) ** 2)
            for prior in priors
        ]
        assert errors[0] < 0.95 * errors[1]


@pytest.mark.parametrize(("kind", "channels"), [shipped(*about) for about in CLASSES])
def test_the_weights_are_those_that_were_shipped(kind, channels):
    content = weights_file(kind, channels).read_bytes()
    assert hashlib.sha256(content).hexdigest() == WEIGHTS[kind, channels][1]


@pytest.mark.parametrize(("kind", "channels"), [shipped("photographs", 1), shipped("photographs", 3)])
def test_the_network_s_distance_rises_with_noise_and_blur(samples, kind, channels):
    from scipy.ndimage import gaussian_filter

    clean = 127.5 * (sample(samples, kind, channels)[:, :128, :128] + 1)
    noise = np.random.default_rng(9).standard_normal(clean.shape)
    series = (
        [clean + level * noise for level in (2, 5, 10, 20, 40)],
        [gaussian_filter(clean, (0, level, level)) for level in (0.5, 0.8, 1.2, 2.0, 4.0)],
    )
    reference = photo(128, 128, channels).derive(clean.astype(np.float32))
    for pictures in series:
        values = [iem(reference.derive(p.astype(np.float32)), reference).value for p in pictures]
        assert values == sorted(values)
        assert values[0] > 0
