"""The integral over noise levels beside the reference scheme, for Gaussian priors: theirs is known."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from denoise_studio.metrics.iem import gaussian
from denoise_studio.metrics.iem.integrate import Integrator, Span
from denoise_studio.metrics.iem.quadrature import SIZES

RANGES = ((1.0, 1e3), (0.01, 100.0), (1e-3, 1e3), (2.0, 1e3))
"""Lowest and highest sigma of the reference scheme; the last is the studio's usual lowest one."""
LEVELS = 64
_HEAVIEST = 10.0
"""From where on the tail is taken as linear, which for these priors is exact: as for the patch mixture."""


def spectra() -> dict[str, Any]:
    """Variances of a prior in its own axes, and how far two pictures differ along each."""
    random = np.random.default_rng(0)
    found = {"white, 0.7": np.full(8, 0.7)}
    for scale in (1e-3, 1.0, 1e3):
        root = random.standard_normal((6, 6))
        found[f"random, 6 axes, x {scale:g}"] = scale * np.linalg.eigvalsh(root @ root.T)
    found["narrow, 0.9 to 1.1"] = np.linspace(0.9, 1.1, 12)
    found["wide, 1e-6 to 1e6"] = np.logspace(-6, 6, 25)
    photographs = gaussian.load("photographs", 1).spectrum(64, 64)[0]
    found["photographs"] = photographs[:, 1:32].ravel()
    return found


def exact(variances: Any, difference: Any, lowest: float) -> float:
    return float(np.sqrt((difference**2 / (variances + lowest**2)).sum()))


def reference(variances: Any, difference: Any, lowest: float, highest: float) -> float:
    """Left Riemann sum over sigmas evenly spread in the logarithm, from the highest down."""
    gamma = np.logspace(np.log10(highest), np.log10(lowest), LEVELS + 1) ** -2.0
    error = [((difference / (1 + g * variances)) ** 2).sum() for g in gamma[:-1]]
    return float(np.sqrt(np.dot(error, np.diff(gamma))))


def ours(variances: Any, difference: Any, lowest: float, size: int) -> tuple[float, float]:
    """Value and error, one draw of the noise, which makes no difference here."""

    def denoise(y: Any, sigma: Any, draws: Any) -> Any:
        return y * variances / (variances + sigma[:, None] ** 2)

    integrator = Integrator(difference, np.zeros_like(difference), denoise, Span(_HEAVIEST**-2, lowest**-2))
    integrator.grow(size, 1)
    found = integrator.result()
    return found.value, found.rest / (2 * found.value)


def table(quick: bool) -> Iterator[str]:
    """Relative errors, and how many times less ours is with a quarter of the calls."""
    names = [f"ours, {size + 1} levels" for size in SIZES]
    yield "\n## Integral: relative error for Gaussian priors\n"
    yield f"| prior | sigma | reference, {LEVELS} levels | {' | '.join(names)} | reference / ours, 16 |"
    yield f"|---|---|---|{'---|' * (len(SIZES) + 1)}"
    ratios = []
    for name, variances in spectra().items():
        difference = np.random.default_rng(1).standard_normal(variances.shape)
        for lowest, highest in RANGES[: 1 if quick else None]:
            truth = exact(variances, difference, lowest)
            off = reference(variances, difference, lowest, highest) / truth - 1
            values = [ours(variances, difference, lowest, size)[0] / truth - 1 for size in SIZES]
            ratios.append(abs(off) / max(abs(values[2]), 1e-15))
            cells = " | ".join(f"{value:+.1e}" for value in values)
            yield f"| {name} | {lowest:g}..{highest:g} | {off:+.2%} | {cells} | {_times(ratios[-1])} |"
    yield (
        f"\nWith 16 levels (32 pictures denoised, the reference {2 * LEVELS}) the error is at least "
        f"{min(ratios):.0f} times less; promised: 100."
    )


def _times(ratio: float) -> str:
    return "> 1e6" if ratio > 1e6 else f"{ratio:.0f}"
