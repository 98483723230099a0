"""Nested quadrature on [-1, 1]: Gauss-Legendre with 3 nodes, grown so that no node is lost.

Rules of 3, 7, 15 and 31 nodes (Patterson, "The Optimum Addition of Points to Quadrature Formulae",
Math. Comp. 22, 1968), exact for polynomials of degree 5, 11, 23 and 47: a coarse result costs nothing
when it is refined, and the difference of two rules tells the error.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

SIZES = (3, 7, 15, 31)


@dataclass(frozen=True)
class Rule:
    """A quadrature rule, its nodes in the order of `all_nodes`: those of the smaller rules first.

    Args:
        nodes: in [-1, 1].
        weights: their sum is 2.
    """

    nodes: Values
    weights: Values


@functools.cache
def rules() -> tuple[Rule, ...]:
    """The nested rules, from the smallest."""
    nodes: Values = np.polynomial.legendre.leggauss(SIZES[0])[0].astype(np.float64)
    found = [Rule(nodes, weights_for(nodes))]
    while len(nodes) < SIZES[-1]:
        nodes = np.concatenate([nodes, _added(nodes)]).astype(np.float64)
        found.append(Rule(nodes, weights_for(nodes)))
    return tuple(found)


def all_nodes() -> Values:
    """The nodes of the largest rule; each smaller rule uses the first ones."""
    return rules()[-1].nodes


def weights_for(nodes: Values) -> Values:
    """Weights with which the nodes integrate polynomials of degree less than their number exactly."""
    moments = np.zeros(len(nodes))
    moments[0] = 2.0
    table = np.polynomial.legendre.legvander(nodes, len(nodes) - 1)
    return np.linalg.solve(table.T, moments).astype(np.float64)


@functools.cache
def worst_share(index: int, half: float, from_zero: bool) -> float:
    """The most that a rule is off for any Gaussian prior, as a share of the squared metric.

    For variance v in a direction the integrand over log gamma is gamma / (1 + gamma v)^2 times a
    positive number, and every Gaussian prior is a sum of such; so the worst v bounds them all.

    Args:
        index: of the rule.
        half: half the width of the range in log gamma.
        from_zero: whether the metric begins at gamma 0 and not at the lower end.
    """
    rule = rules()[index]
    highest = math.exp(2 * half)  # in units of the lowest
    gamma = np.exp(half * (1 + rule.nodes))[:, None]
    v = np.exp(np.linspace(-6 - 2 * half, 6, 400))
    found = half * rule.weights @ (gamma / (1 + gamma * v) ** 2)
    below = 1 / (1 + v)
    exact = highest / (1 + highest * v) - below
    return float(np.max(np.abs(found - exact) / (exact + from_zero * below)))


def through_logarithms(nodes: Values, values: Values) -> float:
    """The integral over [-1, 1] with the logarithms of some positive values joined by a polynomial."""
    x, w = np.polynomial.legendre.leggauss(64)
    logs = np.log(np.maximum(values, 1e-12 * values.max()))
    smooth = np.polynomial.Polynomial.fit(nodes, logs, len(nodes) - 1, domain=[-1, 1])
    return float(w @ np.exp(smooth(x)))


def _added(nodes: Values) -> Values:
    """The nodes that add most: roots of the E with int G E P_k = 0 for k <= n, G vanishing at `nodes`."""
    legendre = np.polynomial.legendre
    count = len(nodes)
    x, w = legendre.leggauss(2 * count + 2)
    old = np.prod(2 * (x[:, None] - nodes), axis=1)
    table = legendre.legvander(x, count + 1)
    products = table[:, : count + 1].T @ ((w * old)[:, None] * table)
    coefficients = np.linalg.solve(products[:, :-1], -products[:, -1])
    return np.sort(legendre.legroots([*coefficients, 1.0])).astype(np.float64)
