"""Stein's unbiased risk estimate as sums over pixels, and how far it is from the truth.

For y = x + n, n ~ N(0, Σ), Σ_ij = sd_i sd_j ρ(i - j), a method f of Jacobian J and r = y - f(y),

    |f(y) - x|² is estimated without bias by |r|² - tr Σ + 2 tr(ΣJ)

(Stein, Ann. Statist. 1981; correlated noise: Eldar, IEEE TSP 2009). tr(ΣJ) is the expectation of b' J b
for a random b of covariance Σ (Ramani, Blu and Unser, IEEE TIP 2008). How far the estimate is from the
true loss has the variance 4 r' Σ r + 4 tr((ΣJ)²) - 2 tr(Σ²), without bias (Bellec and Zhang,
"Second-order Stein: SURE for SURE and other applications", Ann. Statist. 2021).

Everything here is sums over pixels, so parts of a picture are added up, and a result that was mixed with
its input, y + m (f(y) - y), needs no new run of the method: its r is m r and its J b is m J b + (1 - m) b.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise over a rectangle.

    Args:
        sd: `(C, h, w)` float32.
        kernel: `(2 R + 1, 2 R + 1)` correlation of two pixels by their distance, 1 in the middle; None
            for white noise.
    """

    sd: FloatArray
    kernel: FloatArray | None = None

    @property
    def squared(self) -> float:
        """Sum of the squared correlations of one pixel with all: 1 for white noise."""
        return 1.0 if self.kernel is None else float((self.kernel.astype(np.float64) ** 2).sum())

    def times(self, values: FloatArray) -> FloatArray:
        """Σ v, `(C, h, w)`; v is 0 outside."""
        import cv2

        scaled = values * self.sd
        if self.kernel is not None:
            scaled = np.stack(
                [cv2.filter2D(c, -1, self.kernel, borderType=cv2.BORDER_CONSTANT) for c in scaled]
            )
        return np.asarray(scaled * self.sd)


@dataclass(frozen=True, eq=False)
class Probe:
    """A random direction and how the method answers to it.

    Args:
        direction: `(C, h, w)` b, of the noise's covariance.
        answer: `(C, h, w)` J b.
    """

    direction: FloatArray
    answer: FloatArray


@dataclass(frozen=True, eq=False)
class Part:
    """A rectangle of a picture with all that its risk follows from.

    Args:
        before: `(C, h, w)` y.
        after: `(C, h, w)` f(y) at full strength.
        inside: `(h, w)` True where a pixel counts.
        mix: strength, one number or `(h, w)`.
        noise: over the rectangle.
        probes: at least one.
    """

    before: FloatArray
    after: FloatArray
    inside: BoolArray
    mix: float | FloatArray
    noise: Noise
    probes: Sequence[Probe]

    @property
    def residual(self) -> FloatArray:
        """What was taken away, `(C, h, w)`."""
        return np.asarray((self.before - self.after) * self._mix)

    @property
    def result(self) -> FloatArray:
        """Input and full-strength result mixed, `(C, h, w)`."""
        return self.before - self.residual

    def answer(self, probe: Probe) -> FloatArray:
        """J b of the mixed result, `(C, h, w)`."""
        return np.asarray(probe.direction + self._mix * (probe.answer - probe.direction))

    @property
    def _mix(self) -> Any:
        return np.asarray(self.mix, np.float32)


@dataclass(frozen=True)
class Sums:
    """What a risk is reckoned from; may be added up over parts.

    Those with b or J b are means over the probes.

    Args:
        pixels: positions that count.
        samples: the same times channels.
        probes: how many.
        variance: tr Σ.
        squared: tr Σ².
        residual: |r|².
        noisy_residual: r' Σ r.
        direction: b' b.
        share: b' J b.
        answer: (J b)' Σ J b.
        both: (J b)' Σ b.
        noisy_direction: b' Σ b.
    """

    pixels: int = 0
    samples: int = 0
    probes: int = 0
    variance: float = 0.0
    squared: float = 0.0
    residual: float = 0.0
    noisy_residual: float = 0.0
    direction: float = 0.0
    share: float = 0.0
    answer: float = 0.0
    both: float = 0.0
    noisy_direction: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        added = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Sums(**(added | {"probes": max(self.probes, other.probes)}))

    def at(self, strength: float) -> "Sums":
        """From the sums at strength 1 those at another one that is the same everywhere."""
        m, rest = strength, 1 - strength
        return replace(
            self,
            residual=m * m * self.residual,
            noisy_residual=m * m * self.noisy_residual,
            share=m * self.share + rest * self.direction,
            answer=m * m * self.answer + 2 * m * rest * self.both + rest * rest * self.noisy_direction,
            both=m * self.both + rest * self.noisy_direction,
        )

    @property
    def trace(self) -> float:
        """tr(ΣJ).

        b' J b times tr Σ / b' b: exact for a multiple of the identity, and so less random for all.
        """
        return self.variance * self.freedom

    @property
    def freedom(self) -> float:
        """tr(ΣJ) / tr Σ: the share of the noise's degrees of freedom that is left."""
        return self.share / self.direction if self.direction > 0 else 0.0

    @property
    def loss(self) -> float:
        """Stein's estimate of |f(y) - x|²."""
        return self.residual - self.variance + 2 * self.trace

    @property
    def chance(self) -> float:
        """Variance of `loss` around the true loss.

        tr((ΣJ)²) is replaced by E (J b)' Σ J b = tr(ΣJΣJ'), equal to it if ΣJ is symmetric, as for every
        posterior mean, and larger otherwise; as a multiple of what b itself gives, like `trace`.
        """
        scale = self.squared / self.noisy_direction if self.noisy_direction > 0 else 0.0
        return max(4 * self.noisy_residual + 4 * scale * self.answer - 2 * self.squared, 0.0)

    @property
    def scatter(self) -> float:
        """Variance of `loss` that the choice of the probes adds.

        b' A b has the variance 2 tr(ΣAΣA) <= 2 E (A b)' Σ A b for a Gaussian b, less for random signs; here
        A = J - freedom I, as `trace` has it.
        """
        c = self.freedom
        spread = self.answer - 2 * c * self.both + c * c * self.noisy_direction
        return 4 * 2 * max(spread, 0.0) / max(self.probes, 1)


def sums(part: Part) -> Sums:
    """Add up one part of a picture."""
    inside = part.inside
    sd = part.noise.sd
    variance = _dot(sd, sd, inside)
    residual = part.residual * inside
    found = [_of_probe(part, probe) for probe in part.probes]
    mean = np.mean(found, axis=0) if found else np.zeros(5)
    return Sums(
        pixels=int(inside.sum()),
        samples=int(inside.sum()) * len(sd),
        probes=len(found),
        variance=variance,
        squared=_dot(sd**2, sd**2, inside) * part.noise.squared,
        residual=_dot(residual, residual),
        noisy_residual=_dot(residual, part.noise.times(residual)),
        **dict(zip(("direction", "share", "answer", "both", "noisy_direction"), mean.tolist(), strict=True)),
    )


def _of_probe(part: Part, probe: Probe) -> tuple[float, ...]:
    b = probe.direction * part.inside
    answer = part.answer(probe) * part.inside
    noisy = part.noise.times(b)
    noisy_answer = part.noise.times(answer)
    return _dot(b, b), _dot(b, answer), _dot(answer, noisy_answer), _dot(answer, noisy), _dot(b, noisy)


def _dot(a: FloatArray, b: FloatArray, inside: BoolArray | None = None) -> float:
    product = a * b if inside is None else a * b * inside
    return float(product.sum(dtype=np.float64))
