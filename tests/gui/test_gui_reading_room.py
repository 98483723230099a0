"""A picture that is turned and mirrored: every coordinate stays one of the picture."""

import itertools

import numpy as np
import pytest
from driving import CT, small_floats, small_photo
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QImage

from denoise_studio.core.plane import Plane
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.engine.display import show
from denoise_studio.formats import open_picture
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.corner_texts import edge_letters, turn_text
from denoise_studio.gui.views.viewport import Turn, Viewport

TURNS = [Turn(quarters, flipped) for quarters in range(4) for flipped in (False, True)]
STEPS = {
    "rotate-right": lambda screen: np.rot90(screen, -1),
    "rotate-left": lambda screen: np.rot90(screen, 1),
    "flip-across": np.fliplr,
    "flip-upright": np.flipud,
}
"""What each action does to what is seen, as numpy has it."""


def seen(array, turn):
    """A picture's array as it is held."""
    return np.rot90(np.fliplr(array) if turn.flipped else array, -turn.quarters)


@pytest.mark.parametrize("turn", TURNS)
def test_vectors_go_where_numpy_puts_pixels_and_come_back(turn):
    picture = np.arange(35).reshape(5, 7)
    screen = seen(picture, turn)
    middle, centre = (np.array(screen.shape) - 1) / 2, (np.array(picture.shape) - 1) / 2
    for y, x in itertools.product(range(5), range(7)):
        dx, dy = turn.to_screen(x - centre[1], y - centre[0])
        assert screen[round(middle[0] + dy), round(middle[1] + dx)] == picture[y, x]
        assert turn.to_picture(dx, dy) == (x - centre[1], y - centre[0])


@pytest.mark.parametrize("turn", TURNS)
def test_turning_and_flipping_do_to_the_screen_what_they_say(turn):
    picture = np.arange(35).reshape(5, 7)
    for action, after in (
        ("rotate-right", turn.turned(1)),
        ("rotate-left", turn.turned(-1)),
        ("flip-across", turn.mirrored()),
        ("flip-upright", turn.upended()),
    ):
        assert np.array_equal(seen(picture, after), STEPS[action](seen(picture, turn))), action


def test_the_viewport_zooms_and_pans_the_same_whichever_way_it_is_turned():
    for turn in TURNS:
        view = Viewport()
        view.set(30, 20, 2.0, turn=turn)
        place = QPointF(70, 45)
        point = view.to_picture(place, 200, 100, 1.5)
        view.zoom_at(3.0, point.x(), point.y())
        again = view.from_picture(point, 200, 100, 1.5)
        assert (again.x(), again.y()) == pytest.approx((70, 45))
        view.pan_screen(12, -8)
        moved = view.from_picture(point, 200, 100, 1.5)
        assert (moved.x(), moved.y()) == pytest.approx((70 + 12 / 1.5, 45 - 8 / 1.5))


def test_letters_follow_the_patient():
    axial = Plane((0, 0, 0), (1, 0, 0), (0, 1, 0))
    assert edge_letters(axial, Turn()) == ("R", "L", "A", "P")
    assert edge_letters(axial, Turn().turned(1)) == ("P", "A", "R", "L")
    assert edge_letters(axial, Turn().turned(2)) == ("L", "R", "P", "A")
    assert edge_letters(axial, Turn().mirrored()) == ("L", "R", "A", "P")
    assert edge_letters(axial, Turn().upended()) == ("R", "L", "P", "A")
    sagittal = Plane((0, 0, 0), (0, 1, 0), (0, 0, -1))
    assert edge_letters(sagittal, Turn().turned(-1)) == ("H", "F", "P", "A")
    for turn in TURNS:
        letters = np.full((3, 3), "?")
        letters[1, 0], letters[1, 2], letters[0, 1], letters[2, 1] = "R", "L", "A", "P"
        screen = seen(letters, turn)
        assert edge_letters(axial, turn) == (screen[1, 0], screen[1, 2], screen[0, 1], screen[2, 1])
    assert turn_text(Turn()) == ""
    assert turn_text(Turn(1, True)) == "mirrored, turned 90°"


# In the window


@pytest.fixture
def ct(studio_window):
    studio_window.window.add_document(Document(open_picture(CT), Recipe("identity")))
    return studio_window


@pytest.fixture
def floats(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "a.npy"))
    return studio_window


def hold(studio, turn):
    studio.compare.turn(turn)
    studio.finish()


def grabbed(pane):
    image = pane.viewport().grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].copy()


def hovered(studio, pane, place):
    """The pixel that the window thinks is under a place."""
    points = []
    studio.compare.hovered.connect(points.append)
    studio.move(pane.viewport(), place)
    studio.compare.hovered.disconnect(points.append)
    return int(points[-1].x() // 1), int(points[-1].y() // 1)


def test_the_screen_shows_the_turned_bytes_and_the_cursor_reads_the_right_pixel(ct):
    """At 100 % not one pixel is resampled, and the pixel under the cursor is the one that is drawn there."""
    ct.finish()
    picture = ct.shown()
    bytes_ = show(picture, picture.pixels, ct.document.levels)
    for turn in TURNS:
        ct.compare.viewport.set(256.0, 256.0, 1.0)
        hold(ct, turn)
        for mark in ct.compare.marks:  # of the last hovering
            mark.setVisible(False)
        screen = grabbed(ct.after)
        place = QPoint(120, 140)
        x, y = hovered(ct, ct.after, place)
        assert f"x {x}  y {y} " in ct.window.status.under_cursor.text()
        # The turned picture, laid so that this pixel is under the cursor, is what is seen around it.
        marked = np.zeros(bytes_.shape, bool)
        marked[y, x] = True
        (row,), (column,) = np.nonzero(seen(marked, turn))
        wanted = seen(bytes_, turn)[row - 60 : row + 200, column - 60 : column + 200]
        assert np.array_equal(screen[80:340, 60:320], wanted), turn
        assert wanted.std() > 20  # there is something to be seen


def test_in_panes_of_any_size_the_pixel_that_is_read_is_the_one_that_is_drawn(studio_window, tmp_path):
    """In a pane of odd width every screen pixel's middle lies between two pixels of the picture at 100 %."""
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    studio.choose_method("identity")
    studio.action("wipe").trigger()
    for size in ((1280, 800), (1281, 801)):
        studio.window.resize(*size)
        for zoom, turn in itertools.product((1.0, 2.5), TURNS):
            studio.compare.viewport.set(60.0, 40.0, zoom)
            hold(studio, turn)
            image = studio.after.viewport().grab().toImage()
            drawn, middle = studio.after.under.image, image.rect().center()
            for dx, dy in itertools.product(range(-30, 31, 7), range(-30, 31, 7)):
                if abs(dx) > 4:  # there is the line
                    place = middle + QPoint(dx, dy)
                    point = studio.after.to_picture(QPointF(place) + QPointF(0.5, 0.5))
                    wanted = drawn[int(point.y() // 1), int(point.x() // 1)]
                    colour = image.pixelColor(place)
                    assert [colour.red(), colour.green(), colour.blue()] == list(wanted), (size, zoom, turn)


@pytest.mark.parametrize("turn", [Turn(1), Turn(2, True), Turn(3, True)])
def test_regions_drawn_and_dragged_in_a_turned_view_land_at_the_right_pixels(floats, turn):
    studio = floats
    hold(studio, turn)
    studio.action("tool-box").trigger()
    studio.drag(studio.after, (30, 20), (80, 55))
    (region,) = studio.recipe.regions
    assert region.shape == Box(30, 20, 80, 55)
    assert region.mask(studio.document.picture.rect)[37, 55] == 1
    studio.drag(studio.after, (50, 40), (60, 50), steps=8)  # its body
    x0, y0, x1, y1 = studio.recipe.regions[0].shape.extent()
    assert (x0, y0, x1, y1) == pytest.approx((40, 30, 90, 65), abs=0.5)
    studio.drag(studio.after, (x1, y1), (x1 + 20, y1 + 10), steps=8)  # a corner
    assert studio.recipe.regions[0].shape.extent() == pytest.approx((x0, y0, x1 + 20, y1 + 10), abs=0.6)
    studio.click(studio.after, 5, 5)
    assert studio.document.selected == -1
    studio.click(studio.before, 60, 50)
    assert studio.document.selected == 0


def test_painting_and_free_shapes_too(floats):
    hold(floats, Turn(1, True))
    floats.window.regions_panel.radius.setValue(5)
    floats.action("tool-brush").trigger()
    floats.drag(floats.after, (40, 30), (70, 30))
    mask = floats.recipe.regions[0].mask(floats.document.picture.rect)
    assert mask[30, 40:70].min() > 0.5
    assert mask[50, 40:70].max() == 0
    floats.action("tool-polygon").trigger()
    floats.drag(floats.after, (90, 20), (120, 20), (120, 60), (90, 60), steps=12)
    mask = floats.recipe.regions[1].mask(floats.document.picture.rect)
    assert mask[40, 105] == 1
    assert mask[40, 60] == 0


def test_the_wipe_divides_the_screen_whichever_way_the_picture_is_turned(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    studio.type_into(studio.row("sigma_x").spin, "6")
    studio.action("wipe").trigger()
    picture, compare = studio.document.picture, studio.compare
    for turn in TURNS:
        studio.compare.viewport.set(60.0, 40.0, 3.0)
        hold(studio, turn)
        line = compare.split
        start = QPoint(round(line), studio.after.height() // 2)
        studio.drag_pixels(studio.after, start, start + QPoint(30, 0), steps=6)
        studio.finish()
        assert compare.split == pytest.approx(line + 30, abs=1.5)
        before, after = (seen(p.pixels[0], turn) for p in (picture, studio.shown()))
        under = studio.after.under.image, studio.after.image.image
        shown = [seen(image[..., 0].astype(float), turn) for image in under]
        assert np.abs(shown[0] - before).max() <= 1
        assert np.abs(shown[1] - after).max() <= 1
        screen = studio.after.viewport().grab().toImage()
        for side, wanted in ((-12, shown[0]), (12, shown[1])):
            place = QPoint(round(compare.split) + side, start.y() + 20)
            x, y = hovered(studio, studio.after, place)
            marked = np.zeros(picture.pixels.shape[1:], bool)
            marked[y, x] = True
            (row,), (column,) = np.nonzero(seen(marked, turn))
            assert screen.pixelColor(place).red() == wanted[row, column], (turn, side)
        studio.drag_pixels(studio.after, start + QPoint(30, 0), start, steps=6)


def test_actions_turn_what_is_seen_and_the_whole_picture_stays_whole(floats):
    studio = floats
    recipe, shown = studio.recipe, studio.shown().pixels
    width, height = studio.after.device_size()
    now = Turn()
    for name in ("rotate-right", "flip-across", "rotate-left", "flip-upright", "rotate-right"):
        before = seen(np.arange(12).reshape(3, 4), now)
        studio.action(name).trigger()
        now = studio.compare.viewport.turn
        assert np.array_equal(seen(np.arange(12).reshape(3, 4), now), STEPS[name](before)), name
        wide, high = (90, 130) if now.across else (130, 90)
        assert studio.compare.viewport.zoom == pytest.approx(min(width / wide, height / high) * 0.98)
    assert now.across
    studio.compare.viewport.set(40, 30, 6.0)
    studio.action("rotate-right").trigger()
    assert studio.compare.viewport.remembered == (40, 30, 6.0)
    studio.action("reset-view").trigger()
    assert studio.compare.viewport.turn == Turn()
    assert studio.compare.viewport.fitted
    studio.finish()
    assert studio.recipe == recipe  # looking changes no pixel, and is no edit
    assert np.array_equal(studio.shown().pixels, shown)
    assert not studio.action("undo").isEnabled()


def test_panning_and_visible_part_follow_the_turn(floats):
    studio = floats
    studio.compare.viewport.set(65.0, 45.0, 8.0)
    for turn in (Turn(1), Turn(3, True)):
        hold(studio, turn)
        start = studio.at(studio.after, 60, 40)
        studio.drag_pixels(studio.after, start, start + QPoint(40, -24))
        point = studio.after.to_picture(start + QPoint(40, -24))
        assert (point.x(), point.y()) == pytest.approx((60, 40), abs=0.5)
        part = studio.after.visible_rect()
        pane = studio.after
        assert part.width == pytest.approx(pane.height() / 8, abs=4)
        assert part.height == pytest.approx(pane.width() / 8, abs=4)
        assert part.x <= studio.compare.viewport.x <= part.x1


def test_each_picture_keeps_its_turn_and_projects_keep_it_too(make_window, tmp_path):
    first = make_window()
    first.open(small_photo(tmp_path / "a.png"), small_photo(tmp_path / "b.png"))
    hold(first, Turn(3, True))
    first.window.show_index(0)
    assert first.compare.viewport.turn == Turn()
    first.window.show_index(1)
    assert first.compare.viewport.turn == Turn(3, True)
    assert first.compare.viewport.fitted
    path = tmp_path / "p.dstudio"
    first.window.files.save_project(path)
    first.files_done()
    second = make_window(tmp_path / "s2", tmp_path / "auto2")
    second.window.files.open([path])
    second.until(lambda: len(second.window.documents) == 2)
    second.finish()
    assert second.compare.viewport.turn == Turn(3, True)
    second.window.show_index(0)
    assert second.compare.viewport.turn == Turn()
