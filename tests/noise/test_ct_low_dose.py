"""A slice at a fraction of its dose: the right variance, spectrum and mean, whatever the slice."""

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ct_phantoms import PATIENT, WATER, Ellipse, analytic_lines, draw, pixels, taps, variance_at

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.kernels import kernel_named
from denoise_studio.noise.ct.low_dose import Dose, Projections, Scanner, added_noise, added_sd
from denoise_studio.noise.ct.projection import Geometry

SIZE, SPACING, VIEWS = 192, 1.9, 288
GEOMETRY = Geometry(SIZE, SIZE, (SPACING, SPACING), VIEWS)
PHOTONS, ELECTRONIC = 2e6, 40.0
LINE = pixels(SIZE, SPACING)
PLACES = ((0.0, 0.0), (-60.0, 30.0), (40.0, -50.0))
RADIUS = 24.0
TISSUE = Ellipse(136, 96, 0).inside(LINE[None, :], LINE[:, None])
POINTS = [(x, y) for x in LINE[3::9] for y in LINE[3::9] if Ellipse(136, 96, 0).inside(x, y)]
"""Everywhere in the patient, on a grid."""
SEEDS = 10


@pytest.fixture(scope="module")
def seen() -> Projections:
    return Projections.of(draw(PATIENT, SIZE, SIZE, SPACING), GEOMETRY)


def disc(x: float, y: float, radius: float = RADIUS) -> np.ndarray:
    return (LINE[None, :] - x) ** 2 + (LINE[:, None] - y) ** 2 <= radius**2


def hann() -> np.ndarray:
    return 0.5 + 0.5 * np.cos(np.pi * (np.arange(4096) + 0.5) / 4096)


@functools.cache
def unit_variances(order: int, window: str, edge: float = 1.0) -> np.ndarray:
    """Variance in HU^2 at `POINTS` if that of a line integral of N photons at full dose is N^-order."""
    angles = np.arange(VIEWS) * np.pi / VIEWS
    offsets = (np.arange(400) - 199.5) * SPACING
    counts = PHOTONS * np.exp(-analytic_lines(PATIENT, angles, offsets))
    counts *= edge ** (1 - np.sqrt(1 - np.minimum(np.abs(offsets) / 180, 1) ** 2))
    filter_ = taps(hann() if window == "hann" else None, 190, SPACING)
    return np.array([variance_at(x, y, counts**-order, angles, offsets, filter_) for x, y in POINTS])


def expected(quantum: float, read: float, window: str = "ramp", edge: float = 1.0) -> float:
    """Mean variance in soft tissue: of line integrals, quantum / N + read / N^2."""
    both = quantum * unit_variances(1, window, edge) + read * unit_variances(2, window, edge)
    return float(both.mean())


def drawn(seen: Projections, scanner: Scanner, dose: Dose, seeds: int = SEEDS) -> np.ndarray:
    """`(H, W)` mean square of the noise."""
    return np.mean(
        [added_noise(seen, scanner, dose, seed).astype(float) ** 2 for seed in range(seeds)], axis=0
    )


@pytest.mark.parametrize("fraction", [0.5, 0.25, 0.1, 0.05])
def test_added_variance_is_what_the_dose_lacks(seen: Projections, fraction: float) -> None:
    quantum = drawn(seen, Scanner(PHOTONS, 0.0, kernel_named("ramp")), Dose(fraction))[TISSUE].mean()
    full_dose = expected(1.0, 0.0)
    assert quantum == pytest.approx((1 / fraction - 1) * full_dose, rel=0.05)
    both = drawn(seen, Scanner(PHOTONS, ELECTRONIC, kernel_named("ramp")), Dose(fraction))[TISSUE].mean()
    read_out = (1 / fraction**2 - 1) * expected(0.0, ELECTRONIC**2)
    assert both == pytest.approx((1 / fraction - 1) * full_dose + read_out, rel=0.05)


def test_the_read_out_tells_at_the_lowest_dose() -> None:
    # Else the test before would not see it.
    assert expected(0.0, ELECTRONIC**2) * (1 / 0.05**2 - 1) > 0.3 * expected(1.0, 0.0) * (1 / 0.05 - 1)


@pytest.mark.parametrize("name", ["hann", "ramp"])
def test_a_clean_slice_gets_all_that_the_dose_brings(seen: Projections, name: str) -> None:
    found = drawn(seen, Scanner(PHOTONS, ELECTRONIC, kernel_named(name)), Dose(0.1, clean=True))
    assert found[TISSUE].mean() == pytest.approx(expected(10.0, 100 * ELECTRONIC**2, name), rel=0.05)


def test_a_bow_tie_takes_light_from_the_rim(seen: Projections) -> None:
    found = drawn(seen, Scanner(PHOTONS, 0.0, kernel_named("ramp"), BowTie(0.02, 180.0)), Dose(0.25))
    assert found[TISSUE].mean() == pytest.approx(3 * expected(1.0, 0.0, edge=0.02), rel=0.05)
    assert expected(1.0, 0.0, edge=0.02) > 1.1 * expected(1.0, 0.0)


@pytest.mark.parametrize("fraction", [0.5, 0.05])
def test_the_told_sd_is_the_drawn_one(seen: Projections, fraction: float) -> None:
    scanner = Scanner(1e6, 10.0, kernel_named("standard"))
    told = added_sd(seen, scanner, Dose(fraction), step=1)
    found = drawn(seen, scanner, Dose(fraction), 40)
    for x, y in PLACES:
        place = disc(x, y)
        assert found[place].mean() == pytest.approx((told[place] ** 2).mean(), rel=0.05), (x, y)


def spectrum(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radial frequency in cycles per mm and power per mm^-2 of a stack of square noises."""
    size = noise.shape[-1]
    window = np.hanning(size)[:, None] * np.hanning(size)
    power = (np.abs(np.fft.fft2(noise * window)) ** 2).mean(axis=0)
    line = np.fft.fftfreq(size, SPACING)
    return np.hypot(line[:, None], line), power * SPACING**2 / (window**2).sum()


@pytest.mark.parametrize("name", ["ramp", "shepp-logan", "hann", "soft"])
def test_the_radial_spectrum_is_the_ramp_times_the_squared_window(name: str) -> None:
    """Riederer, Pelc and Chesler: |f| W^2, rolled off by interpolation, here with its aliases."""
    photons, limit = 1e4, 0.5 / SPACING
    nothing = Projections(GEOMETRY, np.zeros((VIEWS, GEOMETRY.bins), np.float32))
    noise = np.stack(
        [
            added_noise(nothing, Scanner(photons, 0.0, kernel_named(name)), Dose(1.0, clean=True), seed)
            for seed in range(6)
        ]
    )
    frequency, power = spectrum(noise)

    def window(f: np.ndarray) -> np.ndarray:
        if name == "soft":  # ends beyond the limit of these pixels
            return 0.5 + 0.5 * np.cos(np.pi * f / 0.6)
        return {
            "ramp": np.ones_like(f),
            "shepp-logan": np.sinc(f / (2 * limit)),
            "hann": 0.5 + 0.5 * np.cos(np.pi * f / limit),
        }[name]

    line = np.fft.fftfreq(SIZE, SPACING)
    total = np.zeros_like(frequency)
    for up in (-1, 0, 1):
        for right in (-1, 0, 1):
            f = np.hypot(line[:, None] + up / SPACING, line + right / SPACING)
            folded = np.abs((f + limit) % (2 * limit) - limit)  # a filter of samples is periodic
            part = (folded * window(folded)) ** 2 * np.sinc(f * SPACING) ** 4
            total += np.divide(part, f, out=np.zeros_like(f), where=f > 0)
    total *= np.pi / VIEWS * SPACING / photons * (1000 / WATER) ** 2
    edges = np.linspace(0.1, 0.95, 9) * limit
    for low, high in itertools.pairwise(edges):
        band = (frequency >= low) & (frequency < high)
        assert power[band].mean() == pytest.approx(total[band].mean(), rel=0.05), (low, high)
    # It starts at nothing, but for what the window of the measurement leaks.
    assert power[frequency < 0.01 * limit].mean() < 0.1 * power.mean()


@pytest.mark.parametrize(
    ("photons", "electronic", "fraction"), [(1e6, 10.0, 0.05), (1e5, 10.0, 0.25), (5e4, 0.0, 0.05)]
)
def test_soft_tissue_keeps_its_mean(
    seen: Projections, photons: float, electronic: float, fraction: float
) -> None:
    # In the last two, about 220 and 90 photons come through the patient's middle.
    scanner = Scanner(photons, electronic, kernel_named("standard"))
    noise = np.mean([added_noise(seen, scanner, Dose(fraction), seed) for seed in range(60)], axis=0)
    assert abs(noise[TISSUE].mean()) < 0.5
    for x, y in ((-70, 0), (0, 0), (70, 0)):
        assert abs(noise[disc(x, y, 50.0)].mean()) < 0.5, (x, y)


def test_without_a_correction_few_photons_would_bias_the_mean() -> None:
    # Half of 1 / N in a line integral: the test before would see it.
    middle = 5e4 * 0.05 * np.exp(-analytic_lines(PATIENT, np.zeros(1), np.zeros(1)))[0, 0]
    assert middle < 25
    assert 0.5 / middle / (WATER * 220) * 1000 > 2  # HU


def test_bits_do_not_depend_on_how_work_is_run(seen: Projections) -> None:
    scanner, dose = Scanner(1e6), Dose(0.25)
    first, other = (added_noise(seen, scanner, dose, seed) for seed in (5, 6))
    with ThreadPoolExecutor(2) as pool:
        again = added_noise(Projections.of(draw(PATIENT, SIZE, SIZE, SPACING), GEOMETRY, run=pool.map),
                            scanner, dose, 5, pool.map)  # fmt: skip
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9


def test_noise_has_streaks_where_the_patient_is_thick() -> None:
    hips = (Ellipse(160, 90, 1040.0), Ellipse(20, 20, 900.0, -100.0), Ellipse(20, 20, 900.0, 100.0))
    seen = Projections.of(draw(hips, SIZE, SIZE, SPACING), GEOMETRY)
    noise = added_noise(seen, Scanner(4e5, 10.0), Dose(0.1), 1)[disc(0, 0)]
    field = added_noise(seen, Scanner(4e5, 10.0), Dose(0.1), 1)
    # Streaks lie along the line through both hips: neighbours along it are alike, across it they are not.
    rows, columns = np.nonzero(disc(0, 0))
    along = (noise * field[rows, columns + 3]).mean() / (noise**2).mean()
    across = (noise * field[rows + 3, columns]).mean() / (noise**2).mean()
    assert along > across + 0.2


def test_any_shape_is_seen_whole_up_to_its_corners() -> None:
    flat = np.zeros((60, 150), np.float32)
    geometry = Geometry(60, 150, (1.0, 1.0), 180)
    noise = added_noise(Projections.of(flat, geometry), Scanner(1e5), Dose(0.5), 1)
    assert noise.shape == flat.shape
    ends = (slice(0, 12), slice(-12, None))
    corners = [noise[y, x].std() for y in ends for x in ends]
    assert min(corners) > 0.5 * noise.std()
    tall = added_noise(Projections.of(flat.T, Geometry(150, 60, (1.0, 1.0), 180)), Scanner(1e5), Dose(0.5), 1)
    assert tall.std() == pytest.approx(noise.std(), rel=0.05)


def test_pixels_need_not_be_square() -> None:
    parts = (Ellipse(70, 50, 1000.0),)
    tall = draw(parts, 160, 160, 1.0).reshape(80, 2, 160).mean(axis=1)
    seen = Projections.of(tall, Geometry(80, 160, (2.0, 1.0), 180))
    square = Projections.of(draw(parts, 160, 160, 1.0), Geometry(160, 160, (1.0, 1.0), 180))
    assert seen.geometry.bins == square.geometry.bins
    near = slice(seen.geometry.bins // 2 - 20, seen.geometry.bins // 2 + 21)
    np.testing.assert_allclose(seen.lines[:, near], square.lines[:, near], rtol=0.02)
    one, other = (
        np.mean([added_noise(each, Scanner(1e6), Dose(0.5), seed) ** 2 for seed in range(6)], axis=0)
        for each in (seen, square)
    )
    assert one[28:52, 45:115].mean() == pytest.approx(other[56:104, 45:115].mean(), rel=0.05)


def test_padding_metal_and_air_below_minus_1000_do_no_harm() -> None:
    hu = draw(PATIENT, SIZE, SIZE, SPACING)
    padding = (LINE[None, :] ** 2 + LINE[:, None] ** 2) > 175**2
    marked = np.where(padding, np.float32(-2000.0), hu)
    wild = np.where(padding, np.float32(30000.0), hu)
    fine = Projections.of(np.where(padding, np.float32(-1000.0), hu), GEOMETRY)
    for values, mask in ((marked, None), (marked, padding), (wild, padding)):
        np.testing.assert_array_equal(Projections.of(values, GEOMETRY, mask).lines, fine.lines)
    with_metal = hu.copy()
    with_metal[disc(0, 0)] = 30000.0
    noise = added_noise(Projections.of(with_metal, GEOMETRY), Scanner(1e5), Dose(0.05), 0)
    assert np.isfinite(noise).all()


def test_full_dose_adds_nothing_to_a_slice_that_had_it(seen: Projections) -> None:
    assert not added_noise(seen, Scanner(1e5), Dose(1.0)).any()
    assert not added_sd(seen, Scanner(1e5), Dose(1.0)).any()
    assert added_noise(seen, Scanner(1e5), Dose(1.0, clean=True)).any()


def test_senseless_numbers_are_refused() -> None:
    for fraction in (0.0, 1.2, -1.0, float("nan")):
        with pytest.raises(StudioError, match="fraction"):
            Dose(fraction)
    for photons in (0.0, float("nan"), float("inf")):
        with pytest.raises(StudioError, match="photons"):
            Scanner(photons)
    with pytest.raises(StudioError, match="electronic noise"):
        Scanner(1e5, -1.0)
    with pytest.raises(StudioError, match="bow-tie"):
        BowTie(0.0)
    with pytest.raises(StudioError, match="no kernel 'blur'"):
        kernel_named("blur")
    with pytest.raises(StudioError, match="spacing"):
        Geometry(8, 8, (0.0, 1.0))
    with pytest.raises(StudioError, match="view"):
        Geometry(8, 8, (1.0, 1.0), 0)


def test_it_can_be_stopped(seen: Projections) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        added_noise(seen, Scanner(1e6), Dose(0.5), progress=progress)
