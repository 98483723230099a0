"""The window of the bilateral filter: a function of the centre pixel's own sigmas."""

from typing import Any

import numpy as np
import numpy.typing as npt

REACH = 2.0
"""Radius of the window in spatial sigmas; what lies beyond weighs less than exp(-2)."""

SLACK = 1e-6
"""Keeps ceil(2 * 1.5) at 3 when float32 has made 1.5 a hair larger."""


def radii(sigma: Any) -> npt.NDArray[np.int32]:
    """Window radius in pixels along an axis for every sigma, in float32 as the kernels reckon it."""
    wide = np.float32(REACH) * np.asarray(sigma, np.float32) - np.float32(SLACK)
    return np.maximum(np.ceil(wide), 0).astype(np.int32)


def radius(sigma: float) -> int:
    """The same for one sigma."""
    return int(radii(sigma))
