"""What an edit filters again, and that no sequence of edits leaves a wrong pixel behind."""

import functools
import threading
from typing import Any

import numpy as np
import pytest
from builders import bilateral, noisy, numbers, padded, picture, region, shapes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from methods import Counting, inner, registered, simple

from denoise_studio.core.errors import Cancelled
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.grid import CELL, cell_rect, cells_of
from denoise_studio.engine.layer import Layer, LayerCache
from denoise_studio.engine.render import compose, fill, render
from denoise_studio.engine.resolve import resolve

SHOWN = padded(280, 530, fraction=0.02)  # two rows of three cells, the last ones narrow
WHOLE = SHOWN.rect


def refill(layer: Layer, recipe: Recipe, progress: Progress | None = None) -> Recipe:
    resolved = resolve(layer.picture, recipe)
    fill(layer, Filter(layer.picture, resolved, devices.cpu()), progress or Progress())
    return resolved


def stopping_after(reports: int) -> Progress:
    """A progress that is cancelled from within its `reports`-th report; 0: before it begins."""
    progress = Progress()
    count = 0

    def listen(fraction: float, text: str) -> None:
        nonlocal count
        count += 1
        if count >= reports:
            progress.cancel()

    progress.listen(listen)
    if reports == 0:
        progress.cancel()
    return progress


@functools.lru_cache(maxsize=64)
def fresh(recipe: Recipe) -> np.ndarray:
    """The method's result at full strength by a layer that has never seen another recipe."""
    layer = Layer(SHOWN)
    fill(layer, Filter(SHOWN, recipe, devices.cpu()), Progress())
    return layer.pixels


def check_claims(layer: Layer) -> None:
    """Whatever the layer says is done holds exactly the pixels of that recipe."""
    for cell in cells_of(WHOLE, WHOLE):
        recipe = layer._done.get(cell)
        if recipe is not None:
            where = (slice(None), *cell_rect(cell, WHOLE).slices)
            keep = ~SHOWN.padding[where[1:]]
            assert np.array_equal(layer.pixels[where][:, keep], fresh(recipe)[where][:, keep]), cell


# --- any sequence of edits -------------------------------------------------------------------

some_values = st.fixed_dictionaries(
    {},
    optional={
        "sigma_x": st.sampled_from([0.4, 0.9, 1.5, 2.0]),
        "sigma_y": st.sampled_from([0.4, 1.5]),
        "sigma_r": st.sampled_from([0.05, 0.15, 0.6]),
        "strength": st.sampled_from([0.0, 0.3, 1.0]),
    },
).map(Values)
some_shapes = st.one_of(
    shapes(-60.0, 600.0),
    st.sampled_from([Box(0, 0, 256, 256), Box(255, 0, 257, 280), Ellipse(256, 256, 40, 9, 30)]),
)


def _region(shape: Any, feather: float, values: Values, name: str) -> Any:
    return region(shape, feather).replace(parameters=values, name=name)


some_regions = st.builds(
    _region, some_shapes, st.sampled_from([0.0, 4.0, 37.5]), some_values, st.sampled_from(["", "liver"])
)
BEGIN = (
    region(Ellipse(250, 120, 90, 60, 15), feather=10, sigma_x=0.5),
    region(Box(200, 60, 300, 200), sigma_r=0.6, strength=0.5),
    region(Box(150, 90, 420, 140), feather=4.0, sigma_y=0.9),
)
index = st.integers(0, 9)
edits = st.one_of(
    st.tuples(st.just("add"), index, some_regions),
    st.tuples(st.just("delete"), index, st.none()),
    st.tuples(st.just("shape"), index, some_shapes),
    st.tuples(st.just("feather"), index, st.sampled_from([0.0, 10.0])),
    st.tuples(st.just("values"), index, some_values),
    st.tuples(st.just("toggle"), index, st.none()),
    st.tuples(st.just("swap"), index, index),
    st.tuples(st.just("duplicate"), index, index),
    st.tuples(st.just("base"), st.sampled_from(["sigma_x", "sigma_r"]), st.sampled_from([0.2, 0.5, 1.5])),
    st.tuples(st.just("strength"), st.none(), numbers(0, 1)),
    st.tuples(st.just("undo"), index, st.none()),
)
steps = st.lists(st.tuples(edits, st.none() | st.integers(0, 7)), min_size=1, max_size=7)


def edited(recipe: Recipe, edit: tuple[str, Any, Any]) -> Recipe:
    what, where, value = edit
    if what == "base":
        return recipe.with_parameter(where, value)
    if what == "strength":
        return recipe.replace(strength=value)
    regions = list(recipe.regions)
    if what == "add":
        regions.insert(where % (len(regions) + 1), value)
    elif regions:
        at = where % len(regions)
        old = regions[at]
        if what == "delete":
            del regions[at]
        elif what == "swap":
            other = value % len(regions)
            regions[at], regions[other] = regions[other], old
        elif what == "duplicate":
            regions.insert(value % (len(regions) + 1), old)
        elif what == "toggle":
            regions[at] = old.replace(enabled=not old.enabled)
        else:
            regions[at] = old.replace(**{"parameters" if what == "values" else what: value})
    return recipe.replace(regions=tuple(regions))


@given(steps)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence_of_edits_ends_in_a_fresh_render(sequence):
    layer = Layer(SHOWN)
    recipe = bilateral(*BEGIN)
    history = [recipe]
    for edit, stop in sequence:
        if edit[0] == "undo":
            recipe = history[-1 - edit[1] % len(history)]
        else:
            recipe = edited(recipe, edit)
        history.append(recipe)
        try:
            resolved = refill(layer, recipe, None if stop is None else stopping_after(stop))
        except Cancelled:
            pass
        else:
            assert layer.is_done(resolved, WHOLE)
        check_claims(layer)
    resolved = refill(layer, recipe)
    assert layer.is_done(resolved, WHOLE)
    shown = compose(SHOWN, layer.pixels, resolved, WHOLE)
    assert np.array_equal(shown, render(SHOWN, recipe).pixels)
    assert layer.pending(resolved) == []


def test_methods_that_need_whole_cells_get_whole_cells():
    """A method whose pixels depend on the tile: an edit must filter the same cells as a fresh render."""
    bilateral_ = get_denoiser("bilateral")

    sizes = set()

    def apply(tile):
        sizes.add(tile.pixels.shape[1:])
        share = np.float32(tile.pixels.shape[1] * 1e-3 + tile.pixels.shape[2] * 1e-6)
        return inner(tile) + share + np.asarray(tile.values["sigma_x"], np.float32).mean()

    for parallel in (False, True):
        method = simple(
            "whole-cells", apply, parameters=bilateral_.parameters, parallel_tiles=parallel, halo=lambda v: 2
        )
        with registered(method):
            shown = picture(280, 530)
            layer = Layer(shown)
            recipe = bilateral().replace(method="whole-cells")
            refill(layer, recipe)
            after = recipe.replace(regions=(region(Box(300, 10, 330, 20), sigma_x=0.5),))
            pending = layer.pending(resolve(shown, after))
            assert pending == [Rect(CELL, 0, CELL, CELL)]
            refill(layer, after)
            assert np.array_equal(layer.pixels, render(shown, after).pixels)
    cells = {cell_rect(cell, WHOLE) for cell in cells_of(WHOLE, WHOLE)}
    assert sizes == {(cell.height + 4, cell.width + 4) for cell in cells}


# --- how much an edit costs ------------------------------------------------------------------


@pytest.fixture
def counted():
    counting = Counting()
    with registered(counting.denoiser):
        layer = Layer(picture(600, 700))
        base = bilateral().replace(method="counting")
        refill(layer, base)
        assert counting.take() == 600 * 700
        yield counting, layer, base


def test_an_edit_in_a_region_filters_only_its_rectangle(counted):
    counting, layer, base = counted
    for x, y in ((10, 10), (200, 150), (500, 460)):  # in one cell, over four, at the end
        refill(layer, base.replace(regions=(region(Box(x, y, x + 128, y + 128), sigma_x=3.0),)))
        assert counting.take() == 128 * 128
        refill(layer, base)
        assert counting.take() == 128 * 128


def test_moving_a_region_filters_where_it_was_and_where_it_is(counted):
    counting, layer, base = counted
    here, there = (region(Box(x, 20, x + 30, 50), sigma_x=3.0) for x in (20, 300))
    refill(layer, base.replace(regions=(here,)))
    counting.take()
    refill(layer, base.replace(regions=(there,)))
    assert counting.take() == 2 * 30 * 30


@pytest.mark.parametrize(
    "change",
    [
        {"strength": 0.5},
        {"regions": (region(Box(0, 0, 99, 99), feather=8.0, strength=0.2),)},
        {"regions": (region(Box(0, 0, 99, 99), enabled=False, sigma_x=4.0),)},
        {"regions": (region(Box(-90, -90, -5, -5), sigma_x=4.0),)},
        {"noise_level": 3.0},
    ],
    ids=["strength", "strength in a region", "disabled region", "region outside", "noise level"],
)
def test_what_does_not_reach_the_method_filters_nothing(counted, change):
    counting, layer, base = counted
    after = base.replace(**change)
    resolved = refill(layer, after)
    assert counting.take() == 0
    assert layer.is_done(resolved, layer.picture.rect)


def test_a_second_cancel_loses_only_unfinished_cells(counted):
    counting, layer, base = counted
    after = base.with_parameter("sigma_x", 2.0)
    with pytest.raises(Cancelled):
        refill(layer, after, stopping_after(6))
    done = [cell for cell, recipe in layer._done.items() if recipe == resolve(layer.picture, after)]
    counting.take()
    refill(layer, after)
    area = sum(cell_rect(cell, layer.picture.rect).area for cell in done)
    assert counting.take() == 600 * 700 - area


# --- layers and their cache ------------------------------------------------------------------


def test_a_copy_is_independent():
    layer = Layer(SHOWN)
    first = refill(layer, bilateral())
    twin = layer.copy()
    before = twin.pixels.copy()
    refill(layer, bilateral(sigma_x=0.3))
    assert np.array_equal(twin.pixels, before)
    assert twin.is_done(first, WHOLE)
    assert not layer.is_done(first, WHOLE)


def test_copies_taken_while_a_lane_writes_are_true():
    """A cell that a copy claims to be done must be whole, however unlucky the moment."""
    layer = Layer(SHOWN)
    recipes = [resolve(SHOWN, bilateral(sigma_x=x)) for x in (0.3, 0.8, 1.6)]
    for recipe in recipes:
        fresh(recipe)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for recipe in recipes:
                fill(layer, Filter(SHOWN, recipe, devices.cpu()), Progress())

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(100):
            check_claims(layer.copy())
    finally:
        stop.set()
        thread.join()


def test_the_version_grows_with_every_write():
    layer = Layer(SHOWN)
    refill(layer, bilateral())
    version = layer.version
    assert version > 0
    refill(layer, bilateral(strength=0.5))
    assert layer.version == version
    refill(layer, bilateral(sigma_x=0.4))
    assert layer.version > version


def test_the_cache_keeps_to_its_budget_and_never_drops_the_newest():
    one, two, three = (Picture(noisy(50, 50, seed=k)) for k in range(3))
    cache = LayerCache(budget_bytes=2 * one.pixels.nbytes)
    first = cache.get(one, "bilateral")
    assert cache.get(one, "bilateral") is first
    cache.get(two, "bilateral")
    cache.get(one, "bilateral")  # used again: `two` is now the oldest
    cache.get(three, "bilateral")
    assert cache.peek(one, "bilateral") is first
    assert cache.peek(two, "bilateral") is None
    assert cache.peek(three, "nlm") is None
    cache.forget(one)
    assert cache.peek(one, "bilateral") is None
    tight = LayerCache(budget_bytes=1)
    assert tight.get(one, "nlm") is tight.peek(one, "nlm")


def test_a_layer_holds_a_recipe_at_any_strength_and_no_other():
    layer = Layer(SHOWN)
    recipe = refill(layer, bilateral(region(Box(10, 10, 60, 60), sigma_r=0.3)))
    assert layer.holds(recipe, WHOLE)
    assert layer.holds(recipe.replace(strength=0.3), WHOLE)
    assert not layer.holds(resolve(SHOWN, bilateral(sigma_r=0.4)), WHOLE)
    assert not layer.holds(resolve(SHOWN, Recipe(method="identity")), WHOLE)
    assert not Layer(SHOWN).holds(recipe, WHOLE)
