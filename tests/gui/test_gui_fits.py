"""Methods that find maps in the picture: nothing waits for them, and hand edits outlive them."""

import numpy as np
import pytest
from driving import choose, small_floats
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox

from denoise_studio.core.parameter import Values
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Region
from denoise_studio.gui.fit_watch import Standing
from denoise_studio.gui.sheets import OTHERS

HEIGHT, WIDTH = 64, 80
RAMP = np.linspace(1.0, 3.0, HEIGHT, dtype=np.float32)[:, None]


@pytest.fixture
def begun(fitting, studio_window, tmp_path):
    """The window with a picture; its fit has published and waits."""
    studio_window.open(small_floats(tmp_path / "floats.npy", HEIGHT, WIDTH))
    studio_window.choose_method(fitting.denoiser.id)
    studio_window.until(lambda: shown_is(studio_window, 2.0))
    return studio_window


@pytest.fixture
def done(begun, fitting):
    fitting.release()
    begun.finish()
    return begun


def shown_is(studio, gain):
    """Whether the newest response, final or not, is the picture times this."""
    response = studio.document.response
    wanted = studio.document.picture.pixels * np.float32(gain)
    return (
        response is not None
        and response.recipe.method == "fitting-test"
        and np.allclose(response.layer.pixels, wanted, atol=1e-6)
    )


def line(studio):
    return studio.window.method_panel.fit_line


def form(studio):
    return studio.window.method_panel.form


def set_mode(studio, word):
    combo = form(studio).findChild(QComboBox)
    choose(combo, combo.findText(word))
    combo.textActivated.emit(word)


# The way to a result


def test_the_noisy_picture_is_there_at_once_and_gets_better_twice(fitting, make_window, tmp_path):
    fitting.start.clear()
    studio = make_window()
    studio.open(small_floats(tmp_path / "floats.npy", HEIGHT, WIDTH))
    before = studio.after.image.image.copy()
    studio.choose_method("fitting-test")
    studio.until(lambda: fitting.fits)
    studio.until(lambda: studio.after.state.text() == "fitting 0 % …")
    assert studio.after.image.image.shape == before.shape
    assert line(studio).isVisible()
    fitting.start.set()
    studio.until(lambda: shown_is(studio, 2.0))
    studio.until(lambda: studio.after.state.text() == "fitting 42 % …")
    assert line(studio).label.text() == "finding the maps … 42 %"
    assert line(studio).progress.isVisible()
    assert line(studio).progress.value() == 420
    assert line(studio).progress.toolTip() == "half of it"
    assert line(studio).button.text() == "Stop"
    assert not studio.document.is_final
    assert not studio.window.readouts_panel.table.isEnabled()
    fitting.release()
    studio.finish()
    assert shown_is(studio, RAMP)
    assert studio.after.state.text() == ""
    assert line(studio).label.text() == "noise 3, mode a"
    assert not line(studio).progress.isVisible()
    assert not line(studio).button.isVisible()
    assert studio.window.readouts_panel.table.isEnabled()
    assert "float32" in studio.window.status.device.text()


def test_a_newly_opened_picture_shows_itself_while_its_maps_are_found(fitting, make_window, tmp_path):
    fitting.start.clear()
    studio = make_window()
    path = small_floats(tmp_path / "floats.npy", HEIGHT, WIDTH)
    studio.open(path)
    first = studio.document
    from denoise_studio.gui.document import Document

    studio.window.add_document(Document(first.picture, Recipe(method="fitting-test")))
    studio.until(
        lambda: studio.after.image.image is not None and studio.after.state.text().startswith("fitting")
    )
    assert np.array_equal(studio.after.image.image, studio.before.image.image)
    fitting.release()
    studio.finish()


def test_the_window_lives_while_the_fit_stands_still(begun, fitting):
    ticks = []
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    begun.until(lambda: len(ticks) > 20)
    timer.stop()
    panel = begun.window.method_panel
    row = begun.row("all")
    for widget in (
        panel,
        panel.methods,
        row.slider,
        row.spin,
        begun.row("strength").slider,
        line(begun).button,
    ):
        assert widget.isEnabled()
    begun.type_into(row.spin, "1.5")  # taken at once, with the maps that there are
    begun.until(lambda: shown_is(begun, 3.0))
    assert len(fitting.fits) == 1
    fitting.release()
    begun.finish()
    assert shown_is(begun, RAMP * 1.5)
    assert len(fitting.fits) == 1


def test_a_fit_can_be_stopped_and_started_again(begun, fitting):
    line(begun).button.click()
    begun.finish()
    assert fitting.cancelled == 1
    assert begun.after.state.text() == "stopped"
    assert line(begun).label.text().startswith("stopped")
    assert not line(begun).progress.isVisible()
    assert line(begun).button.text() == "Fit again"
    assert shown_is(begun, 2.0)
    begun.type_into(begun.row("all").spin, "0.5")  # the maps found so far stay in use
    begun.until(lambda: shown_is(begun, 1.0))
    assert len(fitting.fits) == 1
    line(begun).button.click()
    begun.until(lambda: len(fitting.fits) == 2)
    begun.until(lambda: begun.after.state.text() == "fitting 42 % …")
    fitting.release()
    begun.finish()
    assert shown_is(begun, RAMP * 0.5)
    assert begun.after.state.text() == ""


def test_the_newest_fit_wins(begun, fitting):
    set_mode(begun, "b")
    begun.until(lambda: len(fitting.fits) == 2)
    set_mode(begun, "a")
    begun.until(lambda: len(fitting.fits) == 3)
    fitting.release()
    begun.finish()
    assert [fit["mode"] for fit in fitting.fits] == ["a", "b", "a"]
    assert fitting.cancelled == 2
    assert line(begun).label.text() == "noise 3, mode a"


def test_a_fit_that_nobody_wants_any_more_ends_and_starts_again_when_wanted(begun, fitting):
    begun.choose_method("identity")
    begun.until(lambda: fitting.cancelled == 1)
    begun.finish()
    assert begun.document.is_final
    assert not line(begun).isVisible()
    assert begun.after.state.text() == ""
    begun.choose_method("fitting-test")
    begun.until(lambda: len(fitting.fits) == 2)
    fitting.release()
    begun.finish()
    assert shown_is(begun, RAMP)


def test_a_failed_fit_says_so_and_can_be_tried_again(done, fitting):
    set_mode(done, "bad")
    done.until(lambda: line(done).button.text() == "Fit again" and line(done).button.isVisible())
    assert done.after.state.text() == "not possible"
    assert "nothing to be found" in done.window.status.under_cursor.text()
    assert line(done).label.text() == "no maps could be found"
    done.finish()
    count = len(fitting.fits)
    line(done).button.click()
    done.until(lambda: len(fitting.fits) > count)
    done.until(lambda: line(done).label.text() == "no maps could be found")
    done.finish()
    set_mode(done, "b")
    done.finish()
    assert shown_is(done, RAMP)


def test_closing_the_picture_ends_its_fit(begun, fitting):
    begun.window.files.do_close_picture()
    begun.until(lambda: fitting.cancelled == 1)
    assert begun.window.document is None
    begun.until(lambda: begun.window.bridge.idle)


def test_closing_the_window_while_it_fits_leaves_nothing(begun):
    assert not begun.window.bridge.session.fits.idle  # the fixture closes it and looks for threads


# Controls


def test_what_the_fit_decides_alone_has_no_control_and_maps_wait_folded(done):
    rows = form(done)
    assert list(rows._numbers) == ["all", "gain_factor", "gain"]
    assert list(rows.groups) == ["Fit", "Stage 1"]
    assert rows.groups["Fit"].header.isChecked()
    assert not rows.groups["Stage 1"].header.isChecked()
    assert not rows.row("gain").isVisible()
    rows.groups["Stage 1"].header.click()
    assert rows.row("gain").isVisible()
    done.choose_method("identity")
    done.choose_method("fitting-test")
    done.finish()
    assert form(done).row("gain").isVisible()  # remembered


def test_a_map_shows_its_median_and_a_tick_puts_a_number_in_its_place(fitting, make_window, tmp_path):
    fitting.start.clear()
    studio = make_window()
    studio.open(small_floats(tmp_path / "floats.npy", HEIGHT, WIDTH))
    studio.choose_method("fitting-test")
    row = studio.row("gain")
    assert row.spin.text() == "–"
    assert not row.check.isChecked()
    assert not row.spin.isEnabled()
    fitting.release()
    studio.finish()
    assert row.spin.text() == "2.00 times"
    assert not row.spin.isEnabled()
    studio.type_into(studio.row("all").spin, "1.5")  # a factor works on the number as on the map
    studio.finish()
    assert row.spin.value() == 2.0
    form(studio).groups["Stage 1"].header.click()
    row.check.click()
    assert studio.recipe.parameters["gain"] == 2.0
    assert row.spin.isEnabled()
    studio.finish()
    assert shown_is(studio, 3.0)
    studio.type_into(row.spin, "1.2")
    studio.finish()
    assert shown_is(studio, np.float32(1.2) * np.float32(1.5))
    assert form(studio).groups["Stage 1"].header.text() == "Stage 1  ·  1 changed"
    row.reset.click()
    studio.finish()
    assert "gain" not in studio.recipe.parameters
    assert not row.check.isChecked()
    assert row.spin.text() == "2.00 times"
    assert shown_is(studio, RAMP * 1.5)
    assert form(studio).groups["Stage 1"].header.text() == "Stage 1"
    studio.action("undo").trigger()
    studio.finish()
    assert shown_is(studio, np.float32(1.2) * np.float32(1.5))


def test_a_region_multiplies_or_replaces_what_lies_below(done):
    regions = done.window.regions_panel
    region = Region(shape=Box(10.0, 20.0, 50.0, 60.0), name="here", feather=0.0)
    done.document.edit(done.recipe.replace(regions=(region,)), "region")
    done.document.select(0)
    done.finish()
    inside, outside = np.s_[20:60, 10:50], np.s_[:20]
    below = np.broadcast_to(RAMP, (HEIGHT, WIDTH))
    assert list(regions.form._numbers) == ["strength", "all", "gain_factor", "gain"]
    gain, factor = regions.form.row("gain"), regions.form.row("gain_factor")
    assert gain.spin.value() == pytest.approx(np.median(below[inside]), abs=0.006)
    assert factor.spin.value() == 1.0
    factor.check.click()
    done.type_into(factor.spin, "2")
    done.finish()
    x, y = done.document.picture.pixels[0], done.shown().pixels[0]
    assert np.allclose(y[inside], (x * below * 2)[inside], atol=1e-5)
    assert np.allclose(y[outside], (x * below)[outside], atol=1e-6)
    assert regions.table.item(0, 2).text() == "g 1 × 2"
    gain.check.click()
    taken = done.document.selected_region.parameters["gain"]
    assert taken == pytest.approx(np.median(below[inside]), abs=0.006)
    done.finish()
    assert np.allclose(done.shown().pixels[0][inside], (x * np.float32(taken) * 2)[inside], atol=1e-5)
    assert regions.clear.text() == "Reset region"
    regions.clear.click()
    done.finish()
    assert not done.document.selected_region.parameters
    assert np.allclose(done.shown().pixels[0], x * below, atol=1e-6)


def test_hand_edits_survive_a_refit_and_one_step_takes_them_all_back(done, fitting):
    inside = Values({"gain": 1.25, "all": 2.0, "strength": 1.0})
    region = Region(shape=Box(10.0, 20.0, 50.0, 60.0), name="here", feather=0.0, parameters=inside)
    edited = done.recipe.replace(parameters=Values({"gain_factor": 1.5}), regions=(region,))
    done.document.edit(edited, "by hand")
    done.finish()
    first = done.shown().pixels
    assert np.allclose(first[0, 30, 20], done.document.picture.pixels[0, 30, 20] * 2.5, atol=1e-5)
    set_mode(done, "b")
    done.finish()
    assert [fit["mode"] for fit in fitting.fits] == ["a", "b"]
    assert np.array_equal(done.shown().pixels, first)
    assert done.recipe.regions == (region,)
    button = done.window.method_panel.reset_maps
    assert button.isEnabled()
    button.click()
    done.finish()
    assert shown_is(done, RAMP)
    assert dict(done.recipe.parameters) == {"mode": "b"}
    assert dict(done.recipe.regions[0].parameters) == {"strength": 1.0}
    assert not button.isEnabled()
    done.action("undo").trigger()
    done.finish()
    assert np.array_equal(done.shown().pixels, first)


def test_a_method_without_a_fit_has_nothing_of_this(studio_window, tmp_path):
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    window = studio_window.window
    assert window.fit_watch.state.standing is Standing.NONE
    assert not window.method_panel.fit_line.isVisible()
    assert not window.method_panel.reset_maps.isVisible()
    assert set(window.overlay.entries) == set(OTHERS)
    assert not form(studio_window).groups


# The curve


def test_the_loss_is_drawn_while_it_falls_and_kept(begun, fitting):
    begun.action("loss-curve").trigger()
    panel = begun.window.fit_panel
    assert panel.plot.isVisible()
    assert panel.curve.getOriginalDataset()[1].tolist() == [4.0, 2.0]
    assert panel.curve.opts["logMode"] == [False, True]
    fitting.release()
    begun.finish()
    x, y = panel.curve.getOriginalDataset()
    assert (x.tolist(), y.tolist()) == ([1, 2, 3], [4.0, 2.0, 1.0])
    assert panel.last.text() == "step 3   loss 1"
    begun.choose_method("identity")
    begun.finish()
    assert not panel.plot.isVisible()
    assert (
        panel.words.text()
        == f"{begun.window.method_panel.methods.currentText()} fits nothing to the picture."
    )
    begun.action("loss-curve").trigger()
    assert not begun.window.lower_area.isVisible()
    begun.action("histogram").trigger()
    assert begun.window.histogram_panel.isVisible()


def test_back_from_a_setting_that_is_known_to_fail(begun, fitting):
    fitting.release()
    begun.finish()
    set_mode(begun, "bad")
    begun.until(lambda: line(begun).button.text() == "Fit again" and line(begun).button.isVisible())
    begun.finish()
    fitting.gate.clear()
    started = len(fitting.fits)
    set_mode(begun, "b")
    begun.until(lambda: len(fitting.fits) == started + 1)
    set_mode(begun, "bad")
    begun.until(lambda: begun.window.fit_watch.state.standing is Standing.FAILED)
    set_mode(begun, "b")
    fitting.release()
    begun.finish()
    assert begun.document.is_final
    assert begun.window.fit_watch.state.standing is Standing.DONE
