"""Parameter maps that a method found by itself from one picture."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Value
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import FloatArray


@dataclass(frozen=True, eq=False)
class ParameterMap:
    """One value for every `block` x `block` pixels of a picture, counted from its corner.

    Args:
        values: `(ceil(H / block), ceil(W / block))` float32, in the parameter's own unit.
        block: side of the squares that share a value.
    """

    values: FloatArray
    block: int = 1

    def at(self, rect: Rect) -> FloatArray:
        """`(h, w)` values of the pixels of `rect`, which must lie in the picture."""
        if self.block == 1:
            return self.values[rect.slices]
        rows = np.arange(rect.y, rect.y1) // self.block
        columns = np.arange(rect.x, rect.x1) // self.block
        return self.values[np.ix_(rows, columns)]

    @functools.cached_property
    def least(self) -> float:
        """The smallest value of all."""
        return float(self.values.min())

    @functools.cached_property
    def most(self) -> float:
        """The largest value of all."""
        return float(self.values.max())

    def largest(self, rect: Rect) -> float:
        """At least the largest value among the pixels of `rect`."""
        b = self.block
        if rect.area > self.values.size * b * b // 4:
            return self.most
        part = self.values[rect.y // b : -(-rect.y1 // b), rect.x // b : -(-rect.x1 // b)]
        return float(part.max())


def constant_map(value: float, picture: Picture) -> ParameterMap:
    """The same value everywhere."""
    block = max(picture.height, picture.width)
    return ParameterMap(np.full((1, 1), value, np.float32), block)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit found; compared by identity, so a refit is another one.

    Args:
        maps: by parameter name, one for every parameter with `fitted` set.
        curve: the loss at every step, where there is one.
        final: False while the fit goes on and better maps will follow.
        note: one line for the status bar and the record ("noise 23 HU, correlated over 2.1 px").
        knowledge: what else the method found, in a form of its own; it reaches every tile as it is.
    """

    maps: Mapping[str, ParameterMap]
    curve: tuple[float, ...] = ()
    final: bool = True
    note: str = ""
    knowledge: Any = None


Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Like `map`, but on all cores; the results come in order."""


@dataclass(frozen=True)
class FitTask:
    """A fit's input.

    Args:
        picture: the whole picture.
        values: the method's parameters that have `refit` set.
        device: "cpu", "cuda" or "mps".
        seed: the recipe's.
        noise_level: noise sd that the person told, in the picture's unit; None to estimate it.
        progress: told how far it is; asked between steps whether to stop.
        publish: takes maps on the way (`final` False), for a preview that refines itself.
        spread: runs a function over many items; the items must not wait for each other.
    """

    picture: Picture
    values: Mapping[str, Value]
    device: str = "cpu"
    seed: int = 0
    noise_level: float | None = None
    progress: Progress = field(default_factory=Progress)
    publish: Callable[[Fitted], None] = lambda fitted: None
    spread: Spread = map

    def part(self, start: float, end: float) -> "FitTask":
        """The same task for one of its steps, which reports 0..1 of its own."""
        return replace(self, progress=self.progress.part(start, end))

    def each(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        """`spread`, which also stops between items once nobody wants them."""

        def checked(item: Any) -> Any:
            self.progress.check()
            return work(item)

        return self.spread(checked, items)


Fit = Callable[[FitTask], Fitted]
"""Finds a method's maps for a picture: the same task gives the same maps.

Raises `StudioError` when the picture cannot be fitted, `Cancelled` through `progress`.
"""
