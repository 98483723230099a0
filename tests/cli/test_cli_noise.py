"""`noise`: what is told about a picture's noise."""

import json

import numpy as np
import pytest
from PIL import Image

import denoise_studio as ds


@pytest.fixture
def grey(tmp_path):
    """A slope with white noise of sd 4."""
    noisy = np.linspace(20, 200, 160)[None] + np.random.default_rng(0).normal(0, 4, (160, 160))
    np.save(tmp_path / "a.npy", noisy.astype(np.float32))
    return tmp_path / "a.npy"


def test_json(run, grey):
    found = json.loads(run("noise", grey, "--json").done())
    assert found["model"] == "gaussian"
    assert found["correlated"] is False
    assert found["correlation"] == pytest.approx(0, abs=0.1)
    assert found["correlation_length"] == 1.0
    assert found["unit"] == ""
    channel = found["channels"]["grey"]
    assert channel["sigma"] == pytest.approx(4, rel=0.1)
    assert 0 <= channel["confidence"] <= 1
    assert len(channel["curve"]["intensity"]) == len(channel["curve"]["sigma"])


def test_colour_and_text(run, tmp_path):
    rng = np.random.default_rng(1)
    pixels = 120 + rng.normal(0, 1, (128, 128, 3)) * (3, 6, 12)
    Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(tmp_path / "c.png")
    found = json.loads(run("noise", tmp_path / "c.png", "--json").done())
    assert [found["channels"][name]["sigma"] for name in "RGB"] == pytest.approx([3, 6, 12], rel=0.12)
    text = run("noise", tmp_path / "c.png").done()
    assert "gaussian" in text
    assert "confidence" in text


def test_one_number_everywhere(run, grey):
    sigma = json.loads(run("noise", grey, "--json").done())["sigma"]
    assert json.loads(run("info", grey, "--json").done())["noise_sd"] == sigma
    measured = json.loads(run("measure", grey, "--json").done())["noise_sd"]
    assert measured["value"] == pytest.approx(sigma)


@pytest.mark.parametrize("name", ["sd.npy", "sd.tif"])
def test_map(run, grey, tmp_path, name):
    run("noise", grey, "--map", tmp_path / name).done()
    shown = ds.open(tmp_path / name)
    assert shown.pixels.shape == (1, 160, 160)
    assert np.median(shown.pixels) == pytest.approx(4, rel=0.1)


def test_bad_input_is_one_sentence(run, grey, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    run("noise", tmp_path / "broken.png").failed()
    run("noise", tmp_path / "missing.png").failed()
    assert "not as sd.png" in run("noise", grey, "--map", tmp_path / "sd.png").misused()
    assert "never overwritten" in run("noise", grey, "--map", grey).failed()
    assert not (tmp_path / "sd.png").exists()
