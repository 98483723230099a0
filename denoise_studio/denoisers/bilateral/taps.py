"""What the numba kernels share: the exponential, the window's shape, and the factors of a row.

Numba's cache looks at the file of the kernel alone: after a change here, touch the kernels' files.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.core.types import BoolArray
from denoise_studio.denoisers.bilateral.window import REACH, SLACK

F = np.float32
# No reassociation: the rounding trick in exp2 needs (t + magic) - magic as written. No
# reciprocals: a vector loop would take them and its scalar tail not, and tiles would differ.
FAST = {"contract", "nnan", "ninf", "nsz"}
HALF_LOG2_E = F(-0.7213475204444817)
TWICE_LN_2 = F(-1.3862943611198906)
"""Turns the factor of d² in the exponent of 2 into 1 / sigma_r²."""
TINY = F(1e-37)
ELLIPSE = -1
"""Instead of a radius: every pixel has the ellipse of its own sigmas for a window."""
ALL_VALID: BoolArray = np.ones((1, 1), np.bool_)
_REACH, _SLACK = F(REACH), F(SLACK)


@numba.njit(inline="always", fastmath=FAST)
def power_of_two(t: Any) -> Any:  # pragma: no cover - compiled
    """2**t for -126 <= t <= 0 with a relative error below 3e-7.

    t is split into a whole number (by adding and taking away 1.5 * 2**23, which rounds) and a
    rest in [-1/2, 1/2], whose power is a polynomial; the whole number goes into the exponent.
    """
    shifted = t + F(12582912.0)
    rest = t - (shifted - F(12582912.0))
    power = F(0.0013400432)
    power = power * rest + F(0.009670683)
    power = power * rest + F(0.055503324)
    power = power * rest + F(0.24022651)
    power = power * rest + F(0.6931472)
    power = power * rest + F(1.0)
    bits = np.float32(power).view(np.int32)
    whole = np.float32(shifted).view(np.int32)
    return np.int32(bits + np.int32(whole << np.int32(23))).view(np.float32)


@numba.njit(inline="always", fastmath=FAST)
def exp2(t: Any) -> Any:  # pragma: no cover - compiled
    """2**t for t <= 0; below 2**-126 it stays there."""
    return power_of_two(max(t, F(-126.0)))


@numba.njit(inline="always", fastmath=FAST)
def exp2_normal(t: Any) -> Any:  # pragma: no cover - compiled
    """The same, at least 2**-100: products with differences do not become (slow) denormals."""
    return power_of_two(max(t, F(-100.0)))


@numba.njit(inline="always")
def inside(dx: int, dy: int, rx: int, ry: int) -> bool:  # pragma: no cover - compiled
    """Whether a neighbour lies in the ellipse of these radii, in whole numbers: no rounding."""
    xx, yy = np.int32(rx * rx), np.int32(ry * ry)
    within = dx * dx * yy + dy * dy * xx <= xx * yy
    return bool(within and dx * dx <= xx and dy * dy <= yy)


@numba.njit(nogil=True)
def extremes(radii: Any) -> Any:  # pragma: no cover - compiled
    """Smallest and largest, in a loop that becomes vector instructions (numpy's do not)."""
    low = high = radii[0]
    for x in range(radii.shape[0]):
        low, high = min(low, radii[x]), max(high, radii[x])
    return int(low), int(high)


@numba.njit(nogil=True)
def set_ellipses(table: Any, rx: Any, ry: Any) -> None:  # pragma: no cover - compiled
    """Which pixels of a row see a neighbour, for those that some see and some do not.

    table (reach + 1, reach + 1, w) by |dy|, |dx| and pixel: 1 where the neighbour lies inside the
    pixel's own window, else 0. Signs do not matter, so each test serves up to four neighbours.
    """
    (low_x, high_x), (low_y, high_y) = extremes(rx), extremes(ry)
    for dy in range(min(high_y, table.shape[0] - 1) + 1):
        for dx in range(min(high_x, table.shape[1] - 1) + 1):
            if inside(dx, dy, high_x, high_y) and not inside(dx, dy, low_x, low_y):
                set_keep(table[dy, dx], rx, ry, dx, dy)


@numba.njit(nogil=True)
def set_keep(keep: Any, rx: Any, ry: Any, dx: int, dy: int) -> None:  # pragma: no cover - compiled
    """1 where the neighbour at (dx, dy) is inside the pixel's own window, else 0."""
    for x in range(keep.shape[0]):
        keep[x] = F(1.0) if inside(dx, dy, rx[x], ry[x]) else F(0.0)


@numba.njit(nogil=True)
def mask_keep(keep: Any, seen: Any, valid: Any) -> None:  # pragma: no cover - compiled
    """What is seen and valid."""
    for x in range(keep.shape[0]):
        keep[x] = seen[x] if valid[x] else F(0.0)


@numba.njit(nogil=True)
def seen(
    dx: int, dy: int, low_x: int, low_y: int, ones: Any, ellipses: Any, valid: Any, masked: bool, keep: Any
) -> Any:  # pragma: no cover - compiled
    """1 where a neighbour counts: `ones`, or a row of `set_ellipses`, or that masked (in `keep`)."""
    used = ones if inside(dx, dy, low_x, low_y) else ellipses[abs(dy), abs(dx)]
    if not masked:
        return used
    mask_keep(keep, used, valid)
    return keep


@numba.njit(fastmath=FAST, nogil=True, error_model="numpy")
def set_row(
    sx: Any, sy: Any, sr: Any, square: int, gx: Any, gy: Any, gr: Any, rx: Any, ry: Any
) -> None:  # pragma: no cover - compiled
    """From the sigmas of a row: factors of dx², dy² and d² in the exponent of 2, and the radii.

    For a square window the radii of the ellipse are twice its own: all its corners lie inside.
    """
    for x in range(sx.shape[0]):
        gx[x] = HALF_LOG2_E / max(sx[x] * sx[x], TINY)
        gy[x] = HALF_LOG2_E / max(sy[x] * sy[x], TINY)
        gr[x] = HALF_LOG2_E / max(sr[x] * sr[x], TINY)
        rx[x] = np.int32(np.ceil(_REACH * sx[x] - _SLACK))
        ry[x] = np.int32(np.ceil(_REACH * sy[x] - _SLACK))
    if square >= 0:
        rx[:] = np.int32(2 * square)
        ry[:] = np.int32(2 * square)
