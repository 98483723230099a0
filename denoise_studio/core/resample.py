"""Values between the nodes of a coarse grid."""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray


def bilinear(grid: FloatArray, y: Any, x: Any) -> FloatArray:
    """A grid read at all pairs of rows and columns.

    Args:
        grid: `(..., gh, gw)` float32.
        y: `(h,)` rows in units of nodes; beyond the outermost node its value is taken.
        x: `(w,)` columns likewise.

    Returns:
        `(..., h, w)` float32.
    """
    rows, down = _between(y, grid.shape[-2])
    part = (
        grid[..., rows, :] * (1 - down)[:, None]
        + grid[..., np.minimum(rows + 1, grid.shape[-2] - 1), :] * down[:, None]
    )
    columns, right = _between(x, grid.shape[-1])
    result: FloatArray = part[..., columns] * (1 - right)
    result += part[..., np.minimum(columns + 1, grid.shape[-1] - 1)] * right
    return result


def _between(position: Any, size: int) -> tuple[Any, FloatArray]:
    """The node before each position, and how far it lies beyond that node, 0..1."""
    inside = np.clip(np.asarray(position, np.float64), 0, size - 1)
    before = np.floor(inside).astype(np.int64)
    return before, (inside - before).astype(np.float32)
