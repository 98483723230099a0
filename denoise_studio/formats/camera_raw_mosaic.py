"""The mosaic of a raw file as LibRaw tells it: who saw which colour, black, white, the camera's colours."""

import math
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.mosaic import COLOURS, CameraColour, Pattern, Photosite
from denoise_studio.core.types import AnyArray, FloatArray
from denoise_studio.formats.dng_fields import Levels
from denoise_studio.formats.orientation import upright

_XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""IEC 61966-2-1, D65."""
_PILE = 1e-4
"""Share of a class's pixels at its very largest value from which that is where the sensor saturates."""


def sites_of(
    raw: Any, visible: AnyArray, levels: Levels = ()
) -> tuple[AnyArray, tuple[Photosite, ...], tuple[str, ...]]:
    """The pattern of the stored layout as `(rows, columns)` indices, its classes, and notes.

    Args:
        raw: rawpy's, unpacked.
        visible: the pixels that saw light, in DN, as stored.
        levels: what a DNG itself says of black, see `RawTags.black`.

    Raises:
        FormatError: the file does not say which pixel saw which colour.
    """
    sizes = raw.sizes
    period = 6 if _is_six(raw) else 2
    top, left = int(sizes.top_margin), int(sizes.left_margin)
    codes = np.array([[raw.raw_color(top + y, left + x) for x in range(period)] for y in range(period)])
    if codes.max() > 3:
        raise FormatError("The file does not say which pixel saw which colour.")
    present = sorted({int(code) for code in codes.ravel()}, key=lambda code: (0, 1, 3, 2)[code])
    colours = [1 if code == 3 else code for code in present]
    top_value = float(raw.white_level)
    sites = []
    notes: tuple[str, ...] = ()
    index = np.zeros_like(codes)
    black = _black(raw, codes, levels)
    for number, (code, colour) in enumerate(zip(present, colours, strict=True)):
        index[codes == code] = number
        values = visible[_places(codes == code)]
        white = _saturation(values, float(black[code]), top_value)
        name = {1: "G1", 3: "G2"}.get(code, COLOURS[colour]) if len(present) == 4 else COLOURS[colour]
        sites.append(Photosite(name, colour, float(black[code]), white))
    if all(site.black == 0 for site in sites):
        notes += ("The black level is 0: it was taken off in the camera, or the file does not tell it.",)
    if all(float(visible.min()) >= site.white for site in sites):
        notes += ("Every pixel is at the white level: nothing of the picture is left.",)
    return index, tuple(sites), notes


def _black(raw: Any, codes: AnyArray, levels: Levels) -> dict[int, float]:
    """Black level in DN by LibRaw's number of a colour.

    LibRaw cuts the parts of a DN off, and of a pattern larger than 2 x 2 it tells the lowest level
    only; what the file says is taken where that explains LibRaw's.
    """
    told = {code: float(raw.black_level_per_channel[code]) for code in map(int, np.unique(codes))}
    if not levels:
        return told
    table = np.asarray(levels)
    rows, columns = (math.lcm(a, b) for a, b in zip(table.shape, codes.shape, strict=True))
    y, x = np.arange(rows)[:, None], np.arange(columns)[None]
    at = table[(y + int(raw.sizes.top_margin)) % len(table), (x + int(raw.sizes.left_margin)) % len(table[0])]
    spread = codes[y % len(codes), x % len(codes[0])]
    exact = {code: _mean(at[spread == code]) for code in told}
    small = codes.shape == (2, 2) and max(table.shape) <= 2
    pairs = [(exact[c], told[c]) for c in told] if small else [(float(at.min()), min(told.values()))]
    return exact if all(0 <= own - cut < 1 for own, cut in pairs) else told


def _mean(levels: AnyArray) -> float:
    """Without rounding where all are the same."""
    low, high = float(levels.min()), float(levels.max())
    return low if low == high else float(levels.mean())


def _places(where: AnyArray) -> Any:
    """A slice for the first of these places in the pattern: enough pixels to find the largest value."""
    y, x = (int(axis[0]) for axis in np.nonzero(where))
    rows, columns = where.shape
    return slice(y, None, rows), slice(x, None, columns)


def _saturation(values: AnyArray, black: float, white: float) -> float:
    """Where this class saturates: the white level, or a lower value at which many pixels pile up."""
    top = int(values.max())
    if not (black + white) / 2 < top < white:
        return white
    return float(top) if np.count_nonzero(values == top) > max(_PILE * values.size, 8) else white


def _is_six(raw: Any) -> bool:
    pattern = raw.raw_pattern
    return pattern is None or pattern.shape == (6, 6)


def pattern_of(index: AnyArray, shape: tuple[int, ...], orientation: int) -> Pattern:
    """The pattern of the upright picture: turned with the pixels."""
    rows, columns = index.shape
    small = np.tile(index, (2, 2))[: rows + shape[0] % rows, : columns + shape[1] % columns]
    turned = upright(small, orientation)[: len(index), : len(index)]
    return tuple(tuple(int(value) for value in row) for row in turned)


def colour_of(raw: Any) -> CameraColour:
    """White balance as shot (daylight's where the file has none) and the matrices of the camera."""
    balance = np.array(raw.camera_whitebalance[:3], np.float64)
    if not (balance > 0).all() or (balance == balance[0]).all():
        daylight = np.array(raw.daylight_whitebalance[:3], np.float64)
        balance = daylight if (daylight > 0).all() else np.ones(3)
    balance /= balance[1]
    red, green, blue = (float(value) for value in balance)
    given = np.array(raw.rgb_xyz_matrix, np.float64)[:3]
    if given.any():
        camera = given @ _XYZ_FROM_SRGB
        camera /= camera.sum(axis=1, keepdims=True)
        return CameraColour((red, green, blue), _matrix(np.linalg.inv(camera)), given.astype(np.float32))
    matrix = np.array(raw.color_matrix, np.float64)[:3, :3]
    if matrix.any():
        return CameraColour((red, green, blue), _matrix(matrix), None)
    return CameraColour((red, green, blue))


def _matrix(values: Any) -> FloatArray:
    """Rows that sum to 1: white stays white."""
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
