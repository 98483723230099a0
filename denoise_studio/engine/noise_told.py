"""How much noise a method is told, read off its descriptor and a recipe, and how to change that.

A method with a parameter of the role "noise" multiplies what its fit found; any other that looks at
the noise level takes the recipe's absolute one. Both are shown as a level in the picture's own unit
and as a multiple of the estimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.denoisers import get_denoiser

NOISE_ROLE = "noise"
_MOST = 100.0
"""Largest multiple of the estimate where the method names no limit of its own."""


def noise_parameter(denoiser: Denoiser) -> Parameter | None:
    """The parameter that says how much noise the method is told, if it has one."""
    return next((p for p in denoiser.parameters if p.role == NOISE_ROLE), None)


def can_be_told(denoiser: Denoiser) -> bool:
    """Whether the method can be told how much noise there is."""
    return noise_parameter(denoiser) is not None or denoiser.uses_noise_level


def rounded(value: float, digits: int = 4) -> float:
    """Significant digits only: no hidden ones get into a recipe."""
    return float(f"{value:.{digits}g}")


class Inside(NamedTuple):
    """What is told in a region: the factor's name, and the level in the picture's unit if it is known."""

    name: str
    level: float | None


def told_inside(
    recipe: Recipe, region: Region, below: Mapping[str, float], scale: float | None
) -> Inside | None:
    """What a method with a factor is told in a region; None for other methods.

    Args:
        recipe: the document's.
        region: one of its regions.
        below: the median of each map inside the region, without the region's own values.
        scale: makes an estimate's level of a map's; None while that is not known.
    """
    parameter = noise_parameter(get_denoiser(recipe.method))
    if parameter is None:
        return None
    factor = float(region.parameters.get(parameter.name, 1.0))
    for name in parameter.multiplies:
        if name in region.parameters:
            return Inside(parameter.name, float(region.parameters[name]) * factor)
        if name in below and scale is not None:
            return Inside(parameter.name, below[name] * scale * factor)
    return Inside(parameter.name, None)


@dataclass(frozen=True)
class Told:
    """The noise that a recipe's method is told.

    Args:
        recipe: as the person left it.
        estimate: noise sd in the picture's unit; None while it is not known.
    """

    recipe: Recipe
    estimate: float | None

    @property
    def parameter(self) -> Parameter | None:
        return noise_parameter(get_denoiser(self.recipe.method))

    @property
    def possible(self) -> bool:
        """Whether the method can be told anything."""
        return can_be_told(get_denoiser(self.recipe.method))

    @property
    def instead(self) -> float | None:
        """The level that a person put in the estimate's place; the factor multiplies it."""
        for name in self.parameter.multiplies if self.parameter is not None else ():
            if name in self.recipe.parameters:
                return float(self.recipe.parameters[name])
        return self.recipe.noise_level

    @property
    def factor(self) -> float:
        parameter = self.parameter
        if parameter is None:
            return 1.0
        return float(self.recipe.parameters.get(parameter.name, parameter.default))

    @property
    def level(self) -> float | None:
        """In the picture's unit; None while that is not known."""
        base = self.estimate if self.instead is None else self.instead
        return None if base is None else base * self.factor

    @property
    def multiple(self) -> float | None:
        """Of the estimate; None while that is not known, or if there is no noise."""
        if self.instead is None and (self.parameter is not None or self.estimate):
            return self.factor
        return self.level / self.estimate if self.level is not None and self.estimate else None

    @property
    def most(self) -> float:
        """The largest multiple that can be told."""
        parameter = self.parameter
        if parameter is None:
            return _MOST
        if self.instead is None or not self.estimate:
            return parameter.maximum
        return parameter.maximum * self.instead / self.estimate

    def with_multiple(self, multiple: float) -> Recipe:
        """The recipe that tells this multiple of the estimate; unchanged while that means nothing."""
        if self.parameter is not None and self.instead is None:
            return self._with_factor(multiple)
        return self.recipe if self.estimate is None else self.with_level(rounded(multiple * self.estimate))

    def with_level(self, level: float) -> Recipe:
        """The recipe that tells this level, in the picture's unit."""
        if self.parameter is None:
            return self.recipe.replace(noise_level=level)
        base = self.estimate if self.instead is None else self.instead
        if base:
            return self._with_factor(level / base)
        # No multiple of nothing is something: one number for every pixel has to stand in.
        numbers = dict.fromkeys(self.parameter.multiplies, level)
        values = {**self.recipe.parameters.without(self.parameter.name), **numbers}
        return self.recipe.replace(parameters=Values(values))

    def _with_factor(self, factor: float) -> Recipe:
        parameter = self.parameter
        assert parameter is not None
        factor = rounded(min(max(factor, parameter.minimum), parameter.maximum), 6)
        if factor == parameter.default:
            return self.recipe.replace(parameters=self.recipe.parameters.without(parameter.name))
        return self.recipe.with_parameter(parameter.name, factor)

    def reset(self) -> Recipe:
        """The recipe that tells the estimate."""
        parameter, values = self.parameter, self.recipe.parameters
        for name in (parameter.name, *parameter.multiplies) if parameter is not None else ():
            values = values.without(name)
        return self.recipe.replace(parameters=values, noise_level=None)
