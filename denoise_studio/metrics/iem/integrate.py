"""The information-estimation metric for any denoiser: quadrature over noise levels, its error known.

    IEM^2(x1, x2) = int_0^Gamma E |(x1 - xhat1) - (x2 - xhat2)|^2 dgamma,   gamma = 1 / sigma^2

where xhat_i is the posterior mean of x_i given y_i = x_i + sigma n, with the same noise n for both
pictures (Ohayon et al., arXiv 2510.02514). The expectation needs the noise at one level at a time
only, so each level draws its own. The integral is taken over log gamma with nested Gauss rules
(`quadrature`). Below the lowest level g the tail is g <D, d>, D = x1 - x2 and d the error difference
at g: exact for every Gaussian prior, and to first order in g for any other.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from denoise_studio.metrics.iem.quadrature import (
    SIZES,
    Values,
    all_nodes,
    rules,
    through_logarithms,
    worst_share,
)
from denoise_studio.metrics.iem.spread import block_sums, standard_error

Denoise = Callable[[Any, Any, Any], Any]
"""Posterior means: `(y (N, ...), sigma (N,), draws (N,)) -> (N, ...)`.

`draws` seeds what a prior draws itself: the same number for all levels of a path."""
_TAIL = SIZES[-1]
"""Number of the level at the lower end, after those of the largest rule."""
_BATCH = 1 << 20
"""Samples in one call of the denoiser."""


@dataclass(frozen=True)
class Span:
    """Which noise levels are integrated over.

    Args:
        lowest, highest: of gamma, in one over the unit squared.
        from_zero: whether the tail from 0 to `lowest` belongs to it.
    """

    lowest: float
    highest: float
    from_zero: bool = True

    def gamma(self, nodes: Values) -> Values:
        """At nodes in [-1, 1], evenly spread in the logarithm."""
        low, high = math.log(self.lowest), math.log(self.highest)
        gamma: Values = np.exp((low + high) / 2 + (high - low) / 2 * nodes)
        return gamma

    @property
    def half(self) -> float:
        """Half the width in log gamma: what [-1, 1] is stretched by."""
        return math.log(self.highest / self.lowest) / 2


@dataclass(frozen=True)
class Integral:
    """A squared distance with its error.

    Args:
        squared: the integral.
        spread: standard error of `squared` by the noise drawn.
        believed: how many of these make 95 %.
        rest: how far quadrature and tail may be off.
        levels: noise levels used.
        paths: draws of the noise at each.
        calls: pictures that the denoiser was given.
        map: `squared` by place, of the pictures' shape, float64.
    """

    squared: float
    spread: float
    believed: float
    rest: float
    levels: int
    paths: int
    calls: int
    map: Any = field(repr=False)

    @property
    def value(self) -> float:
        return math.sqrt(max(self.squared, 0.0))

    @property
    def error(self) -> float:
        """Half the width of the interval that holds the value with 95 % confidence."""
        off = self.believed * self.spread + self.rest
        low, high = (math.sqrt(max(self.squared + sign * off, 0.0)) for sign in (-1, 1))
        return max(self.value - low, high - self.value)


class Integrator:
    """Evaluates levels and paths one after another and keeps what they gave.

    Args:
        x1, x2: two pictures of one shape, in the prior's unit; float64 is kept, all else is float32.
        denoise: posterior means under the prior.
        span: noise levels.
        seed: of the noise.
        square: the generalised metric with f(z) = z^2 instead of the metric: every level weighs
            (2 z / d)^2, z = log p(y2) - log p(y1), d the number of samples. z is the line
            integral of the score xhat - y from y1 to y2 by Simpson's rule.
        counted: broadcasts to the shape; 0 where a sample does not count, else 1. The prior sees it all
            the same.
        shared: whether the prior draws something that all places share (`Denoise`'s draws).
        check: called between calls of the denoiser; may raise to stop.
    """

    def __init__(
        self,
        x1: Any,
        x2: Any,
        denoise: Denoise,
        span: Span,
        seed: int = 0,
        square: bool = False,
        counted: Any = None,
        shared: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        kind = np.result_type(x1, x2, np.float32)
        self._x1, self._x2 = np.asarray(x1, kind), np.asarray(x2, kind)
        self._denoise, self.span, self._seed, self._check = denoise, span, seed, check
        self._square, self._shared = square, shared
        self._counted = np.ones(self._x1.shape[-2:]) if counted is None else counted
        # Of samples that do not count, neither the difference nor the error is looked at.
        self._difference = (self._x1.astype(np.float64) - self._x2) * self._counted
        self._samples = int(np.broadcast_to(self._counted, self._x1.shape).sum())
        self._gamma = np.append(span.gamma(all_nodes()), span.lowest)
        self._maps: dict[int, Any] = {}
        self._energy: dict[int, float] = {}
        self._sums: dict[tuple[int, int], Any] = {}
        self._size, self.paths, self.calls = 0, 0, 0

    @property
    def first_size(self) -> int:
        """The rule to begin with. With f = square the integrand is steeper than three levels can tell."""
        return SIZES[1 if self._square else 0]

    def cost(self, size: int, paths: int) -> int:
        """Pictures that the denoiser is given for such a rule, all in all."""
        return (3 if self._square else 2) * (size + self.span.from_zero) * paths

    def grow(self, size: int, paths: int) -> None:
        """Evaluate the rule of `size` nodes with `paths` draws, as far as it has not been."""
        levels = [*range(size), *([_TAIL] if self.span.from_zero else [])]
        todo = [(n, p) for p in range(paths) for n in levels if (n, p) not in self._sums]
        step = max(1, _BATCH // self._x1.size // (3 if self._square else 2))
        for start in range(0, len(todo), step):
            self._check()
            self._evaluate(todo[start : start + step])
        self._size, self.paths = size, paths

    def _evaluate(self, todo: list[tuple[int, int]]) -> None:
        kind = self._x1.dtype.type
        ends = [self._x1, self._x2]
        if self._square:
            ends.append((self._x1 + self._x2) / 2)
        noisy, sigmas, draws = [], [], []
        for level, path in todo:
            sigma = kind(self._gamma[level] ** -0.5)
            draw = int(np.random.default_rng((self._seed, path)).integers(1 << 31))
            noise = np.random.default_rng((self._seed, level, path)).standard_normal(self._x1.shape, kind)
            noise *= sigma
            noisy += [end + noise for end in ends]
            sigmas += [sigma] * len(ends)
            draws += [draw] * len(ends)
        batch = np.stack(noisy)
        means = self._denoise(batch, np.array(sigmas, kind), np.array(draws))
        self.calls += len(batch)
        for index, (level, path) in enumerate(todo):
            part = slice(index * len(ends), (index + 1) * len(ends))
            self._keep(level, path, batch[part], means[part])

    def _keep(self, level: int, path: int, noisy: Any, means: Any) -> None:
        """What a level adds for one draw, by place and by block, before the rule's weight."""
        gamma = self._gamma[level]
        left = self._difference - (means[0].astype(np.float64) - means[1]) * self._counted
        factor = self._generalised(gamma, noisy, means) if self._square else 1.0
        found = factor * gamma * left * left
        self._energy[level] = self._energy.get(level, 0.0) + float(found.sum())
        if level == _TAIL:
            # For z^2, which begins in proportion to gamma, the mean of a straight line from 0.
            found = found / 2 if self._square else gamma * self._difference * left
        self._maps[level] = self._maps.get(level, 0.0) + found
        # z belongs to the whole picture, so that no part of it differs by itself between draws.
        self._sums[level, path] = found.sum().reshape(1, 1) if self._square else block_sums(found)

    def _generalised(self, gamma: float, noisy: Any, means: Any) -> float:
        along = [
            np.vdot(self._difference, mean.astype(np.float64) - y)
            for mean, y in zip(means, noisy, strict=True)
        ]
        z = -gamma * (along[0] + along[1] + 4 * along[2]) / 6
        return float(2 * z / self._samples) ** 2

    def result(self) -> Integral:
        """The integral as far as it has been evaluated."""
        weights = dict(enumerate(rules()[SIZES.index(self._size)].weights * self.span.half))
        if self.span.from_zero:
            weights[_TAIL] = 1.0
        total = sum(weight * self._maps[level] for level, weight in weights.items()) / self.paths
        sums = [
            sum(w * self._sums[level, path] for level, w in weights.items()) for path in range(self.paths)
        ]
        spread, believed = standard_error(np.array(sums), self._shared)
        rest = self.quadrature_error() + self._tail_error()
        squared, levels = float(np.sum(total)), self._size + self.span.from_zero
        return Integral(squared, spread, believed, rest, levels, self.paths, self.calls, total)

    def quadrature_error(self) -> float:
        """How far the rule in use may be off, in the square."""
        means = np.array([self._energy[level] for level in range(self._size)]) / self.paths
        index, half = SIZES.index(self._size), self.span.half
        value = float(rules()[index].weights @ means)
        if index:  # how far the coarser rule on some of the same levels is from it
            return abs(value - float(rules()[index - 1].weights @ means[: SIZES[index - 1]])) * half
        if not means.any():
            return 0.0
        nodes, lowest = all_nodes()[: self._size], 0.0
        if self.span.from_zero:
            lowest = self._energy[_TAIL] / self.paths
            nodes, means = np.append(nodes, -1.0), np.append(means, lowest)
        other = through_logarithms(nodes, means)
        share = worst_share(index, half, self.span.from_zero)
        return abs(value - other) * half + share * (value * half + lowest)

    def _tail_error(self) -> float:
        """The tail is exact where the error difference keeps its direction below the lowest level."""
        if not self.span.from_zero:
            return 0.0
        tail = float(np.sum(self._maps[_TAIL])) / self.paths
        if self._square:
            return tail / 2
        size = np.vdot(self._difference, self._difference)
        straight = math.sqrt(self.span.lowest * size * self._energy[_TAIL] / self.paths)
        return abs(straight - tail)


def refine(
    integrator: Integrator, tolerance: float = 0.02, most_calls: int = 1024, paths: int = 2
) -> Iterator[Integral]:
    """Better and better integrals, from four levels on, until the error is small enough.

    Whatever the error owes most to grows next: the levels, or the draws at each.

    Args:
        integrator: fresh.
        tolerance: error of the value that is small enough, as a share of it.
        most_calls: pictures that the denoiser may be given; a step that would exceed it is not begun.
        paths: draws to begin with.
    """
    size = integrator.first_size
    while True:
        integrator.grow(size, paths)
        found = integrator.result()
        yield found
        if found.error <= tolerance * found.value:
            return
        by_draws = found.believed * found.spread > integrator.quadrature_error() or size == SIZES[-1]
        paths, size = (2 * paths, size) if by_draws else (paths, SIZES[SIZES.index(size) + 1])
        if integrator.cost(size, paths) > most_calls:
            return
