"""The distribution of a pixel's own read noise, as if the file had not rounded it.

A stored value says only between which two values the noise lay: within half a step around it. The
shading, row and column noise shift these limits from pixel to pixel. So pixels are counted by where
their limits lie ("phase"): the counts of one phase tell the distribution function exactly at its
limits, and all phases together tell it every sixteenth of a step.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.tukey import Measured, Tukey, quantile, unit_variance

PHASES = 16
LEVELS = 1025
"""Quantiles that a profile keeps."""
_WIDEST_SDS, _WIDEST_STEPS = 40, 32
_FINE = 16
"""Cells an sd, for values that nobody rounded."""
_LEAST = 1e-9
"""Probability that no cell goes below: one damaged pixel must not decide lambda."""


class Cells:
    """Counts of noise values by the cell that they lie in.

    Args:
        step: DN between two values of the file; 0 if they are not rounded.
        sd: about the noise's, DN; decides how far the cells reach.
        stretch: by which values are widened: what subtracting a mean that they are part of took away.
    """

    def __init__(self, step: float, sd: float, stretch: float = 1.0) -> None:
        self.phases = PHASES if step else 1
        self.step = (step or sd / _FINE) * stretch
        self._stretch = np.float32(stretch)
        self._half = math.ceil(max(_WIDEST_SDS * sd / self.step, _WIDEST_STEPS))
        self.counts = np.zeros((self.phases, 2 * self._half), np.int64)

    def add(self, values: FloatArray) -> None:
        """Count values in DN, of any shape."""
        fine = np.floor(values.ravel() * np.float32(self.phases * self._stretch / self.step))
        top = self.counts.size - 1
        index = np.clip(fine + self._half * self.phases, 0, top).astype(np.int64)
        counted = np.bincount(index, minlength=top + 1)
        self.counts += counted.reshape(2 * self._half, self.phases).T

    @property
    def size(self) -> int:
        return int(self.counts.sum())

    def edges(self) -> Any:
        """Limits of the cells in DN, `(phases, cells + 1)`."""
        phase = (np.arange(self.phases)[:, None] + 0.5) / self.phases
        return (np.arange(2 * self._half + 1) - self._half + phase - 0.5) * self.step


@dataclass(frozen=True)
class TukeyFit:
    """A Tukey lambda distribution fitted to cells.

    Args:
        noise: scale and lambda.
        shape_error: standard error of lambda.
        scale_error: of the scale, DN.
    """

    noise: Tukey
    shape_error: float
    scale_error: float


def fit_tukey(cells: Cells) -> TukeyFit:
    """The most likely scale and lambda; ELD's probability plot would take rounding for noise."""
    from scipy.optimize import minimize

    where = np.nonzero(cells.counts)
    counts = cells.counts[where]
    edges = cells.edges()
    low, high = edges[where], edges[where[0], where[1] + 1]
    centres = (low + high) / 2
    middle = float(np.average(centres, weights=counts))
    sd = math.sqrt(float(np.average(np.square(centres - middle), weights=counts)))

    def unlikely(point: Any) -> float:
        shape, log_scale, shift = point
        if not -0.49 < shape < 2:
            return math.inf
        scale = math.exp(log_scale)
        inside = _between((low - shift * sd) / scale, (high - shift * sd) / scale, shape)
        return -float((counts * np.log(np.maximum(inside, _LEAST))).sum())

    start = np.array([0.05, math.log(sd / math.sqrt(unit_variance(0.05))), middle / sd])
    simplex = start + np.vstack([np.zeros(3), np.diag([0.1, 0.1, 0.02])])
    found = minimize(
        unlikely,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-4, "fatol": 1e-2, "maxiter": 400},
    )
    shape, log_scale, _ = (float(value) for value in found.x)
    shape_error, log_error = _errors(unlikely, found.x)
    scale = math.exp(log_scale)
    return TukeyFit(Tukey(scale, shape), shape_error, scale * log_error)


def measured(cells: Cells) -> Measured:
    """The quantiles, closest to each other where the noise is rarest: at equal steps of a normal's.

    Between two limits the distribution is taken to be as a normal one's would.
    """
    from scipy.special import ndtr, ndtri

    positions, levels = _distribution(cells)
    reach = -float(ndtri(0.5 / cells.size))
    ends = _ends(cells)
    inside = (levels > 0.25 / cells.size) & (levels < 1 - 0.25 / cells.size)
    normal = np.concatenate([[-reach], ndtri(levels[inside]), [reach]])
    at = np.concatenate([[ends[0]], np.clip(positions[inside], *ends), [ends[1]]])
    wanted = np.linspace(-reach, reach, LEVELS)
    values = np.interp(wanted, np.maximum.accumulate(normal), at)
    probabilities = ndtr(wanted)
    probabilities[0], probabilities[-1] = 0.0, 1.0
    return Measured(probabilities, np.maximum.accumulate(values))


def _distribution(cells: Cells) -> tuple[Any, Any]:
    """Positions and the distribution function there, from all phases, made monotone."""
    from scipy.optimize import isotonic_regression

    total = cells.counts.sum(axis=1)
    filled = total > 0
    below = np.cumsum(cells.counts[filled], axis=1)[:, :-1] / total[filled, None]
    positions = cells.edges()[filled, 1:-1]
    weights = np.broadcast_to(total[filled, None], below.shape)
    order = np.argsort(positions, axis=None, kind="stable")
    fitted = isotonic_regression(below.ravel()[order], weights=weights.ravel()[order]).x
    return positions.ravel()[order], np.clip(fitted, 0, 1)


def _ends(cells: Cells) -> tuple[float, float]:
    """Centres of the lowest and highest cell that holds a value, DN."""
    edges = cells.edges()
    centres = (edges[:, :-1] + edges[:, 1:])[cells.counts > 0] / 2
    return float(centres.min()), float(centres.max())


def _between(low: Any, high: Any, shape: float) -> Any:
    """Probability between two limits in units of the scale."""
    # Both on the side where probabilities are small: there they keep their precision.
    mirrored = low > 0
    a, b = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    logits = np.linspace(-30, 0, 3001)
    known = quantile(1 / (1 + np.exp(-logits)), shape)
    lower, upper = (_below(np.where(mirrored, side, np.minimum(side, 0)), known, logits) for side in (a, b))
    across = ~mirrored & (b > 0)
    return np.where(across, 1 - _below(-np.abs(b), known, logits) - _below(a, known, logits), upper - lower)


def _below(values: Any, known: Any, logits: Any) -> Any:
    """Distribution function at values <= 0."""
    inside = 1 / (1 + np.exp(-np.interp(values, known, logits)))
    return np.where(values < known[0], 0.0, inside)


def _errors(unlikely: Any, best: Any) -> tuple[float, float]:
    """Standard errors of lambda and log scale from the curvature of the log-likelihood."""
    steps = np.array([2e-3, 2e-3, 2e-3])
    size = len(best)
    curvature = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            di, dj = np.eye(size)[i] * steps[i], np.eye(size)[j] * steps[j]
            corners = (unlikely(best + a * di + b * dj) * a * b for a in (1, -1) for b in (1, -1))
            curvature[i, j] = sum(corners) / (4 * steps[i] * steps[j])
    try:
        variance = np.diag(np.linalg.inv(curvature))
    except np.linalg.LinAlgError:
        return math.inf, math.inf
    if not (np.isfinite(variance).all() and (variance > 0).all()):
        return math.inf, math.inf
    return math.sqrt(variance[0]), math.sqrt(variance[1])
