"""Judging a result without a clean picture, through the engine's own filter."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
from builders import bilateral, noisy, padded, region
from methods import Counting, registered, simple

from denoise_studio.core.errors import Cancelled, MeasureError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse
from denoise_studio.engine import judging, probing
from denoise_studio.engine.judging import Probes, risk_of
from denoise_studio.engine.render import render, render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.noise.coloured import coloured_noise

SD = 0.1


def clean(height, width, channels=1):
    y, x = np.mgrid[0:height, 0:width] / 24.0
    plane = 0.5 + 0.25 * np.sin(x) * np.cos(y) + 0.2 * (x > y)
    return np.repeat(plane[None], channels, axis=0).astype(np.float32)


def with_noise(truth, seed=0, sd=SD, **more):
    noise = np.random.default_rng(seed).standard_normal(truth.shape)
    return Picture((truth + sd * noise).astype(np.float32), **more)


def box_blur(tile):
    """The mean of 3 x 3 pixels: every Jacobian's diagonal is 1/9."""
    blurred = np.stack([cv2.blur(channel, (3, 3)) for channel in tile.pixels])
    return np.ascontiguousarray(blurred[:, 1:-1, 1:-1])


@pytest.fixture
def box():
    with registered(simple("box", box_blur, halo=lambda values: 1)) as method:
        yield method


def probed(picture, recipe, count=2, **more):
    rendering = render_in_full(picture, recipe.replace(strength=1.0, regions=()))
    found = Probes(picture, resolve(picture, recipe), rendering.fitted, **more)
    for _ in range(count):
        found.grow(Progress())
    return found, rendering.picture.pixels


def loss(result, truth, where=np.s_[:]):
    return float(((result - truth).astype(np.float64) ** 2)[:, where].mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_linear_method(box, channels):
    truth = clean(300, 280, channels)
    picture = with_noise(truth)
    recipe = Recipe(method="box")
    found, result = probed(picture, recipe, sigma=SD)
    judged = found.judge(result, recipe)
    assert judged.pixels == 300 * 280
    # At the border a mirrored neighbour is the pixel itself or its copy: a little more than 1/9.
    assert judged.risk.freedom == pytest.approx(1 / 9, rel=0.03)
    assert judged.risk.parameters == pytest.approx(judged.risk.freedom * truth.size)
    assert judged.risk.low < loss(result, truth) < judged.risk.high
    assert judged.risk.mse == pytest.approx(loss(result, truth), rel=0.1)
    assert judged.risk.input_psnr == pytest.approx(-20 * np.log10(SD), rel=1e-4)
    assert judged.risk.sigma_error == 0
    assert judged.risk.reliable
    assert judged.risk.why == ""
    json.dumps(judged.describe(), allow_nan=False)


@pytest.mark.parametrize("method", ["bilateral", "nlm"])
def test_methods_of_the_studio(method):
    truth = clean(256, 256)
    errors = []
    for seed in range(5):
        picture = with_noise(truth, seed)
        recipe = Recipe(method=method, noise_level=SD)
        found, result = probed(picture, recipe, 1, sigma=SD)
        judged = found.judge(result, recipe).risk
        errors.append((judged.mse - loss(result, truth)) / SD**2)
        assert judged.low < loss(result, truth) < judged.high
    assert abs(np.mean(errors)) < 0.005  # of the noise, of which 2 to 6 % are left


def test_the_identity_leaves_the_noise():
    picture = with_noise(clean(128, 128))
    judged = risk_of(picture, Recipe(method="identity"), sigma=SD)
    assert judged.risk.mse == pytest.approx(SD**2, rel=1e-3)
    assert judged.risk.freedom == pytest.approx(1.0, abs=1e-3)
    assert judged.residual.sd == 0.0


def test_an_estimated_sigma_widens_the_bar(box):
    truth = clean(256, 256)
    picture = with_noise(truth)
    recipe = Recipe(method="box")
    told, guessed = risk_of(picture, recipe, sigma=SD).risk, risk_of(picture, recipe).risk
    assert guessed.sigma == pytest.approx(SD, rel=0.1)
    assert guessed.sigma_error > 0
    assert guessed.high - guessed.low > told.high - told.low
    assert guessed.low < loss(render(picture, recipe).pixels, truth) < guessed.high


def test_strength_and_region_strength_run_no_method():
    counting = Counting()
    truth = clean(160, 200)
    picture = with_noise(truth)
    plain = bilateral().replace(method="counting")
    with registered(counting.denoiser):
        found, result = probed(picture, plain, sigma=SD)
        weaker = plain.replace(strength=0.7, regions=(region(Ellipse(80, 80, 50, 40), 20, strength=0.2),))
        counting.take()
        judged = found.judge(result, weaker)
        assert counting.take() == 0
        assert found.same(picture, resolve(picture, weaker), None)
        mixed = render(picture, weaker).pixels
    assert judged.risk.low < loss(mixed, truth) < judged.risk.high
    assert judged.residual.sd == pytest.approx(float((picture.pixels - mixed).std()), rel=1e-4)


def test_the_curve_is_what_strengths_give(box):
    picture = with_noise(clean(160, 200))
    recipe = Recipe(method="box")
    found, result = probed(picture, recipe, sigma=SD)
    curve = found.judge(result, recipe.replace(strength=0.3)).curve
    for index in (0, 20, 40):
        at = recipe.replace(strength=float(curve.strengths[index]))
        assert curve.mse[index] == pytest.approx(found.judge(result, at).risk.mse, rel=1e-3)
    assert curve.mse.min() >= found.judge(result, recipe.replace(strength=curve.best)).risk.mse - 1e-7


def test_areas():
    truth = clean(200, 240)
    picture = with_noise(truth)
    recipe = bilateral()
    found, result = probed(picture, recipe, sigma=SD)
    rect = Rect(20, 30, 100, 120)
    by_rect = found.judge(result, recipe, rect)
    assert by_rect.pixels == rect.area
    inside = result[(slice(None), *rect.slices)], truth[(slice(None), *rect.slices)]
    assert by_rect.risk.low < loss(*inside) < by_rect.risk.high
    as_region = found.judge(result, recipe, region(Box(20.0, 30.0, 120.0, 150.0)))
    assert as_region.describe() == by_rect.describe()
    small = found.judge(result, recipe, Rect(0, 0, 20, 20)).risk
    assert not small.reliable
    assert "400 pixels" in small.why
    with pytest.raises(MeasureError, match="No pixel"):
        found.judge(result, recipe, Rect(900, 900, 10, 10))


def test_padding_never_counts():
    picture = padded(200, 180, fraction=0.1)
    changed = dataclasses.replace(picture, pixels=np.where(picture.padding, 1e6, picture.pixels).astype("f4"))
    one, other = (risk_of(shown, bilateral(), sigma=SD) for shown in (picture, changed))
    assert one.pixels == int((~picture.padding).sum())
    assert one.describe() == other.describe()


def test_nothing_before_the_first_probe_and_the_same_from_the_same_seed(box):
    picture = with_noise(clean(96, 96))
    recipe = Recipe(method="box")
    found, result = probed(picture, recipe, 0)
    with pytest.raises(MeasureError, match="not been probed"):
        found.judge(result, recipe)
    assert found.count == 0
    for _ in range(2):
        found.grow(Progress())
    assert found.count == 2
    again, _ = probed(picture, recipe)
    other, _ = probed(picture, recipe, seed=1)
    assert found.judge(result, recipe).describe() == again.judge(result, recipe).describe()
    assert found.judge(result, recipe).risk.mse != other.judge(result, recipe).risk.mse


def test_more_probes_scatter_less(box):
    picture = with_noise(clean(96, 96))
    recipe = Recipe(method="box")
    (one, result), (four, _) = probed(picture, recipe, 1), probed(picture, recipe, 4)
    scatter = [found.judge(result, recipe).risk.parts["probes"] for found in (one, four)]
    assert scatter[1] == pytest.approx(scatter[0] / 2, rel=0.1)


def test_a_result_that_is_there_saves_a_run():
    counting = Counting()
    picture = with_noise(clean(100, 100))
    recipe = bilateral().replace(method="counting")
    with registered(counting.denoiser):
        result = render(picture, recipe).pixels
        counting.take()
        found = Probes(picture, resolve(picture, recipe), None, sigma=SD, filtered=result)
        found.grow(Progress())
        assert counting.take() == picture.rect.area
        slow = Probes(picture, resolve(picture, recipe), None, sigma=SD)
        slow.grow(Progress())
        assert counting.take() == 2 * picture.rect.area
    assert found.judge(result, recipe).describe() == slow.judge(result, recipe).describe()


def test_what_probes_hold_for(box):
    picture, other = with_noise(clean(64, 64)), with_noise(clean(64, 64), 1)
    recipe = resolve(picture, bilateral(region(Box(5.0, 5.0, 30.0, 30.0), sigma_r=0.3)))
    found = Probes(picture, recipe, None)
    assert found.same(picture, recipe.replace(strength=0.2), None)
    assert not found.same(other, recipe, None)
    assert not found.same(picture, recipe.with_parameter("sigma_r", 0.2), None)
    assert not found.same(picture, recipe.replace(regions=()), None)
    assert not found.same(picture, resolve(picture, Recipe(method="box")), None)


def test_it_can_be_cancelled_between_tiles(box):
    picture = with_noise(clean(300, 300))
    found = Probes(picture, resolve(picture, Recipe(method="box")), None, sigma=SD)
    progress = Progress()

    def listen(fraction, text):
        if fraction > 0.1:
            progress.cancel()

    progress.listen(listen)
    with pytest.raises(Cancelled):
        found.grow(progress)
    assert found.count == 0
    found.grow(Progress())
    assert found.count == 1


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(probing, "MOST", 96 * 96)
    monkeypatch.setattr(probing, "_SIDE", 32)


def test_of_a_large_picture_squares_are_looked_at(box, few):
    counting = Counting()
    truth = clean(400, 700)
    picture = with_noise(truth)
    recipe = bilateral().replace(method="counting")
    with registered(counting.denoiser):
        result = render(picture, recipe).pixels
        counting.take()
        found = Probes(picture, resolve(picture, recipe), None, sigma=SD, filtered=result)
        found.grow(Progress())
        assert 0.5 * probing.MOST < counting.take() <= 1.2 * probing.MOST
    judged = found.judge(result, recipe)
    assert judged.pixels < 1.2 * probing.MOST
    assert judged.risk.parts["sample"] > 0
    assert judged.risk.low < loss(result, truth) < judged.risk.high
    corner = found.judge(result, recipe, found._squares[0].rect.expand(4)).risk
    assert not corner.reliable
    assert "small part" in corner.why


def test_a_part_of_a_large_picture_can_be_looked_at_whole(few):
    truth = clean(400, 700)
    picture = with_noise(truth)
    recipe = bilateral()
    rect = Rect(201, 103, 90, 80)
    found, result = probed(picture, recipe, sigma=SD, area=rect)
    judged = found.judge(result, recipe, rect)
    assert judged.pixels == rect.area
    assert judged.risk.parts["sample"] == 0.0
    whole = (slice(None), *rect.slices)
    assert judged.risk.low < loss(result[whole], truth[whole]) < judged.risk.high


def test_squares_answer_as_the_whole_does(few, monkeypatch):
    """A square with its surroundings is filtered as it is in the picture."""
    picture = with_noise(clean(200, 260))
    recipe = bilateral()
    bound = probing.bind(picture, resolve(picture, recipe), None)
    found = probing.squares(picture, bound, picture.rect, 0)
    assert len(found) > 4
    results = probing.answers(bound, found, {}, Progress())
    whole = render(picture, recipe).pixels
    for square, result in zip(found, results, strict=True):
        np.testing.assert_array_equal(result, whole[(slice(None), *square.rect.slices)])


def correlated_picture(truth, seed=0):
    kernel = np.zeros((13, 13), np.float32)
    y, x = np.mgrid[-6:7, -6:7]
    kernel[:] = np.exp(-(x**2 + y**2) / 1.5)
    return Picture((truth + SD * coloured_noise(kernel, truth.shape, seed)).astype(np.float32))


def test_correlated_noise_is_corrected_for(box):
    truth = clean(300, 300)
    picture = correlated_picture(truth)
    recipe = Recipe(method="box")
    judged = risk_of(picture, recipe)
    true = loss(render(picture, recipe).pixels, truth)
    naive = risk_of(picture, recipe, sigma=SD).risk
    assert judged.risk.low < true < judged.risk.high
    assert abs(judged.risk.mse - true) < 0.5 * abs(naive.mse - true)
    assert judged.residual.noise_autocorrelation[0] == pytest.approx(np.exp(-1 / 1.5), abs=0.15)
    for found in (judged.risk, naive):
        assert not found.reliable
        assert "share their noise" in found.why


def test_a_picture_without_noise_is_told_so():
    y, x = np.mgrid[0:128, 0:128] // 32
    picture = Picture((0.2 * (x + y)).astype(np.float32)[None])
    judged = risk_of(picture, Recipe(method="identity")).risk
    assert not judged.reliable
    assert judged.why


def test_the_data_range_is_that_of_psnr():
    picture = with_noise(1000 * clean(96, 96), sd=20.0, scale=Scale.HU, unit="HU")
    judged = risk_of(picture, Recipe(method="identity"), sigma=20.0).risk
    assert judged.psnr == pytest.approx(20 * np.log10(4095 / 20.0), abs=0.01)


def test_the_default_step_is_small(box):
    """A kink of the method moves nothing much: half the step gives the same answer."""
    picture = Picture(noisy(128, 128))
    recipe = Recipe(method="bilateral", noise_level=0.05)
    one = risk_of(picture, recipe, sigma=0.05).risk.mse
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "STEP", judging.STEP / 2)
        assert risk_of(picture, recipe, sigma=0.05).risk.mse == pytest.approx(one, rel=0.01)


def test_halo_and_mirror_see_the_same_shift(box):
    """A shift of the whole picture by the probe itself answers as the method does to that picture."""
    picture = with_noise(clean(70, 90))
    recipe = resolve(picture, Recipe(method="box"))
    bound = probing.bind(picture, recipe, None)
    found = probing.squares(picture, bound, picture.rect, 0)
    shift = np.random.default_rng(0).standard_normal(picture.pixels.shape).astype(np.float32)
    moved = probing.answers(bound, found, {picture.rect: shift}, Progress())
    wanted = render(Picture(picture.pixels + shift), Recipe(method="box")).pixels
    np.testing.assert_allclose(moved[0], wanted, atol=1e-6)
