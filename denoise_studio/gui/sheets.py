"""What can lie over the original in colours: a parameter map, what was taken away, how much changed."""

import abc
import functools
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.display import (
    ByteArray,
    diverging_table,
    map_table,
    show_difference,
    show_map,
)
from denoise_studio.engine.maps import map_values, spread
from denoise_studio.engine.readings import Result, residual
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.gui.maps import Maps, long_name, number, short_name
from denoise_studio.metrics.iem.measure import InformationEstimation

TAKEN_AWAY = "taken-away"
CHANGED = "how-much-changed"
OTHERS = {TAKEN_AWAY: "Taken away (before − after)", CHANGED: "How much changed (IEM)"}
"""Sheets that every method has, by name, as the list calls them."""
_SMOOTH = 7
"""Pixels a side over which the metric's map is averaged: one pixel of it alone is mostly chance."""


class Ends(NamedTuple):
    """What the colour table's ends and its middle stand for."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, eq=False)
class Sheet(abc.ABC):
    """One of them, at one moment.

    Args:
        name: its key.
        picture: what it lies over.
    """

    name: str
    picture: Picture

    table = staticmethod(map_table)
    """The colours, from low to high."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """For the colour bar."""

    @property
    def unit(self) -> str:
        return self.picture.noise_unit

    @abc.abstractmethod
    def same(self, other: "Sheet | None") -> bool:
        """Whether it shows what the other one shows."""

    @abc.abstractmethod
    def ends(self, progress: Progress) -> Ends:
        """Over the whole picture; may take a moment."""

    @abc.abstractmethod
    def draw(self, rect: Rect, ends: Ends, factor: int) -> ByteArray:
        """Its colours over a rectangle, `factor` pixels averaged a side."""

    @abc.abstractmethod
    def text_at(self, x: int, y: int) -> str:
        """For the status bar."""


@dataclass(frozen=True, eq=False)
class MapSheet(Sheet):
    """A parameter map with the hand edits in it."""

    maps: Maps
    parameter: Parameter

    @property
    def title(self) -> str:
        return long_name(self.parameter, self.picture).removesuffix(f" ({self.unit})")

    @property
    def unit(self) -> str:
        return self.parameter.limits(self.picture).unit

    def same(self, other: Sheet | None) -> bool:
        return (
            isinstance(other, MapSheet)
            and self.parameter is other.parameter
            and self.maps.fitted is other.maps.fitted
            and self.maps.picture is other.maps.picture
            and self.maps.recipe == other.maps.recipe
        )

    def ends(self, progress: Progress) -> Ends:
        maps = self.maps
        low, high = spread(maps.picture, maps.recipe, maps.fitted, self.name).shown
        logarithmic = self.parameter.logarithmic and low > 0
        return Ends(low, (low * high) ** 0.5 if logarithmic else (low + high) / 2, high)

    def draw(self, rect: Rect, ends: Ends, factor: int) -> ByteArray:
        maps = self.maps
        values = map_values(maps.picture, maps.recipe, maps.fitted, self.name, rect)
        return show_map(values, ends.low, ends.high, self.parameter.logarithmic, factor)

    def text_at(self, x: int, y: int) -> str:
        value = number(self.maps.at(self.name, x, y))
        return f"{short_name(self.parameter)}: {value} {self.unit}".rstrip()


@dataclass(frozen=True, eq=False)
class ResidualSheet(Sheet):
    """Before less after: noise, if the method does well, and nothing that looks like the picture."""

    result: Result
    version: int

    table = staticmethod(diverging_table)

    @property
    def title(self) -> str:
        return OTHERS[TAKEN_AWAY]

    def same(self, other: Sheet | None) -> bool:
        return (
            isinstance(other, ResidualSheet)
            and self.result.layer is other.result.layer
            and self.version == other.version
            and self.result.recipe == other.result.recipe
        )

    def ends(self, progress: Progress) -> Ends:
        limit = 3 * estimated_noise(self.picture) or self.picture.span / 100
        return Ends(-limit, 0.0, limit)

    def draw(self, rect: Rect, ends: Ends, factor: int) -> ByteArray:
        return show_difference(residual(self.result, rect)[None], ends.high, factor)

    def text_at(self, x: int, y: int) -> str:
        rect = Rect(x, y, 1, 1)
        if not self.result.is_final(rect):
            return ""
        return f"taken away: {number(float(residual(self.result, rect)[0, 0]))} {self.unit}".rstrip()


@dataclass(frozen=True, eq=False)
class ChangedSheet(Sheet):
    """Where the information-estimation metric between input and result comes from."""

    found: InformationEstimation
    fresh: bool

    @functools.cached_property
    def values(self) -> FloatArray:
        """The root of the squared metric by pixel, averaged over a few: its squares sum to the number's."""
        mean = cv2.blur(self.found.map, (_SMOOTH, _SMOOTH), borderType=cv2.BORDER_REFLECT)
        return np.asarray(np.sqrt(np.maximum(mean, 0.0)), np.float32)

    @property
    def title(self) -> str:
        return OTHERS[CHANGED] if self.fresh else f"{OTHERS[CHANGED]}, of an earlier result"

    @property
    def unit(self) -> str:
        return ""

    def same(self, other: Sheet | None) -> bool:
        return isinstance(other, ChangedSheet) and self.found is other.found and self.fresh == other.fresh

    def ends(self, progress: Progress) -> Ends:
        high = float(np.percentile(self.values, 99.5)) or 1.0
        return Ends(0.0, high / 2, high)

    def draw(self, rect: Rect, ends: Ends, factor: int) -> ByteArray:
        return show_map(self.values[rect.slices], ends.low, ends.high, False, factor)

    def text_at(self, x: int, y: int) -> str:
        return f"changed: {number(float(self.values[y, x]))}"
