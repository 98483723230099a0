"""Measures in the real window: right, live, greyed while old, saved; the guard; the line; equal noise."""

import csv
import io

import numpy as np
import pytest
from driving import choose
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from scipy.special import ndtr
from test_gui_access import controls, name_of

from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse, Region
from denoise_studio.engine.areas import Area
from denoise_studio.engine.measures import Line, noise_beside, region_beside
from denoise_studio.gui import theme
from denoise_studio.gui.document import Document
from denoise_studio.gui.measures import Sort

LIVER, SPLEEN, DISC = (
    Region(shape=Box(20.0, 20.0, 100.0, 90.0), name="Liver"),
    Region(shape=Ellipse(150.0, 130.0, 40.0, 40.0), name="Spleen"),
    Region(shape=Ellipse(150.0, 50.0, 30.0, 30.0), name="Disc"),
)
SPREAD = 1.4


def slice_of_ct(seed=0):
    """Soft tissue of 60 HU with noise, and a disc of 160 HU, blurred by a known amount."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:180, 0:200] + 0.5
    disc = 100 * ndtr((16 - np.hypot(x - 150, y - 50)) / SPREAD)
    pixels = (60 + disc + rng.normal(0, 6, (180, 200)))[None].astype(np.float32)
    return Picture(pixels, scale=Scale.HU, unit="HU", nominal_range=(-1024.0, 3071.0), spacing=(0.7, 0.7))


@pytest.fixture
def ct(studio_window):
    """A slice with three regions, filtered by the bilateral filter."""
    studio = studio_window
    values = Values({"sigma_x": 1.5, "sigma_y": 1.5, "sigma_r": 60.0})
    recipe = Recipe(method="bilateral", parameters=values, regions=(LIVER, SPLEEN, DISC), device="cpu")
    studio.window.add_document(Document(slice_of_ct(), recipe))
    studio.finish()
    return studio


def room(studio):
    return studio.window.measure_room


def look(studio, tab, select=-1):
    studio.document.select(select)
    if not studio.action(tab).isChecked():
        studio.action(tab).trigger()
    studio.finish()


def cells(table):
    return {
        table.verticalHeaderItem(row).text(): {
            table.horizontalHeaderItem(column).text(): table.item(row, column).text()
            for column in range(table.columnCount())
        }
        for row in range(table.rowCount())
    }


def number(text):
    return float(text.replace("−", "-").strip("⚑ %"))


def colour(item):
    return item.foreground().color()


# The table


def test_every_region_s_numbers_are_the_engine_s(ct):
    look(ct, "measures")
    shown = cells(room(ct).table.numbers)
    assert list(shown) == ["Liver", "Spleen", "Disc"]
    after = ct.shown().pixels[0].astype(np.float64)
    before = ct.document.picture.pixels[0].astype(np.float64)
    row = shown["Liver"]
    here = np.s_[20:90, 20:100]
    assert number(row["Mean before"]) == pytest.approx(before[here].mean(), abs=0.006)
    assert number(row["Mean after"]) == pytest.approx(after[here].mean(), abs=0.006)
    assert number(row["sd after"]) == pytest.approx(after[here].std(), abs=0.006)
    assert number(row["95 % before"]) == pytest.approx(np.percentile(before[here], 95), abs=0.006)
    assert (number(row["px"]), number(row["mm²"])) == (5600, pytest.approx(5600 * 0.49, abs=0.06))


def test_numbers_follow_an_edit_and_are_grey_until_then(ct):
    look(ct, "measures")
    table = room(ct).table.numbers
    fresh, old = QColor(theme.current().text), QColor(theme.current().faint)
    assert colour(table.item(0, 5)) == fresh
    sd = number(cells(table)["Liver"]["sd after"])
    ct.document.edit(ct.recipe.replace(strength=0.2), "strength")
    assert colour(table.item(0, 5)) == old
    assert not room(ct).measures.of(Sort.REGIONS).fresh
    ct.finish()
    assert colour(table.item(0, 5)) == fresh
    assert number(cells(table)["Liver"]["sd after"]) > sd


def test_contrast_of_two_regions_by_both_definitions(ct):
    look(ct, "measures")
    panel = room(ct).table
    measures = [region_beside(ct.document.result(), area) for area in room(ct).measures.areas]
    choose(panel.first, 2)
    choose(panel.second, 1)
    first, second = measures[2].after, measures[1].after
    contrast = abs(first.mean - second.mean)
    pooled, alone = panel.contrast_beside()[1].ratio, contrast / second.sd
    assert pooled == pytest.approx(contrast / np.sqrt((first.sd**2 + second.sd**2) / 2))
    assert f"{pooled:.2f}" in panel.contrast.text()
    choose(panel.noise_of, 1)
    assert panel.contrast_beside()[1].ratio == pytest.approx(alone)
    choose(panel.second, 2)
    assert "two regions" in panel.contrast.text()


def test_what_is_selected_is_copied_and_everything_is_saved_with_units(ct, tmp_path):
    look(ct, "measures")
    panel = room(ct).table
    panel.numbers.setFocus()
    panel.numbers.selectRow(1)
    ct.key(Qt.Key.Key_C, panel.numbers, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Spleen\t")
    panel.take_away.menu().actions()[0].trigger()
    rows = list(csv.reader(io.StringIO(QApplication.clipboard().text()), delimiter="\t"))
    assert rows[0][:4] == ["region", "area (mm²)", "pixels", "Mean before (HU)"]
    assert [row[0] for row in rows[1:4]] == ["Liver", "Spleen", "Disc"]
    assert rows[4][0] == "contrast to noise, Liver to Spleen"
    panel.take_away.save(panel.table(), tmp_path / "m.csv")
    ct.files_done()
    saved = list(csv.reader(io.StringIO((tmp_path / "m.csv").read_text("utf-8-sig"))))
    assert saved == rows
    truth = region_beside(ct.document.result(), room(ct).measures.areas[0]).after.mean
    assert float(saved[1][4]) == pytest.approx(truth, rel=1e-8)
    panel.take_away.save(panel.table(), tmp_path / "none" / "m.csv")
    ct.files_done()
    ct.until(lambda: "does not exist" in ct.window.status.under_cursor.text())


# Noise power


def test_noise_power_of_the_selected_region_and_of_flat_tissue_without_one(ct):
    look(ct, "noise-power", 0)
    panel = room(ct).noise_power
    found = noise_beside(ct.document.result(), Area.of(ct.document.picture, LIVER, 0))
    shown = cells(panel.numbers)
    assert number(shown["Mean (cycles/mm)"]["before"]) == pytest.approx(found.before.mean_frequency, abs=6e-4)
    assert number(shown["sd (HU)"]["before"]) == pytest.approx(6.0, rel=0.06)
    assert number(shown["Mean (cycles/mm)"]["change"]) == pytest.approx(found.shift, abs=0.06)
    assert found.shift < -10
    assert np.array_equal(panel.radial.after.yData, found.after.radial)
    assert "Liver" in panel.radial.getAxis("bottom").labelText
    assert room(ct).items.marks[0].path().isEmpty()
    heads, *rows = csv.reader(io.StringIO(panel.curve_table().csv()))
    assert heads == ["frequency (cycles/mm)", "noise power before (HU² mm²)", "noise power after (HU² mm²)"]
    assert [float(row[2]) for row in rows] == pytest.approx(found.after.radial.tolist())
    assert ["Texture shift (%)", "", "", f"{found.shift:.9g}"] in list(
        csv.reader(io.StringIO(panel.numbers_table().csv()))
    )
    look(ct, "noise-power")
    assert "flat squares" in panel.radial.getAxis("bottom").labelText
    assert not room(ct).items.marks[0].path().isEmpty()
    ct.action("histogram").trigger()
    assert room(ct).items.marks[0].path().isEmpty()


def test_a_region_too_small_for_noise_power_says_so(ct):
    small = Region(shape=Box(20.0, 20.0, 30.0, 90.0), name="Small")
    ct.document.edit(ct.recipe.replace(regions=(small,)), "region")
    look(ct, "noise-power", 0)
    panel = room(ct).noise_power
    assert "16 × 16 px" in panel.words.text()
    assert panel.words.isVisible()
    assert not panel.numbers.isVisible()
    assert panel.curve_table() is None


# Sharpness


def test_sharpness_of_a_disc_is_the_known_one_and_needs_a_region(ct):
    look(ct, "sharpness")
    panel = room(ct).sharpness
    assert "Draw a box" in panel.words.text()
    look(ct, "sharpness", 2)
    f50 = np.sqrt(np.log(2) / 2) / (np.pi * SPREAD * 0.7)
    shown = cells(panel.numbers)
    assert number(shown["f50 (cycles/mm)"]["before"]) == pytest.approx(f50, rel=0.05)
    assert number(shown["Contrast (HU)"]["before"]) == pytest.approx(100, rel=0.02)
    assert number(shown["Contrast to noise"]["before"]) == pytest.approx(100 / 6, rel=0.1)
    circle = room(ct).items.marks[1].path().boundingRect()
    assert (circle.center().x(), circle.center().y()) == (
        pytest.approx(150, abs=0.3), pytest.approx(50, abs=0.3),
    )  # fmt: skip
    choose(panel.shape, 1)
    ct.finish()
    assert panel.found is None or "⚑" in panel.notes.text()  # there is no straight edge
    choose(panel.shape, 0)
    ct.finish()
    assert panel.found is not None
    heads, *rows = csv.reader(io.StringIO(panel.curve_table().csv()))
    assert heads == ["frequency (cycles/mm)", "transfer before", "transfer after"]
    assert [float(cell) for cell in rows[0]] == [0, 1, 1]


# Profile


def test_the_line_is_on_both_pictures_and_a_drag_of_one_moves_both(ct):
    look(ct, "profile")
    panel, items = room(ct).profile, room(ct).items
    assert all(line.isVisible() for line in items.lines)
    line = Line(30.5, 60.5, 170.5, 60.5)
    room(ct).measures.set_line(line)
    ct.finish()
    assert panel.curve.before.yData[::2] == pytest.approx(ct.document.picture.pixels[0, 60, 30:171], abs=1e-3)
    assert panel.curve.after.yData[::2] == pytest.approx(ct.shown().pixels[0, 60, 30:171], abs=1e-3)
    ct.drag(ct.before, (170.5, 60.5), (150.0, 100.0), (140.5, 120.5))
    ct.finish()
    moved = room(ct).measures.line
    assert (moved.x0, moved.y0) == (30.5, 60.5)
    assert (moved.x1, moved.y1) == (pytest.approx(140.5, abs=1.5), pytest.approx(120.5, abs=1.5))
    assert panel.ends[2].value() == moved.x1
    ends = [line.mapToParent(line.getHandles()[1].pos()) for line in items.lines]
    assert ends[0].x() == pytest.approx(ends[1].x(), abs=0.06)
    assert panel.found.line == moved
    assert ct.document.undo_stack.count() == 0  # a look, no edit


def test_the_line_can_be_typed_widened_and_laid_anew(ct):
    look(ct, "profile")
    panel = room(ct).profile
    for box, text in zip(panel.ends, ("40", "30", "40", "150"), strict=True):
        ct.type_into(box, text)
    panel.width_.setValue(9)
    ct.finish()
    assert room(ct).measures.line == Line(40, 30, 40, 150, 9)
    wide = panel.found.before.values
    assert np.std(wide) < 0.6 * 6
    panel.across.click()
    ct.finish()
    line = room(ct).measures.line
    assert (line.y0, line.width) == (line.y1, 9)
    ct.action("profile").trigger()  # folds away
    assert not any(line.isVisible() for line in room(ct).items.lines)


def test_what_is_not_looked_at_is_not_measured(ct):
    ct.action("histogram").trigger()
    ct.document.edit(ct.recipe.replace(strength=0.4), "strength")
    ct.finish()
    assert all(room(ct).measures.of(sort).found is None for sort in Sort)


# The guard of means


def test_a_mean_that_moves_is_flagged_in_the_status_the_regions_and_the_table(slow, ct):
    look(ct, "measures")
    status, regions = ct.window.status, ct.window.regions_panel.table
    assert not status.means.isVisible()
    ct.choose_method("slow-test")  # adds 1: within the limit
    ct.finish()
    assert not status.means.isVisible()
    ct.document.edit(ct.recipe.with_parameter("amount", 3.0), "amount")
    ct.finish()
    assert status.means.text() == "⚑ mean +3.0 HU"
    assert "(limit 1 HU)" in status.means.toolTip()
    assert all(regions.item(row, 2).text().startswith("⚑") for row in range(3))
    assert "moved by +3.00 HU" in regions.item(0, 2).toolTip()
    moved = room(ct).table.numbers.item(0, 4)
    assert moved.text() == "⚑ +3.00"
    assert colour(moved) == QColor(theme.current().warning)
    room(ct).table.limit.setValue(4.0)
    ct.finish()
    assert not status.means.isVisible()
    assert room(ct).table.numbers.item(0, 4).text() == "+3.00"
    ct.document.undo_stack.undo()
    room(ct).table.limit.setValue(0.5)
    ct.finish()
    assert status.means.isVisible()
    ct.document.edit(ct.recipe.replace(strength=0.0), "strength")
    ct.finish()
    assert not status.means.isVisible()
    assert not regions.item(0, 2).text().startswith("⚑")


def test_without_regions_flat_tissue_is_guarded(slow, ct):
    ct.document.edit(ct.recipe.replace(regions=()), "none")
    ct.choose_method("slow-test")
    ct.document.edit(ct.recipe.with_parameter("amount", 5.0), "amount")
    ct.finish()
    guard = room(ct).watch.guard
    assert not guard.drawn
    assert ct.window.status.means.isVisible()
    assert "flat square" in ct.window.status.means.toolTip()


# Equal noise


def matched(studio, dialog):
    dialog.match()
    studio.until(lambda: dialog.go.isEnabled())
    studio.finish()


def sd_in_liver(studio):
    return studio.shown().pixels[0, 20:90, 20:100].astype(np.float64).std()


def test_a_wanted_sd_becomes_one_undoable_edit(ct):
    look(ct, "measures", 0)
    room(ct).table.match.click()
    dialog = room(ct).dialog
    assert dialog.where.currentText() == "Liver"
    assert "input's sd there is" in dialog.answer.text()
    dialog.sd.setValue(4.0)
    old = ct.recipe
    matched(ct, dialog)
    assert sd_in_liver(ct) == pytest.approx(4.0, rel=1e-3)
    assert ct.recipe == old.replace(strength=ct.recipe.strength)
    assert "Strength" in dialog.answer.text()
    ct.document.undo_stack.undo()
    assert ct.recipe == old
    dialog.sd.setValue(0.01)
    matched(ct, dialog)
    assert ct.recipe == old
    assert "lowest sd" in dialog.answer.text()
    dialog.reject()
    ct.finish()
    assert room(ct).dialog is None


def test_one_method_gets_the_noise_of_another(ct):
    look(ct, "measures", 0)
    weak = ct.recipe.replace(strength=0.6)
    ct.document.edit(weak, "strength")
    ct.finish()
    wanted = sd_in_liver(ct)
    ct.action("match-noise").trigger()
    dialog = room(ct).dialog
    dialog.method.setCurrentIndex(dialog.method.findData("nlm"))
    dialog.by_method.setChecked(True)
    dialog.other.setCurrentIndex(dialog.other.findData("bilateral"))
    matched(ct, dialog)
    assert ct.recipe.method == "nlm"
    assert sd_in_liver(ct) == pytest.approx(wanted, rel=0.01)
    ct.document.undo_stack.undo()
    ct.finish()
    assert ct.recipe == weak
    assert sd_in_liver(ct) == pytest.approx(wanted, rel=1e-6)
    dialog.reject()


# The window around them


def test_camera_raw_has_no_measures_and_other_pictures_have(ct, tmp_path):
    from raw_builders import mosaic

    layout = mosaic()
    raw = Picture(np.full((1, 64, 64), 2000.0, np.float32), scale=Scale.LINEAR, mosaic=layout, unit="DN")
    look(ct, "measures")
    ct.window.add_document(Document(raw, Recipe(method="identity", device="cpu")))
    ct.finish()
    lower = ct.window.lower_area
    assert not any(lower.isTabVisible(lower.indexOf(panel)) for _, _, panel in room(ct).tabs.values())
    assert not ct.action("noise-power").isEnabled()
    ct.window.show_index(0)
    ct.finish()
    assert lower.isTabVisible(lower.indexOf(room(ct).noise_power))
    plain = Picture(np.random.default_rng(0).normal(0.5, 0.1, (1, 90, 90)).astype(np.float32))
    ct.window.add_document(Document(plain, Recipe(method="bilateral", device="cpu")))
    look(ct, "noise-power")
    assert "Mean (cycles/px)" in cells(room(ct).noise_power.numbers)
    assert "no pixel spacing" in room(ct).noise_power.notes.text()


def test_every_tab_can_be_used_without_a_mouse_and_without_eyes(ct):
    for tab, select in (("measures", -1), ("noise-power", 0), ("sharpness", 2), ("profile", -1)):
        look(ct, tab, select)
        found = controls(ct.window.lower_area)
        assert not [type(w).__name__ for w in found if not name_of(w).strip()], tab
    room(ct).table.match.click()
    for widget in controls(room(ct).dialog):
        assert name_of(widget).strip()
        assert widget.toolTip() or widget.text() == "Close"
    room(ct).dialog.reject()


def test_the_other_theme_and_a_narrow_window(ct, studio_app):
    look(ct, "measures", 2)
    ct.action("theme").trigger()
    ct.window.resize(900, 560)
    for tab in ("measures", "noise-power", "sharpness", "profile"):
        look(ct, tab, 2)
        assert not ct.window.grab().isNull()
    ct.action("theme").trigger()
    ct.finish()
    theme.apply(studio_app, "dark")
