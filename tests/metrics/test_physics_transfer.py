"""Task transfer functions against closed forms: edges and discs whose pixels are known integrals."""

import numpy as np
import pytest
from scipy.special import j1, ndtr
from scipy.stats import ncx2, norm

from denoise_studio.core.errors import MeasureError
from denoise_studio.metrics.physics.edge_fit import EdgeShape, find_edge
from denoise_studio.metrics.physics.pitch import Pitch
from denoise_studio.metrics.physics.transfer import transfer

PITCHES = [Pitch(), Pitch(0.7, 0.7, "mm"), Pitch(0.7, 0.5, "mm")]
SIDE = 60
ALL = np.ones((SIDE, SIDE), bool)


def corners(pitch, shift):
    """Coordinates in the pitch's unit around the middle, at the pixels' centres or at a corner of them."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    return (x - SIDE / 2 + shift[0]) * pitch.column, (y - SIDE / 2 + shift[1]) * pitch.row


def point_edge(pitch, angle, offset, spread):
    x, y = corners(pitch, (0, 0))
    return spread(x * np.cos(angle) + y * np.sin(angle) - offset)


def area_edge(pitch, angle, offset, s):
    """The mean of Φ(d / s) over each pixel: a second antiderivative at its four corners."""

    def twice(d):
        z = d / s
        return 0.5 * s * s * ((z * z + 1) * ndtr(z) + z * norm.pdf(z))

    c, n = np.cos(angle), np.sin(angle)
    total = 0.0
    for right in (-0.5, 0.5):
        for down in (-0.5, 0.5):
            x, y = corners(pitch, (right, down))
            total = total + np.sign(right) * np.sign(down) * twice(x * c + y * n - offset)
    return total / (c * n * pitch.column * pitch.row)


def disc(pitch, x0, y0, radius, s):
    """A disc blurred by a normal distribution: the chance of a shifted point to fall into it."""
    x, y = corners(pitch, (0, 0))
    return ncx2.cdf((radius / s) ** 2, 2, ((x - x0) ** 2 + (y - y0) ** 2) / s**2)


def worst(found, truth, pitch):
    to_nyquist = found.frequencies <= 0.5 / pitch.finest
    return np.abs(found.transfer - truth)[to_nyquist].max()


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("blur", [0.6, 1.0, 1.8])
@pytest.mark.parametrize("degrees", [5, 33, -72, 171])
def test_an_edge_blurred_by_a_normal_distribution(pitch, blur, degrees):
    s = blur * pitch.finest
    values = 40 + 200 * point_edge(pitch, np.radians(degrees), 1.3 * pitch.finest, lambda d: ndtr(d / s))
    found = transfer(values, ALL, pitch, EdgeShape.LINE)
    assert worst(found, np.exp(-2 * (np.pi * s * found.frequencies) ** 2), pitch) < 0.02
    assert found.f50 == pytest.approx(np.sqrt(np.log(2) / 2) / (np.pi * s), rel=0.02)
    assert found.f10 == pytest.approx(np.sqrt(np.log(10) / 2) / (np.pi * s), rel=0.02)
    assert abs(found.contrast) == pytest.approx(200, rel=0.01)
    assert not found.notes


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("degrees", [8, 40, 100])
def test_pixels_that_see_an_area_lose_what_a_sinc_says(pitch, degrees):
    s, angle = 0.7 * pitch.finest, np.radians(degrees)
    values = 1000 - 60 * area_edge(pitch, angle, 0.4, s)
    found = transfer(values, ALL, pitch, EdgeShape.LINE)
    f = found.frequencies
    aperture = np.sinc(f * pitch.column * np.cos(angle)) * np.sinc(f * pitch.row * np.sin(angle))
    assert worst(found, np.exp(-2 * (np.pi * s * f) ** 2) * np.abs(aperture), pitch) < 0.02


def test_a_blur_that_is_no_normal_distribution():
    """A disc of radius r as the point spread: 2 J1(2π r f) / (2π r f), an edge by the disc's segments."""
    pitch, r = Pitch(0.5, 0.5, "mm"), 1.2

    def segment(d):
        t = np.clip(d / r, -1, 1)
        return 0.5 + (np.arcsin(t) + t * np.sqrt(1 - t * t)) / np.pi

    found = transfer(100 * point_edge(pitch, 0.3, 0.2, segment), ALL, pitch, EdgeShape.LINE)
    z = np.maximum(2 * np.pi * r * found.frequencies, 1e-9)
    truth = np.abs(2 * j1(z) / z)
    to_first_zero = found.frequencies < 0.6 / r
    assert np.abs(found.transfer - truth)[to_first_zero].max() < 0.02


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("blur", [0.6, 1.0, 1.6])
@pytest.mark.parametrize("contrast", [120.0, -35.0])
def test_the_rim_of_a_disc(pitch, blur, contrast):
    s, radius = blur * pitch.finest, 16.3 * pitch.finest
    values = 50 + contrast * disc(pitch, 0.31, -0.77, radius, s)
    found = transfer(values, ALL, pitch, EdgeShape.DISC)
    assert worst(found, np.exp(-2 * (np.pi * s * found.frequencies) ** 2), pitch) < 0.02
    assert found.f50 == pytest.approx(np.sqrt(np.log(2) / 2) / (np.pi * s), rel=0.02)
    assert found.contrast == pytest.approx(-contrast, rel=0.01)
    assert (found.place.x, found.place.y) == (
        pytest.approx(SIDE / 2 * pitch.column + 0.31, abs=0.01),
        pytest.approx(SIDE / 2 * pitch.row - 0.77, abs=0.01),
    )
    assert found.place.radius == pytest.approx(radius, rel=0.01)


@pytest.mark.parametrize("shape", list(EdgeShape))
def test_in_noise_the_edge_is_found_and_doubt_is_told(shape):
    pitch, s = Pitch(0.7, 0.7, "mm"), 0.7
    step = (
        point_edge(pitch, 0.2, 0.5, lambda d: ndtr(d / s))
        if shape is EdgeShape.LINE
        else disc(pitch, 0.2, 0.4, 11.0, s)
    )
    noise = np.random.default_rng(0).normal(0, 1, (SIDE, SIDE))
    good = transfer(200 * step + 5 * noise, ALL, pitch, shape)
    assert good.cnr == pytest.approx(40, rel=0.05)
    assert good.f50 == pytest.approx(np.sqrt(np.log(2) / 2) / (np.pi * s), rel=0.1)
    assert not good.notes
    rough = transfer(200 * step + 40 * noise, ALL, pitch, shape)
    assert "TG-233" in rough.notes[0]


def test_beside_the_region_nothing_counts():
    pitch, s = Pitch(), 1.0
    values = 100 * point_edge(pitch, 0.25, 0.0, lambda d: ndtr(d / s))
    inside = np.zeros_like(ALL)
    inside[10:50, 14:46] = True
    inside[20:24, 28:33] = False  # padding, on the edge itself
    values[~inside] = np.nan
    found = transfer(values, inside, pitch, EdgeShape.LINE)
    assert worst(found, np.exp(-2 * (np.pi * s * found.frequencies) ** 2), pitch) < 0.02


def test_before_and_after_can_be_measured_at_one_place():
    pitch = Pitch()
    sharp, soft = (100 * point_edge(pitch, 0.2, 0.7, lambda d, s=s: ndtr(d / s)) for s in (0.8, 1.5))
    place = find_edge(soft, ALL, pitch, EdgeShape.LINE)
    found = transfer(sharp, ALL, pitch, EdgeShape.LINE, place)
    assert found.place is place
    assert worst(found, np.exp(-2 * (np.pi * 0.8 * found.frequencies) ** 2), pitch) < 0.02


def test_what_cannot_be_measured_is_said_in_a_sentence():
    pitch = Pitch()
    with pytest.raises(MeasureError, match="too small for sharpness"):
        find_edge(np.zeros((7, 30)), np.ones((7, 30), bool), pitch, EdgeShape.LINE)
    with pytest.raises(MeasureError, match="no edge"):
        find_edge(np.full((SIDE, SIDE), 7.0), ALL, pitch, EdgeShape.LINE)
    beside = 100 * point_edge(pitch, 0.2, 31.0, lambda d: ndtr(d))
    with pytest.raises(MeasureError, match="draw it so that"):
        find_edge(beside, ALL, pitch, EdgeShape.LINE)


@pytest.mark.parametrize(("degrees", "most"), [(0, 0.5), (45, 0.5**0.5), (90, 0.5)])
def test_an_edge_along_the_pixels_is_measured_coarsely_and_said_to_be(degrees, most):
    pitch, s = Pitch(), 1.3
    along = 100 * point_edge(pitch, np.radians(degrees), 0.3, lambda d: ndtr(d / s))
    found = transfer(along, ALL, pitch, EdgeShape.LINE)
    assert "along the pixels" in found.notes[0]
    assert found.frequencies[-1] == pytest.approx(most)  # half a cycle from row to row of pixels
    assert np.abs(found.transfer - np.exp(-2 * (np.pi * s * found.frequencies) ** 2)).max() < 0.03


def test_an_edge_that_is_bent_is_told_from_a_straight_one():
    pitch = Pitch()
    x, y = corners(pitch, (0, 0))
    bent = 100 * ndtr(x + 0.01 * y * y)
    inside = np.zeros_like(ALL)
    inside[10:50, 10:50] = True
    found = transfer(bent, inside, pitch, EdgeShape.LINE)
    assert any("not straight" in note for note in found.notes)
    oval = 100 * ndtr(12 - np.hypot(x, 1.3 * y))
    assert any("not round" in note for note in transfer(oval, ALL, pitch, EdgeShape.DISC).notes)
