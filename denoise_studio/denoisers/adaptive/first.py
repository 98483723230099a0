"""Stage 1: at every place the bilateral filter of least estimated risk, out of a bank."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.fitted import FitTask
from denoise_studio.core.geometry import Rect
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.adaptive.risk import pooled, smoothed, soft_choice
from denoise_studio.denoisers.bilateral.mirror import cut, origins
from denoise_studio.denoisers.bilateral.risk import bilateral_risk
from denoise_studio.denoisers.bilateral.window import radius
from denoise_studio.noise.local import NoiseModel

ROUND = tuple((sigma, sigma) for sigma in (0.6, 0.9, 1.3, 1.8, 2.5, 3.5))
LONG = ((0.5, 1.3), (1.3, 0.5), (0.5, 2.6), (2.6, 0.5), (1.0, 2.6), (2.6, 1.0))
"""sigma_x and sigma_y of the candidates in pixels.

Long ones only for white noise: correlated noise is streaked, differently in every place, and one
mean correlation would take the streaks' direction for the picture's.
"""

CONTRAST = (0.7, 1.0, 1.5, 2.2, 3.2, 5.0, 8.0)
"""sigma_r of the candidates in units of the noise's sd at the place."""

BLOCK = 2
"""Pixels that share a value of the maps: the risk is smoothed over far more."""

_POOL = 6.0
"""sd in pixels of the surroundings whose risk is averaged."""
_MARGIN = 20
_CELL = 256


@dataclass(frozen=True, eq=False)
class First:
    """Stage 1's maps, `(ceil(H / 2), ceil(W / 2))` float32 each."""

    sigma_x: FloatArray
    sigma_y: FloatArray
    sigma_r: FloatArray


def choose_first(task: FitTask, model: NoiseModel) -> First:
    """Choose sigma_x, sigma_y and sigma_r everywhere.

    Cell by cell, so time grows with the picture's area and memory does not. Raises `Cancelled`.
    """
    height, width = task.picture.height, task.picture.width
    size = -(-height // BLOCK), -(-width // BLOCK)
    maps = np.empty((3, *size), np.float32)
    cells = [Rect(x, y, _CELL, _CELL) for y in range(0, height, _CELL) for x in range(0, width, _CELL)]
    cells = [Rect(c.x, c.y, min(_CELL, width - c.x), min(_CELL, height - c.y)) for c in cells]
    results = task.each(lambda cell: _choose(task, model, cell), cells)
    for number, (cell, chosen) in enumerate(zip(cells, results, strict=True)):
        rows = slice(cell.y // BLOCK, -(-cell.y1 // BLOCK))
        columns = slice(cell.x // BLOCK, -(-cell.x1 // BLOCK))
        maps[:, rows, columns] = chosen
        task.progress.report((number + 1) / len(cells), "stage 1: comparing filters")
    return First(*maps)


def _choose(task: FitTask, model: NoiseModel, cell: Rect) -> Any:
    area = _whole_blocks(cell).expand(_MARGIN)
    shapes = ROUND + LONG if model.is_white else ROUND
    ground = _Ground(task, model, area, radius(max(max(shape) for shape in shapes)))
    scale = np.sqrt((ground.sd**2).sum(axis=0))
    risks, candidates, weights = [], [], None
    for shape in shapes:
        for contrast in CONTRAST:
            task.progress.check()
            sums, weights = pooled(ground.risk(shape, contrast * scale), ground.weight, BLOCK)
            risks.append(smoothed(sums, weights, _POOL / BLOCK))
            candidates.append((*shape, contrast))
    variance, _ = pooled(scale**2, np.ones_like(scale), BLOCK)
    variance /= BLOCK * BLOCK
    chosen = soft_choice(np.array(risks), candidates, variance)
    chosen[2] *= np.sqrt(variance)
    edge = _MARGIN // BLOCK
    return chosen[:, edge:-edge, edge:-edge]


def _whole_blocks(rect: Rect) -> Rect:
    return Rect(rect.x, rect.y, -(-rect.width // BLOCK) * BLOCK, -(-rect.height // BLOCK) * BLOCK)


class _Ground:
    """A part of the picture, mirrored at its edges, with its noise.

    Attributes:
        sd: `(C, h, w)` of the noise.
        weight: `(h, w)` float32, 1 where a pixel is valid.
    """

    def __init__(self, task: FitTask, model: NoiseModel, area: Rect, halo: int) -> None:
        picture = task.picture
        self._halo, self._model = halo, model
        self._rows = origins(area.y - halo, area.y1 + halo, picture.height)
        self._columns = origins(area.x - halo, area.x1 + halo, picture.width)
        inner = slice(halo, -halo)
        self._pixels = cut(picture.pixels, self._rows, self._columns)
        self._valid = None
        self.weight: FloatArray = np.ones((area.height, area.width), np.float32)
        if picture.padding is not None:
            self._valid = ~cut(picture.padding, self._rows, self._columns)
            self._pixels *= self._valid
            self.weight = self._valid[inner, inner].astype(np.float32)
        self._centre = self._pixels[:, inner, inner]
        self.sd = model.sd_at(self._rows[inner], self._columns[inner])

    def risk(self, shape: tuple[float, float], sigma_r: FloatArray) -> Any:
        """Estimated squared error at every pixel, channels summed; `(h, w)`."""
        sigma_x, sigma_y = (np.full((1, self.weight.shape[1]), sigma, np.float32) for sigma in shape)
        filtered, divergence = bilateral_risk(
            self._pixels, self._halo, self._valid, sigma_x, sigma_y, sigma_r,
            rho=self._model.correlation, rows=self._rows, columns=self._columns,
        )  # fmt: skip
        residual = self._centre - filtered
        return (residual * residual + self.sd**2 * (2 * divergence - 1)).sum(axis=0)
