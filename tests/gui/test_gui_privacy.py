"""Nothing outside the picture's own window says whose picture it is."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from driving import CT, small_photo
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QFileDialog

from denoise_studio.formats import SaveOptions
from denoise_studio.gui.dialogs import PreferencesDialog
from denoise_studio.gui.export_dialog import ExportDialog

PATIENT, FILE = "Wunderlich", "Zauberlich"
"""Of the header, and of the file's name: neither can be there by accident."""


@pytest.fixture
def scan(tmp_path):
    folder = tmp_path / FILE
    folder.mkdir()
    data = pydicom.dcmread(CT)
    side = 64
    data.PixelData = np.ascontiguousarray(data.pixel_array[100 : 100 + side, 150 : 150 + side]).tobytes()
    data.Rows = data.Columns = side
    data.PatientName, data.PatientID, data.PatientComments = f"{PATIENT}^Kim", f"{PATIENT}-1", PATIENT
    data.StudyDescription = data.InstitutionName = PATIENT
    data.save_as(folder / f"{FILE}.dcm")
    return folder / f"{FILE}.dcm"


@pytest.fixture
def heard(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def named(text):
    return [word for word in (PATIENT, FILE) if word.lower() in str(text).lower()]


def texts_of(folder):
    return {
        path.name: path.read_bytes().decode("utf-8", "replace")
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def test_titles_settings_logs_and_recent_files_name_nobody(studio_window, scan, heard, tmp_path):
    studio = studio_window
    studio.open(scan)
    studio.choose_method("bilateral")
    studio.type_into(studio.row("sigma_x").spin, "2.2")
    studio.finish()
    studio.export(tmp_path / "out.dcm")
    studio.action("save-preset")
    studio.window.files.save_preset("soft")
    studio.window.set_theme("light")
    studio.window.files.fill_recent()
    assert not named(studio.window.windowTitle())
    assert not [w.windowTitle() for w in QApplication.topLevelWidgets() if named(w.windowTitle())]
    assert not named([action.text() + action.toolTip() for action in studio.window.recent_menu.actions()])
    for name, text in texts_of(tmp_path / "settings").items():
        assert not named(name + text), name
    assert not [record for record in heard.records if named(record.getMessage())]


def test_the_autosave_holds_a_path_and_nothing_of_the_header_and_goes(studio_window, scan, tmp_path):
    studio = studio_window
    studio.open(scan)
    studio.choose_method("bilateral")
    studio.finish()
    studio.window.autosave.save_now()
    (content,) = texts_of(tmp_path / "autosave").values()
    assert PATIENT not in content
    assert len(content) < 20_000
    assert FILE in json.loads(content)["pictures"][0]["path"]
    if os.name == "posix":
        assert (tmp_path / "autosave").stat().st_mode & 0o077 == 0
    studio.window.autosave.forget()
    assert not texts_of(tmp_path / "autosave")


def test_projects_of_scans_are_remembered_only_when_asked_for(studio_window, scan, tmp_path):
    studio = studio_window
    studio.open(scan)
    project = tmp_path / f"{FILE}.dstudio"
    studio.window.files.save_project(project)
    studio.files_done()
    assert project.is_file()
    assert not named(studio.window.settings.value.recent)
    studio.open(project)
    assert not named(studio.window.settings.value.recent)
    studio.window.settings.change(remember_medical=True)
    studio.open(project)
    assert named(studio.window.settings.value.recent) == [FILE]


def test_projects_of_photographs_are_remembered(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    studio.window.files.save_project(tmp_path / "holiday.dstudio")
    studio.files_done()
    assert "holiday" in studio.window.settings.value.recent[0]


def test_nothing_is_remembered_unless_asked_for(studio_window):
    dialog = PreferencesDialog(studio_window.window.settings, studio_window.window)
    assert not dialog.medical.isChecked()
    dialog.deleteLater()


def test_a_broken_scan_is_complained_of_without_its_header(studio_window, scan, heard):
    studio = studio_window
    content = scan.read_bytes()
    # The type of the patient's name and the length of an element behind it are damaged.
    place = content.index(b"\x10\x00\x10\x00PN")
    scan.write_bytes(content[: place + 4] + b"FD\x07\x00" + content[place + 8 :])
    studio.window.files.open([scan])
    studio.files_done()
    assert PATIENT not in "".join(dialog.text() for dialog in studio.dialogs())
    studio.complaint()
    assert not [record for record in heard.records if named(record.getMessage())]


def test_file_dialogs_leave_no_folder_behind(studio_window, scan):
    studio = studio_window
    studio.open(scan)
    studio.action("export").trigger()
    (dialog,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible()]
    dialog.setHistory([str(scan.parent)])
    dialog.reject()
    studio.until(lambda: not [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog)])
    home = Path(QSettings(QSettings.Scope.UserScope, "QtProject").fileName())
    assert Path.home() not in home.parents


def test_anonymised_through_the_export_dialog(studio_window, scan, tmp_path):
    studio = studio_window
    studio.open(scan)
    studio.choose_method("bilateral")
    studio.finish()
    studio.window.files._ask_options(studio.document, tmp_path / "IM0001.dcm")
    (dialog,) = studio.window.findChildren(ExportDialog)
    dialog.anonymise.click()
    assert dialog.telling.isHidden()
    dialog.accept()
    studio.files_done()
    for name in ("IM0001.dcm", "IM0001.dcm.recipe.json"):
        assert not named((tmp_path / name).read_bytes().decode("latin-1")), name
    out = pydicom.dcmread(tmp_path / "IM0001.dcm")
    assert out.PatientIdentityRemoved == "YES"
    record = json.loads((tmp_path / "IM0001.dcm.recipe.json").read_text())
    assert record["input"] is None
    assert record["recipe"]["method"] == "bilateral"


def test_the_export_dialog_warns_of_a_telling_name_and_saves_names_unless_told(studio_window, scan, tmp_path):
    studio = studio_window
    studio.open(scan)
    studio.window.files._ask_options(studio.document, tmp_path / f"{FILE}-denoised.dcm")
    (dialog,) = studio.window.findChildren(ExportDialog)
    assert dialog.telling.isHidden()
    assert not dialog.options().anonymise
    dialog.anonymise.click()
    assert not dialog.telling.isHidden()
    dialog.anonymise.click()
    dialog.accept()
    studio.files_done()
    assert str(pydicom.dcmread(tmp_path / f"{FILE}-denoised.dcm").PatientName) == f"{PATIENT}^Kim"


def test_photographs_are_not_offered_what_does_not_work(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    studio.window.files._ask_options(studio.document, tmp_path / "b.png")
    (dialog,) = studio.window.findChildren(ExportDialog)
    assert (
        dialog.anonymise.parent() is None or dialog.anonymise.isHidden() or not dialog.anonymise.isVisible()
    )
    dialog.reject()
    studio.export(tmp_path / "c.png", SaveOptions(anonymise=True))
    assert "Only DICOM and NIfTI are anonymised" in studio.complaint()
    assert not (tmp_path / "c.png").exists()


def test_the_command_line_says_nothing_of_the_header(scan, tmp_path):
    """Standard output, standard error and every file but the derived one; crashes included."""
    broken, out = scan.with_name("broken.dcm"), tmp_path / "o.dcm"
    content = scan.read_bytes()
    broken.write_bytes(content[:900] + bytes(100) + content[1000:])
    for command in (["info", scan], ["denoise", scan, "-o", out], ["info", broken]):
        run = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-m", "denoise_studio", *map(str, command)],
            capture_output=True, check=False, env={**os.environ, "PYTHONWARNINGS": "default"},
        )  # fmt: skip
        assert PATIENT.encode() not in run.stdout + run.stderr, command
    assert PATIENT not in out.with_name("o.dcm.recipe.json").read_text()
    assert pydicom.dcmread(out).StudyDescription == PATIENT
