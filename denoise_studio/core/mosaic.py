"""What a camera's sensor says besides its values: who saw which colour, black, white, the camera."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.types import FloatArray

COLOURS = ("R", "G", "B")
Pattern = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Photosite:
    """One class of pixels: those at the same place of the colour filter's pattern.

    Args:
        name: "R", "G1" (in the rows of red), "G2" (in the rows of blue), "B".
        colour: 0 red, 1 green, 2 blue.
        black: value without light, in DN.
        white: value at which the sensor saturates, in DN.
    """

    name: str
    colour: int
    black: float
    white: float


@dataclass(frozen=True, eq=False)
class CameraColour:
    """How a camera's colours become those that people see.

    Args:
        white_balance: factors of red, green and blue that make the scene's white grey; green is 1.
        to_srgb: `(3, 3)` float32, from white-balanced camera colours to linear sRGB; rows sum to 1.
        xyz_to_camera: `(3, 3)` float32, from CIE XYZ (D65) to the camera's colours before white
            balance, if the file or LibRaw knows it (`ColorMatrix` of DNG).
    """

    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    to_srgb: FloatArray = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    xyz_to_camera: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Belongs to a picture of one channel whose pixels each saw one colour, in linear sensor DN.

    Args:
        pattern: for every row and column of the repeated pattern (2 x 2 for Bayer, 6 x 6 for
            X-Trans) the index into `sites`, beginning at the picture's upper left pixel.
        sites: the classes of pixels.
        colour: the camera's.
        camera: make and model ("Canon PowerShot G2"), "" if unknown.
        iso: as the file says, None if it does not.
        masked: by name of a site, values of pixels that no light reaches, float32, if the file has any.
    """

    pattern: Pattern
    sites: tuple[Photosite, ...]
    colour: CameraColour = field(default_factory=CameraColour)
    camera: str = ""
    iso: float | None = None
    masked: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def period(self) -> tuple[int, int]:
        """Rows and columns after which the pattern repeats."""
        return len(self.pattern), len(self.pattern[0])

    @property
    def is_bayer(self) -> bool:
        """Whether every 2 x 2 pixels have each class once, two greens on a diagonal."""
        if self.period != (2, 2) or len(self.sites) != 4:
            return False
        (a, b), (c, d) = ((self.sites[i].colour for i in row) for row in self.pattern)
        return sorted((a, b, c, d)) == [0, 1, 1, 2] and (a == d == 1 or b == c == 1)

    @property
    def name(self) -> str:
        """The colours row by row, as in RGGB; X-Trans for 6 x 6."""
        if self.period == (6, 6):
            return "X-Trans"
        return "".join(COLOURS[self.sites[i].colour] for row in self.pattern for i in row)

    def site_at(self, x: int, y: int) -> Photosite:
        """The class of the pixel in column `x` and row `y`."""
        rows, columns = self.period
        return self.sites[self.pattern[y % rows][x % columns]]

    def table(self, values: Any) -> FloatArray:
        """One value for every class, laid out as the pattern: `(rows, columns)` float32."""
        table: FloatArray = np.asarray(values, np.float32)[np.asarray(self.pattern)]
        return table

    def spread(self, values: Any, rect: Rect) -> FloatArray:
        """One value for every class, at the pixels of a rectangle: `(h, w)` float32."""
        rows, columns = self.period
        y, x = np.arange(rect.y, rect.y1) % rows, np.arange(rect.x, rect.x1) % columns
        return np.ascontiguousarray(self.table(values)[np.ix_(y, x)])

    def shifted(self, x: int, y: int) -> "Mosaic":
        """That of the part of the picture that begins at column `x` and row `y`."""
        turned = np.roll(np.asarray(self.pattern), (-y, -x), (0, 1))
        pattern = tuple(tuple(int(value) for value in row) for row in turned)
        return replace(self, pattern=pattern)

    def with_black(self, black: Any) -> "Mosaic":
        """The same with other black levels, one for every class."""
        pairs = zip(self.sites, black, strict=True)
        return replace(self, sites=tuple(replace(site, black=float(value)) for site, value in pairs))
