"""The metric between pictures that are all but equal: a quadratic form at one picture.

    IEM^2(x, x + e) ~ e^T G(x) e,   G(x) = int_0^Gamma gamma^2 E [(Hess log p(y_gamma))^2] dgamma

(arXiv 2510.02514). e^T G e is the integral of E |J e|^2 dgamma with J the Jacobian of x - xhat in x,
here by central differences with the same noise on both sides.
"""

import math
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.metrics.iem.integrate import Denoise, Integrator, Span

_STEP = 0.01
"""Size of the step to either side (root mean square), in the prior's unit: far above rounding, far
below what makes a picture another one."""
_PEAK = 0.1
"""Most that any sample may move, for directions of few pixels."""


def step_along(direction: Any) -> float:
    """What to multiply a direction by, in the prior's unit, for a step to either side.

    Raises:
        MeasureError: the direction is zero, or not finite.
    """
    values = np.asarray(direction, np.float64)
    size, peak = float(np.sqrt(np.mean(values**2))), float(np.abs(values).max())
    if not (math.isfinite(size) and size > 0):
        raise MeasureError("A direction needs values that are finite and not all zero.")
    return min(_STEP / size, _PEAK / peak)


def local_integrator(
    x: Any, direction: Any, denoise: Denoise, span: Span, **choices: Any
) -> tuple[Integrator, float]:
    """What evaluates e^T G(x) e, and what its squared value has to be multiplied by.

    Args:
        x: the picture, in the prior's unit.
        direction: e, of the same shape, not all zero.
        denoise: posterior means under the prior.
        span: noise levels.
        choices: for the `Integrator`.
    """
    size = step_along(direction)
    away = np.asarray(size * direction, np.result_type(x, np.float32))
    return Integrator(x + away, x - away, denoise, span, **choices), 1 / (2 * size) ** 2
