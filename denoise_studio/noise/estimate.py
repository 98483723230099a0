"""How noisy a picture is: one number for defaults and ticks.

The median of absolute diagonal second differences, scaled for Gaussian noise (the Haar
diagonal band of Donoho and Johnstone, Biometrika 1994). Between neighbours it assumes white
noise and reads low where noise is correlated, as reconstruction makes it in scans; there the
difference is taken over three pixels, beyond most of the correlation, and in CT only within
soft tissue, because air has less noise than the body.
"""

from typing import Any

import numpy as np

from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.types import FloatArray

_MAD_TO_SD = 1.4826022185056018
_ROWS = 32
_LARGEST = 4_000_000
"""More pixels than this do not make the median better; whole rows are skipped instead."""

_SCAN_LAG = 3
_SOFT_TISSUE = (-300.0, 300.0)
"""HU between which a block counts as soft tissue or fat."""
_ENOUGH = 1000
"""Blocks of soft tissue below which all of a CT slice is taken."""


def noise_sd(picture: Picture) -> float:
    """Standard deviation of the noise in the picture's unit, over all channels; 0 if it has none.

    Padding is left out, and so are blocks whose four corners are equal (clipped or synthetic
    areas) as long as others remain.
    """
    lag = _SCAN_LAG if picture.kind in (Kind.CT, Kind.MR) else 1
    if min(picture.width, picture.height) <= 4 * lag:
        lag = 1
    if picture.kind is Kind.CT:
        values = _all_differences(picture, lag, _SOFT_TISSUE)
        if values.size >= _ENOUGH:
            return _sd(values)
    return _sd(_all_differences(picture, lag, None))


def _sd(differences: FloatArray) -> float:
    return float(np.median(differences, overwrite_input=True) * _MAD_TO_SD) if differences.size else 0.0


def _all_differences(picture: Picture, lag: int, between: tuple[float, float] | None) -> FloatArray:
    step = max(1, round(picture.width * picture.height / _LARGEST))
    rows = np.arange(0, max(picture.height - lag, 0), step)
    if rows.size == 0 or picture.width <= lag:
        return np.empty(0, np.float32)
    # Some rows at a time: the differences of a whole picture would need several times its memory.
    values = np.empty(picture.channels * rows.size * (picture.width - lag), np.float32)
    count = 0
    for start in range(0, rows.size, _ROWS):
        part = _differences(picture, rows[start : start + _ROWS], lag, between)
        values[count : count + part.size] = part
        count += part.size
    return values[:count]


def _differences(picture: Picture, rows: Any, lag: int, between: tuple[float, float] | None) -> FloatArray:
    """Absolute diagonal second differences of all channels below these rows, flat blocks left out."""
    top, bottom = picture.pixels[:, rows], picture.pixels[:, rows + lag]
    corners = (top[..., :-lag], top[..., lag:], bottom[..., :-lag], bottom[..., lag:])
    diagonal = (corners[0] - corners[1] - corners[2] + corners[3]) / 2
    keep = (corners[0] != corners[1]) | (corners[2] != corners[3]) | (corners[0] != corners[2])
    if picture.padding is not None:
        bad = picture.padding[rows] | picture.padding[rows + lag]
        keep &= ~(bad[:, :-lag] | bad[:, lag:])[None]
    if between is not None:
        for corner in corners:
            keep &= (corner > between[0]) & (corner < between[1])
    return np.asarray(np.abs(diagonal[keep]))
