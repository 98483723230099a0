"""Small square patches of a channel, seen through the cosine transform.

What every reading of the noise starts from. A patch is 8 x 8 pixels; its 64 squared coefficients
are the noise's power at 64 frequencies plus the picture's. How flat a place is, its *neighbours*
tell: the four patches around it, which share no pixel with it. So choosing flat places does not
choose places where the noise happens to be low.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray

SIDE = 8
WINDOW = 16
"""Side of the windows that the correlation is read in."""

_TILE = 64
_MOST = 1_500_000
"""Pixels that are looked at; more make no estimate better. Of a larger picture, tiles."""
_FINE, _COARSE = 4, 8
_FINE_BELOW = 700_000
_SAMPLES = 100_000
_COARSENESS = 0.1
"""Variance below which a patch shows rounding rather than noise, in squared steps of the values."""
_PILED = 0.001
_CLIPPED = 0.05

_DOWN, _ACROSS = np.mgrid[0:SIDE, 0:SIDE]
ORDER = (_DOWN + _ACROSS).ravel()
"""Of every coefficient, frequency down plus frequency across, `(64,)`; 0 is the mean."""
NO_PLANE: BoolArray = ~np.isin(np.arange(SIDE * SIDE), (0, 1, SIDE))
"""Coefficients that a plane does not reach, but for a little."""
_LOW = (ORDER == 2) | (ORDER == 3)
_MIDDLE = (ORDER >= 4) & (ORDER < 9)
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Patches:
    """The usable patches of one channel.

    Args:
        power: `(n, 64)` float32, squared coefficients of the orthonormal cosine transform.
        mean: `(n,)` mean value.
        around: `(n,)` how little flat the four patches around are: in them, the largest ratio of power
            at low to power at middle frequencies, and unless `uneven` times the largest power; infinite where
            one is missing.
        uneven: whether the noise may be many times stronger in one place than in another, so that little
            power says nothing about flatness.
        row, column: `(n,)` the patch's middle in the picture.
        place: `(n, 3)` tile, and the patch's corner in it.
        tiles: `(T, h, w)` the pixels looked at.
        step: from one patch to the next.
        grain: distance of neighbouring values if they are rounded to coarse steps, else 0.
    """

    power: FloatArray
    mean: FloatArray
    around: FloatArray
    uneven: bool
    row: FloatArray
    column: FloatArray
    place: Any
    tiles: FloatArray
    step: int
    grain: float

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def apart(self) -> float:
        """How many of the patches count as independent, as a share: overlapping ones count less."""
        return (self.step / SIDE) ** 2

    def windows(self, chosen: Any) -> Any:
        """The windows of 16 x 16 pixels around chosen patches, those that fit: `(k, 16, 16)` float64."""
        tile, top, left = self.place[chosen].T
        margin = (WINDOW - SIDE) // 2
        top, left = top - margin, left - margin
        fits = (top >= 0) & (left >= 0)
        fits &= (top + WINDOW <= self.tiles.shape[1]) & (left + WINDOW <= self.tiles.shape[2])
        offset = np.arange(WINDOW)
        rows = top[fits, None, None] + offset[:, None]
        columns = left[fits, None, None] + offset
        return self.tiles[tile[fits, None, None], rows, columns].astype(np.float64)


def patches_of(
    channel: FloatArray,
    padding: BoolArray | None = None,
    uneven: bool = False,
    scale: tuple[float, float] = (0.0, 1.0),
) -> Patches:
    """Cut a channel.

    Args:
        channel: `(H, W)` float32, at least 8 x 8.
        padding: `(H, W)` True where a pixel is none, or None.
        uneven: as `Patches` has it.
        scale: what to take off every value, and then to divide it by.

    Returns:
        The patches without padding, clipped pixels and places where nothing varies at all.
    """
    corners, size = _corners(*channel.shape)
    tiles = (_cut(channel, corners, size) - np.float32(scale[0])) / np.float32(scale[1])
    outside = None if padding is None else _cut(padding, corners, size)
    step = _FINE if channel.size < _FINE_BELOW else _COARSE
    views = _views(tiles, step)
    grid = views.shape[:3]
    power = np.square(views.reshape(-1, SIDE * SIDE) @ _TRANSFORM.T)
    own = power[:, NO_PLANE].mean(axis=1).reshape(grid)
    grain = _grain(tiles)
    usable = own > _COARSENESS * grain**2
    if outside is not None:
        usable &= ~_views(outside, step).any(axis=(3, 4))
    for pixels in _piled(tiles, outside):
        usable &= _views(pixels, step).mean(axis=(3, 4), dtype=np.float32) <= _CLIPPED
    low, middle = (power[:, band].mean(axis=1).reshape(grid) for band in (_LOW, _MIDDLE))
    around = _around(np.where(usable, low / np.maximum(middle, _TINY), np.inf), SIDE // step)
    if not uneven:
        around *= np.maximum(_around(own, SIDE // step), _TINY)
    tile, row, column = np.nonzero(usable)
    place = np.stack([tile, row * step, column * step], axis=1)
    centre = corners[tile] + place[:, 1:] + (SIDE - 1) / 2
    keep = usable.ravel()
    return Patches(
        power=power[keep],
        mean=views.mean(axis=(3, 4))[usable],
        around=around[usable],
        uneven=uneven,
        row=centre[:, 0],
        column=centre[:, 1],
        place=place,
        tiles=tiles,
        step=step,
        grain=grain,
    )


def _corners(height: int, width: int) -> tuple[Any, tuple[int, int]]:
    """Where the tiles begin, `(T, 2)`, and their size; one tile if the picture is small enough."""
    if height * width <= _MOST:
        return np.zeros((1, 2), np.int64), (height, width)
    size = min(_TILE, height), min(_TILE, width)
    share = np.sqrt(_MOST / (height * width))
    lines = [
        np.rint(np.linspace(0, length - side, max(2, int(length * share / side)))).astype(np.int64)
        for length, side in zip((height, width), size, strict=True)
    ]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2), size


def _cut(pixels: Any, corners: Any, size: tuple[int, int]) -> Any:
    return np.stack([pixels[row : row + size[0], column : column + size[1]] for row, column in corners])


def _piled(tiles: FloatArray, outside: Any | None) -> Iterator[BoolArray]:
    """Pixels of the lowest and the highest value, if so many have it that it must be clipping."""
    inside = tiles if outside is None else tiles[~outside]
    for value in (inside.min(), inside.max()) if inside.size else ():
        equal = tiles == value
        if equal.mean() > _PILED:
            yield equal


def _grain(tiles: FloatArray) -> float:
    """Distance of neighbouring values, if they are rounded to coarse steps as those of 8 bits are, else 0."""
    values = tiles.ravel()[:: max(1, tiles.size // _SAMPLES)]
    steps = np.diff(np.unique(values))
    return float(steps.min()) if 0 < len(steps) < _SAMPLES // 20 else 0.0


def _views(tiles: Any, step: int) -> Any:
    views = np.lib.stride_tricks.sliding_window_view(tiles, (SIDE, SIDE), axis=(1, 2))
    return views[:, ::step, ::step]


def _around(values: FloatArray, far: int) -> FloatArray:
    """The largest of the four neighbours at this distance, infinite at the border."""
    result = np.full_like(values, np.inf)
    if min(values.shape[1:]) > 2 * far:
        middle = slice(far, -far)
        beside = [values[:, : -2 * far, middle], values[:, 2 * far :, middle]]
        beside += [values[:, middle, : -2 * far], values[:, middle, 2 * far :]]
        result[:, middle, middle] = np.max(beside, axis=0)
    return result


def _cosines() -> FloatArray:
    """The orthonormal two-dimensional cosine transform of a patch, `(64, 64)`."""
    k, x = np.mgrid[0:SIDE, 0:SIDE]
    line = np.cos(np.pi * (2 * x + 1) * k / (2 * SIDE)) * np.sqrt(np.where(k == 0, 1.0, 2.0) / SIDE)
    return np.kron(line, line).astype(np.float32)


_TRANSFORM = _cosines()
