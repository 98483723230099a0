"""What a denoiser keeps and what it takes away: the leading eigenpairs of its Jacobian, matrix-free.

A denoiser f shrinks the picture's deviations in a basis of its own: f(x + d) = f(x) + J d for small d,
and J e = lambda e means that it keeps the share lambda of the pattern e (geometry-adaptive harmonic
bases: Kadkhodaie, Guth, Simoncelli and Mallat, ICLR 2024). J is never written out: all that is asked
for are products J v, which cost two runs of the denoiser each.

J need not be symmetric, so the eigenpairs come from Arnoldi's method, here without restarts: every
product stays of use when more patterns are wanted, pictures can be shown from the first few on, and a
few hundred basis vectors of a small region are no burden.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Map = Callable[[Vector], Vector]

STEPS = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Candidates for the largest change of a sample, in noise sds."""


@dataclass(frozen=True)
class Differences:
    """J v by central differences, (f(x + h v) - f(x - h v)) / 2h with h max|v| = `step`.

    The step bounds the largest change and not the norm: a pattern of one pixel must not move that
    pixel by many noise sds.

    Args:
        function: f on vectors `(n,)`; may round to float32.
        point: x, `(n,)`.
        step: largest change of a sample, in its unit.
        error: relative error of a product as `measured` found it.
    """

    function: Map
    point: Vector
    step: float
    error: float = 0.0

    def __call__(self, vector: Vector) -> Vector:
        largest = float(np.abs(vector).max())
        if largest == 0.0:
            return np.zeros_like(vector)
        h = self.step / largest
        return (self.function(self.point + h * vector) - self.function(self.point - h * vector)) / (2 * h)


def measured(
    function: Map,
    point: Vector,
    noise: float,
    check: Callable[[], None] = lambda: None,
    seed: int = 0,
) -> Differences:
    """Central differences with the step that serves this function best here.

    A large step errs by curvature (h² f''' / 6, or by the kinks of a network that it crosses, which
    shrink with h only), a small one by float32 (about 1e-7 |x| / h). Where the two meet differs from
    method to method, so steps are tried from large to small on one random direction: the difference
    between two neighbours is the error of either, and the pair with the smallest one is taken. The
    search ends as soon as rounding has taken over. Costs four to ten runs.

    Args:
        function: f on vectors `(n,)`.
        point: x, `(n,)`.
        noise: the sd of the noise, in the unit of x: the scale over which a denoiser bends.
        check: asked between runs; raises to stop.
        seed: of the direction.
    """
    direction = np.random.default_rng(seed).choice((-1.0, 1.0), point.size)
    best: Differences | None = None
    before: tuple[float, Vector] | None = None
    for share in STEPS:
        check()
        step = share * noise
        product = Differences(function, point, step)(direction)
        if before is not None:
            error = _norm(product - before[1]) / max(_norm(product), np.finfo(np.float64).tiny)
            if best is not None and error > best.error:
                break
            best = Differences(function, point, before[0], error)
        before = step, product
    assert best is not None
    return best


@dataclass(frozen=True, eq=False)
class Pattern:
    """A way in which the samples can vary together, and what becomes of it.

    Args:
        vector: `(n,)`, norm 1.
        share: what is left of it: the eigenvalue, or its real part.
        turn: the imaginary part: how much of it turns into its partner's, the pattern before or after
            it; 0 for a real eigenvalue.
        residual: norm of J e - lambda e for the eigenvector e of norm 1: an error of the pair.
    """

    vector: Vector
    share: float
    turn: float
    residual: float


class Arnoldi:
    """An orthonormal basis V of the span of v, J v, J² v, ..., grown one product at a time.

    J V_m = V_(m+1) H (Arnoldi 1951; Saad, Numerical Methods for Large Eigenvalue Problems, 2011,
    section 6.2); each new vector is orthogonalised twice. The eigenpairs of the upper part of H are
    those of J up to the last row of H, which says by how much they miss.

    Args:
        product: J.
        size: n.
        seed: of the first vector, which is random: it leaves no pattern out.
    """

    def __init__(self, product: Map, size: int, seed: int = 0) -> None:
        self.product = product
        self.size = size
        self.steps = 0
        self._random = np.random.default_rng(seed)
        self._basis = np.empty((32, size))
        self._h = np.zeros((32, 32))
        self._basis[0] = self._fresh()

    @property
    def is_complete(self) -> bool:
        """Whether the basis spans everything, so that there is nothing more to find."""
        return self.steps >= self.size

    @property
    def basis(self) -> Vector:
        """V, `(m, n)`."""
        return self._basis[: self.steps]

    @property
    def small(self) -> Vector:
        """V^T J V, `(m, m)`."""
        return self._h[: self.steps, : self.steps]

    def times_basis(self, weights: Vector) -> Vector:
        """J V^T w for weights w `(m,)`, without a product."""
        last = min(self.steps + 1, self.size)
        result: Vector = (self._h[:last, : self.steps] @ weights) @ self._basis[:last]
        return result

    def step(self) -> None:
        """One more vector, for one product."""
        if self.is_complete:
            return
        m = self.steps
        if m + 2 > len(self._basis):
            self._basis = np.concatenate([self._basis, np.empty_like(self._basis)])
            self._h = np.pad(self._h, (0, len(self._h)))
        vector = self.product(self._basis[m])
        scale = _norm(vector)
        for _ in range(2):
            weights = self._basis[: m + 1] @ vector
            self._h[: m + 1, m] += weights
            vector = vector - weights @ self._basis[: m + 1]
        rest = _norm(vector)
        self.steps = m + 1
        if self.is_complete:
            return
        if rest > 1e-12 * scale:
            self._h[m + 1, m] = rest
            self._basis[m + 1] = vector / rest
        else:  # J maps the span into itself: what else there is begins with another vector
            self._basis[m + 1] = self._fresh()

    def _fresh(self) -> Vector:
        vector: Vector = self._random.standard_normal(self.size)
        for _ in range(2):
            vector /= _norm(vector)
            vector = vector - (self.basis @ vector) @ self.basis
        return vector / _norm(vector)

    def patterns(self, count: int) -> list[Pattern]:
        """Those with the largest shares, falling; a complex pair makes two, which stay together."""
        values, vectors = np.linalg.eig(self.small)
        below = 0.0 if self.is_complete else float(self._h[self.steps, self.steps - 1])
        found: list[Pattern] = []
        for index in np.lexsort((-values.imag, -values.real)):
            value, weights = values[index], vectors[:, index]
            if value.imag < 0:
                continue  # came with its partner
            residual = float(abs(below * weights[-1]))
            parts = _real_parts(weights) if value.imag > 0 else (weights.real,)
            for part in parts:
                vector = part @ self.basis
                found.append(Pattern(vector / _norm(vector), float(value.real), float(value.imag), residual))
            if len(found) >= count:
                break
        return found[:count]


def _real_parts(vector: npt.NDArray[np.complex128]) -> tuple[Vector, Vector]:
    """Real and imaginary part, after the turn that makes them orthogonal; the longer one first."""
    angle = -0.5 * float(np.angle(np.sum(vector * vector)))
    turned = vector * np.exp(1j * angle)
    return turned.real, turned.imag


def checked(pattern: Pattern, product: Map) -> Pattern:
    """A real pattern with a residual from a product of its own, which knows the products' errors too.

    Those of complex pairs are left as they are.
    """
    if pattern.turn:
        return pattern
    missed = product(pattern.vector) - pattern.share * pattern.vector
    return Pattern(pattern.vector, pattern.share, pattern.turn, max(pattern.residual, _norm(missed)))


@dataclass(frozen=True)
class Trace:
    """Of the whole Jacobian.

    Args:
        value: tr J: the effective degrees of freedom, at most about n.
        error: its standard error.
        asymmetry: about |J - J^T| / 2|J| in Frobenius norms: 0 for a symmetric J, 1 for a skew one.
    """

    value: float
    error: float
    asymmetry: float


PROBES = 8


def trace(found: Arnoldi, check: Callable[[], None] = lambda: None, seed: int = 1) -> Trace:
    """Trace of J, from the basis exactly and from random vectors for the rest.

    Hutchinson's estimate z^T J z (1990) with the span of the basis taken out (Hutch++: Meyer, Musco,
    Musco and Woodruff, SOSA 2021). What is left of a Gaussian z has any direction u outside the span
    equally often, so the mean of (n - m) u^T J u is the trace there; z's length adds no error. The same
    products J z tell the asymmetry: for independent z and w, (w^T J z - z^T J w)² has the mean
    |J - J^T|² and |J z|² the mean |J|².

    Args:
        found: a basis that was grown; it is not changed.
        check: asked between products; raises to stop.
        seed: of the vectors, another one than the basis'.
    """
    probes = np.random.default_rng(seed).standard_normal((PROBES, found.size))
    products = np.empty_like(probes)
    rests = np.zeros(PROBES)
    for index, probe in enumerate(probes):
        check()
        products[index] = found.product(probe)
        if not found.is_complete:
            inside = found.basis @ probe
            outside = probe - inside @ found.basis
            rest = outside @ (products[index] - found.times_basis(inside))
            rests[index] = (found.size - found.steps) * rest / (outside @ outside)
    mixed = probes @ products.T
    skew = (mixed - mixed.T)[np.triu_indices(PROBES, 1)]
    size = float(np.mean(np.sum(products**2, axis=1)))
    return Trace(
        float(np.trace(found.small) + rests.mean()),
        float(rests.std(ddof=1) / np.sqrt(PROBES)),
        float(np.sqrt(np.mean(skew**2) / (4 * size))) if size > 0 else 0.0,
    )


def _norm(vector: Vector) -> float:
    return float(np.linalg.norm(vector))
