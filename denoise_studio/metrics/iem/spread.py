"""How far the mean of a few draws may be off, told from many small parts of each.

Two draws alone say next to nothing of their own spread. But the sum over a picture is a sum over
blocks, far blocks are independent, and each block differs between the draws: many degrees of freedom.
"""

from typing import Any

import numpy as np
from scipy.stats import t as student

_BLOCK = 16
_MOST = 16
"""Blocks a side."""
_DEPENDABLE = 12
"""Degrees of freedom from which an sd counts."""


def block_sums(values: Any) -> Any:
    """Sums over blocks of the last two axes: `(b, b)`, b a power of two, 1 for small arrays."""
    height, width = values.shape[-2:] if values.ndim > 1 else (1, values.shape[-1])
    plane = values.reshape(-1, height, width).sum(axis=0)
    count = _MOST
    while count > 1 and min(height, width) < count * _BLOCK:
        count //= 2
    rows, columns = ([round(side * k / count) for k in range(count)] for side in (height, width))
    return np.add.reduceat(np.add.reduceat(plane, rows, axis=0), columns, axis=1)


def standard_error(sums: Any) -> tuple[float, float]:
    """Of the mean over draws of the sum over blocks.

    Blocks next to each other are not quite independent, so larger ones are tried too and the
    largest error counts, as long as it rests on enough of them.

    Args:
        sums: `(draws, b, b)` from `block_sums`.

    Returns:
        The standard error, infinite for a single draw, and how many of them make 95 %.
    """
    draws = len(sums)
    if draws < 2:
        return float("inf"), 1.0
    best = (0.0, 0.0)
    while True:
        freedom = sums[0].size * (draws - 1)
        error = float(np.sqrt(sums.var(axis=0, ddof=1).sum() / draws))
        if not best[1] or freedom >= _DEPENDABLE:
            best = max(best, (error, float(student.ppf(0.975, freedom))))
        if sums.shape[-1] == 1:
            return best
        sums = sums[:, ::2] + sums[:, 1::2]
        sums = sums[:, :, ::2] + sums[:, :, 1::2]
