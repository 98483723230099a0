"""The noise model of a raw picture: plot, numbers, verdict, and what the noise panel says of it."""

import dataclasses
import re

import numpy as np
import pytest
from driving import small_photo
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from raw_builders import BLACK, WHITE, exposed, mosaic, patches, raw, with_masked

from denoise_studio.core.fitted import Fitted
from denoise_studio.denoisers import get_denoiser, register, unregister
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.engine.sensor import sensor_noise
from denoise_studio.gui import theme
from denoise_studio.gui.document import Document
from denoise_studio.gui.panels.sensor_chart import look_of

GAIN, READ = 4.0, 9.0


def picture(black=BLACK, masked=True, seed=1, side=512):
    layout = mosaic(iso=800.0, camera="Studio One")
    layout = with_masked(layout, GAIN, READ, black) if masked else layout
    return raw(exposed(patches(side, side), GAIN, READ, seed, black), layout, name="shot.dng")


def open_raw(studio, shot, method="identity"):
    studio.window.add_document(Document(shot))
    studio.choose_method(method)
    studio.finish()


@pytest.fixture
def plot(studio_window):
    """The plot of a raw picture, shown and finished."""
    open_raw(studio_window, picture())
    studio_window.action("sensor-plot").trigger()
    studio_window.finish()
    return studio_window.window.sensor_plot


@pytest.fixture
def finder():
    """A method whose fit finds a sensor's noise as the program's own does, without a network."""
    noise = {}

    def fit(task):
        found = noise_estimate(task.picture).sensor
        site = dataclasses.replace(found.sites[0], gain=7.0, read=3.0)
        noise["fine"] = dataclasses.replace(found, sites=(site, *found.sites[1:]), stage="fine")
        return Fitted({}, note="found", knowledge=noise["fine"])

    denoiser = dataclasses.replace(
        get_denoiser("identity"), id="finder-test", name="Finds", load_fit=lambda: fit, parallel_tiles=False
    )
    register(denoiser)
    yield noise
    unregister("finder-test")


def test_windows_lines_and_numbers_of_every_class(plot):
    view, chart, table = plot.view, plot.chart, plot.table
    assert plot.isVisible()
    assert chart.isVisible()
    assert chart.chart is view.linear
    assert len({look_of(name) for name in ("R", "G1", "G2", "B")}) == 4
    for row, site in enumerate(view.noise.sites):
        cells = [table.item(row, column).text() for column in range(table.columnCount())]
        assert cells[0] == site.name
        assert float(cells[1]) == pytest.approx(GAIN, rel=0.1)
        assert float(cells[2]) == pytest.approx(READ, rel=0.1)
        assert (float(cells[3]), float(cells[4])) == (pytest.approx(BLACK, abs=1), WHITE)
        assert float(cells[5]) == pytest.approx(site.confidence, abs=0.006)
        assert int(cells[6]) == view.windows[site.name][0]
        assert "±" in table.item(row, 1).toolTip()
        assert "electrons" in table.item(row, 2).toolTip()
        assert not table.item(row, 0).icon().isNull()
    for items, curve in zip(chart._items, view.linear.curves, strict=True):
        assert len(items.used.data) == len(curve.used.x)
        assert len(items.unused.data) == len(curve.unused.x)
        x, y = items.line.getData()
        np.testing.assert_allclose(y, np.interp(x, curve.x, curve.y), rtol=1e-5)
        # Solid and faint: a person tells windows that count from those that do not.
        alphas = [QColor(s.opts["brush"].color()).alpha() for s in (items.unused, items.used)]
        assert alphas[0] < alphas[1] / 3
    assert "masked pixels" in plot.verdict.text()
    assert "flat places" in plot.verdict.text()
    assert "(DN)" in chart.getAxis("bottom").labelText
    assert "DN²" in chart.getAxis("left").labelText


def test_logarithmic_axes_and_back(plot):
    plot.logarithmic.click()
    assert plot.chart.chart is plot.view.logarithmic
    assert plot.chart.getAxis("bottom")._tickLevels
    (low, high), _ = plot.chart.viewRange()
    assert (low, high) == pytest.approx(plot.view.logarithmic.x_range)
    plot.logarithmic.click()
    assert plot.chart.getAxis("bottom")._tickLevels is None
    assert plot.chart.viewRange()[0] == pytest.approx(list(plot.view.linear.x_range))


def test_in_a_narrow_window_no_number_is_cut(plot, studio_window):
    for width, columns in ((1400, 7), (900, 4)):
        studio_window.window.resize(width, 700)
        studio_window.finish()
        table = plot.table
        assert sum(not table.isColumnHidden(column) for column in range(7)) == columns
        assert not table.horizontalScrollBar().isVisible()
        assert not table.verticalScrollBar().isVisible()
        assert table.width() <= plot.side.viewport().width()
        assert plot.chart.width() > 180


def test_figures_have_one_width(plot):
    metrics = plot.table.fontMetrics()
    assert len({metrics.horizontalAdvance(figure) for figure in "0123456789"}) == 1
    assert all(
        plot.table.item(0, column).textAlignment() & Qt.AlignmentFlag.AlignRight for column in range(1, 7)
    )


def test_a_fit_replaces_the_coarse_numbers_in_plot_and_panel(finder, studio_window):
    studio = studio_window
    open_raw(studio, picture())
    studio.action("sensor-plot").trigger()
    studio.finish()
    panel, line = studio.window.sensor_plot, studio.window.noise_panel.estimate
    assert panel.view.noise.stage == "coarse"
    assert " · coarse, confidence" in line.words.text()
    studio.choose_method("finder-test")
    studio.finish()
    assert panel.view.noise is finder["fine"]
    assert panel.table.item(0, 1).text() == "7"
    assert "through the denoiser" in panel.verdict.text()
    assert " · fine, confidence" in line.words.text()
    assert f"K {finder['fine'].gain:.3g} DN per electron" in line.words.text()
    # The slider still counts in multiples of the picture's estimate.
    studio.choose_method("identity")
    studio.finish()
    assert panel.view.noise.stage == "coarse"


def test_it_measures_only_while_it_is_seen(studio_window):
    open_raw(studio_window, picture())
    panel = studio_window.window.sensor_plot
    assert panel.view is None
    studio_window.key(Qt.Key.Key_U, studio_window.window)
    studio_window.finish()
    assert panel.view is not None
    studio_window.key(Qt.Key.Key_U, studio_window.window)
    assert not studio_window.window.lower_area.isVisible()


def test_only_raw_pictures_have_the_tab_and_it_comes_back(studio_window, tmp_path):
    window, area = studio_window.window, studio_window.window.lower_area
    tab = area.indexOf(window.sensor_plot)

    def offered():
        assert area.isTabVisible(tab) is window.actions_["sensor-plot"].isEnabled()
        return area.isTabVisible(tab)

    assert not offered()
    studio_window.open(small_photo(tmp_path / "photo.png"))
    assert not offered()
    window.carry_out.do_sensor_plot()
    assert area.currentWidget() is not window.sensor_plot
    open_raw(studio_window, picture(side=256))
    assert offered()
    studio_window.action("sensor-plot").trigger()
    window.show_index(0)
    assert not offered()
    assert area.currentWidget() is window.histogram_panel
    assert window.actions_["histogram"].isChecked()
    window.show_index(1)
    assert area.currentWidget() is window.sensor_plot
    assert window.actions_["sensor-plot"].isChecked()
    window.show_index(0)
    studio_window.action("readings").trigger()
    window.show_index(1)
    assert area.currentWidget() is window.readings_table
    studio_window.finish()


def test_another_pictures_plot_is_not_left_standing(plot, studio_window):
    first = plot.view
    open_raw(studio_window, picture(seed=2, side=256))
    studio_window.until(lambda: plot.view is not None)
    assert plot.view is not first
    assert plot.view.noise is sensor_noise(studio_window.document.picture)
    studio_window.action("close-picture").trigger()
    studio_window.finish()
    studio_window.until(lambda: plot.view is not None and plot.view.noise is first.noise)


def test_a_wrong_black_level_is_seen_without_looking_for_it(studio_window):
    open_raw(studio_window, picture(BLACK + 6))
    line = studio_window.window.noise_panel.estimate
    assert line.flag.isVisible()
    assert line.flag.text().startswith("⚠ The true black level lies")
    assert line.flag.objectName() == "warning"
    assert "masked pixels" in line.words.toolTip()
    studio_window.action("sensor-plot").trigger()
    studio_window.finish()
    verdict = studio_window.window.sensor_plot.verdict.text()
    assert "⚠ The true black level lies" in verdict
    assert theme.current().warning in verdict


def test_a_black_level_that_only_the_scene_bounds_is_said_with_its_interval(studio_window):
    shot = picture(masked=False)
    open_raw(studio_window, shot)
    line, black = studio_window.window.noise_panel.estimate, sensor_noise(shot).black
    assert black.source == "scene"
    assert "bounded by this scene alone" in line.words.text()
    low = re.escape(f"{abs(black.interval[0]):.2f}"[:4])
    assert re.search(rf"{low}.* DN (below|above) to .* DN (below|above) the file's", line.words.toolTip())
    assert not line.flag.isVisible()


def test_other_pictures_are_told_in_the_old_way(studio_window, tmp_path):
    open_raw(studio_window, picture(side=256))
    assert "Sensor: K" in studio_window.window.noise_panel.estimate.words.text()
    studio_window.open(small_photo(tmp_path / "photo.png"))
    line = studio_window.window.noise_panel.estimate
    assert line.words.text().startswith("Estimate ")
    assert "Sensor" not in line.words.toolTip()


@pytest.fixture
def dark_again(studio_app):
    yield
    theme.apply(studio_app, "dark")


def test_it_follows_the_theme(plot, studio_window, dark_again):
    def ground():
        return plot.chart.grab().toImage().pixelColor(2, 2)

    colours = {}
    for name in ("dark", "light"):
        if theme.current().name != name:
            studio_window.action("theme").trigger()
        QApplication.processEvents()
        colours[name] = look_of("R").colour, ground()
        brush = plot.chart._items[0].used.opts["brush"].color()
        assert QColor(brush.red(), brush.green(), brush.blue()) == QColor(look_of("R").colour)
    assert colours["dark"][0] != colours["light"][0]
    assert colours["dark"][1].lightness() < colours["light"][1].lightness()
    studio_window.action("theme").trigger()


def test_every_colour_of_a_class_is_seen_on_its_ground():
    """Contrast of graphics of at least 3 to 1 (WCAG 2.1, 1.4.11)."""

    def luminance(text):
        channels = (QColor(text).redF(), QColor(text).greenF(), QColor(text).blueF())
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for tokens in theme.THEMES.values():
        ground = luminance(tokens.panel)
        for colour in tokens.sites:
            low, high = sorted((ground, luminance(colour)))
            assert (high + 0.05) / (low + 0.05) >= 3, (tokens.name, colour)


def test_names_for_those_who_cannot_see_it(plot):
    for widget in (plot.chart, plot.table, plot.verdict, plot.logarithmic, plot.side, plot.words):
        assert widget.accessibleName()
    for widget in (plot.chart, plot.logarithmic):
        assert widget.toolTip()
    heads = [plot.table.horizontalHeaderItem(column) for column in range(plot.table.columnCount())]
    assert all(head.toolTip() for head in heads)


def test_the_tab_that_comes_with_a_raw_file_has_room_for_its_words(studio_window):
    area = studio_window.window.lower_area
    studio_window.window.add_document(Document(raw(exposed(patches(128, 128), 4.0, 9.0, 1))))
    studio_window.finish()
    bar = area.tabBar()
    widths = [(bar.tabRect(i).width(), bar.fontMetrics().horizontalAdvance(bar.tabText(i))) for i in range(6)]
    assert all(width >= text for width, text in widths if width), widths
