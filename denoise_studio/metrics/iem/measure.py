"""The metric between two pictures: in their unit, under a named prior, with its error."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.metrics.base import Subject, check_comparable
from denoise_studio.metrics.iem.integrate import Integral, Integrator, Span, refine
from denoise_studio.metrics.iem.priors import DEFAULT, Prior, get_prior
from denoise_studio.metrics.iem.units import PriorUnit, unit_for

_HALO = 64
"""Pixels around a piece of a large picture that the prior sees with it."""


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
        most_calls: denoised pictures (or pieces of large ones) at most.
        seed: of the noise.
        device: "cpu" or a GPU for priors that can use one.
    """

    prior: str = DEFAULT
    gamma: tuple[float, float] | None = None
    square: bool = False
    tolerance: float = 0.02
    most_calls: int = 512
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
        function: "identity" for the metric, "square" for IEM_f with f(z) = z^2.
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
            "unit": f"1 / ({self.unit})^2",
            "lowest_sigma": self.sigma[0],
            "function": self.function,
            "levels": self.levels,
            "paths": self.paths,
            "denoiser_calls": self.calls,
            "per_sample": self.value / math.sqrt(self.samples),
        }

    def inside(self, mask: Any) -> float:
        """The part of the value that comes from where `mask (H, W)` is True: the root of its sum."""
        return math.sqrt(max(float(self.map[mask].sum()), 0.0))


def iem(
    test: Picture, reference: Picture, options: Options | None = None, **choices: Any
) -> InformationEstimation:
    """The information-estimation metric between two pictures (Ohayon et al., arXiv 2510.02514).

    Args:
        test: a picture.
        reference: another of the same size and kind of values.
        options: how; None for the usual.
        choices: fields of `Options`, instead of `options`.

    Raises:
        MeasureError: the pictures cannot be compared, or there is no such prior or range.
    """
    chosen = options or Options(**choices)
    *_, last = improving(test, reference, chosen)
    return last


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
    check_comparable(test, reference)
    task = _Task(test, reference, options, check)
    pieces = list(_pieces(test.rect, task.prior.piece))
    if len(pieces) == 1:
        for found in task.better(test.rect):
            yield task.result(found)
        return
    whole = _Whole(test.rect)
    for index, piece in enumerate(pieces):
        *_, found = task.better(piece)
        whole.add(piece, found)
        progress((index + 1) / len(pieces))
    yield task.result(whole.integral())


class _Whole:
    """Puts pieces together: noise of different pieces is independent, other errors add up."""

    def __init__(self, rect: Rect) -> None:
        self._map = np.zeros((rect.height, rect.width))
        self._found: list[Integral] = []

    def add(self, piece: Rect, found: Integral) -> None:
        self._map[piece.slices] = found.map
        self._found.append(replace(found, map=None))

    def integral(self) -> Integral:
        found = self._found
        return Integral(
            squared=float(self._map.sum()),
            spread=math.sqrt(sum((part.believed * part.spread) ** 2 for part in found)),
            believed=1.0,
            rest=sum(part.rest for part in found),
            levels=max(part.levels for part in found),
            paths=max(part.paths for part in found),
            calls=sum(part.calls for part in found),
            map=self._map,
        )


def _pieces(rect: Rect, side: int) -> Iterator[Rect]:
    """The picture itself, if it is at most a quarter wider than `side`, or squares of a grid."""
    if max(rect.width, rect.height) <= side * 5 // 4:
        yield rect
        return
    for y in range(0, rect.height, side):
        for x in range(0, rect.width, side):
            yield Rect(x, y, side, side).intersect(rect)


def _span(prior: Prior, unit: PriorUnit, gamma: tuple[float, float]) -> Span:
    low, high = gamma
    if not (0 <= low < high and math.isfinite(high)):
        raise MeasureError(f"The range of gamma must rise from 0 or more, not from {low:g} to {high:g}.")
    if low:
        return Span(unit.gamma(low), unit.gamma(high), from_zero=False)
    # At least a decade to integrate over, even when only the heaviest noise is asked for.
    return Span(min(prior.highest**-2, unit.gamma(high) / 10), unit.gamma(high))


class _Task:
    """Two pictures, a prior that fits them, and the range in the prior's unit."""

    def __init__(
        self, test: Picture, reference: Picture, options: Options, check: Callable[[], None]
    ) -> None:
        self.test, self.reference, self.options, self.check = test, reference, options, check
        self.prior = get_prior(options.prior)
        self.unit = unit_for(test, reference)
        self.gamma = options.gamma or (0.0, self.unit.sigma**-2)
        self.span = _span(self.prior, self.unit, self.gamma)
        self.valid = Subject(test, reference).valid
        self.bound = self.prior.load(self.unit.kind, test.channels, options.device)
        self._check_trained()
        if options.square and self.prior.exact:
            raise MeasureError(f"The prior {self.prior.name!r} is for the metric itself, not for f = square.")

    def _check_trained(self) -> None:
        known = getattr(self.bound, "sigmas", None)
        lowest = self.span.highest**-0.5
        if known is not None and not known[0] <= lowest * (1 + 1e-6):
            least, asked = (sigma * self.unit.per for sigma in (known[0], lowest))
            raise MeasureError(
                f"The prior {self.prior.name!r} knows noise from sigma {least:g} on "
                f"(unit: {self.unit.name}), not {asked:g}: gamma may reach {least**-2:.4g}."
            )

    def better(self, piece: Rect) -> Iterator[Integral]:
        """Integrals for one piece of the pictures, which the prior sees with its surroundings.

        Their maps are `(h, w)`.
        """
        seen = piece.expand(_HALO).intersect(self.test.rect)
        where = (slice(None), *seen.slices)
        x1, x2 = (self.unit.values(picture.pixels[where]) for picture in (self.test, self.reference))
        counted = np.zeros((seen.height, seen.width))
        inner = piece.translate(-seen.x, -seen.y).slices
        counted[inner] = 1 if self.valid is None else self.valid[piece.slices]
        if self.valid is not None:
            x1 = np.where(self.valid[seen.slices], x1, x2)  # padding must not make a difference
        if not (x1 != x2).any():
            yield Integral(0.0, 0.0, 0.0, 0.0, 0, 0, 0, np.zeros((piece.height, piece.width)))
            return
        found = (self._exact if self.prior.exact else self._drawn)(x1, x2, counted, piece)
        for integral in found:
            yield replace(integral, map=integral.map.sum(axis=0)[inner])

    def _exact(self, x1: Any, x2: Any, counted: Any, piece: Rect) -> Iterator[Integral]:
        lowest = 0.0 if self.span.from_zero else self.span.lowest
        found = self.bound.map(x1 - x2, self.span.highest, lowest) * counted
        yield Integral(float(found.sum()), 0.0, 0.0, 0.0, 0, 0, 0, found)

    def _drawn(self, x1: Any, x2: Any, counted: Any, piece: Rect) -> Iterator[Integral]:
        margin, multiple = self.prior.margin, self.prior.multiple
        height, width = counted.shape
        beyond = [(margin, margin + -(side + 2 * margin) % multiple) for side in (height, width)]
        y1, y2 = (np.pad(x, ((0, 0), *beyond), mode="symmetric") for x in (x1, x2))
        integrator = Integrator(
            y1,
            y2,
            self.bound.posterior_mean,
            self.span,
            seed=self.options.seed + 1_000_003 * piece.y + piece.x,
            square=self.options.square,
            counted=np.pad(counted, beyond),
            check=self.check,
        )
        for found in refine(integrator, self.options.tolerance, self.options.most_calls):
            inside = found.map[:, margin : margin + height, margin : margin + width]
            yield replace(found, map=inside)

    def result(self, found: Integral) -> InformationEstimation:
        count = self.test.rect.area if self.valid is None else int(self.valid.sum())
        return InformationEstimation(
            value=found.value,
            error=found.error,
            prior=self.prior.name,
            trained_on=f"{self.unit.kind}, {'grey' if self.test.channels == 1 else 'colour'}",
            gamma=self.gamma,
            unit=self.unit.name,
            function="square" if self.options.square else "identity",
            levels=found.levels,
            paths=found.paths,
            calls=found.calls,
            samples=count * self.test.channels,
            map=found.map,
        )
