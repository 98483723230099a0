"""Themes, the snapshot, and in which order the program loads its heavy parts."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from driving import CT, PHOTO, small_photo
from PIL import Image
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from denoise_studio.core import recipe as recipes
from denoise_studio.core.parameter import Values
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Region
from denoise_studio.gui import theme


@pytest.fixture
def dark_again(studio_app):
    yield
    theme.apply(studio_app, "dark")


def surround(studio):
    """The colour beside the picture, as it is on the screen."""
    image = studio.after.viewport().grab().toImage()
    return image.pixelColor(3, image.height() - 3)


def test_switching_themes_and_back(studio_window, tmp_path, dark_again):
    studio = studio_window
    studio.open(small_photo(tmp_path / "photo.png"))
    studio.window.regions_panel.add_box()
    studio.finish()
    shown = studio.shown().pixels
    for name in ("light", "dark", "light", "dark"):
        studio.action("theme").trigger()
        studio.finish()
        assert theme.current().name == name
        assert studio.window.settings.value.theme == name
        assert studio.action("theme").isChecked() is (name == "light")
        assert surround(studio) == QColor(theme.current().surround)
        colour = surround(studio)
        assert colour.red() == colour.green() == colour.blue()  # no tint beside a picture
    assert (studio.shown().pixels == shown).all()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_both_style_sheets_are_understood_and_their_greys_have_no_tint(studio_app, name, dark_again):
    """Qt warns about a style sheet that it cannot parse, and warnings fail tests."""
    theme.apply(studio_app, name)
    tokens = theme.current()
    for role in ("surround", "panel", "raised", "line", "text", "quiet"):
        colour = QColor(getattr(tokens, role))
        assert colour.isValid()
        assert colour.saturation() == 0, role
    assert "{" not in studio_app.styleSheet().split("}")[-1]


@pytest.mark.parametrize("name", ["dark", "light"])
def test_text_can_be_read_on_its_ground(name):
    """Contrast of at least 4.5 to 1 (WCAG 2.1, AA)."""
    tokens = theme.THEMES[name]

    def luminance(text):
        channels = (QColor(text).redF(), QColor(text).greenF(), QColor(text).blueF())
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a, b):
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for text, ground in (
        ("text", "panel"),
        ("text", "raised"),
        ("quiet", "panel"),
        ("accent_text", "accent"),
    ):
        assert contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5, (text, ground)


def test_icons_follow_the_theme(studio_window, dark_again):
    """A dark icon on a dark tool bar, or the reverse, cannot be seen."""

    def lightness():
        bar = studio_window.window.tool_bar
        part = bar.widgetForAction(studio_window.action("open")).geometry()
        image = bar.grab(part).toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        greys = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return np.ptp(greys[:, : image.width()].astype(int))

    assert lightness() > 100
    studio_window.action("theme").trigger()
    QApplication.processEvents()
    assert lightness() > 100
    studio_window.action("theme").trigger()


def run(*words, code=None, timeout=240):
    command = (
        [sys.executable, "-c", textwrap.dedent(code)] if code else [sys.executable, "-m", "denoise_studio"]
    )
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=timeout, check=False)


def test_a_snapshot_is_a_png_of_the_asked_size_with_the_picture_in_it(tmp_path):
    shape = Box(150.0, 150.0, 300.0, 300.0)
    region = Region(shape=shape, name="here", parameters=Values({"sigma_x": 4.0}))
    recipe = tmp_path / "r.json"
    recipe.write_bytes(recipes.to_json(Recipe(method="bilateral", regions=(region,))))
    out = tmp_path / "shot.png"
    done = run(
        "snapshot", str(CT), "-o", str(out), "--size", "1100x700", "--theme", "light", "--recipe", str(recipe)
    )
    assert (done.returncode, done.stderr) == (0, "")
    image = Image.open(out)
    assert image.format == "PNG"
    assert image.size == (1100, 700)
    pixels = np.asarray(image.convert("RGB")).astype(int)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200


def test_a_snapshot_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "r.json").write_bytes(
        recipes.to_json(Recipe(method="bilateral", parameters=Values({"sigma_x": 99.0})))
    )
    out = tmp_path / "shot.png"
    done = run("snapshot", str(PHOTO), "-o", str(out), "--recipe", str(tmp_path / "r.json"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "sigma_x" in done.stderr
    assert not out.exists()


START = """
    import os, sys
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from pathlib import Path
    from denoise_studio.engine import devices
    devices.gpu_likely = lambda: False
    from denoise_studio.gui import launch
    app = launch.application("dark")
    from denoise_studio.gui.main_window import MainWindow
    from denoise_studio.gui.settings import SettingsFile
    folder = Path(sys.argv[1])
    window = MainWindow(SettingsFile(folder), folder)
    window.show()
    assert "torch" not in sys.modules, "torch before the window"
    window.files.open([Path(sys.argv[2])])
    while not window.documents:
        app.processEvents()
    assert launch.wait_until_idle(app, window, 120)
    window.actions_["about"].trigger()
    app.processEvents()
    window.close()
    assert window.bridge.join()
    assert "torch" not in sys.modules, "torch without a GPU"
    print("shown")
"""

WINDOWS = """
    import sys, types
    from denoise_studio.gui import launch
    assert "PySide6" not in sys.modules
    launch.sys = types.SimpleNamespace(platform="win32", version_info=sys.version_info, argv=sys.argv)
    sys.modules["tkinter"] = None
    launch.application("dark")
    order = list(sys.modules)
    assert order.index("torch") < order.index("PySide6"), "Qt before torch"
    print("in order")
"""


def test_without_a_gpu_the_window_shows_a_result_and_torch_is_never_loaded(tmp_path):
    done = run(str(tmp_path), str(small_photo(tmp_path / "photo.png")), code=START)
    assert (done.returncode, done.stdout.strip()) == (0, "shown"), done.stderr


def test_on_windows_torch_is_loaded_before_qt(tmp_path):
    pytest.importorskip("torch")
    done = run(code=WINDOWS)
    assert (done.returncode, done.stdout.strip()) == (0, "in order"), done.stderr
