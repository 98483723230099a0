"""Areas cut out of a result, and what is read off them."""

import math

import numpy as np
import pytest
from builders import bilateral, noisy, padded, picture, region

from denoise_studio.core.errors import Cancelled, MeasureError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.progress import Progress
from denoise_studio.core.region import Box, Ellipse
from denoise_studio.engine import devices
from denoise_studio.engine.areas import Area, inside, middle
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.readings import Result, fidelity, pair, residual, strength_curve
from denoise_studio.engine.render import fill, render
from denoise_studio.engine.resolve import resolve
from denoise_studio.metrics import measure
from denoise_studio.metrics.iem.measure import Options, iem

EXACT = Options(prior="gaussian")


def finished(shown, recipe):
    resolved = resolve(shown, recipe)
    layer = Layer(shown)
    fill(layer, Filter(shown, resolved, devices.cpu()), Progress())
    return Result(shown, layer, resolved)


def test_an_area_is_what_the_region_covers_without_padding():
    shown = padded(60, 80)
    spot = region(Ellipse(40, 30, 18, 12))
    area = Area.of(shown, spot)
    assert area.rect == spot.bounds().intersect(shown.rect)
    wanted = (spot.mask(area.rect) > 0.5) & ~shown.padding[area.rect.slices]
    assert np.array_equal(area.inside(shown), wanted)
    assert np.array_equal(inside(shown, None, shown.rect), ~shown.padding)


def test_the_middle_of_an_area_stays_inside_it_and_keeps_small_ones():
    area = Area("a", Rect(10, 20, 300, 40))
    assert middle(area, 100).rect == Rect(110, 20, 100, 40)
    assert middle(area, 400) == area


def test_a_pair_holds_the_input_and_what_render_gives():
    shown = padded(90, 110)
    recipe = bilateral(region(Box(20, 20, 70, 60), sigma_r=0.4, strength=0.5), strength=0.8)
    result, whole = finished(shown, recipe), render(shown, recipe)
    area = Area("here", Rect(10, 5, 70, 60))
    cut = pair(result, area)
    where = (slice(None), *area.rect.slices)
    assert np.array_equal(cut.before.pixels, shown.pixels[where])
    assert np.array_equal(cut.after.pixels, whole.pixels[where])
    assert np.array_equal(cut.before.padding, shown.padding[area.rect.slices])
    other = pair(result, area, strength=0.3)
    assert np.array_equal(other.after.pixels, render(shown, recipe.replace(strength=0.3)).pixels[where])


def test_what_lies_outside_a_region_changes_none_of_its_numbers():
    shown = picture(80, 80)
    spot = region(Ellipse(40, 40, 15, 15))
    result = finished(shown, bilateral())
    area = Area.of(shown, spot)
    cut = pair(result, area)
    found = iem(cut.after, cut.before, EXACT)
    pixels = shown.pixels.copy()
    pixels[:, :, :15] += 5  # outside of the region's bounds and of the filter's reach
    far = pair(finished(shown.derive(pixels), bilateral()), area)
    assert iem(far.after, far.before, EXACT).value == found.value
    assert found.samples == int(area.inside(shown).sum())


def test_a_result_that_is_another_recipes_by_now_is_not_read():
    shown = picture(40, 40)
    result = finished(shown, bilateral())
    area = Area.of(shown)
    pair(result, area)
    other = resolve(shown, bilateral(sigma_r=0.5))
    fill(result.layer, Filter(shown, other, devices.cpu()), Progress())
    with pytest.raises(Cancelled):
        pair(result, area)


def test_an_area_without_pixels_is_said():
    shown = picture(40, 40)
    with pytest.raises(MeasureError, match="holds no pixel"):
        pair(finished(shown, bilateral()), Area("nothing", Rect(5, 5, 0, 0)))


def test_fidelity_is_that_of_the_cut_out_parts():
    shown = picture(64, 64)
    clean = shown.derive(noisy(64, 64, seed=1))
    area = Area("here", Rect(8, 8, 40, 48))
    cut = pair(finished(shown, bilateral()), area, clean)
    found = fidelity(cut, cut.reference)
    for test, psnr, ssim in (
        (cut.after, found.psnr, found.ssim),
        (cut.before, found.psnr_before, found.ssim_before),
    ):
        wanted = measure(test, cut.reference, ("psnr", "ssim"))
        assert (psnr, ssim) == (wanted["psnr"].value, wanted["ssim"].value)


def test_an_area_too_small_for_ssim_still_has_a_psnr():
    shown = picture(40, 40)
    cut = pair(finished(shown, bilateral()), Area("small", Rect(4, 4, 8, 8)), shown)
    found = fidelity(cut, cut.reference)
    assert found.ssim is None
    assert "11" in found.why
    assert found.psnr_before == math.inf


def test_the_strength_curve_runs_from_nothing_to_the_full_change():
    shown = picture(64, 64)
    clean = shown.derive(noisy(64, 64, seed=1))
    result = finished(shown, bilateral(strength=0.4))
    area = Area.of(shown)
    told = []
    curve = strength_curve(result, area, EXACT, Progress(), clean, told.append)
    assert (curve.strengths[0], curve.strengths[-1]) == (0.0, 1.0)
    assert curve.changed[0] == 0.0
    full = pair(result, area, clean, strength=1.0)
    assert curve.changed[-1] == iem(full.after, full.before, EXACT).value
    # Under a Gaussian prior the metric is a norm: it grows in proportion to the strength.
    assert curve.changed == pytest.approx([s * curve.changed[-1] for s in curve.strengths], rel=1e-4)
    assert curve.psnr[-1] == measure(full.after, full.reference, ("psnr",))["psnr"].value
    assert [len(part.strengths) for part in told] == list(range(1, len(curve.strengths) + 1))


def test_the_residual_is_the_input_less_the_result():
    shown = picture(30, 40, channels=3)
    result = finished(shown, bilateral())
    rect = Rect(3, 4, 20, 10)
    wanted = (shown.pixels - render(shown, bilateral()).pixels).mean(axis=0)[rect.slices]
    assert residual(result, rect) == pytest.approx(wanted, abs=1e-6)
