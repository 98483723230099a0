"""Equal noise: strengths in closed form, then the noise level told; every answer is rendered and measured."""

import numpy as np
import pytest
from builders import bilateral, region
from hypothesis import given, settings
from hypothesis import strategies as st
from methods import inner, registered, simple

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse
from denoise_studio.engine.areas import Area
from denoise_studio.engine.equal_noise import match_methods, match_noise, noise_of, spread
from denoise_studio.engine.patches import filtered
from denoise_studio.engine.render import render
from denoise_studio.engine.resolve import estimated_noise, resolve

SPOT = region(Ellipse(60, 50, 30, 25), feather=6).replace(name="Liver")


def shown(height=100, width=120, seed=0):
    noise = np.random.default_rng(seed).normal(0.5, 0.05, (1, height, width))
    return Picture(noise.astype(np.float32), unit="HU")


def sd_in(picture, recipe, area):
    """Rendered by the only road and measured by numpy."""
    inside = area.region.replace(feather=0.0).mask(area.rect) > 0.5
    pixels = render(picture, recipe).pixels[(slice(None), *area.rect.slices)]
    return pixels[:, inside].astype(np.float64).std()


def area_of(picture, recipe, index=0):
    return Area.of(picture, recipe.regions[index], index)


def test_the_strength_follows_from_three_moments_exactly():
    picture, recipe = shown(), bilateral(SPOT)
    area = area_of(picture, recipe)
    found = spread(picture, filtered(picture, recipe, area.rect, Progress()), recipe, area)
    for share in (0.0, 0.3, 0.7, 1.0):
        assert found.sd(share) == pytest.approx(
            sd_in(picture, recipe.replace(strength=share), area), rel=1e-5
        )
    target = 0.5 * (found.sd(0) + found.least[1])
    match = match_noise(picture, recipe, area, target, Progress())
    assert match.reached
    assert 0 < match.recipe.strength < 1
    assert match.recipe == recipe.replace(strength=match.recipe.strength)
    assert sd_in(picture, match.recipe, area) == pytest.approx(target, rel=1e-5)
    assert "Strength" in match.sentence
    assert match.sd == pytest.approx(target)


@settings(max_examples=60)
@given(st.floats(0.05, 0.999), st.integers(0, 50), st.floats(-0.5, 1.0))
def test_any_sd_between_the_two_ends_is_met(part, seed, gain):
    """f = gain x + independent noise of its own; the root is the smallest strength that gives the sd."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(0, 1, (1, 30, 30)).astype(np.float32)
    full = (gain * pixels + rng.normal(0, 0.3, pixels.shape)).astype(np.float32)
    picture = Picture(pixels)
    found = spread(picture, full, Recipe(), Area.of(picture))
    target = found.least[1] + part * (found.sd(0) - found.least[1])
    share = found.solve(target)
    if share is None:  # the input itself is the quietest
        assert found.least[0] == 0
        return
    assert found.sd(share) == pytest.approx(target, rel=1e-6)
    mixed = share * full.astype(np.float64) + (1 - share) * pixels
    assert mixed.std() == pytest.approx(target, rel=1e-5)
    lower = np.linspace(0, share, 50)[:-1]
    assert all(found.sd(s) > target * (1 - 1e-9) for s in lower)


def test_a_region_s_own_strength_is_the_one_that_changes_and_other_regions_stay():
    picture = shown()
    own = SPOT.replace(parameters=SPOT.parameters.with_value("strength", 0.9))
    other = region(Box(50, 20, 70, 90), feather=4, strength=0.2)
    recipe = bilateral(own, other, strength=0.6)
    area = area_of(picture, recipe)
    target = 0.8 * sd_in(picture, recipe.replace(strength=0.0, regions=(SPOT,)), area)
    match = match_noise(picture, recipe, area, target, Progress())
    assert match.reached
    assert match.recipe.strength == 0.6
    assert match.recipe.regions[1] == other
    assert match.recipe.regions[0].parameters["strength"] != 0.9
    assert sd_in(picture, match.recipe, area) == pytest.approx(target, rel=1e-4)


def test_what_no_strength_reaches_is_said():
    picture, recipe = shown(), bilateral(SPOT)
    area = area_of(picture, recipe)
    before = sd_in(picture, recipe.replace(strength=0.0), area)
    more = match_noise(picture, recipe, area, 2 * before, Progress())
    assert not more.reached
    assert "taking noise away" in more.sentence
    less = match_noise(picture, recipe, area, 0.01 * before, Progress())
    assert not less.reached
    assert "lowest sd that Bilateral filter reaches" in less.sentence
    assert less.sd == pytest.approx(sd_in(picture, less.recipe, area), rel=1e-4)
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(MeasureError, match="above 0"):
            match_noise(picture, recipe, area, bad, Progress())
    with pytest.raises(MeasureError, match="no pixel"):
        match_noise(
            picture, recipe, Area("x", picture.rect, region(Ellipse(20, 20, 0.1, 0.1))), 1.0, Progress()
        )


def shrinking(id="shrinking"):
    """Keeps 1 / (1 + told level / 0.05) of every value: sd is known for every level."""

    def apply(tile):
        return inner(tile) / np.float32(1 + tile.noise_level / 0.05)

    return simple(id, apply, uses_noise_level=True, name="Shrinking")


def test_where_full_strength_is_not_enough_more_noise_is_told():
    picture = shown()
    with registered(shrinking()) as method:
        recipe = Recipe(method=method.id, regions=(SPOT,), device="cpu")
        area = area_of(picture, recipe)
        before, at_full = (sd_in(picture, recipe.replace(strength=s), area) for s in (0.0, 1.0))
        estimate = estimated_noise(picture)
        assert at_full == pytest.approx(before / (1 + estimate / 0.05), rel=1e-4)
        target = 0.5 * at_full
        match = match_noise(picture, recipe, area, target, Progress())
        assert match.reached
        assert sd_in(picture, match.recipe, area) == pytest.approx(target, rel=1e-3)
        needed = 0.05 * (before / target - 1)
        assert match.recipe.noise_level == pytest.approx(needed, rel=0.1)
        assert match.recipe.noise_level >= needed * 0.999
        assert match.recipe.strength > 0.9
        assert "× the estimated noise" in match.sentence
        never = match_noise(picture, recipe, area, before / 1000, Progress())
        assert not never.reached


def test_two_methods_at_one_noise():
    picture = shown(seed=4)
    with registered(shrinking()) as method:
        first, second = bilateral(SPOT), Recipe(method=method.id, regions=(SPOT,), device="cpu")
        area = area_of(picture, first)
        wanted = noise_of(picture, first, area, Progress())
        assert wanted == pytest.approx(sd_in(picture, first, area), rel=1e-5)
        one, other = match_methods(picture, (first, second), area, Progress())
        assert one.recipe.strength == pytest.approx(1.0)
        for match in (one, other):
            assert match.reached
            assert sd_in(picture, match.recipe, area) == pytest.approx(wanted, rel=1e-3)
        both = match_methods(picture, (first, second), area, Progress(), target=1.2 * wanted)
        assert all(sd_in(picture, m.recipe, area) == pytest.approx(1.2 * wanted, rel=1e-3) for m in both)


def test_a_part_is_what_render_gives_there():
    picture, recipe = shown(), bilateral(SPOT)
    rect = area_of(picture, recipe).rect
    whole = render(picture, resolve(picture, recipe)).pixels[(slice(None), *rect.slices)]
    assert np.array_equal(filtered(picture, recipe, rect, Progress()), whole)
