"""Which noise levels a training step sees."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

MOST = 75 / 255
"""Largest noise sd trained for, for pixels in [0, 1]."""
_LOW = 10 / 255
_LOW_SHARE = 0.2

Levels = npt.NDArray[np.float64]


class NoiseLevels(Protocol):
    def draw(self, count: int, random: np.random.Generator) -> Levels:
        """That many noise sds in the unit of the pictures."""

    def tell(self, loss: float) -> None:
        """The loss of the step that used the last draw."""


class Uniform:
    """Uniform up to `MOST`, with a share that is uniform among the low ones of modern cameras."""

    def draw(self, count: int, random: np.random.Generator) -> Levels:
        most = np.where(random.random(count) < _LOW_SHARE, _LOW, MOST)
        return most * random.random(count)

    def tell(self, loss: float) -> None:
        pass


@dataclass(frozen=True)
class LogUniform:
    """Every octave between two sds as often as any other."""

    lowest: float
    highest: float

    def draw(self, count: int, random: np.random.Generator) -> Levels:
        return np.exp(random.uniform(math.log(self.lowest), math.log(self.highest), count))

    def tell(self, loss: float) -> None:
        pass


@dataclass
class Curriculum:
    """From the noisiest to all: a level is added whenever the loss has stopped falling.

    After "Denoising Task Difficulty-based Curriculum for Training Diffusion Models" (Kim et al.,
    ICLR 2025), where heavy noise is the easy task. The levels are split in `clusters` equal
    intervals; a check every `every` steps compares the mean loss with the best so far, and after
    `patience` checks without a gain of `least` the next less noisy interval joins. Once all have
    joined, the draws are those of `Uniform`.

    Attributes:
        open: how many intervals are in use, counted from the noisiest.
    """

    clusters: int = 20
    every: int = 25
    patience: int = 2
    least: float = 0.01
    open: int = 1
    _losses: list[float] = field(default_factory=list)
    _best: float = float("inf")
    _waited: int = 0

    def draw(self, count: int, random: np.random.Generator) -> Levels:
        if self.open == self.clusters:
            return Uniform().draw(count, random)
        least = MOST * (1 - self.open / self.clusters)
        return least + (MOST - least) * random.random(count)

    def tell(self, loss: float) -> None:
        if self.open == self.clusters:
            return
        self._losses.append(loss)
        if len(self._losses) < self.every:
            return
        mean = float(np.mean(self._losses))
        self._losses.clear()
        self._waited = 0 if mean < self._best * (1 - self.least) else self._waited + 1
        self._best = min(self._best, mean)
        if self._waited >= self.patience:
            self.open, self._waited, self._best = self.open + 1, 0, float("inf")
