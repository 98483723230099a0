"""`dark-frames` and `simulate` on raw files of a made-up camera."""

import json
from pathlib import Path

import numpy as np
import pytest
from raw_files import write_raw

ROW, READ, LEVEL = 1.0, 4.0, 2.0


def dark(random: np.random.Generator, scale: float = 1.0) -> np.ndarray:
    values = random.normal(512 + LEVEL, READ * scale, (128, 160))
    return np.rint(values + random.normal(0, ROW * scale, (128, 1)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten dark frames at each of two ISOs."""
    place, random = tmp_path / "dark", np.random.default_rng(1)
    place.mkdir()
    for iso, scale in ((800, 1.0), (1600, 2.0)):
        for number in range(10):
            write_raw(place / f"{iso}-{number}.dng", dark(random, scale), iso)
    return place


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Half dark, half bright."""
    values = np.full((128, 160), 600)
    values[:, 80:] = 4512
    return write_raw(tmp_path / "scene.dng", values, 100)


def test_profile_of_a_folder(run, folder: Path, tmp_path: Path):
    found = json.loads(run("dark-frames", folder, "-o", tmp_path / "p.npz", "--json").done())
    assert found["camera"] == "Studio Synthetic One"
    assert (found["width"], found["height"]) == (160, 128)
    for setting, scale in zip(found["settings"], (1, 2), strict=True):
        assert setting["frames"] == 10
        assert setting["row_sd"] == pytest.approx(ROW * scale, abs=4 * setting["row_sd_se"])
        assert setting["read_sd"] == pytest.approx(np.hypot(READ, ROW) * scale, rel=0.02)
        assert all(
            value == pytest.approx(LEVEL, abs=0.2 * scale) for value in setting["black_error"].values()
        )
    assert found["left_out"] == []
    text = run("dark-frames", folder, "-o", tmp_path / "p.npz").done()
    assert "20 dark frames" in text
    assert len([line for line in text.splitlines() if line.strip().startswith(("800", "1600"))]) == 2


def test_bad_files_do_not_stop_the_rest(run, folder: Path, tmp_path: Path):
    (folder / "notes.txt").write_text("no picture")
    write_raw(folder / "bright.dng", dark(np.random.default_rng(3)) + 900, 800)
    write_raw(folder / "other.dng", dark(np.random.default_rng(3)), 800, model="Synthetic Two")
    outcome = run("dark-frames", folder, "-o", tmp_path / "p.npz", "--json")
    assert outcome.code == 0
    lines = outcome.err.splitlines()
    assert len(lines) == 3
    assert all(
        name in outcome.err for name in ("notes.txt", "bright.dng is not dark", "other.dng is of another")
    )
    found = json.loads(outcome.out)
    assert [setting["frames"] for setting in found["settings"]] == [10, 10]
    assert {entry["file"] for entry in found["left_out"]} == {"notes.txt", "bright.dng", "other.dng"}


def test_no_dark_frames(run, tmp_path: Path):
    (tmp_path / "none").mkdir()
    assert "holds no dark frames" in run("dark-frames", tmp_path / "none", "-o", tmp_path / "p.npz").failed()
    assert "is no folder" in run("dark-frames", tmp_path / "gone", "-o", tmp_path / "p.npz").failed()
    assert ".npz" in run("dark-frames", tmp_path / "none", "-o", tmp_path / "p.zip").misused()
    assert not (tmp_path / "p.npz").exists()


def test_simulated_gain_and_read_noise(run, scene: Path, tmp_path: Path):
    line = run("simulate", scene, "-o", tmp_path / "a.npy", "--gain", 2, "--read", 5).done()
    assert "K 2, s 5" in line
    found = np.load(tmp_path / "a.npy")
    for part, light in ((found[:, :80], 88), (found[:, 80:], 4000)):
        assert part.mean() == pytest.approx(512 + light, rel=0.005)
        assert part.var() == pytest.approx(2 * light + 25 + 1 / 12, rel=0.05)
    run("simulate", scene, "-o", tmp_path / "b.npy", "--gain", 2, "--read", 5).done()
    assert np.array_equal(np.load(tmp_path / "b.npy"), found)


def test_simulated_camera_in_less_light(run, scene: Path, tmp_path: Path):
    words = ("--camera", "SonyA7S2-PMN", "--iso", 6400, "--exposure-ratio", 10)
    assert "ISO 6400, K 6.12" in run("simulate", scene, "-o", tmp_path / "a.npy", *words).done()
    found = np.load(tmp_path / "a.npy")[:, 80:]
    assert found.mean() == pytest.approx(512 + 400, rel=0.01)
    # PNNP's table of this camera: K 6.120, Gaussian read noise 7.116 DN, row noise 0.722 DN.
    assert found.var() == pytest.approx(6.120 * 400 + 7.116**2 + 0.722**2, rel=0.05)


def test_simulated_from_dark_frames(run, folder: Path, tmp_path: Path):
    run("dark-frames", folder, "-o", tmp_path / "p.npz").done()
    scene = write_raw(tmp_path / "scene.dng", np.full((128, 160), 552), 1600)
    words = ("--dark-profile", tmp_path / "p.npz", "--gain", 1.5)
    assert (
        "dark frames of Studio Synthetic One"
        in run("simulate", scene, "-o", tmp_path / "a.npy", *words).done()
    )
    found = np.load(tmp_path / "a.npy")
    assert found.mean() == pytest.approx(552 + LEVEL, abs=0.8)
    assert found.var() == pytest.approx(1.5 * 40 + 4 * (READ**2 + ROW**2), rel=0.06)


def test_source_with_noise_of_its_own(run, scene: Path, tmp_path: Path):
    words = ("--gain", 2, "--read", 5, "--source-gain", 3, "--source-read", 1)
    assert "noise can only be added" in run("simulate", scene, "-o", tmp_path / "a.npy", *words).failed()
    assert not (tmp_path / "a.npy").exists()


def test_misused(run, scene: Path, tmp_path: Path):
    def asked(*words: object) -> str:
        return run("simulate", scene, "-o", tmp_path / "a.npy", *words).misused()

    assert "one way" in asked("--gain", 2)
    assert "one way" in asked("--camera", "IMX385", "--iso", 1600, "--read", 3)
    assert "--iso or --gain" in asked("--camera", "IMX385")
    assert "--gain is needed" in asked("--read", 3)
    assert "go together" in asked("--gain", 2, "--read", 3, "--source-gain", 1)


def test_failures_are_one_sentence(run, scene: Path, npy: Path, tmp_path: Path):
    told = ("--gain", 2, "--read", 5)
    assert "not what a camera's sensor saw" in run("simulate", npy, "-o", tmp_path / "a.npy", *told).failed()
    before = scene.read_bytes()
    run("simulate", scene, "-o", scene, *told).failed()
    assert scene.read_bytes() == before
    assert (
        "no camera preset"
        in run("simulate", scene, "-o", tmp_path / "a.npy", "--camera", "Leica", "--iso", 100).failed()
    )
    assert (
        "no dark profile"
        in run("simulate", scene, "-o", tmp_path / "a.npy", "--dark-profile", npy, "--gain", 1).failed()
    )
