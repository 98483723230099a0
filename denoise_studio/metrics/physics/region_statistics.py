"""What a region holds: mean, spread, ends and percentiles, with its area."""

import math
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.metrics.physics.pitch import Doubles, Pitch, grey
from denoise_studio.metrics.statistics import moments

PERCENTILES = (5, 25, 50, 75, 95)
_ENOUGH_BLOCKS = 8
_ROUNDING = 1e-4
"""Of the limit: what single precision makes of a value that was moved by just as much."""
_ERRORS = 2.0
"""Standard errors that a mean must have moved by: less may be chance."""


@dataclass(frozen=True)
class RegionStatistics:
    """Numbers of one region of one picture, in the picture's unit.

    Args:
        pixels: positions that count.
        area: of those pixels, in mm² (px² where the spacing is not known).
        mean: over all channels.
        sd: the population's, as everywhere in the program.
        minimum: smallest value.
        maximum: largest value.
        percentiles: at `PERCENTILES`, between samples by straight lines.
    """

    pixels: int
    area: float
    mean: float
    sd: float
    minimum: float
    maximum: float
    percentiles: tuple[float, ...]


def region_statistics(pixels: FloatArray, inside: BoolArray, pitch: Pitch) -> RegionStatistics:
    """Measure one region.

    Args:
        pixels: `(C, h, w)` or `(h, w)`.
        inside: `(h, w)`, True where a pixel counts: in the region and no padding.
        pitch: of the pixels.

    Raises:
        MeasureError: no pixel counts.
    """
    found = moments(pixels, valid=inside)
    positions = int(np.count_nonzero(inside))
    ranks = np.percentile(pixels[..., inside].astype(np.float64), PERCENTILES)
    return RegionStatistics(
        positions,
        positions * pitch.pixel_area,
        found.mean,
        found.sd,
        found.minimum,
        found.maximum,
        tuple(float(rank) for rank in ranks),
    )


def mean_change(
    before: FloatArray, after: FloatArray, inside: BoolArray, block: int = 8
) -> tuple[float, float]:
    """How far a region's mean moved, and the standard error of that.

    What a filter takes away is correlated from pixel to pixel, so sd / √n would be far too small. The
    error comes from means of blocks instead, which are nearly independent (the method of batch means).

    Args:
        before: `(C, h, w)` or `(h, w)`.
        after: the same shape.
        inside: `(h, w)`, True where a pixel counts.
        block: side of the blocks in pixels.

    Returns:
        The mean of after - before, and its standard error; infinite where fewer than four blocks hold pixels.

    Raises:
        MeasureError: no pixel counts.
    """
    if not inside.any():
        raise MeasureError("There is no pixel to measure (all are padding).")
    change = grey(after) - grey(before)
    weights = _blocks(inside.astype(np.float64), block)
    sums = _blocks(np.where(inside, change, 0.0), block)
    total = weights.sum()
    mean = float(sums.sum() / total)
    held = weights > 0
    blocks = int(np.count_nonzero(held))
    if blocks < 4:
        return mean, float("inf")
    # Blocks at the rim hold fewer pixels: a weighted mean's error (ratio estimator).
    spread = (sums[held] - mean * weights[held]) ** 2
    error = float(np.sqrt(spread.sum() * blocks / (blocks - 1)) / total)
    return mean, min(error, _robust_error(sums, weights, block))


def _robust_error(sums: Doubles, weights: Doubles, block: int) -> float:
    """From the median of the blocks' deviations: a bone that the filter blurs is no noise of the mean."""
    full = weights >= 0.5 * block * block
    count = int(np.count_nonzero(full))
    if count < _ENOUGH_BLOCKS:
        return float("inf")
    means = sums[full] / weights[full]
    deviation = float(np.median(np.abs(means - np.median(means))))
    # 1.4826 makes an sd of it, the other factor corrects it for few values (Croux and Rousseeuw 1992).
    sd = 1.4826 * deviation * count / (count - 0.8)
    return sd * block / math.sqrt(float(weights.sum()))


def is_biased(amount: float, error: float, limit: float) -> bool:
    """Whether a mean moved by more than a limit, and by more than the noise that was taken away explains.

    Args:
        amount: as `mean_change` gives it.
        error: its standard error; where that is not known the limit alone counts.
        limit: in the same unit.
    """
    beyond = abs(amount) > limit * (1 + _ROUNDING)
    return beyond and (not math.isfinite(error) or abs(amount) > _ERRORS * error)


def _blocks(values: Doubles, side: int) -> Doubles:
    """Sums over blocks of `side` x `side`; the last ones may be smaller."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], side), axis=0)
    found: Doubles = np.add.reduceat(rows, np.arange(0, values.shape[1], side), axis=1)
    return found
