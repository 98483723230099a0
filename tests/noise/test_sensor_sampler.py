"""The sampler gives back what it was told, by estimators that share nothing with it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import CameraPreset, all_presets, preset
from denoise_studio.noise.sensor.layout import as_read, as_shown, pattern_as_read, row_axis
from denoise_studio.noise.sensor.sampler import Converter, bias_table, sample
from denoise_studio.noise.sensor.tukey import Gaussian, Tukey

ROWS, WIDTH = 32768, 128
"""So many rows that 3 % are at least three standard errors of what is measured."""
GAUSSIAN_SHAPE = 0.1349
"""The lambda by which a Gaussian looks most like Tukey's (Filliben 1975 gives 0.14)."""
SITES = tuple(Photosite(n, c, 64.0, 1023.0) for n, c in (("R", 0), ("G1", 1), ("G2", 1), ("B", 2)))
BAYER = Mosaic(((0, 1), (2, 3)), SITES)


def three_gains() -> list[tuple[CameraPreset, float]]:
    cases = []
    for camera in all_presets():
        low, high = camera.gain_range
        cases += [(camera, low), (camera, (low * high) ** 0.5), (camera, high)]
    return cases


def named(value: object) -> str:
    return value.name if isinstance(value, CameraPreset) else f"{value:.3g}"


def ppcc(values: np.ndarray) -> float:
    """The lambda with the straightest probability plot, over 2000 quantiles."""
    levels = (np.arange(2000) + 0.5) / 2000
    seen = np.quantile(values, levels)

    def bent(shape: float) -> float:
        return -np.corrcoef(stats.tukeylambda.ppf(levels, shape), seen)[0, 1]

    return optimize.minimize_scalar(bent, bounds=(-0.45, 0.5), method="bounded", options={"xatol": 1e-4}).x


@pytest.mark.parametrize(("camera", "gain"), three_gains(), ids=named)
def test_dark_noise_is_recovered(camera: CameraPreset, gain: float):
    """Variance, variance of row means and row sd within 3 %; lambda within 0.02."""
    noise, random = camera.at(gain), np.random.default_rng(20)
    frame = sample(np.zeros((ROWS, WIDTH), np.float32), noise, random)
    read = noise.read
    spread = read.scale**2 * stats.tukeylambda.var(read.shape) if isinstance(read, Tukey) else read.sd**2
    total = spread + noise.row**2 + 1 / 12
    assert frame.var() == pytest.approx(total, rel=0.03)
    assert noise.variance(0) == pytest.approx(total, rel=1e-6)
    means = frame.mean(axis=1)
    assert means.var() == pytest.approx(noise.row**2 + (spread + 1 / 12) / WIDTH, rel=0.03)
    assert noise.row_mean_variance(0, WIDTH) == pytest.approx(noise.row**2 + (spread + 1 / 12) / WIDTH)
    inner = (frame - means[:, None]).var() * WIDTH / (WIDTH - 1)
    if noise.row:
        assert np.sqrt(means.var() - inner / WIDTH) == pytest.approx(noise.row, rel=0.03)
    pixels = sample(np.zeros((1000, 1000), np.float32), replace(noise, row=0.0, step=0.0), random)
    told = read.shape if isinstance(read, Tukey) else GAUSSIAN_SHAPE
    assert ppcc(pixels) == pytest.approx(told, abs=0.02)


@pytest.mark.parametrize("camera", all_presets(), ids=named)
def test_light_is_recovered(camera: CameraPreset):
    """Mean and variance K x + s^2 within 3 %, at the ends of the gains and two levels of light."""
    random = np.random.default_rng(21)
    for gain in camera.gain_range:
        noise = camera.at(gain)
        for light in (20 * gain, 500 * gain):
            frame = sample(np.full((1000, 600), light, np.float32), noise, random)
            assert frame.mean() == pytest.approx(light, rel=0.03)
            assert frame.var() == pytest.approx(gain * light + noise.dark_sd**2, rel=0.03)


@pytest.mark.parametrize("camera", all_presets(), ids=named)
def test_a_real_converter_rounds(camera: CameraPreset):
    """Whole DN; q^2 / 12 holds wherever the noise is wider than half a step."""
    noise = camera.at(camera.gain_range[1])
    mosaic = replace(BAYER, sites=tuple(replace(site, white=16383.0) for site in SITES))
    converter = Converter.of(mosaic, clips=False)
    frame = sample(
        np.full((2000, 400), 7.3, np.float32), noise, np.random.default_rng(4), converter=converter
    )
    assert np.array_equal(frame, np.rint(frame))
    assert frame.mean() == pytest.approx(7.3, abs=4 * np.sqrt(noise.row_mean_variance(7.3, 400) / 2000))
    assert frame.var() == pytest.approx(noise.variance(7.3), rel=0.03)


def test_below_half_a_step_rounding_is_what_the_distribution_says():
    noise = CameraNoise(1.0, Gaussian(0.3))
    frame = sample(
        np.zeros((1000, 1000), np.float32),
        noise,
        np.random.default_rng(4),
        converter=Converter.of(BAYER),
    )
    beyond = 2 * stats.norm.sf(0.5 / 0.3)
    assert frame.var() == pytest.approx(beyond, rel=0.03)


def test_the_converter_ends_at_zero_and_white():
    sites = tuple(replace(site, black=black) for site, black in zip(SITES, (10, 20, 30, 40), strict=True))
    mosaic = replace(BAYER, sites=sites)
    light = np.zeros((64, 64), np.float32)
    light[:, 32:] = 950
    frame = sample(
        light, CameraNoise(4.0, Gaussian(40.0)), np.random.default_rng(1), converter=Converter.of(mosaic)
    )
    stored = frame + np.tile([[10, 20], [30, 40]], (32, 32))
    assert stored.min() == 0
    assert stored.max() == 1023
    assert np.array_equal(stored, np.rint(stored))


def test_electrons_are_exactly_poisson():
    """Without any other noise every value is a whole number of electrons, as often as Poisson says."""
    noise = CameraNoise(2.5, Gaussian(0.0), step=0.0)
    electrons = sample(np.full((400, 500), 7.5, np.float32), noise, np.random.default_rng(2)).ravel() / 2.5
    assert np.allclose(electrons, np.rint(electrons), atol=1e-5)
    counts = np.bincount(np.rint(electrons).astype(int), minlength=12)[:12]
    expected = stats.poisson.pmf(np.arange(12), 3.0) * electrons.size
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 0.01


def test_rows_are_those_of_the_sensor():
    """A turned picture has its row noise along columns, and is the turned picture of the same draw."""
    noise = CameraNoise(1.0, Gaussian(1.0), row=8.0, column=0.5)
    light = np.arange(60 * 90, dtype=np.float32).reshape(60, 90) / 90
    plain = sample(light, noise, np.random.default_rng(8))
    turned = sample(np.ascontiguousarray(light.T), noise, np.random.default_rng(8), row_axis=1)
    assert np.array_equal(turned, plain.T)
    assert plain.mean(axis=1).std() > 8 * (plain - light).mean(axis=0).std()


def test_bands_do_not_show():
    """Row noise and bias go on over the bands in which a large picture is drawn."""
    noise = CameraNoise(1.0, Gaussian(0.5), row=2.0)
    bias = BAYER.table([100.0, 200.0, 300.0, 400.0])
    frame = sample(np.zeros((1101, 2001), np.float32), noise, np.random.default_rng(9), bias=bias)
    for y, x, level in ((0, 0, 100), (0, 1, 200), (1, 0, 300), (1, 1, 400)):
        means = frame[y::2, x::2].mean(axis=1)
        assert means.mean() == pytest.approx(level, abs=0.4)
        assert means.std() == pytest.approx(2.0, rel=0.15)


def test_seeded_and_apart():
    noise, light = preset("IMX385").at(5.0), np.full((50, 70), 100, np.float32)
    one, two, three = (sample(light, noise, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)
    assert light.max() == 100


def test_jitter_of_the_gain():
    noise = CameraNoise(4.0, Gaussian(0.0), step=0.0)
    light = np.full((20, 100), 400, np.float32)
    gains = []
    for seed in range(200):
        found = sample(light, noise, np.random.default_rng(seed), jitter=0.05)
        gains.append(np.diff(np.unique(found)).min())
    assert 3.8 <= min(gains) < 3.83
    assert 4.17 < max(gains) <= 4.2
    assert np.mean(gains) == pytest.approx(4.0, abs=0.04)


def test_noisy_light_below_black_keeps_mean_and_variance():
    """Light that carries Gaussian noise of its own: the mean stays, the variances add up to K x + ..."""
    random = np.random.default_rng(11)
    source = random.normal(2.0, 3.0, (1500, 1000)).astype(np.float32)
    noise = CameraNoise(1.5, Gaussian(6.0), step=0.0)
    frame = sample(source, noise, random)
    assert frame.mean() == pytest.approx(2.0, abs=0.03)
    assert frame.var() == pytest.approx(9.0 + 1.5 * 2.0 + 36.0, rel=0.01)


def test_bias_by_colour():
    noise = CameraNoise(1.0, Gaussian(1.0), bias=(1.0, 2.0, 3.0, 4.0))
    assert np.array_equal(bias_table(noise, BAYER), [[1, 2], [3, 4]])
    assert np.array_equal(bias_table(noise, replace(BAYER, pattern=((3, 2), (1, 0)))), [[4, 3], [2, 1]])


def test_nonsense_is_refused():
    noise = CameraNoise(1.0, Gaussian(1.0))
    with pytest.raises(StudioError, match="shape"):
        sample(np.zeros((1, 4, 4), np.float32), noise, np.random.default_rng(0))
    with pytest.raises(StudioError, match="jitter"):
        sample(np.zeros((4, 4), np.float32), noise, np.random.default_rng(0), jitter=1.0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(6, 8), (7, 8), (6, 9), (7, 9)])
def test_layout_of_turned_pictures(orientation: int, size: tuple[int, int]):
    stored_colours = np.tile([[0, 1], [2, 3]], (5, 5))
    height, width = size if orientation < 5 else size[::-1]
    stored = stored_colours[:height, :width]
    shown = as_shown(stored, orientation)
    assert shown.shape == size
    assert np.array_equal(as_read(shown, orientation), stored)
    pattern = tuple(tuple(int(v) for v in row[:2]) for row in shown[:2])
    assert pattern_as_read(replace(BAYER, pattern=pattern), *size, orientation) == ((0, 1), (2, 3))
    assert row_axis(orientation) == (1 if orientation >= 5 else 0)
