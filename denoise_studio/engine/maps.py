"""Fitted maps as they are used: with what was changed by hand, for overlays, hover and records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.denoiser import Footprint
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.fields import fitted_field
from denoise_studio.engine.filtering import Filter

_SAMPLES = 250_000


@dataclass(frozen=True)
class Spread:
    """Percentiles 5, 50 and 95 of a map over the picture, in the map's unit."""

    low: float
    median: float
    high: float

    @property
    def shown(self) -> tuple[float, float]:
        """What the ends of a colour bar stand for: the percentiles, or a little around one value."""
        if self.high - self.low > 1e-3 * abs(self.median):
            return self.low, self.high
        return self.median / 1.25, self.median * 1.25 or 1.0


def shown_maps(recipe: Recipe, fitted: Fitted) -> tuple[Parameter, ...]:
    """The maps a person may look at: those that a region can change and the fit uses."""
    return tuple(
        p for p in get_denoiser(recipe.method).parameters
        if p.fitted and p.per_region and p.name in fitted.maps
    )  # fmt: skip


def map_values(picture: Picture, recipe: Recipe, fitted: Fitted, name: str, rect: Rect) -> FloatArray:
    """A map over `rect` as the filter takes it, hand edits included: `(h, w)` float32.

    Args:
        picture: whose maps.
        recipe: resolved.
        fitted: what the fit found.
        name: of a fitted parameter.
        rect: part of the picture.
    """
    denoiser = get_denoiser(recipe.method)
    value = fitted_field(picture, recipe, denoiser, fitted, denoiser.parameter(name), rect)
    return np.broadcast_to(np.asarray(value, np.float32), (rect.height, rect.width))


def spread(picture: Picture, recipe: Recipe, fitted: Fitted, name: str) -> Spread:
    """How far a map, hand edits included, varies over the picture; padding is left out."""
    values = _sample(picture, recipe, fitted, name, picture.rect)
    low, median, high = np.percentile(values, (5, 50, 95)) if values.size else (0.0, 0.0, 0.0)
    return Spread(float(low), float(median), float(high))


def _sample(
    picture: Picture, recipe: Recipe, fitted: Fitted, name: str, rect: Rect, region: Region | None = None
) -> FloatArray:
    """Values of a map all over `rect`, or over the part of it that the region covers; no padding."""
    step = max(1, round((rect.area / _SAMPLES) ** 0.5))
    parts = [np.empty(0, np.float32)]
    for band in _bands(rect, step):
        values = map_values(picture, recipe, fitted, name, band)[:, ::step]
        keep = np.ones(values.shape, bool)
        if picture.padding is not None:
            keep &= ~picture.padding[band.slices][:, ::step]
        if region is not None:
            keep &= region.mask(band)[:, ::step] >= 0.5
        parts.append(values[keep])
    return np.concatenate(parts)


def _bands(rect: Rect, step: int) -> Iterator[Rect]:
    if step == 1:
        yield rect
        return
    for y in range(rect.y, rect.y1, step):
        yield Rect(rect.x, y, rect.width, 1)


def spreads(picture: Picture, recipe: Recipe, fitted: Fitted) -> Mapping[str, Spread]:
    """`spread` of every map that can be shown."""
    return {p.name: spread(picture, recipe, fitted, p.name) for p in shown_maps(recipe, fitted)}


def found_medians(
    picture: Picture, recipe: Recipe, fitted: Fitted, index: int | None = None
) -> Mapping[str, float]:
    """The one number that stands for each map where nobody has replaced it.

    Args:
        picture: whose maps.
        recipe: resolved.
        fitted: what the fit found.
        index: of a region: its median inside, of what lies below the region; None for the
            median over the picture, as it was found.
    """
    region = None if index is None else recipe.regions[index]
    regions = () if index is None else recipe.regions[:index]
    if region is None:
        recipe = without_edits(recipe).replace(regions=())
        factors = {p.name: p.default for p in get_denoiser(recipe.method).parameters if p.multiplies}
        recipe = recipe.replace(parameters=Values({**recipe.parameters, **factors}))
    below = recipe.replace(regions=regions)
    rect = picture.rect if region is None else region.bounds().intersect(picture.rect)
    result = {}
    for p in shown_maps(recipe, fitted):
        values = _sample(picture, below, fitted, p.name, rect, region) if rect else np.empty(0)
        if values.size:
            result[p.name] = float(np.median(values))
    return result


def edits(recipe: Recipe) -> frozenset[str]:
    """Names of the parameters that the recipe or a region of it uses to change maps by hand."""
    names = {p.name for p in get_denoiser(recipe.method).parameters if p.fitted or p.multiplies}
    given = set(recipe.parameters).union(*(region.parameters for region in recipe.regions))
    return frozenset(names & given)


def without_edits(recipe: Recipe) -> Recipe:
    """The recipe with the maps as the fit found them; regions keep all else that differs in them."""
    names = edits(recipe)

    def rest(values: Values) -> Values:
        return Values({name: value for name, value in values.items() if name not in names})

    regions = tuple(region.replace(parameters=rest(region.parameters)) for region in recipe.regions)
    return recipe.replace(parameters=rest(recipe.parameters), regions=regions)


def footprints(
    picture: Picture, recipe: Recipe, fitted: Fitted | None, x: int, y: int
) -> tuple[Footprint, ...]:
    """The filter at one pixel, one footprint a stage; none where the method cannot tell, or in padding.

    Args:
        picture: the input.
        recipe: resolved.
        fitted: maps, for a method that looks for any.
        x: column.
        y: row.
    """
    load = get_denoiser(recipe.method).load_explain
    if load is None or (picture.padding is not None and picture.padding[y, x]):
        return ()
    return load()(Filter(picture, recipe, devices.cpu(), fitted).cut(Rect(x, y, 1, 1)))
