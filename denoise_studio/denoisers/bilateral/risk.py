"""Filtered values and their divergence in one pass, as unbiased estimates of the risk need them.

For noise of covariance s² rho(i - j), Stein's unbiased risk estimate (Stein, Ann. Statist. 1981;
correlated noise: Eldar, IEEE TSP 2009) needs D_i = sum_j rho(i - j) df_i/dy_j beside f_i. With
d = y_j - y_i, t = f_i - y_i and W = sum_j w (1 at the centre), a neighbour's derivative is
w / W (1 - (d - t) d / sr²) and the centre's (1 + sum_j w (d - t) d / sr²) / W, so that

    W D = 1 + sum rho w + (sum (1 - rho) w d² - t sum (1 - rho) w d) / sr².

Mirrored neighbours are copies of other pixels: they count with the rho of their origins, which
for a copy of the centre itself is 1.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.mirror import Origins, origins
from denoise_studio.denoisers.bilateral.taps import (
    ALL_VALID,
    ELLIPSE,
    FAST,
    TWICE_LN_2,
    F,
    exp2_normal,
    extremes,
    inside,
    seen,
    set_ellipses,
    set_row,
)

WHITE: FloatArray = np.ones((1, 1), np.float32)
"""The correlation of white noise: gives the divergence df_i/dy_i itself."""


@numba.njit(fastmath=FAST, nogil=True)
def _add_grey(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any,
    weights: Any, first: Any, second: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add one neighbour whose rho is 0 for every pixel of a row: w, w d and w d²."""
    for x in range(weights.shape[0]):
        d = other[x] - centre[x]
        weight = exp2_normal(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        moment = weight * d
        first[x] += moment
        second[x] += moment * d


@numba.njit(fastmath=FAST, nogil=True)
def _add_grey_rho(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any, rho: Any,
    weights: Any, first: Any, second: Any, near: Any, near_first: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Add one neighbour: also rho w and rho w d; d² counts with (1 - rho) w."""
    for x in range(weights.shape[0]):
        d = other[x] - centre[x]
        weight = exp2_normal(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        moment = weight * d
        first[x] += moment
        near[x] += weight * rho[x]
        part = moment * rho[x]
        near_first[x] += part
        second[x] += (moment - part) * d


@numba.njit(fastmath=FAST, nogil=True)
def _weigh_colour(
    centre0: Any, centre1: Any, centre2: Any, other0: Any, other1: Any, other2: Any, fx: Any, fy: Any,
    gx: Any, gy: Any, gr: Any, keep: Any, rho: Any, weight: Any, weights: Any, near: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The weight of one neighbour in colour for every pixel of a row, and the sums w and rho w."""
    for x in range(weights.shape[0]):
        d0, d1, d2 = other0[x] - centre0[x], other1[x] - centre1[x], other2[x] - centre2[x]
        distance = d0 * d0 + d1 * d1 + d2 * d2
        w = exp2_normal(distance * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weight[x] = w
        weights[x] += w
        near[x] += w * rho[x]


@numba.njit(fastmath=FAST, nogil=True)
def _add_channel(
    centre: Any, other: Any, weight: Any, rho: Any, first: Any, second: Any, near_first: Any
) -> None:  # pragma: no cover - compiled
    for x in range(weight.shape[0]):
        d = other[x] - centre[x]
        moment = weight[x] * d
        first[x] += moment
        part = moment * rho[x]
        near_first[x] += part
        second[x] += (moment - part) * d


@numba.njit(nogil=True)
def _spread_rho(
    rho: Any, columns: Any, halo: int, reach_x: int, table: Any, used: Any
) -> None:  # pragma: no cover - compiled
    """The rho of the origin of every neighbour of a row, and whether any of them is not 0.

    table (2 R + 2, 2 reach_x + 1, w): by the origin's row offset + R (the last for "farther"), by
    dx + reach_x, and by pixel.
    """
    radius, width = rho.shape[0] // 2, table.shape[2]
    table[:] = F(0.0)
    for k in range(2 * radius + 1):
        for n in range(2 * reach_x + 1):
            for x in range(width):
                offset = columns[halo + x] - columns[halo + x + n - reach_x]
                if abs(offset) <= radius:
                    table[k, n, x] = rho[2 * radius - k, radius + offset]
            for x in range(width):
                if table[k, n, x] != F(0.0):
                    used[k, n] = True
                    break


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def _risk(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, square: int, rho: Any, rows: Any,
    columns: Any, out: Any, divergence: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Both results for a tile; arguments as `cpu._filter`, and where rows and columns come from."""
    channels, height, width = out.shape
    radius = rho.shape[0] // 2
    gx, gy, gr = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    rx, ry = np.empty(width, np.int32), np.empty(width, np.int32)
    ones, keep = np.ones(width, np.float32), np.empty(width, np.float32)
    ellipses = np.empty((halo + 1, halo + 1, width), np.float32)
    weight, weights, near = (
        np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32),
    )  # fmt: skip
    first = np.empty((channels, width), np.float32)
    second, near_first = np.empty_like(first), np.empty_like(first)
    table = np.empty((2 * radius + 2, 2 * halo + 1, width), np.float32)
    used_table = np.zeros((2 * radius + 2, 2 * halo + 1), np.bool_)
    _spread_rho(rho, columns, halo, halo, table, used_table)
    masked = valid.shape[0] > 1
    low_x, high_x, low_y, high_y = 0, 0, 0, 0
    inner = slice(halo, halo + width)
    for y in range(height):
        row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
        if y < max(sx.shape[0], sy.shape[0], sr.shape[0]):
            set_row(sx[row_x], sy[row_y], sr[row_r], square, gx, gy, gr, rx, ry)
            set_ellipses(ellipses, rx, ry)
            (low_x, high_x), (low_y, high_y) = extremes(rx), extremes(ry)
        reach_x, reach_y = (square, square) if square >= 0 else (high_x, high_y)
        row = y + halo
        weights[:] = F(1.0)
        near[:] = F(1.0)
        first[:], second[:], near_first[:] = F(0.0), F(0.0), F(0.0)
        for dy in range(-reach_y, reach_y + 1):
            fy = F(dy * dy)
            offset = rows[row + dy] - rows[row]
            level = offset + radius if abs(offset) <= radius else 2 * radius + 1
            for dx in range(-reach_x, reach_x + 1):
                if (dx == 0 and dy == 0) or not inside(dx, dy, high_x, high_y):
                    continue
                fx = F(dx * dx)
                outer = slice(halo + dx, halo + dx + width)
                mask = valid[row + dy if masked else 0, outer]
                used = seen(dx, dy, low_x, low_y, ones, ellipses, mask, masked, keep)
                share = table[level, dx + halo]
                if channels == 3:
                    _weigh_colour(
                        pixels[0, row, inner], pixels[1, row, inner], pixels[2, row, inner],
                        pixels[0, row + dy, outer], pixels[1, row + dy, outer], pixels[2, row + dy, outer],
                        fx, fy, gx, gy, gr, used, share, weight, weights, near,
                    )  # fmt: skip
                    for c in range(3):
                        _add_channel(
                            pixels[c, row, inner], pixels[c, row + dy, outer],
                            weight, share, first[c], second[c], near_first[c],
                        )  # fmt: skip
                elif used_table[level, dx + halo]:
                    _add_grey_rho(
                        pixels[0, row, inner], pixels[0, row + dy, outer], fx, fy, gx, gy, gr, used, share,
                        weights, first[0], second[0], near, near_first[0],
                    )  # fmt: skip
                else:
                    _add_grey(
                        pixels[0, row, inner], pixels[0, row + dy, outer], fx, fy, gx, gy, gr, used,
                        weights, first[0], second[0],
                    )  # fmt: skip
        for c in range(channels):
            for x in range(width):
                t = first[c, x] / weights[x]
                out[c, y, x] = pixels[c, row, halo + x] + t
                rest = second[c, x] - t * (first[c, x] - near_first[c, x])
                divergence[c, y, x] = (near[x] + rest * (gr[x] * TWICE_LN_2)) / weights[x]


def bilateral_risk(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
    *,
    rho: FloatArray = WHITE,
    window: int | None = None,
    rows: Origins | None = None,
    columns: Origins | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Filter one tile on this thread, and tell how its result moves with the noise.

    The window's radius is a step function of the sigmas and plays no part in the derivative.

    Args:
        pixels: `(C, h + 2 halo, w + 2 halo)` float32, as `bilateral_cpu` takes it.
        halo: margin.
        valid: mask, or None.
        sigma_x: `(h, w)` or `(1, w)`.
        sigma_y: likewise.
        sigma_r: likewise.
        window: radius of a square window, or None for ellipses.
        rho: `(2 R + 1, 2 R + 1)` float32, correlation of the noise at two pixels by their
            distance, `rho[R + iy - jy, R + ix - jx]`, 1 in the middle, 0 beyond. `WHITE` gives
            df_i/dy_i.
        rows: `(h + 2 halo,)`, from which row of the picture each row is (`mirror.origins`); None:
            the tile is a whole picture with reflected margins.
        columns: likewise.

    Returns:
        The filtered pixels `(C, h, w)`, and for every channel
        D_i = sum_j rho(i - j) df_i/dy_j `(C, h, w)`, a pure number; both float32.
    """
    channels, height, width = pixels.shape[0], pixels.shape[1] - 2 * halo, pixels.shape[2] - 2 * halo
    rows = origins(-halo, height + halo, height) if rows is None else rows
    columns = origins(-halo, width + halo, width) if columns is None else columns
    out = np.empty((channels, height, width), np.float32)
    divergence = np.empty_like(out)
    mask = ALL_VALID if valid is None else valid
    square = ELLIPSE if window is None else window
    rho = np.ascontiguousarray(rho, np.float32)
    _risk(pixels, halo, mask, sigma_x, sigma_y, sigma_r, square, rho, rows, columns, out, divergence)
    return out, divergence
