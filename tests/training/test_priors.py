"""Training, exporting and judging the priors of the information-estimation metric; fitting the others."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from denoise_studio.core.errors import StudioError

torch = pytest.importorskip("torch")

from denoise_studio.metrics.iem import gaussian, patches  # noqa: E402
from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape  # noqa: E402
from denoise_studio.metrics.iem.network import read_heavy  # noqa: E402
from denoise_studio.training import fit_priors  # noqa: E402
from denoise_studio.training.commands import program  # noqa: E402
from denoise_studio.training.evaluate import evaluate_prior  # noqa: E402


@pytest.fixture
def photographs(tmp_path):
    """A folder of pictures of bright and dark areas."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    y, x = np.mgrid[:200, :208] / 200
    for index in range(3):
        values = 60 + 60 * x[..., None] * (1, 0.7, 0.4) + 90 * (x + 0.3 * index * y > 0.6)[..., None]
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def slices(tmp_path, samples):
    """A folder with one CT slice."""
    folder = tmp_path / "slices"
    folder.mkdir()
    source = samples / "ct-phantom-clean.dcm"
    (folder / source.name).write_bytes(source.read_bytes())
    return folder


def invoke(*arguments):
    return CliRunner().invoke(program, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.parametrize("config", ["tiny-prior", "tiny-ct"])
def test_train_export_and_evaluate_a_prior(config, photographs, slices, tmp_path):
    run, weights = tmp_path / "run", tmp_path / "prior.safetensors"
    data = ("--data", photographs, *(("--data", slices) if config == "tiny-ct" else ()))
    test = slices if config == "tiny-ct" else photographs
    assert invoke("train", *data, "--config", config, "--run", run, "--steps", 2).exit_code == 0
    licences = ("--licence", "Drawn: CC0", *(("--licence", "Phantom: CC0") if config == "tiny-ct" else ()))
    made = invoke("export", "--run", run, "--config", config, *data, *licences, "--test", test, "-o", weights)
    sha256 = made.output.strip()
    network = read_heavy(weights, sha256)
    assert network.shape.channels == 1
    card = json.loads((tmp_path / "prior.json").read_text())
    assert (card["sha256"], card["steps"], card["config"]) == (sha256, 2, config)
    counts = [part["pictures"] for part in card["data"]]
    assert counts == ([3, 1] if config == "tiny-ct" else [3])
    levels = card["results_rmse"][test.name]
    assert list(levels) == ["0.25", "0.5", "1", "2", "4", "8", "16"]
    assert all(found["network"] > 0 and found["gaussian"] > 0 for found in levels.values())
    text = (tmp_path / "prior.md").read_text()
    assert sha256 in text
    assert "saying which of two pictures is better" in text
    assert f"| {test.name} | {levels['0.25']['network']:.4f} ({levels['0.25']['gaussian']:.4f})" in text
    again = json.loads(invoke("evaluate", weights, "--config", config, "--data", test).output)
    assert again == card["results_rmse"]


def test_the_error_of_a_prior_is_the_root_mean_square_of_what_it_misses():
    """A network that says nothing leaves the Wiener filter."""
    network = HeavyNoiseNetwork(
        HeavyShape(1, widths=(8, 16), blocks=(1, 1)), torch.Generator().manual_seed(0)
    )
    torch.nn.init.zeros_(network.estimate.weight)
    picture = np.full((1, 256, 260), 0.3, np.float32)
    found = evaluate_prior(network.eval(), [picture], "photographs", 2.0)
    clean = picture[None, :, :, :256]
    noisy = clean + np.float32(2.0) * np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    off = gaussian.load("photographs", 1).posterior_mean(noisy, np.full(1, 2.0)) - clean
    assert found["gaussian"] == pytest.approx(float(np.sqrt(np.mean(off**2))), rel=1e-4)
    assert found["network"] == pytest.approx(found["gaussian"], rel=1e-3)
    assert evaluate_prior(network, [picture, picture], "photographs", 2.0) != found


def test_fitted_priors_are_what_the_metric_reads(photographs, slices, tmp_path, monkeypatch):
    for name, value in (("_CROPS", 6), ("_PATCHES", 400), ("_COMPONENTS", 6), ("_ROUNDS", 2)):
        monkeypatch.setattr(fit_priors, name, value)
    out = tmp_path / "priors"
    result = invoke("fit-priors", "--data", photographs, "--data", slices, "-o", out)
    assert result.exit_code == 0
    for module in (gaussian, patches):
        monkeypatch.setattr(module, "resource", lambda *parts: out / parts[-1])
    for kind, channels in (("photographs", 1), ("photographs", 3), ("ct", 1)):
        spectrum = gaussian.load.__wrapped__(kind, channels).spectrum(32, 32)
        assert spectrum.shape == (channels, 32, 17)
        assert (spectrum[:, 0, 1] > spectrum[:, 0, 16]).all()  # pictures are coarse
        for mixture in patches.load.__wrapped__(kind, channels).mixtures:
            assert float(mixture.weights.sum()) == pytest.approx(1.0, abs=1e-3)
            assert (mixture.variances > 0).all()


def test_a_fit_recovers_a_known_spectrum_and_mixture(tmp_path, monkeypatch):
    """White noise of variance 0.2: a flat spectrum of that height."""

    def draw(random):
        return random.normal(0.1, np.sqrt(0.2), (192, 192, 1)).astype(np.float32)

    for name, value in (("_CROPS", 12), ("_PATCHES", 3000), ("_COMPONENTS", 6), ("_ROUNDS", 2)):
        monkeypatch.setattr(fit_priors, name, value)
    fit_priors.fit_priors({"photographs-1": draw}, tmp_path)
    found = json.loads((tmp_path / "gaussian.json").read_text())["classes"]["photographs-1"]
    assert found["mean"][0] == pytest.approx(0.1, abs=0.01)
    assert np.array(found["powers"][0][8:]) == pytest.approx(0.2, rel=0.1)


def test_what_is_wrong_is_said_in_a_sentence(photographs, tmp_path):
    with pytest.raises(StudioError, match="no pictures in HU"):
        invoke("fit-priors", "--data", photographs, "-o", tmp_path / "priors")
    with pytest.raises(StudioError, match="no pictures in HU"):
        invoke("train", "--data", photographs, "--config", "tiny-ct", "--run", tmp_path / "r", "--steps", 1)
