"""Identity: returns its input. For checking that nothing is lost on the way."""

import numpy as np

from denoise_studio.core.denoiser import Apply, Denoiser, Tile
from denoise_studio.core.types import FloatArray


def _load() -> Apply:
    def apply(tile: Tile) -> FloatArray:
        halo = tile.halo
        height, width = tile.pixels.shape[1:]
        return np.ascontiguousarray(tile.pixels[:, halo : height - halo, halo : width - halo])

    return apply


IDENTITY = Denoiser(
    id="identity",
    name="None (identity)",
    summary="Changes nothing: shows the picture as it is and proves that saving loses nothing.",
    paper="",
    parameters=(),
    load=_load,
    halo=lambda values: 0,
    layouts=("planes", "mosaic"),
    exact_tiles=True,
    parallel_tiles=True,
)
