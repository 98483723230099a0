"""The adaptive bilateral filter on the CPU: one numba kernel, vectorised along a row.

Each call runs on one core without the interpreter lock, and no numba threading layer is used,
so any number of lanes may call it at once (numba's `workqueue` layer aborts the process then).
Every pixel's arithmetic depends on its own window only, so tiles agree to the last bit.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.window import REACH, SLACK

_F = np.float32
# No reassociation: the rounding trick in _exp2 needs (t + magic) - magic as written. No
# reciprocals: a vector loop would take them and its scalar tail not, and tiles would differ.
_FAST = {"contract", "nnan", "ninf", "nsz"}
_HALF_LOG2_E = _F(-0.7213475204444817)
_TINY = _F(1e-37)
_REACH, _SLACK = _F(REACH), _F(SLACK)


@numba.njit(inline="always", fastmath=_FAST)
def _exp2(t: Any) -> Any:  # pragma: no cover - compiled
    """2**t for t <= 0 with a relative error below 3e-7; below 2**-126 it stays there.

    t is split into a whole number (by adding and taking away 1.5 * 2**23, which rounds) and a
    rest in [-1/2, 1/2], whose power is a polynomial; the whole number goes into the exponent.
    """
    t = max(t, _F(-126.0))
    shifted = t + _F(12582912.0)
    rest = t - (shifted - _F(12582912.0))
    power = _F(0.0013400432)
    power = power * rest + _F(0.009670683)
    power = power * rest + _F(0.055503324)
    power = power * rest + _F(0.24022651)
    power = power * rest + _F(0.6931472)
    power = power * rest + _F(1.0)
    bits = np.float32(power).view(np.int32)
    whole = np.float32(shifted).view(np.int32)
    return np.int32(bits + np.int32(whole << np.int32(23))).view(np.float32)


@numba.njit(fastmath=_FAST, nogil=True)
def _add_grey(
    centre: Any, other: Any, fx: Any, fy: Any, gx: Any, gy: Any, gr: Any, keep: Any, weights: Any, total: Any
) -> None:  # pragma: no cover - compiled
    """Add one neighbour to the sums of every pixel of a row."""
    for x in range(weights.shape[0]):
        d = other[x] - centre[x]
        weight = _exp2(d * d * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        total[x] += weight * d


@numba.njit(fastmath=_FAST, nogil=True)
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
        weight = _exp2(distance * gr[x] + (gx[x] * fx + gy[x] * fy)) * keep[x]
        weights[x] += weight
        total0[x] += weight * d0
        total1[x] += weight * d1
        total2[x] += weight * d2


@numba.njit(inline="always")
def _inside(dx: int, dy: int, rx: int, ry: int) -> bool:  # pragma: no cover - compiled
    """Whether a neighbour lies in the ellipse of these radii, in whole numbers: no rounding."""
    xx, yy = np.int32(rx * rx), np.int32(ry * ry)
    within = dx * dx * yy + dy * dy * xx <= xx * yy
    return bool(within and dx * dx <= xx and dy * dy <= yy)


@numba.njit(nogil=True)
def _set_keep(
    keep: Any, rx: Any, ry: Any, dx: int, dy: int, valid: Any, masked: bool
) -> None:  # pragma: no cover
    """1 where the neighbour at (dx, dy) is valid and inside the pixel's own window, else 0."""
    for x in range(keep.shape[0]):
        keep[x] = _F(1.0) if _inside(dx, dy, rx[x], ry[x]) else _F(0.0)
    if masked:
        for x in range(keep.shape[0]):
            keep[x] = keep[x] if valid[x] else _F(0.0)


@numba.njit(fastmath=_FAST, nogil=True, error_model="numpy")
def _set_row(
    sx: Any, sy: Any, sr: Any, gx: Any, gy: Any, gr: Any, rx: Any, ry: Any
) -> None:  # pragma: no cover - compiled
    """From the sigmas of a row: factors of dx², dy² and d² in the exponent of 2, and the radii."""
    for x in range(sx.shape[0]):
        gx[x] = _HALF_LOG2_E / max(sx[x] * sx[x], _TINY)
        gy[x] = _HALF_LOG2_E / max(sy[x] * sy[x], _TINY)
        gr[x] = _HALF_LOG2_E / max(sr[x] * sr[x], _TINY)
        rx[x] = np.int32(np.ceil(_REACH * sx[x] - _SLACK))
        ry[x] = np.int32(np.ceil(_REACH * sy[x] - _SLACK))


@numba.njit(fastmath=_FAST, nogil=True, cache=True, error_model="numpy")
def _filter(
    pixels: Any, halo: int, valid: Any, sx: Any, sy: Any, sr: Any, out: Any
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
    weights = np.empty(width, np.float32)
    total = np.empty((channels, width), np.float32)
    masked = valid.shape[0] > 1
    inner = slice(halo, halo + width)
    rows = max(sx.shape[0], sy.shape[0], sr.shape[0])
    for y in range(height):
        if y < rows:
            row_x, row_y, row_r = min(y, sx.shape[0] - 1), min(y, sy.shape[0] - 1), min(y, sr.shape[0] - 1)
            _set_row(sx[row_x], sy[row_y], sr[row_r], gx, gy, gr, rx, ry)
        low_x, high_x, low_y, high_y = rx.min(), rx.max(), ry.min(), ry.max()
        row = y + halo
        weights[:] = _F(1.0)
        total[:] = _F(0.0)
        for dy in range(-high_y, high_y + 1):
            fy = _F(dy * dy)
            for dx in range(-high_x, high_x + 1):
                if (dx == 0 and dy == 0) or not _inside(dx, dy, high_x, high_y):
                    continue
                fx = _F(dx * dx)
                used = ones
                outer = slice(halo + dx, halo + dx + width)
                if masked or not _inside(dx, dy, low_x, low_y):
                    _set_keep(keep, rx, ry, dx, dy, valid[row + dy if masked else 0, outer], masked)
                    used = keep
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


_ALL_VALID: BoolArray = np.ones((1, 1), np.bool_)


def bilateral_cpu(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
) -> FloatArray:
    """Filter one tile on this thread.

    Args:
        pixels: `(C, h + 2 halo, w + 2 halo)` float32 with C = 1 or 3.
        halo: margin, at least the largest radius of the window (see `window.radii`).
        valid: `(h + 2 halo, w + 2 halo)`, or None.
        sigma_x: `(h, w)`, or `(1, w)` where every row is the same.
        sigma_y: likewise.
        sigma_r: likewise.

    Returns:
        `(C, h, w)` float32.
    """
    channels, height, width = pixels.shape[0], pixels.shape[1] - 2 * halo, pixels.shape[2] - 2 * halo
    out = np.empty((channels, height, width), np.float32)
    mask = _ALL_VALID if valid is None else valid
    _filter(pixels, halo, mask, sigma_x, sigma_y, sigma_r, out)
    return out


def compile_now() -> None:
    """Compile the kernel, or load it from the cache: seconds on the very first start, once."""
    row = np.full((1, 1), 0.5, np.float32)
    bilateral_cpu(np.zeros((1, 3, 3), np.float32), 1, None, row, row, row)
