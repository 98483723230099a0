"""From files with the lens cap on to a profile that a method takes."""

from pathlib import Path

import numpy as np
import pytest
from raw_builders import raw
from raw_files import write_raw

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import all_denoisers, get_denoiser
from denoise_studio.engine.dark_frames import (
    SUFFIX,
    dark_parameter,
    files_in,
    measure,
    problem,
    save,
    with_profile,
)
from denoise_studio.engine.sensor import sensor_noise
from denoise_studio.engine.simulating import Way, Wish, dark_settings, load_dark_profile, plan, simulated
from denoise_studio.formats import open_picture

SIDE = 128


def write_dark(folder: Path, iso: int = 800, count: int = 10, scale: float = 1.0) -> Path:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(iso)
    for number in range(count):
        values = random.normal(514, 4 * scale, (SIDE, SIDE)) + random.normal(0, scale, (SIDE, 1))
        write_raw(folder / f"{iso}-{number}.dng", np.rint(values), iso)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dark(write_dark(tmp_path / "dark"), 1600, 4, 2.0)


def test_a_folder_becomes_a_profile_and_others_are_named(folder):
    (folder / "notes.txt").write_text("no picture")
    (folder / "old.npz").write_bytes(b"kept beside the frames")
    (folder / ".hidden").write_text("")
    assert len(files_in(folder)) == 15
    found = measure([folder], Progress())
    assert found.profile.isos == (800.0, 1600.0)
    assert [setting.frames for setting in found.profile.settings] == [10, 4]
    assert len(found.left_out) == 1
    assert "notes.txt" in found.left_out[0]
    assert found.profile.at(800).read_sd == pytest.approx(np.hypot(4, 1), rel=0.05)


def test_nothing_to_measure(tmp_path):
    (tmp_path / "a.txt").write_text("no picture")
    with pytest.raises(StudioError, match=r"no dark frames among these files\. a\.txt"):
        measure([tmp_path], Progress())
    with pytest.raises(StudioError, match="no dark frames"):
        measure([], Progress())
    with pytest.raises(StudioError, match="Cannot read"):
        files_in(tmp_path / "gone")
    bright = write_raw(tmp_path / "bright.dng", np.full((SIDE, SIDE), 4000.0))
    with pytest.raises(StudioError, match="is not dark"):
        measure([bright], Progress())


def test_it_can_be_stopped(folder):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        measure([folder], progress)


def test_saved_read_and_given_to_a_method(folder, tmp_path):
    profile = measure([folder], Progress()).profile
    path = save(profile, tmp_path / "camera.one")
    assert path.name == f"camera.one{SUFFIX}"
    assert save(profile, path) == path
    assert load_dark_profile(path).isos == profile.isos
    taking = [one for one in all_denoisers() if dark_parameter(one) is not None]
    assert taking
    recipe = with_profile(Recipe(method=taking[0].id), taking[0], path)
    assert str(path) in recipe.parameters.values()
    assert with_profile(Recipe(method="identity"), get_denoiser("identity"), path) is None
    with pytest.raises(StudioError, match="Cannot write"):
        save(profile, tmp_path / "gone" / "p.npz")


def test_why_a_profile_does_not_suit_a_picture(folder, tmp_path):
    profile = measure([folder], Progress()).profile
    same = open_picture(write_raw(tmp_path / "same.dng", np.full((SIDE, SIDE), 900.0), 1600))
    far = open_picture(write_raw(tmp_path / "far.dng", np.full((SIDE, SIDE), 900.0), 51200))
    other = open_picture(write_raw(tmp_path / "other.dng", np.full((SIDE, SIDE), 900.0), 800, "Other"))
    assert problem(profile, same) == ""
    assert "too far from ISO 51200" in problem(profile, far)
    assert "Other" in problem(profile, other)
    assert problem(profile, raw(np.full((SIDE, SIDE), 900.0)))


def test_a_simulation_with_dark_frames(folder, tmp_path):
    profile = measure([folder], Progress()).profile
    random = np.random.default_rng(2)
    light = np.kron(np.geomspace(50, 5000, 64).reshape(8, 8), np.ones((16, 16)))
    values = np.rint(random.poisson(light / 0.5) * 0.5 + 512 + random.normal(0, 2, light.shape))
    picture = open_picture(write_raw(tmp_path / "scene.dng", values, 400))
    own = sensor_noise(picture)
    settings = dark_settings(picture, profile)
    assert settings[0].iso >= 400
    assert 1600.0 in [setting.iso for setting in settings]
    setting = next(setting for setting in settings if setting.iso == 1600)
    assert setting.factor == 4
    wish = Wish(Way.DARK, setting, profile=profile)
    assert plan(picture, own, wish).noise.gain == pytest.approx(4 * own.gain)
    result = simulated(picture, own, wish, Progress())
    assert result.mosaic.iso == 1600
    assert result.mosaic.camera == picture.mosaic.camera
    assert (result.pixels - picture.pixels).mean() == pytest.approx(2, abs=1.5)
