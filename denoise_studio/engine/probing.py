"""How a method answers to a small change of its input, over a picture or some squares of it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Tile
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect, mirrored
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.grid import cell_rect, cells_of
from denoise_studio.metrics.stein import Noise
from denoise_studio.noise.coloured import coloured_noise

MOST = 1 << 20
"""Pixels that are looked at; of a larger picture, squares."""
_SIDE, _WIDE_SIDE = 128, 256
"""Of those squares; the second for methods with a wide halo, for which small ones are dear."""
_WIDE = 32


@dataclass
class Moved(Filter):
    """A method that sees the picture with something added to it.

    Args:
        shift: what to add, by rectangle: `(C, h, w)` over a rectangle of the picture that holds all
            that is filtered and its halo. Empty adds nothing.
    """

    shift: dict[Rect, FloatArray] = field(default_factory=dict)

    def cut(self, rect: Rect) -> Tile:
        """The method's input for this rectangle, with the shift; its value range stays the picture's."""
        tile = super().cut(rect)
        around = rect.expand(tile.halo)
        for outer, values in self.shift.items():
            if outer.contains(around.intersect(self.picture.rect)):
                rows, columns = mirrored(around, self.picture.width, self.picture.height)
                moved = tile.pixels + values[:, rows[:, None] - outer.y, columns - outer.x]
                return replace(tile, pixels=np.ascontiguousarray(moved))
        return tile


@dataclass(frozen=True)
class Square:
    """A rectangle that is looked at.

    Args:
        rect: its pixels.
        outer: with all that the method looks at.
        tiles: what it is filtered in.
    """

    rect: Rect
    outer: Rect
    tiles: tuple[Rect, ...]


def squares(picture: Picture, bound: Filter, area: Rect, seed: int) -> tuple[Square, ...]:
    """What to look at in an area: all of it, or if it is large squares, one at random in every stratum."""
    if area.area <= MOST:
        tiles = tuple(cell_rect(cell, picture.rect).intersect(area) for cell in cells_of(area, picture.rect))
        return (Square(area, _outer(picture, bound, area), tiles),)
    halo = bound.denoiser.halo(bound.recipe.parameters)
    side = _WIDE_SIDE if halo > _WIDE else _SIDE
    chosen = _stratified(area, side, MOST // side**2, np.random.default_rng(seed))
    return tuple(Square(rect, _outer(picture, bound, rect), (rect,)) for rect in chosen)


def _outer(picture: Picture, bound: Filter, rect: Rect) -> Rect:
    if rect == picture.rect:
        return rect
    return rect.expand(bound.cut(rect).halo).intersect(picture.rect)


def _stratified(area: Rect, side: int, count: int, draw: np.random.Generator) -> Iterator[Rect]:
    """About `count` squares of the grid, spread evenly."""
    columns, rows = -(-area.width // side), -(-area.height // side)
    down = min(rows, max(1, round(math.sqrt(count * rows / columns))))
    across = min(columns, max(1, count // down))
    for top, bottom in _spans(rows, down):
        for left, right in _spans(columns, across):
            cell = int(draw.integers(left, right)), int(draw.integers(top, bottom))
            yield cell_rect(cell, Rect(0, 0, area.width, area.height), side).translate(area.x, area.y)


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    edges = [length * k // count for k in range(count + 1)]
    return list(itertools.pairwise(edges))


def bind(picture: Picture, recipe: Recipe, fitted: Fitted | None) -> Moved:
    """The method for these squares: in full precision, which a small difference needs."""
    denoiser = get_denoiser(recipe.method)
    device = devices.choose(recipe.device, denoiser)
    return Moved(picture, recipe.replace(precision="float32"), device, fitted)


def answers(
    bound: Moved, found: tuple[Square, ...], shift: dict[Rect, FloatArray], progress: Progress
) -> list[FloatArray]:
    """What the method makes of the picture with a shift over every square, `(C, h, w)` each.

    Raises:
        Cancelled: through `progress`, between tiles.
    """
    bound.shift = shift
    if found[0].rect != bound.picture.rect:
        # Just these pixels, not the whole squares of the grid that they lie in.
        bound.denoiser = replace(bound.denoiser, tile=0)
    results = _run(bound, found, progress)
    while bound.recipe.device != bound.device.kind:  # it ran out of memory and goes on elsewhere
        bound.recipe = bound.recipe.replace(device=bound.device.kind)
        results = _run(bound, found, progress)
    return results


def _run(bound: Moved, found: tuple[Square, ...], progress: Progress) -> list[FloatArray]:
    channels = bound.picture.channels
    results = [np.empty((channels, s.rect.height, s.rect.width), np.float32) for s in found]
    total = sum(square.rect.area for square in found)
    done = 0

    def sink(part: Rect, pixels: FloatArray) -> None:
        nonlocal done
        for square, result in zip(found, results, strict=True):
            if square.rect.contains(part):
                result[(slice(None), *part.translate(-square.rect.x, -square.rect.y).slices)] = pixels
                break
        done += part.area
        progress.report(done / total, "measuring the risk")

    bound.run([tile for square in found for tile in square.tiles], sink, progress)
    return results


def drawn(noise: Noise, padding: Any | None, seed: list[int]) -> FloatArray:
    """A random direction of the noise's covariance, 0 in padding, `(C, h, w)` float32.

    For white noise random signs: their squares add no scatter.
    """
    shape = noise.sd.shape
    if noise.kernel is None:
        signs = np.random.default_rng(seed).integers(0, 2, shape, np.int8)
        unit = (2 * signs - 1).astype(np.float32)
    else:
        number = int(np.random.SeedSequence(seed).generate_state(1)[0])
        unit = coloured_noise(noise.kernel, shape, number)
    unit *= noise.sd
    if padding is not None:
        unit *= ~padding
    return unit
