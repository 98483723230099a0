"""The adaptive bilateral filter: its maps, its two stages, and what it must not do to a picture."""

import numpy as np
import pytest
from builders import region
from scipy.ndimage import gaussian_filter

from denoise_studio.core.errors import Cancelled
from denoise_studio.core.fitted import FitTask
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.denoisers.adaptive import ADAPTIVE
from denoise_studio.denoisers.adaptive.fit import fit
from denoise_studio.denoisers.adaptive.risk import soft_choice
from denoise_studio.denoisers.bilateral.whole import bilateral, bilateral_divergence
from denoise_studio.denoisers.bilateral.window import radii
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.render import render, render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.noise.coloured import coloured_noise
from denoise_studio.noise.phantom import FLAT, phantom

HU = {"unit": "HU", "nominal_range": (-1024.0, 3071.0)}
SIZE = 128


@pytest.fixture(scope="module")
def clean():
    """Part of the abdominal phantom: organs, vessels, inserts and spine."""
    return phantom(512)[192:352, 176:336]


def noise(kind, sd, shape, seed=1):
    values = np.random.default_rng(seed).standard_normal(shape)
    if kind == "correlated":
        values = gaussian_filter(values, 0.8, mode="wrap")
    return sd * values / values.std()


def hu(pixels, **more):
    return Picture(np.asarray(pixels, np.float32).reshape(-1, *pixels.shape[-2:]), **HU, **more)


def recipe(*regions, stages="2", **values):
    return Recipe(
        method="adaptive-bilateral", parameters=Values({"stages": stages, **values}), regions=regions
    )


def psnr(a, b):
    return 10 * np.log10(2000.0**2 / np.mean((np.asarray(a, np.float64) - b) ** 2))


def best_constant(noisy, truth):
    """The best of many bilateral filters with one set of sigmas, chosen with the truth."""
    sd = np.std(noisy - truth)
    return max(
        psnr(bilateral(noisy[None], s, s, c * sd)[0], truth)
        for s in (0.6, 0.9, 1.3, 1.8, 2.5, 3.5)
        for c in (1, 1.5, 2, 2.6, 3.3, 5, 8)
    )


@pytest.mark.parametrize("kind", ["white", "correlated"])
@pytest.mark.parametrize("sd", [15.0, 40.0])
def test_beats_every_constant_filter_and_its_own_medians(clean, kind, sd):
    noisy = (clean + noise(kind, sd, clean.shape)).astype(np.float32)
    shown = hu(noisy)
    whole = render_in_full(shown, recipe())
    reached = psnr(whole.picture.pixels[0], clean)
    assert reached > best_constant(noisy, clean) + 0.2
    medians = {name: float(np.median(m.values)) for name, m in whole.fitted.maps.items()}
    assert reached > psnr(render(shown, recipe(**medians)).pixels[0], clean) + 0.2
    for name, least in (("sigma_x_1", 1.2), ("sigma_r_1", 2.0)):
        low, high = np.percentile(whole.fitted.maps[name].values, [5, 95])
        assert high > least * low, name


def test_two_stages_beat_one(clean):
    shown = hu(clean + noise("correlated", 40.0, clean.shape))
    one, two = (psnr(render(shown, recipe(stages=n)).pixels[0], clean) for n in "12")
    assert two > one + 0.2


@pytest.mark.parametrize(("gain", "offset"), [(1 / 4095, 1024 / 4095), (16.0, -3.0)])
def test_the_same_in_every_unit(clean, gain, offset):
    noisy = np.rint(clean + noise("correlated", 20.0, clean.shape)).astype(np.float32)
    wanted = render(hu(noisy), recipe()).pixels * np.float64(gain) + offset
    low, high = (value * gain + offset for value in HU["nominal_range"])
    other = Picture((noisy * np.float64(gain) + offset).astype(np.float32)[None], nominal_range=(low, high))
    difference = np.abs(render(other, recipe()).pixels - wanted)
    # Rounding the input to float32 moves a few pixels across a window's edge (radius = ceil(2 sigma)).
    assert np.quantile(difference, 0.995) < 1e-5 * (high - low)
    assert difference.max() < 1e-3 * (high - low)


def test_means_of_flat_regions_stay():
    """Over several draws of the noise, each flat organ's mean moves by less than 1 HU, or by chance."""
    size, draws = 256, 6
    truth = phantom(size)
    moved = {disc.name: [] for disc in FLAT}
    for seed in range(draws):
        shown = hu(truth + noise("correlated", 12.0, truth.shape, seed))
        change = render(shown, recipe()).pixels[0] - shown.pixels[0].astype(np.float64)
        for disc in FLAT:
            moved[disc.name].append(change[disc.mask(size)].mean())
    for name, changes in moved.items():
        chance = 2.5 * np.std(changes, ddof=1) / np.sqrt(draws)
        assert abs(np.mean(changes)) < 1.0 + chance, name


def test_air_metal_and_padding_do_not_bleed():
    values = np.full((96, 96), 40.0)
    values[:, :30] = -1000.0
    values[40:52, 60:72] = 3000.0
    noisy = values + noise("white", 10.0, values.shape)
    padding = np.zeros(values.shape, bool)
    padding[:12] = True
    noisy[padding] = 1e6
    shown = hu(np.where(padding, 0, noisy), padding=padding, padding_values=noisy[None].astype(np.float32))
    result = render(shown, recipe()).pixels[0]
    assert np.abs((result - values)[~padding]).max() < 60
    assert abs((result - values)[12:, 30].mean()) < 5
    assert abs((result - values)[12, 30:].mean()) < 10


@pytest.mark.parametrize("stages", ["1", "2"])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_equal_the_whole_bit_for_bit(stages, channels):
    rng = np.random.default_rng(5)
    pixels = (rng.random((channels, 70, 61)) * 0.2 + np.linspace(0, 1, 61)).astype(np.float32)
    padding = rng.random((70, 61)) < 0.02
    pixels[:, padding] = 0
    shown = Picture(pixels, padding=padding)
    edits = region(Box(10, 10, 40, 30), feather=6, sigma_r_1_factor=2.0, sigma_x_2=6.0)
    resolved = resolve(shown, recipe(edits, stages=stages))
    fitted = fit(FitTask(shown, {"stages": stages, "noise_factor": 1.0}))
    bound = Filter(shown, resolved, devices.cpu(), fitted)
    apply = ADAPTIVE.load()
    whole = apply(bound.cut(shown.rect))
    for rect in (Rect(0, 0, 13, 17), Rect(30, 20, 31, 50), Rect(60, 69, 1, 1), Rect(9, 3, 40, 9)):
        assert np.array_equal(apply(bound.cut(rect)), whole[(slice(None), *rect.slices)]), rect


@pytest.mark.parametrize("stages", ["1", "2"])
def test_footprints_are_the_weights_of_the_result(clean, stages):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    whole = render_in_full(shown, recipe(stages=stages))
    bound = Filter(shown, whole.recipe, devices.cpu(), whole.fitted)
    for x, y in ((0, 0), (50, 60), (127, 90)):
        prints = ADAPTIVE.load_explain()(bound.cut(Rect(x, y, 1, 1)))
        assert len(prints) == int(stages)
        last = prints[-1]
        assert last.weights.sum() == pytest.approx(1.0, abs=1e-5)
        ry, rx = (side // 2 for side in last.weights.shape)
        around = np.pad(shown.pixels[0], 20, mode="reflect")[
            y + 20 - ry : y + 21 + ry, x + 20 - rx : x + 21 + rx
        ]
        assert (last.weights * around).sum() == pytest.approx(whole.picture.pixels[0, y, x], abs=0.02)
        stage = len(prints)
        assert last.values[f"sigma_r_{stage}"] == pytest.approx(
            float(whole.fitted.maps[f"sigma_r_{stage}"].at(Rect(x, y, 1, 1))[0, 0]), rel=1e-6
        )


def test_an_edit_moves_no_pixel_outside_its_reach(clean):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    before = render(shown, recipe()).pixels[0]
    box = Box(40, 50, 60, 64)
    for name in ("sigma_r_1_factor", "sigma_x_1_factor", "smoothing"):
        after = render(shown, recipe(region(box, **{name: 2.5}))).pixels[0]
        rows, columns = np.nonzero(after != before)
        assert columns.size > 0
        reach = 2 * 8 + 1  # stage 2's widest allowed window
        assert columns.min() >= 40 - reach
        assert columns.max() < 60 + reach
        assert rows.min() >= 50 - reach
        assert rows.max() < 64 + reach
    inside = np.zeros_like(before, bool)
    inside[50:64, 40:60] = True
    after = render(shown, recipe(region(box, sigma_r_2_factor=2.5))).pixels[0]
    assert np.array_equal(after[~inside], before[~inside])
    assert not np.array_equal(after[inside], before[inside])


def test_a_number_replaces_and_a_factor_multiplies(clean):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    fitted = render_in_full(shown, recipe(stages="1")).fitted.maps
    rect = shown.rect
    doubled = bilateral(
        shown.pixels,
        fitted["sigma_x_1"].at(rect),
        fitted["sigma_y_1"].at(rect),
        2 * fitted["sigma_r_1"].at(rect),
    )
    assert np.array_equal(render(shown, recipe(stages="1", sigma_r_1_factor=2.0)).pixels, doubled)
    constant = bilateral(shown.pixels, 1.5, 1.25, 33.0)
    numbers = {"sigma_x_1": 1.5, "sigma_y_1": 1.25, "sigma_r_1": 33.0}
    assert np.array_equal(render(shown, recipe(stages="1", **numbers)).pixels, constant)


def test_cancel_and_provisional_maps(clean):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    values = {"stages": "2", "noise_factor": 1.0}
    published = []
    final = fit(FitTask(shown, values, publish=published.append))
    (early,) = published
    assert not early.final
    assert final.final
    assert set(early.maps) == set(final.maps)
    progress = Progress()
    with pytest.raises(Cancelled):
        fit(FitTask(shown, values, progress=progress, publish=lambda maps: progress.cancel()))


def test_more_noise_told_means_smoother(clean):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    rough = [np.std(np.diff(render(shown, recipe(noise_factor=f)).pixels[0])) for f in (0.5, 1.0, 2.0)]
    assert rough[0] > rough[1] > rough[2]


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 1, 200), (1, 5, 7), (3, 40, 31), (1, 23, 24), (1, 30, 257), (3, 24, 24)]
)
@pytest.mark.parametrize("stages", ["1", "2"])
def test_any_size_gives_a_finite_and_quieter_result(shape, stages):
    pixels = np.random.default_rng(0).normal(0.5, 0.1, shape).astype(np.float32)
    result = render(Picture(pixels), recipe(stages=stages)).pixels
    assert np.isfinite(result).all()
    assert result.std() <= pixels.std()
    if min(shape[1:]) >= 5:
        assert result.std() < 0.6 * pixels.std()


def test_nothing_to_do():
    flat = Picture(np.full((1, 64, 64), 3.0, np.float32))
    assert np.array_equal(render(flat, recipe()).pixels, flat.pixels)
    empty = Picture(np.zeros((1, 64, 64), np.float32), padding=np.ones((64, 64), bool))
    assert np.array_equal(render(empty, recipe()).pixels, empty.pixels)


def test_soft_choice_prefers_low_risk_and_averages_equals():
    risks = np.array([[[5.0, 1.0]], [[1.0, 1.0]]], np.float32)
    chosen = soft_choice(risks, [(1.0, 10.0), (4.0, 40.0)], np.full((1, 2), 10.0, np.float32))
    assert chosen[:, 0, 0] == pytest.approx([4.0, 40.0])
    assert chosen[:, 0, 1] == pytest.approx([2.0, 20.0])


def test_coloured_noise_has_the_correlation_asked_for():
    distance = np.hypot(*np.mgrid[-6:7, -6:7])
    wanted = np.exp(-(distance**2) / 4).astype(np.float32)
    draw = coloured_noise(wanted, (1, 512, 512), 0)[0]
    assert draw.std() == pytest.approx(1.0, rel=0.02)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2)):
        found = np.mean(draw[: 512 - dy, : 512 - dx] * draw[dy:, dx:])
        assert found == pytest.approx(wanted[6 + dy, 6 + dx], abs=0.04)


def test_the_risk_estimate_is_unbiased():
    """Mean over many draws of (y - f)² - s² + 2 s² D against the true error, for correlated noise."""
    truth = np.zeros((1, 64, 64), np.float32)
    truth[:, :, 30:] = 30.0
    distance = np.hypot(*np.mgrid[-6:7, -6:7])
    rho = np.exp(-(distance**2) / (4 * 0.8**2)).astype(np.float32)  # of white noise blurred by 0.8 px
    estimated, true = [], []
    for seed in range(60):
        noisy = truth + 10 * coloured_noise(rho, truth.shape, seed)
        filtered, divergence = bilateral_divergence(noisy, 1.3, 1.3, 25.0, rho=rho)
        inner = (0, slice(10, -10), slice(10, -10))
        estimated.append(np.mean(((noisy - filtered) ** 2 - 100 + 200 * divergence)[inner]))
        true.append(np.mean(((filtered - truth) ** 2)[inner]))
    standard_error = np.std(np.subtract(estimated, true)) / np.sqrt(len(true))
    assert np.mean(estimated) == pytest.approx(np.mean(true), abs=3 * standard_error + 0.01 * np.mean(true))


def test_the_halo_allows_for_every_rounding():
    """These values multiply to 12.5 px in one order of float32 and to a hair more in another."""
    pixels = 100 + 10 * np.random.default_rng(0).standard_normal((1, 120, 120))
    shown = Picture(pixels.astype(np.float32), nominal_range=(0, 255))
    edits = region(Box(-10, -10, 400, 400), smoothing=1.25, sigma_x_1_factor=1.6)
    values = {
        "sigma_x_1": 6.25,
        "sigma_y_1": 6.25,
        "sigma_r_1": 30.0,
        "smoothing": 0.75,
        "sigma_x_1_factor": 0.8,
    }
    resolved = resolve(shown, recipe(edits, stages="1", **values))
    fitted = fit(FitTask(shown, {"stages": "1", "noise_factor": 1.0}))
    bound = Filter(shown, resolved, devices.cpu(), fitted)
    tile = bound.cut(Rect(40, 40, 30, 30))
    assert tile.halo >= radii(tile.values["sigma_x_1"]).max()


def test_the_noise_can_be_told(clean):
    shown = hu(clean + noise("white", 20.0, clean.shape))
    levels = {}
    for told in (None, 10.0, 40.0):
        whole = render_in_full(shown, recipe().replace(noise_level=told))
        levels[told] = np.median(whole.fitted.maps["sigma_r_1"].values)
        assert told is None or f"noise {told:.3g} HU" in whole.fitted.note
    assert levels[10.0] < levels[None] < levels[40.0]
    assert np.abs(render(shown, recipe().replace(noise_level=0.0)).pixels - shown.pixels).max() < 0.2


def test_large_offsets_do_no_harm(clean):
    noisy = np.rint(clean + noise("white", 20.0, clean.shape)).astype(np.float32)
    near, far = (
        Picture(noisy[None], nominal_range=(-1024, 3071)),
        Picture(noisy[None] + 60000, nominal_range=(58976, 63071)),
    )
    difference = render(far, recipe()).pixels - 60000 - render(near, recipe()).pixels
    assert np.quantile(np.abs(difference), 0.99) < 0.05


def test_very_long_pictures():
    pixels = np.random.default_rng(0).normal(0, 1, (1, 3, 40000)).astype(np.float32)
    assert render(Picture(pixels, nominal_range=(-5, 5)), recipe()).pixels.std() < 0.6


def test_cancel_is_heard_between_blocks(clean):
    shown = hu(np.tile(clean, (3, 3)) + noise("white", 20.0, (480, 480)))
    progress, blocks = Progress(), []

    def spread(work, items):
        for item in items:
            blocks.append(item)
            if len(blocks) == 12:
                progress.cancel()
            yield work(item)

    with pytest.raises(Cancelled):
        fit(FitTask(shown, {"stages": "2", "noise_factor": 1.0}, progress=progress, spread=spread))
    assert len(blocks) == 12
