"""How sure an estimate of a sensor's noise is.

The standard errors of the line say what chance does; what texture does shows in how far the flat
windows lie from the line, and in how much of the brightness they cover. Calibrated on synthetic
mosaics of known noise (`benchmarks/raw_noise.py`).
"""

import math

from denoise_studio.noise.sensor.line import Line

WITHIN = 0.15
"""Relative error that counts as right."""
_SYSTEMATIC = {"coarse": 0.05, "fine": 0.035}
"""sd of the relative error of the gain that more windows would not lessen."""
_NORMAL_SPREAD = 1.2
_FEW = 24.0


def confidence(line: Line, gain_error: float, read_error: float, stage: str) -> float:
    """About the probability that gain and read noise are both within `WITHIN` of the truth, 0..1."""
    texture = max(0.0, line.spread - _NORMAL_SPREAD) * 0.5
    few = 0.3 * math.exp(-float(line.used.sum()) / _FEW)
    base = math.hypot(_SYSTEMATIC.get(stage, 0.05), texture, few)
    return _within(math.hypot(gain_error, base)) * _within(math.hypot(read_error, base))


def _within(sd: float) -> float:
    return math.erf(WITHIN / (math.sqrt(2) * max(sd, 1e-6)))
