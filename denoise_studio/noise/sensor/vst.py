"""Variance stabilisation of sensor noise, with the bias of the transform taken off (EM-VST).

For y ~ K Poisson(x / K) + N(0, s^2), x and y in DN above black, the generalised Anscombe transform

    f(y) = 2 sqrt(max(u + 3/8 + r^2, 0)),   u = y / K,  r = s / K

has a noise sd of about 1 (YOND, arXiv 2506.03645; Anscombe 1948). Being concave it reads low:
b(x) = E[f(y) | x] - f(x), which is taken off before denoising, so that afterwards the plain
algebraic inverse holds. Two forms:

    plain: as above; what lies below -(3/8 + r^2) is cut off.
    hybrid: below black (u < 0) the tangent at 0 goes on: nothing is cut off, and in the darkest
        range, where K, s and black are never known well enough for a root, pixels stay linear.

The bias is read off a table made once by numerical integration (`training/make_vst_table.py`), by
the closed form of YOND for what is too bright or too noisy for it.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from denoise_studio.core.resources import resource
from denoise_studio.core.types import FloatArray

FORMS = ("plain", "hybrid")
BRIGHTEST, NOISIEST = 256.0, 40.0
"""Largest u and r of the table."""
COLUMNS, ROWS = 513, 97
"""Its size; both axes are squared, so that they are finest at 0."""
_OFFSET = 3 / 8
Numbers = npt.NDArray[np.float64]


class Stabiliser(NamedTuple):
    """The transform for one class of pixels.

    Args:
        gain: K, DN per electron; above 0.
        read: s, DN: sd of all noise that does not depend on the light.
        form: "plain" or "hybrid".
    """

    gain: float
    read: float
    form: str = "hybrid"

    @property
    def ratio(self) -> float:
        """R = s / K."""
        return self.read / self.gain

    def forward(self, y: FloatArray) -> FloatArray:
        """f(y) of values in DN above black, float32 of the same shape."""
        return stabilise(np.asarray(y, np.float32) / np.float32(self.gain), self.ratio, self.form)

    def corrected(self, y: FloatArray) -> FloatArray:
        """f(y) - b(max(y, 0)): what is handed to a denoiser (YOND, section 3.2)."""
        u = np.asarray(y, np.float32) / np.float32(self.gain)
        curve = bias_curve(self.ratio, self.form)
        return stabilise(u, self.ratio, self.form) - _read(curve, np.maximum(u, 0))

    def inverse(self, z: FloatArray) -> FloatArray:
        """The algebraic inverse of `forward`: DN above black, float32."""
        return unstabilise(z, self.ratio, self.form) * np.float32(self.gain)


def stabilise(u: FloatArray, ratio: float, form: str = "hybrid") -> FloatArray:
    """F in units of the gain: `u` = y / K, `ratio` = s / K."""
    base = _OFFSET + ratio * ratio
    if form == "plain":
        return np.asarray(2 * np.sqrt(np.maximum(u + base, 0)), u.dtype)
    root = math.sqrt(base)
    below = np.minimum(u, 0)
    return np.asarray(2 * np.sqrt(np.maximum(u, 0) + base) + below / root, u.dtype)


def unstabilise(z: FloatArray, ratio: float, form: str = "hybrid") -> FloatArray:
    """The algebraic inverse of `stabilise`."""
    base = _OFFSET + ratio * ratio
    if form == "plain":
        return np.asarray(np.square(np.maximum(z, 0) / 2) - base, z.dtype)
    root = math.sqrt(base)
    above = np.square(np.maximum(z, 2 * root) / 2) - base
    return np.asarray(above + (np.minimum(z, 2 * root) - 2 * root) * root, z.dtype)


def closed_form_bias(u: Any, ratio: float) -> Any:
    """b(x) by the Taylor expansion of YOND 3.2; holds where the noise is small against u + 3/8 + r^2.

    With h = u + 3/8 + r^2: b = 2 sqrt(h) (-m2 / (8 h^2) + m3 / (16 h^3) - 5 m4 / (128 h^4)), the
    central moments of y / K being m2 = u + r^2, m3 = u, m4 = u + 3 (u + r^2)^2.
    """
    second = u + ratio * ratio
    height = second + _OFFSET
    fourth = u + 3 * second**2
    return 2 * np.sqrt(height) * (-second / height**2 / 8 + u / height**3 / 16 - 5 * fourth / height**4 / 128)


class BiasCurve(NamedTuple):
    """b over u for one ratio: `values` at squared steps up to `BRIGHTEST`, the closed form beyond."""

    values: FloatArray
    ratio: float


def bias_curve(ratio: float, form: str = "hybrid") -> BiasCurve:
    """b(x) for s / K = `ratio`, linear between the table's rows."""
    if ratio >= NOISIEST:  # nearly Gaussian: b depends on u / r only, but for a factor 1 / r
        shrink = NOISIEST / ratio
        last = bias_table(form)[-1]
        values = shrink * np.interp(shrink * columns(), columns(), last)
        return BiasCurve(values.astype(np.float32), ratio)
    place = math.sqrt(ratio / NOISIEST) * (ROWS - 1)
    row = min(int(place), ROWS - 2)
    table, share = bias_table(form), np.float32(place - row)
    return BiasCurve(table[row] * (1 - share) + table[row + 1] * share, ratio)


def bias(u: FloatArray, ratio: float, form: str = "hybrid") -> FloatArray:
    """b(x) at u = x / K >= 0, float32 of the same shape."""
    return _read(bias_curve(ratio, form), np.asarray(u, np.float32))


def _read(curve: BiasCurve, u: FloatArray) -> FloatArray:
    place = np.sqrt(np.minimum(u, BRIGHTEST) * np.float32(1 / BRIGHTEST)) * np.float32(COLUMNS - 1)
    index = np.minimum(place.astype(np.int32), COLUMNS - 2)
    place -= index
    found = curve.values[index]
    found += place * (curve.values[index + 1] - found)
    bright = u > BRIGHTEST
    if bright.any():
        found[bright] = closed_form_bias(u[bright], curve.ratio)
    return found


def columns() -> Numbers:
    """The table's u, `(COLUMNS,)`."""
    return BRIGHTEST * np.linspace(0, 1, COLUMNS) ** 2


def rows() -> Numbers:
    """The table's r, `(ROWS,)`."""
    return NOISIEST * np.linspace(0, 1, ROWS) ** 2


@functools.cache
def bias_table(form: str = "hybrid") -> FloatArray:
    """The table, `(ROWS, COLUMNS)` float32."""
    with np.load(resource("noise", "vst-bias.npz"), allow_pickle=False) as file:
        table: FloatArray = file[form].astype(np.float32)
    table.flags.writeable = False
    return table
