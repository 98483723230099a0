"""`measure` without a reference: the estimated error of a saved result, from the record beside it."""

import json

import numpy as np
import pytest

import denoise_studio as ds
from denoise_studio.metrics import all_metrics

SIGMA = 0.06


@pytest.fixture
def saved(run, tmp_path):
    """Paths of a clean picture and of a denoised noisy one, with its record."""
    y, x = np.mgrid[0:160, 0:160] / 25.0
    clean = (0.5 + 0.3 * np.sin(x) * np.cos(y) + 0.2 * (x > y)).astype(np.float32)
    noise = np.random.default_rng(8).normal(0, SIGMA, clean.shape)
    np.save(tmp_path / "clean.npy", clean)
    np.save(tmp_path / "noisy.npy", (clean + noise).astype(np.float32))
    out = tmp_path / "out.npy"
    run("denoise", tmp_path / "noisy.npy", "-o", out, "--method", "bilateral", "--strength", "0.9").done()
    return tmp_path / "clean.npy", out


def test_the_estimate_is_near_the_truth_and_says_how_near(run, saved):
    clean, out = saved
    told = json.loads(run("measure", out, "--metric", "sure,residual", "--sigma", SIGMA, "--json").done())
    truth = float(((ds.open(out).pixels - ds.open(clean).pixels) ** 2).mean(dtype=np.float64))
    sure = told["sure"]
    assert sure["low"] < truth < sure["high"]
    assert sure["mse"] == pytest.approx(truth, rel=0.25)
    low, high = ds.open(out.with_name("noisy.npy")).nominal_range
    assert sure["value"] == pytest.approx(10 * np.log10((high - low) ** 2 / sure["mse"]), abs=1e-6)
    assert sure["unit"] == "dB"
    assert "nobody has" in sure["compares"]
    assert (sure["sigma_error"], sure["reliable"]) == (0.0, True)
    taken = ds.open(out.with_name("noisy.npy")).pixels - ds.open(out).pixels
    assert told["residual"]["value"] == pytest.approx(float(taken.std(dtype=np.float64)), rel=1e-4)
    assert told["residual"]["warning"] == ""


def test_text_tells_the_interval(run, saved):
    text = run("measure", saved[1], "--metric", "sure", "--sigma", SIGMA).done()
    assert "95 %" in text
    assert "of the freedom" in text
    assert "test against the clean picture" in text


def test_a_picture_without_a_record_is_said(run, saved):
    assert "has no record beside it" in run("measure", saved[0], "--metric", "sure").failed()


def test_sigma_without_anything_that_takes_it_is_misuse(run, saved):
    assert "--sigma is for sure and residual" in run("measure", *saved, "--sigma", "3").misused()


def test_nobody_gets_them_unasked(run, saved):
    found = json.loads(run("measure", saved[1], "--json").done())
    judged = {metric.name for metric in all_metrics() if "judge" in metric.options}
    assert judged == {"sure", "residual"}
    assert not judged & set(found)


def test_in_python_the_reason_is_given_too():
    picture = ds.Picture(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ds.StudioError, match="how the picture was made"):
        ds.measure(picture, metrics=["sure"])
