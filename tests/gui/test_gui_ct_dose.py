"""Simulating a lower dose: the dialog, the new picture or series, and what it is compared with."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from driving import choose, small_photo
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QSlider

from denoise_studio.formats import open_picture
from denoise_studio.gui.ct_dose_dialog import CtDoseDialog
from denoise_studio.gui.simulate_dialog import SimulateDialog

sys.path.append(str(Path(__file__).parents[1] / "formats"))
from format_files import ct_dataset

SIZE, SPACING, SD = 128, 2.6, 10.0
LINE = (np.arange(SIZE) - (SIZE - 1) / 2) * SPACING
FLAT = (LINE[None, :] / 110) ** 2 + (LINE[:, None] / 80) ** 2 < 1
BODY = (LINE[None, :] / 145) ** 2 + (LINE[:, None] / 105) ** 2 <= 1


def write_slice(path: Path, seed: int = 1, sd: float = SD, **changes: object) -> Path:
    noise = np.random.default_rng(seed).normal(0, sd, (SIZE, SIZE))
    stored = np.rint(np.where(BODY, 40.0, -1000.0) + noise + 1024).astype(np.int16)
    ct_dataset(stored, **{"PixelSpacing": [SPACING, SPACING], **changes}).save_as(
        path, enforce_file_format=True
    )
    return path


@pytest.fixture
def ct(studio_window, tmp_path):
    """A noisy slice, open, with a method that runs fast."""
    studio_window.open(write_slice(tmp_path / "slice.dcm"), wait=False)
    studio_window.until(lambda: studio_window.window.documents)
    studio_window.choose_method("identity")
    studio_window.finish()
    return studio_window


def dialog_of(studio):
    studio.action("simulate").trigger()
    studio.until(lambda: any(d.isVisible() for d in studio.window.findChildren(CtDoseDialog)))
    dialog = next(d for d in studio.window.findChildren(CtDoseDialog) if d.isVisible())
    studio.until(dialog.button.isEnabled)
    return dialog


def confirmed(studio, dialog):
    count = len(studio.window.documents)
    studio.until(dialog.button.isEnabled)
    dialog.button.click()
    studio.until(lambda: len(studio.window.documents) > count)
    studio.choose_method("identity")
    studio.finish()
    return studio.document


def told(dialog, word):
    return float(re.search(rf"{word} ([\d.]+) HU", dialog.becomes.text())[1])


def test_a_lower_dose_opens_as_a_new_picture_with_the_old_one_as_reference(ct):
    first = ct.document
    dialog = dialog_of(ct)
    assert dialog.full.value() == pytest.approx(SD, rel=0.25)
    dialog.electronic.setValue(0.0)
    dialog.slider.setValue(50)
    assert dialog.dose.value() == 50
    half = told(dialog, "simulated")
    dialog.dose.setValue(25.0)
    assert dialog.slider.value() == 25
    assert told(dialog, "simulated") == pytest.approx(half * 2**0.5, rel=0.02)
    new = confirmed(ct, dialog)
    assert new is not first
    assert new.title == "slice.dcm @ 25 % dose (simulated)"
    assert new.reference is first.picture
    assert new.path is None
    assert new.levels == first.levels
    ratio = new.picture.pixels[0][FLAT].std() / first.picture.pixels[0][FLAT].std()
    assert ratio == pytest.approx(2, rel=0.2)
    assert "Simulated dose of 25 %" in ct.window.status.under_cursor.text()
    assert not ct.dialogs()


def test_a_person_may_know_the_noise_better(ct):
    dialog = dialog_of(ct)
    measured = dialog.full.value()
    assert not dialog.measure.isEnabled()
    dialog.full.setValue(30.0)
    assert told(dialog, "full dose") == 30
    assert "as told" in dialog.becomes.text()
    dialog.measure.click()
    assert dialog.full.value() == measured
    assert "as measured" in dialog.becomes.text()
    dialog.full.setValue(30.0)
    new = confirmed(ct, dialog)
    assert "(told)" in new.picture.history[-1]


def test_kernel_bow_tie_and_seed_are_planned_in_the_background(ct):
    dialog = dialog_of(ct)
    row = next(r for r in range(dialog.kernel.count()) if dialog.kernel.itemText(r).startswith("soft"))
    choose(dialog.kernel, row)
    ct.until(dialog.button.isEnabled)
    assert not dialog.edge.isEnabled()
    dialog.bow_tie.click()
    assert dialog.edge.isEnabled()
    dialog.edge.setValue(10)
    dialog.seed.setValue(7)
    new = confirmed(ct, dialog)
    for part in ("kernel soft", "bow-tie to 0.1", "seed 7"):
        assert part in new.picture.history[-1]


def test_full_dose_adds_nothing_and_says_so(ct):
    dialog = dialog_of(ct)
    dialog.slider.setValue(100)
    assert "nothing is added" in dialog.problem.text()
    dialog.clean.click()
    assert not dialog.problem.isVisible()
    assert "free of noise" in dialog.becomes.text()
    dialog.reject()


def test_a_plan_that_comes_after_the_dialog_has_closed_harms_nothing(ct):
    dialog = dialog_of(ct)
    choose(dialog.kernel, dialog.kernel.count() - 1)
    dialog.reject()
    ct.finish()
    assert not ct.dialogs()
    assert len(ct.window.documents) == 1


def test_a_clean_phantom_is_seen_to_be_clean(studio_window, tmp_path):
    studio_window.open(write_slice(tmp_path / "clean.dcm", sd=0.0), wait=False)
    studio_window.until(lambda: studio_window.window.documents)
    studio_window.choose_method("identity")
    studio_window.finish()
    dialog = dialog_of(studio_window)
    assert dialog.clean.isChecked()
    assert "no grain to go by" in dialog.kernel.itemText(0)
    dialog.reject()


def test_what_is_exported_says_that_it_is_simulated(ct, tmp_path):
    import pydicom

    original = (tmp_path / "slice.dcm").read_bytes()
    new = confirmed(ct, dialog_of(ct))
    new.edit(new.recipe.replace(method="identity"), "method")
    ct.export(tmp_path / "low.dcm")
    assert not ct.dialogs()
    data = pydicom.dcmread(tmp_path / "low.dcm")
    assert "simulated dose of 25 %" in data.DerivationDescription
    assert "SIMULATED 25 % DOSE" in data.SeriesDescription
    np.testing.assert_array_equal(open_picture(tmp_path / "low.dcm").pixels, new.picture.pixels)
    ct.window.files.export(new, tmp_path / "slice.dcm")
    assert "never overwritten" in ct.complaint()
    assert (tmp_path / "slice.dcm").read_bytes() == original


@pytest.fixture
def series(studio_window, tmp_path):
    import pydicom

    uid, folder = pydicom.uid.generate_uid(), tmp_path / "series"
    folder.mkdir()
    for number in range(3):
        write_slice(
            folder / f"{number}.dcm",
            number,
            SeriesInstanceUID=uid,
            InstanceNumber=number + 1,
            ImagePositionPatient=[-100, -120, 5.0 * number],
        )
    studio_window.window.files.open([folder])
    studio_window.until(lambda: studio_window.window.documents)
    studio_window.choose_method("identity")
    studio_window.finish()
    return studio_window


def test_a_whole_series_is_simulated_slice_by_slice_beside_its_truth(series):
    first = series.document
    dialog = dialog_of(series)
    assert dialog.all.isVisible()
    dialog.all.setChecked(True)
    new = confirmed(series, dialog)
    assert len(new.stack) == 3
    assert "@ 25 % dose (simulated)" in new.title
    assert new.reference is first.picture
    noise = new.picture.pixels[0] - first.picture.pixels[0]
    series.window.slices.go(2)
    series.until(lambda: new.index == 2 and new.reference is not None and new.reference.place.index == 2)
    series.finish()
    other = new.picture.pixels[0] - new.reference.pixels[0]
    assert new.reference.place.series is first.stack.series
    assert abs(np.corrcoef(noise[FLAT], other[FLAT])[0, 1]) < 0.1
    assert other[FLAT].std() == pytest.approx(noise[FLAT].std(), rel=0.25)


def test_one_slice_of_a_series_is_a_picture_of_its_own(series):
    new = confirmed(series, dialog_of(series))
    assert new.stack is None
    assert new.reference is series.window.documents[0].picture


def test_it_is_offered_for_ct_and_raw_only(studio_window, tmp_path):
    action = studio_window.action("simulate")
    assert not action.isEnabled()
    studio_window.open(small_photo(tmp_path / "photo.png"))
    assert not action.isEnabled()
    studio_window.window.raw_tools.do_simulate()
    studio_window.finish()
    assert not studio_window.window.findChildren(CtDoseDialog)
    assert not studio_window.window.findChildren(SimulateDialog)


def test_every_control_of_the_dialog_has_a_name_and_a_tip(ct):
    dialog = dialog_of(ct)
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for widget in dialog.findChildren(kind):
            assert widget.accessibleName()
            assert widget.toolTip()
    assert all(b.text() or b.accessibleName() for b in dialog.findChildren(QAbstractButton) if b.isVisible())
    dialog.reject()
