"""The bilateral filter, its divergence and its gradients for whole pictures, edges reflected.

For fits and experiments, which look at pictures as a whole; the engine calls the tile functions.
The work is cut into blocks that `spread` may run on all cores; no block depends on another, so
the result is the same to the last bit however many there are. A pixel that `valid` leaves out
keeps its value, and nothing looks at it.
"""

from collections.abc import Callable

import numpy as np

from denoise_studio.core.fitted import Spread
from denoise_studio.core.geometry import Rect
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.cpu import bilateral_cpu
from denoise_studio.denoisers.bilateral.gradients import Gradients, bilateral_backward
from denoise_studio.denoisers.bilateral.job import Job, Sigma, job
from denoise_studio.denoisers.bilateral.mirror import cut, fold
from denoise_studio.denoisers.bilateral.risk import WHITE, bilateral_risk


def bilateral(
    pixels: FloatArray,
    sigma_x: Sigma,
    sigma_y: Sigma,
    sigma_r: Sigma,
    *,
    valid: BoolArray | None = None,
    device: str = "cpu",
    spread: Spread = map,
    window: int | None = None,
    guide: FloatArray | None = None,
) -> FloatArray:
    """Filter a whole picture.

    Args:
        pixels: `(C, H, W)` float32, C = 1 or 3, in any unit.
        sigma_x: pixels; one number or `(H, W)`.
        sigma_y: likewise.
        sigma_r: in the unit of `pixels` (of `guide` if there is one).
        valid: `(H, W)`, False where a pixel is neither filtered nor looked at; None for all.
        device: "cpu", "cuda" or "mps".
        spread: runs a function over many items, on all cores say (CPU only).
        window: radius of one square window for all pixels, as Filter2Noise has it; None gives each
            pixel the ellipse of its own sigmas (`window.radii`).
        guide: `(C', H, W)`, C' = 1 or 3, in which range distances are taken; None: in `pixels`.

    Returns:
        `(C, H, W)` float32.

    Raises:
        ValueError: shapes do not fit together, or a window is too large.
        OutOfMemory: the device could not hold the picture.
    """
    task = job(pixels, sigma_x, sigma_y, sigma_r, valid, window, guide)
    if device != "cpu":
        from denoise_studio.denoisers.bilateral.on_torch import bilateral_torch

        halo = task.halo
        margins = task.origins(task.whole, halo)
        wide = None if task.guide is None else cut(task.guide, *margins)
        wide_pixels, _, mask = task.tile(task.whole, halo)
        on_device = bilateral_torch(
            wide_pixels, halo, mask, *task.sigmas, device=device, guide=wide, window=window
        )
        return task.restore(on_device, pixels)
    out = np.empty(pixels.shape, np.float32)

    def one(rect: Rect) -> None:
        sigmas = task.sigmas_at(rect)
        halo = task.halo
        wide = None if task.guide is None else cut(task.guide, *task.origins(rect, halo))
        place = out[:, *rect.slices]
        straight = place if place.flags.c_contiguous else None  # rows of a grey picture: no copy
        part = bilateral_cpu(*task.tile(rect, halo), *sigmas, guide=wide, window=window, out=straight)
        if straight is None:
            place[...] = part

    _run(one, task, spread)
    return task.restore(out, pixels)


def bilateral_divergence(
    pixels: FloatArray,
    sigma_x: Sigma,
    sigma_y: Sigma,
    sigma_r: Sigma,
    *,
    rho: FloatArray = WHITE,
    valid: BoolArray | None = None,
    spread: Spread = map,
    window: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Filter a whole picture, and tell how the result moves with the noise.

    Args:
        pixels: as `bilateral`, and so all that is not told here.
        sigma_x: pixels.
        sigma_y: pixels.
        sigma_r: in the unit of `pixels`.
        rho: correlation of the noise, as `risk.bilateral_risk`; `WHITE` for df_i/dy_i.
        valid: mask, or None.
        spread: runs a function over many items.
        window: radius of a square window, or None.

    Returns:
        The filtered picture and D_i = sum_j rho(i - j) df_i/dy_j, both `(C, H, W)` float32. A
        pixel that is not valid keeps its value, so its D is 1.

    Raises:
        ValueError: shapes do not fit together, or a window is too large.
    """
    task = job(pixels, sigma_x, sigma_y, sigma_r, valid, window)
    out = np.empty(pixels.shape, np.float32)
    divergence = np.empty_like(out)

    def one(rect: Rect) -> None:
        sigmas = task.sigmas_at(rect)
        halo = task.halo
        rows, columns = task.origins(rect, halo)
        place = (slice(None), *rect.slices)
        out[place], divergence[place] = bilateral_risk(
            *task.tile(rect, halo), *sigmas, rho=rho, window=window, rows=rows, columns=columns
        )

    _run(one, task, spread)
    if valid is not None:
        divergence[:, ~valid] = 1.0
    return task.restore(out, pixels), divergence


def bilateral_gradients(
    pixels: FloatArray,
    sigma_x: Sigma,
    sigma_y: Sigma,
    sigma_r: Sigma,
    upstream: FloatArray,
    *,
    valid: BoolArray | None = None,
    spread: Spread = map,
    window: int | None = None,
    with_pixels: bool = True,
) -> Gradients:
    """The vector-Jacobian product of `bilateral` with respect to the picture and the three maps.

    Args:
        pixels: as `bilateral`, and so all that is not told here.
        sigma_x: pixels.
        sigma_y: pixels.
        sigma_r: in the unit of `pixels`.
        upstream: `(C, H, W)`, the loss's gradient with respect to the result.
        valid: mask, or None.
        spread: runs a function over many items.
        window: radius of a square window, or None.
        with_pixels: whether the picture's gradient is wanted; half the work if not, and 0.

    Returns:
        Of the picture `(C, H, W)`, and of the maps `(H, W)`, also where a sigma was one number
        (sum it then). A pixel that is not valid hands its upstream on and has no say in the maps.

    Raises:
        ValueError: shapes do not fit together, or a window is too large.
    """
    task = job(pixels, sigma_x, sigma_y, sigma_r, valid, window)
    if upstream.shape != pixels.shape:
        raise ValueError(f"upstream must be {pixels.shape}, not {upstream.shape}")
    upstream = np.asarray(upstream, np.float32)
    halo = task.halo
    used = upstream if valid is None else np.where(valid, upstream, np.float32(0))
    result = bilateral_backward(
        *task.tile(task.whole, halo),
        *task.sigmas,
        used,
        window=window,
        spread=spread,
        with_pixels=with_pixels,
    )
    folded = fold(result.pixels, halo)
    if valid is not None and with_pixels:
        np.copyto(folded, upstream, where=~valid)
    return result._replace(pixels=folded)


def _run(one: Callable[[Rect], None], task: Job, spread: Spread) -> None:
    for _ in spread(one, task.blocks()):
        pass
