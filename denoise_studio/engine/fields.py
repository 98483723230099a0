"""Parameter values at every pixel: the recipe's own, with the regions' laid over them."""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Denoiser, FieldValue
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, Value
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Brush, Polygon, Region, Shape
from denoise_studio.core.types import FloatArray


def field(recipe: Recipe, name: str, base: FieldValue, rect: Rect) -> FieldValue:
    """One value for the whole rectangle, or `(h, w)` float32 where a region touches it.

    A region of mask m changes a value p to p + m (q - p); later regions lie on top.
    """
    touching = _touching(recipe, (name,), rect)
    if not touching or isinstance(base, str | bool):
        return base
    result: FloatArray = np.full((rect.height, rect.width), base, np.float32)
    for region in touching:
        _lay_over(result, np.float32(region.parameters[name]), _mask(region, rect))
    return result


def _lay_over(result: FloatArray, value: np.float32, mask: FloatArray) -> None:
    step = value - result
    step *= mask
    result += step
    # Where the mask is 1 the region's value must come out exactly, without rounding.
    np.copyto(result, value, where=mask == 1)


def fitted_field(
    picture: Picture,
    recipe: Recipe,
    denoiser: Denoiser,
    fitted: Fitted,
    parameter: Parameter,
    rect: Rect,
    masks: dict[int, FloatArray] | None = None,
) -> FieldValue:
    """A fitted parameter over `rect`: the map, changed by hand, within the parameter's limits.

    The recipe's own number replaces the map and its factors multiply it. Then every region in
    turn: a number of its own replaces what lies below it, a factor k multiplies it by
    1 + m (k - 1). So a refit keeps all that was done by hand. The lower limit is for people: what
    the fit found may lie below it. `masks` keeps the regions' masks of this rectangle for the other maps.
    """
    factors = factors_of(denoiser, parameter)
    limits = parameter.limits(picture)
    found = fitted.maps.get(parameter.name)
    least = limits.minimum if found is None else min(limits.minimum, found.least)
    own = recipe.parameters.get(parameter.name)
    base: Any = fitted.maps[parameter.name].at(rect) if own is None else np.float32(own)  # type: ignore[arg-type]
    scale = np.float32(math.prod(float(recipe.parameters[name]) for name in factors))
    touching = _touching(recipe, (parameter.name, *factors), rect)
    if own is not None and not touching:
        return float(np.clip(base * scale, least, limits.maximum))
    result: FloatArray = np.full((rect.height, rect.width), base, np.float32)
    if scale != 1:
        result *= scale
    masks = {} if masks is None else masks
    for region in touching:
        mask = masks.get(id(region))
        if mask is None:
            mask = masks[id(region)] = _mask(region, rect)
        if parameter.name in region.parameters:
            _lay_over(result, np.float32(region.parameters[parameter.name]), mask)
        for name in factors:
            if name in region.parameters:
                result *= 1 + mask * np.float32(float(region.parameters[name]) - 1)
    return np.clip(result, np.float32(least), np.float32(limits.maximum), out=result)


def factors_of(denoiser: Denoiser, parameter: Parameter) -> tuple[str, ...]:
    """Names of the parameters that multiply this one's map."""
    return tuple(p.name for p in denoiser.parameters if parameter.name in p.multiplies)


def fields(
    recipe: Recipe,
    denoiser: Denoiser,
    rect: Rect,
    picture: Picture | None = None,
    fitted: Fitted | None = None,
) -> dict[str, FieldValue]:
    """Values over `rect` for every parameter of the method; fitted ones need picture and fit.

    Factors are folded into the maps that they multiply and left out.
    """
    result: dict[str, FieldValue] = {}
    masks: dict[int, FloatArray] = {}
    for p in denoiser.parameters:
        if p.multiplies:
            continue
        if p.fitted and not _found(p, recipe, fitted):
            continue
        if p.fitted and picture is not None and fitted is not None:
            result[p.name] = fitted_field(picture, recipe, denoiser, fitted, p, rect, masks)
        else:
            result[p.name] = field(recipe, p.name, recipe.parameters[p.name], rect)
    return result


def _found(parameter: Parameter, recipe: Recipe, fitted: Fitted | None) -> bool:
    """Whether there is a value: a fit may leave out what it does not use, such as a second stage."""
    return parameter.name in recipe.parameters or (fitted is not None and parameter.name in fitted.maps)


def strength(recipe: Recipe, rect: Rect) -> float | FloatArray:
    """The mix 0..1 at every pixel of the rectangle."""
    return field(recipe, "strength", recipe.strength, rect)  # type: ignore[return-value]


def maxima(
    recipe: Recipe,
    denoiser: Denoiser,
    rect: Rect,
    picture: Picture | None = None,
    fitted: Fitted | None = None,
) -> Mapping[str, Value]:
    """At least the largest value of each parameter in the rectangle: what the halo must allow for."""
    result: dict[str, Value] = dict(recipe.parameters)
    for parameter in denoiser.parameters:
        if parameter.fitted and not _found(parameter, recipe, fitted):
            continue
        if parameter.fitted and picture is not None and fitted is not None:
            result[parameter.name] = _fitted_maximum(picture, recipe, denoiser, fitted, parameter, rect)
        elif parameter.per_region and not parameter.multiplies:
            for region in _touching(recipe, (parameter.name,), rect):
                result[parameter.name] = max(result[parameter.name], region.parameters[parameter.name])  # type: ignore[type-var]
    return result


def _fitted_maximum(
    picture: Picture, recipe: Recipe, denoiser: Denoiser, fitted: Fitted, parameter: Parameter, rect: Rect
) -> float:
    factors = factors_of(denoiser, parameter)
    own: Any = recipe.parameters.get(parameter.name)
    value = fitted.maps[parameter.name].largest(rect) if own is None else float(own)
    value *= math.prod(float(recipe.parameters[name]) for name in factors)
    for region in _touching(recipe, (parameter.name, *factors), rect):
        value = max(value, float(region.parameters.get(parameter.name, 0.0)))
        value *= math.prod(max(1.0, float(region.parameters.get(name, 1.0))) for name in factors)
    # The field is reckoned in float32 and in another order: never let it come out larger.
    return min(value * (1 + 1e-6), parameter.limits(picture).maximum)


class _Masks:
    """Masks of drawn shapes, kept for the other parameters, the next edit and the strength slider.

    A long brush stroke takes tens of milliseconds, a box next to nothing.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Shape, float, Rect], FloatArray] = OrderedDict()

    def get(self, region: Region, rect: Rect) -> FloatArray:
        key = (region.shape, region.feather, rect)
        with self._lock:
            mask = self._kept.get(key)
            if mask is not None:
                self._kept.move_to_end(key)
                return mask
        mask = region.mask(rect)
        mask.flags.writeable = False
        with self._lock:
            if key not in self._kept and mask.nbytes <= self._budget:
                self._kept[key] = mask
                self._bytes += mask.nbytes
            while self._bytes > self._budget:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return mask


_masks = _Masks(32 * 2**20)


def _mask(region: Region, rect: Rect) -> FloatArray:
    return _masks.get(region, rect) if isinstance(region.shape, Brush | Polygon) else region.mask(rect)


def _touching(recipe: Recipe, names: Iterable[str], rect: Rect) -> list[Region]:
    return [
        region
        for region in recipe.active_regions
        if any(name in region.parameters for name in names) and region.bounds().intersect(rect)
    ]
