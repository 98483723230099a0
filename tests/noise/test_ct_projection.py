"""The projector against line integrals in closed form, and against scikit-image's."""

import numpy as np
import pytest
from ct_phantoms import PATIENT, WATER, Ellipse, analytic_lines, draw, pixels

from denoise_studio.noise.ct.kernels import KERNELS, kernel_named
from denoise_studio.noise.ct.projection import Geometry, back_projection, filtered_back_projection, project

SIZE, SPACING, VIEWS = 200, 1.8, 180
GEOMETRY = Geometry(SIZE, SIZE, (SPACING, SPACING), VIEWS)
ANGLES = np.arange(VIEWS) * np.pi / VIEWS


def attenuation(hu: np.ndarray) -> np.ndarray:
    return ((1 + hu / 1000) * WATER).astype(np.float32)


def test_line_integrals_of_ellipses_are_the_closed_form() -> None:
    lines = project(attenuation(draw(PATIENT, SIZE, SIZE, SPACING, 16)), GEOMETRY)
    exact = analytic_lines(PATIENT, ANGLES, GEOMETRY.offsets)
    error = lines - exact
    assert lines.max() == pytest.approx(exact.max(), rel=0.005)
    # Off by a part of a pixel's chord beside steep edges, elsewhere by next to nothing.
    assert np.abs(error).max() < 0.06 * exact.max()
    assert np.sqrt((error**2).mean()) < 0.004 * exact.max()
    assert abs(error.mean()) < 1e-4 * exact.max()


def test_the_mass_is_the_same_in_every_view() -> None:
    image = attenuation(draw((Ellipse(40, 25, 1000.0, 60, -70),), SIZE, SIZE, SPACING))
    mass = project(image, GEOMETRY).sum(axis=1, dtype=np.float64) * GEOMETRY.bin_mm
    np.testing.assert_allclose(mass, image.sum(dtype=np.float64) * SPACING**2, rtol=2e-3)


def test_axes_lie_as_in_the_picture() -> None:
    # At 0 degrees bins run along x to the right, at 90 along y down.
    image = np.zeros((SIZE, SIZE), np.float32)
    image[20, 150] = 1.0
    lines = project(image, GEOMETRY)
    line = pixels(SIZE, SPACING)
    for view, place in ((0, line[150]), (VIEWS // 2, line[20])):
        assert GEOMETRY.offsets[lines[view].argmax()] == pytest.approx(place, abs=SPACING)
        assert lines[view].sum() * GEOMETRY.bin_mm == pytest.approx(SPACING**2, rel=1e-5)


def test_it_agrees_with_scikit_image_inside_its_circle() -> None:
    from skimage.transform import radon

    image = attenuation(draw(PATIENT, SIZE, SIZE, SPACING))
    middle = SIZE // 2
    theirs = SPACING * radon(image, [0, 30, 90, 145], circle=True)[middle]
    ours = project(image, GEOMETRY)
    # Their angles run the other way round, and their centre lies half a pixel off.
    centre = GEOMETRY.bins // 2
    found = [ours[(-angle) % VIEWS, centre - 2 : centre + 2].mean() for angle in (0, 30, 90, 145)]
    np.testing.assert_allclose(found, theirs, rtol=0.02)


@pytest.mark.parametrize(("name", "limit"), [("ramp", 2.0), ("hann", 0.5), ("soft", 2.0)])
def test_exact_lines_give_the_hounsfield_units_back(name: str, limit: float) -> None:
    lines = analytic_lines(PATIENT, ANGLES, GEOMETRY.offsets).astype(np.float32)
    hu = filtered_back_projection(lines, GEOMETRY, kernel_named(name)) * (1000 / WATER) - 1000
    line = pixels(SIZE, SPACING)
    for x, y, radius, value in ((0, 0, 20, 40), (70, 20, 10, -20), (-80, -20, 20, 40)):
        inside = (line[None, :] - x) ** 2 + (line[:, None] - y) ** 2 <= radius**2
        assert hu[inside].mean() == pytest.approx(value, abs=limit)


def test_pieces_of_a_picture_are_the_same_as_all_of_it() -> None:
    samples = np.random.default_rng(1).normal(size=(VIEWS, GEOMETRY.bins)).astype(np.float32)
    whole = back_projection(samples, GEOMETRY)
    np.testing.assert_array_equal(back_projection(samples, GEOMETRY, step=4), whole[::4, ::4])


def test_bins_reach_the_corners() -> None:
    geometry = Geometry(40, 90, (1.0, 0.7), 12)
    corner = np.hypot(20 * 1.0, 45 * 0.7)
    assert geometry.offsets[-1] > corner
    assert geometry.bin_mm == 0.7
    assert geometry.thinned(4).views == 3


@pytest.mark.parametrize("name", list(KERNELS))
def test_a_kernel_says_its_mtf(name: str) -> None:
    kernel, bin_mm = kernel_named(name), 0.3
    frequency = np.linspace(0, 0.5 / bin_mm, 20001)
    mtf = kernel.window(frequency, bin_mm)
    assert mtf[0] == 1
    assert (np.diff(mtf) <= 1e-12).all()
    assert (kernel.window(frequency + 0.5 / bin_mm + 1e-3, bin_mm) == 0).all()
    if kernel.cutoff is not None:
        half, tenth = (f"{frequency[np.searchsorted(-mtf, -level)]:.2f}" for level in (0.5, 0.1))
        assert f"MTF 50 % {half}, 10 % {tenth} /mm" in kernel.label
