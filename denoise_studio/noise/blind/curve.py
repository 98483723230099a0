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
_TEXTURE = 0.2
"""Relative error for every factor e of excess."""
_STEP = 0.1
"""sd of the curve's logarithm from one class to the next."""
_DEPENDS = 0.15
"""Relative sd of the curve over the picture from which on noise depends on brightness."""
_SURE = 3.0


@dataclass(frozen=True, eq=False)
class Curve:
    """sd by brightness, both in the units of what was read.

    Args:
        intensities: `(K,)` rising.
        sigmas: `(K,)` sd there; between them it is linear, beyond them constant.
        errors: `(K,)` relative standard error of what was read.
        depends: whether it is more than one constant.
    """

    intensities: Any
    sigmas: Any
    errors: Any
    depends: bool

    def at(self, values: Any) -> Any:
        """The sd at these intensities."""
        return np.interp(values, self.intensities, self.sigmas)

    def times(self, factor: float) -> "Curve":
        """The same, stronger or weaker."""
        return replace(self, sigmas=self.sigmas * factor)

    def constant(self, sigma: float) -> "Curve":
        """One sd for all intensities."""
        return replace(self, sigmas=np.full(len(self.intensities), sigma))


def read_curve(patches: Patches, chosen: Any, read: Callable[[Patches, Any], Level]) -> Curve:
    """Read the noise in classes of brightness among these patches (indices)."""
    order = chosen[np.argsort(patches.mean[chosen], kind="stable")]
    count = int(np.clip(len(order) // _CLASS, 1, _MOST_CLASSES))
    classes = np.array_split(order, count)
    levels = [read(patches, members) for members in classes]
    intensities = np.array([np.median(patches.mean[members]) for members in classes], np.float64)
    logarithm = np.log(np.sqrt([max(level.variance, 1e-30) for level in levels]))
    errors = np.array([_error(level) for level in levels])
    smooth = _smooth(logarithm, errors)
    weight = errors**-2.0
    middle = float(np.average(smooth, weights=weight))
    spread = float(np.sqrt(np.average((smooth - middle) ** 2, weights=weight)))
    significant = float((weight * (smooth - middle) ** 2).sum()) > _SURE**2 * count
    return Curve(intensities, np.exp(smooth), errors, spread > _DEPENDS and significant)


def _error(level: Level) -> float:
    """Relative standard error of a sd that was read."""
    chance = 1.0 / (2.0 * max(level.freedom * level.count, 1.0))
    return float(np.sqrt(chance + _FLOOR**2 + (_TEXTURE * np.log(max(level.excess, 1.0))) ** 2))


def _smooth(values: Any, errors: Any) -> Any:
    """Values that change little from one to the next, near those that are believed."""
    count = len(values)
    if count < 3:
        return np.full(count, np.average(values, weights=errors**-2.0))
    step = np.diff(np.eye(count), axis=0)
    weight = errors**-2.0
    return np.linalg.solve(np.diag(weight) + _STEP**-2.0 * step.T @ step, weight * values)
