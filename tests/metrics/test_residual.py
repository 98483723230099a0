"""What was taken away: known residuals, and a posterior mean, which leaves nothing to find."""

import dataclasses
import json
import math

import numpy as np
import pytest

from denoise_studio.metrics.residual import BANDS, LAGS, THRESHOLD, autocorrelation, residual, shares
from denoise_studio.metrics.stein import Noise, Part, Probe
from denoise_studio.noise.coloured import coloured_noise

SIDE = 512
SD = 0.5


def even(kernel=None, side=SIDE):
    return Noise(np.full((1, side, side), SD, np.float32), kernel)


def prior(side=SIDE):
    """The spectrum of a stationary Gaussian picture that has structure of every size."""
    frequency = np.fft.fftfreq(side)
    square = frequency[:, None] ** 2 + frequency**2
    spectrum = 0.02 / (square + 4e-3) ** 1.2
    spectrum[0, 0] = 0.0
    return spectrum


def drawn(spectrum, rng):
    white = rng.standard_normal(spectrum.shape)
    return np.fft.ifft2(np.fft.fft2(white) * np.sqrt(spectrum)).real


def filtered(values, gain):
    return np.fft.ifft2(np.fft.fft2(values) * gain).real.astype(np.float32)


def trial(gain, seed=0):
    """A stationary picture with white noise, filtered with this gain: clean picture and `Part`."""
    rng = np.random.default_rng(seed)
    clean = drawn(prior(), rng)
    y = clean + SD * rng.standard_normal(clean.shape)
    probes = []
    for _ in range(2):
        b = SD * rng.choice([-1.0, 1.0], clean.shape)
        probes.append(Probe(np.float32(b)[None], filtered(b, gain)[None]))
    part = Part(np.float32(y)[None], filtered(y, gain)[None], np.ones(clean.shape, bool), 1.0, even(), probes)
    return np.float32(clean)[None], part


def truth(clean, part):
    nothing = np.zeros_like(clean)
    known = dataclasses.replace(
        part, before=clean, after=part.result, noise=Noise(nothing), probes=[Probe(nothing, nothing)]
    )
    return [band.share for band in shares([known], 0.0)]


def wiener():
    return prior() / (prior() + SD**2)


def test_a_posterior_mean_leaves_nothing_to_find():
    for seed in range(3):
        _, part = trial(wiener(), seed)
        found = residual([part], 0.0)
        for band in found.bands:
            assert abs(band.share) < 3.5 * band.error
        assert found.warning == ""


def test_too_much_smoothing_is_found_and_measured():
    gain = wiener() ** 3
    clean, part = trial(gain)
    found = residual([part], 0.0)
    wanted = truth(clean, part)
    assert max(wanted) > 2 * THRESHOLD
    for band, true in zip(found.bands, wanted, strict=True):
        assert band.share == pytest.approx(true, abs=4 * band.error)
    assert "smoothed away" in found.warning


def test_too_little_smoothing_is_negative_and_no_warning():
    clean, part = trial(wiener() ** 0.3)
    found = residual([part], 0.0)
    assert found.bands[0].share < -3 * found.bands[0].error
    assert found.bands[0].share == pytest.approx(truth(clean, part)[0], abs=4 * found.bands[0].error)
    assert found.warning == ""


def test_an_uncertain_sigma_widens_the_error():
    _, part = trial(wiener())
    known, unsure = shares([part], 0.0), shares([part], 0.05)
    assert all(b.error > a.error and b.share == a.share for a, b in zip(known, unsure, strict=True))


def test_half_strength_is_the_mixture():
    _, part = trial(wiener())
    half = dataclasses.replace(part, mix=0.5)
    explicit = dataclasses.replace(
        part,
        after=(part.before + part.after) / 2,
        probes=[Probe(p.direction, (p.direction + p.answer) / 2) for p in part.probes],
    )
    for one, other in zip(residual([half], 0.0).bands, residual([explicit], 0.0).bands, strict=True):
        assert one.share == pytest.approx(other.share, abs=1e-4)


def test_noise_alone_taken_away():
    rng = np.random.default_rng(1)
    clean = np.float32(drawn(prior(), rng))[None]
    noise = np.float32(SD * rng.standard_normal(clean.shape))
    nothing = np.zeros_like(clean)
    part = Part(
        clean + noise, clean, np.ones(clean.shape[1:], bool), 1.0, even(), [Probe(nothing + 1, nothing)]
    )
    found = residual([part], 0.0)
    assert found.ratio == pytest.approx(1.0, abs=0.01)
    assert found.autocorrelation == pytest.approx([0.0] * len(LAGS), abs=4 / SIDE)
    assert found.warning == ""


def test_autocorrelation_of_a_moving_average():
    rng = np.random.default_rng(2)
    white = rng.standard_normal((1, SIDE, SIDE + 1))
    taken = np.float32(white[..., 1:] + white[..., :-1])
    nothing = np.zeros_like(taken)
    inside = np.ones((SIDE, SIDE), bool)
    inside[100:140] = False
    part = Part(taken, nothing, inside, 1.0, even(), [])
    wanted = [0.5 if lag == (0, 1) else 0.0 for lag in LAGS]
    assert autocorrelation([part]) == pytest.approx(wanted, abs=5 / SIDE)


def test_the_noise_own_correlation_is_told_beside_it():
    kernel = np.zeros((13, 13), np.float32)
    kernel[6, 6] = 1.0
    kernel[6, 5] = kernel[6, 7] = kernel[5, 6] = kernel[7, 6] = 0.2
    noise = coloured_noise(kernel, (1, SIDE, SIDE), 3) * np.float32(SD)
    part = Part(noise, np.zeros_like(noise), np.ones((SIDE, SIDE), bool), 1.0, even(kernel), [])
    found = residual([part], 0.0)
    assert found.noise_autocorrelation[:2] == pytest.approx((0.2, 0.2))
    assert found.autocorrelation == pytest.approx(found.noise_autocorrelation, abs=5 / SIDE)


def test_outside_does_not_count():
    _, part = trial(wiener())
    inside = np.ones((SIDE, SIDE), bool)
    inside[200:300, 100:400] = False
    spoilt = part.before.copy()
    spoilt[:, ~inside] = 1e4
    one = residual([dataclasses.replace(part, inside=inside)], 0.0)
    other = residual([dataclasses.replace(part, inside=inside, before=spoilt)], 0.0)
    assert one.describe() == other.describe()


def test_a_small_area_and_nothing_taken_are_told_as_unknown():
    _, part = trial(wiener())
    small = dataclasses.replace(part, inside=np.zeros((SIDE, SIDE), bool))
    small.inside[:40, :40] = True
    found = residual([small], 0.0)
    assert len(found.bands) == BANDS
    assert all(math.isnan(band.share) for band in found.bands)
    assert found.warning == ""
    untouched = residual([dataclasses.replace(part, mix=0.0)], 0.0)
    assert untouched.ratio == 0.0
    assert all(math.isnan(value) for value in untouched.autocorrelation)
    json.dumps([found.describe(), untouched.describe()], allow_nan=False)
