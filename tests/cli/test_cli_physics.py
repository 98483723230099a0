"""`measure` with the measures of medical physics: regions, curves, and what is said when there is none."""

import csv
import io
import json

import numpy as np
import pytest
from scipy.special import ndtr

SD = 12.0


@pytest.fixture
def field(tmp_path):
    """White noise of sd 12 around 100, and the same with a step of 60 in its right half."""
    values = 100 + np.random.default_rng(0).normal(0, SD, (128, 160))
    np.save(tmp_path / "flat.npy", values.astype(np.float32))
    values[:, 80:] += 60
    np.save(tmp_path / "step.npy", values.astype(np.float32))
    return tmp_path / "flat.npy", tmp_path / "step.npy"


def told(run, *words):
    return json.loads(run("measure", *words, "--json").done())


def test_a_region_and_the_contrast_of_two(run, field):
    _, step = field
    left, right = "box:5,5,70,120", "ellipse:120,64,30,50"
    found = told(run, step, "--metric", "region", "--region", right)["region"]
    assert found["value"] == pytest.approx(160, abs=1)
    assert found["sd"] == pytest.approx(SD, rel=0.05)
    assert found["pixels"] == pytest.approx(np.pi * 1500, rel=0.01)
    assert (found["area"], found["area_unit"]) == (found["pixels"], "px^2")
    assert list(found["percentiles"]) == ["5", "25", "50", "75", "95"]
    contrast = told(run, step, "--metric", "cnr", "--region", right, "--region", left)["cnr"]
    assert contrast["value"] == pytest.approx(60 / SD, rel=0.06)
    other = told(
        run, step, "--metric", "cnr", "--region", right, "--region", left, "--noise-of", "background"
    )["cnr"]
    assert other["noise_of"] == "background"
    text = run("measure", step, "--metric", "region", "--region", right).done()
    assert "sd " in text
    assert "px²" in text


def test_noise_power_and_its_curve(run, field, tmp_path):
    flat, _ = field
    out = tmp_path / "curve.csv"
    found = told(run, flat, "--metric", "nps", "--region", "box:0,0,160,128", "--curve", out)["nps"]
    assert (found["unit"], found["sd"]) == ("cycles/px", pytest.approx(SD, rel=0.03))
    assert found["value"] == pytest.approx(0.25, rel=0.05)
    rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert rows[0] == ["frequency (cycles/px)", "noise power (px²)"]
    assert len(rows) == 1 + len(found["curve"]["columns"][0])
    assert np.mean([float(power) for _, power in rows[1:]]) == pytest.approx(SD**2, rel=0.1)
    assert "squares of" in run("measure", flat, "--metric", "nps").done()


def test_sharpness_of_an_edge(run, tmp_path):
    y, x = np.mgrid[0:80, 0:80] + 0.5
    np.save(tmp_path / "edge.npy", (100 * ndtr((x - 40 + 0.2 * (y - 40)) / 1.3)).astype(np.float32))
    spread = 1.3 / np.hypot(1, 0.2)
    found = told(run, tmp_path / "edge.npy", "--metric", "ttf", "--region", "box:10,10,70,70")["ttf"]
    assert found["value"] == pytest.approx(np.sqrt(np.log(2) / 2) / (np.pi * spread), rel=0.02)
    assert found["f10"] == pytest.approx(np.sqrt(np.log(10) / 2) / (np.pi * spread), rel=0.02)
    assert (found["unit"], found["shape"]) == ("cycles/px", "edge")


def test_texture_and_means_against_the_picture_before(run, field, tmp_path):
    flat, _ = field
    values = np.load(flat)
    soft = 3.0 + sum(np.roll(values, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    np.save(tmp_path / "soft.npy", soft.astype(np.float32))
    where = "box:10,10,150,118"
    words = (tmp_path / "soft.npy", flat, "--metric", "texture,mean_shift", "--region", where)
    found = told(run, *words, "--limit", "1.5")
    assert found["texture"]["value"] < -20
    assert found["texture"]["sd_after"] == pytest.approx(SD / 3, rel=0.1)
    assert found["mean_shift"]["value"] == pytest.approx(3.0, abs=0.2)
    assert (found["mean_shift"]["flagged"], found["mean_shift"]["limit"]) == (1, 1.5)
    assert "⚑" in run("measure", *words, "--limit", "1.5").done()
    assert told(run, *words, "--limit", "4")["mean_shift"]["flagged"] == 0


@pytest.mark.parametrize(
    "shape", ["box:1,2,3", "box:a,b,c,d", "circle:1,2,3,4", "polygon:1,1,2,2", "ellipse:1,1,-3,2", "box", ""]
)
def test_shapes_that_are_none(run, field, shape):
    assert "--region" in run("measure", field[0], "--metric", "region", "--region", shape).misused()


def test_what_cannot_be_measured_is_one_line(run, field, tmp_path):
    flat, _ = field
    assert "two regions" in run("measure", flat, "--metric", "cnr").failed()
    assert "16 × 16 px" in run("measure", flat, "--metric", "nps", "--region", "box:1,1,9,9").failed()
    assert (
        "beside the picture"
        in run("measure", flat, "--metric", "region", "--region", "box:900,0,910,5").failed()
    )
    assert "reference" in run("measure", flat, "--metric", "texture").failed()
    assert "name one" in run("measure", flat, "--region", "box:1,1,9,9").failed()
    curve = run("measure", flat, "--metric", "noise_sd", "--curve", tmp_path / "c.csv")
    assert "nps or ttf" in curve.misused()
    gone = run("measure", flat, "--metric", "nps", "--curve", tmp_path / "no" / "c.csv")
    assert "does not exist" in gone.failed()
    assert "region" not in json.loads(run("measure", flat, "--json").done())
