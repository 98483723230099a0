"""The network prior starts from the Gaussian prior's posterior mean and adds to it."""

import numpy as np
import pytest

from denoise_studio.metrics.iem import gaussian

torch = pytest.importorskip("torch")

from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape  # noqa: E402

SMALL = {"widths": (8, 16), "blocks": (1, 1)}
CLASSES = [("photographs", 1), ("photographs", 3), ("ct", 1)]


def network(kind, channels):
    shape = HeavyShape(channels, kind, **SMALL)
    return HeavyNoiseNetwork(shape, torch.Generator().manual_seed(0)).eval()


def field(prior, side, random):
    """A picture drawn from the Gaussian prior itself: white noise through the root of its spectrum."""
    white = random.standard_normal((len(prior.powers), side, side))
    spectrum = np.fft.rfft2(white) * np.sqrt(prior.spectrum(side, side))
    return np.fft.irfft2(spectrum, s=(side, side)) + np.asarray(prior.mean)[:, None, None]


@pytest.mark.parametrize(("kind", "channels"), CLASSES)
def test_without_a_network_it_is_the_wiener_filter(kind, channels):
    found = network(kind, channels)
    with torch.no_grad():
        found.estimate.weight.zero_()
    y = np.random.default_rng(1).standard_normal((2, channels, 64, 96)).astype(np.float32)
    sigma = np.array([0.3, 5.0], np.float32)
    with torch.inference_mode():
        ours = found(torch.from_numpy(y), torch.from_numpy(sigma)).numpy()
    wanted = gaussian.load(kind, channels).posterior_mean(y.astype(np.float64), sigma)
    assert ours == pytest.approx(wanted, abs=2e-5)


@pytest.mark.parametrize("sigma", [0.5, 2.0, 10.0])
def test_the_expected_error_is_that_of_pictures_of_the_spectrum(sigma):
    prior, random = gaussian.load("photographs", 1), np.random.default_rng(2)
    wiener = network("photographs", 1).wiener
    squares = []
    for _ in range(12):
        clean = field(prior, 64, random)
        noisy = clean + sigma * random.standard_normal(clean.shape)
        mean = wiener(torch.from_numpy(noisy[None]).float(), torch.tensor([sigma])).numpy()
        squares.append(((mean[0] - clean) ** 2).mean())
    told = float(wiener.expected(torch.tensor([sigma])))
    assert np.sqrt(np.mean(squares)) == pytest.approx(told, rel=0.15)


def test_what_is_written_holds_the_spectrum_too(tmp_path):
    from denoise_studio.metrics.iem.network import read_heavy
    from denoise_studio.training.export import write_weights

    first = network("ct", 1)
    with torch.no_grad():
        first.wiener.powers.mul_(2)  # not the spectrum that lies beside it
    write_weights(first, tmp_path / "prior.safetensors")
    again = read_heavy(tmp_path / "prior.safetensors")
    y, sigma = torch.randn(1, 1, 64, 64), torch.tensor([1.0])
    with torch.inference_mode():
        assert torch.equal(first(y, sigma), again(y, sigma))
