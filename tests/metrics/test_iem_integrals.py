"""The metric's integral against closed forms and published values, always through the integrator."""

import itertools
import math

import numpy as np
import pytest
from iem_priors import binary, gaussian, laplace, mixture, white

from denoise_studio.metrics.iem.integrate import Integrator, Span, refine
from denoise_studio.metrics.iem.local import local_integrator
from denoise_studio.metrics.iem.quadrature import SIZES, rules

TWO = mixture((0.3, 0.7), (-1.0, 1.0), (0.1, 0.2))


def distance(x1, x2, denoise, highest, heaviest=30.0, size=15, paths=2, **choices):
    """With `size` levels and the lower end."""
    integrator = Integrator(np.asarray(x1), np.asarray(x2), denoise, Span(heaviest**-2, highest), **choices)
    integrator.grow(size, paths)
    return integrator.result()


def scalar(a, b, denoise, highest, side=96, **choices):
    """The distance of two numbers: of two fields of them under independent priors, by its root."""
    found = distance(np.full((side, side), a), np.full((side, side), b), denoise, highest, **choices)
    return found.value / side, found.error / side


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(len(rule.nodes)))
def test_each_rule_is_exact_for_the_degree_that_patterson_gives(rule):
    degrees = {3: 5, 7: 11, 15: 23, 31: 47}
    for power in range(degrees[len(rule.nodes)] + 1):
        exact = 2 / (power + 1) if power % 2 == 0 else 0.0
        assert math.isclose((rule.weights * rule.nodes**power).sum(), exact, abs_tol=1e-12)
    assert (rule.weights > 0).all()


def test_each_rule_keeps_the_nodes_of_the_smaller_ones():
    for small, large in itertools.pairwise(rules()):
        assert np.array_equal(large.nodes[: len(small.nodes)], small.nodes)


# Gaussian priors


@pytest.mark.parametrize("variance", [1e-6, 1e-3, 0.7, 1e3, 1e6])
@pytest.mark.parametrize("highest", [0.25, 1.0, 10.0, 100.0])
def test_a_white_gaussian_prior_gives_its_closed_form_at_16_levels(variance, highest):
    found = distance([[1.5]], [[0.0]], white(variance), highest)
    assert found.levels == 16
    exact = 1.5 / math.sqrt(variance + 1 / highest)
    assert found.value == pytest.approx(exact, rel=1e-4)
    assert abs(found.value - exact) <= found.error < 0.01 * found.value + 1e-12


@pytest.mark.parametrize(("highest", "value"), [(1, 1.150447), (10, 1.677051), (100, 1.780172)])
def test_the_tabled_values_of_the_one_dimensional_gaussian(highest, value):
    assert distance([[1.5]], [[0.0]], white(0.7), highest).value == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_coloured_gaussian_prior_gives_its_closed_form_whatever_the_seed(scale):
    random = np.random.default_rng(3)
    root = random.standard_normal((6, 6))
    covariance = scale * root @ root.T
    x1, x2, mean = random.standard_normal((3, 6))
    difference = x1 - x2
    for highest in (1.0, 100.0):
        exact = math.sqrt(difference @ np.linalg.solve(covariance + np.eye(6) / highest, difference))
        values = [distance(x1, x2, gaussian(covariance, mean), highest, seed=seed).value for seed in range(4)]
        assert values[0] == pytest.approx(exact, rel=1e-4)
        assert np.ptp(values) < 1e-12 * exact


def test_a_range_that_does_not_begin_at_zero_takes_off_what_lies_below():
    integrator = Integrator(np.array([1.5]), np.array([0.0]), white(0.7), Span(0.5, 10.0, from_zero=False))
    integrator.grow(15, 2)
    exact = 1.5**2 * (1 / (0.7 + 1 / 10.0) - 1 / (0.7 + 1 / 0.5))
    assert integrator.result().squared == pytest.approx(exact, rel=1e-6)


def test_flat_and_point_priors():
    flat = distance([[1.5]], [[0.0]], lambda y, sigma, draws: y, 4.0)
    point = distance([[1.5]], [[0.0]], lambda y, sigma, draws: np.zeros_like(y), 4.0)
    assert flat.value == pytest.approx(0.0, abs=1e-12)
    assert point.value == pytest.approx(2 * 1.5, rel=1e-9)


# Other priors, values of an independent numerical integration (180-node Gauss-Hermite, 6000 levels)


@pytest.mark.parametrize(
    ("a", "b", "values"),
    [
        (1.0, -1.0, {0.25: 0.893569, 1: 1.404928, 4: 1.783297, 10: 1.847394, 100: 1.849827}),
        (1.0, 0.5, {0.25: 0.223532, 1: 0.361811, 4: 0.799178, 10: 1.555786, 100: 5.027986}),
    ],
)
def test_the_binary_prior(a, b, values):
    for highest, value in values.items():
        assert scalar(a, b, binary, highest, size=31)[0] == pytest.approx(value, rel=0.01)


def by_bayes(a, b, density, highest):
    """The distance of two numbers, every integral a plain sum over a fine grid.

    It shares nothing with the priors above: the posterior mean is a sum over x of x p(x) p(y | x).
    """
    x = np.linspace(-30, 30, 4001)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    gamma = np.exp(np.linspace(math.log(1e-4), math.log(highest), 250))
    integrand = []
    for g in gamma:
        left = []
        for value in (a, b):
            y = value + nodes / math.sqrt(g)
            log = -g / 2 * (y[:, None] - x) ** 2
            likelihood = density(x) * np.exp(log - log.max(axis=1, keepdims=True))
            left.append(value - (likelihood @ x) / likelihood.sum(axis=1))
        integrand.append((left[0] - left[1]) ** 2 @ weights / weights.sum())
    below = gamma[0] * integrand[0]
    return math.sqrt(below + np.trapezoid(np.array(integrand) * gamma, np.log(gamma)))


@pytest.mark.parametrize(("a", "b"), [(0.5, -1.0), (2.0, 3.0)])
@pytest.mark.parametrize("highest", [1.0, 10.0])
def test_the_laplace_prior(a, b, highest):
    exact = by_bayes(a, b, lambda x: np.exp(-np.abs(x)), highest)
    assert scalar(a, b, laplace(1.0), highest, side=160, size=31)[0] == pytest.approx(exact, rel=0.01)


def test_the_tabled_values_of_the_laplace_prior():
    for highest, value in {1: 0.949337, 10: 1.367906, 100: 1.477695}.items():
        found = scalar(0.5, -1.0, laplace(1.0), highest, side=160, size=31)
        assert found[0] == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize(
    ("a", "b", "values"),
    [
        (-1.0, 1.0, {1: 1.380500, 10: 1.689639, 100: 1.697423}),
        (1.0, 1.5, {1: 0.380062, 10: 0.817813, 100: 1.012586}),
    ],
)
def test_a_mixture_prior(a, b, values):
    for highest, value in values.items():
        assert scalar(a, b, TWO, highest, size=31)[0] == pytest.approx(value, rel=0.01)


# What makes it a metric


def test_equal_pictures_are_no_distance_apart_and_order_makes_none():
    x, y = np.random.default_rng(0).standard_normal((2, 40, 40))
    assert distance(x, x, TWO, 10.0).value == 0.0
    assert distance(x, y, TWO, 10.0).value == pytest.approx(distance(y, x, TWO, 10.0).value, rel=1e-12)


def test_the_triangle_inequality():
    points = np.random.default_rng(1).standard_normal((3, 40, 40))
    for prior in (TWO, binary, laplace(1.0)):
        a, b, c = (distance(points[i], points[j], prior, 10.0).value for i, j in ((0, 1), (1, 2), (0, 2)))
        assert max(a, b, c) < a + b + c - max(a, b, c)


def test_it_rises_with_gamma():
    x, y = np.random.default_rng(2).standard_normal((2, 64, 64))
    values = [distance(x, y, TWO, highest).value for highest in (0.25, 1.0, 4.0, 16.0, 64.0)]
    assert all(low < high for low, high in itertools.pairwise(values))


def test_it_moves_with_the_prior():
    x, y = np.random.default_rng(3).standard_normal((2, 40, 40))
    moved = mixture((0.3, 0.7), (-1.0, 1.0), (0.1, 0.2), shift=5.0)
    there = distance(x + 5.0, y + 5.0, moved, 10.0).value
    assert there == pytest.approx(distance(x, y, TWO, 10.0).value, rel=1e-9)


# The map, the error and the refinement


def test_the_map_sums_to_the_square_and_lies_where_the_pictures_differ():
    x = np.zeros((48, 64))
    y = x.copy()
    y[10:20, 30:40] = 1.0
    found = distance(x, y, TWO, 4.0)
    assert found.map.sum() == pytest.approx(found.squared, rel=1e-12)
    assert found.map[10:20, 30:40].sum() == pytest.approx(found.squared, rel=1e-9)


def test_the_error_covers_the_truth_about_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        value, error = scalar(1.0, 0.5, binary, 4.0, side=64, size=31, seed=seed)
        inside += abs(value - 0.799178) <= error
    assert 50 <= inside <= 60


def test_refining_ends_within_the_tolerance_and_begins_with_few_calls():
    integrator = Integrator(np.full((96, 96), 1.0), np.full((96, 96), 0.5), binary, Span(1 / 900, 10.0))
    found = list(refine(integrator, tolerance=0.004))
    assert found[0].calls == 2 * 4 * 2
    assert [part.calls for part in found] == sorted({part.calls for part in found})
    assert found[-1].error <= 0.004 * found[-1].value
    assert found[-1].value / 96 == pytest.approx(1.555786, rel=0.006)


def test_refining_gives_up_at_the_most_calls_and_says_how_far_it_came():
    integrator = Integrator(np.full((4, 4), 1.0), np.full((4, 4), 0.5), binary, Span(1 / 900, 10.0))
    found = list(refine(integrator, tolerance=1e-6, most_calls=200))
    assert found[-1].calls <= 200
    assert found[-1].error > 1e-6 * found[-1].value


def test_a_check_between_calls_stops_it():
    def stop():
        raise KeyboardInterrupt

    integrator = Integrator(np.ones((8, 8)), np.zeros((8, 8)), binary, Span(1 / 900, 1.0), check=stop)
    with pytest.raises(KeyboardInterrupt):
        integrator.grow(SIZES[0], 2)


# The local form and the generalised metric


def test_the_local_form_of_a_gaussian_prior_is_the_same_everywhere():
    random = np.random.default_rng(5)
    root = random.standard_normal((6, 6))
    covariance = root @ root.T
    direction = random.standard_normal(6)
    exact = direction @ np.linalg.solve(covariance + np.eye(6) / 10.0, direction)
    for x in random.standard_normal((2, 6)):
        integrator, factor = local_integrator(x, direction, gaussian(covariance), Span(1 / 900, 10.0))
        integrator.grow(15, 2)
        assert factor * integrator.result().squared == pytest.approx(exact, rel=1e-4)


def test_the_local_form_is_what_small_distances_come_to():
    x, direction = np.full((128, 128), 0.3), np.full((128, 128), 1.0)
    integrator, factor = local_integrator(x, direction, TWO, Span(1 / 900, 10.0))
    integrator.grow(15, 2)
    near = distance(x, x + 0.02, TWO, 10.0)
    assert factor * integrator.result().squared == pytest.approx(near.squared / 0.02**2, rel=0.03)


def test_the_generalised_metric_of_the_binary_prior():
    """One sample, so z = log p(y2) - log p(y1) with p(y) the sum of two normal densities."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    gamma = np.exp(np.linspace(math.log(1e-6), math.log(2.0), 4000))
    noise = np.sqrt(gamma)[:, None] * nodes
    y1, y2 = gamma[:, None] * 1.0 + noise, gamma[:, None] * 0.5 + noise
    z = (np.log(np.cosh(y2)) - y2**2 / 2 / gamma[:, None]) - (
        np.log(np.cosh(y1)) - y1**2 / 2 / gamma[:, None]
    )
    error = (1.0 - np.tanh(y1)) - (0.5 - np.tanh(y2))
    expected = ((2 * z * error) ** 2) @ weights / math.sqrt(2 * math.pi)
    exact = np.trapezoid(expected * gamma, np.log(gamma))
    found = distance([1.0], [0.5], binary, 2.0, size=7, paths=4000, square=True)
    assert found.squared == pytest.approx(exact, rel=0.08)
    assert abs(found.value - math.sqrt(exact)) < found.error + 0.01 * found.value
