"""What a method hands back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Output:
    """A result.

    Args:
        pixels: `(C, H, W)` in the picture's unit.
        maps: parameter by name, `(H, W)` or one number.
        seconds: wall time, None where it means nothing.
        note: a few words.
    """

    pixels: Any
    maps: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    note: str = ""

    def spread(self, where: Any) -> dict[str, list[float]]:
        """The 5th, 50th and 95th percentile of each map within a mask."""
        result = {}
        for name, values in self.maps.items():
            values = np.broadcast_to(np.asarray(values, np.float64), where.shape)[where]
            result[name] = [float(p) for p in np.percentile(values, (5, 50, 95))]
        return result
