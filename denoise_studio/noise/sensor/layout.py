"""Pictures are upright; a sensor reads its rows as the file stores them. From one to the other.

The eight orientations are EXIF's (2.32, tag 0x0112), as of `Picture.orientation`. From 5 on, rows of
the sensor are columns of the picture.
"""

from typing import TypeVar

import numpy as np

from denoise_studio.core.mosaic import Mosaic, Pattern
from denoise_studio.core.types import AnyArray, BoolArray, FloatArray

Array = TypeVar("Array", AnyArray, FloatArray, BoolArray)

_TURNED = (5, 6, 7, 8)
_INVERSE = {6: 8, 8: 6}


def row_axis(orientation: int) -> int:
    """Axis of an upright array along which the sensor's rows follow each other."""
    return 1 if orientation in _TURNED else 0


def as_read(array: Array, orientation: int) -> Array:
    """An upright array (rows and columns last) as the sensor read it; a view."""
    return _turned(array, _INVERSE.get(orientation, orientation))


def as_shown(array: Array, orientation: int) -> Array:
    """The inverse of `as_read`; a view."""
    return _turned(array, orientation)


def _turned(array: Array, orientation: int) -> Array:
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    if orientation in _TURNED:
        array = np.swapaxes(array, -1, -2)
    return array[..., rows, columns]


def pattern_as_read(mosaic: Mosaic, height: int, width: int, orientation: int) -> Pattern:
    """The mosaic's pattern from the sensor's first pixel on, for an upright picture of this size."""
    rows, columns = mosaic.period
    # Two periods and the picture's remainder: turning it begins at the same corner as turning all.
    small = np.tile(np.asarray(mosaic.pattern), (2, 2))[: rows + height % rows, : columns + width % columns]
    turned = as_read(small, orientation)
    period = (columns, rows) if orientation in _TURNED else (rows, columns)
    return tuple(tuple(int(value) for value in row[: period[1]]) for row in turned[: period[0]])
