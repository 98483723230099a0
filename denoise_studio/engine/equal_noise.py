"""Methods at equal noise: the strength, or the noise level told, that gives a region a wanted sd.

At equal slider values one method takes more noise than another, and looks softer for it. At equal noise
texture and edges can be compared.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.areas import Area
from denoise_studio.engine.fields import strength
from denoise_studio.engine.measures import hard_inside
from denoise_studio.engine.noise_told import Told, can_be_told
from denoise_studio.engine.patches import filtered
from denoise_studio.engine.resolve import estimated_noise, resolve

_DOUBLINGS = 4
_HALVINGS = 5
_CLOSE = 0.005
"""Share of the target that a sd may miss it by."""


@dataclass(frozen=True)
class Spread:
    """The variance in a region over the strength s: `still + 2 s mixed + s² moving`, exactly.

    The result is s f + (1 - s) x at every pixel, so its variance is a parabola in s.
    """

    still: float
    mixed: float
    moving: float

    def sd(self, share: float) -> float:
        """The sd in the region at a strength."""
        return math.sqrt(max(self.still + share * (2 * self.mixed + share * self.moving), 0.0))

    @property
    def least(self) -> tuple[float, float]:
        """The strength from 0 to 1 with the smallest sd, and that sd."""
        if self.moving > 0:
            share = min(max(-self.mixed / self.moving, 0.0), 1.0)
        else:
            share = 0.0
        return share, self.sd(share)

    def solve(self, target: float) -> float | None:
        """The smallest strength from 0 to 1 at which the sd is the target; None if there is none."""
        constant = self.still - target * target
        if abs(constant) <= 1e-12 * max(self.still, target * target):
            return 0.0
        root = self.mixed * self.mixed - self.moving * constant
        if root < 0:
            return None
        # q avoids the difference of two numbers that are nearly equal.
        q = -(self.mixed + math.copysign(math.sqrt(root), self.mixed))
        found = [constant / q] if q else []
        if self.moving > 0:
            found.append(q / self.moving)
        shares = [min(share, 1.0) for share in found if 0.0 <= share <= 1.0 + 1e-9]
        return min(shares, default=None)


@dataclass(frozen=True)
class Match:
    """A recipe whose noise in a region is what was wanted, or as close as it comes.

    Args:
        recipe: as the person's own, with another strength or noise level.
        sd: what it gives in the region, in the picture's unit.
        target: what was wanted.
        reached: whether it is that.
        sentence: what was done, or why it is not reached.
    """

    recipe: Recipe
    sd: float
    target: float
    reached: bool
    sentence: str


def spread(picture: Picture, full: FloatArray, recipe: Recipe, area: Area) -> Spread:
    """How the noise in an area follows the strength.

    Args:
        picture: the input.
        full: `(C, h, w)` of the area, the method's result at full strength.
        recipe: with the strengths of its regions, which stay what they are.
        area: where; of a region with a strength of its own, that one is meant.

    Raises:
        MeasureError: the area holds no pixel.
    """
    counted = hard_inside(picture, area)
    if not counted.any():
        raise MeasureError(f"{area.name} holds no pixel of the picture.")
    before = picture.pixels[(slice(None), *area.rect.slices)][:, counted].astype(np.float64)
    change = full[:, counted].astype(np.float64) - before
    # The mix at a pixel is a straight line in the strength, whatever other regions lie over it.
    none, all_ = (
        np.broadcast_to(strength(with_strength(recipe, area, share), area.rect), counted.shape)[counted]
        for share in (0.0, 1.0)
    )
    still = before + none * change
    moving = (all_.astype(np.float64) - none) * change
    still -= still.mean()
    moving -= moving.mean()
    return Spread(
        float(np.mean(still * still)), float(np.mean(still * moving)), float(np.mean(moving * moving))
    )


def with_strength(recipe: Recipe, area: Area, share: float) -> Recipe:
    """The recipe with another strength in an area: the region's own if it has one, else the recipe's."""
    region = recipe.regions[area.index] if 0 <= area.index < len(recipe.regions) else None
    if region is not None and region.enabled and "strength" in region.parameters:
        changed = region.replace(parameters=region.parameters.with_value("strength", share))
        return recipe.with_region(area.index, changed)
    return recipe.replace(strength=share)


def strength_in(recipe: Recipe, area: Area) -> float:
    """What `with_strength` changes."""
    region = recipe.regions[area.index] if 0 <= area.index < len(recipe.regions) else None
    if region is not None and region.enabled and "strength" in region.parameters:
        return float(region.parameters["strength"])
    return recipe.strength


def noise_of(picture: Picture, recipe: Recipe, area: Area, progress: Progress) -> float:
    """The sd that a recipe gives an area, in the picture's unit; renders just that area."""
    full = filtered(picture, recipe, area.rect, progress)
    resolved = resolve(picture, recipe)
    return spread(picture, full, resolved, area).sd(strength_in(resolved, area))


def match_noise(
    picture: Picture,
    recipe: Recipe,
    area: Area,
    target: float,
    progress: Progress,
    full: FloatArray | None = None,
) -> Match:
    """The recipe with the strength, and if that is not enough the noise level told, that gives the target.

    Args:
        picture: the input.
        recipe: as the person left it.
        area: a region, or the whole picture.
        target: sd in the picture's unit.
        progress: of the runs that the noise level needs.
        full: `(C, h, w)`, the recipe's result at full strength in the area, if there is one: saves a run.

    Raises:
        Cancelled: through `progress`.
        MeasureError: the area holds no pixel, or the target is no sd.
    """
    if not target > 0 or not math.isfinite(target):
        raise MeasureError(f"The noise to match must be above 0, not {target:g}.")
    if full is None:
        full = filtered(picture, recipe, area.rect, progress.part(0.0, 0.2))
    found = spread(picture, full, recipe, area)
    unit = f" {picture.unit}" if picture.unit else ""
    before = found.sd(0.0)
    share = found.solve(target)
    if share is not None:
        return _matched(recipe, area, share, found, target, unit)
    if target > before:
        text = f"The input's own sd there is {before:.4g}{unit}: taking noise away reaches no more than that."
        return Match(with_strength(recipe, area, 0.0), before, target, False, text)
    told = _told_more(picture, recipe, area, target, progress.part(0.2, 1.0))
    if told is not None:
        return told
    share, least = found.least
    name = get_denoiser(recipe.method).name
    text = (
        f"The lowest sd that {name} reaches there is {least:.4g}{unit}, at a strength of {100 * share:.0f} %."
    )
    return Match(with_strength(recipe, area, share), least, target, False, text)


def _matched(recipe: Recipe, area: Area, share: float, found: Spread, target: float, unit: str) -> Match:
    text = f"Strength {100 * share:.1f} % gives an sd of {found.sd(share):.4g}{unit} in {area.name.lower()}."
    return Match(with_strength(recipe, area, share), found.sd(share), target, True, text)


def _told_more(
    picture: Picture, recipe: Recipe, area: Area, target: float, progress: Progress
) -> Match | None:
    """Tell the method more noise until full strength goes below the target, then as little more as needed."""
    estimate = estimated_noise(picture)
    told = Told(recipe, estimate)
    if not can_be_told(get_denoiser(recipe.method)) or not told.multiple:
        return None
    steps = _DOUBLINGS + _HALVINGS
    done = 0

    def tried(multiple: float) -> tuple[Recipe, Spread]:
        nonlocal done
        other = told.with_multiple(multiple)
        part = filtered(picture, other, area.rect, progress.part(done / steps, (done + 1) / steps))
        done += 1
        return other, spread(picture, part, other, area)

    low = high = told.multiple
    best: tuple[Recipe, Spread] | None = None
    for _ in range(_DOUBLINGS):
        if high >= told.most:
            break
        low, high = high, min(2 * high, told.most)
        other, found = tried(high)
        if found.least[1] <= target:
            best = other, found
            break
    if best is None:
        return None
    for _ in range(_HALVINGS):
        if abs(best[1].sd(1.0) / target - 1) < _CLOSE:
            break
        between = math.sqrt(low * high)
        other, found = tried(between)
        if found.least[1] <= target:
            high, best = between, (other, found)
        else:
            low = between
    other, found = best
    share = found.solve(target)
    if share is None:
        return None
    unit = f" {picture.unit}" if picture.unit else ""
    match = _matched(other, area, share, found, target, unit)
    multiple = Told(other, estimate).multiple or high
    why = f"Full strength was not enough: {multiple:.2f} × the estimated noise is told."
    return replace(match, sentence=f"{why} {match.sentence}")


def match_methods(
    picture: Picture, recipes: tuple[Recipe, ...], area: Area, progress: Progress, target: float | None = None
) -> tuple[Match, ...]:
    """Several recipes at one noise, for a fair comparison of texture and edges.

    Args:
        picture: the input.
        recipes: of different methods, say.
        area: where the noise shall be equal.
        progress: of all runs.
        target: sd in the picture's unit; None takes what the first recipe gives as it is.

    Raises:
        Cancelled: through `progress`.
        MeasureError: the area holds no pixel.
    """
    share = 1.0 / (len(recipes) + 1)
    if target is None:
        target = noise_of(picture, recipes[0], area, progress.part(0.0, share))
    return tuple(
        match_noise(picture, recipe, area, target, progress.part((i + 1) * share, (i + 2) * share))
        for i, recipe in enumerate(recipes)
    )
