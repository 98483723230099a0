"""Camera raw on the command line: what a photographer types."""

import json

import numpy as np
import pytest
from raw_builders import BLACK, WHITE, exposed, patches
from raw_files import write_raw

from denoise_studio.formats import open_picture


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shots")
    return write_raw(folder / "shot.dng", exposed(patches(512, 512), 4.0, 9.0, 1), iso=3200)


def test_info_tells_camera_and_levels(run, shot):
    found = json.loads(run("info", shot, "--json").out)
    assert found["kind"] == "raw"
    assert found["default_method"] == "raw-network"
    assert found["metadata"]["iso"] == 3200
    assert found["metadata"]["mosaic"] == "RGGB"
    assert found["metadata"]["black_level"] == dict.fromkeys(("R", "G1", "G2", "B"), BLACK)
    assert "RGGB" in run("info", shot).out


def test_noise_prints_the_model_of_every_class(run, shot):
    found = json.loads(run("noise", shot, "--json").out)
    assert found["model"] == "poisson-gauss"
    assert found["iso"] == 3200
    assert found["stage"] == "fine"
    for name in ("R", "G1", "G2", "B"):
        channel = found["channels"][name]
        assert channel["K"] == pytest.approx(4.0, rel=0.1)
        assert channel["s"] == pytest.approx(9.0, rel=0.15)
        assert (channel["black"], channel["white"]) == (BLACK, WHITE)
        assert 0 <= channel["confidence"] <= 1
    coarse = json.loads(run("noise", shot, "--json", "--coarse").out)
    assert coarse["stage"] == "coarse"
    text = run("noise", shot).out
    assert "K 4" in text or "K 3.9" in text or "K 4." in text
    assert "black level" in text


def test_denoise_writes_a_dng_that_replays(run, shot, tmp_path):
    out = tmp_path / "out.dng"
    assert run("denoise", shot, "-o", out, "--set", "noise=0.9").code == 0
    before, after = open_picture(shot), open_picture(out)
    assert after.mosaic.name == "RGGB"
    assert after.pixels.std() > 0
    assert abs(after.pixels.mean() - before.pixels.mean()) < 3
    assert "equal" in run("replay", out).out


def test_developed_files_take_exposure(run, shot, tmp_path):
    for name, more in (("a.png", ()), ("b.png", ("--exposure", "1"))):
        assert run("denoise", shot, "-o", tmp_path / name, "--method", "identity", *more).code == 0
    dark, bright = (open_picture(tmp_path / name).pixels.mean() for name in ("a.png", "b.png"))
    assert bright > 1.1 * dark
    failed = run("denoise", shot, "-o", tmp_path / "c.jpg", "--develop", "linear")
    assert failed.code == 1
    assert "JPEG has too few steps" in failed.err


def test_other_methods_say_why_they_do_not_take_it(run, shot, tmp_path):
    failed = run("denoise", shot, "-o", tmp_path / "a.dng", "--method", "bilateral")
    assert failed.code == 1
    assert "one of three colours" in failed.err
    assert not (tmp_path / "a.dng").exists()


def test_batch_makes_dngs_of_raw_files(run, shot, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shot.dng").write_bytes(shot.read_bytes())
    (tmp_path / "in" / "broken.dng").write_bytes(shot.read_bytes()[:9000])
    result = run("batch", tmp_path / "in", "-o", tmp_path / "out", "--set", "estimate=coarse")
    assert result.code == 1
    assert open_picture(tmp_path / "out" / "shot.dng").mosaic is not None
    assert "broken.dng" in result.err


def test_all_white_says_so(run, tmp_path):
    white = write_raw(tmp_path / "white.dng", np.full((128, 128), WHITE))
    failed = run("denoise", white, "-o", tmp_path / "out.dng")
    assert failed.code == 1
    assert "clipped at white" in failed.err
