"""EXIF orientation: stored pixels to upright ones and back, without resampling."""

from typing import TypeVar

import numpy as np

from denoise_studio.core.types import AnyArray, BoolArray, FloatArray

Array = TypeVar("Array", AnyArray, FloatArray, BoolArray)

_INVERSE = {6: 8, 8: 6}


def upright(array: Array, orientation: int) -> Array:
    """Turn stored pixels (rows and columns last) upright; C-contiguous.

    The eight orientations are those of EXIF 2.32, tag 0x0112: 2 mirrored, 3 turned by 180
    degrees, 4 upside down, 5 transposed, 6 to be turned clockwise, 7 transposed along the other
    diagonal, 8 to be turned anticlockwise. Any other number means 1.
    """
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, -1, -2)
    return np.ascontiguousarray(array[..., rows, columns])


def as_stored(array: Array, orientation: int) -> Array:
    """The inverse of `upright`."""
    return upright(array, _INVERSE.get(orientation, orientation))
