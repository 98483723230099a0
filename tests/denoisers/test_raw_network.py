from dataclasses import replace

import numpy as np
import pytest
from builders import region
from raw_builders import BLACK, WHITE, exposed, mosaic, patches, raw, with_masked

from denoise_studio.core.errors import RecipeError, StudioError
from denoise_studio.core.fitted import FitTask
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.denoisers import default_method, get_denoiser
from denoise_studio.denoisers.raw_network import HALO, SHA256
from denoise_studio.denoisers.raw_network import mosaic as room
from denoise_studio.denoisers.raw_network.apply import shifted
from denoise_studio.denoisers.raw_network.fit import fine_estimate, fit
from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.engine.render import render, render_in_full
from denoise_studio.noise.sensor.dark_file import save_profile
from denoise_studio.noise.sensor.dark_fit import profile_of
from denoise_studio.noise.sensor.estimate import Known
from denoise_studio.noise.sensor.model import SensorNoise, SiteNoise

GAIN, READ = 6.0, 12.0
SITES = tuple(SiteNoise(name, GAIN, READ, BLACK, WHITE) for name in ("R", "G1", "G2", "B"))
METHOD = get_denoiser("raw-network")


def scene(height=256, width=256):
    """DN above black: shading, an edge and stripes, red and blue weaker."""
    y, x = np.mgrid[:height, :width]
    light = 900 + 500 * np.sin(x / 40) * np.cos(y / 55) + 1200 * (x > width // 2) + 200 * np.sin(y / 3)
    light = light * np.where((y % 2 == 0) & (x % 2 == 0), 0.5, 1) * np.where((y % 2) & (x % 2), 0.6, 1)
    return np.clip(light, 0, None)


def off(result, light):
    return float(np.sqrt(np.mean((result - BLACK - light) ** 2)))


def recipe(**values):
    return Recipe("raw-network", {"gain": GAIN, "read": READ, **values}, device="cpu", precision="float32")


def test_it_takes_most_of_the_noise():
    light = scene()
    noisy = exposed(light, GAIN, READ, 1)
    result = denoise(noisy, mosaic(), SITES, 1.0)
    assert off(result, light) < 0.45 * off(noisy, light)
    flat = exposed(np.full((256, 256), 40.0), GAIN, READ, 2)
    dark = denoise(flat, mosaic(), SITES, 1.0)[32:-32, 32:-32]
    assert off(dark, 40.0) < 0.2 * off(flat, 40.0)
    assert abs(dark.mean() - BLACK - 40) < 0.1 * READ  # no shift of the shadows


def test_where_no_noise_is_told_nothing_changes():
    noisy = exposed(scene(), GAIN, READ, 3)
    np.testing.assert_array_equal(denoise(noisy, mosaic(), SITES, 0.0), noisy)
    told = np.zeros(noisy.shape, np.float32)
    told[:, 128:] = 1
    half = denoise(noisy, mosaic(), SITES, told)
    np.testing.assert_array_equal(half[:, :128], noisy[:, :128])
    assert (half[:, 128:] != noisy[:, 128:]).any()


@pytest.mark.parametrize("corner", [(0, 1), (1, 0), (1, 1)])
def test_every_bayer_pattern_is_treated_alike(corner):
    y, x = corner
    noisy = exposed(scene(512, 512), GAIN, READ, 4)
    whole = denoise(noisy, mosaic(), SITES, 1.0)
    part = denoise(np.ascontiguousarray(noisy[y:, x:]), mosaic().shifted(x, y), SITES, 1.0)
    # The network's own grid of 8 pixels lies elsewhere, so single pixels differ a little.
    light = scene(512, 512)[y:, x:]
    inner = (slice(32, -32), slice(32, -32))
    assert off(part[inner], light[inner]) == pytest.approx(off(whole[y:, x:][inner], light[inner]), rel=0.1)


def test_a_corrected_black_level_is_taken_off_so_that_the_files_own_holds():
    true = BLACK + 9
    sites = [replace(site, black=true) for site in SITES]
    noisy = exposed(np.full((256, 256), 30.0), GAIN, READ, 20, black=true)
    result = denoise(noisy, mosaic(), sites, 1.0)
    assert result[32:-32, 32:-32].mean() == pytest.approx(BLACK + 30, abs=1.5)
    np.testing.assert_allclose(denoise(noisy, mosaic(), sites, 0.0), noisy - 9, atol=1e-3)


def test_saturated_pixels_stay_saturated():
    light = scene()
    light[100:140, 100:140] = 40000
    noisy = exposed(light, GAIN, READ, 5)
    result = denoise(noisy, mosaic(), SITES, 1.0)
    assert (noisy[100:140, 100:140] == WHITE).all()
    np.testing.assert_array_equal(result[100:140, 100:140], WHITE)


@pytest.mark.parametrize("value", [WHITE - 1, 8000.0, 0.0])
def test_a_hot_or_dead_pixel_does_not_spread(value):
    noisy = exposed(scene() + 600, GAIN, READ, 6)
    clean = denoise(noisy, mosaic(), SITES, 1.0)
    broken = noisy.copy()
    broken[121, 190] = value
    repaired = denoise(broken, mosaic(), SITES, 1.0)
    change = np.abs(repaired - clean)
    assert change.max() < 3 * np.sqrt(GAIN * 3000 + READ**2)
    change[119:124, 188:193] = 0
    assert change.max() < 1.5 * np.sqrt(GAIN * 1500 + READ**2)
    left = denoise(broken, mosaic(), SITES, 1.0, repair=False)
    assert abs(left[121, 190] - clean[121, 190]) > 4 * change.max()


def test_a_small_light_is_no_hot_pixel():
    light = scene() + 600
    light[120:122, 130:132] += 6000  # two by two: every class sees it
    noisy = exposed(light, GAIN, READ, 7)
    result = denoise(noisy, mosaic(), SITES, 1.0)
    assert (result[120:122, 130:132] - BLACK > 0.7 * light[120:122, 130:132]).all()


def test_tiles_do_not_show():
    picture = raw(exposed(scene(640, 800), GAIN, READ, 8))
    whole = denoise(picture.pixels[0], picture.mosaic, SITES, 1.0)
    result = render(picture, recipe()).pixels[0]
    # The edges are mirrored in tiles; elsewhere the arithmetic is the same but for rounding.
    inner = (slice(104, -104), slice(104, -104))
    np.testing.assert_allclose(result[inner], whole[inner], atol=1e-5 * (WHITE - BLACK))


def test_rendering_a_part_first_gives_the_same_pixels():
    picture = raw(exposed(scene(600, 600), GAIN, READ, 9))
    once, again = render(picture, recipe()), render(raw(picture.pixels[0]), recipe())
    np.testing.assert_array_equal(once.pixels, again.pixels)


def test_the_fit_shows_the_coarse_estimate_first():
    picture = raw(exposed(patches(), GAIN, READ, 10))
    values = {p.name: p.default for p in METHOD.parameters if p.refit}
    shown = []
    found = fit(FitTask(picture, values, publish=shown.append))
    assert [fitted.final for fitted in shown] == [False]
    assert isinstance(found.knowledge, SensorNoise)
    assert found.final
    assert found.knowledge.gain == pytest.approx(GAIN, rel=0.08)
    assert f"K {found.knowledge.gain:.3g} DN" in found.note
    assert shown[0].knowledge.stage == "coarse"


@pytest.mark.parametrize("offset", [-8.0, 8.0])
def test_the_fine_step_finds_the_same_noise_whatever_black_the_file_tells(offset):
    light = patches(512, 512, low=5.0)
    plain = fine_estimate(raw(exposed(light, GAIN, READ, 21)))
    moved = exposed(light, GAIN, READ, 21, black=BLACK + offset)
    layout = with_masked(mosaic(), GAIN, READ, BLACK + offset)
    found = fine_estimate(raw(moved, layout), None)
    assert found.stage == "fine"
    assert found.black.offset == pytest.approx(offset, abs=0.5)
    assert found.gain == pytest.approx(plain.gain, rel=0.02)
    lines = [np.median(p.variance[p.used] - found.gain * p.mean[p.used]) for p in found.points.values()]
    wanted = [np.median(p.variance[p.used] - plain.gain * p.mean[p.used]) for p in plain.points.values()]
    # What is left of the variance without light: eight DN of black would make it 48 more or less.
    assert np.mean(lines) == pytest.approx(np.mean(wanted), abs=12)


def test_a_published_read_noise_tells_the_offset_through_the_network_too():
    light = patches(1024, 1024, low=5.0)
    picture = raw(exposed(light, GAIN, READ, 22, black=BLACK + 8))
    found = fine_estimate(picture, Known(read=float(np.hypot(READ, 12**-0.5))))
    assert found.stage == "fine"
    assert found.black.offset == pytest.approx(8, abs=1)


def test_numbers_of_ones_own_replace_the_estimate():
    picture = raw(exposed(patches(), GAIN, READ, 11))
    rendering = render_in_full(picture, recipe(gain=9.0, read=20.0))
    knowledge = rendering.fitted.knowledge
    assert {(site.gain, site.read) for site in knowledge.sites} == {(9.0, 20.0)}
    assert knowledge.stage == "told"


def test_a_region_may_keep_its_noise():
    picture = raw(exposed(scene(), GAIN, READ, 12))
    keep = region(Box(64, 64, 128, 128), noise=0.0)
    result = render(picture, recipe().replace(regions=(keep,)))
    np.testing.assert_array_equal(result.pixels[0, 70:120, 70:120], picture.pixels[0, 70:120, 70:120])
    assert (result.pixels[0, 140:, 140:] != picture.pixels[0, 140:, 140:]).any()


def test_another_black_level_keeps_the_line_of_the_noise():
    site = SITES[0]
    moved = shifted(site, 10.0)
    values = np.array([BLACK + 500, BLACK + 3000], np.float32)
    np.testing.assert_allclose(moved.variance(values), site.variance(values), rtol=1e-6)
    assert shifted(site, -1000.0).read > 0
    assert shifted(site, 0.0) is site


def test_a_noise_level_of_the_recipe_is_what_the_middle_of_the_picture_is_told():
    picture = raw(exposed(patches(), GAIN, READ, 13))
    values = {p.name: p.default for p in METHOD.parameters if p.refit} | {"gain": GAIN, "read": READ}
    plain = fit(FitTask(picture, values)).maps["sigma"].most
    level = fit(FitTask(picture, values, noise_level=123.0)).maps["sigma"].most
    doubled = fit(FitTask(picture, values, noise_level=246.0)).maps["sigma"].most
    assert plain == 1
    assert doubled == pytest.approx(2 * level, rel=1e-5)


def test_dark_frames_take_shading_and_black_error_off(tmp_path):
    shape, read = (256, 320), 12.0
    shade = 6 * np.linspace(-1, 1, shape[1])[None] * np.ones((shape[0], 1))
    layout = replace(mosaic(), camera="Test One", iso=800.0)
    random = np.random.default_rng(1)

    def dark(seed):
        values = BLACK + 5 + shade + read * np.random.default_rng(seed).standard_normal(shape)
        return raw(np.rint(values), layout)

    save_profile(profile_of([dark(seed) for seed in range(12)]), tmp_path / "dark.npz")
    light = patches(*shape)
    seen = GAIN * random.poisson(light / GAIN) + read * random.standard_normal(shape) + BLACK + 5 + shade
    picture = raw(np.clip(np.rint(seen), 0, WHITE), layout)
    rendering = render_in_full(picture, recipe(gain=0.0, read=0.0, dark_profile=str(tmp_path / "dark.npz")))
    plain = render_in_full(picture, recipe(gain=0.0, read=0.0))
    noise = rendering.fitted.knowledge
    assert noise.black.source == "dark frames"
    assert noise.gain == pytest.approx(GAIN, rel=0.1)
    assert rendering.fitted.maps["shading"].values.mean() == pytest.approx(5, abs=0.5)
    dim = light < 300
    offset = (rendering.picture.pixels[0] - BLACK - light)[dim].mean()
    assert abs(offset) < 1
    assert abs((plain.picture.pixels[0] - BLACK - light)[dim].mean() - 5) < 2  # nobody told it


def test_dark_frames_of_another_camera_are_refused(tmp_path):
    layout = replace(mosaic(), camera="Test One", iso=800.0)
    noisy = [raw(exposed(np.zeros((64, 64)), GAIN, READ, seed), layout) for seed in range(3)]
    save_profile(profile_of(noisy), tmp_path / "dark.npz")
    other = raw(exposed(patches(64, 64), GAIN, READ, 1), replace(layout, camera="Another"))
    with pytest.raises(StudioError, match="Another"):
        render(other, recipe(dark_profile=str(tmp_path / "dark.npz")))
    with pytest.raises(StudioError, match=r"none\.npz"):
        render(other, recipe(dark_profile=str(tmp_path / "none.npz")))


def test_which_pictures_it_takes():
    bayer = raw(np.full((64, 64), 900.0))
    assert METHOD.refusal(bayer) == ""
    assert default_method(bayer) == "raw-network"
    photo = Picture(np.zeros((1, 8, 8), np.float32), scale=Scale.DISPLAY)
    assert "camera raw" in METHOD.refusal(photo)
    six = tuple(tuple((y + x) % 3 for x in range(6)) for y in range(6))
    sites = tuple(Photosite(name, i, BLACK, WHITE) for i, name in enumerate("RGB"))
    x_trans = raw(np.full((64, 64), 900.0), Mosaic(six, sites))
    assert "X-Trans" in METHOD.refusal(x_trans)
    assert default_method(x_trans) == "identity"
    assert "one of three colours" in get_denoiser("bilateral").refusal(bayer)
    with pytest.raises(RecipeError, match="camera raw"):
        render(photo, Recipe("raw-network"))


def test_the_weights_are_those_that_were_shipped():
    assert SHA256[1] == room.SHA256
    assert room.on_device(room.WEIGHTS, "cpu").shape.halo + 8 <= HALO
    assert METHOD.size_multiple % room.on_device(room.WEIGHTS, "cpu").shape.multiple == 0


def test_a_cropped_part_keeps_its_pattern():
    picture = raw(exposed(scene(), GAIN, READ, 14))
    from denoise_studio.core.geometry import Rect

    part = picture.part(Rect(3, 5, 40, 40))
    assert part.mosaic.site_at(0, 0).name == picture.mosaic.site_at(3, 5).name
    assert replace(picture, mosaic=None).kind == "photo"
    assert picture.kind == "raw"
