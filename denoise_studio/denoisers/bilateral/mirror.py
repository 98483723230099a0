"""Edges reflected about the outermost pixel (numpy's "reflect"): where margins come from and go back to."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from denoise_studio.core.types import FloatArray

_Scalar = TypeVar("_Scalar", bound=np.generic)
Origins = npt.NDArray[np.int64]
"""For every row (or column) of a tile with its margins: the picture's row it is a copy of."""


def origins(start: int, stop: int, size: int) -> Origins:
    """Where the indices `start` to `stop` come from in a picture that is `size` long.

    A picture shorter than the margin is mirrored as often as needed.
    """
    index = np.arange(start, stop)
    if size == 1:
        return np.zeros_like(index)
    index = np.abs(index) % (2 * (size - 1))
    return np.where(index >= size, 2 * (size - 1) - index, index)


def cut(array: npt.NDArray[_Scalar], rows: Origins, columns: Origins) -> npt.NDArray[_Scalar]:
    """These rows and columns of `(..., H, W)`, always a contiguous copy."""
    if _straight(rows) and _straight(columns):
        return array[..., rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    top = int(rows.min())
    part = np.take(array[..., top : int(rows.max()) + 1, :], rows - top, axis=-2)
    return np.ascontiguousarray(np.take(part, columns, axis=-1))


def _straight(index: Origins) -> bool:
    return bool(index[-1] - index[0] == len(index) - 1)


def fold(array: FloatArray, margin: int) -> FloatArray:
    """The adjoint of cutting a whole picture with this margin: margin pixels are added to their origins.

    Args:
        array: `(C, H + 2 margin, W + 2 margin)` float32.
        margin: pixels on every side.

    Returns:
        `(C, H, W)` float32.
    """
    height, width = array.shape[1] - 2 * margin, array.shape[2] - 2 * margin
    down = array[:, margin : margin + height].copy()
    for row, origin in _margins(margin, height):
        down[:, origin] += array[:, row]
    across = down[:, :, margin : margin + width].copy()
    for column, origin in _margins(margin, width):
        across[:, :, origin] += down[:, :, column]
    return across


def _margins(margin: int, size: int) -> list[tuple[int, int]]:
    """Index in the padded array and origin of everything in the two margins."""
    everything = list(enumerate(origins(-margin, size + margin, size).tolist()))
    return everything[:margin] + everything[margin + size :]
