"""What a command asks for before a picture is known: a recipe or defaults, and what wins over it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from denoise_studio.core import recipe as recipes
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.denoisers.registry import DEFAULT_METHODS
from denoise_studio.engine.resolve import default_recipe


@dataclass(frozen=True)
class Wishes:
    """The same wish for any number of pictures.

    Args:
        recipe: where to start; None takes each picture's own default.
        method: another method than the recipe's; it starts with its own parameters.
        settings: names of the method's parameters and their values as a person writes them.
        strength: 0..1, instead of the recipe's.
        noise_level: noise sd in the picture's unit, instead of the recipe's.
        device: "auto", "cpu", "cuda" or "mps", instead of the recipe's.
        seed: instead of the recipe's.
        across: what a method finds, along a series, instead of the recipe's (`Recipe.across`).
    """

    recipe: Recipe | None = None
    method: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    strength: float | None = None
    noise_level: float | None = None
    device: str | None = None
    seed: int | None = None
    across: str | None = None

    def recipe_for(self, picture: Picture) -> Recipe:
        """The recipe for one picture, not yet resolved.

        Raises:
            RecipeError: unknown method or parameter, or a value that is none.
        """
        return self._over(self.recipe if self.recipe is not None else default_recipe(picture))

    def check(self) -> None:
        """Find out without a picture, as far as can be, whether the wish makes sense.

        Raises:
            RecipeError: unknown method or parameter, or a value that is none.
        """
        if self.recipe is None and self.method is None:
            return
        recipe = self._over(self.recipe or Recipe())
        for values in (recipe.parameters, *(region.parameters for region in recipe.regions)):
            for name in values:
                if name != "strength":
                    get_denoiser(recipe.method).parameter(name)

    def describe(self) -> dict[str, Any]:
        """Plain JSON types; two wishes that are described alike are the same.

        Without recipe and method the table of default methods belongs to the wish.
        """
        found: dict[str, Any] = {
            "recipe": None if self.recipe is None else recipes.to_dict(self.recipe),
            "method": self.method,
            "settings": [list(setting) for setting in self.settings],
            "strength": self.strength,
            "noise_level": self.noise_level,
            "device": self.device,
            "seed": self.seed,
        }
        if self.across is not None:
            found["across"] = self.across
        if self.recipe is None and self.method is None:
            found["default_methods"] = {kind.value: method for kind, method in DEFAULT_METHODS.items()}
        return found

    def _over(self, recipe: Recipe) -> Recipe:
        if self.method is not None and self.method != recipe.method:
            # Another method's parameters mean nothing to this one.
            recipe = recipe.replace(method=self.method, parameters=type(recipe.parameters)())
        denoiser = get_denoiser(recipe.method)
        for name, text in self.settings:
            recipe = recipe.with_parameter(name, denoiser.parameter(name).parse(text))
        given = {
            name: getattr(self, name) for name in ("strength", "noise_level", "device", "seed", "across")
        }
        return recipe.replace(**{name: value for name, value in given.items() if value is not None})


def canonical(described: Any) -> bytes:
    """One text for one meaning, to be hashed."""
    return msgspec.json.encode(described, order="sorted")
