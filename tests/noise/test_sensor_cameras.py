"""Published calibrations and Tukey's lambda, against the papers' own figures and scipy."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from denoise_studio.core.errors import StudioError
from denoise_studio.noise.sensor.calibration import IsoGain, LogLine, Segment
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import all_presets, gain_by_iso, preset
from denoise_studio.noise.sensor.tukey import Gaussian, Measured, Tukey, quantile, unit_variance


def test_every_published_camera_is_there():
    names = {camera.name for camera in all_presets()}
    eld = {"SonyA7S2", "NikonD850-1", "NikonD850-2", "CanonEOS5D4", "CanonEOS70D", "CanonEOS700D"}
    assert names == eld | {"NikonD850-PMN", "IMX686", "SonyA7S2-PMN", "Reno10x", "IMX385"}
    assert all("arXiv" in camera.source for camera in all_presets())


def test_figures_of_eld_are_those_of_the_paper():
    camera = preset("canoneos700d")
    assert camera.gain_range == pytest.approx((0.44763, 28.64825), abs=1e-5)
    (segment,) = camera.segments
    assert segment.tukey == LogLine(0.598236, 1.537044, 0.388819)
    assert segment.row == LogLine(0.622059, -0.775647, 0.248481)
    # log s = a log K + b
    assert camera.at(10.0).read.scale == pytest.approx(math.exp(0.598236 * math.log(10) + 1.537044))
    assert len(camera.colour_bias) == 16


def test_the_sony_has_two_gains():
    """The read noise drops at ISO 2000 (PNNP's own table); one line for all would miss that."""
    sony = preset("SonyA7S2-PMN")
    before, after = sony.at_iso(1600), sony.at_iso(2000)
    assert before.read.scale == 3.228
    assert after.read.scale == 1.436
    assert sony.at(1.52).dark_sd > 2 * sony.at(1.92).dark_sd
    # Lines against the measured settings: the two forms of the read noise are of one strength.
    for iso in (800, 1600, 2000, 6400):
        gaussian = sony.at_iso(iso, gaussian=True).dark_sd
        assert sony.at(sony.iso.gain(iso), gaussian=True).dark_sd == pytest.approx(gaussian, rel=0.03)
        assert sony.at_iso(iso).dark_sd == pytest.approx(gaussian, rel=0.03)


@pytest.mark.parametrize(
    ("name", "iso", "gain"),
    [
        ("SonyA7S2-PMN", 6400, 6.1075),
        ("Reno10x", 1600, 0.967931),
        ("IMX385", 6400, 13.486),
        ("IMX686", 6400, 8.743),
        ("SonyA7S2", 100, 0.093916),
    ],
)
def test_gain_over_iso(name: str, iso: float, gain: float):
    assert preset(name).iso.gain(iso) == pytest.approx(gain, rel=1e-4)


def test_pmrid_and_crvd_read_noise():
    reno = preset("Reno10x").at_iso(1600)
    assert reno.read.variance == pytest.approx(
        7.11772e-7 * 1600**2 + 6.514934e-4 * 1600 + 0.11492713, rel=1e-5
    )
    assert preset("IMX385").at_iso(25600).read.variance == pytest.approx(1819.8, rel=1e-5)


def test_gain_scales_with_iso():
    assert gain_by_iso(3200, 0.25, 100) == 8.0
    assert preset("NikonD850-1").iso.gain(12800) == pytest.approx(2 * 26.562517)
    with pytest.raises(StudioError):
        gain_by_iso(0, 1, 100)


def test_beyond_the_calibrated_range_is_refused():
    with pytest.raises(StudioError, match="ISO 51200"):
        preset("NikonD850-1").at_iso(51200)
    with pytest.raises(StudioError, match=r"calibrated for K"):
        preset("IMX385").at(1.0)
    with pytest.raises(StudioError, match="there are SonyA7S2"):
        preset("Leica")
    with pytest.raises(StudioError, match="Gaussian"):
        preset("NikonD850-PMN").at(5.0, gaussian=True)


def test_a_drawn_camera_varies_as_the_line_says():
    camera, random = preset("SonyA7S2"), np.random.default_rng(3)
    drawn = [camera.at(1.0, random) for _ in range(2000)]
    scales = np.log([noise.read.scale for noise in drawn])
    assert scales.mean() == pytest.approx(0.565715, abs=0.03)
    assert scales.std() == pytest.approx(0.263371, rel=0.06)
    assert {noise.read.shape for noise in drawn} == set(camera.segments[0].shapes)
    assert {noise.bias for noise in drawn} == set(camera.colour_bias)


def test_nonsense_is_refused():
    with pytest.raises(StudioError):
        Segment((2.0, 1.0), gaussian=LogLine(1, 1, 0))
    with pytest.raises(StudioError):
        Segment((1.0, 2.0), tukey=LogLine(1, 1, 0))
    with pytest.raises(StudioError):
        IsoGain("")
    with pytest.raises(StudioError):
        IsoGain("", points=((100, 1), (50, 2)))
    with pytest.raises(StudioError):
        LogLine(math.nan, 0, 0)
    with pytest.raises(StudioError):
        CameraNoise(0.0, Gaussian(1.0))
    with pytest.raises(StudioError):
        Gaussian(-1.0)


@pytest.mark.parametrize(
    "shape", [-0.45, -0.26, -0.143, -1e-3, -2e-5, 0.0, 5e-5, 1e-3, 0.1349, 0.2, 1.0, 2.0]
)
def test_tukey_variance(shape: float):
    """Against the integral of Q(u)^2."""
    mass, _ = integrate.quad(lambda u: stats.tukeylambda.ppf(u, shape) ** 2, 0, 0.5, limit=500)
    assert unit_variance(shape) == pytest.approx(2 * mass, rel=1e-5)


def test_tukey_variance_of_the_survey():
    """sd / scale runs from 1.43 at 0.149 to 2.15 at -0.091 (PNNP's Sony table)."""
    assert math.sqrt(unit_variance(0.149)) == pytest.approx(1.43, abs=0.005)
    assert math.sqrt(unit_variance(-0.091)) == pytest.approx(2.15, abs=0.005)
    assert unit_variance(0.0) == pytest.approx(math.pi**2 / 3)


@pytest.mark.parametrize("shape", [-0.5, -0.7, math.nan])
def test_without_a_variance_is_refused(shape: float):
    with pytest.raises(StudioError, match=r"above -0\.5"):
        Tukey(1.0, shape)


@pytest.mark.parametrize("shape", [-0.26, -1e-9, 0.0, 1e-9, 0.149, 1.0])
def test_tukey_quantiles(shape: float):
    levels = np.array([1e-9, 1e-4, 0.1, 0.5, 0.7, 1 - 1e-4])
    np.testing.assert_allclose(
        quantile(levels, shape), stats.tukeylambda.ppf(levels, shape), rtol=2e-6, atol=1e-12
    )


@pytest.mark.parametrize("shape", [-0.26, 0.0, 0.149])
def test_drawn_values_follow_the_distribution(shape: float):
    values = Tukey(3.0, shape).draw(np.random.default_rng(5), (200, 1000))
    assert values.dtype == np.float32
    assert stats.kstest(values.ravel(), stats.tukeylambda(shape, scale=3.0).cdf).pvalue > 0.01


def test_measured_noise_has_the_moments_it_says():
    noise = Measured(np.array([0.0, 0.25, 0.5, 1.0]), np.array([-3.0, -1.0, 0.0, 5.0]))
    values = noise.draw(np.random.default_rng(6), (1000, 1000))
    assert abs(values.mean()) < 0.01
    assert values.var() == pytest.approx(noise.variance, rel=0.005)
    assert noise.scaled(2.0).variance == pytest.approx(4 * noise.variance)
