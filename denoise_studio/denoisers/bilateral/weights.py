"""The weights of the filter at one pixel, written out in float64: for showing, not for filtering."""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.bilateral.window import radius


def weights_at(
    guide: Any,
    valid: Any,
    row: int,
    column: int,
    sigmas: tuple[float, float, float],
    window: int | None = None,
) -> FloatArray:
    """Shares of the neighbours in the result at one pixel.

    Args:
        guide: `(C, h, w)`, in which range distances are taken.
        valid: `(h, w)`, or None.
        row: of the pixel; the window must fit around it.
        column: likewise.
        sigmas: sigma_x, sigma_y and sigma_r at the pixel.
        window: radius of a square window; None for the ellipse of the pixel's own sigmas.

    Returns:
        `(2 ry + 1, 2 rx + 1)` float32, sum 1.
    """
    sx, sy, sr = sigmas
    rx, ry = (radius(sx), radius(sy)) if window is None else (window, window)
    area = slice(row - ry, row + ry + 1), slice(column - rx, column + rx + 1)
    dx, dy = np.arange(-rx, rx + 1.0)[None, :], np.arange(-ry, ry + 1.0)[:, None]
    around = guide[(slice(None), *area)].astype(np.float64)
    distance = np.square(around - around[:, ry, rx, None, None]).sum(axis=0)
    weights = np.exp(-(dx**2) / (2 * sx**2) - dy**2 / (2 * sy**2) - distance / (2 * sr**2))
    if window is None:
        weights[dx**2 * ry**2 + dy**2 * rx**2 > rx**2 * ry**2] = 0.0
    if valid is not None:
        weights[~valid[area]] = 0.0
    weights[ry, rx] = 1.0
    shares: FloatArray = (weights / weights.sum()).astype(np.float32)
    return shares
