"""The two stages at work on a tile, and what they do at one pixel.

Stage 1 is the bilateral filter. Stage 2, where it is in use, averages the *noisy* pixels once
more, in a larger window, with range distances taken in stage 1's result (a joint bilateral
filter: Petschnigg et al. and Eisemann and Durand, SIGGRAPH 2004). So the final result is one
weighted mean of measured values, with weights that hardly know the noise.
"""

from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Footprint, Tile
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.adaptive.window import two_stages
from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.weights import weights_at
from denoise_studio.denoisers.bilateral.window import radii

Maps = tuple[FloatArray, FloatArray, FloatArray]


def apply(tile: Tile) -> FloatArray:
    """Filter a tile whose values have the size of its pixels."""
    if not two_stages(tile.values):
        return bilateral_cpu(tile.pixels, tile.halo, tile.valid, *_maps(tile, 1, tile.halo))
    second = _maps(tile, 2, tile.halo)
    margin = min(tile.halo, max(int(radii(sigma).max()) for sigma in second[:2]))
    cut = tile.halo - margin
    guide = bilateral_cpu(tile.pixels, cut, tile.valid, *_maps(tile, 1, cut))
    pixels = _inner(tile.pixels, cut)
    valid = None if tile.valid is None else _inner(tile.valid, cut)
    if valid is not None:
        np.copyto(guide, 0.0, where=~valid)
    return bilateral_cpu(pixels, margin, valid, *second, guide=guide)


def explain(tile: Tile) -> tuple[Footprint, ...]:
    """The weights of each stage at the tile's one inner pixel."""
    first = _footprint("Stage 1", tile.pixels, tile.valid, tile.halo, _maps(tile, 1, tile.halo), 1)
    if not two_stages(tile.values):
        return (first,)
    second = _maps(tile, 2, tile.halo)
    margin = max(int(radii(sigma).max()) for sigma in second[:2])
    cut = tile.halo - margin
    guide = bilateral_cpu(tile.pixels, cut, tile.valid, *_maps(tile, 1, cut))
    valid = None if tile.valid is None else _inner(tile.valid, cut)
    return first, _footprint("Stage 2", guide, valid, margin, second, 2)


def _footprint(name: str, guide: Any, valid: Any, middle: int, maps: Maps, stage: int) -> Footprint:
    sigmas = tuple(float(sigma[0, 0]) for sigma in maps)
    values = {f"sigma_{axis}_{stage}": sigma for axis, sigma in zip("xyr", sigmas, strict=True)}
    return Footprint(name, weights_at(guide, valid, middle, middle, sigmas), values)  # type: ignore[arg-type]


def _inner(array: Any, cut: int) -> Any:
    """Without `cut` pixels on every side."""
    if cut == 0:
        return array
    return np.ascontiguousarray(array[..., cut:-cut, cut:-cut])


def _maps(tile: Tile, stage: int, cut: int) -> Maps:
    """A stage's three sigmas on the tile less `cut` pixels: `(h, w)`, or `(1, w)` if constant."""
    width = tile.pixels.shape[2] - 2 * cut

    def one(name: str) -> FloatArray:
        value = np.asarray(tile.values[f"{name}_{stage}"], np.float32)
        return _inner(value, cut) if value.ndim else np.full((1, width), value)

    return one("sigma_x"), one("sigma_y"), one("sigma_r")
