"""The bilateral filter with its own sigma_x, sigma_y and sigma_r at every pixel.

    y_i = sum_j w_ij x_j / sum_j w_ij,
    w_ij = exp(-dx² / 2 sx_i² - dy² / 2 sy_i² - |x_i - x_j|² / 2 sr_i²)

with the sigmas of the centre pixel i (Tomasi and Manduchi, ICCV 1998; per-pixel sigmas as in
Filter2Noise, arXiv 2504.13519, eq. 3). In colour the squared differences are summed over the
channels. The window is an ellipse of radii ceil(2 sx_i) and ceil(2 sy_i) (for equal sigmas the
disc that OpenCV takes): a pixel's window depends on its own sigmas alone, so a strong region
costs only itself. Edges are reflected.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import Apply, Denoiser, Tile
from denoise_studio.core.parameter import Parameter, Value
from denoise_studio.core.types import FloatArray

REACH = 2.0
"""Radius of the window in spatial sigmas; what lies beyond weighs less than exp(-2)."""

_RADIUS_SLACK = 1e-6
"""Keeps ceil(2 * 1.5) at 3 when float32 has made 1.5 a hair larger."""


def radius(sigma: float) -> int:
    """Window radius in pixels along an axis with this sigma."""
    return max(0, math.ceil(REACH * sigma - _RADIUS_SLACK))


def _halo(values: Mapping[str, Value]) -> int:
    return max(radius(float(values["sigma_x"])), radius(float(values["sigma_y"])))


def _load() -> Apply:
    from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu, compile_now

    compile_now()

    def apply(tile: Tile) -> FloatArray:
        sigma_x, sigma_y, sigma_r, radius_x, radius_y = _maps(tile)
        window = (sigma_x, sigma_y, sigma_r, radius_x, radius_y)
        if tile.device == "cpu":
            return bilateral_cpu(tile.pixels, tile.halo, tile.valid, *window)
        from denoise_studio.denoisers.bilateral.on_torch import bilateral_torch

        return bilateral_torch(tile.pixels, tile.halo, tile.valid, *window, device=tile.device)

    return apply


def _maps(tile: Tile) -> tuple[Any, ...]:
    """sigma_x, sigma_y, sigma_r and the two radii, `(h, w)`, or `(1, w)` if none varies."""
    height, width = (side - 2 * tile.halo for side in tile.pixels.shape[1:])
    values = [np.asarray(tile.values[name], np.float32) for name in ("sigma_x", "sigma_y", "sigma_r")]
    shape = (height, width) if any(value.ndim for value in values) else (1, width)
    sigmas = [np.ascontiguousarray(np.broadcast_to(value, shape)) for value in values]
    radii = [_radii(sigma) for sigma in sigmas[:2]]
    return (*sigmas, *radii)


def _radii(sigma: FloatArray) -> Any:
    return np.maximum(np.ceil(REACH * sigma.astype(np.float64) - _RADIUS_SLACK), 0).astype(np.int32)


_SPATIAL = {
    "unit": "px",
    "minimum": 0.2,
    "maximum": 8.0,
    "step": 0.05,
    "logarithmic": True,
    "per_region": True,
}

BILATERAL = Denoiser(
    id="bilateral",
    name="Bilateral filter",
    summary="Averages neighbours that are near and similar; every region can have its own three sigmas.",
    paper="Tomasi and Manduchi, ICCV 1998; per-pixel sigmas: Filter2Noise, arXiv 2504.13519",
    parameters=(
        Parameter(
            "sigma_x",
            "Width σx",
            "How far to the left and right the filter averages. Larger: smoother, slower.",
            1.5,
            **_SPATIAL,  # type: ignore[arg-type]
        ),
        Parameter(
            "sigma_y",
            "Height σy",
            "How far up and down the filter averages. Larger: smoother, slower.",
            1.5,
            **_SPATIAL,  # type: ignore[arg-type]
        ),
        Parameter(
            "sigma_r",
            "Contrast σr",
            "Differences well below this are averaged away as noise; those above stay as edges.",
            0.06,
            unit="value",
            minimum=0.0005,
            maximum=2.0,
            step=0.0005,
            logarithmic=True,
            per_region=True,
            noise_multiple=3.0,
        ),
    ),
    load=_load,
    halo=_halo,
    exact_tiles=True,
    parallel_tiles=True,
    devices=("cpu", "cuda", "mps"),
    cost=49 * 20.0,
)
