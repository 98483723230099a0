"""How far apart pixels lie, and the units that follow from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pitch:
    """Distance of neighbouring pixels.

    Args:
        row: from one row to the next.
        column: from one column to the next.
        unit: "mm", or "px" where the file tells no spacing.
    """

    row: float = 1.0
    column: float = 1.0
    unit: str = "px"

    @classmethod
    def of(cls, picture: Picture) -> "Pitch":
        """The picture's own spacing in mm; pixels where it has none."""
        spacing = picture.spacing
        if spacing is None or not all(0 < length < np.inf for length in spacing):
            return cls()
        return cls(float(spacing[0]), float(spacing[1]), "mm")

    @property
    def known(self) -> bool:
        """Whether the file tells how large a pixel is."""
        return self.unit == "mm"

    @property
    def frequency_unit(self) -> str:
        return f"cycles/{self.unit}"

    @property
    def pixel_area(self) -> float:
        """Of one pixel, in the unit squared."""
        return self.row * self.column

    @property
    def nyquist(self) -> float:
        """The highest frequency that both axes hold."""
        return 0.5 / max(self.row, self.column)

    @property
    def finest(self) -> float:
        """The smaller of the two distances."""
        return min(self.row, self.column)


def power_unit(unit: str, pitch: Pitch) -> str:
    """The unit of a two-dimensional noise power spectrum: "HU² mm²"."""
    return f"{unit}² {pitch.unit}²" if unit else f"{pitch.unit}²"


def grey(pixels: FloatArray) -> Doubles:
    """`(h, w)` in double precision: the mean over channels of `(C, h, w)`."""
    found: Doubles = np.asarray(pixels, np.float64)
    return found if found.ndim == 2 else np.asarray(found.mean(axis=0))
