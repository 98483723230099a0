"""Small pictures, regions and recipes, and hypothesis strategies for them, shared by the tests."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from denoise_studio.core.denoiser import Tile
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Region, Stroke


def noisy(height: int, width: int, channels: int = 1, seed: int = 0, low: float = 0.0, high: float = 1.0):
    """A smooth wave with an edge and noise, `(C, H, W)` float32 between about low and high."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 32.0
    smooth = 0.5 + 0.25 * np.sin(x) * np.cos(y) + 0.2 * (x > y)
    values = smooth[None] + rng.normal(0, 0.05, (channels, height, width))
    return (low + (high - low) * values).astype(np.float32)


def picture(height: int, width: int, channels: int = 1, seed: int = 0, **more: Any) -> Picture:
    return Picture(noisy(height, width, channels, seed), **more)


def padded(height: int, width: int, channels: int = 1, seed: int = 0, fraction: float = 0.1) -> Picture:
    """A picture with a padded frame on the left, single padded pixels, and NaN as their stored values."""
    pixels = noisy(height, width, channels, seed)
    padding = np.random.default_rng(seed + 1).random((height, width)) < fraction
    padding[:, : max(1, width // 20)] = True
    padding[height // 2, width // 2] = False
    original = pixels.copy()
    original[:, padding] = np.nan
    pixels[:, padding] = 0.0
    return Picture(pixels, padding=padding, padding_values=original)


def bilateral(*regions: Region, strength: float = 1.0, **values: float) -> Recipe:
    parameters = Values({"sigma_x": 1.5, "sigma_y": 1.5, "sigma_r": 0.15, **values})
    return Recipe(method="bilateral", parameters=parameters, regions=regions, strength=strength, device="cpu")


def region(shape: Any, feather: float = 0.0, enabled: bool = True, **values: float) -> Region:
    return Region(shape=shape, feather=feather, parameters=Values(values), enabled=enabled)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


def points(low: float, high: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(numbers(low, high), numbers(low, high))


def shapes(low: float = -20.0, high: float = 120.0) -> st.SearchStrategy[Any]:
    place, length = numbers(low, high), numbers(0.0, (high - low) / 2)
    stroke = st.builds(
        Stroke,
        points=st.lists(points(low, high), min_size=1, max_size=4).map(tuple),
        radius=numbers(0.25, min(1e5, (high - low) / 8)),
    )
    return st.one_of(
        st.builds(Box, x0=place, y0=place, x1=place, y1=place),
        st.builds(Ellipse, cx=place, cy=place, rx=length, ry=length, angle=numbers(-360, 360)),
        st.builds(Polygon, points=st.lists(points(low, high), min_size=3, max_size=7).map(tuple)),
        st.builds(Brush, strokes=st.lists(stroke, min_size=1, max_size=3).map(tuple)),
    )


def rects(width: int, height: int) -> st.SearchStrategy[Rect]:
    """Non-empty rectangles inside a picture of that size."""

    def make(x: tuple[int, int], y: tuple[int, int]) -> Rect:
        return Rect.from_edges(min(x), min(y), max(x) + 1, max(y) + 1)

    columns = st.tuples(st.integers(0, width - 1), st.integers(0, width - 1))
    rows = st.tuples(st.integers(0, height - 1), st.integers(0, height - 1))
    return st.builds(make, columns, rows)


def tile(pixels: np.ndarray, halo: int, valid: np.ndarray | None = None, **values: Any) -> Tile:
    """A whole picture as one tile, its edges reflected by numpy's own padding."""
    around = [(halo, halo), (halo, halo)]
    wide = np.pad(pixels, [(0, 0), *around], mode="reflect")
    mask = None
    inside = pixels
    if valid is not None:
        mask = np.pad(valid, around, mode="reflect")
        wide[:, ~mask] = 0.0
        inside = pixels[:, valid]
    span = (float(inside.min()), float(inside.max()))
    noise_level = values.pop("noise_level", 0.0)
    return Tile(wide, mask, halo, values, noise_level=noise_level, value_range=span)
