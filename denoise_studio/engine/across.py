"""Maps of a slice that follow from its series: smoothed along it, or the same for all of it."""

from collections.abc import Callable, Sequence

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted, ParameterMap, constant_map
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.stack import stack_of

_WEIGHTS = {-2: 1.0, -1: 2.0, 0: 3.0, 1: 2.0, 2: 1.0}
"""Of a slice's neighbours: a triangle, over about the thickness that a reader scrolls at a glance."""
_SAMPLES = 5
"""Slices that a whole series' values are found from."""

FitOne = Callable[[Picture, Progress], Fitted | None]


def applies(picture: Picture, recipe: Recipe) -> bool:
    """Whether the recipe asks for more than the slice's own maps, and there is a series to ask."""
    return recipe.across != "each" and picture.place is not None and len(picture.place.series) > 1


def fit(picture: Picture, recipe: Recipe, progress: Progress, fit_one: FitOne) -> Fitted:
    """The maps of one slice, out of those found for several slices alone.

    Args:
        picture: with a `place` in its series.
        recipe: resolved, with `across` "smoothed" or "shared".
        progress: told how far it is.
        fit_one: finds the maps of one slice; what was found once should be kept.

    Raises:
        StudioError: the slice itself cannot be fitted or, for "shared", no slice can.
        Cancelled: through `progress`.
    """
    assert picture.place is not None
    if recipe.across == "shared":
        return _shared(picture, recipe, progress, fit_one)
    return _smoothed(picture, recipe, progress, fit_one)


def _smoothed(picture: Picture, recipe: Recipe, progress: Progress, fit_one: FitOne) -> Fitted:
    """Weighted means with up to two neighbours on either side; one that cannot be read is left out."""
    assert picture.place is not None
    own = fit_one(picture, progress.part(0.0, 0.3))
    assert own is not None
    place, stack = picture.place, stack_of(picture.place.series)
    others: list[tuple[float, Fitted]] = [(_WEIGHTS[0], own)]
    steps = [step for step in _WEIGHTS if step and 0 <= place.index + step < len(stack)]
    for number, step in enumerate(steps):
        start = 0.3 + 0.7 * number / len(steps)
        try:
            neighbour = stack.get(place.index + step, progress)
            found = fit_one(neighbour, progress.part(start, start + 0.7 / len(steps)))
        except StudioError:
            continue
        if found is not None:
            others.append((_WEIGHTS[step], found))
    weights = [weight for weight, _ in others]
    maps = {
        name: _mean(_parameter(recipe, name), [found.maps[name] for _, found in others], weights)
        for name in own.maps
    }
    note = f"{own.note}; smoothed along {len(others)} slices"
    return Fitted(maps, own.curve, note=note.removeprefix("; "), knowledge=own.knowledge)


def _shared(picture: Picture, recipe: Recipe, progress: Progress, fit_one: FitOne) -> Fitted:
    """One value a parameter: the median, over slices spread along the series, of each map's median."""
    assert picture.place is not None
    stack = stack_of(picture.place.series)
    chosen = sorted({round(i) for i in np.linspace(0, len(stack) - 1, min(_SAMPLES + 2, len(stack)))[1:-1]})
    chosen = chosen or [0]
    found: list[Fitted] = []
    why: StudioError | None = None
    for number, index in enumerate(chosen):
        part = progress.part(number / len(chosen), (number + 1) / len(chosen))
        try:
            sample = picture if index == picture.place.index else stack.get(index, progress)
            one = fit_one(sample, part)
        except StudioError as error:
            why = error
            continue
        if one is not None:
            found.append(one)
    if not found:
        raise why or StudioError("No slice of the series can be fitted.")
    maps = {
        name: constant_map(float(np.median([np.median(one.maps[name].values) for one in found])), picture)
        for name in found[0].maps
    }
    return Fitted(maps, note=f"one value for the series, found in {len(found)} slices")


def _parameter(recipe: Recipe, name: str) -> Parameter:
    return get_denoiser(recipe.method).parameter(name)


def _mean(parameter: Parameter, maps: Sequence[ParameterMap], weights: Sequence[float]) -> ParameterMap:
    """Weighted mean at every place; of logarithms for a parameter that is thought of in factors."""
    varied = [each for each in maps if each.values.size > 1] or list(maps)
    grid = varied[0]
    if any((each.values.shape, each.block) != (grid.values.shape, grid.block) for each in varied):
        return maps[0]  # grids that do not lie on each other: the slice keeps its own
    logarithms = parameter.logarithmic and all(each.least > 0 for each in maps)
    values = [np.broadcast_to(each.values, grid.values.shape).astype(np.float64) for each in maps]
    mean = np.average([np.log(each) if logarithms else each for each in values], axis=0, weights=weights)
    return ParameterMap(np.asarray(np.exp(mean) if logarithms else mean, np.float32), grid.block)
