"""The knee: what a method takes away at one told level after another."""

import dataclasses

import numpy as np
import pytest
from builders import padded, picture
from methods import inner, registered

from denoise_studio.core.errors import Cancelled, OutOfMemory, StudioError
from denoise_studio.core.fitted import Fitted, constant_map
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter, Values
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Region
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.knee import FACTORS, SIDE, baseline, crop, knee
from denoise_studio.engine.resolve import estimated_noise, noise_estimate

MUCH = Parameter(
    "much", "How noisy", "Multiplies.", 1.0, maximum=10.0, per_region=True, multiplies=("sd",), role="noise"
)
SD = Parameter("sd", "Noise σ", "One number.", 0.1, maximum=100.0, per_region=True, fitted=True)
TIMES = 3.0
"""The fit finds this many times the estimate: the level that is shown stays the estimate's."""


class Linear:
    """x (1 - s) with s what it is told: what it takes away has sd s sd(x)."""

    def __init__(self, **changes):
        self.fits, self.sizes = 0, []
        values = {"parameters": (MUCH, SD), "load_fit": lambda: self.fit, "tile": 512, "size_multiple": 8}
        self.denoiser = dataclasses.replace(
            get_denoiser("identity"),
            id="linear",
            load=lambda: self.apply,
            parallel_tiles=False,
            exact_tiles=False,
            **(values | changes),
        )

    def apply(self, tile):
        self.sizes.append(inner(tile).shape[1:])
        told = tile.values.get("sd", tile.noise_level)
        return np.ascontiguousarray(inner(tile) * (1 - np.asarray(told, np.float32)), np.float32)

    def fit(self, task):
        self.fits += 1
        return Fitted({"sd": constant_map(TIMES * noise_estimate(task.picture).sigma, task.picture)})


@pytest.fixture
def linear():
    method = Linear()
    with registered(method.denoiser):
        yield method


def sd_of(shown, rect):
    pixels = shown.pixels[(slice(None), *rect.slices)].astype(np.float64)
    valid = np.ones(pixels.shape[1:], bool) if shown.padding is None else ~shown.padding[rect.slices]
    return np.sqrt(np.mean([channel[valid].var() for channel in pixels]))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_curve_of_a_linear_method_is_known(linear, channels):
    shown = picture(300, 420, channels)
    rect = crop(shown, shown.rect, 8)
    found = knee(shown, Recipe(method="linear"), rect, Progress())
    estimate = estimated_noise(shown)
    assert found.factors == pytest.approx(FACTORS, rel=1e-5)
    assert found.estimate == estimate
    assert found.sigmas == pytest.approx([f * estimate for f in FACTORS], rel=1e-5)
    wanted = [f * TIMES * estimate * sd_of(shown, rect) for f in FACTORS]
    assert found.residual_sd == pytest.approx(wanted, rel=1e-4)
    assert linear.fits == 1
    assert set(linear.sizes) == {(SIDE, SIDE)}  # just the crop, not the method's large squares


def test_padding_is_left_out(linear):
    shown = padded(100, 140, fraction=0.2)
    found = knee(shown, Recipe(method="linear"), shown.rect, Progress(), factors=(1.0,))
    wanted = TIMES * found.estimate * sd_of(shown, shown.rect)
    assert found.residual_sd == pytest.approx([wanted], rel=1e-4)


def test_level_regions_and_strength_have_no_part_in_it(linear):
    shown = picture(90, 90)
    region = Region(shape=Box(0.0, 0.0, 90.0, 90.0), parameters=Values({"much": 0.0}))
    plain = Recipe(method="linear")
    moved = plain.replace(strength=0.3, regions=(region,)).with_parameter("much", 7.0)
    assert baseline(moved) == plain
    assert knee(shown, moved, shown.rect, Progress()) == knee(shown, plain, shown.rect, Progress())
    assert baseline(plain.with_parameter("sd", 1.0)) != plain


def test_a_method_told_an_absolute_level(linear):
    absolute = Linear(parameters=(), load_fit=None, uses_noise_level=True)
    absolute.denoiser = dataclasses.replace(absolute.denoiser, id="absolute")
    shown = picture(90, 120)
    with registered(absolute.denoiser):
        recipe = Recipe(method="absolute", noise_level=3.0)
        assert baseline(recipe).noise_level is None
        found = knee(shown, recipe, shown.rect, Progress())
    wanted = [sigma * sd_of(shown, shown.rect) for sigma in found.sigmas]
    assert found.residual_sd == pytest.approx(wanted, rel=1e-4)
    assert found.factors == pytest.approx(FACTORS, rel=1e-3)


def test_it_grows_from_the_estimate_outwards_and_stops_between_levels(linear):
    shown, parts, progress = picture(60, 60), [], Progress()

    def publish(part):
        parts.append(part.factors)
        if len(parts) == 3:
            progress.cancel()

    with pytest.raises(Cancelled):
        knee(shown, Recipe(method="linear"), shown.rect, progress, publish=publish)
    assert parts[0] == (1.0,)
    assert [len(part) for part in parts] == [1, 2, 3]
    assert parts[2] == pytest.approx((0.5**0.5, 1.0, 2**0.5), rel=1e-5)


def test_levels_beyond_the_methods_limits_are_not_pretended():
    narrow = Linear(parameters=(dataclasses.replace(MUCH, maximum=2.0), SD))
    shown = picture(60, 60)
    with registered(narrow.denoiser):
        found = knee(shown, Recipe(method="linear"), shown.rect, Progress())
    assert found.factors[-1] == 2.0
    assert len(found.factors) == 7


def test_what_cannot_be_measured_is_said(linear):
    shown = picture(60, 60)
    with pytest.raises(StudioError, match="told no noise"):
        knee(shown, Recipe(method="identity"), shown.rect, Progress())
    flat = dataclasses.replace(shown, pixels=np.zeros((1, 60, 60), np.float32))
    with pytest.raises(StudioError, match="no noise"):
        knee(flat, Recipe(method="linear"), flat.rect, Progress())
    empty = dataclasses.replace(shown, padding=np.ones((60, 60), bool))
    with pytest.raises(StudioError, match="no noise"):
        knee(empty, Recipe(method="linear"), empty.rect, Progress())


@pytest.mark.allow_log
def test_a_gpu_too_small_hands_over_to_the_cpu(linear, monkeypatch):
    def apply(tile):
        if tile.device != "cpu":
            raise OutOfMemory("small")
        return linear.apply(tile)

    large = dataclasses.replace(linear.denoiser, id="large", load=lambda: apply, devices=("cuda", "cpu"))
    gpu = devices.Device("cuda", "A GPU")
    monkeypatch.setattr(devices, "choose", lambda *about: gpu)
    shown = picture(90, 90)
    with registered(large):
        found = knee(shown, Recipe(method="large"), shown.rect, Progress(), factors=(1.0,))
    wanted = TIMES * found.estimate * sd_of(shown, shown.rect)
    assert found.residual_sd == pytest.approx([wanted], rel=1e-4)


def test_the_crop_is_the_middle_of_the_view_in_the_picture():
    shown = picture(300, 1000)
    assert crop(shown, Rect(400, 0, 400, 300)) == Rect(504, 54, SIDE, SIDE)
    assert crop(shown, Rect(400, 0, 400, 300), 8) == Rect(504, 48, SIDE, SIDE)
    assert crop(shown, Rect(990, 290, 40, 40), 8) == Rect(808, 104, SIDE, SIDE)
    assert crop(shown, Rect(-500, -500, 100, 100)) == Rect(404, 54, SIDE, SIDE)  # looks past the picture
    small = picture(50, 400)
    assert crop(small, Rect(3, 3, 5, 5), 8) == Rect(0, 0, SIDE, 50)
