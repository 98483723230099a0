"""The two passes of `gradients`: sums around every centre, then what its neighbours get of it."""

from typing import Any

import numba
import numpy as np

from denoise_studio.denoisers.bilateral.taps import (
    FAST,
    TINY,
    TWICE_LN_2,
    F,
    exp2_normal,
    inside,
    reach,
    set_keep,
    set_row,
)


@numba.njit(fastmath=FAST, nogil=True)
def _around_grey(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any,
    weights: Any, first: Any, across: Any, across_first: Any, second: Any, third: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add one neighbour of every pixel of a row: w times 1, d, dx², dx² d, d² and d³."""
    for x in range(weights.shape[0]):
        d = other[x] - centre[x]
        weight = exp2_normal(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        moment = weight * d
        weights[x] += weight
        first[x] += moment
        across[x] += weight * fx
        across_first[x] += moment * fx
        square = moment * d
        second[x] += square
        third[x] += square * d


@numba.njit(fastmath=FAST, nogil=True)
def _weigh_colour(
    centre: Any, other: Any, up: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any,
    weight: Any, moment: Any, distance: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """One neighbour in colour of every pixel of a row: w, w u.d and |d|²."""
    centre0, centre1, centre2 = centre
    other0, other1, other2 = other
    up0, up1, up2 = up
    for x in range(weight.shape[0]):
        d0, d1, d2 = other0[x] - centre0[x], other1[x] - centre1[x], other2[x] - centre2[x]
        square = d0 * d0 + d1 * d1 + d2 * d2
        w = exp2_normal(square * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weight[x] = w
        moment[x] = w * (up0[x] * d0 + up1[x] * d1 + up2[x] * d2)
        distance[x] = square


@numba.njit(fastmath=FAST, nogil=True)
def _around_colour(
    weight: Any, moment: Any, distance: Any, fx: Any,
    weights: Any, first: Any, across: Any, across_first: Any, second: Any, third: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add that neighbour: w and w u.d, times 1, dx² and |d|²."""
    for x in range(weights.shape[0]):
        w, m = weight[x], moment[x]
        weights[x] += w
        first[x] += m
        across[x] += w * fx
        across_first[x] += m * fx
        second[x] += w * distance[x]
        third[x] += m * distance[x]


@numba.njit(fastmath=FAST, nogil=True)
def _around_channel(
    centre: Any, other: Any, weight: Any, moment: Any, total: Any, cross: Any
) -> None:  # pragma: no cover - compiled
    for x in range(weight.shape[0]):
        d = other[x] - centre[x]
        total[x] += weight[x] * d
        cross[x] += moment[x] * d


@numba.njit(fastmath=FAST, nogil=True)
def _add_rows(total: Any, part: Any, factor: Any) -> None:  # pragma: no cover - compiled
    for x in range(total.shape[0]):
        total[x] += part[x] * factor


@numba.njit(fastmath=FAST, nogil=True)
def _with_upstream(up: Any, sums: Any, total: Any, cross: Any) -> None:  # pragma: no cover - compiled
    """Give the sums of a grey row the factor u, which is the same for all neighbours."""
    for x in range(up.shape[0]):
        total[x] = sums[1, x]
        cross[x] = sums[6, x] * up[x]
        for k in (1, 3, 5, 7):
            sums[k, x] *= up[x]


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def centres(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, up: Any, start: int,
    stop: int, share: Any, offset: Any, d_pixels: Any, d_x: Any, d_y: Any, d_r: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The first pass for rows start to stop: a, b, the maps' gradients, and a pixel's own part."""
    channels, _, width = up.shape
    gx, gy, gr = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    rx, ry = np.empty(width, np.int32), np.empty(width, np.int32)
    ones, keep = np.ones(width, np.float32), np.empty(width, np.float32)
    # Of one row of neighbours: sums of w and w u.d; of all: those, with dx², with dy² and with |d|².
    near, near_first = np.empty(width, np.float32), np.empty(width, np.float32)
    sums, tap = np.empty((8, width), np.float32), np.empty((3, width), np.float32)
    total, cross = np.empty((channels, width), np.float32), np.empty((channels, width), np.float32)
    masked = valid.shape[0] > 1
    inner = slice(halo, halo + width)
    for y in range(start, stop):
        row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
        set_row(sx[row_x], sy[row_y], sr[row_r], square, gx, gy, gr, rx, ry)
        low_x, high_x, low_y, high_y = rx.min(), rx.max(), ry.min(), ry.max()
        reach_x, reach_y = reach(rx, square), reach(ry, square)
        row = y + halo
        sums[:] = F(0.0)
        total[:], cross[:] = F(0.0), F(0.0)
        for dy in range(-reach_y, reach_y + 1):
            fy = F(dy * dy)
            near[:], near_first[:] = F(0.0), F(0.0)
            for dx in range(-reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                fx = F(dx * dx)
                used = ones
                outer = slice(halo + dx, halo + dx + width)
                if masked or not inside(dx, dy, low_x, low_y):
                    set_keep(keep, rx, ry, dx, dy, valid[row + dy if masked else 0, outer], masked)
                    used = keep
                if channels == 1:
                    _around_grey(
                        pixels[0, row, inner], pixels[0, row + dy, outer], fx, fy, gx, gy, gr, used,
                        near, near_first, sums[2], sums[3], sums[6], sums[7],
                    )  # fmt: skip
                else:
                    _weigh_colour(
                        (pixels[0, row, inner], pixels[1, row, inner], pixels[2, row, inner]),
                        (pixels[0, row + dy, outer], pixels[1, row + dy, outer], pixels[2, row + dy, outer]),
                        (up[0, y], up[1, y], up[2, y]), fx, fy, gx, gy, gr, used, tap[0], tap[1], tap[2],
                    )  # fmt: skip
                    _around_colour(
                        tap[0], tap[1], tap[2], fx,
                        near, near_first, sums[2], sums[3], sums[6], sums[7],
                    )  # fmt: skip
                    for c in range(channels):
                        _around_channel(
                            pixels[c, row, inner], pixels[c, row + dy, outer],
                            tap[0], tap[1], total[c], cross[c],
                        )  # fmt: skip
            _add_rows(sums[0], near, F(1.0))
            _add_rows(sums[1], near_first, F(1.0))
            _add_rows(sums[4], near, fy)
            _add_rows(sums[5], near_first, fy)
        if channels == 1:
            _with_upstream(up[0, y], sums, total[0], cross[0])
        for x in range(width):
            weights = sums[0, x] + F(1.0)
            mean = sums[1, x] / weights
            steep_x, steep_y, steep_r = sx[row_x, x], sy[row_y, x], sr[row_r, x]
            offset[y, x] = mean / weights
            d_x[y, x] = (sums[3, x] - mean * sums[2, x]) / (weights * max(steep_x**3, TINY))
            d_y[y, x] = (sums[5, x] - mean * sums[4, x]) / (weights * max(steep_y**3, TINY))
            d_r[y, x] = (sums[7, x] - mean * sums[6, x]) / (weights * max(steep_r**3, TINY))
            for c in range(channels):
                share[c, y, x] = up[c, y, x] / weights
                pull = (cross[c, x] - mean * total[c, x]) * (gr[x] * TWICE_LN_2)
                d_pixels[c, row, halo + x] = share[c, y, x] + pull / weights


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
                bounds[k] = (rx[k].min(), rx[k].max(), ry[k].min(), ry[k].max())
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
                if masked or not inside(dx, dy, low_x, low_y):
                    set_keep(keep, rx[k], ry[k], dx, dy, valid[row if masked else 0, outer], masked)
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
