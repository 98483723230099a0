"""The unit in which a prior knows pictures: what gamma and sigma refer to."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture, Scale

_HU = 1000.0
_SIGMA_HU = 400.0
"""Twice the half width of the usual soft-tissue window (400 HU), as 2 is for pictures shown from -1 to 1."""
_SIGMA = 2.0


@dataclass(frozen=True)
class PriorUnit:
    """How picture values become a prior's, and how noise levels are told to people.

    Args:
        kind: "photographs" or "ct": what the prior has to be of.
        centre, width: a value v of the picture is (v - centre) / width for the prior.
        name: the unit of sigma as people are told it; gamma is in one over its square.
        per: how many of that unit one of the prior's is.
        sigma: the lowest noise level unless told otherwise, in the unit `name`.
        empty: what the prior sees in place of padding.
    """

    kind: str
    centre: float
    width: float
    name: str
    per: float
    sigma: float
    empty: float

    def values(self, pixels: Any) -> Any:
        """Picture values in the prior's unit, float32."""
        return ((pixels - np.float32(self.centre)) / np.float32(self.width)).astype(np.float32, copy=False)

    def gamma(self, gamma: float) -> float:
        """A gamma as told, in the prior's unit."""
        return gamma * self.per**2


def unit_for(*pictures: Picture) -> PriorUnit:
    """HU for CT; else the nominal range of all of them together, taken as [-1, 1].

    Raises:
        MeasureError: that range is empty.
    """
    if pictures[0].scale is Scale.HU:
        return PriorUnit("ct", 0.0, _HU, "HU", _HU, _SIGMA_HU, empty=-1.0)  # air
    low = min(picture.nominal_range[0] for picture in pictures)
    high = max(picture.nominal_range[1] for picture in pictures)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise MeasureError(f"The pictures' nominal range, {low:g} to {high:g}, cannot be taken as [-1, 1].")
    name = f"[-1, 1] for {low:g} to {high:g}"
    return PriorUnit("photographs", (low + high) / 2, (high - low) / 2, name, 1.0, _SIGMA, empty=0.0)
