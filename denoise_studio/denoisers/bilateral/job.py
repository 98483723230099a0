"""A whole picture with its sigmas, checked, and cut into blocks for the tile functions."""

import functools
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.mirror import Origins, cut, origins
from denoise_studio.denoisers.bilateral.window import radii

Sigma = float | FloatArray
"""One value for all pixels, or `(H, W)` float32."""

MOST_REACH = 100
"""Largest radius: the kernels' whole numbers hold its fourth power."""

_BLOCK, _COLUMNS = 1 << 17, 4096
"""Pixels of a block, and its largest width: whole rows need no copies of the maps."""


@dataclass(frozen=True, eq=False)
class Job:
    """A whole picture and its sigmas, checked and made what the kernels take.

    Args:
        pixels: `(C, H, W)` float32, 0 where not valid.
        sigmas: each `(H, W)`, or `(1, W)` if it does not vary.
        valid: `(H, W)`, or None.
        window: radius of the square window, or None.
        guide: `(C', H, W)` float32, or None.
    """

    pixels: FloatArray
    sigmas: tuple[FloatArray, FloatArray, FloatArray]
    valid: BoolArray | None
    window: int | None
    guide: FloatArray | None = None

    @property
    def whole(self) -> Rect:
        return Rect(0, 0, self.pixels.shape[2], self.pixels.shape[1])

    def blocks(self) -> list[Rect]:
        """The picture in blocks, row by row."""
        whole = self.whole
        columns = min(whole.width, _COLUMNS)
        rows = max(16, _BLOCK // columns)
        return [
            Rect(x, y, columns, rows).intersect(whole)
            for y in range(0, whole.height, rows)
            for x in range(0, whole.width, columns)
        ]

    def sigmas_at(self, rect: Rect) -> tuple[FloatArray, ...]:
        """The sigmas of a block, rows that serve all as they are."""
        columns = slice(rect.x, rect.x1)
        parts = (s[:, columns] if s.shape[0] == 1 else s[rect.slices] for s in self.sigmas)
        return tuple(np.ascontiguousarray(part) for part in parts)

    @functools.cached_property
    def halo(self) -> int:
        """The margin that every block is given: what the widest window of the picture needs."""
        if self.window is not None:
            return self.window
        return max(int(radii(float(sigma.max()))) for sigma in self.sigmas[:2])

    def origins(self, rect: Rect, halo: int) -> tuple[Origins, Origins]:
        """Rows and columns of the picture that a block with its margin consists of."""
        rows = origins(rect.y - halo, rect.y1 + halo, self.pixels.shape[1])
        return rows, origins(rect.x - halo, rect.x1 + halo, self.pixels.shape[2])

    def tile(self, rect: Rect, halo: int) -> tuple[FloatArray, int, BoolArray | None]:
        """Pixels, halo and mask of a block with its margin, as the tile functions take them."""
        rows, columns = self.origins(rect, halo)
        valid = None if self.valid is None else cut(self.valid, rows, columns)
        return cut(self.pixels, rows, columns), halo, valid

    def restore(self, result: FloatArray, pixels: FloatArray) -> FloatArray:
        """Give pixels that are not valid their values back."""
        if self.valid is not None:
            np.copyto(result, pixels, where=~self.valid)
        return result


def job(
    pixels: FloatArray,
    sigma_x: Sigma,
    sigma_y: Sigma,
    sigma_r: Sigma,
    valid: BoolArray | None = None,
    window: int | None = None,
    guide: FloatArray | None = None,
) -> Job:
    """Check a whole picture's arguments.

    Raises:
        ValueError: shapes do not fit together, or a window is too large.
    """
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(f"pixels must be (1 or 3, H, W), not {pixels.shape}")
    size = pixels.shape[1:]
    if valid is not None and valid.shape != size:
        raise ValueError(f"valid must be {size}, not {valid.shape}")
    if guide is not None and (guide.shape[0] not in (1, 3) or guide.shape[1:] != size):
        raise ValueError(f"the guide must be (1 or 3, {size[0]}, {size[1]}), not {guide.shape}")
    sigmas = (_map(sigma_x, size), _map(sigma_y, size), _map(sigma_r, size))
    result = Job(
        _clean(pixels, valid), sigmas, valid, window, None if guide is None else _clean(guide, valid)
    )
    if not 0 <= result.halo <= MOST_REACH:
        raise ValueError(f"the window's radius must be from 0 to {MOST_REACH}, not {result.halo}")
    return result


def _map(sigma: Sigma, size: tuple[int, ...]) -> FloatArray:
    value = np.asarray(sigma, np.float32)
    if value.ndim == 0:
        return np.full((1, size[1]), value, np.float32)
    if value.shape not in (size, (1, size[1])):
        raise ValueError(f"a sigma must be one number or {size}, not {value.shape}")
    return value


def _clean(pixels: FloatArray, valid: BoolArray | None) -> FloatArray:
    """Float32, without the NaN that padding may hold."""
    pixels = np.ascontiguousarray(pixels, np.float32)
    return pixels if valid is None else np.where(valid, pixels, np.float32(0))
