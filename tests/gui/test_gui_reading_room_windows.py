"""Window presets as data, number keys, and the functions that files state for their windows."""

import json

import numpy as np
import pytest
from driving import small_photo
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit
from series_builders import write_series

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture, Scale, Window
from denoise_studio.engine.display import Levels, default_levels, tone
from denoise_studio.formats import open_picture
from denoise_studio.gui.panels.levels_bar import windows_of
from denoise_studio.gui.window_presets import LONGEST_NAME, Preset, PresetStore

SHIP = [
    ("Soft tissue", 400, 40), ("Mediastinum", 350, 50), ("Lung", 1500, -600), ("Liver", 150, 90),
    ("Bone", 2500, 480), ("Brain", 80, 40), ("Stroke", 40, 40),
]  # fmt: skip
"""Width and level in HU, as most viewers and textbooks have them."""
FILE = {
    "WindowCenter": [35, -500],
    "WindowWidth": [350, 1400],
    "WindowCenterWidthExplanation": ["ABDOMEN", ""],
}


def as_tuples(presets):
    return [(p.name, p.width, p.level) for p in presets]


def test_the_shipped_presets_and_the_order_of_the_number_keys(tmp_path):
    store = PresetStore(tmp_path)
    assert as_tuples(store.presets) == SHIP
    assert not store.changed
    (path,) = write_series(tmp_path / "ct", 1, **FILE)
    windows = windows_of(open_picture(path), store)
    assert [(w.name, w.width, w.level) for w in windows[:3]] == [
        ("Abdomen (file)", 350, 35),
        ("File's window 2", 1400, -500),
        ("Soft tissue", 400, 40),
    ]
    assert len(windows) == 2 + len(SHIP)
    (path,) = write_series(tmp_path / "bare", 1)
    assert [w.name for w in windows_of(open_picture(path), store)] == [name for name, *_ in SHIP]
    signal = Picture(np.zeros((1, 4, 4), np.float32), scale=Scale.SIGNAL)
    assert [w.name for w in windows_of(signal, store)] == ["Default"]


def test_a_list_of_ones_own_is_kept_and_the_shipped_one_needs_no_file(tmp_path):
    store = PresetStore(tmp_path)
    mine = (Preset("Temporal bone", 4000, 700), *store.presets[:2])
    store.store(mine)
    assert PresetStore(tmp_path).presets == mine
    assert PresetStore(tmp_path).changed
    store.store(store.shipped)
    assert not store.path.exists()
    assert PresetStore(tmp_path).presets == store.shipped
    store.store(())
    assert PresetStore(tmp_path).presets == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"windows": 3}', '{"windows": [{"name": "a", "width": 0, "level": 1}]}',
        '{"windows": [{"name": "", "width": 5, "level": 1}]}',
        '{"windows": [{"name": "a", "width": NaN, "level": 1}]}',
        '{"windows": [{"name": "a", "width": 1e999, "level": 1}]}',
        '{"windows": [{"name": "a", "width": "wide", "level": 1}]}',
        '{"windows": [{"name": "a", "width": 1' + "0" * 400 + ', "level": 1}]}',
    ],
)  # fmt: skip
def test_a_broken_list_counts_as_none(tmp_path, text):
    (tmp_path / "windows.json").write_text(text)
    assert as_tuples(PresetStore(tmp_path).presets) == SHIP


def test_what_is_no_preset_is_refused_in_a_sentence():
    for name, width, level in (
        ("", 1, 1), (" ", 1, 1), ("x" * (LONGEST_NAME + 1), 1, 1), ("a\nb", 1, 1), ("a", 0, 1), ("a", -3, 1),
        ("a", float("inf"), 1), ("a", 1, float("nan")),
    ):  # fmt: skip
        with pytest.raises(StudioError, match=r"preset.*\.$"):
            Preset(name, width, level)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", ""])
@pytest.mark.parametrize(("width", "level"), [(400, 40), (80, 40), (1500, -600), (1, 10), (2, 0)])
def test_functions_of_windows_are_those_of_the_standard(function, width, level):
    """Against pydicom's, on every HU: within one of 255 steps; ours rounds, theirs is cut below."""
    data = Dataset()
    data.WindowWidth, data.WindowCenter = width, level
    data.VOILUTFunction = function or "LINEAR_EXACT"
    data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", 16, 1
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    values = np.arange(-1024, 3072)
    with np.errstate(over="ignore"):  # far from a narrow sigmoid
        wanted = apply_windowing(values, data)
    low, high = -32768 - 1024.0, 32767 - 1024.0  # what pydicom takes for black and white here
    wanted = (wanted - low) / (high - low) * 255
    found = tone(values[None, None].astype(np.float32), Levels.window(width, level, function=function))[0]
    assert np.abs(found - wanted).max() <= 1.0


def test_linear_and_linear_exact_part_at_the_white_end():
    """PS3.3 C.11.2.1.2.1: of width 100 around 50 LINEAR is white from 99 on, LINEAR_EXACT from 100."""
    ramp = np.array([[[0, 98, 99, 100]]], np.float32)
    assert tone(ramp, Levels.window(100, 50, function="LINEAR"))[0].tolist() == [0, 252, 255, 255]
    assert tone(ramp, Levels.window(100, 50, function="LINEAR_EXACT"))[0].tolist() == [0, 250, 252, 255]


def test_a_file_s_own_function_is_read_shown_and_left_with_a_preset(studio_window, tmp_path):
    (path,) = write_series(tmp_path / "ct", 1, size=96, **FILE, VOILUTFunction="SIGMOID")
    picture = open_picture(path)
    assert picture.windows[0] == Window(350, 35, "ABDOMEN", "SIGMOID")
    assert default_levels(picture) == Levels.window(350, 35, function="SIGMOID")
    studio = studio_window
    studio.open(path)
    assert studio.document.levels.function == "SIGMOID"
    start = studio.at(studio.after, 48, 48)
    studio.drag_pixels(studio.after, start, start + start / 4)
    assert studio.document.levels.function == "SIGMOID"  # a drag changes the window, not its kind
    assert any("sigmoid" in line for line in studio.window.reading_room.sheets[studio.after].notes.texts.view)
    studio.key(Qt.Key.Key_3)
    assert studio.document.levels == Levels.window(400, 40)
    studio.key(Qt.Key.Key_1)
    assert studio.document.levels == Levels.window(350, 35, function="SIGMOID")
    assert studio.window.levels_bar.presets.currentIndex() == 0
    studio.window.histogram_panel.band.setRegion((-200.0, 300.0))
    assert studio.document.levels.function == "SIGMOID"
    studio.key(Qt.Key.Key_0)
    assert studio.document.levels.function == ""


def dialog():
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible())


def test_number_keys_reach_nine_windows_and_the_menu_names_them(studio_window, tmp_path):
    studio = studio_window
    (path,) = write_series(tmp_path / "ct", 1, size=96, **FILE)
    studio.open(path)
    for number, (_, width, level) in enumerate(SHIP, 3):
        studio.key(getattr(Qt.Key, f"Key_{number}"))
        assert (studio.document.levels.width, studio.document.levels.level) == (width, level)
    assert studio.action("window-9").text().startswith("Stroke")
    assert "−600" in studio.action("window-5").text()
    studio.open(small_photo(tmp_path / "a.png"))
    assert not studio.action("window-1").isEnabled()


def test_presets_are_edited_in_a_dialog(studio_window, tmp_path):
    studio = studio_window
    (path,) = write_series(tmp_path / "ct", 1, size=96)
    studio.open(path)
    studio.key(Qt.Key.Key_4)
    studio.action("edit-windows").trigger()
    box = dialog()
    assert [box.table.item(row, 0).text() for row in range(7)] == [name for name, *_ in SHIP]
    box.table.selectRow(6)
    box.buttons["Add"].click()
    editor = box.table.findChild(QLineEdit)
    editor.setText("Mine")
    studio.key(Qt.Key.Key_Return, editor)
    studio.until(lambda: box.table.item(7, 0).text() == "Mine")
    assert [box.table.item(7, column).text() for column in (1, 2)] == ["150", "90"]  # what is on the screen
    box.table.item(7, 2).setText("−95,5")
    box.table.selectRow(7)
    for _ in range(9):
        box.buttons["Up"].click()
    box.table.selectRow(1)
    box.buttons["Delete"].click()
    box.buttons["Down"].click()
    box.table.item(0, 1).setText("wide")
    box.accept()
    assert box.isVisible()
    assert "must be numbers" in box.complaint.text()
    box.table.item(0, 1).setText("150")
    box.accept()
    studio.until(lambda: not box.isVisible())
    kept = as_tuples(studio.window.presets.presets)
    assert kept == [("Mine", 150, -95.5), SHIP[2], SHIP[1], *SHIP[3:]]
    assert json.loads(studio.window.presets.path.read_text("utf-8"))["windows"][0]["name"] == "Mine"
    studio.action("window-1").trigger()
    assert (studio.document.levels.width, studio.document.levels.level) == (150, -95.5)
    studio.action("edit-windows").trigger()
    box = dialog()
    box.buttons["Reset"].click()
    box.accept()
    studio.until(lambda: not box.isVisible())
    assert as_tuples(studio.window.presets.presets) == SHIP
    assert studio.action("window-1").text().startswith("Soft tissue")


def test_controls_of_the_dialog_have_names_and_tips(studio_window):
    for name in ("edit-windows", "mouse"):
        studio_window.action(name).trigger()
        box = dialog()
        buttons = getattr(box, "buttons", {})
        assert all(button.toolTip() for button in buttons.values())
        for choice in getattr(box, "lists", {}).values():
            assert choice.accessibleName()
            assert choice.toolTip()
        box.reject()
        studio_window.until(lambda box=box: not box.isVisible())
