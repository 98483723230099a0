"""`info`, `methods` and `measure`."""

import json
import math

import numpy as np
import pydicom
import pytest

import denoise_studio as ds


def test_info_of_the_ct_sample(run, samples):
    found = json.loads(run("info", samples / "ct-phantom.dcm", "--json").done())
    assert found["kind"] == "ct"
    assert (found["unit"], found["shape"]) == ("HU", [1, 512, 512])
    assert (found["dtype"], found["slope"], found["intercept"]) == ("int16", 1.0, -1024.0)
    assert found["windows"][0] == {"width": 400.0, "level": 40.0, "name": "Soft tissue"}
    assert found["spacing_mm"] == pytest.approx([0.703125, 0.703125])
    assert found["padding_pixels"] > 0
    assert found["default_method"] == "adaptive-bilateral"
    assert found["metadata"]["modality"] == "CT"
    text = run("info", samples / "ct-phantom.dcm").done()
    assert "W 400 L 40 Soft tissue" in text
    assert "512 x 512 px, grey" in text


def test_info_never_names_the_patient(run, samples, tmp_path):
    dataset = pydicom.dcmread(samples / "ct-phantom.dcm")
    dataset.PatientName, dataset.PatientID = "Secret^Sarah", "S-4711"
    dataset.PatientBirthDate, dataset.ReferringPhysicianName = "19500102", "Doktor^Oktopus"
    dataset.save_as(tmp_path / "p.dcm")
    text = run("info", tmp_path / "p.dcm").done() + run("info", tmp_path / "p.dcm", "--json").done()
    for word in ("Secret", "Sarah", "4711", "19500102", "Oktopus"):
        assert word not in text


def test_info_of_data_with_gaps(run, tmp_path):
    values = np.linspace(0, 1, 30, dtype=np.float64).reshape(5, 6)
    values[1, 2] = np.nan
    np.save(tmp_path / "a.npy", values)
    found = json.loads(run("info", tmp_path / "a.npy", "--json").done())
    assert (found["kind"], found["padding_pixels"], found["dtype"]) == ("data", 1, "float64")
    assert any("without a finite value" in note for note in found["notes"])
    assert "note" in run("info", tmp_path / "a.npy").done()


def test_methods(run):
    found = json.loads(run("methods", "--json").done())
    by_id = {method["id"]: method for method in found["methods"]}
    assert {"bilateral", "nlm", "identity"} <= set(by_id)
    sigma = next(p for p in by_id["bilateral"]["parameters"] if p["name"] == "sigma_r")
    assert sigma["relative_to_span"]
    assert sigma["scale"] == "log"
    assert found["default_methods"]["ct"] in by_id
    text = run("methods").done()
    assert "sigma_x (0.2 to 8 px; default 1.5)" in text
    assert "default for photo: bilateral" in text


@pytest.fixture
def pair(tmp_path):
    reference = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30) % 200
    np.save(tmp_path / "reference.npy", reference)
    np.save(tmp_path / "test.npy", reference + np.uint8(5))
    return tmp_path / "test.npy", tmp_path / "reference.npy"


def test_measure_against_closed_forms(run, pair):
    found = json.loads(run("measure", *pair, "--json").done())
    assert list(found) == ["psnr", "ssim", "mean_difference", "rmse", "max_difference", "iem"]
    assert found["psnr"]["value"] == pytest.approx(20 * math.log10(255 / 5))
    assert (found["psnr"]["unit"], found["psnr"]["compares"]) == ("dB", "test against reference")
    assert found["psnr"]["range"] == [0, 255]
    assert (
        found["mean_difference"]["value"] == found["rmse"]["value"] == found["max_difference"]["value"] == 5
    )
    text = run("measure", *pair).done()
    assert "psnr" in text
    assert "range 0 to 255, nominal range of the reference" in text


def test_measure_with_range_and_names(run, pair):
    found = json.loads(run("measure", *pair, "--metric", "rmse,psnr", "--range", "-100:400", "--json").done())
    assert list(found) == ["rmse", "psnr"]
    assert found["psnr"]["value"] == pytest.approx(40.0)
    assert (found["psnr"]["range"], found["psnr"]["range_from"]) == ([-100.0, 400.0], "given")


def test_measure_equal_pictures(run, pair):
    found = json.loads(run("measure", pair[0], pair[0], "--json").done())
    assert (found["psnr"]["value"], found["psnr"]["infinite"]) == (None, True)
    assert found["ssim"]["value"] == pytest.approx(1.0)
    assert "inf dB" in run("measure", pair[0], pair[0]).done()


def test_measure_one_picture(run, pair):
    found = json.loads(run("measure", pair[1], "--json").done())
    assert list(found) == ["mean", "sd", "minimum", "maximum", "noise_sd"]
    assert found["mean"]["value"] == pytest.approx(np.load(pair[1]).mean())
    assert found["mean"]["compares"] == "test alone"


def test_what_cannot_be_measured(run, pair, samples, tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((5, 5), np.uint8))
    assert "needs a reference" in run("measure", pair[0], "--metric", "psnr").failed()
    assert "no metric 'snr'" in run("measure", *pair, "--metric", "snr").misused()
    assert "30 x 20 grey against 5 x 5 grey" in run("measure", pair[0], tmp_path / "small.npy").failed()
    assert "its lower end must come first" in run("measure", *pair, "--range", "3:1").misused()
    assert "its lower end must come first" in run("measure", *pair, "--range", "nan:1").misused()
    assert "is no range such as" in run("measure", *pair, "--range", "5").misused()
    hu = ds.open(samples / "ct-phantom.dcm")
    np.save(tmp_path / "hu.npy", hu.pixels[0])
    line = run("measure", tmp_path / "hu.npy", samples / "ct-phantom.dcm").failed()
    assert "values without a unit against Hounsfield units" in line
