"""What is seen is what is saved, for every format, through the window's own doors."""

import json
from pathlib import Path

import numpy as np
import pytest
from driving import CT, PHOTO, choose, image_of, small_floats, small_photo
from PIL import Image

from denoise_studio.core.parameter import Values
from denoise_studio.core.region import Box, Ellipse, Region
from denoise_studio.engine.display import show, show_difference
from denoise_studio.engine.export import export
from denoise_studio.formats import SaveOptions, encode_for, open_picture


def edit_by_hand(studio):
    """A bit of everything: parameters, a region with its own, a feather, strength."""
    picture = studio.document.picture
    studio.choose_method("bilateral")
    row = studio.row("sigma_x")
    studio.type_into(row.spin, "2.2")
    studio.slide(studio.row("strength").slider, 900, 850, 800)
    studio.window.regions_panel.add_box()
    panel = studio.window.regions_panel
    panel.form.row("sigma_r").check.click()
    panel.form.row("sigma_r").spin.setValue(panel.form.row("sigma_r").spin.value() * 2)
    panel.feather.spin.setValue(6)
    shape = Ellipse(
        picture.width * 0.3, picture.height * 0.4, picture.width * 0.2, picture.height * 0.15, 20.0
    )
    second = Region(shape=shape, name="soft", feather=5.0, parameters=Values({"strength": 0.35}))
    studio.document.edit(studio.recipe.replace(regions=(*studio.recipe.regions, second)), "a second region")
    studio.finish()


def check(studio, target: Path, options: SaveOptions | None = None):
    shown = studio.shown()
    assert not np.array_equal(shown.pixels, studio.document.picture.pixels)
    studio.export(target, options)
    assert not studio.dialogs()
    read = open_picture(target)
    wanted = encode_for(shown, target, options).pixels
    assert np.array_equal(read.pixels, wanted)
    assert np.array_equal(
        np.zeros(1) if read.padding is None else read.padding,
        np.zeros(1) if shown.padding is None else shown.padding,
    )
    record = json.loads((target.parent / f"{target.name}.recipe.json").read_text())
    assert record["recipe"]["method"] == studio.recipe.method
    return shown


def test_dicom_read_back_is_the_picture_shown(studio_window, tmp_path):
    studio_window.open(CT)
    edit_by_hand(studio_window)
    check(studio_window, tmp_path / "out.dcm")
    assert f"Saved {'out.dcm'}" in studio_window.window.status.under_cursor.text()


def test_a_photograph_read_back_is_the_picture_shown(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    edit_by_hand(studio_window)
    kinds = (("a.png", None), ("b.png", 16), ("c.tiff", 8), ("d.tif", 16), ("e.tiff", 32), ("f.npy", None))
    for name, bits in kinds:
        check(studio_window, tmp_path / name, SaveOptions(bits=bits))


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_read_back_are_the_picture_shown(studio_window, tmp_path, channels):
    studio_window.open(small_floats(tmp_path / "floats.npy", channels=channels))
    edit_by_hand(studio_window)
    for name in ("a.npy", "b.tiff"):
        shown = check(studio_window, tmp_path / name)
        assert np.array_equal(open_picture(tmp_path / name).pixels, shown.pixels)  # nothing is rounded at all


def test_scans_as_float_tiff_and_npy_keep_every_bit(studio_window, tmp_path):
    studio_window.open(CT)
    edit_by_hand(studio_window)
    for name in ("ct.tiff", "ct.npy"):
        shown = studio_window.shown()
        studio_window.export(tmp_path / name, SaveOptions(bits=32))
        assert not studio_window.dialogs()
        read = open_picture(tmp_path / name)
        assert np.array_equal(read.pixels, encode_for(shown, tmp_path / name, SaveOptions(bits=32)).pixels)
        inside = np.logical_not(shown.padding)
        assert np.array_equal(read.pixels[:, inside], shown.pixels[:, inside])


def test_jpeg_is_given_the_picture_shown(studio_window, tmp_path, monkeypatch):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    edit_by_hand(studio_window)
    given = []

    def spying(rendering, *rest, **more):
        given.append(rendering.picture.pixels.copy())
        return export(rendering, *rest, **more)

    monkeypatch.setattr("denoise_studio.gui.pictures.export", spying)
    shown = studio_window.shown()
    studio_window.export(tmp_path / "out.jpg")
    assert np.array_equal(given[0], shown.pixels)
    wanted = encode_for(shown, tmp_path / "out.jpg").pixels
    read = open_picture(tmp_path / "out.jpg").pixels
    # Only the lossy coding lies between: as far off as another coder's at the same quality.
    Image.fromarray(wanted.transpose(1, 2, 0).astype(np.uint8)).save(
        tmp_path / "peer.jpg", quality=SaveOptions().quality, subsampling=0
    )
    peer = np.asarray(Image.open(tmp_path / "peer.jpg"), np.float32).transpose(2, 0, 1)
    assert np.abs(read - wanted).mean() < 1.1 * np.abs(peer - wanted).mean()
    assert (tmp_path / "out.jpg.recipe.json").is_file()


def test_every_method_at_once_after_switching(studio_window, tmp_path):
    """The export uses what the preview has; coming back to a method must not mix results."""
    studio_window.open(small_photo(tmp_path / "photo.png"))
    for method in ("bilateral", "nlm", "identity"):
        for id in ("nlm", "identity", "bilateral", method):
            studio_window.choose_method(id)
        studio_window.finish()
        shown = studio_window.shown()
        studio_window.export(tmp_path / "out.npy")
        assert np.array_equal(open_picture(tmp_path / "out.npy").pixels, shown.pixels)


def test_export_while_the_preview_is_half_done_saves_the_finished_result(studio_window, tmp_path, slow):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    window = studio_window.window
    window.show_document(window.document)
    document = studio_window.document
    document.edit(
        document.recipe.replace(method=slow.denoiser.id, parameters=Values({"amount": -3.0})), "slow"
    )
    studio_window.until(slow.entered.is_set)
    window.files.export(document, tmp_path / "out.npy")
    slow.release()
    studio_window.files_done()
    studio_window.finish()
    saved = open_picture(tmp_path / "out.npy").pixels
    assert np.array_equal(saved, document.picture.pixels - np.float32(3))
    assert np.array_equal(saved, studio_window.shown().pixels)


@pytest.mark.parametrize("path", [CT, PHOTO], ids=["ct", "photo"])
def test_at_one_to_one_the_screen_shows_the_bytes_of_that_array(studio_window, path):
    studio_window.open(path)
    studio_window.choose_method("bilateral")
    studio_window.type_into(studio_window.row("sigma_x").spin, "2.5")
    studio_window.action("one-to-one").trigger()
    studio_window.finish()
    shown, levels = studio_window.shown(), studio_window.document.levels
    for pane, pixels in (
        (studio_window.after, shown.pixels),
        (studio_window.before, studio_window.document.picture.pixels),
    ):
        image, rect = image_of(pane.image)
        assert rect == shown.rect
        assert np.array_equal(image, show(shown, pixels, levels))
    studio_window.action("difference").trigger()
    studio_window.finish()
    image, rect = image_of(studio_window.after.image)
    change = shown.pixels - studio_window.document.picture.pixels
    assert rect == shown.rect
    assert np.array_equal(image, show_difference(change, studio_window.compare._limit()))


def test_window_and_level_change_the_screen_and_never_the_file(studio_window, tmp_path):
    studio_window.open(CT)
    studio_window.finish()
    before = studio_window.shown().pixels
    bar = studio_window.window.levels_bar
    choose(bar.presets, bar.presets.count() - 1)
    studio_window.action("invert").trigger()
    studio_window.finish()
    assert np.array_equal(studio_window.shown().pixels, before)
    image, _ = image_of(studio_window.after.image)
    zoom = studio_window.compare.viewport.zoom
    factor = max(1, int(1.0 / zoom + 0.25))
    assert np.array_equal(image, show(studio_window.shown(), before, studio_window.document.levels, factor))
    check_same = tmp_path / "same.npy"
    studio_window.export(check_same, SaveOptions(bits=32))
    inside = np.logical_not(studio_window.document.picture.padding)
    assert np.array_equal(open_picture(check_same).pixels[:, inside], before[:, inside])


def test_a_box_that_lies_outside_the_picture_changes_nothing(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    before = studio_window.shown().pixels
    region = Region(shape=Box(500, 500, 600, 600), name="far", parameters=Values({"sigma_x": 8.0}))
    studio_window.document.edit(studio_window.recipe.replace(regions=(region,)), "far away")
    studio_window.document.select(0)
    studio_window.finish()
    assert np.array_equal(studio_window.shown().pixels, before)
