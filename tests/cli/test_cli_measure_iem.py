"""`measure` with the information-estimation metric: what is printed, and what is said when it cannot be."""

import dataclasses
import json

import numpy as np
import pytest
from builders import noisy
from PIL import Image

import denoise_studio as ds
from denoise_studio.metrics.iem import priors


@pytest.fixture
def pair(tmp_path):
    """Paths of a picture of 8 bits and the same with noise."""
    random = np.random.default_rng(3)
    clean = 30 + 180 * noisy(48, 56)[0]
    for name, values in (("clean", clean), ("noisy", clean + random.normal(0, 12, clean.shape))):
        Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path / "noisy.png", tmp_path / "clean.png"


@pytest.mark.parametrize("prior", ["gaussian", "patch-gmm"])
def test_json(run, pair, prior):
    words = ("measure", *pair, "--metric", "iem,psnr,ssim", "--prior", prior, "--gamma", "0:1", "--json")
    found = json.loads(run(*words).done())
    assert list(found) == ["iem", "psnr", "ssim"]
    told = found["iem"]
    direct = ds.metrics.iem(*(ds.open(path) for path in pair), prior=prior, gamma=(0.0, 1.0))
    assert (told["value"], told["error"]) == (direct.value, direct.error)
    assert told["error"] == 0 if prior == "gaussian" else 0 < told["error"] < 0.2 * told["value"]
    assert (told["prior"], told["gamma"]) == (prior, [0.0, 1.0])
    assert told["unit"] == "1 / ([-1, 1] for 0 to 255)^2"
    assert "prior" not in found["psnr"]


def test_text_tells_value_error_prior_gamma_and_unit(run, pair):
    text = run("measure", *pair, "--metric", "iem,rmse", "--prior", "patch-gmm").done()
    line, other = text.splitlines()
    assert " ± " in line
    assert "(prior patch-gmm: photographs, grey; gamma 0 to 0.25, 1 / ([-1, 1] for 0 to 255)^2)" in line
    assert "prior" not in other


def test_ct_is_told_in_hu(run, samples):
    files = samples / "ct-phantom.dcm", samples / "ct-phantom-clean.dcm"
    told = json.loads(run("measure", *files, "--metric", "iem", "--prior", "gaussian", "--json").done())[
        "iem"
    ]
    assert (told["unit"], told["lowest_sigma"]) == ("1 / HU^2", pytest.approx(400))
    assert told["trained_on"] == "CT, grey"


def test_without_names_it_is_there(run, pair):
    found = json.loads(run("measure", *pair, "--prior", "gaussian", "--json").done())
    assert found["iem"]["value"] > 0
    assert "iem_square" not in found
    assert "640 x 640" in " ".join(run("measure", "--help").done().split())


def test_equal_pictures(run, pair):
    found = json.loads(
        run("measure", pair[0], pair[0], "--metric", "iem", "--prior", "gaussian", "--json").done()
    )
    assert (found["iem"]["value"], found["iem"]["error"]) == (0.0, 0.0)


def test_what_is_wrong_is_one_sentence(run, pair, samples, monkeypatch):
    assert "no prior 'foo'" in run("measure", *pair, "--prior", "foo").misused()
    assert "its lower end must come first" in run("measure", *pair, "--gamma", "1:0").misused()
    assert "is no range" in run("measure", *pair, "--gamma", "1").misused()
    line = run("measure", *pair, "--metric", "iem", "--prior", "gaussian", "--gamma", "-1:1").failed()
    assert "must rise from 0 or more" in line
    assert "name one" in run("measure", *pair, "--metric", "psnr", "--prior", "gaussian").failed()
    assert "needs a reference" in run("measure", pair[0], "--metric", "iem").failed()
    assert "not for f = square" in (
        run("measure", *pair, "--metric", "iem_square", "--prior", "gaussian").failed()
    )
    monkeypatch.setitem(priors.WEIGHTS, ("photographs", 1), ("prior-of-nobody", None))
    assert "another prior can be chosen" in run("measure", *pair, "--metric", "iem").failed()


def test_damaged_weights_are_one_sentence(run, pair, monkeypatch, tmp_path):
    def load(kind, channels, device):
        monkeypatch.setattr(priors, "resource", lambda *parts: tmp_path / parts[-1])
        return priors.PRIORS["network"].load(kind, channels, device)

    (tmp_path / "prior-grey.safetensors").write_bytes(b"no weights")
    monkeypatch.setitem(
        priors.PRIORS, "damaged", dataclasses.replace(priors.PRIORS["network"], name="damaged", load=load)
    )
    assert "weights" in run("measure", *pair, "--metric", "iem", "--prior", "damaged").failed()
