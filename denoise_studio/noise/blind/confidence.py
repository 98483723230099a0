"""How far a number can be trusted."""

import math

import numpy as np

from denoise_studio.noise.blind.curve import Curve
from denoise_studio.noise.blind.levels import Level

_CONSTANT, _CORRELATED, _TEXTURE, _CHANCE = -5.0, -1.9, -1.75, -1.0
"""Logistic regression over 1,100 readings with known truth: crops, photographs and CT slices with white,
blurred, demosaiced and Poisson noise, and camera pairs; none of Set12 or BSD68."""


def confidence(level: Level, curve: Curve, correlated: bool) -> float:
    """About the probability that sigma is within 15 % of the truth.

    Args:
        level: read over the whole channel.
        curve: read in classes of brightness.
        correlated: whether the noise is.
    """
    if level.variance <= 0:
        return 0.0
    chance = 1.0 / math.sqrt(2.0 * max(level.freedom * level.count, 1.0))
    texture = float(np.median(curve.errors))
    score = _CONSTANT + _CORRELATED * correlated + _TEXTURE * math.log(texture) + _CHANCE * math.log(chance)
    return 1.0 / (1.0 + math.exp(-score))
