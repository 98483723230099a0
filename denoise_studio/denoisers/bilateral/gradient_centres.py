"""First pass of `gradients`: sums over the neighbours of every centre."""

from typing import Any

import numba
import numpy as np

from denoise_studio.denoisers.bilateral.taps import (
    FAST,
    TINY,
    TWICE_LN_2,
    F,
    exp2_normal,
    extremes,
    inside,
    seen,
    set_ellipses,
    set_row,
)


@numba.njit(fastmath=FAST, nogil=True)
def _around_grey(
    centre: Any, left: Any, right: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any,
    keep_right: Any, weights: Any, first: Any, across: Any, across_first: Any, second: Any, third: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add two neighbours, at -dx and dx, of every pixel of a row: w times 1, d, dx², dx² d, d² and d³."""
    for x in range(weights.shape[0]):
        away = gx[x] * fx + gy[x] * fy
        d0, d1 = left[x] - centre[x], right[x] - centre[x]
        square0, square1 = d0 * d0, d1 * d1
        weight0 = exp2_normal(square0 * gr[x] + away) * keep[x]
        weight1 = exp2_normal(square1 * gr[x] + away) * keep_right[x]
        moment0, moment1 = weight0 * d0, weight1 * d1
        weight, moment = weight0 + weight1, moment0 + moment1
        weights[x] += weight
        first[x] += moment
        across[x] += weight * fx
        across_first[x] += moment * fx
        second[x] += weight0 * square0 + weight1 * square1
        third[x] += moment0 * square0 + moment1 * square1


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
    total[:] = sums[1]
    cross[:] = sums[6]
    _multiply(cross, up)
    for k in (1, 3, 5, 7):
        _multiply(sums[k], up)


@numba.njit(fastmath=FAST, nogil=True)
def _multiply(row: Any, factor: Any) -> None:  # pragma: no cover - compiled
    for x in range(row.shape[0]):
        row[x] *= factor[x]


@numba.njit(fastmath=FAST, nogil=True, error_model="numpy")
def _set_slopes(sums: Any, offset: Any, weights: Any, mean: Any) -> None:  # pragma: no cover - compiled
    """W, u.t and b of a row."""
    near, first = sums[0], sums[1]
    for x in range(offset.shape[0]):
        weights[x] = near[x] + F(1.0)
        mean[x] = first[x] / weights[x]
        offset[x] = mean[x] / weights[x]


@numba.njit(fastmath=FAST, nogil=True, error_model="numpy")
def _set_slope(
    with_first: Any, alone: Any, sigma: Any, weights: Any, mean: Any, out: Any
) -> None:  # pragma: no cover - compiled
    """The gradient of one map in a row: sums of w u.d q and of w q, q = dx², dy² or |d|²."""
    for x in range(out.shape[0]):
        cube = max(sigma[x] * sigma[x] * sigma[x], TINY)
        out[x] = (with_first[x] - mean[x] * alone[x]) / (weights[x] * cube)


@numba.njit(fastmath=FAST, nogil=True, error_model="numpy")
def _set_share(
    up: Any, total: Any, cross: Any, gr: Any, weights: Any, mean: Any, share: Any, own: Any
) -> None:  # pragma: no cover - compiled
    """The a of a row, and what each pixel gets from its own result, in one channel."""
    for x in range(share.shape[0]):
        share[x] = up[x] / weights[x]
        pull = (cross[x] - mean[x] * total[x]) * (gr[x] * TWICE_LN_2)
        own[x] = share[x] + pull / weights[x]


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def centres(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, up: Any, start: int,
    stop: int, share: Any, offset: Any, d_pixels: Any, d_x: Any, d_y: Any, d_r: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The first pass for rows start to stop: a, b, the maps' gradients, and a pixel's own part."""
    channels, _, width = up.shape
    gx, gy, gr = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    rx, ry = np.empty(width, np.int32), np.empty(width, np.int32)
    ones, none = np.ones(width, np.float32), np.zeros(width, np.float32)
    ellipses = np.empty((halo + 1, halo + 1, width), np.float32)
    keep, keep_right = np.empty(width, np.float32), np.empty(width, np.float32)
    # Of one row of neighbours: sums of w and w u.d; of all: those, with dx², with dy² and with |d|².
    near, near_first = np.empty(width, np.float32), np.empty(width, np.float32)
    sums, tap = np.empty((8, width), np.float32), np.empty((3, width), np.float32)
    total, cross = np.empty((channels, width), np.float32), np.empty((channels, width), np.float32)
    weights, mean = np.empty(width, np.float32), np.empty(width, np.float32)
    masked = valid.shape[0] > 1
    inner = slice(halo, halo + width)
    for y in range(start, stop):
        row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
        set_row(sx[row_x], sy[row_y], sr[row_r], square, gx, gy, gr, rx, ry)
        set_ellipses(ellipses, rx, ry)
        (low_x, high_x), (low_y, high_y) = extremes(rx), extremes(ry)
        reach_x, reach_y = (square, square) if square >= 0 else (high_x, high_y)
        row = y + halo
        sums[:] = F(0.0)
        total[:], cross[:] = F(0.0), F(0.0)
        for dy in range(-reach_y, reach_y + 1):
            fy = F(dy * dy)
            near[:], near_first[:] = F(0.0), F(0.0)
            for dx in range(0 if channels == 1 else -reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                fx = F(dx * dx)
                outer, other = slice(halo + dx, halo + dx + width), slice(halo - dx, halo - dx + width)
                mask = valid[row + dy if masked else 0]
                used = seen(dx, dy, low_x, low_y, ones, ellipses, mask[outer], masked, keep)
                if channels == 1:
                    used_right = none
                    if dx > 0:
                        used_right = seen(
                            dx, dy, low_x, low_y, ones, ellipses, mask[other], masked, keep_right
                        )
                    _around_grey(
                        pixels[0, row, inner], pixels[0, row + dy, outer], pixels[0, row + dy, other],
                        fx, fy, gx, gy, gr, used, used_right,
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
        _set_slopes(sums, offset[y], weights, mean)
        _set_slope(sums[3], sums[2], sx[row_x], weights, mean, d_x[y])
        _set_slope(sums[5], sums[4], sy[row_y], weights, mean, d_y[y])
        _set_slope(sums[7], sums[6], sr[row_r], weights, mean, d_r[y])
        for c in range(channels):
            own = d_pixels[c, row, inner]
            _set_share(up[c, y], total[c], cross[c], gr, weights, mean, share[c, y], own)
