"""The adaptive bilateral filter on the CPU: one numba kernel, vectorised along a row.

Each call runs on one core without the interpreter lock, and no numba threading layer is used,
so any number of lanes may call it at once (numba's `workqueue` layer aborts the process then).
Every pixel's arithmetic depends on its own window only, so tiles agree to the last bit.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.cross import filter_cross
from denoise_studio.denoisers.bilateral.taps import (
    ALL_VALID,
    ELLIPSE,
    FAST,
    F,
    exp2,
    extremes,
    inside,
    seen,
    set_ellipses,
    set_row,
)


@numba.njit(fastmath=FAST, nogil=True)
def _add_grey(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any, weights: Any, total: Any
) -> None:  # pragma: no cover - compiled
    """Add one neighbour to the sums of every pixel of a row."""
    for x in range(weights.shape[0]):
        d = other[x] - centre[x]
        weight = exp2(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        total[x] += weight * d


@numba.njit(fastmath=FAST, nogil=True)
def _add_colour(
    red: Any,
    green: Any,
    blue: Any,
    fx: Any,
    fy: Any,
    gx: Any,
    gy: Any,
    gr: Any,
    keep: Any,
    weights: Any,
    total: Any,
) -> None:  # pragma: no cover - compiled
    """The same for three channels, each given as (centre, other)."""
    total0, total1, total2 = total[0], total[1], total[2]
    red0, red1 = red
    green0, green1 = green
    blue0, blue1 = blue
    for x in range(weights.shape[0]):
        d0, d1, d2 = red1[x] - red0[x], green1[x] - green0[x], blue1[x] - blue0[x]
        distance = d0 * d0 + d1 * d1 + d2 * d2
        weight = exp2(distance * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        total0[x] += weight * d0
        total1[x] += weight * d1
        total2[x] += weight * d2


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def _filter(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, out: Any
) -> None:  # pragma: no cover - compiled
    """Filter a tile.

    pixels (C, h + 2 halo, w + 2 halo); valid the same height and width, or (1, 1) for "all";
    sigmas each (h, w), or (1, w) for one row that serves all; out (C, h, w).

    Differences from the centre are averaged, not values, so a flat field stays flat exactly.
    One loop serves all cases (`keep` leaves neighbours out), so no case rounds differently.
    """
    channels, height, width = out.shape
    gx, gy, gr = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    rx, ry = np.empty(width, np.int32), np.empty(width, np.int32)
    ones = np.ones(width, np.float32)
    keep = np.empty(width, np.float32)
    ellipses = np.empty((halo + 1, halo + 1, width), np.float32)
    weights = np.empty(width, np.float32)
    total = np.empty((channels, width), np.float32)
    masked = valid.shape[0] > 1
    low_x, high_x, low_y, high_y = 0, 0, 0, 0
    inner = slice(halo, halo + width)
    rows = max(sx.shape[0], sy.shape[0], sr.shape[0])
    for y in range(height):
        if y < rows:
            row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
            set_row(sx[row_x], sy[row_y], sr[row_r], square, gx, gy, gr, rx, ry)
            set_ellipses(ellipses, rx, ry)
            (low_x, high_x), (low_y, high_y) = extremes(rx), extremes(ry)
        reach_x, reach_y = (square, square) if square >= 0 else (high_x, high_y)
        row = y + halo
        weights[:] = F(1.0)
        total[:] = F(0.0)
        for dy in range(-reach_y, reach_y + 1):
            fy = F(dy * dy)
            for dx in range(-reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                fx = F(dx * dx)
                outer = slice(halo + dx, halo + dx + width)
                mask = valid[row + dy if masked else 0, outer]
                used = seen(dx, dy, low_x, low_y, ones, ellipses, mask, masked, keep)
                if channels == 1:
                    _add_grey(
                        pixels[0, row, inner], pixels[0, row + dy, outer],
                        fx, fy, gx, gy, gr, used, weights, total[0],
                    )  # fmt: skip
                else:
                    _add_colour(
                        (pixels[0, row, inner], pixels[0, row + dy, outer]),
                        (pixels[1, row, inner], pixels[1, row + dy, outer]),
                        (pixels[2, row, inner], pixels[2, row + dy, outer]),
                        fx, fy, gx, gy, gr, used, weights, total,
                    )  # fmt: skip
        for c in range(channels):
            for x in range(width):
                out[c, y, x] = pixels[c, row, halo + x] + total[c, x] / weights[x]


def bilateral_cpu(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
    *,
    guide: FloatArray | None = None,
    window: int | None = None,
    out: FloatArray | None = None,
) -> FloatArray:
    """Filter one tile on this thread.

    Args:
        pixels: `(C, h + 2 halo, w + 2 halo)` float32 with C = 1 or 3.
        halo: margin, at least the largest radius of the window (see `window.radii`).
        valid: `(h + 2 halo, w + 2 halo)`, or None.
        sigma_x: `(h, w)`, or `(1, w)` where every row is the same.
        sigma_y: likewise.
        sigma_r: likewise.
        guide: `(C', h + 2 halo, w + 2 halo)`, C' = 1 or 3: the picture in which range distances
            are taken (cross or joint bilateral filter); None takes them in `pixels`.
        window: radius of one square window for all pixels; None for each pixel's own ellipse.
        out: `(C, h, w)` float32, C-contiguous, to write to; None makes one.

    Returns:
        `(C, h, w)` float32.
    """
    channels, height, width = pixels.shape[0], pixels.shape[1] - 2 * halo, pixels.shape[2] - 2 * halo
    out = np.empty((channels, height, width), np.float32) if out is None else out
    mask = ALL_VALID if valid is None else valid
    square = ELLIPSE if window is None else window
    if guide is None:
        _filter(pixels, halo, mask, sigma_x, sigma_y, sigma_r, square, out)
    else:
        filter_cross(pixels, guide, halo, mask, sigma_x, sigma_y, sigma_r, square, out)
    return out


def compile_now() -> None:
    """Compile the kernel, or load it from the cache: seconds on the very first start, once."""
    row = np.full((1, 1), 0.5, np.float32)
    bilateral_cpu(np.zeros((1, 3, 3), np.float32), 1, None, row, row, row)
