"""Maps along a series: each slice's own, smoothed with its neighbours', or shared."""

import dataclasses

import numpy as np
import pytest
from methods import inner, registered
from series_builders import InMemory, without_place

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted, ParameterMap, constant_map
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.fits import finished_fit, fit, fit_key
from denoise_studio.engine.render import render
from denoise_studio.engine.resolve import resolve
from denoise_studio.engine.stack import stack_of

WEIGHTS = {-2: 1, -1: 2, 0: 3, 1: 2, 2: 1}


class Finder:
    """Finds for every place the slice's own value there, times two; adds what it found to the pixels."""

    def __init__(self, logarithmic=False, constant=False):
        self.found = []
        self.constant = constant
        amount = Parameter(
            "amount", "Amount", "Added.", 1.0, minimum=1e-3, maximum=1e6, fitted=True, logarithmic=logarithmic
        )
        self.denoiser = dataclasses.replace(
            get_denoiser("identity"),
            id="finder",
            name="Finder",
            parameters=(amount,),
            load=lambda: self.apply,
            load_fit=lambda: self.fit,
            exact_tiles=True,
            parallel_tiles=False,
        )

    def apply(self, tile):
        return inner(tile) + np.asarray(tile.values["amount"], np.float32)

    def fit(self, task):
        self.found.append(task.picture.place.index if task.picture.place else None)
        if task.picture.pixels.max() > 9000:
            raise StudioError("This slice cannot be fitted.")
        if self.constant:
            return Fitted({"amount": constant_map(float(task.picture.pixels.max()), task.picture)})
        return Fitted({"amount": ParameterMap(2 * task.picture.pixels[0])}, note="found")


def ramp(index):
    return np.full((12, 10), 10.0 * (index + 1)) + np.arange(10)


@pytest.fixture
def finder():
    made = Finder()
    with registered(made.denoiser):
        yield made


def amount(picture, across, **more):
    recipe = resolve(picture, Recipe(method="finder", across=across, **more))
    return fit(picture, recipe, _progress()).maps["amount"].at(picture.rect)


def _progress():
    from denoise_studio.core.progress import Progress

    return Progress()


def test_each_slice_has_its_own(finder):
    made = InMemory(7, ramp)
    assert amount(made.series.open(3), "each") == pytest.approx(2 * ramp(3))
    assert finder.found == [3]


@pytest.mark.parametrize("index", [0, 1, 3, 6])
def test_smoothed_is_the_weighted_mean_with_up_to_two_neighbours(finder, index):
    made = InMemory(7, ramp)
    stack = stack_of(made.series)
    near = {step: w for step, w in WEIGHTS.items() if 0 <= index + step < 7}
    expected = sum(w * 2 * ramp(index + step) for step, w in near.items()) / sum(near.values())
    assert amount(stack.get(index), "smoothed") == pytest.approx(expected)
    assert sorted(finder.found) == sorted(index + step for step in near)


def test_smoothing_a_whole_series_fits_every_slice_once(finder):
    made = InMemory(7, ramp)
    stack = stack_of(made.series)
    for index in range(7):
        amount(stack.get(index), "smoothed")
    assert sorted(finder.found) == list(range(7))
    assert sorted(made.opened) == list(range(7))


def test_what_is_thought_of_in_factors_is_smoothed_in_logarithms():
    with registered(Finder(logarithmic=True).denoiser):
        made = InMemory(2, ramp)
        found = amount(stack_of(made.series).get(0), "smoothed")
    expected = np.exp((3 * np.log(2 * ramp(0)) + 2 * np.log(2 * ramp(1))) / 5)
    assert found == pytest.approx(expected, rel=1e-5)


def test_constant_maps_are_smoothed_too():
    with registered(Finder(constant=True).denoiser):
        made = InMemory(2, ramp)
        found = amount(stack_of(made.series).get(1), "smoothed")
    assert found == pytest.approx((3 * 29.0 + 2 * 19.0) / 5)


def test_shared_is_one_value_for_all_slices(finder):
    made = InMemory(21, ramp)
    stack = stack_of(made.series)
    values = {float(v) for index in (0, 10, 20) for v in np.unique(amount(stack.get(index), "shared"))}
    middle = sorted(float(np.median(2 * ramp(index))) for index in set(finder.found))
    assert values == {middle[len(middle) // 2]}
    assert 3 <= len(finder.found) == len(set(finder.found)) <= 7, "each is fitted once for the whole series"


def test_a_picture_of_no_series_has_its_own_whatever_is_asked(finder):
    picture = without_place(InMemory(3, ramp).series.open(1))
    for across in ("smoothed", "shared"):
        assert amount(picture, across) == pytest.approx(2 * ramp(1))


def test_a_broken_neighbour_is_left_out(finder):
    made = InMemory(3, ramp, broken=(0,))
    found = amount(stack_of(made.series).get(1), "smoothed")
    assert found == pytest.approx((3 * 2 * ramp(1) + 2 * 2 * ramp(2)) / 5)


def test_where_no_slice_can_be_fitted_it_says_why(finder):
    made = InMemory(3, lambda index: np.full((8, 8), 9999.0))
    with pytest.raises(StudioError, match="cannot be fitted"):
        amount(stack_of(made.series).get(1), "shared")


def test_each_way_is_kept_apart(finder):
    picture = stack_of(InMemory(5, ramp).series).get(2)
    recipes = [resolve(picture, Recipe(method="finder", across=a)) for a in ("each", "smoothed", "shared")]
    assert len({fit_key(recipe) for recipe in recipes}) == 3
    fit(picture, recipes[1], _progress())
    assert finished_fit(picture, recipes[1]) is not None
    assert finished_fit(picture, recipes[2]) is None


def test_render_takes_them(finder):
    made = InMemory(3, ramp)
    stack = stack_of(made.series)
    result = render(stack.get(1), Recipe(method="finder", across="smoothed", device="cpu"))
    expected = ramp(1) + (2 * 2 * ramp(0) + 3 * 2 * ramp(1) + 2 * 2 * ramp(2)) / 7
    assert result.pixels[0] == pytest.approx(expected)


def test_the_recipe_knows_only_three_ways():
    from denoise_studio.core.errors import RecipeError

    with pytest.raises(RecipeError, match="across"):
        Recipe(across="sideways")
