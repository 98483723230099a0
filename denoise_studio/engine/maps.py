"""Fitted maps as they are used: with what was changed by hand, for overlays, hover and records."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.denoiser import Footprint
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
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
    step = max(1, round((picture.width * picture.height / _SAMPLES) ** 0.5))
    rows = [
        map_values(picture, recipe, fitted, name, Rect(0, y, picture.width, 1))[0, ::step]
        for y in range(0, picture.height, step)
    ]
    values = np.array(rows)
    if picture.padding is not None:
        values = values[~picture.padding[::step, ::step]]
    low, median, high = np.percentile(values, (5, 50, 95)) if values.size else (0.0, 0.0, 0.0)
    return Spread(float(low), float(median), float(high))


def spreads(picture: Picture, recipe: Recipe, fitted: Fitted) -> Mapping[str, Spread]:
    """`spread` of every map that can be shown."""
    return {p.name: spread(picture, recipe, fitted, p.name) for p in shown_maps(recipe, fitted)}


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
