"""A big picture: the screen is handed what can be seen, averaged where it is zoomed out."""

import numpy as np
import pytest
from driving import image_of
from PySide6.QtCore import QPoint

from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.display import show
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.compare import WHOLE

WIDTH, HEIGHT = 3000, 2000


@pytest.fixture
def big():
    """Six megapixels of colour, floats: a ramp that tells where one is, and noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    pixels = np.stack([x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT)], axis=-1)
    pixels += rng.standard_normal((HEIGHT, WIDTH, 1), np.float32) * 0.02
    return Picture(np.ascontiguousarray(np.moveaxis(pixels, -1, 0)))


def handed(studio):
    return [image_of(pane.image) for pane in studio.compare.panes]


def check(studio, factor):
    """What each pane holds: bounded, covers what is seen, and is the exact drawing of the array."""
    picture, shown = studio.document.picture, studio.shown()
    seen = studio.after.visible_rect().intersect(picture.rect)
    for (image, rect), pixels in zip(handed(studio), (picture.pixels, shown.pixels), strict=True):
        assert image.shape[0] * image.shape[1] <= 2 * WHOLE
        assert rect.width == image.shape[1] * factor
        assert rect.x <= max(seen.x, 0)
        assert rect.y <= max(seen.y, 0)
        assert rect.x1 >= seen.x1
        assert rect.y1 >= seen.y1
        part = rect.intersect(picture.rect)
        cut = np.ascontiguousarray(pixels[(slice(None), *part.slices)])
        assert np.array_equal(image, show(picture, cut, studio.document.levels, factor))


def test_only_what_is_seen_is_handed_to_the_screen(studio_window, big, monkeypatch):
    studio = studio_window
    # The drawing is tested here, not the filter.
    studio.window.add_document(Document(big, Recipe(method="identity")))
    studio.finish()
    zoom = studio.compare.viewport.zoom
    assert zoom < 0.25
    check(studio, max(1, int(1 / zoom + 0.25)))

    studio.compare.viewport.set(1500.0, 1000.0, 1.0)
    studio.finish()
    check(studio, 1)
    (_, first), _ = handed(studio)
    assert first.area < WIDTH * HEIGHT / 4

    studio.compare.viewport.set(2800.0, 1900.0, 1.0)  # elsewhere: cut out anew
    studio.finish()
    check(studio, 1)
    (_, second), _ = handed(studio)
    assert second != first

    for delta in (720, -960):
        studio.wheel(studio.after, QPoint(200, 200), delta)
        studio.finish()
        check(studio, max(1, int(1 / studio.compare.viewport.zoom + 0.25)))

    # The preview is asked for what is seen now, so that it is filtered first.
    studio.compare.viewport.set(2500.0, 300.0, 1.0)
    asked = []
    real = studio.window.bridge.session.request

    def asking(request):
        asked.append(request)
        return real(request)

    monkeypatch.setattr(studio.window.bridge.session, "request", asking)
    studio.slide(studio.row("strength").slider, 500)
    studio.finish()
    (request,) = asked
    assert request.visible.x <= 2500 <= request.visible.x1
    assert request.visible.y <= 300 <= request.visible.y1
    assert request.visible.area < WIDTH * HEIGHT / 8
