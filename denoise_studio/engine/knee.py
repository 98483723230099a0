"""Where noise ends and detail begins: what a method takes away at one told noise level after another.

Told less noise than there is, a method leaves some of it; told more, it takes detail too. In between
the sd of what is taken away is about that of the noise itself, and its curve over the level bends.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.noise_told import Told, can_be_told, noise_parameter
from denoise_studio.engine.patches import filtered
from denoise_studio.engine.resolve import estimated_noise

FACTORS = tuple(2.0 ** (step / 2) for step in range(-4, 5))
"""Multiples of the estimate that are tried."""
SIDE = 192
"""Of the part of the picture that is looked at, in pixels, at most."""


@dataclass(frozen=True)
class Knee:
    """The curve, or the part of it that is there by now.

    Args:
        factors: multiples of the estimate, rising.
        sigmas: the noise sd that the method was told at each, in the picture's unit.
        residual_sd: sd of input minus result at each, in the picture's unit: the root of the
            channels' mean variance, padding left out.
        estimate: the noise sd that was estimated, in the picture's unit.
    """

    factors: tuple[float, ...]
    sigmas: tuple[float, ...]
    residual_sd: tuple[float, ...]
    estimate: float


def baseline(recipe: Recipe) -> Recipe:
    """All of a recipe that its curve depends on: neither the level itself, nor regions, nor strength."""
    denoiser = get_denoiser(recipe.method)
    parameter = noise_parameter(denoiser)
    recipe = recipe.replace(regions=(), strength=1.0)
    if parameter is not None:
        return recipe.replace(parameters=recipe.parameters.without(parameter.name))
    return recipe.replace(noise_level=None) if denoiser.uses_noise_level else recipe


def crop(picture: Picture, visible: Rect, multiple: int = 1) -> Rect:
    """The middle of what is visible, at most `SIDE` wide and high, on the method's multiple."""
    seen = visible.intersect(picture.rect) or picture.rect
    x, width = _middle(seen.x, seen.width, picture.width, multiple)
    y, height = _middle(seen.y, seen.height, picture.height, multiple)
    return Rect(x, y, width, height)


def _middle(start: int, length: int, whole: int, multiple: int) -> tuple[int, int]:
    size = min(SIDE, whole)
    first = min(max(start + (length - size) // 2, 0), whole - size)
    return first // multiple * multiple, size


def knee(
    picture: Picture,
    recipe: Recipe,
    rect: Rect,
    progress: Progress,
    factors: tuple[float, ...] = FACTORS,
    publish: Callable[[Knee], None] = lambda knee: None,
) -> Knee:
    """What the method takes away over `rect` at multiples of the estimate, at full strength.

    A fit that has been made is used; none is made again.

    Args:
        picture: the input.
        recipe: as the person left it; see `baseline` for what of it counts.
        rect: part of the picture (`crop`).
        progress: asked between levels whether to stop.
        factors: multiples of the estimate.
        publish: takes the curve as it grows, from the estimate outwards.

    Raises:
        Cancelled: through `progress`.
        StudioError: the method cannot be told a level, the picture has no noise, or `rect` only padding.
    """
    denoiser = get_denoiser(recipe.method)
    if not can_be_told(denoiser):
        raise StudioError(f"{denoiser.name} is told no noise level.")
    valid = _valid(picture, rect)
    estimate = estimated_noise(picture)
    if not estimate > 0 or not valid.any():
        raise StudioError("There is no noise in view.")
    told = Told(baseline(recipe), estimate)
    found: dict[float, float] = {}
    for factor in sorted(factors, key=lambda factor: abs(np.log(factor))):
        progress.check()
        tried = told.with_multiple(factor)
        result = filtered(picture, tried, rect, progress)
        # The multiple that the method's limits left of it.
        multiple = Told(tried, estimate).multiple or factor
        found[multiple] = _spread(picture.pixels[(slice(None), *rect.slices)] - result, valid)
        progress.report(len(found) / len(factors), "measuring the knee")
        publish(_curve(found, estimate))
    return _curve(found, estimate)


def _valid(picture: Picture, rect: Rect) -> BoolArray:
    if picture.padding is None:
        return np.ones((rect.height, rect.width), np.bool_)
    return np.logical_not(picture.padding[rect.slices])


def _spread(residual: FloatArray, valid: BoolArray) -> float:
    return float(np.sqrt(np.mean(residual[:, valid].var(axis=1, dtype=np.float64))))


def _curve(found: dict[float, float], estimate: float) -> Knee:
    factors = tuple(sorted(found))
    return Knee(
        factors,
        tuple(factor * estimate for factor in factors),
        tuple(found[factor] for factor in factors),
        estimate,
    )
