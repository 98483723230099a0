"""Regions by mouse on the pictures, and by keyboard alone."""

import gc

import numpy as np
import pytest
from driving import CT, small_floats
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Region
from denoise_studio.gui.views.region_tools import Tool


@pytest.fixture
def floats(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    return studio_window


@pytest.fixture
def boxed(floats):
    """A box drawn by mouse over (30, 20) to (70, 55), selected."""
    floats.action("tool-box").trigger()
    floats.drag(floats.after, (30, 20), (70, 55))
    return floats


def region(studio, index=-1):
    return studio.recipe.regions[index]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_box_is_drawn_where_the_mouse_went_in_either_pane(floats, side):
    floats.action("tool-box").trigger()
    assert floats.window.regions_panel.buttons[Tool.BOX].isChecked()
    floats.drag(getattr(floats, side), (30, 20), (70, 55))
    shape = region(floats).shape
    assert isinstance(shape, Box)
    assert shape.extent() == pytest.approx((30, 20, 70, 55), abs=1)
    assert floats.window.tools.tool is Tool.NAVIGATE
    assert not floats.window.regions_panel.buttons[Tool.BOX].isChecked()
    assert floats.document.selected == 0
    assert floats.window.regions_panel.table.rowCount() == 1
    assert floats.window.regions_panel.detail.isVisible()


def test_a_box_can_be_drawn_from_any_corner(floats):
    floats.action("tool-box").trigger()
    floats.drag(floats.after, (70, 55), (30, 20))
    assert region(floats).shape.extent() == pytest.approx((30, 20, 70, 55), abs=1)


def test_an_ellipse_is_drawn_into_the_dragged_box(floats):
    floats.action("tool-ellipse").trigger()
    floats.drag(floats.after, (30, 20), (70, 60))
    shape = region(floats).shape
    assert isinstance(shape, Ellipse)
    assert (shape.cx, shape.cy, shape.rx, shape.ry) == pytest.approx((50, 40, 20, 20), abs=1)
    assert floats.window.tools.tool is Tool.NAVIGATE


def test_a_free_shape_follows_the_hand_with_few_corners(floats):
    floats.action("tool-polygon").trigger()
    corners = [(20, 20), (60, 20), (60, 60), (20, 60), (20, 24)]
    floats.drag(floats.after, *corners, steps=10)
    shape = region(floats).shape
    assert isinstance(shape, Polygon)
    assert 4 <= len(shape.points) <= 12
    mask = region(floats).replace(feather=0.0).mask(floats.document.picture.rect)
    assert mask.sum() == pytest.approx(1600, rel=0.08)
    assert mask[40, 40] == 1
    assert mask[10, 10] == 0


def test_a_free_shape_by_clicking_its_corners(floats):
    floats.action("tool-polygon").trigger()
    for corner in ((20, 20), (60, 20)):
        floats.click(floats.after, *corner)
    assert not floats.recipe.regions  # two corners are no shape yet
    for corner in ((60, 60), (20, 60)):
        floats.click(floats.after, *corner)
    assert floats.window.tools.tool is Tool.POLYGON  # more corners may follow
    assert len(floats.recipe.regions) == 1
    last = floats.at(floats.after, 20, 60)
    floats.qtbot.mouseDClick(floats.after.viewport(), Qt.MouseButton.LeftButton, pos=last)
    assert floats.window.tools.tool is Tool.NAVIGATE
    shape = region(floats).shape
    assert isinstance(shape, Polygon)
    wanted = [(20, 20), (60, 20), (60, 60), (20, 60)]
    assert np.allclose(shape.points, wanted, atol=1)
    assert floats.before.isVisible()  # the double click did not enlarge a pane
    floats.action("undo").trigger()
    assert not floats.recipe.regions


def test_the_first_corner_closes_a_free_shape_and_esc_leaves_too_few_corners_behind(floats):
    floats.action("tool-polygon").trigger()
    for corner in ((20, 20), (60, 20), (60, 60), (20, 20)):
        floats.click(floats.after, *corner)
    assert floats.window.tools.tool is Tool.NAVIGATE
    assert len(region(floats).shape.points) == 3
    floats.action("tool-polygon").trigger()
    floats.click(floats.after, 80, 20)
    floats.click(floats.after, 100, 20)
    floats.action("deselect").trigger()
    assert floats.window.tools.tool is Tool.NAVIGATE
    assert len(floats.recipe.regions) == 1


def test_an_ellipse_has_an_angle_in_its_boxes_and_others_have_none(floats, boxed):
    panel = floats.window.regions_panel
    assert not panel.geometry_boxes["angle"].isVisible()
    floats.action("tool-ellipse").trigger()
    floats.drag(floats.after, (80, 20), (110, 40))
    assert panel.geometry_boxes["angle"].isVisible()
    before = region(floats).shape
    floats.type_into(panel.geometry_boxes["angle"], "30")
    after = region(floats).shape
    assert (after.angle, after.cx, after.cy, after.rx, after.ry) == (
        30, before.cx, before.cy, before.rx, before.ry,
    )  # fmt: skip


def test_the_feather_of_a_drawn_region_suits_its_final_size(boxed):
    assert region(boxed).feather == 4  # a tenth of the shorter side, 35 px, rounded


def test_a_long_name_does_not_widen_the_panel(boxed):
    width = boxed.window.regions_panel.minimumSizeHint().width()
    changed = region(boxed).replace(name="Gallbladder neighbourhood, segment IVb and V, second look")
    boxed.document.edit(boxed.recipe.with_region(0, changed), "rename")
    assert boxed.window.regions_panel.minimumSizeHint().width() <= width


def test_the_brush_paints_and_paints_on_in_the_selected_region(floats):
    panel = floats.window.regions_panel
    floats.action("tool-brush").trigger()
    assert panel.radius.isVisible()
    panel.radius.setValue(5)
    floats.drag(floats.after, (30, 30), (60, 30), steps=8)
    assert floats.window.tools.tool is Tool.BRUSH  # one more stroke may follow
    shape = region(floats).shape
    assert isinstance(shape, Brush)
    assert shape.strokes[0].radius == 5
    floats.drag(floats.after, (30, 60), (60, 60), steps=8)
    assert len(floats.recipe.regions) == 1
    assert len(region(floats).shape.strokes) == 2
    mask = region(floats).mask(floats.document.picture.rect)
    assert mask[30, 45] == 1
    assert mask[60, 45] == 1
    assert mask[45, 45] == 0
    floats.action("undo").trigger()
    assert len(region(floats).shape.strokes) == 1
    floats.key(Qt.Key.Key_Escape)
    assert floats.window.tools.tool is Tool.NAVIGATE
    assert not panel.radius.isVisible()


def test_a_tap_of_the_brush_makes_a_dot(floats):
    floats.action("tool-brush").trigger()
    floats.click(floats.after, 40, 40)
    mask = region(floats).mask(floats.document.picture.rect)
    assert mask[40, 40] == 1


def test_the_brush_keys_change_its_radius(floats):
    floats.action("tool-brush").trigger()
    radius = floats.window.tools.brush_radius
    floats.key(Qt.Key.Key_BracketRight)
    assert floats.window.tools.brush_radius > radius
    for _ in range(30):
        floats.key(Qt.Key.Key_BracketLeft)
    assert floats.window.tools.brush_radius == 1


def test_a_slip_of_the_hand_draws_nothing_and_keeps_the_tool(floats):
    floats.action("tool-box").trigger()
    floats.click(floats.after, 40, 40)
    assert floats.recipe.regions == ()
    assert floats.window.tools.tool is Tool.BOX
    assert not floats.action("undo").isEnabled()


def test_dragging_a_handle_of_the_selected_box(boxed):
    shape = region(boxed).shape
    boxed.drag(boxed.after, (shape.x1, shape.y1), (shape.x1 + 15, shape.y1 + 10), steps=8)
    grown = region(boxed).shape
    assert (grown.x0, grown.y0) == pytest.approx((shape.x0, shape.y0), abs=0.1)
    assert (grown.x1, grown.y1) == pytest.approx((shape.x1 + 15, shape.y1 + 10), abs=1.5)
    boxed.drag(boxed.after, (shape.x0, (grown.y0 + grown.y1) / 2), (10, (grown.y0 + grown.y1) / 2), steps=8)
    wider = region(boxed).shape
    assert wider.x0 == pytest.approx(10, abs=1.5)
    assert (wider.y0, wider.y1) == pytest.approx((grown.y0, grown.y1), abs=0.1)


def test_a_handle_dragged_past_the_other_side_gives_a_valid_box(boxed):
    shape = region(boxed).shape
    boxed.drag(boxed.after, (shape.x1, shape.y1), (shape.x0 - 15, shape.y0 - 10), steps=8)
    boxed.finish()
    x0, y0, x1, y1 = region(boxed).shape.extent()
    assert x0 <= x1
    assert y0 <= y1
    boxed.action("undo").trigger()
    assert region(boxed).shape == shape


def test_an_ellipse_can_be_turned_and_moved(floats):
    floats.action("tool-ellipse").trigger()
    floats.drag(floats.after, (30, 30), (80, 60))
    shape = region(floats).shape
    floats.drag(floats.after, (shape.cx, shape.cy), (shape.cx + 10, shape.cy + 5))
    moved = region(floats).shape
    assert (moved.cx, moved.cy) == pytest.approx((shape.cx + 10, shape.cy + 5), abs=1.5)
    assert (moved.rx, moved.ry) == pytest.approx((shape.rx, shape.ry), abs=0.1)
    turned = moved.__class__(moved.cx, moved.cy, moved.rx, moved.ry, 30.0)
    floats.document.edit(floats.recipe.with_region(0, region(floats).replace(shape=turned)), "turn")
    floats.drag(floats.after, (turned.cx, turned.cy), (turned.cx - 8, turned.cy))
    again = region(floats).shape
    assert again.angle == pytest.approx(30, abs=0.5)
    assert (again.cx, again.cy) == pytest.approx((turned.cx - 8, turned.cy), abs=1.5)
    assert (again.rx, again.ry) == pytest.approx((turned.rx, turned.ry), abs=0.1)


def test_a_corner_of_a_free_shape_can_be_dragged(floats):
    shape = Polygon(((20.0, 20.0), (70.0, 20.0), (70.0, 60.0), (20.0, 60.0)))
    floats.document.edit(floats.recipe.replace(regions=(Region(shape=shape, name="P"),)), "add")
    floats.document.select(0)
    floats.drag(floats.after, (70, 60), (85, 70), steps=8)
    points = region(floats).shape.points
    assert len(points) == 4
    assert points[2] == pytest.approx((85, 70), abs=1.5)
    assert np.allclose([*points[:2], points[3]], [*shape.points[:2], shape.points[3]], atol=0.1)


def test_a_click_selects_and_a_click_beside_deselects(boxed):
    boxed.action("tool-box").trigger()
    boxed.drag(boxed.after, (90, 60), (120, 80))
    boxed.click(boxed.before, 50, 40)
    assert boxed.document.selected == 0
    boxed.click(boxed.before, 100, 70)
    assert boxed.document.selected == 1
    assert boxed.window.regions_panel.heading.text().find(region(boxed, 1).name) >= 0
    boxed.click(boxed.before, 5, 5)
    assert boxed.document.selected == -1
    assert not boxed.window.regions_panel.detail.isVisible()


def test_the_topmost_of_two_regions_is_selected(boxed):
    boxed.click(boxed.before, 5, 5)
    boxed.action("tool-box").trigger()
    boxed.drag(boxed.after, (40, 30), (60, 45))
    boxed.click(boxed.before, 50, 40)
    assert boxed.document.selected == 1


def test_a_click_on_the_selected_region_itself_selects_what_lies_on_top(boxed):
    """The body of the selected region takes drags; clicks must still reach a smaller one on it."""
    boxed.action("tool-box").trigger()
    boxed.drag(boxed.before, (40, 30), (60, 45))
    boxed.document.select(0)
    boxed.click(boxed.after, 50, 40)
    boxed.until(lambda: boxed.document.selected == 1)


def test_a_click_on_an_edge_of_a_free_shape_gives_it_a_corner_there(floats):
    shape = Polygon(((20.0, 20.0), (70.0, 20.0), (70.0, 60.0), (20.0, 60.0)))
    floats.document.edit(floats.recipe.replace(regions=(Region(shape=shape, name="P"),)), "add")
    floats.document.select(0)
    floats.click(floats.after, 45, 20)
    floats.until(lambda: len(region(floats).shape.points) == 5)
    floats.finish()
    floats.drag(floats.after, (45, 20), (45, 10), steps=6)
    assert region(floats).shape.points[1] == pytest.approx((45, 10), abs=1.5)
    floats.click(floats.after, 20, 40)  # the edge that closes the shape
    floats.until(lambda: len(region(floats).shape.points) == 6)
    assert region(floats).shape.points[5] == pytest.approx((20, 40), abs=1.5)
    gc.collect()
    while floats.action("undo").isEnabled():
        floats.action("undo").trigger()
    assert floats.recipe.regions == ()


def test_del_removes_and_esc_deselects(boxed):
    boxed.key(Qt.Key.Key_Escape)
    assert boxed.document.selected == -1
    boxed.key(Qt.Key.Key_Delete)
    assert len(boxed.recipe.regions) == 1  # nothing was selected
    boxed.document.select(0)
    boxed.key(Qt.Key.Key_Delete)
    assert boxed.recipe.regions == ()
    boxed.action("undo").trigger()
    assert len(boxed.recipe.regions) == 1


def test_esc_while_drawing_ends_the_drawing_and_leaves_handles_working(floats):
    floats.action("tool-box").trigger()
    floats.drag(floats.after, (30, 20), (70, 55), during=lambda: floats.key(Qt.Key.Key_Escape, floats.after))
    assert floats.window.tools.tool is Tool.NAVIGATE
    floats.document.select(0)
    assert floats.window.tools._roi is not None
    shape = region(floats).shape
    floats.drag(floats.after, (50, 35), (60, 45))
    assert region(floats).shape != shape


def test_changing_the_tool_while_drawing(floats):
    floats.action("tool-box").trigger()
    floats.drag(floats.after, (30, 20), (70, 55), during=lambda: floats.action("tool-ellipse").trigger())
    floats.finish()
    floats.action("tool-navigate").trigger()
    assert len(floats.recipe.regions) <= 2


def test_the_result_changes_only_inside_the_region(boxed):
    before = None
    boxed.finish()
    before = boxed.shown().pixels
    row = boxed.window.regions_panel.form.row("sigma_x")
    row.check.click()
    boxed.type_into(row.spin, "6")
    boxed.finish()
    changed = (boxed.shown().pixels != before)[0]
    inside = region(boxed).mask(boxed.document.picture.rect) > 0
    assert changed[inside].mean() > 0.5
    assert not changed[~inside].any()
    item = boxed.window.regions_panel.table.item(0, 0)
    item.setCheckState(Qt.CheckState.Unchecked)
    boxed.finish()
    assert np.array_equal(boxed.shown().pixels, before)


def test_regions_by_keyboard_alone(floats):
    """Add, rename, place, give parameters, switch off, walk and remove: no mouse."""
    window, panel = floats.window, floats.window.regions_panel
    add = next(b for b in panel.findChildren(type(panel.buttons[Tool.BOX])) if "Add a box" in b.toolTip())
    add.setFocus()
    floats.key(Qt.Key.Key_Space, add)
    floats.key(Qt.Key.Key_Space, add)
    assert len(floats.recipe.regions) == 2
    assert panel.table.hasFocus()
    floats.key(Qt.Key.Key_Up, panel.table)
    assert floats.document.selected == 0
    floats.key(Qt.Key.Key_Down, panel.table)
    assert floats.document.selected == 1
    floats.key(Qt.Key.Key_F2, panel.table)
    editor = window.focusWidget()
    editor.selectAll()
    QTest.keyClicks(editor, "Liver e b 1")  # letters and digits that are shortcuts elsewhere
    floats.key(Qt.Key.Key_Return, editor)
    floats.until(lambda: region(floats, 1).name == "Liver e b 1")
    assert window.tools.tool is Tool.NAVIGATE
    for key, value in (("x", 12), ("y", 14), ("width", 40), ("height", 30)):
        floats.type_into(panel.geometry_boxes[key], str(value))
    assert region(floats, 1).shape == Box(12, 14, 52, 44)
    check = panel.form.row("sigma_r").check
    check.setFocus()
    floats.key(Qt.Key.Key_Space, check)
    assert "sigma_r" in region(floats, 1).parameters
    floats.key(Qt.Key.Key_Up, panel.form.row("sigma_r").spin)
    panel.table.setFocus()
    panel.table.setCurrentCell(1, 0)
    floats.key(Qt.Key.Key_Space, panel.table)
    assert not region(floats, 1).enabled
    floats.key(Qt.Key.Key_Delete, panel.table)
    assert len(floats.recipe.regions) == 1
    floats.finish()


def test_keys_that_are_shortcuts_can_be_typed_into_number_boxes(floats):
    spin = floats.row("sigma_x").spin
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "3")
    assert floats.recipe.parameters.get("sigma_x") is None  # not before Enter
    QTest.keyClicks(spin, ".21")
    floats.key(Qt.Key.Key_Return, spin)
    assert floats.recipe.parameters["sigma_x"] == 3.21
    spin.selectAll()
    floats.key(Qt.Key.Key_Delete, spin)
    assert floats.window.compare.mode.value == "side"


@pytest.mark.parametrize("kind", ["ellipse", "polygon", "brush"])
def test_the_geometry_boxes_move_and_scale_every_shape(floats, kind):
    floats.action(f"tool-{kind}").trigger()
    floats.drag(floats.after, (30, 20), (60, 22), (62, 50), (30, 48), steps=5)
    floats.action("tool-navigate").trigger()
    panel = floats.window.regions_panel
    floats.type_into(panel.geometry_boxes["x"], "10")
    floats.type_into(panel.geometry_boxes["y"], "15")
    x0, y0, _, _ = region(floats).shape.extent()
    assert (x0, y0) == pytest.approx((10, 15), abs=0.06)
    if kind != "brush":
        floats.type_into(panel.geometry_boxes["width"], "50")
        floats.type_into(panel.geometry_boxes["height"], "20")
        x0, y0, x1, y1 = region(floats).shape.extent()
        assert (x1 - x0, y1 - y0) == pytest.approx((50, 20), abs=0.1)


def test_methods_without_region_parameters_still_offer_strength(boxed):
    boxed.choose_method("nlm")
    panel = boxed.window.regions_panel
    assert list(panel.form._numbers) == ["strength"]
    panel.form.row("strength").check.click()
    boxed.type_into(panel.form.row("strength").spin, "25")
    assert region(boxed).parameters["strength"] == 0.25
    boxed.choose_method("bilateral")
    assert region(boxed).parameters["strength"] == 0.25
    boxed.finish()


def test_a_region_tool_on_a_scan_does_not_change_the_window(studio_window):
    studio_window.open(CT)
    levels = studio_window.document.levels
    studio_window.action("tool-box").trigger()
    studio_window.drag(studio_window.after, (150, 150), (300, 320))
    assert studio_window.document.levels == levels
    assert len(studio_window.recipe.regions) == 1
    studio_window.finish()


@pytest.mark.parametrize("kind", ["box", "ellipse", "polygon"])
def test_handles_that_were_on_the_screen_are_safe_to_collect(floats, kind):
    """pyqtgraph's free shapes took the program down when Python collected one that had been hovered."""
    shape = {
        "box": Box(20, 20, 70, 60),
        "ellipse": Ellipse(45, 40, 25, 20),
        "polygon": Polygon(((20.0, 20.0), (70.0, 20.0), (70.0, 60.0), (20.0, 60.0))),
    }[kind]
    floats.document.edit(floats.recipe.replace(regions=(Region(shape=shape, name="R"),)), "add")
    for _ in range(8):
        floats.document.select(0)
        for spot in ((20, 23), (20, 20), (45, 40)):
            floats.move(floats.after.viewport(), floats.at(floats.after, *spot))
        floats.document.select(-1)
        gc.collect()
