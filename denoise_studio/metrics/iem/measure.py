"""The metric between two pictures: in their unit, under a named prior, with its error."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.metrics.iem.integrate import Integral
from denoise_studio.metrics.iem.local import step_along
from denoise_studio.metrics.iem.pieces import Whole
from denoise_studio.metrics.iem.priors import DEFAULT, class_name
from denoise_studio.metrics.iem.task import Task
from denoise_studio.metrics.iem.units import unit_for


@dataclass(frozen=True)
class Options:
    """How the metric is measured.

    Args:
        prior: name of the prior.
        gamma: its range, from 0 or more, in one over `unit` squared; None for the usual one:
            0 to 1/4 for pictures taken as [-1, 1] (the best on rated pictures in the paper), 0 to
            1/(400 HU)^2 for CT.
        square: the generalised metric with f(z) = z^2.
        tolerance: error that is small enough, as a share of the value.
        most_calls: pictures denoised at most, for each piece of a large one: the first number takes
            16 (with f = square 48), and is given whatever the limit.
        seed: of the noise.
        device: "cpu" or a GPU for priors that can use one.
    """

    prior: str = DEFAULT
    gamma: tuple[float, float] | None = None
    square: bool = False
    tolerance: float = 0.02
    most_calls: int = 64
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class InformationEstimation:
    """A distance between two pictures and all that it depends on.

    Args:
        value: the metric, without a unit; it grows with the root of the number of pixels.
        error: half the width of the interval that holds the exact value with 95 % confidence:
            noise drawn, quadrature and tail together.
        prior: name of the prior.
        trained_on: its class of pictures.
        gamma: the range, in one over `unit` squared.
        unit: of sigma: "HU", or how values became [-1, 1].
        function: "identity" for the metric, "square" for IEM_f with f(z) = z^2, "local" for the length
            of a direction at a picture.
        levels: noise levels; 0 where a closed form was used.
        paths: draws at each of them.
        calls: pictures denoised.
        samples: number of samples that count, over all channels.
        map: `(H, W)` float64, the squared value by pixel; its sum is `value` squared.
    """

    value: float
    error: float
    prior: str
    trained_on: str
    gamma: tuple[float, float]
    unit: str
    function: str
    levels: int
    paths: int
    calls: int
    samples: int
    map: Any = field(repr=False, compare=False)

    @property
    def squared(self) -> float:
        """The value squared, which is what places and independent parts add up to."""
        return self.value**2

    @property
    def sigma(self) -> tuple[float, float]:
        """The noise levels, in `unit`: from the upper to the lower end of gamma."""
        low, high = self.gamma
        return high**-0.5, low**-0.5 if low else math.inf

    def describe(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "value": self.value,
            "error": self.error,
            "prior": self.prior,
            "trained_on": self.trained_on,
            "gamma": list(self.gamma),
            "unit": self.gamma_unit,
            "lowest_sigma": self.sigma[0],
            "function": self.function,
            "levels": self.levels,
            "paths": self.paths,
            "denoiser_calls": self.calls,
            "per_sample": self.value / math.sqrt(self.samples),
        }

    @property
    def gamma_unit(self) -> str:
        """One over `unit` squared."""
        return f"1 / {self.unit}^2" if self.unit.isalpha() else f"1 / ({self.unit})^2"

    def inside(self, mask: Any) -> float:
        """The part of the value that comes from where `mask (H, W)` is True: the root of its sum."""
        return math.sqrt(max(float(self.map[mask].sum()), 0.0))


def iem(
    test: Picture, reference: Picture, options: Options | None = None, **choices: Any
) -> InformationEstimation:
    """The information-estimation metric between two pictures (Ohayon et al., arXiv 2510.02514).

    It tells how much one differs from the other, never which is better.

    Args:
        test: a picture.
        reference: another of the same size and kind of values.
        options: how; None for the usual.
        choices: fields of `Options`, in place of those of `options`.

    Raises:
        MeasureError: the pictures cannot be compared, or there is no such prior or range.
    """
    *_, last = improving(test, reference, replace(options or Options(), **choices))
    return last


def local_iem(
    picture: Picture, direction: FloatArray, options: Options | None = None, **choices: Any
) -> InformationEstimation:
    """The metric's Riemannian form at a picture: `squared` is e^T G(x) e.

    IEM^2(x, x + e) comes to it for small e: it tells how much a change in this direction counts
    where this picture stands, whatever its size. By central differences with the same noise.

    Args:
        picture: x.
        direction: e, of the shape of the picture's pixels and in their unit.
        options: as `iem`.
        choices: as `iem`.

    Raises:
        MeasureError: the direction has another shape or no size, or as `iem`.
    """
    chosen = replace(options or Options(), **choices)
    if chosen.square:
        raise MeasureError("The local form is that of the metric itself, not of f = square.")
    e = np.asarray(direction, np.float32)
    if e.shape != picture.pixels.shape:
        raise MeasureError(f"The direction has the shape {e.shape}, the picture {picture.pixels.shape}.")
    size = step_along(e) * unit_for(picture).width
    ends = [picture.derive(picture.pixels + np.float32(sign * size) * e) for sign in (1, -1)]
    *_, found = improving(ends[0], ends[1], chosen)
    scale = 1 / (2 * size)
    return replace(
        found,
        value=scale * found.value,
        error=scale * found.error,
        function="local",
        map=scale**2 * found.map,
    )


def improving(
    test: Picture,
    reference: Picture,
    options: Options,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[float], None] = lambda share: None,
) -> Iterator[InformationEstimation]:
    """The metric, coarse at first and then better, until its error is small enough.

    A picture larger than the prior's piece is measured piece by piece, and once.

    Args:
        test: as `iem`.
        reference: as `iem`.
        options: as `iem`.
        check: called between calls of the prior; may raise to stop.
        progress: told the share that is done, for large pictures.
    """
    task = Task(test, reference, options, check)
    parts = task.pieces()
    if len(parts) == 1:
        for found in task.better(test.rect):
            yield _told(task, found)
        return
    whole = Whole(test.rect)
    for index, piece in enumerate(parts):
        *_, found = task.better(piece)
        whole.add(piece, found)
        progress((index + 1) / len(parts))
    yield _told(task, whole.integral())


def _told(task: Task, found: Integral) -> InformationEstimation:
    return InformationEstimation(
        value=found.value,
        error=found.error,
        prior=task.prior.name,
        trained_on=class_name(task.unit.kind, task.test.channels),
        gamma=task.gamma,
        unit=task.unit.name,
        function="square" if task.options.square else "identity",
        levels=found.levels,
        paths=found.paths,
        calls=found.calls,
        samples=task.samples,
        map=found.map,
    )
