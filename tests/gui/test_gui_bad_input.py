"""Whatever is wrong with a file: one dialog, one clear sentence, and the program goes on."""

import os
from pathlib import Path

import numpy as np
import pytest
from driving import CT, small_floats, small_photo

from denoise_studio.core.parameter import Values
from denoise_studio.engine.record import read_record
from denoise_studio.formats import SaveOptions, files


def broken(folder: Path) -> dict[str, Path]:
    files = {
        name: folder / name
        for name in ("empty.png", "text.png", "cut.dcm", "nan.npy", "deep.npy", "none.npy")
    }
    files["empty.png"].write_bytes(b"")
    files["text.png"].write_text("no picture at all")
    files["cut.dcm"].write_bytes(CT.read_bytes()[:3000])
    np.save(files["nan.npy"], np.full((20, 20), np.nan, np.float32))
    np.save(files["deep.npy"], np.zeros((4, 5, 6, 7), np.float32))
    np.save(files["none.npy"], np.zeros((0, 9), np.float32))
    files["missing.tif"] = folder / "missing.tif"
    files["folder"] = folder
    project = folder / "broken.dstudio"
    project.write_text('{"format": "denoise-studio-project", "version": 99}')
    files["broken.dstudio"] = project
    return files


def one_sentence(text: str) -> None:
    assert text.strip()
    assert "\n" not in text
    assert text.endswith(".")
    for word in ("Traceback", "Errno", "object at 0x", "None"):
        assert word not in text


def test_a_file_that_cannot_be_opened_is_one_sentence(studio_window, tmp_path):
    for name, path in broken(tmp_path).items():
        studio_window.window.files.open([path])
        text = studio_window.complaint()
        one_sentence(text)
        if name != "folder":
            assert path.name in text
        assert studio_window.window.documents == []
        assert not studio_window.window.status.progress.isVisible()
    good = small_photo(tmp_path / "good.png")
    studio_window.open(good)  # and the program goes on
    assert studio_window.document.path == good


def test_one_bad_file_among_good_ones_stops_none_of_them(studio_window, tmp_path):
    files = broken(tmp_path)
    good = [small_photo(tmp_path / f"good{n}.png") for n in (1, 2)]
    studio_window.window.files.open([good[0], files["text.png"], files["empty.png"], good[1]])
    text = studio_window.complaint()
    assert text.count("\n\n") == 1  # two sentences, one dialog
    for sentence in text.split("\n\n"):
        one_sentence(sentence)
    assert [document.path for document in studio_window.window.documents] == good
    studio_window.finish()


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(studio, target: Path, watched: Path, options=None) -> str:
    before = everything(watched)
    studio.window.files.export(studio.document, target, options)
    text = studio.complaint()
    one_sentence(text)
    assert everything(watched) == before  # nothing overwritten, nothing half-written
    return text


@pytest.fixture
def photo(studio_window, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    studio_window.open(small_photo(folder / "photo.png"))
    return studio_window, folder


def test_the_source_is_never_overwritten(photo):
    studio, folder = photo
    assert "source" in refused(studio, folder / "photo.png", folder)
    link = folder / "other.png"
    link.hardlink_to(folder / "photo.png")
    refused(studio, link, folder)


def test_a_missing_folder_is_not_made(photo):
    studio, folder = photo
    refused(studio, folder / "new" / "out.png", folder)


def test_an_ending_that_nobody_knows(photo):
    studio, folder = photo
    text = refused(studio, folder / "out.xyz", folder)
    assert "out.xyz" in text
    assert ".tif" in text


def test_a_photograph_cannot_become_a_scan(photo):
    studio, folder = photo
    refused(studio, folder / "out.dcm", folder)


def test_a_target_that_is_a_folder(photo):
    studio, folder = photo
    (folder / "out.png").mkdir()
    refused(studio, folder / "out.png", folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(photo):
    studio, folder = photo
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    refused(studio, locked / "out.png", folder)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_not_even_root_can_write(photo):
    studio, folder = photo
    refused(studio, Path("/proc/self/out.png"), folder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(photo, monkeypatch):
    studio, folder = photo

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    text = refused(studio, folder / "out.png", folder)
    assert "no space left" in text.lower()


def test_a_recipe_that_does_not_fit_is_told_and_the_window_goes_on(photo):
    """A preset from a scan on a photograph, say: out of range, but not out of order."""
    studio, _ = photo
    recipe = studio.recipe.replace(parameters=Values({"sigma_r": 1e6}))
    studio.document.edit(recipe, "too much")
    studio.until(lambda: "sigma_r" in studio.window.status.under_cursor.text())
    studio.until(lambda: studio.after.state.text() == "not possible")
    studio.action("zoom-in").trigger()  # drawing anew must not promise that it is still being worked on
    studio.until(lambda: not studio._folding())
    assert studio.after.state.text() == "not possible"
    studio.window.regions_panel.add_box()  # shows the region's parameters: must survive too
    studio.until(lambda: studio.window.bridge.idle)
    while studio.action("undo").isEnabled():
        studio.action("undo").trigger()
    studio.finish()
    assert studio.after.state.text() == ""


def test_exporting_a_recipe_that_does_not_fit_writes_nothing(photo):
    studio, folder = photo
    studio.document.edit(studio.recipe.replace(parameters=Values({"sigma_r": 1e6})), "too much")
    assert "sigma_r" in refused(studio, folder / "out.png", folder)
    studio.action("undo").trigger()
    studio.finish()


def test_a_source_that_vanished_meanwhile_is_still_named_in_the_record(photo):
    """The picture is in memory and the file's checksum was taken when it was opened."""
    studio, folder = photo
    opened = files.file_sha256(folder / "photo.png")
    (folder / "photo.png").unlink()
    studio.export(folder / "out.png")
    assert not studio.dialogs()
    assert read_record(folder / "out.png.recipe.json").input.sha256 == opened


def test_project_and_preset_that_cannot_be_written(photo, tmp_path):
    studio, folder = photo
    before = everything(folder)
    studio.window.files.save_project(folder / "nowhere" / "p.dstudio")
    one_sentence(studio.complaint())
    studio.window.files.save_project(folder / "photo.png")
    one_sentence(studio.complaint())
    (tmp_path / "settings").mkdir(exist_ok=True)
    (tmp_path / "settings" / "presets").write_text("a file where the folder should be")
    studio.window.files.save_preset("mine")
    one_sentence(studio.complaint())
    studio.window.files.save_preset("   ")
    one_sentence(studio.complaint())
    assert everything(folder) == before


def test_values_that_the_file_cannot_hold_are_counted(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    values = np.load(tmp_path / "floats.npy")
    np.save(tmp_path / "wide.npy", values * 3 - 1)
    studio_window.open(tmp_path / "wide.npy")
    target = tmp_path / "out.png"
    studio_window.window.files.export(studio_window.document, target, SaveOptions(bits=8))
    studio_window.files_done()
    if studio_window.dialogs():
        one_sentence(studio_window.complaint())
        assert not target.exists()
    else:
        assert "clipped" in studio_window.window.status.under_cursor.text()
