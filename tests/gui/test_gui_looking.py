"""Zoom, pan, levels and the ways to compare: all of it only looks, nothing changes a pixel."""

import numpy as np
import pytest
from driving import CT, PHOTO, choose, image_of, small_photo
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from denoise_studio.engine.display import show
from denoise_studio.gui.views.compare import Mode


@pytest.fixture
def photo(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    return studio_window


@pytest.fixture
def ct(studio_window):
    studio_window.open(CT)
    return studio_window


def view(studio):
    shared = studio.compare.viewport
    return shared.x, shared.y, shared.zoom


def ranges(pane):
    return [round(value, 6) for axis in pane.box.viewRange() for value in axis]


def centre_and_scale(pane):
    (x0, x1), (y0, y1) = pane.box.viewRange()
    return (x0 + x1) / 2, (y0 + y1) / 2, pane.width() / (x1 - x0), pane.height() / (y1 - y0)


def on_screen(pane, x, y):
    """Where pyqtgraph really draws a picture point, in viewport pixels."""
    spot = pane.viewportTransform().map(pane.box.mapViewToScene(QPointF(x, y)))
    return spot.x(), spot.y()


def test_a_new_picture_is_shown_whole_and_stays_so_when_the_window_changes(photo):
    studio = photo
    shared = studio.compare.viewport
    assert shared.fitted
    width, height = studio.after.device_size()
    picture = studio.document.picture
    assert shared.zoom == pytest.approx(min(width / picture.width, height / picture.height) * 0.98)
    assert (shared.x, shared.y) == (picture.width / 2, picture.height / 2)
    before = shared.zoom
    studio.window.resize(1000, 700)
    studio.until(lambda: shared.zoom != before)
    studio.finish()
    width, height = studio.after.device_size()
    assert shared.zoom == pytest.approx(min(width / picture.width, height / picture.height) * 0.98)


def test_zoom_and_pan_stay_put_when_recipe_and_result_change(photo):
    studio = photo
    studio.compare.viewport.set(40.25, 30.75, 5.5)
    studio.finish()
    kept, drawn = view(studio), ranges(studio.after)
    studio.type_into(studio.row("sigma_x").spin, "4")
    assert view(studio) == kept
    studio.finish()
    studio.choose_method("nlm")
    studio.slide(studio.row("strength").slider, 100, 400)
    studio.window.regions_panel.add_box()
    studio.finish()
    studio.action("undo").trigger()
    studio.action("theme").trigger()
    studio.action("theme").trigger()
    for mode in ("wipe", "difference", "side"):
        studio.action(mode).trigger()
        studio.finish()
    assert view(studio) == kept
    assert ranges(studio.after) == drawn
    studio.window.resize(1100, 760)
    studio.finish()
    assert view(studio) == kept


def test_wheel_zoom_keeps_the_point_under_the_cursor(photo):
    studio = photo
    for place, delta in ((QPoint(60, 90), 120), (QPoint(300, 200), 360), (QPoint(120, 400), -240)):
        point = studio.after.to_picture(place)
        zoom = studio.compare.viewport.zoom
        studio.wheel(studio.after, place, delta)
        assert studio.compare.viewport.zoom == pytest.approx(zoom * 2 ** (delta / 480))
        assert on_screen(studio.after, point.x(), point.y()) == pytest.approx(
            (place.x(), place.y()), abs=0.01
        )
        again = studio.after.to_picture(place)
        assert (again.x(), again.y()) == pytest.approx((point.x(), point.y()), abs=1e-6)


def test_what_the_mouse_thinks_is_what_is_drawn(photo):
    """`to_picture` and pyqtgraph agree on where every picture point is, in both panes."""
    studio = photo
    for spot in ((60.0, 40.0, 3.0), (10.5, 70.25, 12.0), (60.0, 40.0, 0.5)):
        studio.compare.viewport.set(*spot)
        studio.finish()
        for pane in studio.compare.panes:
            for place in (QPoint(0, 0), QPoint(100, 50), QPoint(pane.width() - 1, pane.height() - 1)):
                point = pane.to_picture(place)
                found = on_screen(pane, point.x(), point.y())
                assert found == pytest.approx((place.x(), place.y()), abs=0.01)


def test_one_to_one_is_one_picture_pixel_on_one_screen_pixel(ct):
    ct.action("one-to-one").trigger()
    ct.finish()
    assert ct.compare.viewport.zoom == 1.0
    assert ct.window.zoom_label.text() == "100 %"
    x0, y0 = on_screen(ct.after, 100, 100)
    x1, y1 = on_screen(ct.after, 200, 300)
    assert (x1 - x0, y1 - y0) == pytest.approx((100, 200), abs=0.01)
    ct.action("fit").trigger()
    assert ct.compare.viewport.fitted
    ct.qtbot.mouseClick(ct.window.zoom_label, Qt.MouseButton.LeftButton)
    assert ct.compare.viewport.zoom == 1.0


def grabbed(pane):
    """The grey values that are on the screen, by viewport pixel."""
    image = pane.viewport().grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].copy()


def test_at_one_to_one_the_screen_shows_those_bytes_and_the_cursor_reads_them(ct):
    """From the array to the screen without one resampled pixel, and the read-out tells what is there."""
    ct.action("one-to-one").trigger()
    ct.compare.viewport.set(256.0, 256.0, 1.0)
    ct.finish()
    for pane, picture in ((ct.before, ct.document.picture), (ct.after, ct.shown())):
        screen = grabbed(pane)
        bytes_ = show(picture, picture.pixels, ct.document.levels)
        hovered = []
        ct.compare.hovered.connect(hovered.append)
        place = QPoint(130, 150)
        ct.move(pane.viewport(), place)
        ct.compare.hovered.disconnect(hovered.append)
        x, y = int(hovered[-1].x() // 1), int(hovered[-1].y() // 1)
        # Right of and below the mark that the other pane shows where this one is hovered.
        assert np.array_equal(screen[170:350, 150:330], bytes_[y + 20 : y + 200, x + 20 : x + 200])
        assert f"x {x}  y {y} " in ct.window.status.under_cursor.text()


def test_keys_zoom_and_fit(photo):
    zoom = photo.compare.viewport.zoom
    photo.key(Qt.Key.Key_Plus)
    assert photo.compare.viewport.zoom == pytest.approx(zoom * 1.25)
    photo.key(Qt.Key.Key_Minus)
    assert photo.compare.viewport.zoom == pytest.approx(zoom)
    photo.key(Qt.Key.Key_Z)
    assert photo.compare.viewport.zoom == 1.0
    photo.key(Qt.Key.Key_F)
    assert photo.compare.viewport.fitted


def test_both_panes_show_the_same_part(photo):
    assert centre_and_scale(photo.before) == pytest.approx(centre_and_scale(photo.after))
    photo.drag(photo.before, (60, 40), (80, 50))
    photo.wheel(photo.after, QPoint(100, 100), 240)
    assert centre_and_scale(photo.before) == pytest.approx(centre_and_scale(photo.after))
    assert abs(photo.before.width() - photo.after.width()) <= 1
    assert photo.before.height() == photo.after.height()


def test_left_drag_pans_a_photograph_and_the_point_stays_under_the_hand(photo):
    levels = photo.document.levels
    start = photo.at(photo.after, 60, 40)
    photo.drag_pixels(photo.after, start, start + QPoint(40, -25))
    point = photo.after.to_picture(start + QPoint(40, -25))
    assert (point.x(), point.y()) == pytest.approx((60, 40), abs=0.5)
    assert photo.document.levels == levels
    assert not photo.action("undo").isEnabled()


def test_left_drag_sets_window_and_level_of_a_scan(ct):
    kept, levels = view(ct), ct.document.levels
    start = ct.at(ct.after, 250, 250)
    ct.drag_pixels(ct.after, start, start + QPoint(50, 0))
    wider = ct.document.levels
    assert wider.width > levels.width
    assert wider.level == pytest.approx(levels.level)
    ct.drag_pixels(ct.before, start, start + QPoint(0, 40))
    moved = ct.document.levels
    assert moved.level > wider.level
    assert moved.width == pytest.approx(wider.width)
    assert view(ct) == kept
    assert ct.window.levels_bar.width_box.value() == pytest.approx(moved.width, abs=0.51)
    assert ct.window.histogram_panel.band.getRegion() == pytest.approx((moved.low, moved.high))
    assert not ct.action("undo").isEnabled()


@pytest.mark.parametrize(
    ("button", "keys"),
    [
        (Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ],
    ids=["middle", "shift"],
)
def test_scans_pan_with_the_middle_button_or_shift(ct, button, keys):
    levels = ct.document.levels
    start = ct.at(ct.after, 250, 250)
    ct.drag_pixels(ct.after, start, start + QPoint(30, 20), button=button, keys=keys)
    point = ct.after.to_picture(start + QPoint(30, 20))
    assert (point.x(), point.y()) == pytest.approx((250, 250), abs=0.5)
    assert ct.document.levels == levels


def test_right_drag_zooms_at_the_point_pressed_and_opens_no_menu(photo):
    start = photo.at(photo.after, 30, 30)
    zoom = photo.compare.viewport.zoom
    photo.drag_pixels(photo.after, start, start + QPoint(0, -60), button=Qt.MouseButton.RightButton)
    assert photo.compare.viewport.zoom == pytest.approx(zoom * 2**0.6)
    point = photo.after.to_picture(start)
    assert (point.x(), point.y()) == pytest.approx((30, 30), abs=0.5)
    assert QApplication.activePopupWidget() is None


def test_a_right_click_opens_the_menu_of_the_picture(photo):
    place = photo.at(photo.after, 30, 30)
    photo.qtbot.mouseClick(photo.after.viewport(), Qt.MouseButton.RightButton, pos=place)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    assert photo.action("fit") in menu.actions()
    menu.close()


def test_ctrl_drag_takes_levels_from_the_box(ct):
    ct.drag(ct.after, (200, 200), (260, 260), keys=Qt.KeyboardModifier.ControlModifier)
    box = ct.document.picture.pixels[0, 200:261, 200:261]
    low, high = np.percentile(box, (0.5, 99.5))
    assert ct.document.levels.low == pytest.approx(low, abs=40)
    assert ct.document.levels.high == pytest.approx(high, abs=40)
    assert not any(rubber.isVisible() for rubber in ct.compare.rubbers)


def test_the_rubber_box_of_ctrl_drag_is_seen_in_the_pane_under_the_mouse(ct):
    for mode, pane in (("side", ct.before), ("side", ct.after), ("wipe", ct.after)):
        ct.action(mode).trigger()
        seen = []

        def look(pane=pane, seen=seen):
            rubber = next(r for r in ct.compare.rubbers if r.scene() is pane.scene())
            seen.append(rubber.isVisible())

        ct.drag(pane, (200, 200), (260, 260), keys=Qt.KeyboardModifier.ControlModifier, during=look)
        assert seen == [True], mode


def test_presets_boxes_and_reset_of_the_window(ct):
    bar = ct.window.levels_bar
    first = ct.document.levels
    lung = next(i for i in range(bar.presets.count()) if bar.presets.itemText(i).startswith("Lung  "))
    choose(bar.presets, lung)
    assert (ct.document.levels.width, ct.document.levels.level) == (1500, -600)
    ct.type_into(bar.width_box, "300")
    ct.type_into(bar.level_box, "20")
    assert (ct.document.levels.low, ct.document.levels.high) == (-130, 170)
    assert bar.presets.currentIndex() == -1
    ct.type_into(bar.width_box, "-5")
    assert ct.document.levels.width > 0
    ct.action("reset-levels").trigger()
    assert ct.document.levels == first
    ct.key(Qt.Key.Key_2, ct.after)
    assert (ct.document.levels.width, ct.document.levels.level) == bar.presets.itemData(1)
    ct.action("auto-levels").trigger()
    ct.action("invert").trigger()
    assert ct.document.levels.invert
    ct.action("reset-levels").trigger()
    assert not ct.action("invert").isChecked()
    assert not ct.action("undo").isEnabled()  # looking is no edit


def test_exposure_is_for_photographs_and_windows_for_scans(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    bar = studio_window.window.levels_bar
    assert bar.exposure.isVisible()
    assert not bar.width_box.isVisible()
    before, _ = image_of(studio_window.after.image)
    bar.exposure.setValue(1.0)
    studio_window.finish()
    brighter, _ = image_of(studio_window.after.image)
    assert brighter.mean() > before.mean()
    studio_window.open(CT)
    assert not bar.exposure.isVisible()
    assert bar.width_box.isVisible()


def test_the_band_of_the_histogram_sets_the_levels(ct):
    panel = ct.window.histogram_panel
    panel.band.setRegion((-200.0, 300.0))
    assert (ct.document.levels.low, ct.document.levels.high) == pytest.approx((-200, 300))
    ct.action("histogram").trigger()
    assert not panel.isVisible()
    ct.action("histogram").trigger()
    assert panel.isVisible()


def test_wipe_shows_before_on_the_left_of_a_line_that_can_be_dragged(photo):
    photo.type_into(photo.row("sigma_x").spin, "6")
    photo.action("wipe").trigger()
    photo.finish()
    compare = photo.compare
    assert not photo.before.isVisible()
    assert compare.divider.isVisible()
    assert compare.divider.value() == pytest.approx(60, abs=1)
    assert photo.after.clip.rect().left() == pytest.approx(compare.divider.value())
    assert photo.after.clip.flags() & photo.after.clip.GraphicsItemFlag.ItemClipsChildrenToShape
    photo.drag(photo.after, (compare.divider.value(), 40), (90, 40), steps=8)
    assert compare.divider.value() == pytest.approx(90, abs=1.5)
    assert photo.after.clip.rect().left() == pytest.approx(compare.divider.value())
    line_at = on_screen(photo.after, compare.divider.value(), 0)[0]
    photo.wheel(photo.after, QPoint(50, 50), 240)  # the line stays where it is on the screen
    assert on_screen(photo.after, compare.divider.value(), 0)[0] == pytest.approx(line_at, abs=1.5)
    under, _ = image_of(photo.after.under)
    over, _ = image_of(photo.after.image)
    assert not np.array_equal(under, over)
    photo.action("side").trigger()
    assert photo.before.isVisible()
    assert not compare.divider.isVisible()


def test_difference_mode_names_its_scale(ct):
    ct.action("difference").trigger()
    ct.finish()
    assert ct.compare.colour_bar.isVisible()
    assert ct.compare.colour_bar.unit == "HU"
    assert ct.after.title.text() == "After − before"
    image, _ = image_of(ct.after.image)
    assert image.ndim == 3
    ct.choose_method("identity")
    ct.finish()
    image, _ = image_of(ct.after.image)
    assert (image == image[0, 0]).all()  # nothing was changed: one neutral grey
    assert np.ptp(image[0, 0].astype(int)) <= 1  # without a tint that could be seen


def test_the_original_is_shown_while_the_key_is_held(photo):
    for mode in Mode:
        hold_and_look(photo, mode)


def hold_and_look(photo, mode):
    photo.action(mode.value).trigger()
    photo.finish()
    key, window = Qt.Key.Key_O, photo.window
    label = photo.after.title.text()
    QTest.keyPress(window, key)
    assert photo.compare.holding
    assert not photo.after.image.isVisible()
    assert photo.after.under.isVisible()
    assert "Before" in photo.after.title.text()
    for _ in range(3):  # the system repeats a held key
        QApplication.sendEvent(window, QKeyEvent(QEvent.Type.KeyRelease, key, no_keys(), "o", True))
        QApplication.sendEvent(window, QKeyEvent(QEvent.Type.KeyPress, key, no_keys(), "o", True))
    assert photo.compare.holding
    QTest.keyRelease(window, key)
    assert not photo.compare.holding
    assert photo.after.image.isVisible()
    assert photo.after.title.text() == label


def no_keys():
    return Qt.KeyboardModifier.NoModifier


def test_the_original_is_shown_while_the_button_is_held(photo):
    button = photo.window.hold_button
    photo.qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    assert not photo.after.image.isVisible()
    photo.qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert photo.after.image.isVisible()


def test_holding_ends_when_the_window_loses_the_keyboard(photo):
    """Alt+Tab with the key down: its release goes to another program."""
    QTest.keyPress(photo.window, Qt.Key.Key_O)
    assert photo.compare.holding
    QApplication.sendEvent(photo.window, QFocusEvent(QEvent.Type.FocusOut))
    QApplication.sendEvent(photo.window, QEvent(QEvent.Type.WindowDeactivate))
    assert not photo.compare.holding
    assert photo.after.image.isVisible()
    QTest.keyRelease(photo.window, Qt.Key.Key_O)


def test_holding_survives_no_change_of_mode_or_picture(photo, tmp_path):
    QTest.keyPress(photo.window, Qt.Key.Key_O)
    photo.action("difference").trigger()
    QTest.keyRelease(photo.window, Qt.Key.Key_O)
    assert photo.after.image.isVisible()
    assert photo.after.title.text() == "After − before"


def test_the_letter_o_can_be_typed_into_a_name(photo):
    photo.window.regions_panel.add_box()
    table = photo.window.regions_panel.table
    table.editItem(table.item(0, 0))
    editor = photo.window.focusWidget()
    QTest.keyPress(editor, Qt.Key.Key_O)
    assert not photo.compare.holding
    QTest.keyRelease(editor, Qt.Key.Key_O)
    photo.key(Qt.Key.Key_Escape, editor)


def test_a_double_click_makes_one_pane_large_and_back(photo):
    place = photo.at(photo.before, 60, 40)
    photo.qtbot.mouseDClick(photo.before.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not photo.after.isVisible()
    photo.finish()
    width, height = photo.before.device_size()
    picture = photo.document.picture
    wanted = min(width / picture.width, height / picture.height) * 0.98
    assert photo.compare.viewport.zoom == pytest.approx(wanted)
    place = photo.at(photo.before, 60, 40)
    photo.qtbot.mouseDClick(photo.before.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert photo.after.isVisible()
    photo.finish()


def test_the_view_of_each_picture_is_kept(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    studio.compare.viewport.set(30.0, 20.0, 4.0)
    studio.open(small_photo(tmp_path / "b.png", 60, 60))
    studio.compare.viewport.set(10.0, 12.0, 7.0)
    studio.window.show_index(0)
    assert view(studio) == (30.0, 20.0, 4.0)
    studio.window.show_index(1)
    assert view(studio) == (10.0, 12.0, 7.0)
    studio.finish()


def test_a_fitted_picture_is_still_fitted_after_a_visit_elsewhere(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"), small_photo(tmp_path / "b.png", 60, 60))
    studio.window.show_index(0)
    studio.finish()
    studio.window.resize(1000, 640)
    studio.finish()
    width, height = studio.after.device_size()
    assert studio.compare.viewport.zoom == pytest.approx(min(width / 120, height / 80) * 0.98)


def test_scrolling_the_side_panel_changes_no_parameter(photo):
    """The wheel over a control that does not have the keyboard scrolls; it is no edit."""
    window = photo.window
    window.regions_panel.add_box()
    photo.action("undo").trigger()
    first = photo.recipe
    panel = window.method_panel
    window.setFocus()
    for widget in (photo.row("sigma_x").spin, photo.row("sigma_x").slider, panel.methods):
        place = widget.rect().center()
        photo.wheel(_Bare(widget), place, -120)
    assert photo.recipe == first


class _Bare:
    """A plain widget where `wheel` expects a pane."""

    def __init__(self, widget):
        self._widget = widget

    def viewport(self):
        return self._widget


def test_looking_changes_nothing_of_the_result(studio_window):
    studio = studio_window
    studio.open(PHOTO)
    before, recipe = studio.shown().pixels, studio.recipe
    for name in (
        "wipe",
        "difference",
        "side",
        "one-to-one",
        "zoom-in",
        "zoom-out",
        "auto-levels",
        "invert",
        "fit",
    ):
        studio.action(name).trigger()
        studio.finish()
    assert studio.recipe == recipe
    assert np.array_equal(studio.shown().pixels, before)
