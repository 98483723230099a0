"""The metric between pictures that are all but equal: a quadratic form at one picture.

    IEM^2(x, x + e) ~ e^T G(x) e,   G(x) = int_0^Gamma gamma^2 E [(Hess log p(y_gamma))^2] dgamma

(arXiv 2510.02514). e^T G e is the integral of E |J e|^2 dgamma with J the Jacobian of x - xhat in x,
here by central differences with the same noise on both sides.
"""

from typing import Any

import numpy as np

from denoise_studio.metrics.iem.integrate import Denoise, Integrator, Span

STEP = 0.01
"""Size of the step to either side (root mean square), in the prior's unit: far above rounding, far
below what makes a picture another one."""


def local_integrator(
    x: Any, direction: Any, denoise: Denoise, span: Span, step: float = STEP, **choices: Any
) -> tuple[Integrator, float]:
    """What evaluates e^T G(x) e, and what its squared value has to be multiplied by.

    Args:
        x: the picture, in the prior's unit.
        direction: e, of the same shape, not all zero.
        denoise: posterior means under the prior.
        span: noise levels.
        step: root mean square of the step.
        choices: for the `Integrator`.
    """
    size = step / float(np.sqrt(np.mean(np.square(direction, dtype=np.float64))))
    away = np.asarray(size * direction, np.result_type(x, np.float32))
    return Integrator(x + away, x - away, denoise, span, **choices), 1 / (2 * size) ** 2
