"""Make `resources/noise/vst-bias.npz`: the bias of the variance-stabilising transform.

    python -m denoise_studio.training.make_vst_table

E[f(y) | x] is the sum over the Poisson distribution of an integral over the Gaussian, both taken to
8 sds and, for the Gaussian, with the trapezoid rule, which for such an integrand is exact to rounding.
"""

import io
import math
from typing import Any

import numpy as np
from scipy import stats

from denoise_studio.core.resources import resource
from denoise_studio.formats.files import write_bytes
from denoise_studio.noise.sensor import vst

_REACH = 8.0
_STEPS = 481
"""Points of the Gaussian: fine enough for the kinks of both forms."""
_MOST = 1 << 22


def expectation(u: float, ratio: float, form: str) -> float:
    """E[f(y)] for y / K ~ Poisson(u) + N(0, ratio^2)."""
    counts, weights = _poisson(u)
    if ratio == 0:
        return float(weights @ vst.stabilise(counts, 0.0, form))
    z = np.linspace(-_REACH, _REACH, _STEPS)
    density = np.exp(-z * z / 2)
    density /= density.sum()
    values = vst.stabilise(counts[:, None] + ratio * z, ratio, form)
    return float(weights @ values @ density)


def _poisson(u: float) -> tuple[Any, Any]:
    spread = _REACH * math.sqrt(u) + _REACH
    counts = np.arange(max(0, math.floor(u - spread)), math.ceil(u + spread) + 1, dtype=np.float64)
    weights = stats.poisson.pmf(counts, u)
    return counts, weights / weights.sum()


def table(form: str) -> Any:
    """`(ROWS, COLUMNS)` float16, whose rounding is a tenth of what is promised: E[f(y)] - f(x)."""
    found = np.empty((vst.ROWS, vst.COLUMNS))
    for row, ratio in enumerate(vst.rows()):
        for column, u in enumerate(vst.columns()):
            at = np.float64(u)
            found[row, column] = expectation(float(u), float(ratio), form) - float(
                vst.stabilise(np.asarray(at), float(ratio), form)
            )
    return found.astype(np.float16)


def main() -> None:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **{form: table(form) for form in vst.FORMS})
    write_bytes(resource("noise", "vst-bias.npz"), content.getvalue())


if __name__ == "__main__":
    main()
