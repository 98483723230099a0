"""The window knows no method by name: any descriptor becomes working controls."""

import dataclasses

import numpy as np
import pytest
from driving import CT, choose, inner, small_floats
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox

from denoise_studio.core.parameter import Parameter, ParameterKind
from denoise_studio.denoisers import all_denoisers, get_denoiser, register, unregister

SEEN = []


def _apply(tile):
    SEEN.append(dict(tile.values))
    values = tile.values
    result = inner(tile) * np.asarray(values["gain"], np.float32) + np.float32(int(values["rounds"]))
    if values["flip"]:
        result = -result
    if values["mode"] == "doubled":
        result = result * 2
    return np.ascontiguousarray(result, np.float32)


PARAMETERS = (
    Parameter("gain", "Gain", "Multiplies.", 1.5, minimum=0.5, maximum=4.0, step=0.25, per_region=True),
    Parameter("rounds", "Rounds", "Adds.", 2, ParameterKind.INT, "times", 0, 9, 1),
    Parameter("mode", "Mode", "What else.", "plain", ParameterKind.CHOICE, choices=("plain", "doubled")),
    Parameter("flip", "Flip sign", "Turns the sign.", False, ParameterKind.BOOL),
    Parameter(
        "reach",
        "Reach",
        "Not used.",
        0.1,
        unit="value",
        minimum=0.001,
        maximum=1.0,
        step=0.001,
        logarithmic=True,
    ),
)


@pytest.fixture
def plugin():
    denoiser = dataclasses.replace(
        get_denoiser("identity"),
        id="test-plugin",
        name="A method nobody knew",
        summary="Made up by a test.",
        parameters=PARAMETERS,
        load=lambda: _apply,
        parallel_tiles=False,
        exact_tiles=False,
    )
    register(denoiser)
    SEEN.clear()
    yield denoiser
    unregister(denoiser.id)


@pytest.fixture
def studio(plugin, studio_window, tmp_path):
    """The window, made after the method was registered, with the method chosen."""
    studio_window.open(small_floats(tmp_path / "floats.npy"))
    studio_window.choose_method(plugin.id)
    studio_window.finish()
    return studio_window


def test_the_list_is_the_registry(studio):
    combo = studio.window.method_panel.methods
    assert [combo.itemData(i) for i in range(combo.count())] == [d.id for d in all_denoisers()]
    assert [combo.itemText(i) for i in range(combo.count())] == [d.name for d in all_denoisers()]
    assert combo.itemData(combo.findData("test-plugin"), Qt.ItemDataRole.ToolTipRole) == "Made up by a test."
    assert studio.window.method_panel.summary.text() == "Made up by a test."


def test_controls_have_the_descriptors_ranges_units_and_words(studio):
    gain, rounds, reach = (studio.row(name) for name in ("gain", "rounds", "reach"))
    assert (gain.spin.minimum(), gain.spin.maximum(), gain.spin.singleStep()) == (0.5, 4.0, 0.25)
    assert gain.spin.value() == 1.5
    assert gain.label.text() == "Gain"
    assert gain.spin.toolTip() == gain.slider.toolTip() == "Multiplies."
    assert (rounds.spin.decimals(), rounds.spin.suffix(), rounds.spin.value()) == (0, " times", 2)
    assert reach.spin.minimum() == pytest.approx(0.001)
    # The slider of a logarithmic parameter moves in decades.
    reach.slider.setValue(500)
    assert studio.recipe.parameters["reach"] == pytest.approx(0.001 * (1000**0.5), rel=0.02)
    form = studio.window.method_panel.form
    mode = form.findChild(QComboBox)
    flip = next(box for box in form.findChildren(QCheckBox) if box.text() == "Flip sign" and box.isVisible())
    assert [mode.itemText(i) for i in range(mode.count())] == ["plain", "doubled"]
    assert not flip.isChecked()
    assert not studio.window.noise_panel.controls.isVisible()


def test_every_kind_of_control_reaches_the_pixels_and_can_be_undone(studio):
    x = studio.document.picture.pixels
    first = studio.recipe

    def gives(wanted):
        studio.finish()
        assert np.allclose(studio.shown().pixels, wanted, atol=1e-5)

    gives(x * 1.5 + 2)
    studio.type_into(studio.row("gain").spin, "2")
    gives(x * 2 + 2)
    studio.type_into(studio.row("rounds").spin, "3")
    assert isinstance(SEEN[-1]["rounds"], int)
    gives(x * 2 + 3)
    form = studio.window.method_panel.form
    choose(form.findChild(QComboBox), 1)
    form.findChild(QComboBox).textActivated.emit("doubled")
    gives((x * 2 + 3) * 2)
    flip = next(box for box in form.findChildren(QCheckBox) if box.text() == "Flip sign" and box.isVisible())
    flip.click()
    gives(-(x * 2 + 3) * 2)
    assert studio.recipe.parameters["flip"] is True
    studio.row("gain").reset.click()
    assert "gain" not in studio.recipe.parameters
    gives(-(x * 1.5 + 3) * 2)
    while studio.recipe != first:
        studio.action("undo").trigger()
    gives(x * 1.5 + 2)
    assert not flip.isChecked()
    assert form.findChild(QComboBox).currentText() == "plain"


def test_whole_numbers_stay_whole_also_by_slider(studio):
    row = studio.row("rounds")
    for position in (137, 333, 777, 1000):
        studio.slide(row.slider, position)
        value = studio.recipe.parameters["rounds"]
        assert value == int(value)
        studio.finish()
        assert studio.document.is_final
    assert row.spin.value() == 9


def test_a_region_gets_just_the_parameters_that_may_differ(studio):
    panel = studio.window.regions_panel
    panel.add_box()
    assert list(panel.form._numbers) == ["strength", "gain"]
    panel.form.row("gain").check.click()
    studio.type_into(panel.form.row("gain").spin, "3")
    studio.finish()
    x = studio.document.picture.pixels
    mask = studio.document.selected_region.mask(studio.document.picture.rect)
    change = studio.shown().pixels - (x * 1.5 + 2)
    assert np.allclose(change[0][mask == 1], (x * 1.5)[0][mask == 1], atol=1e-4)
    assert not change[0][mask == 0].any()
    assert "Gain 3" in panel.table.item(0, 2).text()


def test_a_parameter_in_the_pictures_unit_takes_its_scale(plugin, studio_window):
    studio_window.open(CT)
    studio_window.choose_method("test-plugin")
    reach = studio_window.row("reach")
    assert (reach.spin.minimum(), reach.spin.maximum()) == (1.0, 1000.0)
    assert reach.spin.suffix() == " HU"
    assert reach.spin.value() == 100
    studio_window.finish()


def test_the_noise_level_is_asked_for_where_it_matters(studio_window, tmp_path):
    studio = studio_window
    studio.open(small_floats(tmp_path / "floats.npy"))
    panel = studio.window.noise_panel
    for denoiser in all_denoisers():
        studio.choose_method(denoiser.id)
        assert panel.controls.isVisible() is (
            denoiser.uses_noise_level or any(p.role == "noise" for p in denoiser.parameters)
        )
    studio.choose_method("nlm")
    estimate = studio.row("noise_level").spin.value()
    assert estimate == pytest.approx(0.04, abs=0.02)
    studio.type_into(studio.row("noise_level").spin, "0.1")
    assert studio.recipe.noise_level == pytest.approx(0.1)
    assert panel.multiple.value() == pytest.approx(0.1 / estimate, abs=0.01)
    studio.row("noise_level").reset.click()
    assert studio.recipe.noise_level is None
    assert studio.row("noise_level").spin.value() == pytest.approx(estimate)
    studio.finish()
