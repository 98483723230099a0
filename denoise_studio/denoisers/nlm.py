"""Non-local means, by OpenCV: each pixel is the mean of pixels whose surroundings look alike.

Buades, Coll and Morel, CVPR 2005; OpenCV's fast form (integral images) compares patches by the
mean absolute difference on 16-bit integers. The picture's whole value range (not the tile's)
is mapped to 16 bits, and only the *change* is mapped back: what the filter leaves alone keeps
its value exactly, and nothing is clipped.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Apply, Denoiser, Tile
from denoise_studio.core.errors import OutOfMemory
from denoise_studio.core.parameter import Parameter, ParameterKind, Value
from denoise_studio.core.types import FloatArray

_LEVELS = 65535.0


def _halo(values: Mapping[str, Value]) -> int:
    return int(values["search_radius"]) + int(values["patch_radius"])


def _load() -> Apply:
    import cv2

    def apply(tile: Tile) -> FloatArray:
        height, width = (side - 2 * tile.halo for side in tile.pixels.shape[1:])
        low, high = tile.value_range
        inner = (slice(None), slice(tile.halo, tile.halo + height), slice(tile.halo, tile.halo + width))
        strength = float(tile.values["h"]) * tile.noise_level  # type: ignore[arg-type]
        step = (high - low) / _LEVELS
        if step <= 0 or strength <= 0:
            return np.ascontiguousarray(tile.pixels[inner])
        stacked = _levels(tile, low, step)
        filtered = _run(
            cv2, stacked, strength / step, int(tile.values["patch_radius"]), int(tile.values["search_radius"])
        )
        before, after = (np.moveaxis(a.reshape(stacked.shape), -1, 0)[inner] for a in (stacked, filtered))
        result = np.subtract(after, before, dtype=np.float32, order="C")
        result *= np.float32(step)
        result += tile.pixels[inner]
        return result

    return apply


def _levels(tile: Tile, low: float, step: float) -> Any:
    """The tile as OpenCV wants it: `(H, W, C)` uint16; invalid pixels lie where no patch likes them."""
    channels, height, width = tile.pixels.shape
    levels = np.empty((height, width, channels), np.uint16)
    for channel in range(channels):
        scaled = tile.pixels[channel] - np.float32(low)
        scaled /= np.float32(step)
        np.rint(scaled, out=scaled)
        np.clip(scaled, 0, _LEVELS, out=scaled)
        if tile.valid is not None:
            np.copyto(scaled, 0.0, where=~tile.valid)
        levels[..., channel] = scaled
    return levels


def _run(cv2: Any, image: Any, strength: float, patch: int, search: int) -> Any:
    try:
        return cv2.fastNlMeansDenoising(
            image,
            h=[float(strength)],
            templateWindowSize=2 * patch + 1,
            searchWindowSize=2 * search + 1,
            normType=cv2.NORM_L1,
        )
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
    raise OutOfMemory("not enough memory for this tile")


NON_LOCAL_MEANS = Denoiser(
    id="nlm",
    name="Non-local means",
    summary="Averages pixels whose surroundings look alike, wherever they are in the search window.",
    paper="Buades, Coll and Morel, CVPR 2005; OpenCV's fast implementation",
    parameters=(
        Parameter(
            "h",
            "Similarity h",
            "How unlike two surroundings may be and still be averaged, in multiples of the noise level.",
            1.2,
            minimum=0.1,
            maximum=10.0,
            step=0.05,
            logarithmic=True,
        ),
        Parameter(
            "patch_radius",
            "Patch radius",
            "Size of the compared surroundings. Larger: steadier in strong noise, blurs fine detail.",
            2,
            ParameterKind.INT,
            "px",
            1,
            5,
            1,
        ),
        Parameter(
            "search_radius",
            "Search radius",
            "How far away alike pixels are looked for. Larger: smoother and slower (with its square).",
            10,
            ParameterKind.INT,
            "px",
            2,
            20,
            1,
        ),
    ),
    load=_load,
    halo=_halo,
    uses_noise_level=True,
    cost=21 * 21 * 12.0,
)
