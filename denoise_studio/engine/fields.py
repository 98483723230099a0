"""Parameter values at every pixel: the recipe's own, with the regions' laid over them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from denoise_studio.core.denoiser import Denoiser, FieldValue
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Value
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Brush, Polygon, Region, Shape
from denoise_studio.core.types import FloatArray


def field(recipe: Recipe, name: str, base: Value, rect: Rect) -> FieldValue:
    """One value for the whole rectangle, or `(h, w)` float32 where a region touches it.

    A region of mask m changes a value p to p + m (q - p); later regions lie on top.
    """
    touching = _touching(recipe, name, rect)
    if not touching or isinstance(base, str | bool):
        return base
    result: FloatArray = np.full((rect.height, rect.width), base, np.float32)
    for region in touching:
        value = np.float32(region.parameters[name])
        mask = _mask(region, rect)
        step = value - result
        step *= mask
        result += step
        # Where the mask is 1 the region's value must come out exactly, without rounding.
        np.copyto(result, value, where=mask == 1)
    return result


def fields(recipe: Recipe, denoiser: Denoiser, rect: Rect) -> dict[str, FieldValue]:
    """`field` for every parameter of the method."""
    return {p.name: field(recipe, p.name, recipe.parameters[p.name], rect) for p in denoiser.parameters}


def strength(recipe: Recipe, rect: Rect) -> float | FloatArray:
    """The mix 0..1 at every pixel of the rectangle."""
    return field(recipe, "strength", recipe.strength, rect)  # type: ignore[return-value]


def maxima(recipe: Recipe, denoiser: Denoiser, rect: Rect) -> Mapping[str, Value]:
    """The largest value of each parameter in the rectangle: what the halo must allow for."""
    result: dict[str, Value] = dict(recipe.parameters)
    for parameter in denoiser.region_parameters:
        for region in _touching(recipe, parameter.name, rect):
            result[parameter.name] = max(result[parameter.name], region.parameters[parameter.name])  # type: ignore[type-var]
    return result


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


def _touching(recipe: Recipe, name: str, rect: Rect) -> list[Region]:
    return [
        region
        for region in recipe.active_regions
        if name in region.parameters and region.bounds().intersect(rect)
    ]
