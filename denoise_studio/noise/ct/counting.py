"""Mean and variance of the logarithm of a detector's counts, exact down to starved detectors.

To first order the logarithm of a count of mean m and variance v has the variance v / m^2 and is
too large by v / (2 m^2). Below some tens of photons neither is true any more, and a scanner that
took it for true would show the middle of a large patient too high or too low. So both are summed
over the whole distribution: Poisson counts, normal read-out noise, and a floor under what the
logarithm is taken of.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

FLOOR = 1.0
"""Counts below one photon are taken for one: the logarithm needs something above zero."""
_LARGE = 400.0
"""From this mean on the series hold (to a thousandth of the variance)."""
_SDS = 30.0
"""... and from so many sds of the read-out on."""
_LEAST = 1e-4
_STEPS = 640
_NODES = np.linspace(-6.0, 6.0, 241)
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
LARGEST_SD = 200.0
"""Of the read-out, in photons, for which the sums stay small."""


class Moments(NamedTuple):
    """Of the error of a line integral, -log(measured / mean): both `float64`, the shape of the means."""

    mean: Any
    variance: Any


def log_moments(counts: Any, electronic: float) -> Moments:
    """Moments of -log(max(measured, 1) / counts).

    Args:
        counts: mean counts, any shape, not below 0.
        electronic: sd of the read-out in photons, 0 to 200.
    """
    grid, mean, variance = _table(float(electronic))
    counts = np.maximum(np.asarray(counts, np.float64), _LEAST)
    series = _series(counts, electronic)
    place = np.log(np.minimum(counts, grid[-1]))
    small = counts < grid[-1]
    steps = np.log(grid)
    return Moments(
        np.where(small, np.interp(place, steps, mean), series.mean),
        np.where(small, np.interp(place, steps, variance), series.variance),
    )


def _series(counts: Any, electronic: float) -> Moments:
    """For small relative errors e, -log(1 + e) = -e + e^2/2 - e^3/3 + e^4/4, term by term."""
    second = (counts + electronic**2) / counts**2
    third = 1 / counts**2
    fourth = 3 * second**2
    mean = second / 2 - third / 3 + fourth / 4
    variance = second - third + (fourth - second**2) / 4 + 2 / 3 * fourth
    return Moments(mean, variance)


@functools.lru_cache(maxsize=16)
def _table(electronic: float) -> tuple[Any, Any, Any]:
    """Means, and the moments at them, by summing over all counts."""
    top = max(_LARGE, _SDS * electronic)
    grid = np.geomspace(_LEAST, top, _STEPS)
    most = math.ceil(top + 9 * math.sqrt(top)) + 1
    counts = np.arange(most)
    measured = np.maximum(counts[:, None] + electronic * _NODES, FLOOR)
    logs = np.log(measured)
    first, second = logs @ _WEIGHTS, logs**2 @ _WEIGHTS
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most)))])
    chance = np.exp(counts * np.log(grid)[:, None] - grid[:, None] - factorials)
    chance /= chance.sum(axis=1, keepdims=True)
    mean = chance @ first
    return grid, np.log(grid) - mean, np.maximum(chance @ second - mean**2, 0.0)
