"""Names, tips, keys and the way of the Tab key: the window without a mouse and without eyes."""

from collections import Counter

import pyqtgraph
import pytest
from driving import CT, small_photo
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QGraphicsView,
    QHeaderView,
    QLineEdit,
    QScrollBar,
    QTableWidget,
    QWidget,
)

from denoise_studio.gui.actions import ACTIONS, MOUSE

INTERACTIVE = (
    QAbstractButton, QAbstractSpinBox, QAbstractSlider, QComboBox,
    QAbstractItemView, QLineEdit, QGraphicsView,
)  # fmt: skip


def controls(top):
    """Every visible interactive widget that a person meets, without the inner parts of others."""
    result = []
    for widget in top.findChildren(QWidget):
        if not isinstance(widget, INTERACTIVE) or not widget.isVisible():
            continue
        if isinstance(widget, QScrollBar | QHeaderView):
            continue
        parent = widget.parentWidget()
        inside = False
        while parent is not None and parent is not top:
            inside = inside or isinstance(parent, QAbstractSpinBox | QComboBox | QAbstractItemView)
            parent = parent.parentWidget()
        if inside or widget.objectName() == "qt_toolbar_ext_button":
            continue
        result.append(widget)
    return result


def name_of(widget):
    """The name that a screen reader gets."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return widget.accessibleName() or (interface.text(QAccessible.Text.Name) if interface else "")


@pytest.fixture
def full(studio_window, tmp_path):
    """A window with everything out: two pictures, a selected region, the brush."""
    studio_window.open(small_photo(tmp_path / "a.png"), small_photo(tmp_path / "b.png"))
    studio_window.window.regions_panel.add_box()
    studio_window.action("tool-brush").trigger()
    studio_window.choose_method("nlm")
    studio_window.finish()
    return studio_window


@pytest.mark.parametrize("kind", ["photo", "ct"])
def test_every_control_has_a_name_and_every_one_that_acts_a_tip(full, kind):
    if kind == "ct":
        full.open(CT)
        full.window.regions_panel.add_box()
        full.finish()
    found = controls(full.window)
    assert len(found) > 40
    unnamed = [w for w in found if not name_of(w).strip()]
    assert not unnamed, [(type(w).__name__, w.toolTip(), w.parent()) for w in unnamed]
    acting = (QAbstractButton, QAbstractSpinBox, QAbstractSlider, QComboBox)
    untold = [w for w in found if isinstance(w, acting) and not w.toolTip().strip()]
    assert not untold, [(type(w).__name__, name_of(w)) for w in untold]


def test_names_are_words_and_no_two_controls_of_a_panel_share_one(full):
    names = Counter(name_of(w) for w in controls(full.window) if not isinstance(w, QGraphicsView))
    shared = {name: count for name, count in names.items() if count > 1}
    # The region's own rows repeat the method's, under their section's heading.
    allowed = {"Strength", "Strength slider", "Reset Strength"}
    assert set(shared) <= allowed, shared
    assert not [name for name in names if not any(ch.isalpha() for ch in name)]


def test_rows_of_maps_have_names_and_tips_and_can_be_told_apart(fitting, studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    fitting.release()
    studio.choose_method("fitting-test")
    studio.window.regions_panel.add_box()
    forms = (studio.window.method_panel.form, studio.window.regions_panel.form)
    for form in forms:
        form.groups["Stage 1"].header.setChecked(True)
    for name in ("filter-here", "loss-curve"):
        studio.action(name).trigger()
    studio.finish()
    found = controls(studio.window)
    assert not [w for w in found if not name_of(w).strip()]
    acting = (QAbstractButton, QAbstractSpinBox, QAbstractSlider, QComboBox)
    assert not [name_of(w) for w in found if isinstance(w, acting) and not w.toolTip().strip()]
    for form in forms:
        names = Counter(name_of(w) for w in controls(form))
        assert max(names.values()) == 1, names
    assert name_of(forms[0].row("gain").spin) == "Gain g, stage 1"
    assert name_of(forms[0].row("gain_factor").spin) == "Gain g factor, stage 1"


def test_labels_of_what_is_read_have_names(full):
    status = full.window.status
    for label in (status.under_cursor, status.device, status.progress, status.cancel, full.after.title):
        assert label.accessibleName()
    for table in full.window.findChildren(QTableWidget):
        assert table.accessibleName()
    for view in full.window.findChildren(pyqtgraph.GraphicsView):
        assert view.accessibleName()


def test_the_tab_key_reaches_every_control_of_the_side_panel_and_the_tool_bar_widgets(full):
    window = full.window
    panels = (window.method_panel, window.regions_panel)
    wanted = {
        w for panel in panels for w in controls(panel) if w.isEnabled() and not isinstance(w, QGraphicsView)
    }
    wanted = {w for w in wanted if w.focusPolicy() & Qt.FocusPolicy.TabFocus}
    not_by_tab = [
        w
        for panel in panels
        for w in controls(panel)
        if w.isEnabled() and not w.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert not not_by_tab, [name_of(w) for w in not_by_tab]
    reached, widget = set(), window.method_panel.methods
    widget.setFocus()
    for _ in range(300):
        reached.add(QApplication.focusWidget())
        focused = QApplication.focusWidget()
        full.key(Qt.Key.Key_Tab, focused)
    missed = wanted - reached
    assert not missed, [name_of(w) for w in missed]


def test_tab_leaves_the_table_of_regions(full):
    table = full.window.regions_panel.table
    table.setFocus()
    full.key(Qt.Key.Key_Tab, table)
    assert QApplication.focusWidget() is not table


def test_the_values_that_a_screen_reader_gets_are_those_on_the_screen(full):
    row = full.row("h")
    interface = QAccessible.queryAccessibleInterface(row.spin)
    assert interface.text(QAccessible.Text.Value) == row.spin.text()
    assert interface.text(QAccessible.Text.Name) == row.label.text()
    assert row.label.buddy() is row.spin


def test_every_declared_action_does_something(studio_window):
    window = studio_window.window
    assert set(window.actions_) == {declared.id for declared in ACTIONS}
    for declared in ACTIONS:
        assert window.carry_out.slot(declared.id) is not None, declared.id
        assert declared.tip, declared.id
        assert window.actions_[declared.id].toolTip()
    in_menus = set()
    for menu in window.menuBar().actions():
        in_menus |= set(menu.menu().actions())
    assert set(window.actions_.values()) <= in_menus


def test_no_key_means_two_things():
    keys = Counter(QKeySequence(key).toString() for declared in ACTIONS for key in declared.keys)
    assert "" not in keys
    assert not [key for key, count in keys.items() if count > 1]
    assert len({declared.id for declared in ACTIONS}) == len(ACTIONS)


def test_no_two_entries_of_a_menu_share_a_letter(studio_window):
    double = {}
    for menu in studio_window.window.menuBar().actions():
        letters = [
            a.text()[a.text().index("&") + 1].lower() for a in menu.menu().actions() if "&" in a.text()
        ]
        double[menu.text()] = [letter for letter, count in Counter(letters).items() if count > 1]
    assert not any(double.values()), double


def test_actions_that_need_a_picture_are_off_without_one(studio_window):
    window = studio_window.window
    needing = ("export", "close-picture", "save-project", "copy-edit", "fit", "tool-box", "wipe", "window-1")
    assert not any(window.actions_[name].isEnabled() for name in needing)
    for name in ("open", "open-sample", "quit", "about", "shortcuts", "theme", "preferences"):
        assert window.actions_[name].isEnabled()
    dialogs = (
        "open",
        "open-series",
        "about",
        "shortcuts",
        "preferences",
        "dark-frames",
        "mouse",
        "edit-windows",
    )
    for declared in ACTIONS:  # nothing breaks if one is called all the same
        if declared.id not in (*dialogs, "quit", "open-sample", "theme"):
            window.carry_out.slot(declared.id)()
    assert window.welcome.isVisible()


def test_the_sheet_of_keys_lists_every_action_and_the_mouse(studio_window):
    window = studio_window.window
    studio_window.key(Qt.Key.Key_F1, window)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible())
    text = " ".join(label.text() for label in dialog.findChildren(QWidget) if hasattr(label, "text"))
    for declared in ACTIONS:
        assert declared.title.replace("&", "").replace(" …", "") in text.replace("&amp;", "&")
    for hand, _ in MOUSE:
        assert hand in text
    studio_window.key(Qt.Key.Key_Escape, dialog)
    assert not dialog.isVisible()


def test_the_about_box_names_device_versions_and_the_notice(studio_window):
    studio_window.open(CT)
    studio_window.action("about").trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible())
    text = " ".join(label.text() for label in dialog.findChildren(QWidget) if hasattr(label, "text"))
    assert "Not for diagnosis" in text
    assert studio_window.document.response.device.name in text
    assert "torch" in text
    dialog.reject()
    studio_window.until(lambda: not dialog.isVisible())


def test_preferences_have_names_and_tips(studio_window):
    studio_window.action("preferences").trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible())
    for widget in controls(dialog):
        assert name_of(widget)
    dialog.reject()
