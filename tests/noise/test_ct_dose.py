"""The dose simulation: unbiased, 1/dose, ramp-shaped spectrum, seeded."""

from dataclasses import replace

import numpy as np
import pytest

from denoise_studio.core.errors import StudioError
from denoise_studio.noise.ct_dose import Scan, dose_noise, inscribed_circle, simulate_dose

SIZE, SPACING = 128, 2.8
SCAN = Scan(photons=1e5, electronic=10.0, views=180, kernel="hann")
MIDDLE = slice(SIZE // 2 - 24, SIZE // 2 + 24)


def patient() -> np.ndarray:
    """An ellipse of soft tissue, 300 x 220 mm, in air."""
    x = (np.arange(SIZE) + 0.5 - SIZE / 2) * SPACING
    inside = (x[None, :] / 150) ** 2 + (x[:, None] / 110) ** 2 <= 1
    return np.where(inside, 40.0, -1000.0).astype(np.float32)


@pytest.fixture(scope="module")
def noises() -> np.ndarray:
    """`(seeds, H, W)` realisations of the noise."""
    return np.stack([dose_noise(patient(), SPACING, SCAN, seed=seed) for seed in range(12)])


def test_soft_tissue_keeps_its_mean(noises: np.ndarray) -> None:
    assert abs(noises[:, MIDDLE, MIDDLE].mean()) < 0.5


def test_starved_detectors_do_not_bias_the_mean() -> None:
    # About 30 counts behind the patient: without correction the logarithm adds some 3 HU.
    scan = replace(SCAN, photons=1e4, electronic=0.0)
    noise = np.stack([dose_noise(patient(), SPACING, scan, seed=seed) for seed in range(8)])
    assert abs(noise[:, MIDDLE, MIDDLE].mean()) < 0.5


@pytest.mark.parametrize("factor", [2.0, 5.0])
def test_variance_goes_with_one_over_dose(noises: np.ndarray, factor: float) -> None:
    quantum = replace(SCAN, electronic=0.0)
    more = replace(quantum, photons=SCAN.photons * factor)
    variance = [
        np.mean([dose_noise(patient(), SPACING, scan, seed=seed)[MIDDLE, MIDDLE].var() for seed in range(4)])
        for scan in (quantum, more)
    ]
    assert variance[0] / variance[1] == pytest.approx(factor, rel=0.1)


def test_spectrum_rises_from_zero_like_a_ramp(noises: np.ndarray) -> None:
    patches = noises[:, MIDDLE, MIDDLE]
    window = np.hanning(48)[:, None] * np.hanning(48)[None, :]
    power = (np.abs(np.fft.fft2(patches * window)) ** 2).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.fftfreq(48)[None, :])

    def band(values: np.ndarray, low: float, high: float) -> float:
        return float(values[(frequency >= low) & (frequency < high)].mean())

    # Riederer et al.: a ramp times the squared kernel, here Hann's and that of linear interpolation.
    kernel = (0.5 + 0.5 * np.cos(2 * np.pi * np.minimum(frequency, 0.5))) * np.sinc(frequency) ** 2
    expected = frequency * kernel**2
    bands = [(low, low + 0.05) for low in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)]  # cycles per pixel
    ratio = np.array([band(power, *limits) / band(expected, *limits) for limits in bands])
    np.testing.assert_allclose(ratio / ratio.mean(), 1.0, atol=0.15)
    # Nothing at zero frequency, but for what the window leaks there.
    assert band(power, 0.0, 0.02) < 0.25 * band(power, 0.15, 0.2)


def test_neighbours_are_correlated(noises: np.ndarray) -> None:
    patch = noises[:, MIDDLE, MIDDLE]
    neighbours = (patch[:, :, :-1] * patch[:, :, 1:]).mean() / (patch**2).mean()
    assert neighbours > 0.3


def test_a_sharper_kernel_is_noisier() -> None:
    soft, sharp = (
        dose_noise(patient(), SPACING, replace(SCAN, kernel=kernel), seed=3)[MIDDLE, MIDDLE].std()
        for kernel in ("hann", "ramp")
    )
    assert sharp > 1.5 * soft


def test_same_seed_same_noise_other_seed_other_noise() -> None:
    first, again, other = (dose_noise(patient(), SPACING, SCAN, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_only_noise_is_added_and_only_inside_the_circle() -> None:
    hu = patient()[None]
    low = simulate_dose(hu, SPACING, SCAN, seed=1)
    assert low.shape == hu.shape
    assert low.dtype == np.float32
    outside = ~inscribed_circle(SIZE)
    np.testing.assert_array_equal(low[0][outside], hu[0][outside])
    np.testing.assert_allclose(low[0] - hu[0], dose_noise(hu[0], SPACING, SCAN, seed=1), atol=1e-3)


def test_noise_of_a_fraction_makes_up_for_what_a_full_dose_slice_has() -> None:
    full = np.mean([dose_noise(patient(), SPACING, SCAN, seed=s)[MIDDLE, MIDDLE].var() for s in range(4)])
    quarter = replace(SCAN, photons=SCAN.photons / 4)
    low = np.mean([dose_noise(patient(), SPACING, quarter, seed=s)[MIDDLE, MIDDLE].var() for s in range(4)])
    added = np.mean(
        [
            dose_noise(patient(), SPACING, SCAN, fraction=0.25, seed=s)[MIDDLE, MIDDLE].var()
            for s in range(4, 8)
        ]
    )
    assert full + added == pytest.approx(low, rel=0.1)


def test_full_fraction_adds_nothing() -> None:
    assert not dose_noise(patient(), SPACING, replace(SCAN, views=20), fraction=1.0).any()


@pytest.mark.parametrize("size", [15, 16])
def test_any_side_is_seen_whole(size: int) -> None:
    scan = replace(SCAN, views=8)
    assert dose_noise(np.zeros((size, size), np.float32), SPACING, scan)[size // 2].any()


@pytest.mark.parametrize("shape", [(8, 9), (2, 8, 8)])
def test_a_slice_that_is_not_square_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudioError, match="square"):
        dose_noise(np.zeros(shape, np.float32), SPACING, SCAN)


def test_senseless_numbers_are_refused() -> None:
    slice_ = np.zeros((8, 8), np.float32)
    with pytest.raises(StudioError, match="spacing"):
        dose_noise(slice_, 0.0, SCAN)
    with pytest.raises(StudioError, match="fraction"):
        dose_noise(slice_, 1.0, SCAN, fraction=1.5)
    with pytest.raises(StudioError):
        Scan(photons=0.0)
