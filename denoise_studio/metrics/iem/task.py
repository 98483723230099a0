"""Two pictures, a prior that fits them, and the range of noise in the prior's unit."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from denoise_studio.core.errors import MeasureError, OutOfMemory
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.metrics.base import Subject, check_comparable
from denoise_studio.metrics.iem.integrate import Integral, Integrator, Span, refine
from denoise_studio.metrics.iem.pieces import pieces
from denoise_studio.metrics.iem.priors import Prior, get_prior
from denoise_studio.metrics.iem.units import PriorUnit, unit_for

if TYPE_CHECKING:
    from denoise_studio.metrics.iem.measure import Options

_HALO = 64
"""Pixels around a piece of a large picture that the prior sees with it."""
_LARGEST = 2048 * 2048
"""Pixels of a picture that can be measured in one piece."""


class Task:
    """What is to be measured, checked.

    Args:
        test: a picture.
        reference: another.
        options: how.
        check: called between calls of the prior; may raise to stop.

    Raises:
        MeasureError: it cannot be measured.
    """

    def __init__(
        self, test: Picture, reference: Picture, options: "Options", check: Callable[[], None]
    ) -> None:
        check_comparable(test, reference)
        _check_options(options)
        self.test, self.reference, self.options, self._check = test, reference, options, check
        self.prior = get_prior(options.prior)
        self.unit = unit_for(test, reference)
        self.gamma = options.gamma or (0.0, self.unit.sigma**-2)
        self._span = _span(self.prior, self.unit, self.gamma)
        self.valid = Subject(test, reference).valid
        if options.square and self.prior.exact:
            raise MeasureError(f"The prior {self.prior.name!r} is for the metric itself, not for f = square.")
        self._bound = self.prior.load(self.unit.kind, test.channels, options.device)
        self._check_trained()

    @property
    def samples(self) -> int:
        """That count, over all channels."""
        pixels = self.test.rect.area if self.valid is None else int(self.valid.sum())
        return pixels * self.test.channels

    def pieces(self) -> list[Rect]:
        """In which the picture is measured. With f = square no piece tells z, which is the whole's."""
        if not self.options.square:
            return list(pieces(self.test.rect, self.prior.piece))
        if self.test.rect.area > _LARGEST:
            raise MeasureError(
                f"With f = square a picture is measured whole, up to {_LARGEST >> 20} megapixels; cut one."
            )
        return [self.test.rect]

    def _check_trained(self) -> None:
        known = getattr(self._bound, "sigmas", None)
        asked = self._span.highest**-0.5, self._span.lowest**-0.5
        if known is None or (known[0] <= asked[0] * (1 + 1e-6) and asked[1] <= known[1] * (1 + 1e-6)):
            return
        ends = [f"{sigma * self.unit.per:g}" for sigma in (*known, *asked)]
        low, high = ((self.unit.per * sigma) ** -2 for sigma in reversed(known))
        raise MeasureError(
            f"The prior {self.prior.name!r} knows noise of sigma {ends[0]} to {ends[1]} (unit: "
            f"{self.unit.name}), not {ends[2]} to {ends[3]}: gamma may lie between {low:.4g} and {high:.4g}, "
            f"or reach from 0 to {10 * low:.4g} or more."
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
            valid, empty = self.valid[seen.slices], np.float32(self.unit.empty)
            x1, x2 = (np.where(valid, x, empty) for x in (x1, x2))
        if not (x1 != x2).any():
            yield Integral(0.0, 0.0, 0.0, 0.0, 0, 0, 0, np.zeros((piece.height, piece.width)))
            return
        found = (self._exact if self.prior.exact else self._drawn)(x1, x2, counted, piece)
        for integral in found:
            yield replace(integral, map=integral.map.sum(axis=0)[inner])

    def _exact(self, x1: Any, x2: Any, counted: Any, piece: Rect) -> Iterator[Integral]:
        lowest = 0.0 if self._span.from_zero else self._span.lowest
        found = self._bound.map(x1 - x2, self._span.highest, lowest) * counted
        yield Integral(float(found.sum()), 0.0, 0.0, 0.0, 0, 0, 0, found)

    def _drawn(self, x1: Any, x2: Any, counted: Any, piece: Rect) -> Iterator[Integral]:
        margin, multiple = self.prior.margin, self.prior.multiple
        height, width = counted.shape
        beyond = [(margin, margin + -(side + 2 * margin) % multiple) for side in (height, width)]
        y1, y2 = (np.pad(x, ((0, 0), *beyond), mode="symmetric") for x in (x1, x2))
        integrator = Integrator(
            y1,
            y2,
            self._bound.posterior_mean,
            self._span,
            seed=self.options.seed + 1_000_003 * piece.y + piece.x,
            square=self.options.square,
            counted=np.pad(counted, beyond),
            shared=self.prior.draws,
            check=self._check,
        )
        try:
            for found in refine(integrator, self.options.tolerance, self.options.most_calls):
                inside = found.map[:, margin : margin + height, margin : margin + width]
                yield replace(found, map=inside)
        except OutOfMemory:
            raise MeasureError("There is not enough memory to measure pictures of this size.") from None


def _check_options(options: "Options") -> None:
    if not options.tolerance > 0:
        raise MeasureError(f"The tolerance must be above 0, not {options.tolerance:g}.")
    if options.seed < 0:
        raise MeasureError(f"The seed must be 0 or more, not {options.seed}.")


def _span(prior: Prior, unit: PriorUnit, gamma: tuple[float, float]) -> Span:
    low, high = gamma
    if not (0 <= low < high and math.isfinite(high)):
        raise MeasureError(f"The range of gamma must rise from 0 or more, not from {low:g} to {high:g}.")
    if low:
        return Span(unit.gamma(low), unit.gamma(high), from_zero=False)
    # At least a decade to integrate over, even when only the heaviest noise is asked for.
    return Span(min(prior.highest**-2, unit.gamma(high) / 10), unit.gamma(high))
