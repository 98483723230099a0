import threading
import tracemalloc

import numpy as np
import pytest
from builders import bilateral, noisy, padded, picture, region

from denoise_studio import Recipe as PublicRecipe
from denoise_studio import render as public_render
from denoise_studio.core.errors import Cancelled, RecipeError
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse
from denoise_studio.engine import devices
from denoise_studio.engine.render import compose, render, render_in_full
from denoise_studio.engine.resolve import default_recipe, estimated_noise, resolve
from denoise_studio.noise.blind import estimate_noise


def test_strength_one_is_the_result_and_zero_the_input():
    shown, filtered = picture(60, 70, 3), noisy(60, 70, 3, seed=9)
    whole = shown.rect
    assert np.array_equal(compose(shown, filtered, bilateral(strength=1.0), whole), filtered)
    assert np.array_equal(compose(shown, filtered, bilateral(strength=0.0), whole), shown.pixels)


def test_strength_as_a_map():
    shown, filtered = picture(40, 60), noisy(40, 60, seed=9)
    recipe = bilateral(
        region(Box(0, 0, 20, 40), strength=0.0), region(Box(20, 0, 40, 40), strength=0.25), strength=1.0
    )
    result = compose(shown, filtered, recipe, shown.rect)[0]
    before, after = shown.pixels[0], filtered[0]
    assert np.array_equal(result[:, :20], before[:, :20])
    assert np.array_equal(result[:, 40:], after[:, 40:])
    wanted = before[:, 20:40].astype(float) * 0.75 + after[:, 20:40].astype(float) * 0.25
    np.testing.assert_allclose(result[:, 20:40], wanted, rtol=0, atol=2e-7)


def test_compose_does_not_depend_on_the_rectangle():
    shown, filtered = padded(64, 80), noisy(64, 80, seed=9)
    recipe = bilateral(region(Box(10, 10, 50, 50), feather=11, strength=0.2), strength=0.7)
    whole = compose(shown, filtered, recipe, shown.rect)
    for rect in (shown.rect.intersect(shown.rect.expand(-20)), shown.rect.expand(-7)):
        assert np.array_equal(compose(shown, filtered, recipe, rect), whole[(slice(None), *rect.slices)])


@pytest.mark.parametrize("method", ["bilateral", "nlm", "identity"])
@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_padding_keeps_its_values_and_what_the_file_had_there(method, strength):
    shown = padded(90, 80, 3)
    result = render(shown, Recipe(method=method, strength=strength))
    assert np.array_equal(result.pixels[:, shown.padding], shown.pixels[:, shown.padding])
    assert result.padding is shown.padding
    assert result.padding_values is shown.padding_values
    assert np.isnan(result.padding_values[:, shown.padding]).all()
    assert np.isfinite(result.pixels).all()


@pytest.mark.parametrize("method", ["bilateral", "nlm", "identity"])
def test_a_picture_of_nothing_but_padding_comes_back(method):
    shown = Picture(np.zeros((1, 30, 30), np.float32), padding=np.ones((30, 30), bool))
    assert np.array_equal(render(shown, Recipe(method=method)).pixels, shown.pixels)


def test_a_render_is_a_new_picture_of_the_same_kind():
    shown = picture(50, 40, scale=Scale.HU, unit="HU", spacing=(0.5, 0.6))
    before = shown.pixels.copy()
    result = render(shown, bilateral(sigma_r=30.0))
    assert np.array_equal(shown.pixels, before)
    assert not np.array_equal(result.pixels, before)
    assert (result.scale, result.unit, result.spacing) == (shown.scale, "HU", (0.5, 0.6))
    assert result.serial != shown.serial
    assert len(result.history) == 1
    assert result.history[0].startswith("bilateral sigma_r=")


@pytest.mark.parametrize("method", ["bilateral", "nlm"])
def test_rendering_twice_is_the_same(method):
    shown = padded(150, 140, 3)
    assert np.array_equal(
        render(shown, Recipe(method=method)).pixels, render(shown, Recipe(method=method)).pixels
    )


def test_the_resolved_recipe_gives_the_same_picture():
    shown = picture(80, 90)
    rendering = render_in_full(shown, Recipe(method="nlm"))
    assert rendering.recipe.noise_level == estimate_noise(shown).sigma
    assert set(rendering.recipe.parameters) == {"h", "patch_radius", "search_radius"}
    again = render_in_full(shown, rendering.recipe)
    assert np.array_equal(again.picture.pixels, rendering.picture.pixels)
    assert again.recipe == rendering.recipe


def test_progress_goes_up_to_one():
    heard = []
    render(picture(300, 520), bilateral(), Progress(lambda fraction, text: heard.append(fraction)))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_cancel_ends_a_render():
    progress = Progress()
    progress.listen(lambda fraction, text: progress.cancel())
    with pytest.raises(Cancelled):
        render(picture(300, 520), bilateral(), progress)


def test_renders_in_several_threads_at_once():
    shown = picture(260, 300)
    wanted = render(shown, bilateral()).pixels
    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(render(shown, bilateral()).pixels for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    assert all(np.array_equal(result, wanted) for result in results)


@pytest.mark.parametrize(
    ("method", "channels", "side"),
    [
        ("bilateral", 1, 2048),
        ("bilateral", 3, 1024),
        ("identity", 1, 1024),
        ("nlm", 1, 600),
        ("nlm", 3, 520),
    ],
)
@pytest.mark.parametrize("make", [picture, padded], ids=["plain", "padded"])
def test_a_render_needs_less_than_twice_the_picture(method, channels, side, make, monkeypatch):
    """From a few cells on; result, noise estimate and regions included, with two workers."""
    monkeypatch.setattr(devices, "worker_count", lambda: 2)
    values = {"sigma_x": 1.8, "strength": 0.5} if method == "bilateral" else {"strength": 0.5}
    shapes = (Box(90, 80, 400, 500), Ellipse(400, 400, 300, 100, 30))
    regions = tuple(region(shape, feather=20, **values) for shape in shapes)
    recipe = Recipe(method=method, regions=regions, device="cpu")
    render(make(64, 64, channels), recipe)  # imports and compiles
    check_memory(make(side, side, channels), recipe)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_small_bilateral_without_regions_needs_less_than_twice_the_picture(strength, monkeypatch):
    """Even where the few tiles in flight are a large share of the picture."""
    monkeypatch.setattr(devices, "worker_count", lambda: 2)
    recipe = Recipe(method="bilateral", strength=strength, device="cpu")
    render(picture(64, 64), recipe)  # imports and compiles
    check_memory(picture(512, 512), recipe)


def check_memory(shown, recipe):
    estimated_noise(shown)  # once a picture, when it is opened, in a workspace of its own
    tracemalloc.start()
    try:
        result = render(shown, recipe)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.pixels.nbytes <= peak < 2 * shown.pixels.nbytes


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (Recipe(method="magic"), "no method 'magic'"),
        (Recipe(method="bilateral", parameters=Values({"h": 1})), "no parameter 'h'"),
        (
            Recipe(method="bilateral", parameters=Values({"sigma_x": 80})),
            "sigma_x must be between 0.2 and 8 px",
        ),
        (Recipe(method="bilateral", parameters=Values({"sigma_x": "wide"})), "sigma_x must be a number"),
        (
            Recipe(method="nlm", parameters=Values({"patch_radius": 2.5})),
            "patch_radius must be a whole number",
        ),
        (
            Recipe(method="nlm", regions=(region(Box(0, 0, 1, 1), h=1.0),)),
            "cannot have its own h in a region",
        ),
        (
            Recipe(method="bilateral", regions=(region(Box(0, 0, 1, 1), sigma_x=80),)),
            "sigma_x must be between",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_is_one_sentence(recipe, sentence):
    with pytest.raises(RecipeError, match=sentence):
        render(picture(10, 10), recipe)


def test_resolve_leaves_nothing_open_and_is_stable():
    shown = picture(100, 100)
    for method in ("bilateral", "nlm", "identity"):
        resolved = resolve(shown, Recipe(method=method))
        assert resolved.device != "auto"
        assert resolve(shown, resolved) == resolved


def test_default_contrast_follows_the_noise():
    shown = picture(100, 100)
    assert resolve(shown, default_recipe(shown)).parameters["sigma_r"] == pytest.approx(
        3 * estimate_noise(shown).sigma
    )
    told = resolve(shown, default_recipe(shown).replace(noise_level=0.01))
    assert told.parameters["sigma_r"] == pytest.approx(0.03)


def test_the_public_door():
    assert PublicRecipe is Recipe
    assert np.array_equal(public_render(picture(20, 20), PublicRecipe()).pixels, picture(20, 20).pixels)
