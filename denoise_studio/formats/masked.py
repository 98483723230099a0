"""Pixels beside the picture that no light reaches: they show the true black level."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from denoise_studio.core.mosaic import Photosite
from denoise_studio.core.types import AnyArray, FloatArray

_EDGE = 2
"""Rows and columns at the border of a margin that are left out: they often see light or hold marks."""
_FEWEST = 256
_MOST = 200_000
_FAR = 0.06
"""Of the range: a margin whose median is farther from the black level than that is no dark one."""


def masked_values(
    whole: AnyArray, sizes: Any, index: AnyArray, sites: tuple[Photosite, ...]
) -> Mapping[str, FloatArray]:
    """Values of the dark pixels by class; empty where there are none to be trusted.

    Args:
        whole: the sensor's pixels with its margins.
        sizes: rawpy's `ImageSizes`.
        index: the pattern, beginning at the first visible pixel.
        sites: its classes.
    """
    left, top = int(sizes.left_margin), int(sizes.top_margin)
    right, bottom = whole.shape[1] - left - int(sizes.width), whole.shape[0] - top - int(sizes.height)
    height, width = whole.shape
    margins = (
        (_within(top, height - bottom), _within(0, left)),
        (_within(top, height - bottom), _within(width - right, width)),
        (_within(0, top), _within(left, width - right)),
        (_within(height - bottom, height), _within(left, width - right)),
    )
    found: dict[str, list[Any]] = {site.name: [] for site in sites}
    for rows, columns in margins:
        part = whole[rows, columns]
        if min(part.shape) < 2 or not _is_dark(part, sites):
            continue
        y = (np.arange(rows.start, rows.start + part.shape[0]) - top) % index.shape[0]
        x = (np.arange(columns.start, columns.start + part.shape[1]) - left) % index.shape[1]
        places = index[np.ix_(y, x)]
        for number, site in enumerate(sites):
            found[site.name].append(part[places == number])
    joined = {name: np.concatenate(parts) for name, parts in found.items() if parts}
    if len(joined) < len(sites) or any(values.size < _FEWEST for values in joined.values()):
        return {}
    return {name: _thinned(values).astype(np.float32) for name, values in joined.items()}


def _within(first: int, last: int) -> slice:
    """From one index to another without the border; empty where nothing is left."""
    return slice(first + _EDGE, max(first + _EDGE, last - _EDGE))


def _is_dark(part: AnyArray, sites: tuple[Photosite, ...]) -> bool:
    """Whether nearly all of it lies about the black level, with noise."""
    black = float(np.mean([site.black for site in sites]))
    span = min(site.white for site in sites) - black
    low, middle, high = np.percentile(part[:: max(1, part.shape[0] // 1024)].astype(np.float32), (5, 50, 95))
    return bool(abs(middle - black) < _FAR * span and high - low < _FAR * span and high > low)


def _thinned(values: AnyArray) -> AnyArray:
    return values[:: max(1, values.size // _MOST)]
