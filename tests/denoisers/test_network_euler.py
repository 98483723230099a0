"""The network's derivative: exact, and what Euler's identity says of a network that scales with its input."""

import numpy as np
import pytest
from builders import noisy

from denoise_studio.core.denoiser import Tile
from denoise_studio.denoisers.network import _NAMES, HALO, NETWORK, SHA256

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.network import derivative as module  # noqa: E402
from denoise_studio.denoisers.network import unet  # noqa: E402
from denoise_studio.denoisers.network.apply import run  # noqa: E402
from denoise_studio.denoisers.network.derivative import derivative  # noqa: E402
from denoise_studio.denoisers.network.model import Network, Shape  # noqa: E402
from denoise_studio.denoisers.network.weights import Weights, load_network  # noqa: E402

HEIGHT, WIDTH = 16, 24
INNER = (slice(None), slice(HALO, -HALO), slice(HALO, -HALO))


def shipped(channels):
    return load_network(Weights(_NAMES[channels], SHA256[channels]))


def drawn(channels):
    """Random weights, strong enough to change the picture."""
    made = Network(Shape(channels), torch.Generator().manual_seed(3)).eval().requires_grad_(False)
    made.residual.weight.mul_(20)
    return made


def in_float64(network):
    """The network's formula with every number in float64, as a function of torch tensors."""
    exact = Network(network.shape)
    exact.load_state_dict(network.state_dict())
    exact = exact.double().eval().requires_grad_(False)

    def f(x, sigma):
        folded, noise = (torch.nn.functional.pixel_unshuffle(array, 2) for array in (x, sigma))
        residual = exact.residual(exact.trunk(exact.first(folded) + exact.noise(noise)))
        bound = exact.bound(folded, noise)
        return x - torch.nn.functional.pixel_shuffle(bound * torch.tanh(residual / bound), 2)

    return f


def given(channels, height, width, seed=0):
    x = noisy(height, width, channels, seed)
    sigma = np.random.default_rng(seed + 1).uniform(0.03, 0.12, (height, width)).astype(np.float32)
    return x, sigma


def tile_of(pixels, sigma):
    return Tile(pixels, None, HALO, {"sigma": sigma}, 0.0, (0.0, 1.0))


@pytest.fixture(params=["shipped", "drawn"])
def either(request, monkeypatch):
    """A way to the derivative and the network that it is of."""

    def make(channels):
        network = (shipped if request.param == "shipped" else drawn)(channels)
        monkeypatch.setattr(module, "on_device", lambda weights, device: network)
        return network, lambda tile: derivative(tile, Weights(_NAMES[channels], SHA256[channels]))

    return make


@pytest.mark.parametrize("channels", [1, 3])
def test_euler_s_identity(either, channels):
    """f(a y, a s) = a f(y, s), so J_y y + J_s s = f(y, s)."""
    network, at = either(channels)
    y, sigma = given(channels, HEIGHT + 2 * HALO, WIDTH + 2 * HALO)
    f, level = in_float64(network), double(sigma)
    by_pixels = at(tile_of(y, sigma))(y)
    by_noise = slope(lambda h: f(double(y), (1 + h) * level))[INNER]
    result = run(network, y, sigma, "float32")[INNER]
    assert np.linalg.norm(by_noise) > 1e-3 * np.linalg.norm(result)
    assert np.linalg.norm(by_pixels + by_noise - result) < 1e-4 * np.linalg.norm(result)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(HEIGHT, WIDTH), (13, 21)])
def test_a_change_of_the_inner_part_against_differences_in_float64(
    either, channels, height, width, monkeypatch
):
    network, at = either(channels)
    outer = height + 2 * HALO, width + 2 * HALO
    x, sigma = away_from_kinks(network, channels, *outer, monkeypatch)
    v = np.zeros_like(x)
    v[INNER] = np.random.default_rng(2).standard_normal(v[INNER].shape)
    found = at(tile_of(x, sigma))(v)
    assert found.shape == (channels, height, width)
    assert_close(found, expected(network, x, sigma, v)[INNER])


def test_a_change_of_the_margin_too(either, monkeypatch):
    """As at a picture's edge, where the margin mirrors the inner part."""
    network, at = either(1)
    x, sigma = away_from_kinks(network, 1, HEIGHT + 2 * HALO, WIDTH + 2 * HALO, monkeypatch)
    v = np.random.default_rng(2).standard_normal(x.shape).astype(np.float32)
    assert_close(at(tile_of(x, sigma))(v), expected(network, x, sigma, v)[INNER])


def test_where_the_contrast_sets_the_bound(either, monkeypatch):
    """Little contrast beside the noise: then the bound itself changes with the pixels."""
    network, at = either(1)
    outer = HEIGHT + 2 * HALO, WIDTH + 2 * HALO
    x, _ = away_from_kinks(network, 1, *outer, monkeypatch, scale=0.1, sigma=0.3)
    v = np.zeros_like(x)
    v[INNER] = np.random.default_rng(2).standard_normal(v[INNER].shape)
    wanted = expected(network, x, np.full(x.shape[1:], 0.3, np.float32), v)[INNER]
    assert_close(at(tile_of(x, 0.3))(v), wanted)


def test_without_noise_everything_is_kept(either):
    _, at = either(1)
    x, _ = given(1, HEIGHT + 2 * HALO, WIDTH + 2 * HALO)
    v = np.ones_like(x)
    assert np.array_equal(at(tile_of(x, 0.0))(v), v[INNER])


def assert_close(found, wanted):
    """As near as float32 comes; one mask that is wrong would show."""
    assert np.linalg.norm(found - wanted) < 3e-5 * np.linalg.norm(wanted)


def away_from_kinks(network, channels, height, width, monkeypatch, scale=1.0, sigma=None):
    """A drawn input at which every ReLU does in float32 what it does in float64.

    One in millions may lie within rounding of 0, where there is no derivative; which one it is
    depends on the order in which a processor sums.
    """
    for seed in range(20):
        x, level = given(channels, height, width, seed)
        x, level = x * np.float32(scale), level if sigma is None else np.full(level.shape, sigma, np.float32)
        with monkeypatch.context() as patch:
            single, exact = (masks(network, x, level, kind, patch) for kind in (torch.float32, torch.float64))
        if all(bool((a == b).all()) for a, b in zip(single, exact, strict=True)):
            return x, level
    raise AssertionError("every input drawn lies at a kink")


def masks(network, x, sigma, kind, patch):
    """Which inputs of every ReLU are above 0."""
    seen = []
    relu = torch.nn.functional.relu

    def looking(h, inplace=False):
        seen.append(h > 0)
        return relu(h)

    patch.setattr(unet.functional, "relu", looking)
    twin = Network(network.shape)
    twin.load_state_dict(network.state_dict())
    twin = twin.to(kind).requires_grad_(False)
    pad = (0, -x.shape[2] % network.shape.multiple, 0, -x.shape[1] % network.shape.multiple)
    sides = (torch.nn.functional.pad(double(a), pad, mode="replicate").to(kind) for a in (x, sigma))
    folded, noise = (torch.nn.functional.pixel_unshuffle(a, 2) for a in sides)
    twin.trunk(twin.first(folded) + twin.noise(noise))
    patch.undo()
    return seen


def double(array):
    return torch.tensor(array).double().reshape(1, -1, *array.shape[-2:])


def slope(f, h=1e-7):
    """Of a function of one number at 0, in float64: so small a step meets hardly a kink."""
    return ((f(h) - f(-h)) / (2 * h))[0].numpy()


def expected(network, x, sigma, v):
    """By differences in float64; sides that are no multiples are repeated as `run` does."""
    height, width = x.shape[1:]
    pad = (0, -width % network.shape.multiple, 0, -height % network.shape.multiple)
    at, level, change = (torch.nn.functional.pad(double(a), pad, mode="replicate") for a in (x, sigma, v))
    f = in_float64(network)
    return slope(lambda h: f(at + h * change, level))[:, :height, :width]


def test_the_descriptor_offers_it(monkeypatch):
    x, sigma = away_from_kinks(shipped(3), 3, HEIGHT + 2 * HALO, WIDTH + 2 * HALO, monkeypatch)
    v = np.zeros_like(x)
    v[INNER] = 1
    found = NETWORK.load_derivative()(tile_of(x, sigma))(v)
    assert_close(found, expected(shipped(3), x, sigma, v)[INNER])
