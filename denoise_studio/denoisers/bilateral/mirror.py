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
    """These rows and columns of `(..., H, W)`, always a contiguous copy."""
    down, across = _run(rows), _run(columns)
    result = np.empty((*array.shape[:-2], len(rows), len(columns)), array.dtype)
    # Most of it is one straight piece, copied as such; indexing every pixel would take three times as long.
    straight = array[..., rows[down.start] : rows[down.stop - 1] + 1, :]
    result[..., down, across] = straight[..., columns[across.start] : columns[across.stop - 1] + 1]
    for part in _around(across, len(columns)):
        result[..., down, part] = straight[..., columns[part]]
    for part in _around(down, len(rows)):
        result[..., part, :] = np.take(np.take(array, rows[part], axis=-2), columns, axis=-1)
    return result


def _run(index: Origins) -> slice:
    """The first piece of an index that goes up in steps of one (one entry long if there is none)."""
    steps = np.diff(index) == 1
    start = int(np.argmax(steps)) if steps.any() else 0
    rest = steps[start:]
    length = len(rest) if rest.all() else int(np.argmin(rest))
    return slice(start, start + length + 1)


def _around(run: slice, size: int) -> list[slice]:
    """What lies before and after it."""
    return [part for part in (slice(0, run.start), slice(run.stop, size)) if part.start < part.stop]


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
