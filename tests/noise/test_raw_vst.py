import math

import numpy as np
import pytest
from scipy import stats

from denoise_studio.noise.sensor import vst
from denoise_studio.noise.sensor.vst import Stabiliser

PUBLISHED = [  # K, s, x / K, true bias, closed form, variance after the transform (YOND, section 3.2)
    (1, 0, 0.5, -0.12924, -0.22129, 0.4669),
    (1, 0, 2, -0.15378, -0.16083, 0.9243),
    (1, 0, 10, -0.07816, -0.07794, 1.0009),
    (1, 1, 0, -0.17657, -0.23194, 0.9519),
    (1, 1, 2, -0.14786, -0.14110, 1.0889),
    (1, 3, 0, -0.08968, -0.08591, 1.0932),
    (4, 2, 0, -0.13234, -0.20239, 0.5022),
    (4, 2, 2, -0.15914, -0.15569, 1.0198),
    (24.48, 25.85, 0, -0.17796, -0.22542, 0.9884),
    (24.48, 25.85, 10, -0.07469, -0.07434, 1.0072),
]


@pytest.mark.parametrize(("gain", "read", "u", "true", "closed", "variance"), PUBLISHED)
def test_the_bias_is_the_published_one(gain, read, u, true, closed, variance):
    found = vst.bias(np.array([u], np.float32), read / gain, "plain")
    assert found[0] == pytest.approx(true, abs=1e-3)
    assert vst.closed_form_bias(u, read / gain) == pytest.approx(closed, abs=1e-5)


def moments(u, ratio, form):
    """Mean and variance of f(y) by sums over a fine lattice of Poisson and Gauss."""
    counts = np.arange(0, int(u + 12 * math.sqrt(u + 1)) + 3)
    weights = stats.poisson.pmf(counts, u)
    z = (np.arange(4000) + 0.5) / 4000
    normal = stats.norm.ppf(z)
    values = vst.stabilise(counts[:, None] + ratio * normal, ratio, form)
    mean = weights @ values.mean(axis=1)
    return mean, weights @ np.square(values).mean(axis=1) - mean**2


@pytest.mark.parametrize(("gain", "read", "u", "true", "closed", "variance"), PUBLISHED)
def test_the_variance_is_the_published_one(gain, read, u, true, closed, variance):
    assert moments(u, read / gain, "plain")[1] == pytest.approx(variance, abs=2e-3)


@pytest.mark.parametrize("form", vst.FORMS)
@pytest.mark.parametrize("ratio", [0.0, 0.02, 0.3, 1.3, 4.0, 9.5, 25.0])
def test_the_table_holds_between_its_rows_and_columns(form, ratio):
    for u in (0.0, 0.07, 0.61, 1.7, 5.3, 40.0, 190.0):
        mean, _ = moments(u, ratio, form)
        expected = mean - float(vst.stabilise(np.asarray(u), ratio, form))
        assert vst.bias(np.array([u], np.float32), ratio, form)[0] == pytest.approx(expected, abs=1.5e-3)


def test_bright_pixels_take_the_closed_form_without_a_step():
    below, above = vst.bias(np.array([255.9, 256.1], np.float32), 2.0)
    assert below == pytest.approx(above, abs=1e-4)


@pytest.mark.parametrize(("gain", "read"), [(0.1, 0.7), (2.0, 11.0), (24.5, 25.9), (1.0, 0.0)])
def test_the_inverse_undoes_the_transform_below_black_too(gain, read):
    transform = Stabiliser(gain, read)
    y = np.linspace(-8 * read, 5000 * gain, 4001, dtype=np.float32)
    np.testing.assert_allclose(transform.inverse(transform.forward(y)), y, atol=2e-3 * gain + 1e-6 * y.max())


@pytest.mark.parametrize(("gain", "read"), [(1.0, 1.0), (4.0, 2.0), (0.3, 2.0)])
@pytest.mark.parametrize("light", [0.0, 2.0, 30.0, 900.0])
def test_the_mean_survives_correction_denoising_and_inverse(gain, read, light):
    # A perfect denoiser gives the mean of what it sees; the algebraic inverse of that is the light.
    random = np.random.default_rng(3)
    y = gain * random.poisson(light, 400_000) + read * random.standard_normal(400_000)
    transform = Stabiliser(gain, read)
    result = transform.inverse(transform.corrected(y.astype(np.float32)).mean(keepdims=True))[0]
    plain = transform.inverse(transform.forward(y.astype(np.float32)).mean(keepdims=True))[0]
    # Correcting by the noisy value overdoes it a little in the dark: below a tenth of the noise of one pixel.
    noise = math.sqrt(gain**2 * light + read**2)
    assert abs(result - gain * light) < 0.1 * noise
    assert abs(result - gain * light) <= abs(plain - gain * light) + 0.01 * noise


def test_hybrid_is_linear_below_black_and_smooth_at_it():
    ratio = 1.7
    u = np.linspace(-3, 0, 50)
    steps = np.diff(vst.stabilise(u, ratio))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    slopes = np.diff(vst.stabilise(np.array([-1e-4, 0.0, 1e-4]), ratio))
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-3)
