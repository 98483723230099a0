"""Where a picture lies in the patient, as DICOM says it: x to the left, y to the back, z to the head."""

from dataclasses import dataclass

import numpy as np

from denoise_studio.core.types import FloatArray

_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))
_SEEN = 0.1
"""A direction has the letters of every axis that it follows by more than about six degrees."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """The plane of a slice, in mm and the patient's coordinates (PS3.3 C.7.6.2.1.1).

    Args:
        origin: centre of the first pixel.
        right: unit vector along a row of pixels, towards growing columns.
        down: unit vector along a column of pixels, towards growing rows.
        thickness: of the slice in mm, if it is known.
    """

    origin: Vector
    right: Vector
    down: Vector
    thickness: float | None = None

    @property
    def normal(self) -> FloatArray:
        """Unit vector across the slice: right x down."""
        cross = np.cross(np.asarray(self.right, np.float64), np.asarray(self.down, np.float64))
        return np.asarray(cross / (np.linalg.norm(cross) or 1.0))

    @property
    def position(self) -> float:
        """Distance from the coordinates' origin along the normal, mm: what slices are sorted by."""
        return float(np.dot(self.normal, self.origin))

    def letters(self) -> tuple[str, str, str, str]:
        """What lies at the left, right, top and bottom edge: "R", "L", "A", "P", "H", "F" or several."""
        right, down = np.asarray(self.right), np.asarray(self.down)
        return _towards(-right), _towards(right), _towards(-down), _towards(down)


def _towards(direction: FloatArray) -> str:
    """The letters of a direction, the axis that it follows most first."""
    order = np.argsort(-np.abs(direction))
    return "".join(_LETTERS[axis][int(direction[axis] < 0)] for axis in order if abs(direction[axis]) > _SEEN)
