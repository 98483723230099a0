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


_ERROR, _CORRELATED_ERROR = 0.138, 0.23
"""Relative errors at even odds, white and correlated: 1.96 times what follows holds 95 % of 893 and 885
readings of 150 and 50 photographs (`docs/risk.md`), none of Set12 or BSD68."""

KERNEL_ERROR = 0.09
"""Relative standard error of how much correlated noise a filter lets through, by the estimated correlation:
with the error of sigma it holds 96 % of 430 results of blurred noise on 24 photographs (as above)."""


def relative_error(confidence: float, correlated: bool) -> float:
    """Relative standard error of a sd that was read with this confidence, at most 1.

    Errors of sigma shrink with the root of the odds: the logistic score is about minus twice the
    logarithm of what they are made of.
    """
    if confidence <= 0:
        return 1.0
    even = _CORRELATED_ERROR if correlated else _ERROR
    return min(1.0, even * math.sqrt((1.0 - confidence) / confidence))
