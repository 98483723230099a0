"""The inspector as a person meets it: patterns, pages, more of them, stopping, what is not current."""

import dataclasses

import numpy as np
import pytest
from driving import small_floats, small_photo
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from test_gui_access import controls, name_of

from denoise_studio.core.geometry import Rect
from denoise_studio.core.progress import Progress
from denoise_studio.engine.inspection import COUNT, Inspector
from denoise_studio.gui import theme
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.inspector_page import PER_PAGE, with_error
from denoise_studio.gui.views.pattern_tile import colours

AREA = Rect(40, 30, 24, 20)


@pytest.fixture
def studio(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "a.npy"))
    studio_window.choose_method("bilateral")
    studio_window.finish()
    return studio_window


def inspected(studio, rect=AREA):
    inspector = studio.window.inspector
    inspector.inspect(rect)
    assert inspector.is_running
    studio.until(lambda: not inspector.is_running)
    return inspector


def test_it_shows_what_the_engine_finds(studio):
    inspector = inspected(studio)
    document = studio.document
    engine = Inspector(document.picture, document.recipe, AREA)
    found = engine.find(COUNT, Progress())
    shown = inspector.look.found
    assert inspector.is_current
    assert shown.rect == AREA
    assert [one.share for one in shown.patterns] == pytest.approx([p.share for p in found.patterns], abs=1e-9)
    texts = [tile.words.text() for tile in inspector.parts.tiles]
    assert len(texts) == PER_PAGE
    for number, (text, one) in enumerate(zip(texts, found.patterns, strict=False), 1):
        assert text.startswith(f"{number} · ")
        assert f"{one.share:.0%}".replace("%", " %") in text
    tip = inspector.parts.tiles[0].toolTip()
    for part in ("Residual", "before", "after", f"{found.patterns[0].share:.4f}"):
        assert part in tip
    assert f"of {AREA.area}" in inspector.parts.freedom.text()
    assert "24 × 20 px at x 40, y 30" in inspector.parts.where.text()
    x, y = inspector.parts.plot.curve.getData()
    assert list(x) == list(range(1, COUNT + 1))
    assert list(y) == pytest.approx([100 * one.share for one in found.patterns])


def test_pages_turn_by_button_and_key(studio):
    inspector = inspected(studio)
    parts = inspector.parts

    def first():
        return parts.tiles[0].words.text().split(" · ")[0]

    assert (first(), parts.place.text()) == ("1", "1 to 8 of 16")
    assert not parts.previous.isEnabled()
    QTest.mouseClick(parts.next, Qt.MouseButton.LeftButton)
    assert (first(), parts.place.text()) == ("9", "9 to 16 of 16")
    assert list(parts.plot.page.getRegion()) == [8.5, 16.5]
    assert not parts.next.isEnabled()
    keys = Qt.Key
    for key, wanted in (
        (keys.Key_Right, "9"), (keys.Key_Left, "1"), (keys.Key_PageDown, "9"), (keys.Key_PageUp, "1"),
    ):  # fmt: skip
        QTest.keyClick(inspector, key)
        assert first() == wanted


def test_more_doubles_and_keeps_what_was_found(studio):
    inspector = inspected(studio)
    before = [one.share for one in inspector.look.found.patterns]
    runs = inspector.look.found.runs
    for wanted in (32, 64):
        QTest.mouseClick(inspector.parts.more, Qt.MouseButton.LeftButton)
        studio.until(lambda: not inspector.is_running)
        assert inspector.look.found.wanted == len(inspector.look.found.patterns) == wanted
        assert inspector.look.found.runs > runs
    assert not inspector.parts.more.isEnabled()
    after = [one.share for one in inspector.look.found.patterns]
    assert after[:6] == pytest.approx(before[:6], abs=0.02)
    assert inspector.pages == 8


def test_what_is_no_longer_current_is_greyed_and_comes_back_with_undo(studio):
    inspector = inspected(studio)
    parts = inspector.parts
    assert not parts.tiles[0].picture.is_faded
    studio.document.edit(studio.recipe.replace(strength=0.5), "strength")
    assert not inspector.is_current
    assert parts.tiles[0].picture.is_faded
    assert parts.before.is_faded
    assert not parts.plot.is_current
    assert not parts.more.isEnabled()
    assert (parts.button.isVisible(), parts.button.text()) == (True, "Inspect again")
    assert "recipe has changed" in parts.words.text()
    studio.document.undo_stack.undo()
    assert inspector.is_current
    assert not parts.tiles[0].picture.is_faded
    studio.document.undo_stack.redo()
    whole = [one.share for one in inspector.look.found.patterns]
    QTest.mouseClick(parts.button, Qt.MouseButton.LeftButton)
    studio.until(lambda: not inspector.is_running)
    assert inspector.is_current
    half = [one.share for one in inspector.look.found.patterns]
    assert half[:5] == pytest.approx([0.5 + 0.5 * share for share in whole[:5]], abs=0.02)


def test_another_picture_is_not_taken_for_this_one(studio, tmp_path):
    inspector = inspected(studio)
    studio.open(small_photo(tmp_path / "b.png"))
    assert not inspector.is_current
    assert inspector.parts.tiles[0].picture.is_faded
    assert "Another picture" in inspector.parts.words.text()
    studio.window.show_index(0)
    assert inspector.is_current
    studio.window.show_index(1)
    QTest.mouseClick(inspector.parts.button, Qt.MouseButton.LeftButton)
    studio.until(lambda: not inspector.is_running)
    assert inspector.look.found.before.shape[0] == 3
    assert inspector.look.of.picture is studio.document.picture
    studio.window.inspector.set_document(None)
    assert not inspector.isVisible()
    assert inspector.look is None


def test_stopping_and_going_on(slow, studio):
    """The slow method waits in its first run until it is let go."""
    studio.choose_method("slow-test")
    studio.finish()
    studio.document.edit(studio.recipe.with_parameter("amount", -1.0), "amount")
    assert slow.entered.wait(60)
    slow.entered.clear()
    inspector = studio.window.inspector
    inspector.inspect(AREA)
    parts = inspector.parts
    assert (parts.button.text(), parts.button.isVisible()) == ("Stop", True)
    assert parts.progress.isVisible()
    QTest.mouseClick(parts.button, Qt.MouseButton.LeftButton)
    assert not inspector.is_running
    assert parts.words.text() == "Stopped."
    assert parts.button.text() == "Inspect again"
    slow.release()
    studio.finish()
    assert inspector.look is None
    QTest.mouseClick(parts.button, Qt.MouseButton.LeftButton)
    studio.until(lambda: not inspector.is_running)
    assert inspector.look.found.is_complete
    assert [one.share for one in inspector.look.found.patterns] == pytest.approx([1.0] * COUNT, abs=1e-2)


def test_an_edit_ends_the_work_and_closing_does_too(studio):
    inspector = studio.window.inspector
    inspector.inspect(AREA)
    studio.document.edit(studio.recipe.replace(strength=0.7), "strength")
    assert not inspector.is_running
    studio.finish()
    assert not inspector.is_current
    inspector.inspect(AREA)
    QTest.keyClick(inspector, Qt.Key.Key_Escape)
    assert not inspector.isVisible()
    assert not inspector.is_running
    studio.finish()
    assert not inspector.look or not inspector.look.found.is_complete


def test_what_cannot_be_inspected_is_said(studio):
    picture = studio.document.picture
    padding = np.ones((picture.height, picture.width), bool)
    inspector = studio.window.inspector
    inspector.set_document(Document(dataclasses.replace(picture, padding=padding), studio.recipe))
    inspector.inspect(AREA)
    studio.until(lambda: not inspector.is_running)
    assert "only padding" in inspector.parts.words.text()
    assert inspector.parts.button.text() == "Inspect again"


def test_the_region_follows_the_levels(studio):
    inspector = inspected(studio)
    before = inspector.parts.before.image.copy()
    studio.action("invert").trigger()
    studio.until(lambda: inspector.parts.before.image != before)
    assert inspector.is_current


def test_nothing_moves_while_it_works(studio):
    inspector = studio.window.inspector
    inspector.inspect(AREA)
    QApplication.processEvents()
    parts = inspector.parts
    fixed = [parts.before, parts.after, parts.plot, parts.more, parts.next, parts.button, *parts.tiles]
    start = [(w.mapTo(inspector, w.rect().topLeft()), w.size()) for w in fixed]
    studio.until(lambda: not inspector.is_running)
    QApplication.processEvents()
    studio.document.edit(studio.recipe.replace(strength=0.5), "strength")
    QApplication.processEvents()
    assert [(w.mapTo(inspector, w.rect().topLeft()), w.size()) for w in fixed] == start


@pytest.fixture
def dark_again(studio_app):
    yield
    theme.apply(studio_app, "dark")


def test_both_themes(studio, dark_again):
    inspector = inspected(studio)
    grounds = []
    for name in ("light", "dark"):
        studio.window.set_theme(name)
        QApplication.processEvents()
        image = inspector.grab().toImage()
        grounds.append(image.pixelColor(4, image.height() - 4).name())
        plot = inspector.parts.plot.grab().toImage()
        assert plot.pixelColor(plot.width() - 6, plot.height() - 6).name() == theme.current().panel
    assert grounds == [theme.LIGHT.panel, theme.DARK.panel]


def test_every_control_has_a_name_and_a_tip(studio):
    inspector = inspected(studio)
    studio.document.edit(studio.recipe.replace(strength=0.5), "strength")
    found = controls(inspector)
    assert len(found) >= 5
    assert not [w for w in found if not name_of(w).strip()]
    assert not [name_of(w) for w in found if isinstance(w, QAbstractButton) and not w.toolTip().strip()]
    for tile in inspector.parts.tiles:
        assert tile.picture.accessibleName()
        assert tile.picture.accessibleDescription()


# Drawing


def test_zero_is_a_neutral_grey_and_signs_differ():
    for channels in (1, 3):
        image = np.zeros((channels, 3, 4), np.float32)
        image[:, 0, 0], image[:, 2, 3] = 0.5, -0.5
        drawn = colours(image).astype(int)
        assert np.ptp(drawn[1, 1]) == 0
        assert (drawn[1, 1] == drawn[0, 1]).all()
        assert not (drawn[0, 0] == drawn[2, 3]).all()
    red = np.zeros((3, 2, 2), np.float32)
    red[0, 0, 0] = 1
    assert list(colours(red)[0, 0]) == [255, 64, 64]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (672.32, 4.82, "672.3 ± 4.8"),
        (3220.5, 27.1, "3220 ± 27"),
        (12.0, 0.0, "12.000 ± 0.000"),
        (-0.5, 0.031, "−0.500 ± 0.031"),
    ],
)
def test_a_number_has_the_digits_of_its_error(value, error, text):
    assert with_error(value, error) == text
