"""The metric between pictures: what makes it one, what belongs to the number, an honest error."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from builders import noisy
from iem_pictures import CT, KINDS, PHOTO, changed, ct, photo, untrained

import denoise_studio as ds
from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.metrics import Measurement, iem, local_iem, measure
from denoise_studio.metrics.iem.measure import Options, improving
from denoise_studio.metrics.iem.priors import PRIORS

__all__ = ["untrained"]

pytestmark = pytest.mark.usefixtures("untrained")
EVERY = [(kind, prior) for kind in KINDS for prior in PRIORS]


@pytest.fixture(params=EVERY, ids=lambda pair: " ".join(pair))
def case(request):
    """A picture, and choices for measuring it."""
    kind, prior = request.param
    return KINDS[kind](), {"prior": prior}


# What makes it a metric


def test_equal_pictures_are_no_distance_apart(case):
    picture, choices = case
    found = iem(picture, picture, **choices)
    assert (found.value, found.error) == (0.0, 0.0)
    assert not found.map.any()


def test_order_makes_no_difference(case):
    picture, choices = case
    other = changed(picture)
    there, back = iem(picture, other, **choices), iem(other, picture, **choices)
    assert there.value == pytest.approx(back.value, rel=1e-5)
    assert there.value > 0


def test_the_triangle_inequality(case):
    picture, choices = case
    points = [picture, changed(picture), changed(picture, 0.08, seed=3)]
    # The same levels and draws for all three: then it holds exactly, not only in the mean.
    fixed = {**choices, "tolerance": 1e-9, "most_calls": 16}
    a, b, c = (iem(*pair, **fixed).value for pair in itertools.combinations(points, 2))
    assert max(a, b, c) < a + b + c - max(a, b, c)


def test_it_rises_with_gamma(case):
    picture, choices = case
    other = changed(picture)
    usual = iem(picture, other, **choices).gamma[1]
    ranges = [(0.0, usual * factor) for factor in (0.1, 0.25, 1.0, 4.0)]
    values = [iem(picture, other, gamma=gamma, **choices).value for gamma in ranges]
    assert all(low < high for low, high in itertools.pairwise(values))


def test_parts_of_the_range_add_up_to_the_whole(case):
    picture, choices = case
    other = changed(picture)
    gamma = iem(picture, other, **choices).gamma[1]
    whole, *parts = (
        iem(picture, other, gamma=ends, tolerance=1e-3, **choices)
        for ends in ((0, gamma), (0, gamma / 5), (gamma / 5, gamma))
    )
    error = sum(2 * part.value * part.error for part in (whole, *parts))
    assert sum(part.squared for part in parts) == pytest.approx(
        whole.squared, abs=error + 1e-6 * whole.squared
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_ct_in_hu_is_measured_in_hu(prior):
    picture = ct()
    found = iem(picture, changed(picture), prior=prior)
    assert (found.unit, found.gamma, found.sigma[0]) == ("HU", (0.0, 400.0**-2), pytest.approx(400.0))
    assert found.trained_on == "CT, grey"
    assert found.describe()["unit"] == "1 / HU^2"


@pytest.mark.parametrize("prior", PRIORS)
def test_the_values_of_a_photograph_do_not_matter_only_their_place_in_the_range(prior):
    picture = photo()
    other = changed(picture)
    scaled = [
        Picture(p.pixels * np.float32(257), **{**PHOTO, "nominal_range": (0.0, 65535.0)})
        for p in (picture, other)
    ]
    found, same = iem(picture, other, prior=prior), iem(*scaled, prior=prior)
    assert found.value == pytest.approx(same.value, rel=1e-4)
    assert (found.unit, same.unit) == ("[-1, 1] for 0 to 255", "[-1, 1] for 0 to 65535")


# The map, padding and pieces


def test_the_map_sums_to_the_square(case):
    picture, choices = case
    found = iem(picture, changed(picture), **choices)
    assert found.map.shape == (64, 64)
    assert found.map.sum() == pytest.approx(found.squared, rel=1e-9)
    everywhere = np.ones((64, 64), bool)
    assert found.inside(everywhere) == pytest.approx(found.value)
    half = np.zeros((64, 64), bool)
    half[:32] = True
    assert math.hypot(found.inside(half), found.inside(~half)) == pytest.approx(found.value)


def test_what_padding_holds_does_not_matter(case):
    picture, choices = case
    padding = np.zeros((64, 64), bool)
    padding[:, :9] = padding[30:40, 50:] = True
    pairs = []
    for wild in (0.0, 1e6):
        pair = []
        for sign, pixels in ((1, picture.pixels), (-1, changed(picture).pixels)):
            filled = pixels.copy()
            filled[:, padding] = sign * wild
            pair.append(dataclasses.replace(picture, pixels=filled, padding=padding))
        pairs.append(pair)
    plain, wild = (iem(*pair, **choices) for pair in pairs)
    assert plain == wild
    assert plain.samples == picture.channels * int((~padding).sum())
    assert not plain.map[padding].any()


@pytest.mark.parametrize("prior", ["patch-gmm", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_pieces_equal_the_whole_within_the_error(prior, kind, monkeypatch):
    picture = KINDS[kind](height=150, width=190)
    choices = {"prior": prior, "tolerance": 2e-3}
    whole = iem(picture, changed(picture), **choices)
    monkeypatch.setitem(PRIORS, prior, dataclasses.replace(PRIORS[prior], piece=96))
    shares = []
    (pieces,) = improving(picture, changed(picture), Options(**choices), progress=shares.append)
    assert pieces.value == pytest.approx(whole.value, abs=whole.error + pieces.error)
    assert pieces.map.shape == (150, 190)
    assert pieces.map.sum() == pytest.approx(pieces.squared, rel=1e-9)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])


# Better and better, and the error


def test_the_first_number_is_coarse_and_cheap_and_the_next_ones_better():
    picture = photo(96, 96)
    found = list(improving(picture, changed(picture), Options("patch-gmm", tolerance=2e-3, most_calls=2000)))
    assert (found[0].levels, found[0].paths, found[0].calls) == (4, 2, 16)
    assert len(found) > 1
    assert [part.calls for part in found] == sorted({part.calls for part in found})
    assert found[-1].error <= 2e-3 * found[-1].value < found[0].error
    for part in found:
        assert abs(part.value - found[-1].value) <= part.error + found[-1].error


def test_it_can_be_stopped_between_the_calls_of_the_prior():
    class Enough(Exception):
        pass

    def check():
        if found:
            raise Enough

    picture, found = photo(96, 96), []
    better = improving(picture, changed(picture), Options("patch-gmm", tolerance=1e-6), check)
    found.append(next(better))
    with pytest.raises(Enough):
        next(better)


def covered(pair, seeds, steps):
    """How often what is told on the way holds the converged value."""
    converged = iem(*pair, prior="patch-gmm", tolerance=1e-9, most_calls=2500, seed=1000)
    told = [
        part
        for seed in range(seeds)
        for part in itertools.islice(
            improving(*pair, Options("patch-gmm", None, False, 1e-5, 2000, seed)), steps
        )
    ]
    slack = converged.error / 4
    return np.mean([abs(part.value - converged.value) <= part.error + slack for part in told])


@pytest.mark.parametrize("what", ["noise", "step"])
def test_the_error_covers_the_converged_value(what):
    picture = photo(48, 48)
    other = picture.pixels.copy()
    if what == "noise":
        other += 20 * np.random.default_rng(5).standard_normal(other.shape, np.float32)
    else:
        other[:, :, 30:] += 40  # where and how much the mixture's grid cuts it differs by draw
    pair = picture.derive(other), picture
    assert covered(pair, seeds=20, steps=3) >= 0.9


def test_a_change_in_one_place_is_not_taken_for_many_independent_ones():
    picture = photo(128, 128)
    other = picture.pixels.copy()
    other[:, 50:56, 50:56] += 60
    pair = picture.derive(other), picture
    assert covered(pair, seeds=20, steps=2) >= 0.9


def test_the_seed_decides_and_nothing_else():
    picture = photo()
    first, same, other = (iem(picture, changed(picture), prior="patch-gmm", seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first.value != other.value


# The local form and f = square


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("kind", KINDS)
def test_small_distances_come_to_the_local_form(prior, kind):
    picture = KINDS[kind]()
    low, high = picture.value_range
    direction = (changed(picture).pixels - picture.pixels) / (high - low)
    choices = {"prior": prior, "tolerance": 5e-3, "most_calls": 512}
    local = local_iem(picture, direction, **choices)
    step = np.float32(0.02 * (high - low))
    near = iem(picture.derive(picture.pixels + step * direction), picture, **choices)
    assert step * local.value == pytest.approx(near.value, rel=0.03)
    assert local.function == "local"
    twice = local_iem(picture, 2 * direction, **choices)
    assert twice.squared == pytest.approx(4 * local.squared, rel=1e-3)
    assert local.map.sum() == pytest.approx(local.squared, rel=1e-9)


def test_a_direction_must_be_one():
    picture = photo()
    with pytest.raises(MeasureError, match="finite and not all zero"):
        local_iem(picture, np.zeros((1, 64, 64)), prior="gaussian")
    with pytest.raises(MeasureError, match="has the shape"):
        local_iem(picture, np.ones((1, 8, 8)), prior="gaussian")
    with pytest.raises(MeasureError, match="not of f = square"):
        local_iem(picture, np.ones((1, 64, 64)), square=True)


def test_the_generalised_metric_of_a_prior_of_no_extent():
    """xhat = 0 everywhere, so that the integral can be had by hand.

    With e1 - e2 = D and z = gamma (|y1|^2 - |y2|^2) / 2 = gamma (q + s D.n / sqrt gamma), where
    q = (|x1|^2 - |x2|^2) / 2 (s = 1): E z^2 = gamma^2 q^2 + gamma |D|^2. So
    IEM_f^2 = (2 / d)^2 |D|^2 (q^2 G^3 / 3 + |D|^2 G^2 / 2).
    """

    class Point:
        def posterior_mean(self, y, sigma, draws):
            return np.zeros_like(y)

    point = dataclasses.replace(PRIORS["network"], name="point", load=lambda *about: Point(), multiple=1)
    a, b = photo(40, 40), changed(photo(40, 40))
    x1, x2 = (p.pixels.astype(float) / 127.5 - 1 for p in (a, b))
    size, q, top = float(((x1 - x2) ** 2).sum()), float((x1**2 - x2**2).sum()) / 2, 0.25
    exact = (2 / 1600) ** 2 * size * (q**2 * top**3 / 3 + size * top**2 / 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRIORS, "point", point)
        found = iem(a, b, prior="point", square=True, tolerance=0.01, most_calls=6000)
        assert abs(found.value - math.sqrt(exact)) <= found.error
        assert found.error < 0.1 * found.value
        padded = [_beside(p, value) for p, value in ((a, 0.0), (b, 200.0))]
        beside = iem(*padded, prior="point", square=True, tolerance=0.01, most_calls=6000)
    assert abs(beside.value - math.sqrt(exact)) <= beside.error
    assert found.function == "square"


def _beside(picture, value, width=24):
    """With padding of that value to the right."""
    right = ((0, 0), (0, width))
    padding = np.pad(np.zeros((picture.height, picture.width), bool), right, constant_values=True)
    pixels = np.pad(picture.pixels, ((0, 0), *right), constant_values=value)
    return dataclasses.replace(picture, pixels=pixels, padding=padding)


# In the list of metrics, and from Python


def test_everything_that_the_number_depends_on_is_beside_it():
    picture = photo()
    found = measure(changed(picture), picture, ["iem", "iem_square"], options={"prior": "patch-gmm"})
    told = json.loads(json.dumps({name: m.describe() for name, m in found.items()}, allow_nan=False))
    assert told["iem"]["gamma"] == [0.0, 0.25]
    assert told["iem"]["prior"] == told["iem_square"]["prior"] == "patch-gmm"
    assert told["iem"]["unit"] == "1 / ([-1, 1] for 0 to 255)^2"
    assert told["iem"]["compares"] == "test against reference"
    assert 0 < told["iem"]["error"] <= 0.02 * told["iem"]["value"]
    assert (told["iem"]["function"], told["iem_square"]["function"]) == ("identity", "square")
    assert told["iem"]["per_sample"] == pytest.approx(told["iem"]["value"] / 64)
    direct = ds.metrics.iem(changed(picture), picture, prior="patch-gmm")
    assert told["iem"]["value"] == direct.value


def test_it_is_measured_unasked_where_that_takes_seconds():
    small = photo(12, 12)
    assert "iem" in measure(small, small)
    assert "iem_square" not in measure(small, small)
    large = Picture(np.zeros((1, 641, 640), np.float32), **PHOTO)
    assert "iem" not in measure(large, large)
    assert isinstance(measure(large, large, ["iem"])["iem"], Measurement)


def test_the_network_prior_is_meant_unless_told():
    picture = photo()
    assert measure(changed(picture), picture, ["iem"])["iem"].extra["prior"] == "network"


def test_missing_weights_are_one_sentence(monkeypatch):
    from denoise_studio.metrics.iem import priors

    monkeypatch.undo()
    monkeypatch.setitem(priors.WEIGHTS, ("photographs", 1), ("prior-of-nobody", None))
    picture = photo()
    with pytest.raises(MeasureError, match=r"prior-of-nobody.*another prior can be chosen"):
        iem(changed(picture), picture)
    assert "prior-of-nobody" in measure(changed(picture), picture)["iem"].extra["why"]
    assert measure(changed(picture), picture)["psnr"].value is not None


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ({"prior": "nobody"}, "no prior 'nobody'"),
        ({"gamma": (1.0, 0.5)}, "must rise from 0 or more"),
        ({"gamma": (-1.0, 0.5)}, "must rise from 0 or more"),
        ({"gamma": (0.0, math.inf)}, "must rise from 0 or more"),
        ({"gamma": (0.0, math.nan)}, "must rise from 0 or more"),
        ({"gamma": (0.0, 100.0)}, "knows noise of sigma 0.25 to 40"),
        ({"gamma": (1e-5, 0.25)}, "knows noise of sigma 0.25 to 40"),
        ({"gamma": (0.0, 1e-4)}, "knows noise of sigma 0.25 to 40"),
        ({"tolerance": 0.0}, "tolerance must be above 0"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"prior": "gaussian", "square": True}, "not for f = square"),
    ],
)
def test_what_cannot_be_measured_is_said(choices, text):
    picture = photo()
    with pytest.raises(MeasureError, match=text):
        iem(changed(picture), picture, **choices)


def test_pictures_that_cannot_be_compared():
    with pytest.raises(MeasureError, match="differ in size"):
        iem(photo(), photo(32, 32), prior="gaussian")
    with pytest.raises(MeasureError, match="differ in what a value means"):
        iem(photo(), ct(), prior="gaussian")
    large = Picture(np.zeros((1, 2049, 2048), np.float32), **CT)
    with pytest.raises(MeasureError, match="f = square"):
        iem(large, large, prior="patch-gmm", square=True)


def test_an_option_that_nothing_takes_is_said():
    picture = photo()
    with pytest.raises(MeasureError, match="takes 'prior', which is for iem, iem_square"):
        measure(picture, picture, ["psnr"], options={"prior": "gaussian"})
    with pytest.raises(MeasureError, match="takes 'colour', which is known to no metric"):
        measure(picture, picture, ["iem"], options={"colour": "red"})


def test_a_picture_smaller_than_anything_that_a_prior_needs(case):
    _, choices = case
    a, b = (Picture(noisy(3, 5, seed=seed), **PHOTO) for seed in (1, 2))
    found = iem(a, b, **choices)
    assert found.map.shape == (3, 5)
    assert math.isfinite(found.value)
