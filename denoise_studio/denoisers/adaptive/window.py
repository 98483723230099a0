"""How far the adaptive filter looks, from the largest values in an area."""

from collections.abc import Mapping
from typing import Any

from denoise_studio.core.parameter import Value
from denoise_studio.denoisers.bilateral.window import radius


def two_stages(values: Mapping[str, Any]) -> bool:
    """Whether stage 2 is in use."""
    return values["stages"] == "2"


def reach(values: Mapping[str, Value]) -> int:
    """How far the result looks at stage 1's: stage 2's largest radius."""
    if not two_stages(values):
        return 0
    return max(radius(float(values[name])) for name in ("sigma_x_2", "sigma_y_2"))


def halo(values: Mapping[str, Value]) -> int:
    """Both windows together."""
    return reach(values) + max(radius(float(values[name])) for name in ("sigma_x_1", "sigma_y_1"))
