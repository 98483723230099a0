"""Parameter maps over the picture and the filter at a pixel, with the real adaptive method."""

import numpy as np
import pytest
from driving import choose, image_of
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox

from denoise_studio.core.parameter import Values
from denoise_studio.core.region import Box, Ellipse, Region
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.display import show, show_map
from denoise_studio.engine.fits import finished_fit
from denoise_studio.engine.maps import footprints, map_values, shown_maps, spread
from denoise_studio.formats import open_picture
from denoise_studio.gui.sheets import OTHERS

SIDE = 96
METHOD = "adaptive-bilateral"


def noisy(path):
    """Two halves and a disc with noise that is stronger on the right."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    clean = np.where(x < SIDE // 2, 0.3, 0.6) + 0.2 * ((x - 60) ** 2 + (y - 40) ** 2 < 200)
    noise = rng.normal(0, 1, (SIDE, SIDE)) * np.where(x < SIDE // 2, 0.02, 0.06)
    np.save(path, (clean + noise).astype(np.float32))
    return path


@pytest.fixture
def studio(studio_window, tmp_path):
    studio_window.open(noisy(tmp_path / "noisy.npy"))
    studio_window.choose_method(METHOD)
    studio_window.finish()
    return studio_window


def fit_of(studio):
    recipe = studio.document.resolved()
    return recipe, finished_fit(studio.document.picture, recipe)


def wanted(studio, name):
    """The colours of a map over the whole picture, from the engine itself."""
    picture = studio.document.picture
    recipe, fitted = fit_of(studio)
    found = spread(picture, recipe, fitted, name)
    values = map_values(picture, recipe, fitted, name, picture.rect)
    logarithmic = get_denoiser(METHOD).parameter(name).logarithmic
    return show_map(values, *found.shown, logarithmic), found


def pick(studio, name):
    combo = studio.window.map_bar.combo
    choose(combo, combo.findData(name))
    studio.finish()


def hover(studio, x, y, pane=None):
    pane = pane or studio.before
    studio.move(pane.viewport(), studio.at(pane, x + 0.5, y + 0.5))


def with_region(studio, **values):
    region = Region(shape=Box(8.0, 8.0, 40.0, 40.0), name="here", feather=0.0, parameters=Values(values))
    studio.document.edit(studio.recipe.replace(regions=(region,)), "region", studio.document.begin_gesture())
    studio.document.select(0)


# Overlay


def test_the_list_names_every_map_with_group_and_unit(studio):
    combo = studio.window.map_bar.combo
    recipe, fitted = fit_of(studio)
    names = [p.name for p in shown_maps(recipe, fitted)]
    assert [combo.itemData(i) for i in range(combo.count())] == ["", *names, *OTHERS]
    texts = [combo.itemText(i) for i in range(combo.count())]
    assert texts[0] == "No map"
    assert "σx · stage 1 (px)" in texts
    assert len(set(texts)) == len(texts)
    assert studio.window.map_bar.isVisible()
    assert not studio.before.overlay.isVisible()


def test_the_colours_and_the_bar_are_those_of_the_map(studio):
    pick(studio, "sigma_r_1")
    colours, found = wanted(studio, "sigma_r_1")
    image, rect = image_of(studio.before.overlay)
    assert np.array_equal(image, colours)
    assert rect == studio.document.picture.rect
    assert studio.before.overlay.isVisible()
    assert not studio.after.overlay.isVisible()
    bar = studio.window.overlay.bars[studio.before]
    assert bar.isVisible()
    low, high = found.shown
    assert [float(text) for text in bar.texts] == pytest.approx([low, (low * high) ** 0.5, high], rel=0.006)
    assert bar.title == "σr · stage 1"
    slider = studio.window.map_bar.opacity
    slider.setValue(30)
    assert studio.before.overlay.opacity() == pytest.approx(0.3)


def test_edits_are_seen_in_the_map_at_once(studio):
    pick(studio, "sigma_x_1")
    plain, _ = wanted(studio, "sigma_x_1")
    with_region(studio, smoothing=2.0)
    studio.finish()
    edited, _ = wanted(studio, "sigma_x_1")
    assert not np.array_equal(plain, edited)
    assert np.array_equal(studio.before.overlay.image, edited)
    studio.document.edit(studio.recipe.with_parameter("sigma_x_1", 2.5), "one value")
    studio.finish()
    replaced, found = wanted(studio, "sigma_x_1")
    assert found.median == pytest.approx(2.5)
    assert np.array_equal(studio.before.overlay.image, replaced)
    studio.action("undo").trigger()
    studio.finish()
    assert np.array_equal(studio.before.overlay.image, edited)


def test_painting_moves_the_map_with_the_brush(studio):
    pick(studio, "sigma_x_1")
    studio.action("tool-brush").trigger()
    studio.window.regions_panel.radius.setValue(8)
    studio.drag(studio.before, (20, 20), (30, 20))
    studio.window.regions_panel.form.row("smoothing").check.click()
    studio.type_into(studio.window.regions_panel.form.row("smoothing").spin, "3")
    studio.finish()
    images = [studio.before.overlay.image.copy()]

    def look():
        studio.until(lambda: not np.array_equal(studio.before.overlay.image, images[0]))

    studio.drag(studio.before, (30, 20), (70, 60), during=look)
    studio.finish()
    assert len(studio.recipe.regions) == 1
    assert np.array_equal(studio.before.overlay.image, wanted(studio, "sigma_x_1")[0])


def test_only_the_newest_map_arrives(studio):
    for name in ("sigma_x_1", "sigma_y_1", "sigma_r_1", "sigma_x_1", "sigma_r_1"):
        studio.window.overlay.choose(name)
        studio.window.overlay._order()
    studio.finish()
    assert np.array_equal(studio.before.overlay.image, wanted(studio, "sigma_r_1")[0])
    assert studio.window.overlay.bars[studio.before].title == "σr · stage 1"


def test_a_key_goes_through_the_maps_and_escape_shows_none(studio):
    combo = studio.window.map_bar.combo
    seen = []
    for _ in range(combo.count()):
        studio.key(Qt.Key.Key_M)
        studio.finish()
        seen.append(combo.currentData())
    assert seen == [*(combo.itemData(i) for i in range(1, combo.count())), ""]
    studio.key(Qt.Key.Key_M)
    studio.finish()
    assert studio.before.overlay.isVisible()
    studio.key(Qt.Key.Key_Escape)
    studio.finish()
    assert not studio.before.overlay.isVisible()
    assert not studio.window.overlay.bars[studio.before].isVisible()
    assert combo.currentText() == "No map"


def test_the_map_lies_over_the_original_in_every_mode(studio):
    pick(studio, "sigma_r_1")
    studio.action("wipe").trigger()
    studio.finish()
    assert studio.after.overlay.isVisible()
    assert studio.window.overlay.bars[studio.after].isVisible()
    assert studio.after.under.zValue() < studio.after.overlay.zValue() < studio.after.clip.zValue()
    studio.action("difference").trigger()
    studio.finish()
    assert studio.before.overlay.isVisible()
    assert not studio.after.overlay.isVisible()
    studio.action("side").trigger()
    assert studio.before.clip.zValue() < studio.before.overlay.zValue()
    studio.compare.hold(True)
    assert not studio.before.overlay.isVisible()  # held: the bare original
    studio.compare.hold(False)
    assert studio.before.overlay.isVisible()


def test_another_method_takes_the_map_away_and_its_return_brings_it_back(studio):
    pick(studio, "sigma_r_1")
    studio.choose_method("bilateral")
    studio.finish()
    assert not studio.before.overlay.isVisible()
    combo = studio.window.map_bar.combo
    assert [combo.itemData(i) for i in range(combo.count())] == ["", *OTHERS]
    assert combo.currentText() == "No map"
    studio.choose_method(METHOD)
    studio.finish()
    assert studio.before.overlay.isVisible()


def test_the_cursor_reads_the_map(studio):
    pick(studio, "sigma_x_1")
    hover(studio, 30, 40)
    recipe, fitted = fit_of(studio)
    value = map_values(studio.document.picture, recipe, fitted, "sigma_x_1", studio.document.picture.rect)[
        40, 30
    ]
    text = studio.window.status.under_cursor.text()
    assert text.startswith("x 30  y 40")
    assert text.endswith(f"σx 1: {value:.3g} px")
    studio.key(Qt.Key.Key_Escape)
    studio.finish()
    assert "σx" not in studio.window.status.under_cursor.text()


# The filter at a pixel


def test_the_filter_at_a_pixel_shows_weights_and_numbers(studio):
    studio.action("filter-here").trigger()
    panel = studio.window.filter_panel
    assert panel.isVisible()
    assert "Move the cursor" in panel.words.text()
    for x, y, pane in ((30, 40, studio.before), (70, 41, studio.after), (0, 95, studio.after)):
        hover(studio, x, y, pane)
        studio.finish()
        recipe, fitted = fit_of(studio)
        found = footprints(studio.document.picture, recipe, fitted, x, y)
        assert len(panel.looks) == len(found)
        assert panel.place.text() == f"x {x}\ny {y}"
        for stage, look, one in zip(panel.stages, panel.looks, found, strict=False):
            assert np.array_equal(look.footprint.weights, one.weights)
            assert np.array_equal(look.weights, show_map(one.weights, 0.0, float(one.weights.max()), False))
            assert (stage.heat.image.height(), stage.heat.image.width()) == one.weights.shape
            count = 1 / float((one.weights.astype(float) ** 2).sum())
            assert f"averages about {count:.0f} pixel" in stage.text.text()
            for name, value in one.values.items():
                assert f"{value:.3g}" in stage.text.text(), name
    ry, rx = (side // 2 for side in found[0].weights.shape)
    picture = studio.document.picture
    bytes_ = show(picture, picture.pixels, studio.document.levels)
    assert panel.looks[0].patch[ry, rx] == bytes_[95, 0]


def test_the_filter_follows_an_edit_at_the_pixel_last_looked_at(studio):
    studio.action("filter-here").trigger()
    hover(studio, 24, 24)
    studio.finish()
    before = studio.window.filter_panel.looks[0].footprint
    studio.move(studio.before.viewport(), QPoint(1, 1))  # beside the picture: the last one stays
    with_region(studio, sigma_x_1=1.25)
    studio.finish()
    after = studio.window.filter_panel.looks[0].footprint
    assert before.values["sigma_x_1"] != after.values["sigma_x_1"] == 1.25
    assert after.weights.shape != before.weights.shape


def test_a_method_that_cannot_show_its_filter_says_so(studio):
    studio.action("filter-here").trigger()
    hover(studio, 24, 24)
    studio.finish()
    studio.choose_method("identity")
    studio.finish()
    panel = studio.window.filter_panel
    assert panel.words.isVisible()
    assert "cannot show" in panel.words.text()
    studio.action("filter-here").trigger()
    assert not panel.isVisible()


def test_padding_and_a_missing_result_are_said_in_words(fitting, studio_window, tmp_path):
    studio = studio_window
    fitting.start.clear()
    from driving import CT

    from denoise_studio.core.recipe import Recipe
    from denoise_studio.gui.document import Document

    picture = open_picture(CT)
    studio.window.add_document(Document(picture, Recipe(method="fitting-test")))
    studio.action("filter-here").trigger()
    panel = studio.window.filter_panel
    studio.until(lambda: fitting.fits and studio.after.image.image is not None)
    hover(studio, 250, 250)
    studio.until(lambda: "no result yet" in panel.words.text())
    fitting.release()
    studio.finish()
    assert panel.looks[0].footprint.values.keys() == {"gain"}
    assert "averages about 3 pixels" in panel.stages[0].text.text()
    y, x = (int(v) for v in np.argwhere(picture.padding)[0])
    hover(studio, x, y)
    studio.until(lambda: "padding" in panel.words.text())
    pick(studio, "gain")
    image = studio.before.overlay.image
    assert image.shape[2] == 4
    assert image[y, x, 3] == 0
    assert image[250, 250, 3] == 255


# Saving


def test_hand_edits_regions_and_stages_are_saved_as_they_are_seen(studio, tmp_path):
    shape = Ellipse(60.0, 50.0, 20.0, 15.0, 20.0)
    values = Values({"sigma_r_1_factor": 2.0, "sigma_x_1": 2.0, "strength": 0.8})
    regions = (
        Region(shape=Box(8.0, 8.0, 40.0, 40.0), name="a", feather=4.0, parameters=Values({"smoothing": 0.5})),
        Region(shape=shape, name="b", feather=6.0, parameters=values),
    )
    document = studio.document
    document.edit(studio.recipe.replace(regions=regions).with_parameter("smoothing", 1.3), "by hand")
    studio.finish()
    for mode in ("1", None):
        if mode is not None:
            combo = studio.window.method_panel.form.findChild(QComboBox)
            choose(combo, combo.findText(mode))
            combo.textActivated.emit(mode)
            studio.finish()
            assert studio.recipe.regions == regions
        shown = studio.shown().pixels
        target = tmp_path / f"{mode}.npy"
        studio.export(target)
        assert np.array_equal(open_picture(target).pixels, shown)
