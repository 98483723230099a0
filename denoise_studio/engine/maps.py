"""Fitted maps as they are used: with what was changed by hand, for overlays, hover and records."""

from collections.abc import Mapping, Sequence
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

_WHOLE = 300_000
"""Pixels up to which every one counts in a map's percentiles."""
_ROWS, _COLUMNS = 96, 640
"""Of a larger area, at most about these many: a map is smooth, and an edit waits for the answer."""


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
    (values,) = _samples(picture, recipe, fitted, (name,), picture.rect)
    low, median, high = np.percentile(values, (5, 50, 95)) if values.size else (0.0, 0.0, 0.0)
    return Spread(float(low), float(median), float(high))


def _samples(
    picture: Picture,
    recipe: Recipe,
    fitted: Fitted,
    names: Sequence[str],
    rect: Rect,
    region: Region | None = None,
) -> list[FloatArray]:
    """Values of maps all over `rect`, or over the part of it that the region covers; no padding."""
    rows, columns = 1, 1
    bands = [rect]
    if rect.area > _WHOLE:
        rows, columns = max(1, rect.height // _ROWS), max(1, rect.width // _COLUMNS)
        bands = [Rect(rect.x, y, rect.width, 1) for y in range(rect.y + rows // 2, rect.y1, rows)]
    parts: list[list[FloatArray]] = [[np.empty(0, np.float32)] for _ in names]
    for band in bands:
        keep = np.ones((band.height, len(range(0, band.width, columns))), bool)
        if picture.padding is not None:
            keep &= ~picture.padding[band.slices][:, ::columns]
        if region is not None:
            keep &= region.mask(band)[:, ::columns] >= 0.5
        if keep.any():
            for name, found in zip(names, parts, strict=True):
                found.append(map_values(picture, recipe, fitted, name, band)[:, ::columns][keep])
    return [np.concatenate(found) for found in parts]


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
    names = [p.name for p in shown_maps(recipe, fitted)]
    found = _samples(picture, below, fitted, names, rect, region) if rect else []
    return {name: float(np.median(values)) for name, values in zip(names, found, strict=False) if values.size}


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
