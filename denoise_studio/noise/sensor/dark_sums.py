"""What dark frames of one ISO add up to, one frame in memory at a time.

Frame i, row y, column x: f = shading(y, x) + frame(i) + row(i, y) + column(i, x) + pixel(i, y, x).
The noise parts are told apart by an analysis of variance, so that pixel noise that happens to
fall into a row's mean is not taken for row noise.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray

_ONE_SD = 0.841345
"""Probability below one standard deviation."""


@dataclass(frozen=True)
class Parts:
    """Standard deviations in DN and their standard errors.

    Args:
        pixel: what is independent from pixel to pixel and frame to frame.
        row: one value a row and frame.
        column: one value a column and frame.
        frame: one value a frame.
        row_error: of `row`.
        column_error: of `column`.
    """

    pixel: float
    row: float
    column: float
    frame: float
    row_error: float
    column_error: float

    def mean_error(self, count: int, size: tuple[int, int]) -> float:
        """Half-width around the mean level of `count` frames that holds the truth in 68 of 100 cases.

        Args:
            count: frames; nothing is known from one, so infinite.
            size: rows and columns of pixels that the level is a mean of.
        """
        from scipy.special import stdtrit

        if count < 2:
            return math.inf
        height, width = size
        one = self.frame**2 + self.row**2 / height + self.column**2 / width + self.pixel**2 / (height * width)
        # How much frames differ is known from these few frames only: Student's distribution.
        return float(stdtrit(count - 1, _ONE_SD)) * math.sqrt(one / count)


class Sums:
    """Sums over frames; two planes of memory.

    Args:
        size: rows and columns.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.count = 0
        self.total: FloatArray = np.zeros(size, np.float32)
        self._squares: FloatArray = np.zeros(size, np.float32)
        self._rows: list[Any] = []
        self._columns: list[Any] = []

    def add(self, values: FloatArray) -> None:
        """Count one frame in: `(H, W)` float32, DN above black."""
        self.count += 1
        self.total += values
        self._squares += np.square(values)
        self._rows.append(values.mean(axis=1, dtype=np.float64))
        self._columns.append(values.mean(axis=0, dtype=np.float64))

    def mean(self) -> FloatArray:
        """`(H, W)`."""
        return self.total / np.float32(self.count)

    def parts(self, good: BoolArray) -> Parts:
        """The parts of at least two frames.

        Args:
            good: `(H, W)`, False for pixels that are left out of the pixel noise (hot ones).
        """
        height, width = self.size
        rows, columns = np.array(self._rows), np.array(self._columns)
        frames = rows.mean(axis=1)
        offset = frames - frames.mean()
        row = rows - rows.mean(axis=0) - offset[:, None]
        column = columns - columns.mean(axis=0) - offset[:, None]
        within = self._squares - np.square(self.total) / np.float32(self.count)
        whole = float(within.sum(where=good, dtype=np.float64)) * within.size / np.count_nonzero(good)
        squares = {
            "frame": float(height * width * np.square(offset).sum()),
            "row": float(width * np.square(row).sum()),
            "column": float(height * np.square(column).sum()),
        }
        rest = max(whole - sum(squares.values()), 0.0)
        return _split(squares, rest, self.count - 1, height, width)


def parts_of_one(residual: FloatArray) -> Parts:
    """The parts of a single frame, of which a smooth shading was taken off.

    Patterns that stay from frame to frame cannot be told from noise then: `row`, `column` and
    `pixel` hold both, and nothing is known of `frame`.
    """
    height, width = residual.shape
    values = residual - residual.mean(dtype=np.float64)
    row = values.mean(axis=1, dtype=np.float64)
    column = values.mean(axis=0, dtype=np.float64)
    squares = {
        "frame": 0.0,
        "row": float(width * np.square(row).sum()),
        "column": float(height * np.square(column).sum()),
    }
    whole = float(np.square(values).sum(dtype=np.float64))
    return _split(squares, max(whole - squares["row"] - squares["column"], 0.0), 1, height, width)


def _split(squares: dict[str, float], rest: float, free: int, height: int, width: int) -> Parts:
    """From sums of squares to the parts; `free` is the number of independent frames."""
    pixel = rest / (free * (height - 1) * (width - 1))
    of_row = squares["row"] / (free * (height - 1))
    of_column = squares["column"] / (free * (width - 1))
    row, row_error = _part(of_row, pixel, width, free * (height - 1))
    column, column_error = _part(of_column, pixel, height, free * (width - 1))
    of_frame = (squares["frame"] / free - of_row - of_column + pixel) / (height * width)
    return Parts(math.sqrt(pixel), row, column, math.sqrt(max(of_frame, 0.0)), row_error, column_error)


def _part(square: float, pixel: float, length: int, free: int) -> tuple[float, float]:
    """Standard deviation and its standard error of what is shared by `length` pixels."""
    variance = (square - pixel) / length
    error = math.sqrt(2 / free) * square / length
    sd = math.sqrt(max(variance, 0.0))
    # Where there is hardly any such noise the variance's error, not its own size, limits the sd.
    return sd, error / (2 * max(sd, math.sqrt(error) / 2))
