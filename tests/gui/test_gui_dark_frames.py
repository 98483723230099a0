"""Dark frames: measured while the window goes on, saved, and used for the picture shown."""

import dataclasses
import threading

import numpy as np
import pytest
from driving import inner, small_photo
from PySide6.QtWidgets import QFileDialog, QPushButton
from raw_files import write_raw

from denoise_studio.core.parameter import Parameter, ParameterKind
from denoise_studio.denoisers import get_denoiser, register, unregister
from denoise_studio.engine import dark_frames
from denoise_studio.engine.simulating import load_dark_profile
from denoise_studio.gui.dark_frames_dialog import DarkFramesDialog

SIDE = 128


@pytest.fixture
def folder(tmp_path):
    """Ten dark frames of ISO 800, three of ISO 1600, and a file that is none."""
    place, random = tmp_path / "dark", np.random.default_rng(1)
    place.mkdir()
    for iso, count, scale in ((800, 10, 1.0), (1600, 3, 2.0)):
        for number in range(count):
            values = random.normal(514, 4 * scale, (SIDE, SIDE)) + random.normal(0, scale, (SIDE, 1))
            write_raw(place / f"{iso}-{number}.dng", np.rint(values), iso)
    (place / "notes.txt").write_text("no picture")
    return place


@pytest.fixture
def taking():
    """A method that takes dark frames and does nothing with them."""
    parameter = Parameter(
        "frames", "Dark frames", "Taken off first.", "", ParameterKind.FILE, role="dark-profile"
    )
    denoiser = dataclasses.replace(
        get_denoiser("identity"), id="taking-test", name="Takes dark frames", parameters=(parameter,),
        load=lambda: inner, parallel_tiles=False,
    )  # fmt: skip
    register(denoiser)
    yield denoiser
    unregister("taking-test")


def dialog_of(studio):
    studio.action("dark-frames").trigger()
    return next(d for d in studio.window.findChildren(DarkFramesDialog) if d.isVisible())


def measured(studio, dialog, *paths):
    dialog.measure(list(paths))
    studio.until(lambda: dialog.measured is not None and not dialog.progress.isVisible())


def cells(dialog, row):
    return [dialog.table.item(row, column).text() for column in range(dialog.table.columnCount())]


def test_a_folder_is_measured_and_shown_by_iso(studio_window, folder):
    dialog = dialog_of(studio_window)
    assert not dialog.save.isEnabled()
    assert dialog.use.toolTip() == "Measure dark frames first"
    measured(studio_window, dialog, folder)
    assert dialog.table.rowCount() == 2
    first, second = cells(dialog, 0), cells(dialog, 1)
    assert first[:2] == ["800", "10"]
    assert second[:2] == ["1600", "3"]
    assert first[2].startswith(("+2.0", "+1.9"))
    assert "±" in first[2]
    assert float(first[3]) == pytest.approx(1.0, rel=0.3)
    assert float(first[5]) == pytest.approx(np.hypot(4, 1), rel=0.05)
    assert "G1 +" in dialog.table.item(0, 2).toolTip()
    words = dialog.words.text()
    assert "Studio Synthetic One, 128 × 128 pixels, 13 frames" in words
    assert "ISO 1600 has only 3" in words
    assert "1 left out: notes.txt" in words
    assert dialog.words.objectName() == "warning"
    assert dialog.save.isEnabled()
    dialog.reject()


def test_files_that_are_none_leave_what_was_there(studio_window, folder, tmp_path):
    dialog = dialog_of(studio_window)
    measured(studio_window, dialog, folder)
    dialog.measure([small_photo(tmp_path / "photo.png")])
    studio_window.until(lambda: "no dark frames" in dialog.words.text())
    assert not dialog.progress.isVisible()
    assert dialog.table.rowCount() == 2
    assert dialog.save.isEnabled()
    dialog.reject()


def test_it_can_be_stopped_and_closed_while_it_runs(studio_window, folder, monkeypatch):
    entered, gate = threading.Event(), threading.Event()

    def slow(paths, progress):
        entered.set()
        while not gate.wait(0.01):
            progress.report(0.5, "looking at a frame")
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr("denoise_studio.gui.dark_frames_dialog.measure", slow)
    dialog = dialog_of(studio_window)
    dialog.measure([folder])
    assert entered.wait(20)
    studio_window.until(lambda: dialog.progress.value() == 500)
    assert dialog.stop.isVisible()
    dialog.stop.click()
    assert not dialog.progress.isVisible()
    studio_window.files_done()
    entered.clear()
    dialog.measure([folder])
    assert entered.wait(20)
    dialog.reject()
    studio_window.files_done()
    assert not studio_window.dialogs()


def test_saved_and_used_for_the_picture_shown_as_one_step(taking, studio_window, folder, tmp_path):
    studio = studio_window
    studio.open(write_raw(tmp_path / "scene.dng", np.full((SIDE, SIDE), 900.0), 800), wait=False)
    studio.until(lambda: studio.window.documents)
    studio.choose_method("taking-test")
    studio.finish()
    dialog = dialog_of(studio)
    measured(studio, dialog, folder)
    assert not dialog.use.isEnabled()
    assert "Save the profile first" in dialog.use.toolTip()
    dialog.save.click()
    (chooser,) = dialog.findChildren(QFileDialog)
    assert chooser.selectedFiles()[0].endswith("Studio-Synthetic-One-dark.npz")
    chooser.reject()
    dialog.save_to(tmp_path / "profile")
    studio.until(lambda: dialog.saved is not None)
    assert dialog.saved == tmp_path / "profile.npz"
    assert load_dark_profile(dialog.saved).isos == (800.0, 1600.0)
    assert dialog.use.isEnabled(), dialog.use.toolTip()
    dialog.use.click()
    assert studio.recipe.parameters["frames"] == str(dialog.saved)
    studio.finish()
    studio.action("undo").trigger()
    assert "frames" not in studio.recipe.parameters
    dialog.reject()
    studio.finish()


def test_it_is_offered_only_where_it_fits(taking, studio_window, folder, tmp_path):
    studio = studio_window
    profile = dark_frames.measure([folder], dark_frames.Progress()).profile
    why_not = studio.window.raw_tools.why_not
    assert why_not(profile) == "No picture is open"
    studio.open(small_photo(tmp_path / "photo.png"))
    assert "takes no dark frames" in why_not(profile)
    other = write_raw(tmp_path / "other.dng", np.full((SIDE, SIDE), 900.0), 800, "Other")
    studio.open(other, wait=False)
    studio.until(lambda: len(studio.window.documents) == 2)
    studio.choose_method("taking-test")
    assert "Other" in why_not(profile)
    studio.finish()


def test_a_profile_that_cannot_be_written_says_so(studio_window, folder, tmp_path):
    dialog = dialog_of(studio_window)
    measured(studio_window, dialog, folder)
    dialog.save_to(tmp_path / "gone" / "profile.npz")
    studio_window.until(lambda: "Cannot write" in dialog.words.text())
    assert dialog.saved is None
    dialog.reject()


def test_choosing_has_the_right_dialogs_and_every_button_a_tip(studio_window):
    dialog = dialog_of(studio_window)
    dialog.files.click()
    dialog.folder.click()
    files, folder = dialog.findChildren(QFileDialog)
    assert files.fileMode() is QFileDialog.FileMode.ExistingFiles
    assert folder.fileMode() is QFileDialog.FileMode.Directory
    files.reject()
    folder.reject()
    own = [b for b in dialog.findChildren(QPushButton) if b.parent() is dialog]
    assert len(own) >= 6
    assert all(button.toolTip() for button in own)
    assert dialog.table.accessibleName()
    dialog.reject()
