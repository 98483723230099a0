"""The noise section: the estimate, and the slider for how much noise the method is told."""

import dataclasses
import threading

import numpy as np
import pytest
from driving import CT, inner, small_floats, small_photo
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from denoise_studio.core.fitted import Fitted, ParameterMap, constant_map
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.region import Box, Region
from denoise_studio.denoisers import get_denoiser, register, unregister
from denoise_studio.engine.noise_told import Told
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.gui import theme

FACTOR = Parameter(
    "much", "How noisy", "Multiplies.", 1.0, unit="×", minimum=0.0, maximum=10.0, step=0.01,
    logarithmic=True, per_region=True, multiplies=("sd",), role="noise",
)  # fmt: skip
SD = Parameter(
    "sd", "Noise σ", "One number.", 0.02, unit="value", minimum=0.0, maximum=2.0, step=0.0001,
    logarithmic=True, per_region=True, fitted=True, group="Fit",
)  # fmt: skip


class Method:
    """A method that takes what it is told away from every pixel; its fit finds `times` the estimate."""

    def __init__(self, id="told-test", times=2.0):
        self.times, self.fits = times, 0
        self.gate = threading.Event()
        self.gate.set()
        self.tiles = []
        self.denoiser = dataclasses.replace(
            get_denoiser("identity"),
            id=id,
            name="A method that is told",
            parameters=(FACTOR, SD),
            load=lambda: self._apply,
            load_fit=lambda: self._fit,
            parallel_tiles=False,
            exact_tiles=False,
        )

    def _apply(self, tile):
        told = np.asarray(tile.values["sd"], np.float32)
        self.tiles.append((inner(tile), told))
        return np.ascontiguousarray(inner(tile) - told, np.float32)

    def _fit(self, task):
        self.fits += 1
        task.publish(Fitted({"sd": constant_map(0.0, task.picture)}, final=False))
        for _ in range(6000):
            task.progress.check()
            if self.gate.wait(0.01):
                break
        level = noise_estimate(task.picture).sigma if task.noise_level is None else task.noise_level
        values = np.full((task.picture.height, task.picture.width), self.times * level, np.float32)
        values[:, : task.picture.width // 4] *= 2  # noisier at the left
        return Fitted({"sd": ParameterMap(values)}, note="found")


@pytest.fixture
def told():
    method = Method()
    register(method.denoiser)
    yield method
    method.gate.set()
    unregister(method.denoiser.id)


@pytest.fixture
def studio(told, studio_window, tmp_path):
    """A small photograph in the window, with the method chosen and finished."""
    studio_window.open(small_photo(tmp_path / "photo.png"))
    studio_window.choose_method("told-test")
    studio_window.finish()
    return studio_window


def panel(studio):
    return studio.window.noise_panel


def estimate(studio):
    return noise_estimate(studio.document.picture).sigma


def taken_away(studio):
    return studio.document.picture.pixels[0] - studio.shown().pixels[0]


def test_it_starts_at_the_estimate_in_parts_of_255(studio):
    noise = panel(studio)
    sigma = estimate(studio)
    assert 5 < sigma < 12
    assert noise.spin.text() == f"{sigma:.2f} /255"
    assert noise.multiple.text() == "1.00 ×"
    assert noise.slider.value() == noise.slider.mark == 500
    assert f"Estimate {sigma:.3g} /255" in noise.estimate.words.text()
    assert "confidence" in noise.estimate.words.text()
    assert studio.recipe.parameters == Values()
    assert "much" not in studio.window.method_panel.form._numbers
    assert "sd" in studio.window.method_panel.form._numbers
    assert np.median(taken_away(studio)) == pytest.approx(2 * sigma, rel=1e-4)


def test_a_scan_is_in_hu_and_says_that_its_noise_is_correlated(told, studio_window):
    studio_window.open(CT)
    studio_window.choose_method("told-test")
    studio_window.finish()
    noise, found = panel(studio_window), noise_estimate(studio_window.document.picture)
    assert found.is_correlated
    assert noise.spin.suffix() == " HU"
    assert noise.spin.value() == pytest.approx(found.sigma, abs=0.06)
    assert noise.estimate.flag.isVisible()
    assert f"correlated over {found.correlation_length:.1f} px" in noise.estimate.flag.text()
    assert "blotchy" in noise.estimate.flag.toolTip()
    assert "white" not in noise.estimate.words.text()


def test_white_noise_raises_no_flag(told, studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "white.npy", 160, 200))
    studio_window.choose_method("told-test")
    studio_window.finish()
    noise = panel(studio_window)
    assert not noise.estimate.flag.isVisible()
    assert ", white, confidence" in noise.estimate.words.text()
    assert noise.spin.suffix() == ""
    assert noise.spin.value() == pytest.approx(0.04, rel=0.2)


def test_level_and_multiple_say_the_same(studio):
    noise, sigma = panel(studio), estimate(studio)
    studio.type_into(noise.multiple, "1.5")
    assert studio.recipe.parameters["much"] == 1.5
    assert noise.spin.value() == pytest.approx(1.5 * sigma, abs=0.006)
    assert noise.slider.value() > 500
    studio.type_into(noise.spin, "12.5")
    assert studio.recipe.parameters["much"] == pytest.approx(12.5 / sigma, rel=1e-5)
    assert noise.spin.text() == "12.50 /255"
    assert noise.multiple.value() == pytest.approx(12.5 / sigma, abs=0.006)
    studio.finish()
    assert np.median(taken_away(studio)) == pytest.approx(2 * 12.5, rel=1e-4)


def test_nothing_told_changes_nothing_and_reset_takes_the_estimate(studio, told):
    noise, sigma = panel(studio), estimate(studio)
    studio.type_into(noise.spin, "0")
    assert studio.recipe.parameters["much"] == 0
    assert (noise.multiple.value(), noise.slider.value()) == (0.0, 0)
    studio.finish()
    assert not taken_away(studio).any()
    noise.reset.click()
    assert studio.recipe.parameters == Values()
    studio.finish()
    assert np.median(taken_away(studio)) == pytest.approx(2 * sigma, rel=1e-4)
    assert told.fits == 1


def test_a_number_in_place_of_the_map_is_counted_from_the_estimate_too(studio, told):
    noise, sigma = panel(studio), estimate(studio)
    number = round(2 * sigma, 2)
    studio.document.edit(studio.recipe.with_parameter("sd", number), "by hand")
    assert noise.spin.value() == number
    assert noise.multiple.value() == pytest.approx(2.0, abs=0.006)
    studio.type_into(noise.multiple, "1")
    assert studio.recipe.parameters["much"] == pytest.approx(sigma / number, rel=1e-3)
    assert noise.spin.value() == pytest.approx(sigma, abs=0.006)
    noise.reset.click()
    assert studio.recipe.parameters == Values()
    studio.finish()


def test_one_drag_is_one_step_and_the_mark_catches_it(studio):
    noise, document = panel(studio), studio.document
    count = document.undo_stack.count()
    studio.slide(noise.slider, 600, 650, 700)
    assert studio.recipe.parameters["much"] == pytest.approx(10**0.4, rel=0.005)
    studio.slide(noise.slider, 650, 600, 508)  # near the mark: the mark
    assert "much" not in studio.recipe.parameters
    assert noise.slider.value() == 500
    assert document.undo_stack.count() == count + 2
    studio.action("undo").trigger()
    assert studio.recipe.parameters["much"] == pytest.approx(10**0.4, rel=0.005)
    assert noise.multiple.value() == pytest.approx(2.51)
    studio.action("undo").trigger()
    assert studio.recipe.parameters == Values()
    assert noise.multiple.value() == 1.0
    studio.finish()


def test_keys_get_past_the_mark_and_off_the_end(studio):
    noise = panel(studio)
    noise.slider.setFocus()
    for key, wanted in ((Qt.Key.Key_Right, 1.05), (Qt.Key.Key_Left, 1.0), (Qt.Key.Key_Left, 0.955)):
        QTest.keyClick(noise.slider, key)
        assert noise.multiple.value() == pytest.approx(wanted, abs=0.006)
    noise.slider.setValue(0)
    assert noise.multiple.text() == "0.100 ×"
    QTest.keyClick(noise.slider, Qt.Key.Key_Right)
    assert noise.multiple.value() == pytest.approx(0.105)
    studio.finish()


def test_a_real_mouse_moves_it(studio):
    noise = panel(studio)
    slider = noise.slider
    place = slider.rect().center()
    studio.drag_pixels(slider, place, place + type(place)(slider.width() // 4, 0))
    assert 2.5 < studio.recipe.parameters["much"] < 4
    assert not slider.isSliderDown()
    studio.finish()


def test_nothing_waits_for_the_estimate_or_the_fit(told, make_window, tmp_path, monkeypatch):
    from denoise_studio.gui.panels import noise_panel

    go_on = threading.Event()

    def slow(picture):
        assert threading.current_thread() is not threading.main_thread()
        assert go_on.wait(60)
        return noise_estimate(picture)

    monkeypatch.setattr(noise_panel, "noise_estimate", slow)
    told.gate.clear()
    studio = make_window()
    studio.window.files.open([small_photo(tmp_path / "photo.png")])
    studio.until(lambda: studio.window.document)
    studio.choose_method("told-test")
    noise = panel(studio)
    assert noise.spin.text() == "–"
    assert noise.estimate.words.text() == "Estimate: –"
    assert not noise.estimate.flag.isVisible()
    assert noise.controls.isEnabled()
    studio.type_into(noise.multiple, "2")  # taken though nobody knows of what
    assert studio.recipe.parameters["much"] == 2.0
    assert noise.spin.text() == "–"
    go_on.set()
    studio.until(lambda: noise.spin.text() != "–")
    assert noise.spin.value() == pytest.approx(2 * estimate(studio), abs=0.06)
    told.gate.set()
    studio.finish()
    assert np.median(taken_away(studio)) == pytest.approx(4 * estimate(studio), rel=1e-4)


def test_a_region_has_its_own_factor_with_the_level_beside_it(studio):
    sigma = estimate(studio)
    region = Region(shape=Box(60.0, 20.0, 110.0, 60.0), name="here", feather=0.0)
    studio.document.edit(studio.recipe.replace(regions=(region,)), "region")
    studio.document.select(0)
    studio.finish()
    regions = studio.window.regions_panel
    row, note = regions.form.row("much"), regions.form._notes["much"]
    assert note.text() == f"told {sigma:.3g} /255 inside"
    assert row.slider.mark == pytest.approx(1000 * 2 / 3, abs=1)
    row.check.click()
    studio.type_into(row.spin, "2")
    studio.type_into(panel(studio).multiple, "1.5")
    studio.finish()
    assert note.text() == f"told {3 * sigma:.3g} /255 inside"
    assert regions.table.item(0, 2).text() == "noise × 2"
    away = taken_away(studio)
    assert np.median(away[20:60, 60:110]) == pytest.approx(6 * sigma, rel=1e-3)
    assert np.median(away[60:, 60:110]) == pytest.approx(3 * sigma, rel=1e-3)
    studio.slide(row.slider, 700, 662)  # caught by the mark
    assert studio.document.selected_region.parameters["much"] == 1.0
    row.slider.setValue(0)
    assert studio.document.selected_region.parameters["much"] == 0.0
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    assert studio.document.selected_region.parameters["much"] == pytest.approx(0.02)
    studio.finish()


def test_a_method_told_an_absolute_level_and_one_told_nothing(studio):
    noise = panel(studio)
    studio.choose_method("nlm")
    level = noise.spin.value()
    assert noise.multiple.value() == 1.0
    studio.type_into(noise.multiple, "2")
    assert studio.recipe.noise_level == pytest.approx(2 * level, rel=0.01)
    studio.type_into(noise.spin, "0")
    assert studio.recipe.noise_level == 0.0
    noise.reset.click()
    assert studio.recipe.noise_level is None
    studio.choose_method("identity")
    assert not noise.controls.isVisible()
    assert noise.estimate.words.text().startswith("Estimate")
    studio.finish()


def test_a_picture_without_noise_can_be_told_a_level():
    from denoise_studio.core.recipe import Recipe

    method = Method("told-nothing")
    register(method.denoiser)
    try:
        clean = Told(Recipe(method="told-nothing"), 0.0)
        assert (clean.level, clean.multiple) == (0.0, 1.0)
        recipe = clean.with_level(7.0)
        assert dict(recipe.parameters) == {"sd": 7.0}
        assert Told(recipe, 0.0).level == 7.0
        assert Told(recipe, 0.0).reset() == Recipe(method="told-nothing")
    finally:
        unregister("told-nothing")


# What a move makes the method do


def positions(height, width):
    """A picture whose values tell where they are."""
    return (np.arange(height)[:, None] * 2000 + np.arange(width)).astype(np.float32)


def test_a_move_filters_what_is_visible_first_and_strength_nothing(told, studio_window, tmp_path):
    studio = studio_window
    np.save(tmp_path / "wide.npy", positions(1024, 1024))
    studio.open(tmp_path / "wide.npy")
    studio.choose_method("told-test")
    studio.compare.viewport.set(900.0, 640.0, 4.0)
    studio.finish()
    told.tiles.clear()
    studio.type_into(panel(studio).multiple, "2")
    studio.finish()
    corners = [(int(pixels[0, 0, 0]) // 2000, int(pixels[0, 0, 0]) % 2000) for pixels, _ in told.tiles]
    assert corners[0] == (512, 768)
    assert len(corners) == 16
    seen = studio.after.visible_rect()
    flags = [bool(seen.intersect(type(seen)(x, y, 256, 256))) for y, x in corners]
    assert flags == sorted(flags, reverse=True)
    assert told.fits == 1
    told.tiles.clear()
    studio.type_into(studio.row("strength").spin, "40")
    studio.finish()
    assert not told.tiles


def test_the_newest_place_of_the_slider_wins(told, studio_window, tmp_path):
    studio = studio_window
    np.save(tmp_path / "wide.npy", positions(1024, 1024))
    studio.open(tmp_path / "wide.npy")
    studio.choose_method("told-test")
    studio.finish()
    told.tiles.clear()
    studio.slide(panel(studio).slider, *range(510, 800, 10))
    studio.finish()
    newest = studio.recipe.parameters["much"]
    assert len(told.tiles) < 30 * 16 / 2  # most moves were dropped on the way
    assert newest == pytest.approx(10 ** (2 * 0.79 - 1), rel=0.005)
    assert studio.document.is_final
    response = studio.document.response
    assert response.recipe.parameters["much"] == newest


def test_the_section_has_names_and_both_themes(studio):
    noise = panel(studio)
    for widget in (noise.slider, noise.spin, noise.multiple, noise.reset):
        assert widget.accessibleName()
        assert widget.toolTip()
    for name in ("light", "dark"):
        studio.window.set_theme(name)
        assert not noise.grab().toImage().isNull()
    assert theme.current().name == "dark"


# The knee


@pytest.fixture
def bent(studio):
    """The window with the knee plot unfolded and complete."""
    knee_header(studio).click()
    studio.until(lambda: panel(studio).knee.is_complete)
    return studio


def knee_header(studio):
    return panel(studio).knee_group.header


def test_the_knee_is_folded_until_it_is_asked_for_and_remembered(studio, make_window, told, tmp_path):
    knee = panel(studio).knee
    assert not knee.isVisible()
    assert knee.knee is None
    count = len(told.tiles)
    knee_header(studio).click()
    studio.until(lambda: knee.is_complete)
    assert knee.plot.isVisible()
    assert len(told.tiles) == count + 9
    assert told.fits == 1
    assert studio.window.settings.value.knee
    again = make_window(settings=tmp_path / "settings")
    assert knee_header(again).isChecked()
    knee_header(studio).click()
    assert not studio.window.settings.value.knee


def test_the_knee_says_what_it_measures_in_the_pictures_unit(bent):
    knee, sigma = panel(bent).knee, estimate(bent)
    # What is taken away is the map: twice the estimate, and twice that in the left quarter.
    values = np.where(np.arange(120) < 30, 4.0, 2.0) * sigma
    wanted = [factor * values.std() for factor in knee.knee.factors]
    assert knee.knee.residual_sd == pytest.approx(wanted, rel=1e-3)
    assert knee.plot.getAxis("bottom").labelText == "told noise (/255)"
    assert knee.plot.getAxis("left").labelText == "taken away, sd (/255)"
    x, y = knee.curve.getOriginalDataset()
    assert x == pytest.approx(np.log10(knee.knee.factors))
    assert y == pytest.approx(wanted, rel=1e-3)
    assert knee.level.value() == knee.knee.estimate
    assert "bends" in knee.plot.toolTip()
    assert knee.plot.accessibleName()


def test_the_slider_moves_the_marker_and_nothing_else(bent, told):
    knee = panel(bent).knee
    assert knee.marker.value() == 0.0
    curve, count = knee.knee, len(told.tiles)
    bent.type_into(panel(bent).multiple, "2")
    assert knee.marker.value() == pytest.approx(np.log10(2))
    bent.finish()
    bent.type_into(panel(bent).multiple, "0")
    assert knee.marker.value() < np.log10(0.25)
    bent.type_into(bent.row("strength").spin, "50")
    bent.finish()
    assert knee.knee is curve
    assert len(told.tiles) == count + 2  # the preview's


def test_another_view_and_another_map_measure_again_in_grey(told, studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "large.npy", 400, 500))
    studio.choose_method("told-test")
    studio.finish()
    knee = panel(studio).knee
    knee_header(studio).click()
    studio.until(lambda: knee.is_complete)
    first = knee.knee
    studio.compare.viewport.set(125.0, 200.0, 8.0)  # where the map has its step
    studio.until(lambda: not knee.is_complete)
    grey = knee.curve.opts["pen"].color().name()
    assert grey == theme.current().faint
    assert knee.plot.isVisible()  # the old curve, in grey, until there is a new one
    studio.until(lambda: knee.is_complete)
    second = knee.knee
    assert second != first
    assert knee.curve.opts["pen"].color().name() == theme.current().after
    studio.document.edit(studio.recipe.with_parameter("sd", 0.2), "one number")
    studio.until(lambda: knee.knee not in (None, second) and knee.is_complete)
    assert knee.knee.residual_sd == pytest.approx([0.0] * 9, abs=1e-6)  # the same taken away everywhere
    studio.choose_method("identity")
    studio.finish()
    assert not panel(studio).knee_group.isVisible()
    studio.choose_method("told-test")
    studio.until(lambda: knee.is_complete)
    studio.finish()


def test_the_knee_waits_for_the_fit_and_says_so(told, studio_window, tmp_path):
    studio = studio_window
    told.gate.clear()
    knee_header(studio).setChecked(True)
    studio.open(small_floats(tmp_path / "floats.npy"))
    studio.choose_method("told-test")
    knee = panel(studio).knee
    studio.until(lambda: "once the noise" in knee.words.text())
    assert knee.words.isVisible()
    told.gate.set()
    studio.until(lambda: knee.is_complete)
    assert not knee.words.isVisible()
    studio.finish()


def test_the_knee_of_a_closed_picture_is_forgotten(bent):
    bent.action("close-picture").trigger()
    knee = panel(bent).knee
    assert knee.knee is None
    assert not knee.isVisible()
    bent.until(lambda: bent.window.bridge.idle)
