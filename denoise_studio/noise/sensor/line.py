"""The line Var = K (mean - black) + s^2 through the flat windows of one class of pixels.

A window's variance comes from `DIAGONALS` coefficients, so its own sd is known: windows are weighed by
it and those above the line by more than chance are left out, step by step (iteratively reweighted
least squares with a one-sided limit: texture only adds). Flat is judged by the bands that the
variance is not taken from.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from denoise_studio.noise.sensor.windows import DIAGONALS, SIDES, Windows

FEWEST = 12
"""Windows below which no line is fitted."""


class Limits(NamedTuple):
    """What counts as flat.

    Args:
        texture: largest texture, as a share of the line.
        above: sds that a window's variance may lie above the line.
    """

    texture: float
    above: float


NOISY = Limits(1 + 2.5 * math.sqrt(2 / SIDES), 3.0)
"""For windows whose texture holds the noise too."""
DENOISED = Limits(0.2, 4.0)
"""For windows whose texture is that of the denoised mosaic: at most a fifth of the noise."""

_ROUNDS = 12
_QUANTILES = np.arange(5, 101, 5)
_BINS = 1000


@dataclass(frozen=True, eq=False)
class Line:
    """A fitted line.

    Args:
        gain: K, DN; 0 or below where the fit failed.
        level: variance at black, DN^2; may come out negative.
        gain_error, level_error: their standard errors.
        covariance: of the two.
        used: `(N,)` which windows carry it.
        spread: root mean square of the used windows' distance from the line, in their own sds; about
            1 if nothing but noise is there.
        reach: range of mean - black that the used windows cover, in DN.
    """

    gain: float
    level: float
    gain_error: float
    level_error: float
    covariance: float
    used: Any
    spread: float
    reach: float


def fit_line(windows: Windows, limits: Limits = NOISY, level: float | None = None) -> Line | None:
    """The line through the windows that are flat; None if there are too few.

    Args:
        windows: their means in DN above black.
        limits: what counts as flat.
        level: the variance at black, if it is known; only the gain is fitted then.
    """
    if len(windows) < FEWEST:
        return None
    x = windows.mean.astype(np.float64)
    used = first_choice(windows, x)
    found: Line | None = None
    for _ in range(_ROUNDS):
        if used.sum() < FEWEST:
            return found
        found = _least_squares(x, windows.variance.astype(np.float64), used, level)
        again = _flat(windows, x, found, limits)
        if (again == used).all():
            break
        used = again
    return found


def first_choice(windows: Windows, x: Any) -> Any:
    """Which windows to begin with: the threshold on texture that YOND (3.1) takes.

    Over the percentiles q of the texture, the one with the least threshold / (q n), n being how many
    of 1000 classes of brightness are occupied: flat, but over a wide range of brightness.
    """
    texture = np.sqrt(windows.texture)
    limits = np.percentile(texture, _QUANTILES)
    low, high = float(x.min()), float(x.max())
    bins = np.minimum(((x - low) / max(high - low, 1e-9) * _BINS).astype(np.int64), _BINS - 1)
    best, chosen = math.inf, texture <= limits[-1]
    for quantile, limit in zip(_QUANTILES, limits, strict=True):
        kept = texture <= limit
        cost = limit / (quantile * max(len(np.unique(bins[kept])), 1))
        if cost < best:
            best, chosen = cost, kept
    return chosen


def _flat(windows: Windows, x: Any, line: Line, limits: Limits) -> Any:
    expected = np.maximum(line.gain * x + line.level, 1e-6)
    chance = math.sqrt(2 / DIAGONALS)
    return (windows.texture <= expected * limits.texture) & (
        windows.variance <= expected * (1 + limits.above * chance)
    )


def _least_squares(x: Any, y: Any, used: Any, level: float | None) -> Line:
    """Weighted by the line's own variances, which need a few turns to settle."""
    x, y = x[used], y[used]
    expected = np.full_like(y, max(float(np.median(y)), 1e-9))
    gain = offset = 0.0
    inverse = np.zeros((2, 2))
    for _ in range(4):
        weight = DIAGONALS / (2 * expected**2)
        if level is None:
            rows = np.stack([x, np.ones_like(x)], axis=1)
            normal = (rows * weight[:, None]).T @ rows
            inverse = np.linalg.pinv(normal, rcond=1e-14, hermitian=True)
            gain, offset = (float(v) for v in inverse @ ((rows * weight[:, None]).T @ y))
        else:
            power = float((weight * x * x).sum())
            gain, offset = float((weight * x * (y - level)).sum()) / max(power, 1e-30), level
            inverse = np.array([[1 / max(power, 1e-30), 0.0], [0.0, 0.0]])
        expected = np.maximum(gain * x + offset, 0.05 * np.median(y))
    residual = (y - gain * x - offset) / (expected * math.sqrt(2 / DIAGONALS))
    spread = float(np.sqrt((residual**2).mean()))
    inflate = max(1.0, spread)
    return Line(
        gain,
        offset,
        float(math.sqrt(inverse[0, 0])) * inflate,
        float(math.sqrt(inverse[1, 1])) * inflate,
        float(inverse[0, 1]) * inflate**2,
        used,
        spread,
        float(np.percentile(x, 97.5) - np.percentile(x, 2.5)),
    )
