"""Which methods a raw picture is offered, what a parameter that is a file looks like, how raw is opened."""

import dataclasses

import numpy as np
import pytest
from driving import inner, small_photo
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QToolButton
from raw_builders import BLACK, WHITE, exposed, patches, raw
from raw_files import write_raw

from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.parameter import Parameter, ParameterKind
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import all_denoisers, get_denoiser, register, unregister
from denoise_studio.engine.offers import refusal, why_so_few
from denoise_studio.engine.presets import save_preset
from denoise_studio.gui.document import Document
from denoise_studio.gui.pictures import open_filter

X_TRANS = np.array([list(row) for row in ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")])


def x_trans():
    sites = tuple(Photosite(name, colour, BLACK, WHITE) for colour, name in enumerate("RGB"))
    pattern = tuple(tuple("RGB".index(letter) for letter in row) for row in X_TRANS)
    values = exposed(patches(192, 192, high=2000.0), 2.0, 5.0, 1)
    return raw(values, Mosaic(pattern, sites), name="x-trans")


@pytest.fixture
def shot(studio_window, tmp_path):
    """A small raw file, open, with a method that runs fast."""
    values = exposed(patches(192, 256, high=2000.0), 2.0, 5.0, 1)
    studio_window.open(write_raw(tmp_path / "shot.dng", values), wait=False)
    studio_window.until(lambda: studio_window.window.documents)
    studio_window.choose_method("identity")
    studio_window.finish()
    return studio_window


def entries(studio):
    combo = studio.window.method_panel.methods
    model = combo.model()
    return {combo.itemData(row): model.item(row) for row in range(model.rowCount())}


def test_methods_that_refuse_are_grey_and_say_why(shot, tmp_path):
    picture = shot.document.picture
    for denoiser in all_denoisers():
        item, why = entries(shot)[denoiser.id], denoiser.refusal(picture)
        assert item.isEnabled() is (not why)
        assert item.toolTip() == (why or denoiser.summary)
    assert sum(item.isEnabled() for item in entries(shot).values()) >= 2
    assert why_so_few(picture) == ""
    shot.open(small_photo(tmp_path / "photo.png"))
    assert "camera raw pictures only" in next(
        item.toolTip() for item in entries(shot).values() if not item.isEnabled()
    )


def test_x_trans_has_one_method_and_the_summary_says_why(studio_window):
    studio_window.window.add_document(Document(x_trans()))
    studio_window.finish()
    able = [id for id, item in entries(studio_window).items() if item.isEnabled()]
    assert able == ["identity"]
    summary = studio_window.window.method_panel.summary
    assert "Bayer pattern only" in summary.text()
    assert "X-Trans" in summary.text()
    assert summary.objectName() == "quiet"
    assert not studio_window.document.has_failed


def test_a_recipe_of_a_method_that_refuses_says_so_instead_of_another_pictures_controls(studio_window):
    method = next(d.id for d in all_denoisers() if d.refusal(x_trans()))
    studio_window.window.add_document(Document(x_trans(), Recipe(method=method)))
    panel = studio_window.window.method_panel
    assert panel.summary.text() == refusal(method, x_trans())
    assert panel.summary.objectName() == "warning"
    assert not panel.form.isVisible()
    studio_window.choose_method("identity")
    studio_window.finish()
    assert panel.form.isVisible()
    assert panel.summary.objectName() == "quiet"


def test_presets_of_methods_that_refuse_are_grey_and_change_nothing(shot):
    window = shot.window
    refused = next(d.id for d in all_denoisers() if d.refusal(shot.document.picture))
    for name, method in (("refused", refused), ("taken", "identity")):
        save_preset(window.settings.presets, name, Recipe(method=method, strength=0.5))
    window.files.fill_presets()
    actions = {action.text(): action for action in window.presets_menu.actions()}
    assert not actions["refused"].isEnabled()
    assert actions["refused"].toolTip() == refusal(refused, shot.document.picture)
    assert actions["taken"].isEnabled()
    before = shot.recipe
    window.files._use_preset("refused", Recipe(method=refused))
    assert shot.recipe == before
    assert not shot.document.has_failed
    assert refusal("no-such-method", shot.document.picture)


# Files as parameters


@pytest.fixture
def profiled():
    """A method with a parameter that is a file."""
    parameter = Parameter("where", "Dark file", "Taken off.", "", ParameterKind.FILE, role="dark-profile")
    seen = []

    def apply(tile):
        seen.append(tile.values["where"])
        return inner(tile)

    denoiser = dataclasses.replace(
        get_denoiser("identity"), id="file-test", name="Takes a file", parameters=(parameter,),
        load=lambda: apply, parallel_tiles=False,
    )  # fmt: skip
    register(denoiser)
    yield seen
    unregister("file-test")


def test_a_file_can_be_chosen_cleared_and_taken_back(profiled, studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    studio.choose_method("file-test")
    row = studio.window.method_panel.form._others["where"]
    assert row.name.text() == "none"
    assert not row.clear.isEnabled()
    row.choose.click()
    (dialog,) = row.findChildren(QFileDialog)
    assert dialog.nameFilters()[0].startswith("Dark profiles")
    path = str(tmp_path / "a profile with quite a long name that has to be cut in the middle.npz")
    dialog.fileSelected.emit(path)
    dialog.reject()
    assert studio.recipe.parameters["where"] == path
    studio.until(lambda: "…" in row.name.text())
    assert row.name.text().endswith(".npz")
    assert row.name.toolTip() == path
    studio.finish()
    assert profiled[-1] == path
    row.clear.click()
    assert "where" not in studio.recipe.parameters
    assert row.name.text() == "none"
    studio.action("undo").trigger()
    assert studio.recipe.parameters["where"] == path
    for button in row.findChildren(QToolButton):
        assert button.accessibleName()
        assert button.toolTip()
        assert button.focusPolicy() == Qt.FocusPolicy.StrongFocus
    studio.finish()


# Opening


def test_the_open_dialog_offers_raw_files_as_cameras_name_them(studio_window):
    everything, raw_only = open_filter().split(";;")[:2]
    for suffix in ("cr2", "NEF", "dng", "DNG", "raf", "CRW", "dcm", "dstudio"):
        assert f"*.{suffix}" in everything, suffix
    assert raw_only.startswith("Camera raw (")
    assert "*.ARW" in raw_only
    assert "*.png" not in raw_only
    assert "camera raw" in studio_window.window.welcome.text()


def test_a_raw_file_is_remembered_as_recent(shot, tmp_path):
    assert shot.window.settings.value.recent[0] == str(tmp_path / "shot.dng")
    shot.window.files.fill_recent()
    assert shot.window.recent_menu.actions()[0].text() == "shot.dng"


# Copying edits, and what the rows look like


def test_an_edit_is_copied_only_to_pictures_that_its_method_takes(shot, tmp_path):
    method = next(d for d in all_denoisers() if not d.refusal(shot.document.picture) and d.id != "identity")
    first = shot.document
    shot.open(small_photo(tmp_path / "photo.png"))
    photo = shot.document
    before = photo.recipe
    shot.window.show_document(first)
    first.edit(Recipe(method=method.id), "method")
    shot.action("copy-edit").trigger()
    assert photo.recipe == before
    said = shot.window.status.under_cursor.text()
    assert "0 other open pictures" in said
    assert f"{method.name} does not take 1 more" in said
    shot.action("undo").trigger()
    shot.finish()


@pytest.mark.parametrize(("white", "decimals"), [(1023.0, 3), (4095.0, 2), (16383.0, 1)])
def test_an_offset_of_the_black_level_has_the_fineness_of_the_camera(studio_window, white, decimals):
    """Cameras of 10, 12 and 14 bits: the smallest step is a hundred-thousandth of their range."""
    offset = Parameter(
        "black", "Black level", "Added.", 0.0, unit="value", minimum=-0.01, maximum=0.01, step=0.00001,
        group="Sensor",
    )  # fmt: skip
    found = Parameter("map", "Map m", "Found.", 1.0, fitted=True, per_region=True, group="Sensor")
    picture = dataclasses.replace(
        raw(np.full((64, 64), 300.0)), nominal_range=(64.0, white), mosaic=raw(np.zeros((2, 2))).mosaic
    )
    form = studio_window.window.method_panel.form
    form.build((offset, found), picture)
    row = form.row("black")
    assert row.spin.suffix() == " DN"
    assert row.spin.decimals() == decimals
    assert row.spin.maximum() == pytest.approx(0.01 * (white - 64), abs=10.0**-decimals)
    assert row.spin.minimum() == -row.spin.maximum()
    assert row.slider.mark == 500  # no change is easy to find again
    row.set_value(0.0)
    assert row.slider.value() == 500
    captions = [label.text() for label in form.groups["Sensor"].findChildren(QLabel)]
    assert "Multiply what was found" not in captions  # an offset multiplies nothing
    assert "One value instead of the map" in captions
