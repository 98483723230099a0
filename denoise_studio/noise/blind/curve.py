"""How the noise depends on brightness: the sd in classes of equally many patches, smoothed.

A class in which the picture takes part (its patches differ more than noise can) is believed less,
so its neighbours decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from denoise_studio.noise.blind.levels import Level
from denoise_studio.noise.blind.patches import Patches

_CLASS = 700
"""Patches of a class."""
_MOST_CLASSES = 16
_FLOOR = 0.03
"""Relative error that no class is better than."""
_BELOW, _ABOVE = 0.2, 0.4
"""Relative error for every factor e of excess, of a class that reads lower, or higher, than the curve."""
_STEP = 0.1
"""sd of the curve's logarithm from one class to the next."""
_ROUNDS = 8
_DEPENDS, _SURE = 0.1, 16.0
"""Noise depends on brightness if the curve's relative sd is above the first, and if it fits the classes
better than a constant does by at least the second, in squared errors."""


@dataclass(frozen=True, eq=False)
class Curve:
    """sd by brightness, both in the units of what was read.

    Args:
        intensities: `(K,)` rising.
        sigmas: `(K,)` sd there; between them it is linear, beyond them constant.
        errors: `(K,)` relative standard error of what was read.
        depends: whether it is more than one constant.
        level: the one sd that fits all classes best.
        weight: `(K,)` how much each class says.
    """

    intensities: Any
    sigmas: Any
    errors: Any
    depends: bool
    level: float
    weight: Any

    def at(self, values: Any) -> Any:
        """The sd at these intensities."""
        return np.interp(values, self.intensities, self.sigmas)

    def times(self, factor: float) -> "Curve":
        """The same, stronger or weaker."""
        return replace(self, sigmas=self.sigmas * factor, level=self.level * factor)

    def constant(self, sigma: float) -> "Curve":
        """One sd for all intensities."""
        return replace(self, sigmas=np.full(len(self.intensities), sigma))


def classes_of(patches: Patches, chosen: Any) -> list[Any]:
    """These patches (indices) in classes of brightness, from dark to bright."""
    order = chosen[np.argsort(patches.mean[chosen], kind="stable")]
    return np.array_split(order, int(np.clip(len(order) // _CLASS, 1, _MOST_CLASSES)))


def read_curve(patches: Patches, chosen: Any, read: Callable[[Patches, Any], Level]) -> Curve:
    """Read the noise in classes of brightness among these patches (indices)."""
    classes = classes_of(patches, chosen)
    levels = [read(patches, members) for members in classes]
    intensities = np.array([np.median(patches.mean[members]) for members in classes], np.float64)
    logarithm = np.log(np.sqrt([max(level.variance, 1e-30) for level in levels]))
    below, above = (np.array([_error(level, texture) for level in levels]) for texture in (_BELOW, _ABOVE))
    smooth, cost, weight = _fit(logarithm, below, above, _STEP)
    constant, constant_cost, _ = _fit(logarithm, below, above, 0.0)
    spread = float(np.sqrt(np.cov(smooth, aweights=weight, ddof=0))) if len(classes) > 1 else 0.0
    depends = spread > _DEPENDS and constant_cost - cost > _SURE
    return Curve(intensities, np.exp(smooth), above, depends, float(np.exp(constant[0])), above**-2.0)


def _error(level: Level, texture: float) -> float:
    """Relative standard error of a sd that was read."""
    chance = 1.0 / (2.0 * max(level.freedom * level.count, 1.0))
    return float(np.sqrt(chance + _FLOOR**2 + (texture * np.log(max(level.excess, 1.0))) ** 2))


def _fit(values: Any, below: Any, above: Any, step: float) -> tuple[Any, float, Any]:
    """Values that change little from one to the next; texture only adds, so low ones say more than high ones.

    Args:
        values: `(K,)`.
        below: `(K,)` standard errors of values that lie below the fit.
        above: `(K,)` of those above it.
        step: sd of a change; 0 allows none.

    Returns:
        The fit, its squared errors, and each value's weight.
    """
    change = np.diff(np.eye(len(values)), axis=0)
    stiff = max(step, 1e-4) ** -2.0 * change.T @ change
    weight = above**-2.0
    for _ in range(_ROUNDS):
        fit = np.linalg.solve(np.diag(weight) + stiff, weight * values)
        weight = np.where(values > fit, above, below) ** -2.0
    return fit, float((weight * (values - fit) ** 2).sum()), weight
