"""The bow-tie filter: less light for rays that pass the patient far from the middle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError


@dataclass(frozen=True)
class BowTie:
    """A filter as thick as makes up for a round patient.

    A ray at the distance s from the centre lacks, beside the central one, the path
    2 (R - sqrt(R^2 - s^2)) through a cylinder of radius R; a body filter makes up for a part of
    that. So its transmission is edge^(1 - sqrt(1 - (s/R)^2)): 1 in the middle, `edge` from R on.
    (Measured ones are of that form: McKenney et al., Med. Phys. 38 (2011) 1406.)

    Args:
        edge: transmission at the radius and beyond, above 0, at most 1.
        radius: in mm; a body filter is made for about 250.
    """

    edge: float = 0.15
    radius: float = 250.0

    def __post_init__(self) -> None:
        if not 0 < self.edge <= 1 or not self.radius > 0:
            raise StudioError(
                f"A bow-tie filter of transmission {self.edge:g} at {self.radius:g} mm is none: the "
                "transmission must be above 0 and at most 1, the radius above 0."
            )

    def transmission(self, offsets: Any) -> Any:
        """At rays this far (mm, any shape) from the centre."""
        part = np.minimum(np.abs(offsets) / self.radius, 1.0)
        return self.edge ** (1.0 - np.sqrt(1.0 - part**2))
