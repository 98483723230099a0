"""Parts of a picture that numbers are about: all of it, what is in view, a region."""

from dataclasses import dataclass, replace

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.region import Region
from denoise_studio.core.types import BoolArray

WHOLE = "Whole picture"


@dataclass(frozen=True)
class Area:
    """A rectangle, or the part of it that a region covers.

    Args:
        name: what a person reads.
        rect: inside the picture.
        region: where its mask is above one half; None for the whole rectangle.
        index: the region's among the recipe's: two of them may have one name.
    """

    name: str
    rect: Rect
    region: Region | None = None
    index: int = -1

    @classmethod
    def of(cls, picture: Picture, region: Region | None = None, index: int = -1) -> "Area":
        """The whole picture, or what a region covers of it."""
        if region is None:
            return cls(WHOLE, picture.rect)
        return cls(region.name, region.bounds().intersect(picture.rect), region, index)

    @property
    def key(self) -> tuple[str, int]:
        """What stays the same while the area is moved or changed."""
        return ("", self.index) if self.region is not None else (self.name, -1)

    def inside(self, picture: Picture) -> BoolArray:
        """`(h, w)` of `rect`: which pixels count; padding never does."""
        return inside(picture, self.region, self.rect)


def inside(picture: Picture, region: Region | None, rect: Rect) -> BoolArray:
    """`(h, w)`: where a region's mask is above one half (all, for None) and no padding is."""
    found: BoolArray = (
        np.ones((rect.height, rect.width), np.bool_) if region is None else region.mask(rect) > 0.5
    )
    if picture.padding is not None:
        found &= np.logical_not(picture.padding[rect.slices])
    return found


def middle(area: Area, side: int) -> Area:
    """The middle of an area, at most `side` pixels wide and high."""
    rect = area.rect
    width, height = min(side, rect.width), min(side, rect.height)
    x, y = rect.x + (rect.width - width) // 2, rect.y + (rect.height - height) // 2
    return replace(area, rect=Rect(x, y, width, height))
