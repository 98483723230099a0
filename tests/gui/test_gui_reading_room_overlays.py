"""What lies over the pictures: corners, letters, scale, pins, distances, probe; and the lecture."""

import dataclasses
import math

import numpy as np
import pytest
from driving import small_photo
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel, QWidget
from series_builders import write_series

from denoise_studio.core.picture import Picture, Scale, Source
from denoise_studio.core.plane import Plane
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.display import Levels
from denoise_studio.formats import open_picture
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.corner_texts import corner_texts, scan_lines, slice_lines, window_text
from denoise_studio.gui.views.ruler import Distance, bars, length_text, scale_bar
from denoise_studio.gui.views.viewport import Turn


@pytest.fixture
def ct(studio_window, tmp_path):
    (path,) = write_series(tmp_path / "ct", 1, size=120, Exposure=85, ConvolutionKernel="B30f")
    studio_window.window.add_document(Document(open_picture(path), Recipe("bilateral")))
    studio_window.finish()
    return studio_window


def notes(studio, pane=None):
    return studio.window.reading_room.sheets[pane or studio.after].notes


def inked(sheet):
    """How many pixels of a sheet are drawn on."""
    sheet.moved()
    image = sheet.grab().toImage()
    bits = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return int((bits[..., 0] > 200).sum())


# The scale


def test_the_scale_is_the_longest_round_length_that_fits():
    for mm_per_pixel in np.geomspace(1e-4, 20, 300):
        for longest in (60.0, 131.7, 400.0):
            bar = scale_bar(float(mm_per_pixel), longest)
            assert bar.pixels <= longest * (1 + 1e-6)
            assert bar.pixels > longest / 2.5 * (
                1 - 1e-6
            )  # the next one, 2 or 2.5 times as long, does not fit
            assert bar.pixels * mm_per_pixel == pytest.approx(bar.millimetres)
            mantissa = bar.millimetres / 10 ** math.floor(math.log10(bar.millimetres) + 1e-9)
            assert round(mantissa, 9) in (1, 2, 5)
    assert scale_bar(1.0, 100).label == "10 cm"
    assert scale_bar(1.0, 99).label == "5 cm"
    assert [length_text(mm) for mm in (0.05, 0.5, 5, 20, 2000)] == ["50 µm", "0.5 mm", "5 mm", "2 cm", "2 m"]


def test_pixels_that_are_no_squares_have_a_scale_in_each_direction():
    level, upright = bars((0.8, 0.4), False, 2.0, 150)
    assert (level.millimetres / level.pixels, upright.millimetres / upright.pixels) == pytest.approx(
        (0.2, 0.4)
    )
    level, upright = bars((0.8, 0.4), True, 2.0, 150)  # turned by a quarter
    assert (level.millimetres / level.pixels, upright.millimetres / upright.pixels) == pytest.approx(
        (0.4, 0.2)
    )
    assert bars((0.7, 0.7001), False, 1.0, 150)[1] is None


def test_distances_are_in_mm_along_both_spacings_else_in_pixels():
    picture = Picture(np.zeros((1, 9, 9), np.float32), spacing=(2.0, 0.5))
    assert Distance((0, 0), (8, 0)).text(picture) == "4.0 mm"
    assert Distance((0, 0), (0, 8)).text(picture) == "16.0 mm"
    assert Distance((1, 1), (7, 3)).text(picture) == "5.0 mm"  # 3 across, 4 down
    assert Distance((0, 0), (3, 4)).text(dataclasses.replace(picture, spacing=None)) == "5.0 px"


# The words


def test_corners_say_slice_scan_window_and_how_it_is_held(ct):
    texts = notes(ct).texts
    assert texts.slice == ("at −50.0 mm", "2 mm thick")
    assert texts.scan == ("120 kVp", "85 mAs", "B30f")
    assert texts.view[0] == "W 400   L 40"
    assert texts.edges == ("R", "L", "A", "P")
    ct.action("flip-across").trigger()
    ct.action("rotate-right").trigger()
    ct.action("invert").trigger()
    texts = notes(ct).texts
    assert texts.view[:3] == ("mirrored, turned 90°", "inverted", "W 400   L 40")
    assert texts.edges == ("P", "A", "L", "R")
    ct.compare.set_zoom(3.0)
    assert notes(ct).texts.view[-1] == notes(ct, ct.before).texts.view[-1] == "300 %"
    ct.action("difference").trigger()
    assert not any("W " in line for line in notes(ct).texts.view)  # it has a scale of its own
    assert any("W " in line for line in notes(ct, ct.before).texts.view)


def test_slices_of_a_series_are_counted(studio_window, tmp_path):
    write_series(tmp_path / "ct", 5, size=64)
    studio_window.window.files.open([tmp_path / "ct"])
    studio_window.until(lambda: studio_window.window.document is not None)
    studio_window.finish()
    assert notes(studio_window).texts.slice == ("Slice 3 of 5", "at −46.0 mm", "2 mm thick")
    studio_window.window.slices.step(1)
    studio_window.until(lambda: "Slice 4 of 5" in notes(studio_window).texts.slice)
    assert "at −44.0 mm" in notes(studio_window).texts.slice


def test_facts_that_are_missing_or_odd_leave_no_trace():
    picture = Picture(np.zeros((1, 4, 4), np.float32), scale=Scale.HU, unit="HU")
    assert slice_lines(picture) == ()
    assert scan_lines(picture.kind, {"tube voltage (kVp)": "", "exposure (mAs)": "much", "kernel": " "}) == ()
    assert scan_lines(picture.kind, {"tube current (mA)": 200}) == ("200 mA",)
    odd = dataclasses.replace(picture, source=Source("dicom", summary={"slice thickness (mm)": "thin"}))
    assert slice_lines(odd) == ()
    thick = Plane((0, 0, 3), (1, 0, 0), (0, 1, 0), 1.25)
    assert slice_lines(dataclasses.replace(picture, plane=thick)) == ("at 3.0 mm", "1.25 mm thick")
    assert window_text(picture, Levels.window(1500, -600)) == "W 1500   L −600"


def test_photographs_are_left_alone(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "a.png"))
    assert notes(studio_window).texts.words == ""
    studio_window.window.levels_bar.exposure.setValue(-0.5)
    assert notes(studio_window).texts.view == ("−0.50 EV",)


def test_no_word_over_the_pictures_names_the_patient(ct):
    ct.action("lecture").trigger()
    words = [label.text() for label in ct.window.findChildren(QLabel) if label.isVisible()]
    words += [
        ct.window.windowTitle(),
        *(sheet.accessibleDescription() for sheet in ct.compare.findChildren(QWidget)),
    ]
    assert not [text for text in words if "doe" in text.lower() or "4711" in text]
    picture = dataclasses.replace(ct.document.picture, name="DOE^JANE")
    assert "DOE" not in corner_texts(picture, ct.document.levels, Turn(), 1.0).words
    ct.key(Qt.Key.Key_Escape)


def test_one_key_hides_all_that_lies_over_the_pictures_and_it_stays_so(make_window, tmp_path):
    (path,) = write_series(tmp_path / "ct", 1, size=120)
    first = make_window(tmp_path / "s")
    first.open(path)
    sheet = first.window.reading_room.sheets[first.after]
    drawn = inked(sheet)
    assert drawn > 100
    assert sheet.accessibleDescription()
    first.action("scale-bar").trigger()
    assert inked(sheet) < drawn
    first.action("scale-bar").trigger()
    first.key(Qt.Key.Key_Q)
    assert inked(sheet) == 0
    assert sheet.accessibleDescription() == ""
    second = make_window(tmp_path / "s", tmp_path / "auto2")
    second.open(path)
    assert not second.action("corners").isChecked()
    assert inked(second.window.reading_room.sheets[second.after]) == 0
    second.action("corners").trigger()
    assert inked(second.window.reading_room.sheets[second.after]) == drawn


def test_the_scale_goes_with_the_spacing_and_the_zoom(ct):
    sheet = ct.window.reading_room.sheets[ct.after]
    with_scale = inked(sheet)
    ct.compare.set_zoom(ct.compare.viewport.zoom * 1.3)
    assert inked(sheet) != with_scale
    ct.action("fit").trigger()
    assert inked(sheet) == with_scale
    bare = dataclasses.replace(ct.document.picture, spacing=None)
    ct.window.add_document(Document(bare))
    ct.finish()
    no_spacing = inked(sheet)
    assert no_spacing < with_scale
    ct.action("scale-bar").trigger()
    assert inked(sheet) == no_spacing  # there was none to hide
    ct.action("scale-bar").trigger()


def test_texts_give_way_to_a_colour_bar(ct):
    sheet = ct.window.reading_room.sheets[ct.before]
    low = sheet._floor()
    ct.window.overlay.choose("how-much-changed")
    ct.until(lambda: any(bar.isVisible() for bar in ct.before.findChildren(ColourBar)))
    bar = next(bar for bar in ct.before.findChildren(ColourBar) if bar.isVisible())
    assert sheet._floor() < bar.y() < low
    ct.window.overlay.choose("")
    ct.finish()
    assert sheet._floor() == low


# Pins, probe and distances


def test_pins_read_what_is_there_before_and_after(ct):
    studio = ct
    place = studio.at(studio.after, 40.5, 60.5)
    studio.move(studio.after.viewport(), place)
    studio.key(Qt.Key.Key_Y)
    ((pin, text),) = notes(studio).pins
    assert pin == (40, 60)
    before = studio.document.picture.pixels[0, 60, 40]
    after = studio.shown().pixels[0, 60, 40]
    assert text == f"{before:.1f} → {after:.1f} HU".replace("-", "−")
    studio.slide(studio.row("strength").slider, 500, 0)
    studio.finish()
    ((_, text),) = notes(studio).pins
    assert text == f"{before:.1f} → {before:.1f} HU".replace("-", "−")
    assert notes(studio, studio.before).pins == notes(studio).pins
    studio.key(Qt.Key.Key_Y)
    assert notes(studio).pins == ()
    studio.action("pin").trigger()
    studio.action("clear-marks").trigger()
    assert notes(studio).pins == ()


def test_pins_belong_to_a_picture_and_need_a_pixel(ct, tmp_path):
    first = ct.document
    ct.window.reading_room.marks.pin(QPointF(10.9, 20.2))
    assert notes(ct).pins[0][0] == (10, 20)
    assert not ct.window.reading_room.marks.pin(QPointF(-0.5, 20))
    ct.open(small_photo(tmp_path / "a.png"))
    assert notes(ct).pins == ()
    ct.action("pin").trigger()
    assert "Point at a pixel" in ct.window.status.under_cursor.text()
    ct.window.show_document(first)
    assert notes(ct).pins[0][0] == (10, 20)


def test_the_probe_follows_the_cursor_in_the_pane_under_it(ct):
    assert notes(ct).probe is None
    ct.action("probe").trigger()
    ct.action("rotate-left").trigger()
    ct.finish()
    ct.move(ct.before.viewport(), ct.at(ct.before, 30.5, 70.5))
    point, text = notes(ct, ct.before).probe
    assert (int(point.x()), int(point.y())) == (30, 70)
    assert text in ct.window.status.under_cursor.text()
    assert notes(ct).probe is None
    ct.compare.hovered.emit(None)
    ct.before.hovered.emit(None)
    assert notes(ct, ct.before).probe is None


def test_a_distance_is_drawn_with_the_mouse_and_read_in_mm(ct):
    for name in ("flip-upright", "rotate-right"):
        ct.action(name).trigger()
    ct.finish()
    ct.key(Qt.Key.Key_Q)
    ct.action("tool-measure").trigger()
    ct.drag(ct.after, (20, 30), (50, 70))
    (distance,) = notes(ct).distances
    assert distance.start == pytest.approx((20, 30), abs=0.2)
    assert distance.end == pytest.approx((50, 70), abs=0.2)
    assert float(distance.text(ct.document.picture).removesuffix(" mm")) == pytest.approx(50 * 0.7, abs=0.2)
    assert not ct.recipe.regions
    assert ct.window.tools.tool == "navigate"
    assert notes(ct).shown  # what is drawn now shall be seen
    assert notes(ct, ct.before).distances == (distance,)
    ct.action("tool-measure").trigger()
    ct.click(ct.after, 60, 60)  # a slip of the hand
    ct.action("clear-marks").trigger()
    assert notes(ct).distances == ()
    assert not ct.action("undo").isEnabled()


def test_marks_are_drawn_where_they_are_in_the_picture(ct):
    """A pin's cross is around its pixel on the screen, in a turned view too."""
    room = ct.window.reading_room
    for name in ("corners", "rotate-right"):
        ct.action(name).trigger()
    ct.finish()
    sheet = room.sheets[ct.after]
    empty = inked(sheet)
    ct.action("corners").trigger()
    room.marks.pin(QPointF(100, 20))
    ct.finish()
    image = sheet.grab().toImage()
    place = ct.at(ct.after, 100.5, 20.5)
    for way in (QPoint(4, 0), QPoint(-4, 0), QPoint(0, 4), QPoint(0, -4)):
        spots = [
            image.pixelColor(place + way + QPoint(dx, dy)).red() for dx in (-1, 0, 1) for dy in (-1, 0, 1)
        ]
        assert max(spots) > 150
    assert empty == 0


# The lecture


def test_a_lecture_shows_the_pictures_alone_and_leaves_everything_as_it_was(ct, tmp_path):
    window = ct.window
    around = (window.menuBar(), window.tool_bar, window.status, window.lower_area)
    ct.key(Qt.Key.Key_F11)
    ct.finish()
    assert window.isFullScreen()
    assert not any(widget.isVisible() for widget in around)
    assert window.compare.width() == window.width()
    assert notes(ct).large == 2.0
    assert notes(ct).notice == "Not for diagnosis"
    assert ct.after.title.height() > 30
    ct.key(Qt.Key.Key_3)
    assert (ct.document.levels.width, ct.document.levels.level) == (1500, -600)
    assert "W 1500   L −600" in notes(ct).texts.view
    ct.key(Qt.Key.Key_W)
    assert not ct.before.isVisible()
    sheet = window.reading_room.sheets[ct.after]
    ct.key(Qt.Key.Key_Q)
    assert inked(sheet) > 50  # the window's numbers stay: nothing else shows them now
    ct.key(Qt.Key.Key_Q)
    ct.open(small_photo(tmp_path / "a.png"))  # the list of pictures would come
    assert not window.pictures_panel.isVisible()
    assert not any(widget.isVisible() for widget in around)
    ct.key(Qt.Key.Key_Escape)
    ct.finish()
    assert not window.isFullScreen()
    assert all(widget.isVisible() for widget in around)
    assert window.pictures_panel.isVisible()
    assert notes(ct).large == 1.0
    assert notes(ct).notice == ""
    assert ct.after.title.height() < 30
    assert not ct.action("lecture").isChecked()


def test_a_lecture_ends_with_the_last_picture_and_folded_panels_stay_folded(ct):
    window = ct.window
    ct.action("histogram").trigger()
    assert not window.lower_area.isVisible()
    ct.action("lecture").trigger()
    ct.action("lecture").trigger()
    assert not window.lower_area.isVisible()
    assert not window.isFullScreen()
    ct.action("lecture").trigger()
    window.close_document(ct.document)
    assert not window.reading_room.lecture.on
    assert window.menuBar().isVisible()
    ct.window.carry_out.slot("lecture")()
    assert not window.isFullScreen()
