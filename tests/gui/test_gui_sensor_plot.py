"""The noise model of a raw file: plotted where there is one, with its numbers and what is doubtful."""

import dataclasses

import numpy as np
import pytest
from raw_builders import BLACK, exposed, mosaic, patches, raw, with_masked

from denoise_studio.engine.sensing import sensor_plot
from denoise_studio.gui.document import Document


def tab_of(window, panel):
    return window.lower_area.indexOf(panel)


def open_raw(studio, picture):
    studio.window.add_document(Document(picture))
    studio.finish()
    studio.window.actions_["sensor-plot"].trigger()
    studio.finish()


@pytest.fixture
def shot():
    layout = dataclasses.replace(with_masked(mosaic(), 4.0, 9.0, BLACK + 4), iso=800.0)
    return raw(exposed(patches(512, 512), 4.0, 9.0, 1, BLACK + 4), layout, name="shot.dng")


def test_windows_lines_and_numbers_are_shown(studio_window, shot):
    open_raw(studio_window, shot)
    panel = studio_window.window.sensor_plot
    studio_window.until(lambda: panel.shown is not None)
    assert panel.isVisible()
    assert [one.site.name for one in panel.shown.classes] == ["R", "G1", "G2", "B"]
    assert all(one.used.shape[1] > 10 for one in panel.shown.classes)
    assert "R" in panel.numbers.text()
    assert "masked pixels" in panel.verdict.text()
    assert "4." in panel.verdict.text() or "3.9" in panel.verdict.text()
    # Four lines with a band each, and two scatters of every class.
    assert len(panel.plot.listDataItems()) >= 4 * 3
    panel.logarithmic.setChecked(False)
    assert not panel.plot.getAxis("left").logMode


def test_the_panel_warns_of_a_wrong_black_level(studio_window, shot):
    open_raw(studio_window, shot)
    line = studio_window.window.noise_panel.estimate
    studio_window.until(lambda: "Sensor" in line.words.text())
    assert "black level lies" in line.flag.text()
    assert line.flag.isVisible()


def test_other_pictures_have_no_such_tab(studio_window):
    window = studio_window.window
    assert not window.lower_area.isTabVisible(tab_of(window, window.sensor_plot))


def test_what_is_plotted_is_what_was_found(shot):
    found = sensor_plot(shot, None)
    assert found.noise.stage == "coarse"
    one = found.classes[0]
    expected = one.site.gain * one.used[0] + one.site.read**2
    ratio = one.used[1] / expected
    assert np.median(ratio) == pytest.approx(1, abs=0.1)
    assert found.levels[0] > 0
    assert (np.diff(found.levels) > 0).all()
    assert sensor_plot(dataclasses.replace(shot, mosaic=None), None) is None
