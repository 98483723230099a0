"""Millimetres on the screen: a scale bar that adapts to the zoom, and distances drawn by hand."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF

from denoise_studio.core.picture import Picture

_STEPS = (5, 2, 1)
_PARTS = {5: 5, 2: 2, 1: 2}
"""Into how many parts a bar of so many units is divided."""
_ODD = 0.005
"""Spacings that differ by more than this share of each other need a bar in each direction."""


@dataclass(frozen=True)
class ScaleBar:
    """A round length.

    Args:
        millimetres: how much it stands for.
        pixels: how long it is on the screen.
        parts: into how many parts ticks divide it.
        label: the length as it is written: "5 cm".
    """

    millimetres: float
    pixels: float
    parts: int
    label: str


def scale_bar(mm_per_pixel: float, longest: float) -> ScaleBar:
    """The longest of 1, 2 and 5 times a power of ten that fits.

    Args:
        mm_per_pixel: millimetres a screen pixel.
        longest: screen pixels that there are.
    """
    most = mm_per_pixel * longest
    power = math.floor(math.log10(most))
    step = next((s for s in _STEPS if s * 10.0**power <= most * (1 + 1e-9)), 1)
    length = step * 10.0**power
    return ScaleBar(length, length / mm_per_pixel, _PARTS[step], length_text(length))


def length_text(millimetres: float) -> str:
    """A round length with the unit that a person would use."""
    if millimetres < 0.1:
        return f"{millimetres * 1000:g} µm"
    if millimetres < 10:
        return f"{millimetres:g} mm"
    return f"{millimetres / 10:g} cm" if millimetres < 1000 else f"{millimetres / 1000:g} m"


def bars(
    spacing: tuple[float, float], across: bool, scale: float, longest: float
) -> tuple[ScaleBar, ScaleBar | None]:
    """The bar along the screen's rows, and one along its columns where that is another.

    Args:
        spacing: mm a picture pixel as (row, column), as a picture has it.
        across: whether the picture's rows stand upright on the screen.
        scale: screen pixels a picture pixel.
        longest: screen pixels that there are.
    """
    down, along = spacing if not across else spacing[::-1]
    level = scale_bar(along / scale, longest)
    if abs(down - along) <= _ODD * max(down, along):
        return level, None
    return level, scale_bar(down / scale, longest)


@dataclass(frozen=True)
class Distance:
    """A line between two points of the picture, in its coordinates."""

    start: tuple[float, float]
    end: tuple[float, float]

    def points(self) -> tuple[QPointF, QPointF]:
        return QPointF(*self.start), QPointF(*self.end)

    def text(self, picture: Picture) -> str:
        """Its length: in mm where the file tells the spacing, else in pixels."""
        dx, dy = self.end[0] - self.start[0], self.end[1] - self.start[1]
        if picture.spacing is None:
            return f"{math.hypot(dx, dy):.1f} px"
        return f"{math.hypot(dx * picture.spacing[1], dy * picture.spacing[0]):.1f} mm"
