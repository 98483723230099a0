"""Second pass of `gradients`: what every pixel gets from the results that look at it."""

from typing import Any

import numba
import numpy as np

from denoise_studio.denoisers.bilateral.taps import (
    FAST,
    TWICE_LN_2,
    F,
    exp2_normal,
    extremes,
    inside,
    mask_keep,
    set_keep,
    set_row,
)


@numba.njit(fastmath=FAST, nogil=True)
def _gather_grey(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any, share: Any, offset: Any,
    out: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add what a row of centres gives the row of their neighbours at one offset."""
    for x in range(centre.shape[0]):
        d = other[x] - centre[x]
        weight = exp2_normal(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        slope = (share[x] * d - offset[x]) * (gr[x] * TWICE_LN_2)
        out[x] += weight * (share[x] - slope * d)


@numba.njit(fastmath=FAST, nogil=True)
def _gather_colour(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any, share: Any, offset: Any,
    out: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The same for three channels."""
    centre0, centre1, centre2 = centre
    other0, other1, other2 = other
    share0, share1, share2 = share
    out0, out1, out2 = out
    for x in range(centre0.shape[0]):
        d0, d1, d2 = other0[x] - centre0[x], other1[x] - centre1[x], other2[x] - centre2[x]
        distance = d0 * d0 + d1 * d1 + d2 * d2
        weight = exp2_normal(distance * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        slope = share0[x] * d0 + share1[x] * d1 + share2[x] * d2 - offset[x]
        slope = slope * (gr[x] * TWICE_LN_2)
        out0[x] += weight * (share0[x] - slope * d0)
        out1[x] += weight * (share1[x] - slope * d1)
        out2[x] += weight * (share2[x] - slope * d2)


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def gather(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, share: Any, offset: Any,
    start: int, stop: int, d_pixels: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The second pass for rows start to stop of the tile with its margin."""
    channels, height, width = share.shape
    slots = 2 * halo + 1
    gx, gy, gr = (
        np.empty((slots, width), np.float32), np.empty((slots, width), np.float32),
        np.empty((slots, width), np.float32),
    )  # fmt: skip
    rx, ry = np.empty((slots, width), np.int32), np.empty((slots, width), np.int32)
    held = np.full(slots, -1, np.int64)  # the factors of which row lie in a slot
    bounds = np.empty((slots, 4), np.int64)
    ones, keep = np.ones(width, np.float32), np.empty(width, np.float32)
    masked = valid.shape[0] > 1
    inner = slice(halo, halo + width)
    for row in range(start, stop):
        for y in range(max(0, row - 2 * halo), min(height, row + 1)):
            dy, k, own = row - halo - y, y % slots, y + halo
            if held[k] != y:
                row_x, row_y = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1)
                row_r = min(y, sr.shape[0] - 1)
                set_row(sx[row_x], sy[row_y], sr[row_r], square, gx[k], gy[k], gr[k], rx[k], ry[k])
                (low_x, high_x), (low_y, high_y) = extremes(rx[k]), extremes(ry[k])
                bounds[k] = (low_x, high_x, low_y, high_y)
                held[k] = y
            low_x, high_x, low_y, high_y = bounds[k]
            reach_x = square if square >= 0 else high_x
            if abs(dy) > (square if square >= 0 else high_y):
                continue
            fy = F(dy * dy)
            for dx in range(-reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                fx = F(dx * dx)
                used = ones
                outer = slice(halo + dx, halo + dx + width)
                if not inside(dx, dy, low_x, low_y):
                    set_keep(keep, rx[k], ry[k], dx, dy)
                    used = keep
                if masked:
                    mask_keep(keep, used, valid[row, outer])
                    used = keep
                if channels == 1:
                    _gather_grey(
                        pixels[0, own, inner], pixels[0, row, outer], fx, fy, gx[k], gy[k], gr[k], used,
                        share[0, y], offset[y], d_pixels[0, row, outer],
                    )  # fmt: skip
                else:
                    _gather_colour(
                        (pixels[0, own, inner], pixels[1, own, inner], pixels[2, own, inner]),
                        (pixels[0, row, outer], pixels[1, row, outer], pixels[2, row, outer]),
                        fx, fy, gx[k], gy[k], gr[k], used,
                        (share[0, y], share[1, y], share[2, y]), offset[y],
                        (d_pixels[0, row, outer], d_pixels[1, row, outer], d_pixels[2, row, outer]),
                    )  # fmt: skip
