"""Noise power spectra against closed forms, on fields made without any Fourier transform."""

import numpy as np
import pytest

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.metrics.physics.noise_power import noise_power, texture_shift
from denoise_studio.metrics.physics.pitch import Pitch, power_unit
from denoise_studio.metrics.physics.squares import place_squares

MM = Pitch(0.7, 0.7, "mm")


def white(height=512, width=512, sd=12.0, seed=0):
    return np.random.default_rng(seed).normal(40.0, sd, (height, width))


def spread(field, taps, axis):
    """A filter of three taps along an axis, by shifting and adding."""
    before, middle, after = taps
    return before * np.roll(field, 1, axis) + middle * field + after * np.roll(field, -1, axis)


def measured(field, side=64, pitch=MM, **more):
    return noise_power(field, place_squares(np.ones(field.shape, bool), side), pitch, **more)


@pytest.mark.parametrize("side", [16, 32, 64, 128])
@pytest.mark.parametrize("pitch", [Pitch(), MM, Pitch(0.9, 0.4, "mm")])
def test_the_integral_over_white_noise_is_its_variance(side, pitch):
    found = measured(white(), side, pitch)
    assert found.variance == pytest.approx(12.0**2, rel=0.01)
    assert found.sd == pytest.approx(12.0, rel=0.005)


def test_white_noise_is_flat_down_to_the_lowest_frequencies():
    """Each ring within five standard errors of sd² × pixel area; detrending takes a third of the first."""
    side, level = 32, 144.0 * 0.49
    found = measured(white(1024, 1024, seed=1), side)
    independent = (1024 // side) ** 2
    step = MM.nyquist / (side // 2)
    for at, value in zip(found.frequencies, found.radial, strict=True):
        bins = np.count_nonzero(
            np.rint(np.hypot(found.rows[:, None], found.columns) / step) == round(at / step)
        )
        assert value == pytest.approx(level, rel=5 / np.sqrt(independent * bins / 2)), at
    assert found.frequencies[0] < 1.25 / (side * 0.7)
    assert found.mean_frequency == pytest.approx(0.5 * found.frequencies[-1], rel=0.02)
    assert found.frequencies[-1] == pytest.approx(0.5 / 0.7, rel=0.03)


@pytest.mark.parametrize(
    ("taps", "response"),
    [
        ((0.25, 0.5, 0.25), lambda f: np.cos(np.pi * f) ** 2),
        ((-0.5, 1.0, -0.5), lambda f: 2 * np.sin(np.pi * f) ** 2),
    ],
)
def test_filtered_noise_has_the_filter_s_power(taps, response):
    """|H|² in two dimensions, within the mean's error plus what a square's rim leaks (1 % of the top)."""
    pitch = Pitch(0.8, 0.5, "mm")
    field = spread(spread(white(1024, 1024, 10.0, seed=2), taps, 0), taps, 1)
    found = measured(field, 64, pitch)
    gain = response(found.rows * 0.8)[:, None] ** 2 * response(found.columns * 0.5)[None, :] ** 2
    truth = 100.0 * 0.4 * gain
    error = 5 * truth / np.sqrt(256) + 0.01 * truth.max()
    assert (np.abs(found.power - truth) < error).all()
    strong = gain > 0.1 * gain.max()
    assert (found.power[strong] / truth[strong]).mean() == pytest.approx(1.0, abs=0.01)
    assert found.variance == pytest.approx(100.0 * sum(t * t for t in taps) ** 2, rel=0.01)
    assert found.sd == pytest.approx(field.std(), rel=0.01)


def test_mean_and_peak_of_a_known_radial_spectrum():
    """Noise through a Gaussian of sd s has power exp(-(2π s f)²): mean frequency 1 / (2π^1.5 s)."""
    s, side = 1.5, 64
    taps = np.exp(-0.5 * (np.arange(-9, 10) / s) ** 2)
    taps /= taps.sum()
    field = white(1024, 1024, seed=3)
    for axis in (0, 1):
        field = sum(t * np.roll(field, k, axis) for k, t in zip(range(-9, 10), taps, strict=True))
    found = measured(field, side, Pitch())
    assert found.mean_frequency == pytest.approx(1 / (2 * np.pi**1.5 * s), rel=0.03)
    band = white(1024, 1024, seed=4)
    rough = band
    for axis in (0, 1):
        rough = sum(t * np.roll(rough, k, axis) for k, t in zip(range(-9, 10), taps, strict=True))
    difference = measured(band - rough, side, Pitch())  # power (1 - g)², rising to Nyquist
    assert difference.peak_frequency > 0.4
    assert texture_shift(difference, found) < -50
    assert texture_shift(found, found) == 0
    assert texture_shift(found, measured(np.zeros((64, 64)) + 3, side, Pitch())) is None


def test_the_peak_lies_where_the_test_put_it():
    """A sharp less a broad Gaussian: power (g1 - g2)², whose top is found on a fine grid."""
    a, b = 0.8, 2.0
    field = np.zeros((1024, 1024))
    source = white(1024, 1024, seed=5)
    for s, sign in ((a, 1.0), (b, -1.0)):
        taps = np.exp(-0.5 * (np.arange(-12, 13) / s) ** 2)
        taps /= taps.sum()
        part = source
        for axis in (0, 1):
            part = sum(t * np.roll(part, k, axis) for k, t in zip(range(-12, 13), taps, strict=True))
        field = field + sign * part
    f = np.linspace(0, 0.5, 5001)
    top = f[np.argmax((np.exp(-2 * (np.pi * a * f) ** 2) - np.exp(-2 * (np.pi * b * f) ** 2)) ** 2)]
    assert measured(field, 64, MM).peak_frequency == pytest.approx(top / 0.7, rel=0.05)


def test_rows_and_columns_of_other_spacing_keep_their_frequencies():
    """A wave of 8 periods in 64 columns 0.4 mm apart has 8 / 25.6 cycles/mm across and none down."""
    pitch = Pitch(0.9, 0.4, "mm")
    x = np.arange(256)
    wave = np.tile(np.cos(2 * np.pi * 8 * x / 64), (256, 1))
    found = measured(wave, 64, pitch)
    row, column = np.unravel_index(np.argmax(found.power), found.power.shape)
    assert found.rows[row] == 0
    assert abs(found.columns[column]) == pytest.approx(8 / 25.6)
    assert found.variance == pytest.approx(0.5, rel=0.01)
    down = measured(wave.T.copy(), 64, pitch)
    row, column = np.unravel_index(np.argmax(down.power), down.power.shape)
    assert (abs(down.rows[row]), down.columns[column]) == (pytest.approx(8 / (64 * 0.9)), 0)


def test_slow_shading_is_no_noise():
    y, x = np.mgrid[0:512, 0:512] / 512
    shaded = white(seed=6) + 200 * x - 150 * y * y + 80 * x * y
    assert measured(shaded).variance == pytest.approx(measured(white(seed=6)).variance, rel=1e-6)


def test_of_two_realisations_what_they_share_is_no_noise():
    y, x = np.mgrid[0:512, 0:512]
    structure = 300.0 * ((x // 9 + y // 7) % 2)
    first, second = white(seed=7) + structure, white(seed=8) + structure
    found = measured(first, minus=second)
    assert found.variance == pytest.approx(144.0, rel=0.01)
    assert measured(first).variance > 10_000


def test_only_the_region_counts_and_padding_never_does():
    field = white(400, 400, seed=9)
    y, x = np.mgrid[0:400, 0:400]
    inside = np.hypot(x - 200, y - 200) < 120
    inside[200:260, 200:204] = False  # padding
    field[~inside] = -1e4
    squares = place_squares(inside)
    covered = np.zeros_like(inside)
    for row, column in squares.corners:
        covered[row : row + squares.side, column : column + squares.side] = True
    assert covered.sum() > 0.5 * inside.sum()
    assert not (covered & ~inside).any()
    assert noise_power(field, squares, MM).variance == pytest.approx(144.0, rel=0.05)


def test_small_regions_are_measured_as_far_as_it_goes():
    tiny = np.ones((16, 16), bool)
    assert (place_squares(tiny).side, place_squares(tiny).count) == (16, 1)
    assert "rough" in noise_power(white(16, 16), place_squares(tiny), MM).note
    assert noise_power(white(), place_squares(np.ones((512, 512), bool)), MM).note == ""
    tiny[3, 3] = False
    with pytest.raises(MeasureError, match=r"too small for noise power.*16 × 16 px"):
        place_squares(tiny)
    assert place_squares(np.ones((64, 64), bool)).side == 32  # nine of them rather than one of 64


def test_units_say_what_is_known():
    pixels = np.zeros((1, 4, 4), np.float32)
    unknown, known = Pitch.of(Picture(pixels)), Pitch.of(Picture(pixels, spacing=(0.7, 0.5)))
    assert (unknown.known, unknown.frequency_unit, unknown.nyquist) == (False, "cycles/px", 0.5)
    assert (known.row, known.column, known.frequency_unit) == (0.7, 0.5, "cycles/mm")
    assert power_unit("HU", known) == "HU² mm²"
    assert power_unit("", unknown) == "px²"
