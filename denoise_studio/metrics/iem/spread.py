"""How far the mean of a few draws may be off, told from many small parts of each.

Two draws alone say next to nothing of their own spread. But the sum over a picture is a sum over
blocks, far blocks are independent, and each block differs between the draws: many degrees of freedom.
"""

from typing import Any

import numpy as np
from scipy.special import stdtrit

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


def standard_error(sums: Any, shared: bool = False) -> tuple[float, float]:
    """Of the mean over draws of the sum over blocks.

    Blocks next to each other are not quite independent, so larger ones are tried too and the
    widest interval counts, of those that rest on enough.

    Args:
        sums: `(draws, b, b)` from `block_sums`.
        shared: whether all blocks share something drawn, so that few draws stay few.

    Returns:
        The standard error, infinite for a single draw, and how many of them make 95 %.
    """
    draws = len(sums)
    if draws < 2:
        return float("inf"), 1.0
    best = (0.0, 1.0)
    first = True
    while True:
        variances = sums.var(axis=0, ddof=1)
        error = float(np.sqrt(variances.sum() / draws))
        freedom = _freedom(variances, draws - 1)
        believed = float(stdtrit(freedom, 0.975))
        last = sums.shape[-1] == 1
        counts = first or freedom >= _DEPENDABLE or (shared and last)
        if counts and error * believed > best[0] * best[1]:
            best = (error, believed)
        if last:
            return best
        first = False
        sums = sums[:, ::2] + sums[:, 1::2]
        sums = sums[:, :, ::2] + sums[:, :, 1::2]


def _freedom(variances: Any, each: int) -> float:
    """Degrees of freedom of a sum of variances of `each` degrees: few where few blocks make most of it.

    Satterthwaite (Biometrics Bulletin 2, 1946), with the squares of the estimated variances put
    right for their own spread: exact for one block and for many equal ones.
    """
    squares = float((variances**2).sum())
    if not squares:
        return float(each * variances.size)
    found = (each + 2) * float(variances.sum()) ** 2 / squares - 2
    return min(max(found, float(each)), float(each * variances.size))
