"""Filters one tile with the maps as the recipe has made them, and shows the filter at a pixel."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from denoise_studio.core.denoiser import FieldValue, Footprint, Tile
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.weights import weights_at

_Array = TypeVar("_Array", FloatArray, BoolArray)


@dataclass(frozen=True, eq=False)
class _Area:
    """A stage's input: `margin` pixels all around what the stage gives back."""

    pixels: FloatArray
    valid: BoolArray | None
    sigmas: tuple[FloatArray, FloatArray, FloatArray]
    margin: int


def apply(tile: Tile) -> FloatArray:
    """Both stages on one tile: stage 1 on the inner area grown by stage 2's window.

    Args:
        tile: `values` holds sigma_x_k, sigma_y_k, sigma_r_k of the size of `pixels` (or one number
            each), and window_k, the same number everywhere. A sigma that reaches beyond the window
            is cut off by it.

    Returns:
        `(C, h, w)` float32.
    """
    pixels, margin = tile.pixels, tile.halo
    for stage, left in _stages(tile):
        area = _area(tile, pixels, margin, stage, left)
        pixels, margin = _filter(area), left
    return pixels


def explain(tile: Tile) -> tuple[Footprint, ...]:
    """The weights of every stage around the one inner pixel of a tile."""
    footprints = []
    pixels, margin = tile.pixels, tile.halo
    for stage, left in _stages(tile):
        around = _area(tile, pixels, margin, stage, left)
        here = _area(tile, pixels, margin, stage, 0)
        names = (f"sigma_{axis}_{stage}" for axis in "xyr")
        values = {name: float(sigma[0, 0]) for name, sigma in zip(names, here.sigmas, strict=True)}
        footprints.append(Footprint(f"Stage {stage}", _weights(here), values))
        pixels, margin = _filter(around), left
    return tuple(footprints)


def _stages(tile: Tile) -> tuple[tuple[int, int], ...]:
    """Every stage that runs, and the margin that its result still needs."""
    return ((1, _radius(tile, 2)), (2, 0)) if tile.values["stages"] == "2" else ((1, 0),)


def _radius(tile: Tile, stage: int) -> int:
    return round(float(np.max(np.asarray(tile.values[f"window_{stage}"], np.float32))))


def _area(tile: Tile, pixels: FloatArray, margin: int, stage: int, left: int) -> _Area:
    """What a stage needs to know to give back the tile's inner area with `left` pixels around it.

    `pixels` have `margin` around the inner area; mask and sigmas come from the tile.
    """
    radius = _radius(tile, stage)
    valid = None if tile.valid is None else _inner(tile.valid, tile.halo - left - radius)
    height, width = (side - 2 * (margin - left) for side in pixels.shape[1:])
    sigmas = [_map(tile.values[f"sigma_{axis}_{stage}"], tile.halo - left, (height, width)) for axis in "xyr"]
    return _Area(_inner(pixels, margin - left - radius), valid, (sigmas[0], sigmas[1], sigmas[2]), radius)


def _map(value: FieldValue, cut: int, shape: tuple[int, int]) -> FloatArray:
    if not np.ndim(value):
        return np.full((1, shape[1]), value, np.float32)  # one row serves all
    return _inner(np.asarray(value, np.float32), cut)


def _inner(array: _Array, cut: int) -> _Array:
    height, width = array.shape[-2:]
    return np.ascontiguousarray(array[..., cut : height - cut, cut : width - cut])


def _filter(area: _Area) -> FloatArray:
    return bilateral_cpu(area.pixels, area.margin, area.valid, *area.sigmas, window=area.margin)


def _weights(area: _Area) -> FloatArray:
    """`(2 R + 1, 2 R + 1)`: w / sum w of the one pixel in the middle."""
    sigmas = tuple(float(sigma[0, 0]) for sigma in area.sigmas)
    return weights_at(area.pixels, area.valid, area.margin, area.margin, sigmas, area.margin)  # type: ignore[arg-type]
