"""The numbers on the screen: under the cursor, in the read-outs, about the device."""

import dataclasses
import threading

import numpy as np
import pytest
from driving import CT, Driver, inner, small_floats, small_photo
from PySide6.QtCore import QPoint

from denoise_studio.core.errors import OutOfMemory
from denoise_studio.core.parameter import Values
from denoise_studio.denoisers import get_denoiser, register, unregister


def number(text):
    return float(text.replace("−", "-"))


def read_out(studio, x, y):
    """The status bar's text with the mouse on the middle of a pixel."""
    studio.compare.viewport.set(x + 0.5, y + 0.5, 8.0)
    studio.move(studio.after.viewport(), studio.at(studio.after, x + 0.5, y + 0.5))
    return studio.window.status.under_cursor.text()


def test_the_cursor_reads_both_values_in_hu_and_the_place_in_mm(studio_window):
    studio = studio_window
    studio.open(CT)
    picture, shown = studio.document.picture, studio.shown()
    for x, y in ((256, 256), (301, 180), (200, 330)):
        text = read_out(studio, x, y)
        before, after = picture.pixels[0, y, x], shown.pixels[0, y, x]
        assert before != after
        wanted = f"{before:.1f} → {after:.1f} HU".replace("-", "−")
        assert wanted in text
        assert f"x {x}  y {y}" in text
        assert f"({x * picture.spacing[1]:.1f}, {y * picture.spacing[0]:.1f} mm)" in text
    y, x = next(zip(*np.nonzero(picture.padding), strict=True))
    assert "padding" in read_out(studio, int(x), int(y))


def test_the_cursor_reads_all_channels_of_a_photograph(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    text = read_out(studio, 40, 30)
    before, after = text.split("   ")[1].split(" → ")
    shown = studio.shown().pixels[:, 30, 40]
    assert [number(v) for v in before.strip("()").split()] == studio.document.picture.pixels[
        :, 30, 40
    ].tolist()
    after = after.removesuffix(" DN").strip("()").split()
    assert [number(v) for v in after] == pytest.approx(shown.tolist(), abs=0.051)


def test_beside_the_picture_there_is_nothing_to_read(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    read_out(studio, 40, 30)
    studio.action("fit").trigger()
    studio.move(studio.after.viewport(), QPoint(3, 3))
    assert studio.window.status.under_cursor.text() == ""


def test_the_device_line_names_device_precision_tile_and_time(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    device, precision, tile, time = studio.window.status.device.text().split(" · ")
    assert device == studio.document.response.device.name
    assert precision == "float32"
    assert tile == f"tile {studio.document.response.tile} px"
    assert time.endswith(" ms")
    studio.window.status.show_device(dataclasses.replace(studio.document.response, milliseconds=2345.0))
    assert "2.3 s" in studio.window.status.device.text()


@pytest.fixture
def hungry():
    """A method on a device that has memory for tiles of 64 pixels only."""
    failures, lock = [], threading.Lock()

    def apply(tile):
        result = inner(tile)
        if max(result.shape[1:]) > 64:
            with lock:
                failures.append(result.shape)
            raise OutOfMemory("no room")
        return result + np.float32(1)

    base = get_denoiser("identity")
    denoiser = dataclasses.replace(
        base, id="hungry", name="Hungry", load=lambda: apply, parallel_tiles=False, exact_tiles=False
    )
    register(denoiser)
    yield failures
    unregister("hungry")


@pytest.mark.allow_log
def test_too_little_memory_means_smaller_tiles_and_the_status_bar_says_so(studio_window, tmp_path, hungry):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png", 300, 200))
    width = studio.window.width()
    studio.document.edit(studio.recipe.replace(method="hungry", parameters=Values()), "hungry")
    studio.finish()
    assert hungry
    text = studio.window.status.device.text()
    assert "ran out of memory" in text
    assert "tile 64 px" in text
    assert studio.document.response.tile == 64
    assert "ran out of memory" in studio.window.status.device.toolTip()
    assert np.array_equal(studio.shown().pixels, studio.document.picture.pixels + np.float32(1))
    assert studio.window.width() == width
    assert studio.window.minimumSizeHint().width() <= 1280  # a long sentence must not push the window wider


@pytest.mark.allow_log
def test_a_device_without_any_memory_is_told_and_the_next_method_works(studio_window, tmp_path):
    def apply(tile):
        raise OutOfMemory("never")

    denoiser = dataclasses.replace(get_denoiser("identity"), id="starved", name="Starved", load=lambda: apply)
    register(denoiser)
    try:
        studio = studio_window
        studio.open(small_photo(tmp_path / "photo.png"))
        studio.document.edit(studio.recipe.replace(method="starved", parameters=Values()), "starved")
        studio.until(lambda: "not enough memory" in studio.window.status.under_cursor.text())
        studio.choose_method("bilateral")
        studio.finish()
    finally:
        unregister("starved")


def table_of(studio):
    table = studio.window.readouts_panel.table
    return [[number(table.item(r, c).text()) for c in range(3)] for r in range(table.rowCount())]


def wanted_of(studio, inside=None):
    picture = studio.document.picture
    before, after = (p.astype(np.float64) for p in (picture.pixels, studio.shown().pixels))
    valid = np.ones(before.shape[1:], bool) if inside is None else inside
    if picture.padding is not None:
        valid = valid & ~picture.padding
    before, after = before[:, valid], after[:, valid]
    rows = [(f(before), f(after)) for f in (np.mean, np.std, np.min, np.max)]
    return [(b, a, a - b) for b, a in rows], np.std(before - after), np.abs(before - after).max()


@pytest.mark.parametrize("kind", ["ct", "photo", "floats"])
def test_the_read_outs_are_what_numpy_says(studio_window, tmp_path, kind):
    studio = studio_window
    path = {
        "ct": lambda: CT,
        "photo": lambda: small_photo(tmp_path / "photo.png"),
        "floats": lambda: small_floats(tmp_path / "floats.npy"),
    }[kind]()
    studio.open(path)
    studio.choose_method("bilateral")
    studio.finish()
    panel = studio.window.readouts_panel
    assert panel.table.isEnabled()
    slack = 0.0051 if kind != "floats" else 0.000051
    wanted, removed, largest = wanted_of(studio)
    assert np.allclose(table_of(studio), wanted, atol=slack)
    assert "Whole picture" in panel.area.text()
    numbers = [number(word) for word in panel.removed.text().replace(",", "").split() if word[-1].isdigit()]
    assert numbers == pytest.approx([removed, largest], abs=slack)

    studio.window.regions_panel.add_box()
    row = studio.window.regions_panel.form.row("sigma_x")
    row.check.click()
    studio.type_into(row.spin, "4")
    studio.finish()
    region = studio.document.selected_region
    inside = region.mask(studio.document.picture.rect) > 0.5
    wanted, _, _ = wanted_of(studio, inside)
    assert np.allclose(table_of(studio), wanted, atol=slack)
    assert region.name in panel.area.text()
    count = int(inside.sum()) if kind != "ct" else int((inside & ~studio.document.picture.padding).sum())
    assert f"{count:,} pixels" in panel.area.text()
    if kind == "ct":
        spacing = studio.document.picture.spacing
        assert f"{count * spacing[0] * spacing[1]:,.0f} mm²" in panel.area.text()
    studio.document.select(-1)
    studio.finish()
    assert np.allclose(table_of(studio), wanted_of(studio)[0], atol=slack)


def test_read_outs_are_grey_until_the_result_is_final(studio_window, tmp_path, slow):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    panel = studio.window.readouts_panel
    assert panel.table.isEnabled()
    old = table_of(studio)
    studio.document.edit(
        studio.recipe.replace(method="slow-test", parameters=Values({"amount": -5.0})), "slow"
    )
    assert not panel.table.isEnabled()
    assert not panel.removed.isEnabled()
    studio.until(slow.entered.is_set)
    studio.qtbot.wait(1)
    assert table_of(studio) == old  # greyed, not half-updated
    assert "working" in studio.after.state.text() or "%" in studio.after.state.text()
    slow.release()
    studio.finish()
    assert panel.table.isEnabled()
    assert np.allclose(table_of(studio), wanted_of(studio)[0], atol=0.0051)
    assert studio.after.state.text() == ""


def test_the_strength_alone_updates_everything(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "floats.npy"))
    studio.slide(studio.row("strength").slider, 700, 500)
    studio.finish()
    assert np.allclose(table_of(studio), wanted_of(studio)[0], atol=0.000051)
    x, y = 60, 40
    after = studio.shown().pixels[0, y, x]
    assert f"→ {after:.4f}" in read_out(studio, x, y)


def test_the_histogram_counts_before_and_after(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "floats.npy"))
    panel = studio.window.histogram_panel
    for item, pixels in (
        (panel.before, studio.document.picture.pixels),
        (panel.after, studio.shown().pixels),
    ):
        x, y = item.getData()
        counts = np.rint(y**2)
        assert counts.sum() == pytest.approx(pixels.size, abs=pixels.size * 0.002)
        assert (x * counts).sum() / counts.sum() == pytest.approx(float(pixels.mean()), abs=0.01)


def test_the_notice_is_shown_for_scans_only(studio_window, tmp_path):
    studio = studio_window
    studio.open(CT)
    assert studio.window.status.notice.isVisible()
    assert "diagnosis" in studio.window.status.notice.text()
    studio.open(small_photo(tmp_path / "photo.png"))
    assert not studio.window.status.notice.isVisible()


def test_notes_of_a_file_are_said(studio_window, tmp_path):
    """A single NaN counts as padding, and the person is told."""
    studio: Driver = studio_window
    values = np.load(small_floats(tmp_path / "floats.npy"))
    values[5, 7] = np.nan
    np.save(tmp_path / "holes.npy", values)
    studio.open(tmp_path / "holes.npy")
    assert studio.window.status.under_cursor.text() == " ".join(studio.document.picture.notes)
    assert studio.document.picture.notes
