"""Read-outs in the real window: right, greyed when old, measured only while somebody looks."""

import threading

import numpy as np
import pytest
from driving import CT, PHOTO, choose, image_of, small_floats, small_photo
from PIL import Image
from PySide6.QtCore import Qt

from denoise_studio.core.parameter import Values
from denoise_studio.core.region import Box, Region
from denoise_studio.core.resources import resource
from denoise_studio.engine.areas import Area
from denoise_studio.engine.display import show_difference
from denoise_studio.engine.readings import pair
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.formats import open_picture
from denoise_studio.gui.reading_columns import COLUMNS, DASH
from denoise_studio.gui.readings import Kind
from denoise_studio.gui.sheets import CHANGED, TAKEN_AWAY
from denoise_studio.metrics import measure
from denoise_studio.metrics.iem.measure import Options, iem

CLEAN = resource("samples", "photo-clean.png")
TITLES = [column.title for column in COLUMNS]


def looking(studio, prior="gaussian"):
    """Somebody looks at the table."""
    studio.window.readings.set_prior(prior)
    if not studio.action("readings").isChecked():
        studio.action("readings").trigger()
    studio.finish()


def whole(studio, kind):
    readings = studio.window.readings
    return readings.of(readings.areas[0], kind)


def cell(studio, row, title):
    table = studio.window.readings_table
    return table.table.item(row, [column.title for column in table.columns].index(title))


def rows(studio):
    table = studio.window.readings_table.table
    return [table.verticalHeaderItem(row).text() for row in range(table.rowCount())]


@pytest.fixture
def photo(studio_window, tmp_path):
    studio_window.open(small_photo(tmp_path / "photo.png"))
    studio_window.choose_method("bilateral")
    studio_window.finish()
    return studio_window


def with_region(studio, **values):
    region = Region(shape=Box(20.0, 20.0, 90.0, 70.0), name="Here", feather=0.0, parameters=Values(values))
    studio.document.edit(studio.recipe.replace(regions=(region,)), "region", studio.document.begin_gesture())
    studio.finish()


# Numbers


def test_the_change_is_the_metric_between_input_and_result(photo):
    looking(photo)
    picture = photo.document.picture
    wanted = iem(photo.shown(), picture, Options(prior="gaussian"))
    reading = whole(photo, Kind.CHANGED)
    assert reading.fresh
    assert reading.final
    assert reading.value.value == wanted.value
    shown = cell(photo, 0, "How much changed")
    assert float(shown.text()) == pytest.approx(wanted.value, rel=0.006)
    for words in ("Gaussian spectrum", "photographs, colour", "Gamma 0 to 0.25", "[−1, 1]", "Mahalanobis"):
        assert words.lower() in shown.toolTip().lower()
    assert "quality" not in shown.toolTip().lower()


def test_every_area_has_a_row_of_its_own(photo):
    looking(photo)
    assert rows(photo) == ["Whole picture"]
    with_region(photo, sigma_r=60.0)
    photo.compare.set_zoom(8.0)
    photo.finish()
    assert rows(photo) == ["Whole picture", "In view", "Here"]
    readings = photo.window.readings
    for area in readings.areas:
        cut = pair(photo.document.result(), area)
        wanted = iem(cut.after, cut.before, Options(prior="gaussian")).value
        assert readings.of(area, Kind.CHANGED).value.value == wanted
    assert readings.areas[1].rect == photo.after.visible_rect().intersect(photo.document.picture.rect)
    photo.document.select(0)
    photo.finish()
    assert "here" in photo.window.readings_rows.values[0].toolTip()


def test_without_a_reference_nothing_is_said_of_one(photo):
    looking(photo)
    panel = photo.window.readings_rows
    visible = [name.text() for name in panel.names if not name.isHidden()]
    assert visible == [column.title for column in COLUMNS if not column.needs_reference]
    assert not panel.open_reference.isHidden()


def test_a_reference_is_compared_with(photo, tmp_path):
    picture = photo.document.picture
    Image.fromarray(np.full((picture.height, picture.width, 3), 90, np.uint8)).save(tmp_path / "clean.png")
    photo.window.files.open_reference(photo.document, tmp_path / "clean.png")
    photo.files_done()
    looking(photo)
    reference = photo.document.reference
    wanted = measure(photo.shown(), reference, ("psnr", "ssim"))
    found = whole(photo, Kind.FIDELITY).value
    assert (found.psnr, found.ssim) == (wanted["psnr"].value, wanted["ssim"].value)
    assert found.psnr_before == measure(picture, reference, ("psnr",))["psnr"].value
    distance = whole(photo, Kind.DISTANCE).value
    assert distance.value == iem(photo.shown(), reference, Options(prior="gaussian")).value
    assert cell(photo, 0, "PSNR (dB)").text().startswith(f"{found.psnr:.1f} (")
    photo.action("close-reference").trigger()
    photo.finish()
    assert photo.document.reference is None
    assert "PSNR (dB)" not in [column.title for column in photo.window.readings_table.columns]


def test_a_reference_that_does_not_fit_is_said_and_nothing_changes(photo, tmp_path):
    other = small_photo(tmp_path / "other.png", width=60)
    photo.window.files.open_reference(photo.document, other)
    assert "differ in size" in photo.complaint()
    assert photo.document.reference is None


def test_the_sample_comes_with_its_clean_original(studio_window):
    studio_window.open(PHOTO)
    assert np.array_equal(studio_window.document.reference.pixels, open_picture(CLEAN).pixels)


def test_a_project_keeps_the_reference(studio_window, make_window, tmp_path):
    first, second = (
        small_floats(tmp_path / f"{name}.npy", seed=seed) for name, seed in (("noisy", 1), ("clean", 2))
    )
    studio_window.open(first)
    studio_window.window.files.open_reference(studio_window.document, second)
    studio_window.files_done()
    studio_window.window.files.save_project(tmp_path / "p.dstudio")
    studio_window.files_done()
    again = make_window()
    again.open(tmp_path / "p.dstudio")
    assert again.document.reference.source.path == second
    second.unlink()
    third = make_window()
    third.window.files.open([tmp_path / "p.dstudio"])
    assert "clean.npy" in third.complaint()
    assert third.document.reference is None


def test_the_estimated_error_and_the_residual_are_shown(photo):
    looking(photo)
    found = whole(photo, Kind.JUDGEMENT).value
    taken = photo.document.picture.pixels - photo.shown().pixels
    sd = float(np.sqrt(taken.astype(np.float64).var(axis=(1, 2)).mean()))
    assert found.residual.sd == pytest.approx(sd, rel=1e-5)
    assert 0 < found.risk.freedom < 1
    assert f"({found.residual.ratio:.2f} ×)" in cell(photo, 0, "Taken away").text()
    assert f"{100 * found.risk.freedom:.1f} %" == cell(photo, 0, "Freedom kept").text()


def test_an_estimate_that_cannot_be_relied_on_is_flagged(studio_window):
    studio_window.open(CT)  # its noise is correlated, and not known well
    looking(studio_window)
    found = whole(studio_window, Kind.JUDGEMENT).value
    shown = cell(studio_window, 0, "Estimated PSNR (dB)")
    assert shown.text().startswith("⚑") is not found.risk.reliable
    assert found.risk.reliable or found.risk.why in shown.toolTip()


# When


def test_old_numbers_are_greyed_until_there_are_new_ones(slow, studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    studio_window.choose_method("slow-test")
    looking(studio_window)
    before = whole(studio_window, Kind.CHANGED)
    assert before.fresh
    value = studio_window.window.readings_rows.values[0]
    text = cell(studio_window, 0, "How much changed").text()
    assert value.isEnabled()
    studio_window.document.edit(studio_window.recipe.with_parameter("amount", -1.0), "amount")
    studio_window.until(slow.entered.is_set)
    assert not whole(studio_window, Kind.CHANGED).fresh
    assert not value.isEnabled()
    assert cell(studio_window, 0, "How much changed").text() == text  # nothing jumps
    assert "earlier result" in value.toolTip()
    slow.release()
    studio_window.finish()
    assert value.isEnabled()
    assert whole(studio_window, Kind.CHANGED).value is not before.value


def test_nothing_is_measured_while_nobody_looks(photo):
    assert photo.action("histogram").isChecked()
    window = photo.window
    window.readings_rows.parentWidget().hide()
    photo.document.edit(photo.recipe.with_parameter("sigma_r", 50.0), "sigma")
    photo.finish()
    assert not whole(photo, Kind.CHANGED).fresh
    looking(photo)
    assert whole(photo, Kind.CHANGED).fresh


def test_another_strength_is_measured_without_running_the_method(slow, studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    studio_window.choose_method("slow-test")
    looking(studio_window)
    full, calls = whole(studio_window, Kind.CHANGED).value.value, len(slow.calls)
    studio_window.document.edit(studio_window.recipe.replace(strength=0.5), "strength")
    studio_window.finish()
    assert len(slow.calls) == calls
    reading = whole(studio_window, Kind.CHANGED)
    assert reading.fresh
    assert reading.value.value == pytest.approx(full / 2, rel=1e-5)
    assert whole(studio_window, Kind.JUDGEMENT).fresh


def test_another_prior_gives_other_numbers_under_its_own_name(photo):
    looking(photo)
    first = whole(photo, Kind.CHANGED).value
    combo = photo.window.readings_rows.prior
    choose(combo, combo.findData("patch-gmm"))
    photo.finish()
    second = whole(photo, Kind.CHANGED).value
    assert (first.prior, second.prior) == ("gaussian", "patch-gmm")
    assert first.value != second.value
    assert "patch mixture" in cell(photo, 0, "How much changed").toolTip()


def test_closing_the_picture_leaves_no_numbers(photo):
    looking(photo)
    photo.action("close-picture").trigger()
    photo.until(lambda: photo.window.document is None)
    assert all(value.text() == "" for value in photo.window.readings_rows.values)
    assert photo.window.readings.areas == ()


def test_before_the_first_result_there_are_dashes(slow, studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    looking(studio_window)
    studio_window.choose_method("slow-test")
    studio_window.document.edit(studio_window.recipe.with_parameter("amount", -1.0), "amount")
    studio_window.open(small_floats(tmp_path / "more.npy", seed=9), wait=False)
    studio_window.until(lambda: len(studio_window.window.documents) == 2)
    assert not whole(studio_window, Kind.CHANGED).fresh
    slow.release()
    studio_window.finish()
    assert cell(studio_window, 0, "How much changed").text() != DASH


def test_two_regions_of_one_name_keep_their_own_numbers(photo):
    looking(photo)
    regions = tuple(
        Region(
            shape=Box(x, 20.0, x + 30.0, 70.0), name="Same", feather=0.0, parameters=Values({"sigma_r": r})
        )
        for x, r in ((10.0, 20.0), (60.0, 80.0))
    )
    photo.document.edit(photo.recipe.replace(regions=regions), "regions", photo.document.begin_gesture())
    photo.finish()
    readings = photo.window.readings
    first, second = (readings.of(area, Kind.CHANGED) for area in readings.areas[1:])
    assert first.fresh
    assert second.fresh
    assert first.value.value != second.value.value
    photo.document.select(1)
    assert readings.chosen_area() == readings.areas[2]


def test_a_picture_that_is_left_while_its_numbers_wait_does_not_hold_up_the_next(photo, tmp_path):
    gate, begun = threading.Event(), threading.Event()
    lanes = photo.window.bridge.background, photo.window.bridge.judge
    for lane in lanes:
        lane.submit(lambda progress: (begun.set(), gate.wait(60)))
    photo.until(begun.is_set)
    photo.action("readings").trigger()
    photo.document.edit(photo.recipe.replace(strength=0.5), "strength")
    photo.until(lambda: photo.window.readings._busy)  # ordered, and behind what blocks the lanes
    photo.open(small_photo(tmp_path / "other.png", seed=4), wait=False)
    photo.until(lambda: len(photo.window.documents) == 2)
    gate.set()
    photo.finish()
    assert whole(photo, Kind.CHANGED).fresh
    assert whole(photo, Kind.JUDGEMENT).fresh


# Overlays


def test_what_was_taken_away_lies_over_the_original(photo):
    combo = photo.window.map_bar.combo
    choose(combo, combo.findData(TAKEN_AWAY))
    photo.finish()
    image, rect = image_of(photo.before.overlay)
    picture = photo.document.picture
    taken = (picture.pixels - photo.shown().pixels).mean(axis=0)
    limit = 3 * estimated_noise(picture)
    assert rect == picture.rect
    assert np.abs(image.astype(int) - show_difference(taken[None], limit).astype(int)).max() <= 2
    bar = photo.window.overlay.bars[photo.before]
    assert bar.title.startswith("Taken away")
    low, middle, high = (float(text.replace("−", "-")) for text in bar.texts)
    assert (low, middle) == (-high, 0)
    assert high == pytest.approx(limit, rel=0.01)


def test_where_the_metric_comes_from_lies_over_the_original(photo):
    photo.window.readings.set_prior("gaussian")
    combo = photo.window.map_bar.combo
    choose(combo, combo.findData(CHANGED))
    photo.finish()
    assert photo.before.overlay.isVisible()
    reading = whole(photo, Kind.CHANGED)  # the overlay alone makes somebody look
    assert reading.fresh
    sheet = photo.window.overlay.sheet()
    assert (sheet.values.astype(np.float64) ** 2).sum() == pytest.approx(reading.value.value**2, rel=0.02)
    first = photo.before.overlay.image.copy()
    photo.document.edit(photo.recipe.with_parameter("sigma_r", 5.0), "sigma")
    photo.finish()
    assert not np.array_equal(first, photo.before.overlay.image)


# The plot over the strength


def test_the_plot_runs_over_the_strength_and_marks_the_present_one(photo):
    photo.window.readings.set_prior("gaussian")
    photo.action("strength-plot").trigger()
    plot = photo.window.strength_plot
    photo.until(lambda: plot.is_complete)
    photo.finish()
    assert plot.curve.strengths[0] == 0.0
    assert plot.curve.changed[-1] == pytest.approx(whole(photo, Kind.CHANGED).value.value, rel=1e-6)
    curve = plot.curve
    photo.document.edit(photo.recipe.replace(strength=0.25), "strength")
    photo.finish()
    assert plot.curve is curve  # it is the same at every strength
    assert plot.changed.marker.value() == 25
    found = whole(photo, Kind.JUDGEMENT).value
    x, y = plot.estimated.getData()
    at = np.interp(25, x, y)
    assert at == pytest.approx(found.risk.psnr, abs=0.1)


def test_the_plot_shows_the_truth_where_there_is_one(studio_window):
    studio_window.open(PHOTO)
    studio_window.window.readings.set_prior("gaussian")
    studio_window.action("strength-plot").trigger()
    plot = studio_window.window.strength_plot
    studio_window.until(lambda: plot.is_complete)
    studio_window.finish()
    assert len(plot.curve.psnr) == len(plot.curve.strengths)
    x, y = plot.true.getData()
    assert list(x) == [100 * s for s in plot.curve.strengths]
    assert list(y) == pytest.approx(list(plot.curve.psnr))


# The panel


def test_the_panel_measures_once_it_is_scrolled_into_view(photo):
    photo.window.readings.set_prior("gaussian")
    photo.window.resize(1280, 1600)
    photo.finish()
    assert whole(photo, Kind.CHANGED).fresh
    area = Area.of(photo.document.picture)
    assert photo.window.readings_rows.values[0].text() != DASH
    assert photo.window.readings.of(area, Kind.CHANGED).fresh


def test_keys_show_and_fold_the_tabs(photo):
    photo.key(Qt.Key.Key_N)
    assert photo.action("readings").isChecked()
    photo.key(Qt.Key.Key_G)
    assert photo.action("strength-plot").isChecked()
    photo.key(Qt.Key.Key_G)
    assert not photo.window.lower_area.isVisible()
