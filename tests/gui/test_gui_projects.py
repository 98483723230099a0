"""Projects, autosave, recovery, presets, recent files, and what must not be remembered."""

import json
import shutil
from pathlib import Path

import pytest
from driving import CT, small_floats, small_photo
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QInputDialog

from denoise_studio.core.parameter import Values
from denoise_studio.engine.presets import load_presets
from denoise_studio.engine.project import load_project, save_project
from denoise_studio.formats import open_picture
from denoise_studio.gui.autosave import left_behind
from denoise_studio.gui.dialogs import PreferencesDialog
from denoise_studio.gui.export_dialog import ExportDialog


@pytest.fixture
def scan(tmp_path):
    """A scan under a name that tells whose it is."""
    path = tmp_path / "DOE^JANE-1970.dcm"
    shutil.copy(CT, path)
    return path


def edited(studio, tmp_path):
    """Two pictures, both edited, one looked at closely."""
    studio.open(small_floats(tmp_path / "a.npy"), small_photo(tmp_path / "b.png"))
    studio.window.show_index(0)
    studio.type_into(studio.row("sigma_x").spin, "3")
    studio.window.regions_panel.add_box()
    studio.window.regions_panel.form.row("sigma_r").check.click()
    studio.window.histogram_panel.band.setRegion((0.2, 0.7))
    studio.compare.viewport.set(40.0, 30.0, 6.0)
    studio.window.show_index(1)
    studio.choose_method("nlm")
    studio.slide(studio.row("strength").slider, 500, 400)
    studio.action("invert").trigger()
    studio.finish()


def test_a_project_brings_back_recipes_levels_and_view(make_window, tmp_path):
    first = make_window()
    edited(first, tmp_path)
    project = tmp_path / "session.dstudio"
    first.window.files.save_project(project)
    first.files_done()
    assert "session.dstudio" in first.window.status.under_cursor.text()

    second = make_window()
    second.window.files.open([project])
    second.until(lambda: len(second.window.documents) == 2)
    second.finish()
    for old, new in zip(first.window.documents, second.window.documents, strict=True):
        assert new.recipe == old.recipe
        assert new.levels == old.levels
        assert new.path == old.path
        assert not new.undo_stack.canUndo()
    assert second.window.documents.index(second.document) == 1
    assert second.window.actions_["invert"].isChecked()
    assert (second.shown().pixels == first.shown().pixels).all()
    second.window.show_index(0)
    second.finish()
    assert (second.compare.viewport.x, second.compare.viewport.y, second.compare.viewport.zoom) == (40, 30, 6)
    assert second.window.files.project == project
    second.type_into(second.row("sigma_x").spin, "4")
    second.action("save-project").trigger()  # no question: it has a name
    second.files_done()
    assert load_project(project).pictures[0].recipe.parameters["sigma_x"] == 4


def test_a_project_with_a_missing_picture_opens_the_others_and_says_so(studio_window, tmp_path):
    studio = studio_window
    edited(studio, tmp_path)
    studio.window.files.save_project(tmp_path / "p.dstudio")
    studio.files_done()
    while studio.window.documents:
        studio.action("close-picture").trigger()
    (tmp_path / "a.npy").unlink()
    studio.window.files.open([tmp_path / "p.dstudio"])
    assert "a.npy" in studio.complaint()
    assert [document.path.name for document in studio.window.documents] == ["b.png"]
    studio.finish()


def test_edits_are_autosaved_and_forgotten_at_a_good_end(make_window, tmp_path):
    folder = tmp_path / "autosave"
    studio = make_window(autosave=folder)
    studio.open(small_floats(tmp_path / "a.npy"))
    assert studio.window.autosave._timer.isActive()
    studio.type_into(studio.row("sigma_x").spin, "3")
    studio.window.autosave.save_now()
    (saved,) = folder.iterdir()
    assert load_project(saved).pictures[0].recipe == studio.recipe
    assert left_behind(folder) == []  # its process is alive: another window must not offer it
    studio.window.close()
    assert list(folder.iterdir()) == []


def test_closing_the_last_picture_forgets_the_autosave(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"))
    studio.window.autosave.save_now()
    assert studio.window.autosave.path.exists()
    studio.action("close-picture").trigger()
    studio.window.autosave.save_now()
    assert not studio.window.autosave.path.exists()


def crashed(studio, folder, name="1-dead.dstudio"):
    """What a process that is gone has left: an autosave named by a number that nobody has."""
    left = folder / name.replace("1-", f"{2**22 + 5}-")
    folder.mkdir(exist_ok=True)
    studio.window.autosave.save_now()
    save_project(load_project(studio.window.autosave.path), left)
    return left


def test_edits_of_a_crash_are_brought_back(make_window, tmp_path):
    first = make_window()
    edited(first, tmp_path)
    folder = tmp_path / "left"
    left = crashed(first, folder)
    assert left_behind(folder) == [left]
    second = make_window(autosave=folder)
    second.window.files.recover(left_behind(folder))
    (box,) = second.dialogs()
    assert "unexpectedly" in box.text()
    next(b for b in box.buttons() if b.text() == "Bring them back").click()
    second.until(lambda: len(second.window.documents) == 2)
    second.finish()
    second.files_done()
    for old, new in zip(first.window.documents, second.window.documents, strict=True):
        assert (new.recipe, new.levels) == (old.recipe, old.levels)
    assert not left.exists()
    assert second.window.files.project is None  # the next Ctrl+S must not write into the autosave
    second.window.autosave.save_now()
    assert second.window.autosave.path.exists()


def test_edits_of_several_crashes_are_all_brought_back(make_window, tmp_path):
    folder = tmp_path / "left"
    names = []
    for number in (1, 2):
        studio = make_window()
        studio.open(small_floats(tmp_path / f"p{number}.npy"))
        studio.slide(studio.row("strength").slider, 100 * number)
        names.append(crashed(studio, folder, f"1-{number}.dstudio"))
    last = make_window(autosave=folder)
    last.window.files._recover(left_behind(folder))
    last.until(lambda: len(last.window.documents) == 2)
    last.finish()
    assert {document.recipe.strength for document in last.window.documents} == {0.1, 0.2}


@pytest.mark.parametrize(("button", "kept"), [("Discard them", False), ("Ask me later", True)])
def test_edits_of_a_crash_can_be_left_or_discarded(make_window, tmp_path, button, kept):
    studio = make_window()
    studio.open(small_floats(tmp_path / "a.npy"))
    left = crashed(studio, tmp_path / "left")
    studio.window.files.recover([left])
    (box,) = studio.dialogs()
    next(b for b in box.buttons() if b.text() == button).click()
    studio.until(lambda: not studio.dialogs())
    assert left.exists() is kept
    assert len(studio.window.documents) == 1


def test_a_recovery_of_a_picture_that_is_gone_keeps_the_edits(make_window, tmp_path):
    studio = make_window()
    studio.open(small_floats(tmp_path / "a.npy"))
    left = crashed(studio, tmp_path / "left")
    studio.action("close-picture").trigger()
    (tmp_path / "a.npy").unlink()
    studio.window.files._recover([left])
    assert "a.npy" in studio.complaint()
    assert left.exists()


def settings_text(studio):
    return studio.window.settings.path.read_text() if studio.window.settings.path.exists() else ""


def test_scans_stay_out_of_recent_files_and_of_the_title(studio_window, scan, tmp_path):
    studio = studio_window
    studio.open(scan)
    assert "DOE" not in settings_text(studio)
    assert "DOE" not in studio.window.windowTitle()
    assert studio.window.windowTitle() == "Scan – Denoise Studio"
    photo = small_photo(tmp_path / "holiday.png")
    studio.open(photo)
    assert "holiday.png" in studio.window.windowTitle()
    assert "holiday.png" in settings_text(studio)
    assert "DOE" not in settings_text(studio)
    studio.window.files.fill_recent()
    assert [action.text() for action in studio.window.recent_menu.actions()] == ["holiday.png"]


def test_scans_are_remembered_when_asked_for(studio_window, scan):
    studio = studio_window
    studio.action("preferences").trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, PreferencesDialog))
    assert not dialog.medical.isChecked()
    dialog.medical.click()
    dialog.memory.setValue(256)
    dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click()
    assert studio.window.settings.value.remember_medical
    assert studio.window.bridge.session.cache.budget_bytes == 256 * 2**20
    studio.open(scan)
    assert "DOE" in settings_text(studio)


def test_preferences_can_be_cancelled(studio_window):
    studio = studio_window
    before = studio.window.settings.value
    studio.action("preferences").trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, PreferencesDialog))
    dialog.medical.click()
    dialog.reject()
    assert studio.window.settings.value == before


def test_a_recent_file_opens_again_also_after_a_new_start(make_window, tmp_path):
    first = make_window()
    photo = small_photo(tmp_path / "photo.png")
    first.open(photo)
    first.window.close()
    second = make_window()
    second.window.files.fill_recent()
    (action,) = second.window.recent_menu.actions()
    action.trigger()
    second.until(lambda: len(second.window.documents) == 1)
    second.finish()
    assert second.document.path == photo


def test_settings_that_are_broken_count_as_none(make_window, tmp_path):
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "settings.json").write_text('{"theme": 7, "recent": "x", "memory_mb": [')
    studio = make_window(settings=folder)
    assert studio.window.settings.value.recent == []
    (folder / "settings.json").write_text(json.dumps({"theme": 7, "memory_mb": 512, "unknown": 1}))
    studio = make_window(settings=folder)
    assert studio.window.settings.value.memory_mb == 512
    assert studio.window.settings.value.theme == "dark"


def test_presets_are_saved_listed_and_used(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"), small_floats(tmp_path / "b.npy"))
    studio.window.show_index(0)
    studio.type_into(studio.row("sigma_x").spin, "2.6")
    studio.slide(studio.row("strength").slider, 600)
    studio.action("save-preset").trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QInputDialog))
    dialog.setTextValue("My bones")
    dialog.accept()
    studio.until(lambda: load_presets(studio.window.settings.presets))
    studio.window.show_index(1)
    first = studio.recipe
    studio.window.files.fill_presets()
    action = studio.window.presets_menu.actions()[0]
    assert action.text() == "My bones"
    action.trigger()
    assert studio.recipe.parameters["sigma_x"] == 2.6
    assert studio.recipe.strength == 0.6
    assert "My bones" in studio.action("undo").toolTip()
    studio.action("undo").trigger()
    assert studio.recipe == first
    forget = studio.window.presets_menu.actions()[-1].menu()
    forget.actions()[0].trigger()
    assert not load_presets(studio.window.settings.presets)
    studio.finish()


def test_without_presets_or_recent_files_the_menus_say_so(studio_window):
    studio_window.window.files.fill_presets()
    studio_window.window.files.fill_recent()
    for menu in (studio_window.window.presets_menu, studio_window.window.recent_menu):
        (action,) = menu.actions()
        assert not action.isEnabled()


def test_the_edit_is_copied_to_all_open_pictures_and_each_can_undo_it(studio_window, tmp_path):
    studio = studio_window
    studio.open(*(small_floats(tmp_path / f"{n}.npy", seed=n) for n in range(3)))
    studio.window.show_index(1)
    studio.type_into(studio.row("sigma_x").spin, "3")
    studio.window.regions_panel.add_box()
    studio.action("copy-edit").trigger()
    recipe = studio.recipe
    assert all(document.recipe == recipe for document in studio.window.documents)
    for index in (0, 2):
        studio.window.show_index(index)
        studio.finish()
        assert studio.shown().pixels is not None
        studio.action("undo").trigger()
        assert studio.recipe.regions == ()
        assert not studio.recipe.parameters
    assert studio.window.documents[1].recipe == recipe
    studio.finish()


def test_a_copied_edit_is_converted_to_the_other_picture(studio_window, tmp_path):
    """60 HU of the 1000 from air to water are 0.06 of floats between 0 and 1; far regions stay behind."""
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"), CT)
    studio.window.show_index(1)
    studio.choose_method("bilateral")
    studio.type_into(studio.row("sigma_r").spin, "60")
    studio.type_into(studio.row("sigma_x").spin, "2.5")
    studio.window.regions_panel.add_box()  # in the middle of 512 x 512: beyond 130 x 90
    studio.action("copy-edit").trigger()
    studio.window.show_index(0)
    studio.finish()
    assert studio.document.is_final
    assert studio.recipe.parameters["sigma_x"] == 2.5
    assert studio.recipe.parameters["sigma_r"] == pytest.approx(0.06)
    assert not studio.recipe.regions
    studio.action("undo").trigger()
    assert studio.recipe.parameters == Values()
    studio.finish()


def test_a_copied_edit_leaves_out_what_does_not_fit_the_other_picture(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"), small_floats(tmp_path / "b.npy", seed=4))
    document = studio.window.documents[0]
    document.edit(document.recipe.with_parameter("sigma_x", 99.0), "too wide")
    studio.window.show_index(0)
    studio.action("copy-edit").trigger()
    studio.window.show_index(1)
    studio.finish()
    assert studio.document.is_final
    assert studio.recipe.parameters == Values()


def test_leaving_with_unsaved_edits_asks_first(studio_window, tmp_path):
    studio = studio_window
    studio.window.ask_before_closing = True
    studio.open(small_floats(tmp_path / "a.npy"))
    studio.type_into(studio.row("sigma_x").spin, "2.5")
    studio.window.close()
    (box,) = studio.dialogs()
    assert studio.window.isVisible()
    assert "have not been saved" in box.text()
    button = next(b for b in box.buttons() if b.text() == "Stay")
    button.click()
    studio.until(lambda: not studio.dialogs())
    assert studio.window.isVisible()
    studio.action("close-picture").trigger()
    (box,) = studio.dialogs()
    next(b for b in box.buttons() if b.text() == "Keep it open").click()
    studio.until(lambda: not studio.dialogs())
    assert len(studio.window.documents) == 1
    studio.window.files.save_project(tmp_path / "p.dstudio")
    studio.files_done()
    assert studio.document.undo_stack.isClean()
    studio.type_into(studio.row("sigma_x").spin, "3")
    studio.window.close()
    (box,) = studio.dialogs()
    next(b for b in box.buttons() if b.text() == "Leave without them").click()
    studio.until(lambda: not studio.window.isVisible())


def test_an_exported_edit_counts_as_saved(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"))
    studio.type_into(studio.row("sigma_x").spin, "2.5")
    assert not studio.document.undo_stack.isClean()
    studio.export(tmp_path / "out.npy")
    assert studio.document.undo_stack.isClean()


def test_nothing_is_left_of_a_closed_picture(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "a.npy"))
    studio.action("close-picture").trigger()
    window = studio.window
    assert not window.noise_panel.estimate.words.text()
    assert not window.readouts_panel.area.text()
    assert not window.readouts_panel.table.item(0, 0).text()
    assert not any(button.isEnabled() for button in window.regions_panel.needing_a_picture)
    assert not window.actions_["window-1"].isEnabled()


def test_files_are_dropped_onto_the_window(studio_window, tmp_path):
    studio = studio_window
    paths = [small_photo(tmp_path / "a.png"), small_floats(tmp_path / "b.npy")]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths] + [QUrl("https://example.org/c.png")])
    event = QDropEvent(
        QPointF(300, 300),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    studio.window.dropEvent(event)
    assert event.isAccepted()
    studio.until(lambda: len(studio.window.documents) == 2)
    studio.finish()
    assert studio.window.pictures_panel.isVisible()


def test_the_list_of_pictures_switches_by_mouse_and_keyboard(studio_window, tmp_path):
    studio = studio_window
    studio.open(*(small_photo(tmp_path / f"{n}.png", 60 + n, 50, n) for n in range(3)))
    pictures = studio.window.pictures_panel.list
    place = pictures.visualItemRect(pictures.item(0)).center()
    studio.qtbot.mouseClick(pictures.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert studio.window.documents.index(studio.document) == 0
    studio.key(Qt.Key.Key_Down, pictures)
    assert studio.window.documents.index(studio.document) == 1
    studio.key(Qt.Key.Key_PageDown, studio.after)
    studio.key(Qt.Key.Key_PageDown, studio.after)
    assert studio.window.documents.index(studio.document) == 0
    studio.key(Qt.Key.Key_PageUp, studio.after)
    assert studio.window.documents.index(studio.document) == 2
    assert pictures.currentRow() == 2
    studio.action("close-picture").trigger()
    assert len(studio.window.documents) == 2
    assert studio.window.documents.index(studio.document) == 1
    studio.finish()


@pytest.mark.parametrize("name", ["open", "export", "save-project", "save-project-as"])
def test_file_dialogs_open_without_blocking_and_can_be_cancelled(studio_window, tmp_path, name, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    before = sorted(Path(tmp_path).rglob("*"))
    studio.action(name).trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog))
    assert dialog.isVisible()
    if name == "export":
        assert "PNG" in dialog.selectedNameFilter()
        assert dialog.selectedFiles()[0].endswith("a-denoised.png")
    dialog.reject()
    studio.until(lambda: not dialogs_of_files())
    assert sorted(Path(tmp_path).rglob("*")) == before


def dialogs_of_files():
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible()]


def export_options():
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, ExportDialog) and w.isVisible()]


def type_name(studio, path):
    studio.action("export").trigger()
    (dialog,) = dialogs_of_files()
    dialog.fileSelected.emit(str(path))
    dialog.close()


@pytest.mark.parametrize("choice", [0, 1])
def test_the_export_dialog_saves_what_was_typed(studio_window, tmp_path, choice):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    type_name(studio, tmp_path / "typed.png")
    (options,) = export_options()
    assert [options.bits.itemData(i) for i in range(options.bits.count())] == [None, 8, 16]
    options.bits.setCurrentIndex(choice)
    options.accept()
    studio.files_done()
    assert open_picture(tmp_path / "typed.png").stored.bits == 8


def test_the_export_dialog_offers_depth_and_quality(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "a.png"))
    type_name(studio, tmp_path / "deep.tiff")
    (options,) = export_options()
    options.bits.setCurrentIndex(options.bits.findData(16))
    options.accept()
    studio.files_done()
    assert open_picture(tmp_path / "deep.tiff").stored.bits == 16
    sizes = []
    for quality in (30, 95):
        type_name(studio, tmp_path / f"{quality}.jpg")
        (options,) = export_options()
        assert not options.bits.isVisible()
        options.quality.setValue(quality)
        options.accept()
        studio.files_done()
        sizes.append((tmp_path / f"{quality}.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    type_name(studio, tmp_path / "straight.npy")  # nothing to choose: saved at once
    assert not export_options()
    studio.files_done()
    assert (tmp_path / "straight.npy").is_file()
    type_name(studio, tmp_path / "what.xyz")
    assert "Cannot tell the format" in studio.complaint()


def test_the_sample_opens_from_the_menu_and_is_not_remembered(studio_window):
    studio = studio_window
    studio.action("open-sample").trigger()
    studio.until(lambda: studio.window.documents)
    studio.finish()
    assert studio.document.path == CT
    assert studio.window.settings.value.recent == []
