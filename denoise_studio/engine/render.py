"""The only road from before to after: preview, export, batch and command line all take it."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from denoise_studio import __version__
from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.fields import strength
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import fit, needs_fit
from denoise_studio.engine.grid import CELL, by_urgency
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.resolve import resolve

_FIT_SHARE = 0.9
"""Part of the progress bar that a fit gets: it takes far longer than filtering with its maps."""


@dataclass(frozen=True)
class Rendering:
    """A result and how it came about.

    Attributes:
        picture: the result.
        recipe: as resolved, nothing left open.
        device: where the method ran in the end.
        tile: side of the tiles in pixels.
        fallback: why device or tile changed on the way, "" if they did not.
        milliseconds: wall time of fit and filtering.
        fitted: the maps that the method found for this picture, if it looks for any.
    """

    picture: Picture
    recipe: Recipe
    device: devices.Device
    tile: int
    fallback: str
    milliseconds: float
    fitted: Fitted | None = None


def render(picture: Picture, recipe: Recipe, progress: Progress | None = None) -> Picture:
    """Denoise a picture.

    Args:
        picture: the input; it is not changed.
        recipe: what to do; defaults are filled in by `engine.resolve.resolve`.
        progress: told how far it is; its `cancel` stops between tiles.

    Returns:
        A picture of the same size, scale and metadata.

    Raises:
        RecipeError: the recipe does not fit the picture.
        StudioError: there is not enough memory.
        Cancelled: through `progress`.
    """
    return render_in_full(picture, recipe, progress).picture


def render_in_full(
    picture: Picture, recipe: Recipe, progress: Progress | None = None, layer: Layer | None = None
) -> Rendering:
    """`render`, with what the record needs.

    `layer` may hold cells that are done already; it must belong to the caller alone, because
    its pixels become the result's (one picture of extra memory, not two).
    """
    with saying_memory_error():
        return _render_in_full(picture, recipe, progress or Progress(), layer)


@contextlib.contextmanager
def saying_memory_error() -> Iterator[None]:
    """Turn a lack of memory outside the tiles, where nothing smaller can be tried, into a sentence."""
    try:
        yield
    except MemoryError:
        failed = True
    else:
        failed = False
    if failed:  # outside the except block: a traceback would keep what is left
        raise StudioError("There is not enough memory for a picture of this size.")


def _render_in_full(picture: Picture, recipe: Recipe, progress: Progress, layer: Layer | None) -> Rendering:
    device = devices.choose(recipe.device, get_denoiser(recipe.method))
    resolved = resolve(picture, recipe)
    bound = Filter(picture, resolved, device)
    bound.load()
    started = time.perf_counter()
    if needs_fit(resolved):
        bound.fitted = fit(picture, resolved, progress.part(0.0, _FIT_SHARE))
        progress = progress.part(_FIT_SHARE, 1.0)
    layer = layer or Layer(picture)  # ours alone: its pixels become the result
    fill(layer, bound, progress)
    elapsed = (time.perf_counter() - started) * 1e3
    resolved = bound.recipe
    pixels = _mix_in_place(picture, layer.pixels, resolved)
    note = bound.fitted.note if bound.fitted else ""
    history = describe(resolved) + (f": {note}" if note else "")
    result = picture.derive(pixels, history=(*picture.history, history))
    fallback = bound.fallback or device.why
    return Rendering(result, resolved, bound.device, bound.tile, fallback, elapsed, bound.fitted)


def fill(
    layer: Layer,
    bound: Filter,
    progress: Progress,
    visible: Rect | None = None,
    focus: tuple[float, float] | None = None,
    within: Rect | None = None,
) -> None:
    """Filter all that the layer lacks for this recipe, or for these pixels of it, what is visible first.

    If the device fails on the way, everything is done again on the one that replaces it, and
    `bound.recipe` names that one.
    """
    _fill(layer, bound, progress, visible, focus, within)
    while bound.recipe.device != bound.device.kind:
        bound.recipe = bound.recipe.replace(device=bound.device.kind)
        _fill(layer, bound, progress, visible, focus, within)


def _fill(
    layer: Layer,
    bound: Filter,
    progress: Progress,
    visible: Rect | None,
    focus: tuple[float, float] | None,
    within: Rect | None,
) -> None:
    recipe = bound.recipe
    layer.use(bound.fitted)
    rects = by_urgency(layer.pending(recipe, within), visible, focus)
    missing = {(rect.x // CELL, rect.y // CELL): rect.area for rect in rects}
    total, done = sum(missing.values()), 0

    def sink(part: Rect, pixels: FloatArray) -> None:
        nonlocal done
        cell = part.x // CELL, part.y // CELL
        missing[cell] -= part.area
        layer.put(part, pixels, recipe, complete=missing[cell] == 0)
        done += part.area
        progress.report(done / total, "filtering")

    bound.run(rects, sink, progress)


def compose(picture: Picture, filtered: FloatArray, recipe: Recipe, rect: Rect) -> FloatArray:
    """Mix input and full-strength result over a rectangle: s f + (1 - s) x, `(C, h, w)` float32.

    Strength 1 gives f and 0 gives x to the last bit. Padding keeps the input's values.
    """
    where = (slice(None), *rect.slices)
    before, after = picture.pixels[where], filtered[where]
    mix = strength(recipe, rect)
    if isinstance(mix, float | int) and mix == 1:
        result = after.copy()
    elif isinstance(mix, float | int) and mix == 0:
        result = before.copy()
    else:
        share = np.asarray(mix, np.float32)
        result = after * share
        result += before * (np.float32(1.0) - share)
    if picture.padding is not None:
        padding = picture.padding[rect.slices]
        np.copyto(result, before, where=padding)
    return result


def _mix_in_place(picture: Picture, filtered: FloatArray, recipe: Recipe) -> FloatArray:
    """`compose` over the whole picture, band by band into the filtered pixels themselves."""
    if recipe.strength != 1 or picture.padding is not None or recipe.active_regions:
        rows = min(CELL, max(8, picture.height // 32))  # bands need little beside the picture
        for y in range(0, picture.height, rows):
            band = Rect.from_edges(0, y, picture.width, min(y + rows, picture.height))
            filtered[(slice(None), *band.slices)] = compose(picture, filtered, recipe, band)
    return filtered


def describe(recipe: Recipe) -> str:
    """One line for a result's history: method, parameters, program and version."""
    denoiser = get_denoiser(recipe.method)
    idle = {p.name for p in denoiser.parameters if p.multiplies and recipe.parameters.get(p.name) == 1}
    parts = [f"{name}={_short(value)}" for name, value in recipe.parameters.items() if name not in idle]
    if denoiser.uses_noise_level and recipe.noise_level is not None:
        parts.append(f"noise_level={recipe.noise_level:.6g}")
    parts.append(f"strength={recipe.strength:.4g}")
    if recipe.regions:
        parts.append(f"regions={len(recipe.active_regions)}")
    return f"{recipe.method} {' '.join(parts)} (Denoise Studio {__version__})"


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
