"""Edges reflected about the outermost pixel (numpy's "reflect"): where margins come from and go back to."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from denoise_studio.core.geometry import reflect
from denoise_studio.core.types import FloatArray

_Scalar = TypeVar("_Scalar", bound=np.generic)
Origins = npt.NDArray[np.int64]
"""For every row (or column) of a tile with its margins: the picture's row it is a copy of."""


def origins(start: int, stop: int, size: int) -> Origins:
    """Where the indices `start` to `stop` come from in a picture that is `size` long.

    A picture shorter than the margin is mirrored as often as needed.
    """
    return reflect(np.arange(start, stop), size)


def cut(array: npt.NDArray[_Scalar], rows: Origins, columns: Origins) -> npt.NDArray[_Scalar]:
    """These rows and columns of `(..., H, W)`, from `origins`; always a contiguous copy."""
    first, last = _straight(rows)
    whole = array[..., rows[first] : rows[last - 1] + 1, :]
    if last - first < len(rows):
        whole = np.take(array, rows, axis=-2)
    first, last = _straight(columns)
    out = np.empty((*whole.shape[:-1], len(columns)), array.dtype)
    out[..., first:last] = whole[..., columns[first] : columns[last - 1] + 1]
    for margin in (slice(0, first), slice(last, None)):
        out[..., margin] = whole[..., columns[margin]]
    return out


def _straight(index: Origins) -> tuple[int, int]:
    """Where the first longest run of neighbours in ascending order begins and ends."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    edges = np.concatenate([[0], breaks, [len(index)]])
    longest = int(np.argmax(np.diff(edges)))
    return int(edges[longest]), int(edges[longest + 1])


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
