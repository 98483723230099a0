"""Simulating sensor noise: the dialog, the new picture, and what it is compared with."""

import re

import numpy as np
import pytest
from driving import choose, small_photo
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox
from raw_builders import exposed, patches
from raw_files import write_raw

from denoise_studio.core.progress import Progress
from denoise_studio.engine.dark_frames import measure, save
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.engine.simulating import Way
from denoise_studio.formats import open_picture
from denoise_studio.gui.pictures import project_of
from denoise_studio.gui.readings import Kind
from denoise_studio.gui.simulate_dialog import SimulateDialog

GAIN, READ = 1.0, 4.0


@pytest.fixture
def shot(studio_window, tmp_path):
    """A raw file of ISO 200, open, with a method that runs fast."""
    values = exposed(patches(256, 256, high=6000.0), GAIN, READ, 1)
    studio_window.open(write_raw(tmp_path / "shot.dng", values, 200), wait=False)
    studio_window.until(lambda: studio_window.window.documents)
    studio_window.choose_method("identity")
    studio_window.finish()
    return studio_window


def dialog_of(studio):
    studio.action("simulate").trigger()
    studio.until(lambda: any(d.isVisible() for d in studio.window.findChildren(SimulateDialog)))
    return next(d for d in studio.window.findChildren(SimulateDialog) if d.isVisible())


def pick(dialog, way, label=""):
    rows = [
        row
        for row in range(dialog.sensor.count())
        if dialog.sensor.itemData(row)[0] == way and label in dialog.sensor.itemText(row)
    ]
    choose(dialog.sensor, rows[0])


def confirmed(studio, dialog):
    count = len(studio.window.documents)
    dialog.button.click()
    studio.until(lambda: len(studio.window.documents) > count)
    studio.choose_method("identity")
    studio.finish()
    return studio.document


def test_a_higher_iso_opens_as_a_new_picture_with_the_old_one_as_reference(shot):
    first = shot.document
    dialog = dialog_of(shot)
    assert dialog.way is Way.OWN
    choose(dialog.iso, dialog.iso.findText("ISO 800 (4 × its gain)"))
    gain = float(re.search(r"To be simulated: K ([\d.]+) DN", dialog.becomes.text())[1])
    assert gain == pytest.approx(4 * GAIN, rel=0.1)
    assert dialog.button.isEnabled()
    new = confirmed(shot, dialog)
    assert new is not first
    assert new.title == "shot.dng @ ISO 800 (simulated)"
    assert new.reference is first.picture
    assert new.path is None
    assert new.levels == first.levels
    found = noise_estimate(new.picture).sensor
    assert found.gain == pytest.approx(4 * GAIN, rel=0.15)
    assert "simulated" in shot.window.status.under_cursor.text()
    assert not shot.dialogs()


def test_read_outs_show_the_true_psnr_which_falls_with_more_noise(shot):
    first, readings, found = shot.document, shot.window.readings, []
    shot.action("readings").trigger()
    for iso in (400, 6400):
        shot.window.show_document(first)
        dialog = dialog_of(shot)
        choose(dialog.iso, next(r for r in range(8) if dialog.iso.itemText(r).startswith(f"ISO {iso} ")))
        confirmed(shot, dialog)
        area = readings.areas[0]
        shot.until(lambda area=area: readings.of(area, Kind.FIDELITY).fresh)
        found.append(readings.of(area, Kind.FIDELITY).value.psnr)
    assert 20 < found[1] + 8 < found[0] < 60


def test_less_light_is_brightened_again_or_shown_brighter(shot):
    first = shot.document
    dialog = dialog_of(shot)
    assert not dialog.brighten.isEnabled()
    dialog.ratio.setValue(4.0)
    assert dialog.brighten.isEnabled()
    dialog.brighten.click()
    new = confirmed(shot, dialog)
    assert "1/4 light" in new.title
    assert new.reference is None
    assert new.levels.exposure == first.levels.exposure + 2
    middle = [np.median(d.picture.pixels) - 512 for d in (first, new)]
    assert middle[1] == pytest.approx(middle[0] / 4, rel=0.2)
    shot.window.show_document(first)
    dialog = dialog_of(shot)
    dialog.ratio.setValue(4.0)
    assert confirmed(shot, dialog).reference is first.picture


def test_what_cannot_be_done_is_said_before(shot):
    dialog = dialog_of(shot)
    pick(dialog, Way.NUMBERS)
    assert dialog.gain.isVisible()
    assert not dialog.iso.isVisible()
    dialog.gain.setValue(0.5)
    dialog.read.setValue(1.0)
    assert "noise can only be added" in dialog.problem.text()
    assert dialog.problem.isVisible()
    assert not dialog.button.isEnabled()
    dialog.ratio.setValue(8.0)
    assert not dialog.problem.isVisible()
    assert dialog.button.isEnabled()
    dialog.gain.setValue(0.0)
    assert "must be above 0" in dialog.problem.text()
    dialog.reject()


def test_published_cameras_name_their_source_and_their_isos(shot):
    dialog = dialog_of(shot)
    pick(dialog, Way.CAMERA, "IMX385")
    assert "Published: Yue" in dialog.sensor.toolTip()
    isos = [dialog.iso.itemText(row) for row in range(dialog.iso.count())]
    assert isos == [f"ISO {iso}" for iso in (1600, 3200, 6400, 12800, 25600)]
    assert dialog.button.isEnabled()
    choose(dialog.iso, 3)
    new = confirmed(shot, dialog)
    assert new.title == "shot.dng @ ISO 12800 (simulated)"
    assert new.picture.mosaic.iso == 12800


def test_dark_frames_of_the_camera(shot, tmp_path):
    random = np.random.default_rng(1)
    (tmp_path / "dark").mkdir()
    for number in range(4):
        values = np.rint(random.normal(513, 12, (256, 256)))
        write_raw(tmp_path / "dark" / f"{number}.dng", values, 800)
    good = save(measure([tmp_path / "dark"], Progress()).profile, tmp_path / "good.npz")
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"nothing")
    dialog = dialog_of(shot)
    pick(dialog, Way.DARK)
    assert dialog.profile.isVisible()
    assert not dialog.button.isEnabled()
    dialog.profile.edited.emit(str(bad))
    shot.until(lambda: "no dark profile" in dialog.problem.text())
    assert dialog.profile.name.text() == "none"
    dialog.profile.edited.emit(str(good))
    shot.until(lambda: dialog.iso.count() > 0)
    choose(dialog.iso, dialog.iso.findText("ISO 800 (4 × its gain)"))
    assert dialog.button.isEnabled(), dialog.problem.text()
    new = confirmed(shot, dialog)
    assert noise_estimate(new.picture).sensor.read == pytest.approx(12, rel=0.4)


def test_a_profile_that_comes_after_the_dialog_has_closed_harms_nothing(shot, tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"nothing")
    dialog = dialog_of(shot)
    pick(dialog, Way.DARK)
    dialog.profile.edited.emit(str(bad))
    dialog.reject()
    shot.files_done()
    shot.finish()
    assert not shot.dialogs()


def test_a_picture_of_no_file_is_in_no_project_and_the_shown_one_is_found_again(shot, tmp_path):
    confirmed(shot, dialog_of(shot))
    shot.open(small_photo(tmp_path / "photo.png"))
    documents = shot.window.documents
    project = project_of(documents, 2)
    assert [entry.path.name for entry in project.pictures] == ["shot.dng", "photo.png"]
    assert project.current == 1
    assert project_of(documents, 1).current == 0
    assert project_of([], -1).current == -1
    simulated = documents[1]
    simulated.edit(simulated.recipe.replace(strength=0.5), "strength")
    shot.window.files.save_project(tmp_path / "p.dstudio")
    shot.files_done()
    assert "belong to no file" in shot.window.status.under_cursor.text()
    assert not simulated.undo_stack.isClean()


def test_it_can_be_exported_but_not_over_the_file_it_was_made_of(shot, tmp_path):
    original = (tmp_path / "shot.dng").read_bytes()
    new = confirmed(shot, dialog_of(shot))
    shot.export(tmp_path / "new.dng")
    assert not shot.dialogs()
    again = open_picture(tmp_path / "new.dng").pixels
    np.testing.assert_allclose(again, new.picture.pixels, atol=0.02)
    shot.window.files.export(new, tmp_path / "shot.dng")
    assert "never overwritten" in shot.complaint()
    assert (tmp_path / "shot.dng").read_bytes() == original


def test_only_raw_pictures_can_be_simulated(studio_window, tmp_path):
    action = studio_window.action("simulate")
    assert not action.isEnabled()
    studio_window.open(small_photo(tmp_path / "photo.png"))
    assert not action.isEnabled()
    studio_window.window.raw_tools.do_simulate()
    studio_window.finish()
    assert not studio_window.window.findChildren(SimulateDialog)


def test_every_control_of_the_dialog_has_a_name_and_a_tip(shot):
    dialog = dialog_of(shot)
    for way in Way:
        pick(dialog, way)
        for widget in dialog.findChildren(QComboBox) + dialog.findChildren(QAbstractSpinBox):
            assert widget.accessibleName()
            assert widget.toolTip()
    assert all(b.text() or b.accessibleName() for b in dialog.findChildren(QAbstractButton) if b.isVisible())
    dialog.reject()
