"""Numbers about an area before and after, for the window's read-outs and histogram."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.areas import inside
from denoise_studio.engine.render import compose
from denoise_studio.metrics.statistics import statistics

_BAND = 512
"""Rows at a time: bounds the memory and lets a newer order cancel."""


@dataclass(frozen=True)
class Comparison:
    """Mean, sd, minimum and maximum before and after, over all channels, in the picture's unit.

    `removed_sd` is the standard deviation of before minus after, `largest_change` its largest
    absolute value. `pixels` counts positions, not channels.
    """

    pixels: int
    before: tuple[float, ...]
    after: tuple[float, ...]
    removed_sd: float
    largest_change: float


def compare_area(
    picture: Picture, filtered: FloatArray, recipe: Recipe, region: Region | None, progress: Progress
) -> Comparison | None:
    """Compare input and result over the whole picture, or where a region's mask is above one half.

    Padding is left out. None if the area holds no pixel.
    """
    area = picture.rect if region is None else region.bounds().intersect(picture.rect)
    if not area:
        return None
    counted = inside(picture, region, area)
    if not counted.any():
        return None
    before = picture.pixels[(slice(None), *area.slices)]
    after = compose(picture, filtered, recipe, area)
    progress.check()
    found = statistics(before, after, None if counted.all() else counted)
    names = ("mean", "sd", "minimum", "maximum")
    return Comparison(
        found["count"] // picture.channels,
        tuple(found[f"before_{name}"] for name in names),
        tuple(found[f"after_{name}"] for name in names),
        found["change_sd"],
        found["change_largest"],
    )


def _edges(picture: Picture, bins: int) -> npt.NDArray[np.float64]:
    """Bin edges over the picture's values; for integer files halfway between whole steps.

    Bins that hold now two and now three of a file's integers would show gaps and spikes.
    """
    low, high = picture.value_range
    if not picture.stored.is_integer or picture.stored.slope <= 0:
        return np.linspace(low, high if high > low else low + 1, bins + 1)
    step = picture.stored.slope
    width = step * max(1, int(np.ceil((high - low) / step / bins)))
    return np.arange(low - step / 2, high + width, width)


@dataclass(frozen=True)
class Histograms:
    """Counts of before and after in the same bins; `edges` has one entry more than `before`."""

    edges: npt.NDArray[np.float64]
    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]


def histograms(
    picture: Picture, filtered: FloatArray | None, recipe: Recipe | None, progress: Progress, bins: int = 256
) -> Histograms:
    """Histograms of all valid samples before and after; without a result both are of the input."""
    edges = _edges(picture, bins)
    bins = edges.size - 1
    before, after = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
    for y in range(0, picture.height, _BAND):
        progress.check()
        band = Rect.from_edges(0, y, picture.width, min(y + _BAND, picture.height))
        counted = inside(picture, None, band)
        x = picture.pixels[(slice(None), *band.slices)]
        before += np.histogram(x[:, counted], edges)[0]
        if filtered is not None and recipe is not None:
            x = compose(picture, filtered, recipe, band)
        after += np.histogram(x[:, counted], edges)[0]
    return Histograms(edges, before, after)
