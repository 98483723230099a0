"""The cross (joint) bilateral filter on the CPU: weights from a guide, values from the picture.

Petschnigg et al., "Digital photography with flash and no-flash image pairs", SIGGRAPH 2004;
Eisemann and Durand, same volume. A kernel of its own, so that the plain filter pays nothing.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.denoisers.bilateral.taps import (
    FAST,
    F,
    exp2,
    extremes,
    inside,
    mask_keep,
    set_keep,
    set_row,
)


@numba.njit(fastmath=FAST, nogil=True)
def _weigh(
    guide: Any, row: int, dy: int, inner: Any, outer: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any,
    keep: Any, weight: Any, weights: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The weight of one neighbour for every pixel of a row, also added to the sums of weights."""
    if guide.shape[0] == 1:
        centre, other = guide[0, row, inner], guide[0, row + dy, outer]
        for x in range(weight.shape[0]):
            d = other[x] - centre[x]
            weight[x] = exp2(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
    else:
        red0, red1 = guide[0, row, inner], guide[0, row + dy, outer]
        green0, green1 = guide[1, row, inner], guide[1, row + dy, outer]
        blue0, blue1 = guide[2, row, inner], guide[2, row + dy, outer]
        for x in range(weight.shape[0]):
            d0, d1, d2 = red1[x] - red0[x], green1[x] - green0[x], blue1[x] - blue0[x]
            distance = d0 * d0 + d1 * d1 + d2 * d2
            weight[x] = exp2(distance * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
    for x in range(weight.shape[0]):
        weights[x] += weight[x]


@numba.njit(fastmath=FAST, nogil=True)
def _add(centre: Any, other: Any, weight: Any, total: Any) -> None:  # pragma: no cover - compiled
    for x in range(total.shape[0]):
        total[x] += weight[x] * (other[x] - centre[x])


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def filter_cross(
    pixels: Any, guide: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, out: Any
) -> None:  # pragma: no cover - compiled
    """Filter a tile; arguments as `cpu._filter`, and guide (1 or 3, h + 2 halo, w + 2 halo)."""
    channels, height, width = out.shape
    gx, gy, gr = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    rx, ry = np.empty(width, np.int32), np.empty(width, np.int32)
    keep = np.empty(width, np.float32)
    weight = np.empty(width, np.float32)
    weights = np.empty(width, np.float32)
    total = np.empty((channels, width), np.float32)
    masked = valid.shape[0] > 1
    inner = slice(halo, halo + width)
    for y in range(height):
        row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
        set_row(sx[row_x], sy[row_y], sr[row_r], square, gx, gy, gr, rx, ry)
        (_, high_x), (_, high_y) = extremes(rx), extremes(ry)
        reach_x, reach_y = (square, square) if square >= 0 else (high_x, high_y)
        row = y + halo
        weights[:] = F(1.0)
        total[:] = F(0.0)
        for dy in range(-reach_y, reach_y + 1):
            for dx in range(-reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                outer = slice(halo + dx, halo + dx + width)
                set_keep(keep, rx, ry, dx, dy)
                if masked:
                    mask_keep(keep, keep, valid[row + dy, outer])
                _weigh(
                    guide, row, dy, inner, outer, F(dx * dx), F(dy * dy), gx, gy, gr, keep, weight, weights
                )
                for c in range(channels):
                    _add(pixels[c, row, inner], pixels[c, row + dy, outer], weight, total[c])
        for c in range(channels):
            for x in range(width):
                out[c, y, x] = pixels[c, row, halo + x] + total[c, x] / weights[x]
