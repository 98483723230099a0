"""Series in the window: opened as a folder, gone through, denoised ahead, kept in projects."""

import numpy as np
import pydicom
import pytest
from driving import CT
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from series_builders import phantom_slice, write_frames, write_series

from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.render import render
from denoise_studio.formats import find_series
from denoise_studio.gui.series_tools import SaveSeriesDialog

SIZE = 48
FAST = Recipe(method="bilateral", device="cpu")


@pytest.fixture
def folder(tmp_path):
    write_series(tmp_path / "series", 9, SIZE)
    return tmp_path / "series"


@pytest.fixture
def series(studio_window, folder):
    """A window that shows the middle of nine slices, bilateral, nothing ahead."""
    studio_window.window.slices.set_ahead(False)
    studio_window.open(folder)
    studio_window.document.edit(FAST, "fast")
    studio_window.finish()
    return studio_window


def shown_slice(driver):
    """Which slice of the phantom the left picture holds, told by its pixels."""
    pixels = driver.document.picture.pixels[0]
    (found,) = [i for i in range(9) if np.array_equal(pixels, phantom_slice(i, SIZE).astype(np.float32))]
    return found


def wheel(driver, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    pane = driver.after
    middle = QPointF(pane.width() / 2, pane.height() / 2)
    event = QWheelEvent(
        middle,
        QPointF(pane.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, -120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane.viewport(), event)


def test_a_folder_opens_in_the_middle_of_its_series(series):
    assert len(series.window.documents) == 1
    assert series.document.index == 4 == shown_slice(series)
    panel = series.window.slices_panel
    assert panel.isVisible()
    assert panel.number.text() == "5 / 9"
    assert panel.slider.maximum() == 8


def test_the_panel_is_hidden_for_a_single_picture(studio_window):
    studio_window.open(CT)
    assert not studio_window.window.slices_panel.isVisible()
    assert not studio_window.action("cine").isEnabled()
    assert not studio_window.action("export-series").isEnabled()


def test_wheel_keys_and_slider_go_through_the_slices(series):
    wheel(series, 1)
    series.finish()
    assert shown_slice(series) == 5
    wheel(series, -3)
    series.finish()
    assert shown_slice(series) == 2
    for key, expected in (
        (Qt.Key.Key_Down, 3),
        (Qt.Key.Key_Up, 2),
        (Qt.Key.Key_End, 8),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
    ):
        QTest.keyClick(series.after, key)
        series.finish()
        assert shown_slice(series) == expected
    series.window.slices_panel.slider.setValue(6)
    series.finish()
    assert shown_slice(series) == 6


def test_with_control_the_wheel_zooms(series):
    zoom = series.compare.viewport.zoom
    wheel(series, -1, Qt.KeyboardModifier.ControlModifier)
    assert series.document.index == 4
    assert series.compare.viewport.zoom > zoom


def test_every_slice_is_rendered_with_the_same_recipe(series):
    for index in (0, 7):
        series.window.slices.go(index)
        series.finish()
        expected = render(series.document.picture, FAST)
        assert series.shown().pixels.tobytes() == expected.pixels.tobytes()


def test_the_edit_the_levels_and_the_view_stay(series):
    from denoise_studio.engine.display import Levels

    series.document.set_levels(Levels.window(300, 20))
    series.compare.set_zoom(3.0)
    series.window.slices.go(1)
    series.finish()
    assert series.recipe == FAST
    assert series.document.levels == Levels.window(300, 20)
    assert series.compare.viewport.zoom == 3.0
    series.action("undo").trigger()
    series.finish()
    assert series.recipe != FAST
    assert series.document.index == 1


def test_of_many_wishes_the_newest_is_shown(series):
    for index in (0, 1, 2, 3, 5, 6, 7, 8, 1):
        series.window.slices.go(index)
    series.finish()
    assert shown_slice(series) == 1
    assert series.window.slices_panel.number.text() == "2 / 9"


def test_slices_ahead_are_ready_at_once(series):
    series.window.slices.set_ahead(True)
    slices = series.window.slices
    series.until(lambda: len(slices.state.ready) == 9)
    series.finish()
    assert series.window.slices_panel.ready.text() == "9 of 9 denoised"
    slices.go(8)
    assert series.document.is_final, "no event loop in between"
    series.finish()
    assert series.shown().pixels.tobytes() == render(series.document.picture, FAST).pixels.tobytes()
    series.document.edit(FAST.replace(strength=0.5), "strength")
    assert len(slices.state.ready) <= 1


def test_the_loop_runs_and_stops(series):
    slices = series.window.slices
    slices.set_rate(30)
    series.action("cine").trigger()
    assert slices.playing
    assert series.window.slices_panel.cine.isChecked()
    seen = set()
    series.until(lambda: seen.add(series.document.index) or len(seen) == 9)
    series.action("cine").trigger()
    assert not slices.playing
    series.finish()


def test_a_broken_slice_is_told_and_harms_nothing(series, folder):
    paths = [info.path for info in series.document.stack.series.slices]
    paths[6].write_bytes(paths[6].read_bytes()[:900])
    series.window.slices.go(6)
    series.until(lambda: 6 in series.window.slices.state.broken)
    assert paths[6].name in series.window.slices.state.broken[6]
    assert series.document.index == 4
    series.window.slices.go(7)
    series.finish()
    assert shown_slice(series) == 7


def test_what_is_odd_about_a_series_stands_in_the_panel(studio_window, folder):
    (found,) = find_series(folder)
    found.slices[5].path.unlink()
    studio_window.open(folder)
    panel = studio_window.window.slices_panel
    assert panel.notes.isVisible()
    assert "gap" in panel.notes.text().lower() or "missing" in panel.notes.text().lower()


def test_maps_along_the_series_are_a_choice_of_methods_that_find_any(series):
    panel = series.window.slices_panel
    assert not panel.across.isVisible()
    series.document.edit(Recipe(method="adaptive-bilateral", device="cpu"), "method")
    series.finish()
    assert panel.across.isVisible()
    panel.across.setCurrentIndex(panel.across.findData("smoothed"))
    panel.across.activated.emit(panel.across.currentIndex())
    series.finish()
    assert series.recipe.across == "smoothed"
    series.action("undo").trigger()
    assert series.recipe.across == "each"
    assert panel.across.currentData() == "each"
    series.finish()


def test_a_project_comes_back_to_its_slice(series, make_window, tmp_path):
    series.window.slices.go(2)
    series.finish()
    series.window.files.save_project(tmp_path / "p.dstudio")
    series.files_done()
    again = make_window()
    again.open(tmp_path / "p.dstudio")
    assert again.document.index == 2 == shown_slice(again)
    assert len(again.document.stack) == 9
    assert again.recipe == FAST


def test_closing_a_series_lets_its_slices_go(series):
    series.window.close_document(series.document)
    assert not series.window.slices_panel.isVisible()
    assert series.window.slices.document is None


def test_nothing_names_the_patient(series):
    texts = [series.window.windowTitle(), series.document.title, series.window.slices_panel.place.text()]
    texts += [item.text() for item in (series.window.pictures_panel.list.item(0),)]
    assert not any("Doe" in text or "Jane" in text for text in texts)


def test_the_whole_series_is_saved(series, folder, tmp_path):
    series.window.series_tools.save(series.document, tmp_path / "out")
    series.files_done()
    (found,) = find_series(tmp_path / "out")
    assert len(found) == 9
    for index in (0, 8):
        expected = render(series.document.stack.get(index), FAST).pixels
        assert np.abs(found.open(index).pixels - expected).max() <= 0.5 + 1e-3
    assert "9 slices are saved" in series.window.status._message


def test_cancelling_keeps_what_is_saved_and_saving_again_goes_on(series, tmp_path):
    out = tmp_path / "out"
    series.window.series_tools.save(series.document, out)
    series.until(lambda: out.is_dir() and len(list(out.glob("IM*.dcm"))) >= 1)
    series.window.files.cancel()
    series.files_done()
    assert "go on" in series.window.status._message or "saved" in series.window.status._message
    series.window.series_tools.save(series.document, out)
    series.files_done()
    assert len(list(out.glob("IM*.dcm"))) == 9
    assert not list(out.glob("*.part*"))


def test_the_dialog_offers_a_folder_of_its_own(series, folder):
    series.action("export-series").trigger()
    (dialog,) = [
        w for w in QApplication.topLevelWidgets() if isinstance(w, SaveSeriesDialog) and w.isVisible()
    ]
    assert dialog.folder() == folder / "denoise_studio"
    assert not dialog.options().anonymise
    dialog.anonymise.click()
    assert dialog.options().anonymise
    dialog.accept()
    series.files_done()
    written = list((folder / "denoise_studio").glob("IM*.dcm"))
    assert len(written) == 9
    assert not any(b"Doe" in path.read_bytes() for path in written)


def test_a_series_is_compared_with_another_slice_by_slice(series, tmp_path):
    write_series(tmp_path / "full", 9, SIZE)
    series.window.files.open_reference(series.document, tmp_path / "full")
    series.files_done()
    for index in (4, 1, 7, 1):
        series.window.slices.go(index)
        series.finish()
        series.until(lambda: series.document.reference is not None)
        assert series.document.reference.place.index == index
        assert series.document.reference.source.path.parent.name == "full"
    series.window.files.save_project(tmp_path / "p.dstudio")
    series.files_done()
    series.action("close-reference").trigger()
    assert series.document.reference is None
    series.window.slices.go(2)
    series.finish()
    assert series.document.reference is None


def test_a_project_finds_the_series_of_the_reference_again(series, make_window, tmp_path):
    write_series(tmp_path / "full", 9, SIZE)
    series.window.files.open_reference(series.document, tmp_path / "full")
    series.files_done()
    series.window.files.save_project(tmp_path / "p.dstudio")
    series.files_done()
    again = make_window()
    again.open(tmp_path / "p.dstudio")
    assert again.document.reference.place.index == again.document.index == 4
    again.window.slices.go(5)
    again.finish()
    again.until(lambda: again.document.reference is not None)
    assert again.document.reference.place.index == 5


def test_a_single_reference_belongs_to_its_slice(series, tmp_path):
    other = write_series(tmp_path / "one", 1, SIZE)[0]
    series.window.files.open_reference(series.document, other)
    series.files_done()
    mine = series.document.reference
    assert mine is not None
    series.window.slices.go(5)
    series.finish()
    assert series.document.reference is None
    series.window.slices.go(4)
    series.finish()
    assert series.document.reference is mine


def test_a_file_with_several_slices_is_gone_through_and_saved_as_one(studio_window, tmp_path):
    samples = write_frames(tmp_path / "in.dcm", 5, SIZE)
    studio_window.window.slices.set_ahead(False)
    studio_window.open(tmp_path / "in.dcm")
    studio_window.document.edit(Recipe(method="identity"), "identity")
    studio_window.window.slices.go(4)
    studio_window.finish()
    assert np.array_equal(studio_window.document.picture.pixels[0], samples[4].astype(np.float32) - 1024)
    studio_window.window.series_tools.save_file(studio_window.document, tmp_path / "out.dcm")
    studio_window.files_done()
    assert np.array_equal(pydicom.dcmread(tmp_path / "out.dcm").pixel_array, samples)


def test_a_reference_that_comes_late_goes_to_its_slice(series, tmp_path):
    write_series(tmp_path / "full", 9, SIZE)
    series.window.files.open_reference(series.document, tmp_path / "full")
    series.window.slices.go(7)
    series.files_done()
    series.finish()
    series.until(lambda: series.document.reference is not None)
    assert series.document.reference.place.index == 7


def test_coming_back_the_panel_tells_the_slice_that_is_shown(series, monkeypatch):
    series.window.slices.go(1)
    series.open(CT)
    series.window.show_index(0)
    series.finish()
    assert series.window.slices_panel.number.text() == f"{series.document.index + 1} / 9"


def test_a_slice_that_cannot_be_read_is_not_named_over_another(series):
    path = series.document.stack.series.slices[6].path
    path.write_bytes(path.read_bytes()[:900])
    series.window.slices.go(6)
    series.until(lambda: 6 in series.window.slices.state.broken)
    assert "slice 5 is shown" in series.window.slices_panel.place.text()


def test_marks_of_readiness_go_with_the_slices(series):
    series.window.slices.set_ahead(True)
    series.until(lambda: len(series.window.slices.state.ready) == 9)
    series.finish()
    series.document.stack.set_budget(0)
    assert len(series.window.slices.ready()) <= 3


def test_closing_a_series_ends_what_runs_ahead_and_lets_all_slices_go(series):
    stack, session = series.document.stack, series.window.bridge.session
    series.window.slices.set_ahead(True)
    series.window.close_document(series.document)
    series.until(lambda: session.ahead.idle)
    assert stack.peek(4) is None
    assert not session.cache._layers


def test_pins_tell_the_slice_that_is_shown(series):
    marks = series.window.reading_room.marks
    marks.pin(QPointF(20.5, 20.5))
    before = marks.text_of((20, 20))
    series.window.slices.go(0)
    series.until(lambda: series.document.index == 0)
    assert marks.text_of((20, 20)) != before
    series.finish()
