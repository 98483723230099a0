"""How far a number can be trusted."""

import numpy as np

from denoise_studio.noise.blind.curve import Curve
from denoise_studio.noise.blind.levels import Level

_WITHIN = 0.15


def confidence(level: Level, curve: Curve) -> float:
    """About the probability that sigma is within 15 % of the truth."""
    error = float(np.median(curve.errors)) + 0.05 * np.log(max(level.excess, 1.0))
    return float(1.0 - np.exp(-((_WITHIN / max(error, 1e-6)) ** 2)))
