"""How many photons a slice was taken with: found again from its noise, and grain and exposure."""

import numpy as np
import pytest
from ct_phantoms import PATIENT, draw, pixels, taps

from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.calibration import measured_sd, photons_of_exposure, sensitivity
from denoise_studio.noise.ct.kernels import hann_of, kernel_named
from denoise_studio.noise.ct.low_dose import Dose, Projections, Scanner, added_noise
from denoise_studio.noise.ct.projection import Geometry
from denoise_studio.noise.ct.texture import correlation, matched_kernel, pixel_power
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

SIZE = 256
SPACING = FIELD_OF_VIEW / SIZE
GEOMETRY = Geometry(SIZE, SIZE, (SPACING, SPACING), 360)


@pytest.fixture(scope="module")
def anatomy() -> np.ndarray:
    return phantom(SIZE)


def tissue(hu: np.ndarray) -> np.ndarray:
    return (hu > -150) & (hu < 300)


@pytest.mark.parametrize("bow_tie", [None, BowTie(0.1, 200.0)])
def test_the_told_noise_is_the_drawn_one(anatomy: np.ndarray, bow_tie: BowTie | None) -> None:
    seen = Projections.of(anatomy, GEOMETRY)
    scanner = Scanner(4e5, 20.0, kernel_named("hann"), bow_tie)
    known = sensitivity(anatomy, seen, scanner)
    noise = np.stack([added_noise(seen, scanner, Dose(1.0, clean=True), seed) for seed in range(12)])
    local = np.sqrt((noise**2).mean(axis=0)[tissue(anatomy)])
    assert known.sd(4e5, 20.0) == pytest.approx(np.median(local), rel=0.05)
    assert known.photons(known.sd(4e5, 20.0), 20.0) == pytest.approx(4e5, rel=1e-3)


@pytest.mark.parametrize(("name", "photons"), [("hann", 2e5), ("sharp", 1e6), ("soft", 4e6)])
def test_noise_is_measured_among_anatomy(name: str, photons: float) -> None:
    """4 to 20 HU among organs, vessels and fat, in pixels of 0.7 mm."""
    anatomy, geometry = phantom(512), Geometry(512, 512, (FIELD_OF_VIEW / 512,) * 2, 240)
    scanner = Scanner(photons, 5.0, kernel_named(name))
    noise = added_noise(Projections.of(anatomy, geometry), scanner, Dose(1.0, clean=True), 1)
    noisy = anatomy + noise
    known = sensitivity(noisy, Projections.of(noisy, geometry), scanner)
    found = measured_sd(noisy, known, scanner, geometry.bin_mm)
    assert found == pytest.approx(known.sd(photons, 5.0), rel=0.1)


def test_fraction_means_what_it_says(anatomy: np.ndarray) -> None:
    """Calibrated on a slice that was taken with any number of photons, noise at 1/4 is twice as strong."""
    hu = draw(PATIENT, SIZE, SIZE, SPACING)
    scanner = Scanner(7e5, 0.0, kernel_named("hann"))
    full = hu + added_noise(Projections.of(hu, GEOMETRY), scanner, Dose(1.0, clean=True), 1)
    seen = Projections.of(full, GEOMETRY)
    known = sensitivity(full, seen, scanner)
    sd = measured_sd(full, known, scanner, SPACING)
    assert sd is not None
    calibrated = Scanner(known.photons(sd, 0.0), 0.0, kernel_named("hann"))
    quarter = full + added_noise(seen, calibrated, Dose(0.25), 2)
    line = pixels(SIZE, SPACING)
    flat = (line[None, :] + 60) ** 2 + (line[:, None] + 20) ** 2 < 45**2
    assert quarter[flat].std() / full[flat].std() == pytest.approx(2.0, rel=0.05)


def test_padding_and_slices_without_tissue_are_borne(anatomy: np.ndarray) -> None:
    scanner = Scanner(1e5)
    air = np.full((64, 64), -1000.0, np.float32)
    geometry = Geometry(64, 64, (1.0, 1.0), 60)
    for padding in (None, np.ones((64, 64), bool)):
        known = sensitivity(air, Projections.of(air, geometry, padding), scanner, padding)
        assert known.photons(10.0, 0.0) > 0
        assert measured_sd(air, known, scanner, 1.0, padding) is None
    tiny = np.zeros((5, 7), np.float32)
    small = Geometry(5, 7, (1.0, 1.0), 8)
    known = sensitivity(tiny, Projections.of(tiny, small), scanner)
    assert measured_sd(tiny, known, scanner, 1.0) is None
    assert known.sd(1e5, 0.0) > 0


@pytest.mark.parametrize("cutoff", [0.45, 0.7])
def test_the_kernel_is_found_by_its_grain(cutoff: float) -> None:
    seen = Projections(GEOMETRY, np.full((360, GEOMETRY.bins), 3.0, np.float32))
    noise = np.stack(
        [added_noise(seen, Scanner(1e6, 0.0, hann_of(cutoff)), Dose(1.0, clean=True), s) for s in range(4)]
    )
    power = (np.abs(np.fft.fft2(noise)) ** 2).mean(axis=0)
    found = np.fft.fftshift(np.fft.ifft2(power).real)
    middle = SIZE // 2
    measured = found[middle - 6 : middle + 7, middle - 6 : middle + 7] / found[middle, middle]
    np.testing.assert_allclose(measured, correlation(hann_of(cutoff), SPACING, 6), atol=0.03)
    assert matched_kernel(measured, SPACING).cutoff == pytest.approx(cutoff, rel=0.08)


def test_the_spectrum_integrates_to_the_variance_of_a_pixel() -> None:
    """Independent of the formula: taps of the filter in space, interpolated at every phase."""
    bin_mm, views = 0.8, 360
    window = 0.5 + 0.5 * np.cos(np.pi * (np.arange(4096) + 0.5) / 4096)
    filter_ = taps(window, 400, bin_mm)
    shares = (np.arange(64) + 0.5) / 64
    between = (1 - shares)[:, None] * filter_[None, :-1] + shares[:, None] * filter_[None, 1:]
    expected = (np.pi / views) ** 2 * views * 2.0 * (between**2).sum(axis=1).mean()
    power = pixel_power(kernel_named("hann"), bin_mm, 256) * 2.0 * 720 / views
    assert power.mean() / bin_mm**2 == pytest.approx(expected, rel=0.01)


def test_photons_of_an_exposure_go_with_it() -> None:
    usual = photons_of_exposure(100, 0.7, 5.0)
    assert 1e5 < usual < 1e7
    assert photons_of_exposure(50, 0.7, 5.0) == pytest.approx(usual / 2)
    assert photons_of_exposure(100, 0.7, 1.0) == pytest.approx(usual / 5)
    assert photons_of_exposure(100, 0.7, 5.0, 80.0) < usual / 2
