"""How far a result is from the clean picture that nobody has, with the error of that number.

From the sums of `metrics.stein`: a mean squared error, the same in dB, and 95 % intervals.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from denoise_studio.metrics.stein import Sums

NORMAL_95 = 1.96
FEWEST_PIXELS = 1000
LEAST_CONFIDENCE = 0.3
"""Of the noise estimate: below it, its own error is not known well enough to be told."""
_STRENGTHS = 41


@dataclass(frozen=True)
class Risk:
    """The estimated error of a result against the clean picture that nobody has.

    Args:
        mse: estimated mean squared error, in the squared unit; may come out at or below 0.
        low, high: 95 % interval of the true one.
        psnr: the same in dB; infinite where `mse` is not above 0.
        psnr_low, psnr_high: 95 % interval; the upper end is infinite where `low` is not above 0.
        input_psnr: of the noisy input, from its noise.
        freedom: 0..1, effective degrees of freedom as a share of the samples: 1 keeps all noise.
        parameters: the same as a number.
        sigma: noise sd over the area (root of the mean variance), in the picture's unit.
        sigma_error: its relative standard error, 0 if it was told.
        reliable: whether the interval can be believed.
        why: one sentence if it cannot.
        parts: standard deviations of `mse` by source: "noise", "probes", "sigma",
            "correlation", "sample".
    """

    mse: float
    low: float
    high: float
    psnr: float
    psnr_low: float
    psnr_high: float
    input_psnr: float
    freedom: float
    parameters: float
    sigma: float
    sigma_error: float
    reliable: bool
    why: str
    parts: dict[str, float] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Plain JSON types; None where a number has no bound."""
        result = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in result.items()}


def risk(
    total: Sums,
    sigma_error: float,
    width: float,
    doubt: str = "",
    sample: float = 0.0,
    kernel_error: float = 0.0,
) -> Risk:
    """The risk from sums over an area.

    Args:
        total: over all parts, of at least one sample and one probe.
        sigma_error: relative standard error of the noise sd; 0 if it is known.
        width: of the data range that dB refer to.
        doubt: a sentence why the numbers cannot be relied on, "" if they can.
        sample: sd that `mse` gets from looking at some parts only.
        kernel_error: relative standard error of tr(ΣJ) from the noise's correlation; 0 if that is known.
    """
    n = total.samples
    mse = total.loss / n
    parts = {
        "noise": math.sqrt(total.chance) / n,
        "probes": math.sqrt(total.scatter) / n,
        "sigma": 2 * sigma_error * abs(2 * total.trace - total.variance) / n,
        "correlation": 2 * kernel_error * total.trace / n,
        "sample": sample,
    }
    half = NORMAL_95 * math.sqrt(sum(sd**2 for sd in parts.values()))
    low, high = mse - half, mse + half
    doubt = doubt or _doubt(total, mse)
    return Risk(
        mse=mse,
        low=low,
        high=high,
        psnr=decibels(mse, width),
        psnr_low=decibels(high, width),
        psnr_high=decibels(low, width),
        input_psnr=decibels(total.variance / n, width),
        freedom=total.freedom,
        parameters=total.freedom * n,
        sigma=math.sqrt(total.variance / n),
        sigma_error=sigma_error,
        reliable=not doubt,
        why=doubt,
        parts=parts,
    )


def _doubt(total: Sums, mse: float) -> str:
    if total.variance <= 0:
        return "No noise was found, so there is nothing to estimate the error from."
    if total.pixels < FEWEST_PIXELS:
        return f"The area has {total.pixels} pixels; the estimate needs {FEWEST_PIXELS}."
    if mse <= 0:
        return "The error left is smaller than this estimate can tell from none."
    return ""


def decibels(mse: float, width: float) -> float:
    """PSNR of a mean squared error, infinite where that is not above 0."""
    return 10 * math.log10(width * width / mse) if mse > 0 else math.inf


@dataclass(frozen=True, eq=False)
class Curve:
    """The estimated error over the strength, the same all over the area.

    Args:
        strengths: `(K,)` from 0 to 1.
        mse: `(K,)`.
        psnr: `(K,)` dB.
        best: the strength of least error.
    """

    strengths: Any
    mse: Any
    psnr: Any
    best: float

    def describe(self) -> dict[str, Any]:
        """Plain JSON types; None for a dB value without a bound."""
        psnr = [float(v) if math.isfinite(v) else None for v in self.psnr]
        return {
            "strengths": self.strengths.tolist(),
            "mse": self.mse.tolist(),
            "psnr": psnr,
            "best": self.best,
        }


def curve(full: Sums, width: float) -> Curve:
    """The parabola s² |r|² + (1 - 2 s) tr Σ + 2 s tr(ΣJ) over n, and its vertex, from sums at strength 1."""
    s = np.linspace(0.0, 1.0, _STRENGTHS)
    mse = np.array([full.at(float(strength)).loss for strength in s]) / full.samples
    saved = full.variance - full.trace
    best = min(max(saved / full.residual, 0.0), 1.0) if full.residual > 0 else 1.0
    return Curve(s, mse, np.array([decibels(float(v), width) for v in mse]), best)
