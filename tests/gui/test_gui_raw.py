"""Camera raw in the window: seen in colour, exposed instead of windowed, saved as DNG or developed."""

import json

import numpy as np
import pytest
from driving import choose, image_of
from PySide6.QtWidgets import QFileDialog
from raw_builders import BLACK, WHITE, exposed, patches
from raw_files import write_raw

from denoise_studio.engine.developing import own_pixels
from denoise_studio.engine.display import default_levels, show_part
from denoise_studio.engine.replay import replay
from denoise_studio.formats import SaveOptions, format_for, open_picture
from denoise_studio.gui.export_dialog import ExportDialog
from denoise_studio.gui.status import cursor_text


@pytest.fixture
def raw(studio_window, tmp_path):
    """A dark raw picture, open, with a method that runs fast."""
    values = exposed(patches(192, 256, high=2000.0), 2.0, 5.0, 1)
    studio_window.open(write_raw(tmp_path / "shot.dng", values))
    studio_window.choose_method("identity")
    studio_window.finish()
    return studio_window


def expected(studio, levels, factor=1):
    picture = studio.document.picture
    return show_part(picture, picture.rect, levels, factor, own_pixels(picture))


def test_it_is_exposed_and_has_no_window(raw):
    bar = raw.window.levels_bar
    assert bar.exposure.isVisible()
    assert not any(box.isVisible() for box in (bar.presets, bar.width_box, bar.level_box))
    assert bar.preset_names() == []
    levels = raw.document.levels
    assert (levels.low, levels.high, levels.exposure) == (BLACK, WHITE, 0.0)
    raw.window.levels_bar.use_preset(0)
    assert raw.document.levels == levels


def test_the_panes_show_it_in_colour_and_brighter_with_exposure(raw):
    raw.action("one-to-one").trigger()
    raw.finish()
    for stops in (0.0, 2.5):
        raw.window.levels_bar.exposure.setValue(stops)
        raw.finish()
        wanted = expected(raw, raw.document.levels)
        for pane in (raw.before, raw.after):
            image, rect = image_of(pane.image)
            assert rect == raw.document.picture.rect
            np.testing.assert_array_equal(image, wanted)
    assert raw.document.levels.exposure == 2.5


def test_automatic_levels_find_an_exposure_and_reset_takes_it_back(raw):
    raw.action("auto-levels").trigger()
    levels = raw.document.levels
    assert (levels.low, levels.high) == (BLACK, WHITE)
    assert levels.exposure > 1  # the brightest patch lies at an eighth of white
    assert raw.window.levels_bar.exposure.value() == levels.exposure
    raw.action("reset-levels").trigger()
    assert raw.document.levels == default_levels(raw.document.picture)


def test_the_cursor_says_whose_pixel_it_is(raw):
    pixels = raw.document.picture.pixels[0]
    for (x, y), name in {(4, 2): "R", (5, 2): "G1", (4, 3): "G2", (5, 3): "B"}.items():
        text = cursor_text(raw.document, x, y)
        assert f"x {x}  y {y}  {name} " in text
        assert f"{pixels[y, x]:.1f} → {pixels[y, x]:.1f} DN" in text


def test_the_difference_is_of_the_sensors_numbers(raw):
    raw.action("difference").trigger()
    raw.finish()
    image, _ = image_of(raw.after.image)
    assert (image == image[0, 0]).all()  # nothing was changed


def test_saving_offers_dng_first(raw):
    raw.action("export").trigger()
    (dialog,) = raw.window.findChildren(QFileDialog)
    assert dialog.selectedNameFilter().startswith("DNG")
    assert dialog.selectedFiles()[0].endswith("shot-denoised.dng")
    dialog.reject()


def test_a_dng_from_the_window_is_made_again_from_its_record(raw, tmp_path):
    raw.window.levels_bar.exposure.setValue(1.5)
    raw.window.files._ask_options(raw.document, tmp_path / "out.dng")
    raw.files_done()
    assert not raw.dialogs()
    np.testing.assert_array_equal(open_picture(tmp_path / "out.dng").pixels, raw.shown().pixels)
    assert replay(tmp_path / "out.dng").equal


@pytest.mark.parametrize(("name", "way"), [("a.tif", "linear"), ("a.png", "display"), ("a.jpg", "display")])
def test_developed_files_have_the_exposure_shown(raw, tmp_path, name, way):
    raw.window.levels_bar.exposure.setValue(2.0)
    raw.window.files._ask_options(raw.document, tmp_path / name)
    (dialog,) = raw.window.findChildren(ExportDialog)
    assert dialog.develop.currentData() == way
    assert dialog.options().exposure == 2.0
    dialog.accept()
    raw.files_done()
    assert not raw.dialogs()
    record = json.loads((tmp_path / f"{name}.recipe.json").read_text())
    assert (record["output"]["developed"], record["output"]["exposure"]) == (way, 2.0)
    if name == "a.png":
        found = open_picture(tmp_path / name).pixels * (255 / 65535)
        shown = expected(raw, raw.document.levels)
        assert np.abs(found.transpose(1, 2, 0) - shown).max() < 0.55  # bytes are rounded, light to 1 / 65535


def test_linear_can_be_chosen_for_png_but_not_for_jpeg(raw, tmp_path):
    picture = raw.document.picture
    for ending, ways in (
        ("png", {"display", "linear"}),
        ("jpg", {"display"}),
        ("tif", {"display", "linear"}),
    ):
        dialog = ExportDialog(format_for(f"a.{ending}"), f"a.{ending}", raw.window, picture, 1.0)
        assert {dialog.develop.itemData(i) for i in range(dialog.develop.count())} == ways
        dialog.deleteLater()
    dialog = ExportDialog(format_for("a.png"), "a.png", raw.window, picture, 1.0)
    choose(dialog.develop, dialog.develop.findData("linear"))
    assert dialog.options() == SaveOptions(develop="linear", exposure=1.0)
    dialog.deleteLater()


def test_a_narrower_window_is_saved_as_the_exposure_it_shows(raw, tmp_path):
    raw.document.set_levels(raw.document.levels.with_window((WHITE - BLACK) / 4, BLACK + (WHITE - BLACK) / 8))
    raw.window.files._ask_options(raw.document, tmp_path / "a.png")
    (dialog,) = raw.window.findChildren(ExportDialog)
    assert dialog.options().exposure == pytest.approx(2.0)
    dialog.reject()
