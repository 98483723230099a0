"""Brightness and two colour differences: an orthonormal basis in which white noise stays white."""

from typing import Any

import numpy as np

BASIS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Rows: the sum of red, green and blue, red less blue, and green against both."""


def to_opponent(pixels: Any, axis: int) -> Any:
    """Colour channels along an axis, 3 or 1 (which stays), in the new basis; the type is kept."""
    return _times(BASIS, pixels, axis)


def from_opponent(pixels: Any, axis: int) -> Any:
    """Back again."""
    return _times(BASIS.T, pixels, axis)


def _times(matrix: Any, pixels: Any, axis: int) -> Any:
    if pixels.shape[axis] == 1:
        return pixels
    return np.moveaxis(np.tensordot(matrix.astype(pixels.dtype), pixels, (1, axis)), 0, axis)
