"""A method's result over one rectangle, without the rest of the picture."""

from dataclasses import replace

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import fit, needs_fit
from denoise_studio.engine.resolve import resolve


def filtered(picture: Picture, recipe: Recipe, rect: Rect, progress: Progress) -> FloatArray:
    """The method at full strength over a rectangle, `(C, h, w)`; a fit that has been made is used.

    Args:
        picture: the input.
        recipe: as the person left it.
        rect: inside the picture.
        progress: asked between tiles whether to stop.

    Raises:
        Cancelled: through `progress`.
        RecipeError: the recipe does not fit the picture.
    """
    resolved = resolve(picture, recipe)
    device = devices.choose(recipe.device, get_denoiser(recipe.method))
    bound = Filter(
        picture, resolved, device, fit(picture, resolved, progress) if needs_fit(resolved) else None
    )
    # Just these pixels, not the whole squares of the grid that they lie in: nobody sees them.
    bound.denoiser = replace(bound.denoiser, tile=0)
    out = np.empty((picture.channels, rect.height, rect.width), np.float32)

    def sink(part: Rect, pixels: FloatArray) -> None:
        out[(slice(None), *part.translate(-rect.x, -rect.y).slices)] = pixels

    bound.run([rect], sink, progress)
    while bound.recipe.device != bound.device.kind:  # it ran out of memory and goes on elsewhere
        bound.recipe = bound.recipe.replace(device=bound.device.kind)
        bound.run([rect], sink, progress)
    return out
