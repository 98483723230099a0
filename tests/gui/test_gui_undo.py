"""Every edit can be taken back; one drag is one step."""

import random

import pytest
from driving import choose, small_floats, small_photo
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyle, QStyleOptionSlider

from denoise_studio.core.parameter import Values
from denoise_studio.core.recipe import Recipe
from denoise_studio.gui.views.region_tools import Tool

STEPS = 45


@pytest.fixture
def floats(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    return studio_window


class Walk:
    """Edits at random, each through the control that a person would use."""

    def __init__(self, studio, seed):
        self.studio = studio
        self.random = random.Random(seed)
        self.panel = studio.window.regions_panel

    def step(self):
        names = [name for name in dir(self) if name.startswith("do_")]
        getattr(self, self.random.choice(names))()

    def _row(self):
        numbers = self.studio.window.method_panel.form._numbers
        return self.random.choice([*numbers.values(), self.studio.row("strength")])

    def _selected(self):
        count = self.panel.table.rowCount()
        if count == 0:
            return False
        self.panel.table.selectRow(self.random.randrange(count))
        return True

    def do_method(self):
        combo = self.studio.window.method_panel.methods
        offered = [row for row in range(combo.count()) if combo.model().item(row).isEnabled()]
        choose(combo, self.random.choice(offered))

    def do_type(self):
        spin = self._row().spin
        spin.setValue(self.random.uniform(spin.minimum(), min(spin.maximum(), 5 * spin.minimum() + 3)))

    def do_slide(self):
        row = self._row()
        self.studio.slide(row.slider, *(self.random.randrange(300, 700) for _ in range(4)))

    def do_key_on_slider(self):
        QTest.keyClick(self._row().slider, self.random.choice([Qt.Key.Key_Left, Qt.Key.Key_Right]))

    def do_reset(self):
        self._row().reset.click()

    def do_noise(self):
        if self.studio.window.noise_panel.controls.isVisible():
            row = self.studio.row("noise_level")
            row.spin.setValue(self.random.uniform(row.spin.minimum(), 0.1))
            if self.random.random() < 0.3:
                row.reset.click()

    def do_add_region(self):
        if self.panel.table.rowCount() < 5:
            self.panel.add_box()

    def do_draw_region(self):
        if self.panel.table.rowCount() < 5:
            self.studio.window.tools.set_tool(self.random.choice(list(Tool)[1:]))
            r = self.random
            x, y = r.uniform(5, 70), r.uniform(5, 50)
            pane = r.choice(self.studio.compare.panes)
            self.studio.drag(pane, (x, y), (x + 30, y + 5), (x + 20, y + 25), (x, y + 20))
            self.studio.window.tools.set_tool(Tool.NAVIGATE)

    def do_move_region(self):
        if self._selected():
            box = self.panel.geometry_boxes[self.random.choice(["x", "y", "width", "height"])]
            box.setValue(box.value() + self.random.uniform(-10, 10))

    def do_region_parameter(self):
        if self._selected():
            row = self.random.choice(list(self.panel.form._numbers.values()))
            if not row.check.isChecked():
                row.check.click()
            row.slider.setValue(self.random.randrange(200, 800))

    def do_region_parameter_off(self):
        if self._selected():
            row = self.random.choice(list(self.panel.form._numbers.values()))
            if row.check.isChecked():
                row.check.click()

    def do_region_reset(self):
        if self._selected():
            self.panel.clear.click()

    def do_feather(self):
        if self._selected():
            self.studio.slide(self.panel.feather.slider, *self.random.sample(range(600), 3))

    def do_switch(self):
        if self._selected():
            item = self.panel.table.item(self.studio.document.selected, 0)
            on = item.checkState() == Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def do_rename(self):
        if self._selected():
            self.panel.table.item(self.studio.document.selected, 0).setText(f"R {self.random.randrange(99)}")

    def do_duplicate(self):
        if self.panel.table.rowCount() < 5 and self._selected():
            self.panel.duplicate()

    def do_remove(self):
        if self.random.random() < 0.5 and self._selected():
            QTest.keyClick(self.panel.table, Qt.Key.Key_Delete)

    def do_undo(self):
        self.studio.action("undo").trigger()

    def do_redo(self):
        self.studio.action("redo").trigger()

    def do_preset(self):
        preset = Recipe(method="nlm", parameters=Values({"h": 2.0}), strength=0.7)
        self.studio.window.files._use_preset("test", preset)


@pytest.mark.parametrize("seed", range(5))
def test_any_sequence_of_edits_undone_is_the_start(floats, seed):
    first = floats.recipe
    walk = Walk(floats, seed)
    stack = floats.document.undo_stack
    for _ in range(STEPS):
        walk.step()
    while floats.action("redo").isEnabled():
        floats.action("redo").trigger()
    last = floats.recipe
    steps = stack.count()
    assert steps > 5
    seen = [last]
    while floats.action("undo").isEnabled():
        floats.action("undo").trigger()
        assert floats.recipe != seen[-1]  # each step is one that can be seen
        seen.append(floats.recipe)
    assert floats.recipe == first
    assert len(seen) == steps + 1
    while floats.action("redo").isEnabled():
        floats.action("redo").trigger()
    assert floats.recipe == last
    floats.finish()
    wanted = floats.shown().pixels
    floats.window.bridge.session.cache.forget(floats.document.picture)
    floats.window._request()
    floats.finish()
    assert (floats.shown().pixels == wanted).all()  # what all those edits left in the cache was right


def steps_of(studio, do):
    before, count = studio.recipe, studio.document.undo_stack.index()
    do()
    made = studio.document.undo_stack.index() - count
    after = studio.recipe
    assert before != after
    for _ in range(made):
        studio.action("undo").trigger()
    assert studio.recipe == before
    for _ in range(made):
        studio.action("redo").trigger()
    assert studio.recipe == after
    return made


@pytest.mark.parametrize("name", ["sigma_x", "strength"])
def test_one_slider_drag_is_one_step(floats, name):
    row = floats.row(name)
    assert steps_of(floats, lambda: floats.slide(row.slider, 100, 200, 300, 350)) == 1
    # Another drag right after it is another step.
    assert steps_of(floats, lambda: floats.slide(row.slider, 400, 410)) == 1
    assert floats.document.undo_stack.index() == 2


def handle_of(slider):
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    part = slider.style().subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    )
    return part.center()


def test_one_drag_with_the_mouse_on_the_slider_is_one_step(floats):
    slider = floats.row("sigma_x").slider
    start = handle_of(slider)
    recipes = []
    floats.document.recipe_changed.connect(lambda: recipes.append(floats.recipe))
    made = steps_of(floats, lambda: floats.drag_pixels(slider, start, start + QPoint(30, 0), steps=10))
    floats.document.recipe_changed.disconnect()
    assert made == 1
    assert len(recipes) > 4  # the picture follows while the mouse moves
    assert not slider.isSliderDown()


def test_a_drag_back_to_where_it_began_is_no_step(floats):
    row = floats.row("strength")
    floats.slide(row.slider, 900, 800, 1000)
    assert floats.document.undo_stack.index() == 0
    assert not floats.action("undo").isEnabled()


def test_a_held_arrow_key_is_one_step_and_another_control_another(floats):
    def hold():
        for _ in range(5):
            QTest.keyClick(floats.row("sigma_x").spin, Qt.Key.Key_Up)

    assert steps_of(floats, hold) == 1
    QTest.keyClick(floats.row("sigma_y").spin, Qt.Key.Key_Up)
    assert floats.document.undo_stack.index() == 2


def test_one_drag_of_a_region_is_one_step(floats):
    floats.window.regions_panel.add_box()
    shape = floats.recipe.regions[0].shape
    x, y = (shape.x0 + shape.x1) / 2, (shape.y0 + shape.y1) / 2
    assert steps_of(floats, lambda: floats.drag(floats.after, (x, y), (x + 10, y + 8), (x + 15, y + 4))) == 1
    moved = floats.recipe.regions[0].shape
    assert moved.x0 - shape.x0 == pytest.approx(15, abs=1.5)
    assert moved.y0 - shape.y0 == pytest.approx(4, abs=1.5)
    assert moved.x1 - moved.x0 == pytest.approx(shape.x1 - shape.x0, abs=0.05)


@pytest.mark.parametrize("tool", [t for t in Tool if t not in (Tool.NAVIGATE, Tool.MEASURE)])
def test_one_drawn_region_is_one_step(floats, tool):
    floats.action(f"tool-{tool.value}").trigger()
    draw = [(30, 20), (60, 25), (62, 50), (35, 55)]
    assert steps_of(floats, lambda: floats.drag(floats.after, *draw)) == 1
    assert len(floats.recipe.regions) == 1


def test_discrete_edits_in_quick_succession_are_steps_of_their_own(floats):
    """Only a held key or a drag folds; two clicks are two steps however fast they come."""
    panel = floats.window.regions_panel
    panel.add_box()
    panel.add_box()
    panel.duplicate()
    panel.duplicate()
    assert floats.document.undo_stack.index() == 4
    for row in (0, 1):
        panel.table.item(row, 0).setCheckState(Qt.CheckState.Unchecked)
    assert floats.document.undo_stack.index() == 6
    for row in (0, 1):
        panel.table.item(row, 0).setText(f"named {row}")
    assert floats.document.undo_stack.index() == 8
    for _ in range(2):
        panel.remove()
    assert floats.document.undo_stack.index() == 10
    floats.action("undo").trigger()
    assert len(floats.recipe.regions) == 3


def test_undo_in_the_middle_of_a_drag_of_a_handle(floats):
    """Ctrl+Z while the button is down must neither crash nor leave a handle without its region."""
    floats.window.regions_panel.add_box()
    shape = floats.recipe.regions[0].shape
    first = floats.recipe
    x, y = (shape.x0 + shape.x1) / 2, (shape.y0 + shape.y1) / 2
    undo = floats.action("undo").trigger
    floats.drag(floats.after, (x, y), (x + 12, y + 8), during=undo)
    floats.finish()
    while floats.action("undo").isEnabled():
        undo()
    assert floats.recipe.regions == ()
    floats.action("redo").trigger()
    assert floats.recipe == first


def test_undo_in_the_middle_of_drawing(floats):
    floats.action("tool-box").trigger()
    undo = floats.action("undo").trigger
    floats.drag(floats.after, (30, 20), (60, 50), during=undo)
    floats.finish()
    while floats.action("undo").isEnabled():
        undo()
    assert floats.recipe.regions == ()


def test_undo_and_redo_belong_to_the_picture_shown(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"), small_photo(tmp_path / "b.png"))
    window = studio.window
    window.show_index(0)
    studio.slide(studio.row("strength").slider, 500)
    assert studio.action("undo").isEnabled()
    window.show_index(1)
    assert not studio.action("undo").isEnabled()
    assert studio.recipe.strength == 1.0
    window.show_index(0)
    assert studio.action("undo").isEnabled()
    assert "strength" in studio.action("undo").toolTip()
    studio.action("undo").trigger()
    assert studio.recipe.strength == 1.0
    assert studio.action("redo").isEnabled()


def test_a_method_keeps_its_parameters_while_another_is_tried(floats):
    floats.type_into(floats.row("sigma_x").spin, "3.5")
    floats.choose_method("nlm")
    floats.choose_method("bilateral")
    assert floats.recipe.parameters["sigma_x"] == 3.5
    for _ in range(2):
        floats.action("undo").trigger()
    assert floats.row("sigma_x").spin.value() == 3.5
    floats.action("undo").trigger()
    assert floats.row("sigma_x").spin.value() == 1.5
