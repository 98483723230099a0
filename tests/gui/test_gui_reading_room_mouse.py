"""What the buttons and the wheel do, remapped and with modifiers, whatever tool is in hand."""

import json

import pytest
from driving import choose, small_photo
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDialog
from series_builders import write_series

from denoise_studio.core.picture import Kind
from denoise_studio.core.recipe import Recipe
from denoise_studio.formats import open_picture
from denoise_studio.gui.document import Document
from denoise_studio.gui.mouse import PHOTOGRAPHS, SCANS, Drag, Habits, drag_for, told

LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NO, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip


@pytest.fixture
def ct(studio_window, tmp_path):
    (path,) = write_series(tmp_path / "ct", 1, size=120)
    studio_window.window.add_document(Document(open_picture(path), Recipe("bilateral")))
    studio_window.finish()
    return studio_window


@pytest.fixture
def photo(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    return studio_window


def dialog():
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible())


def place_of(studio):
    shared = studio.compare.viewport
    return shared.x, shared.y, shared.zoom


def test_modifiers_mean_the_same_whatever_tool_is_in_hand():
    for drags in (SCANS, PHOTOGRAPHS, {"left": Drag.NOTHING, "middle": Drag.LEVELS, "right": Drag.SCROLL}):
        for drawing in (False, True):
            assert drag_for(LEFT, CTRL, drags, drawing) is Drag.AUTO_LEVELS
            assert drag_for(LEFT, SHIFT, drags, drawing) is Drag.PAN
            assert drag_for(LEFT, SHIFT | CTRL, drags, drawing) is Drag.ZOOM
            assert drag_for(MIDDLE, NO, drags, drawing) is drags["middle"]
            assert drag_for(RIGHT, NO, drags, drawing) is drags["right"]
        assert drag_for(LEFT, NO, drags, True) is Drag.DRAW
        assert drag_for(LEFT, NO, drags, False) is drags["left"]
    assert drag_for(Qt.MouseButton.BackButton, NO, SCANS, False) is None


def test_habits_survive_their_file_and_nonsense_in_it():
    mine = Habits({**SCANS, "left": Drag.SCROLL}, {**PHOTOGRAPHS, "right": Drag.NOTHING}, True, False, True)
    assert Habits.from_settings(json.loads(json.dumps(mine.as_settings()))) == mine
    assert Habits.from_settings({}) == Habits()
    odd = {"scans": {"left": "draw", "right": 7, "fourth": "pan"}, "photographs": [1], "swap_axes": "yes"}
    assert Habits.from_settings(odd) == Habits()
    assert Habits().of(Kind.MR) == SCANS
    assert Habits().of(Kind.RAW) == Habits().of(Kind.DATA) == PHOTOGRAPHS


def test_axes_can_be_swapped_and_turned_round():
    assert Habits().levels_move(3, 5) == (3, 5)
    assert Habits(swap_axes=True).levels_move(3, 5) == (5, 3)
    assert Habits(invert_width=True).levels_move(3, 5) == (-3, 5)
    assert Habits(swap_axes=True, invert_level=True).levels_move(3, 5) == (5, -3)


def test_the_sheet_of_keys_says_what_the_buttons_do_now():
    rows = dict(told(Habits({**SCANS, "right": Drag.NOTHING})))
    assert rows["Left drag"] == "window and level on scans; pan on photographs"
    assert rows["Middle drag"] == "pan"
    assert rows["Right drag"] == "nothing on scans; zoom on photographs"


def test_swapped_and_inverted_axes_in_the_window(ct):
    start = ct.at(ct.after, 60, 60)
    for habits, wider, higher in (
        (Habits(), 1, 0),
        (Habits(swap_axes=True), 0, 1),
        (Habits(invert_width=True), -1, 0),
        (Habits(swap_axes=True, invert_level=True), 0, -1),
    ):
        ct.compare.set_habits(habits)
        before = ct.document.levels
        ct.drag_pixels(ct.after, start, start + QPoint(40, 0))
        after = ct.document.levels
        change = after.width - before.width, after.level - before.level
        for changed, sign in zip(change, (wider, higher), strict=True):
            assert (changed > 1, changed < -1) == (sign > 0, sign < 0), habits


def test_buttons_are_remapped_in_a_dialog_and_stay_so(make_window, tmp_path):
    (path,) = write_series(tmp_path / "ct", 1, size=120)
    first = make_window(tmp_path / "s")
    first.open(path)
    first.action("mouse").trigger()
    box = dialog()
    choose(box.lists["scans", "left"], box.lists["scans", "left"].findData("pan"))
    choose(box.lists["scans", "right"], box.lists["scans", "right"].findData("levels"))
    levels, view = first.document.levels, place_of(first)
    start = first.at(first.after, 60, 60)
    first.drag_pixels(first.after, start, start + QPoint(30, 0))  # tried at once, behind the dialog
    assert place_of(first) != view
    assert first.document.levels == levels
    box.accept()
    first.until(lambda: not box.isVisible())
    second = make_window(tmp_path / "s", tmp_path / "auto2")
    second.open(path)
    view = place_of(second)
    second.drag_pixels(second.after, start, start + QPoint(30, 0), button=RIGHT)
    assert second.document.levels.width > levels.width
    assert place_of(second) == view
    assert QApplication.activePopupWidget() is None
    second.qtbot.mouseClick(second.after.viewport(), RIGHT, pos=start)  # without a drag: the menu
    menu = QApplication.activePopupWidget()
    assert menu is not None
    menu.close()
    second.action("mouse").trigger()
    box = dialog()
    assert box.habits.scans["left"] is Drag.PAN
    box.show_habits(Habits())
    box.reject()  # what was tried is forgotten
    assert second.compare.habits.scans["left"] is Drag.PAN
    second.until(lambda: not box.isVisible())


def test_a_button_can_do_nothing_and_a_click_selects_all_the_same(ct):
    ct.compare.set_habits(Habits({**SCANS, "left": Drag.NOTHING}))
    ct.window.regions_panel.add_box()
    levels, view = ct.document.levels, place_of(ct)
    ct.document.select(-1)
    ct.drag(ct.after, (60, 60), (80, 70))
    assert (ct.document.levels, place_of(ct)) == (levels, view)
    ct.click(ct.after, 60, 60)
    assert ct.document.selected == 0
    ct.qtbot.mouseClick(ct.after.viewport(), MIDDLE, pos=ct.at(ct.after, 5, 5))
    assert ct.document.selected == 0  # the middle button selects nothing


def test_a_drag_that_scrolls_counts_slices(ct):
    ct.compare.set_habits(Habits({**SCANS, "middle": Drag.SCROLL}))
    steps = []
    ct.after.scrolled.connect(steps.append)
    start = ct.at(ct.after, 60, 40)
    ct.drag_pixels(ct.after, start, start + QPoint(0, 60), button=MIDDLE, steps=10)
    assert sum(steps) == 5
    ct.drag_pixels(ct.after, start, start + QPoint(0, -24), button=MIDDLE, steps=10)
    assert sum(steps) == 3
    ct.after.scrolled.disconnect(steps.append)


def wheel(pane, place, delta, keys=NO):
    event = QWheelEvent(
        QPointF(place), QPointF(pane.viewport().mapToGlobal(place)), QPoint(), QPoint(0, delta),
        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(pane.viewport(), event)


def test_the_wheel_scrolls_a_series_else_zooms_and_with_ctrl_always_zooms(ct):
    told_, place = [], QPoint(100, 100)
    ct.after.wheeled.connect(lambda steps, point: told_.append(steps))
    zoom = ct.compare.viewport.zoom
    wheel(ct.after, place, 120)
    assert ct.compare.viewport.zoom == pytest.approx(zoom * 2**0.25)
    wheel(ct.after, place, 120, CTRL)
    assert ct.compare.viewport.zoom == pytest.approx(zoom * 2**0.5)
    assert told_ == []
    ct.after.wheel_scrolls = True
    wheel(ct.after, place, -120)
    wheel(ct.after, place, 240)
    for _ in range(4):
        wheel(ct.after, place, -30)  # parts of a notch, as a touch pad sends them
    assert told_ == [1, -2, 1]
    assert ct.compare.viewport.zoom == pytest.approx(zoom * 2**0.5)
    wheel(ct.after, place, -240, CTRL)
    assert ct.compare.viewport.zoom == pytest.approx(zoom)
    ct.after.wheel_scrolls = False


def test_modifiers_work_with_a_drawing_tool_and_over_a_selected_region(ct):
    view = place_of(ct)
    ct.action("tool-box").trigger()
    ct.drag(ct.after, (40, 40), (60, 50), keys=SHIFT)
    assert place_of(ct)[2] == view[2]
    assert place_of(ct)[:2] == pytest.approx((view[0] - 20, view[1] - 10), abs=0.6)
    levels = ct.document.levels
    ct.drag(ct.after, (40, 40), (80, 80), keys=CTRL)
    assert ct.document.levels != levels
    ct.drag(ct.after, (40, 60), (40, 50), keys=SHIFT | CTRL)
    assert ct.compare.viewport.zoom > view[2]
    assert not ct.recipe.regions
    ct.drag(ct.after, (40, 40), (80, 80))  # the tool is still in hand
    assert len(ct.recipe.regions) == 1
    shape, levels = ct.recipe.regions[0].shape, ct.document.levels
    ct.drag(ct.after, (50, 50), (70, 70), keys=CTRL)  # over its body
    assert ct.recipe.regions[0].shape == shape
    assert ct.document.levels != levels


def test_a_double_click_with_ctrl_resets_the_window(ct):
    first = ct.document.levels
    start = ct.at(ct.after, 60, 60)
    ct.drag_pixels(ct.after, start, start + QPoint(40, 20))
    assert ct.document.levels != first
    ct.qtbot.mouseDClick(ct.after.viewport(), LEFT, CTRL, start)
    assert ct.document.levels == first
    assert ct.before.isVisible()  # and makes no pane large


def test_photographs_pan_and_zoom_and_have_no_window_to_drag(photo):
    levels, view = photo.document.levels, place_of(photo)
    photo.drag(photo.after, (60, 40), (80, 50))
    assert photo.document.levels == levels
    assert place_of(photo)[:2] == pytest.approx((view[0] - 20, view[1] - 10), abs=0.6)
