"""From what the user said to everything that decides a pixel: no default left open."""

import weakref
from typing import Any

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Value, Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.denoisers import default_method, get_denoiser
from denoise_studio.engine import across, devices
from denoise_studio.noise.blind import NoiseEstimate
from denoise_studio.noise.of_picture import estimate_noise

_estimates: "weakref.WeakKeyDictionary[Picture, NoiseEstimate]" = weakref.WeakKeyDictionary()


def estimated_noise(picture: Picture) -> float:
    """The picture's noise sd in its own unit; estimated once a picture."""
    return noise_estimate(picture).sigma


def noise_estimate(picture: Picture) -> NoiseEstimate:
    """All that is known of the picture's noise; estimated once a picture, in about a tenth of a second."""
    if picture not in _estimates:
        _estimates[picture] = estimate_noise(picture)
    return _estimates[picture]


def default_recipe(picture: Picture) -> Recipe:
    """What a newly opened picture starts with: its kind's default method, nothing overridden."""
    return Recipe(method=default_method(picture))


def resolve(picture: Picture, recipe: Recipe) -> Recipe:
    """The same recipe with every parameter, the noise level and the device filled in.

    Fitted parameters that nobody replaced stay out: `engine.fits` finds them.

    Raises:
        RecipeError: unknown method or parameter, a value out of range, or a picture that the
            method cannot take.
    """
    denoiser = get_denoiser(recipe.method)
    if refusal := denoiser.refusal(picture):
        raise RecipeError(refusal)
    noise_level = recipe.noise_level
    if noise_level is None and denoiser.uses_noise_level:
        noise_level = estimated_noise(picture)
    return recipe.replace(
        parameters=_parameters(denoiser, recipe, picture),
        regions=tuple(_region(denoiser, region, picture) for region in recipe.regions),
        noise_level=noise_level,
        device=devices.choose(recipe.device, denoiser).kind,
        # A choice is settled where the method is loaded: measuring it takes too long for here.
        precision=recipe.precision if denoiser.measure_precision else "float32",
        across=recipe.across if denoiser.load_fit is not None and across.applies(picture, recipe) else "each",
    )


def _parameters(denoiser: Denoiser, recipe: Recipe, picture: Picture) -> Values:
    for name in recipe.parameters:
        denoiser.parameter(name)

    def noise() -> float:
        return recipe.noise_level if recipe.noise_level is not None else estimated_noise(picture)

    values: dict[str, Value] = {}
    for parameter in denoiser.parameters:
        given: Any = recipe.parameters.get(parameter.name)
        if given is None and parameter.fitted:
            continue
        values[parameter.name] = (
            parameter.default_for(picture, noise) if given is None else parameter.checked(given, picture)
        )
    return Values(values)


def _region(denoiser: Denoiser, region: Region, picture: Picture) -> Region:
    values: dict[str, Value] = {}
    for name, given in region.parameters.items():
        if name == "strength":
            values[name] = float(given)
            continue
        parameter = denoiser.parameter(name)
        if not parameter.per_region:
            raise RecipeError(f"{denoiser.name} cannot have its own {name} in a region.")
        values[name] = parameter.checked(given, picture)
    return region.replace(parameters=Values(values))
