"""The bilateral filter with its own sigma_x, sigma_y and sigma_r at every pixel.

    y_i = sum_j w_ij x_j / sum_j w_ij,
    w_ij = exp(-dx² / 2 sx_i² - dy² / 2 sy_i² - |x_i - x_j|² / 2 sr_i²)

with the sigmas of the centre pixel i (Tomasi and Manduchi, ICCV 1998; per-pixel sigmas as in
Filter2Noise, arXiv 2504.13519, eq. 3). In colour the squared differences are summed over the
channels. The window is an ellipse of radii ceil(2 sx_i) and ceil(2 sy_i) (for equal sigmas the
disc that OpenCV takes): a pixel's window depends on its own sigmas alone, so a strong region
costs only itself. Edges are reflected.
"""

from collections.abc import Mapping

import numpy as np

from denoise_studio.core.denoiser import Apply, Denoiser, Explain, Footprint, Tile
from denoise_studio.core.parameter import Parameter, Value
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.bilateral.window import radius


def _halo(values: Mapping[str, Value]) -> int:
    return max(radius(float(values["sigma_x"])), radius(float(values["sigma_y"])))


def _load() -> Apply:
    from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu, compile_now

    compile_now()

    def apply(tile: Tile) -> FloatArray:
        sigmas = _maps(tile)
        if tile.device == "cpu":
            return bilateral_cpu(tile.pixels, tile.halo, tile.valid, *sigmas)
        from denoise_studio.denoisers.bilateral.on_torch import bilateral_torch

        return bilateral_torch(tile.pixels, tile.halo, tile.valid, *sigmas, device=tile.device)

    return apply


def _maps(tile: Tile) -> tuple[FloatArray, FloatArray, FloatArray]:
    """sigma_x, sigma_y and sigma_r, each `(h, w)`, or `(1, w)` if it does not vary."""
    width = tile.pixels.shape[2] - 2 * tile.halo
    values = [np.asarray(tile.values[name], np.float32) for name in ("sigma_x", "sigma_y", "sigma_r")]
    x, y, r = (np.ascontiguousarray(v if v.ndim else np.full((1, width), v)) for v in values)
    return x, y, r


def _load_explain() -> Explain:
    from denoise_studio.denoisers.bilateral.weights import weights_at

    def explain(tile: Tile) -> tuple[Footprint, ...]:
        values = {name: float(np.max(tile.values[name])) for name in ("sigma_x", "sigma_y", "sigma_r")}
        sigmas = values["sigma_x"], values["sigma_y"], values["sigma_r"]
        return (Footprint("", weights_at(tile.pixels, tile.valid, tile.halo, tile.halo, sigmas), values),)

    return explain


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
    load_explain=_load_explain,
)
