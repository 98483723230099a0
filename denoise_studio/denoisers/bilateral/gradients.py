"""Exact gradients of the bilateral filter, without storing the window.

With u the gradient with respect to the results (upstream), d = y_j - y_i, t = f_i - y_i,
W = sum_j w, a = u_i / W, b = a . t (products over the channels) and p = a . d - b:

    dL/dsx_i = sum_j w p dx² / sx³        (sy likewise)
    dL/dsr_i = sum_j w p |d|² / sr³
    dL/dy_j  = sum_i w (a - p d / sr_i²)  over the pixels i that look at j, and
               a_j + sum_k w p d / sr_j²  for j's own result

Two passes over the picture: the first sums around every centre and keeps a and b, the second
gathers for every pixel of a row from the rows whose windows reach it. So bands of rows never
write to the same place, and the result is the same however many there are. The window's radius
is a step function of the sigmas and taken for constant.
"""

from typing import NamedTuple

import numpy as np

from denoise_studio.core.fitted import Spread
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.gradient_centres import centres
from denoise_studio.denoisers.bilateral.gradient_gather import gather
from denoise_studio.denoisers.bilateral.taps import ALL_VALID, ELLIPSE

_BAND = 64
"""Rows of a band."""


class Gradients(NamedTuple):
    """Of a loss with respect to the picture and the three maps, float32."""

    pixels: FloatArray
    sigma_x: FloatArray
    sigma_y: FloatArray
    sigma_r: FloatArray


def bilateral_backward(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
    upstream: FloatArray,
    *,
    window: int | None = None,
    spread: Spread = map,
    with_pixels: bool = True,
) -> Gradients:
    """The vector-Jacobian product of `bilateral_cpu` on a tile.

    Args:
        pixels: `(C, h + 2 halo, w + 2 halo)` float32, as `bilateral_cpu` takes it.
        halo: margin.
        valid: mask, or None.
        sigma_x: `(h, w)` or `(1, w)`.
        sigma_y: likewise.
        sigma_r: likewise.
        upstream: `(C, h, w)` float32, the loss's gradient with respect to the result.
        window: radius of a square window, or None for ellipses.
        spread: runs a function over bands of rows.
        with_pixels: whether the gradient of the pixels is wanted; without, half the work.

    Returns:
        The gradients: of the pixels with their margin (`mirror.fold` adds a mirrored margin up;
        all 0 if not wanted), and of the maps `(h, w)` even where one row served all.
    """
    channels, height, width = upstream.shape
    upstream = np.ascontiguousarray(upstream, np.float32)
    share, offset = np.empty((channels, height, width), np.float32), np.empty((height, width), np.float32)
    d_pixels = np.zeros_like(pixels)
    d_x, d_y, d_r = np.empty_like(offset), np.empty_like(offset), np.empty_like(offset)
    common = (
        pixels,
        halo,
        ALL_VALID if valid is None else valid,
        sigma_x,
        sigma_y,
        sigma_r,
        ELLIPSE if window is None else window,
    )

    def first(start: int) -> None:
        stop = min(start + _BAND, height)
        centres(*common, upstream, start, stop, share, offset, d_pixels, d_x, d_y, d_r)

    def second(start: int) -> None:
        gather(*common, share, offset, start, min(start + _BAND, height + 2 * halo), d_pixels)

    for _ in spread(first, range(0, height, _BAND)):
        pass
    if with_pixels:
        for _ in spread(second, range(0, height + 2 * halo, _BAND)):
            pass
    else:
        d_pixels[:] = 0.0
    return Gradients(d_pixels, d_x, d_y, d_r)
