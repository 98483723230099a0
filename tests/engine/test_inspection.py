"""What a method keeps of a region: the map of picture and recipe, any method, padding, strength, edges."""

import dataclasses

import numpy as np
import pytest
from builders import noisy, padded, picture, region
from methods import inner, registered, simple

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.geometry import Rect, reflect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box
from denoise_studio.engine import devices
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import fit
from denoise_studio.engine.inspection import COUNT, GOOD, SIDE, Inspector, region_of
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.render import fill, render
from denoise_studio.engine.resolve import resolve

AREA = Rect(20, 16, 24, 20)


def looked(shown, recipe, rect=AREA, count=6):
    return Inspector(shown, recipe, rect).find(count, Progress())


def dense(shown, recipe, rect, step):
    """The Jacobian column by column, from whole pictures in which one sample is another."""
    resolved = resolve(shown, recipe)
    fitted = fit(shown, resolved, Progress())
    matrix = np.empty((shown.channels * rect.area,) * 2)
    for column in range(len(matrix)):
        at = np.unravel_index(column, (shown.channels, rect.height, rect.width))
        results, values = [], []
        for change in (step, -step):
            pixels = shown.pixels.copy()
            part = pixels[(slice(None), *rect.slices)]
            part[at] += np.float32(change)
            values.append(float(part[at]))
            layer = Layer(dataclasses.replace(shown, pixels=pixels))
            fill(layer, Filter(layer.picture, resolved, devices.cpu(), fitted), Progress())
            results.append(layer.pixels[(slice(None), *rect.slices)].astype(np.float64).ravel())
        matrix[:, column] = (results[0] - results[1]) / (values[0] - values[1])
    return matrix


# A linear method whose shares are known: circulant on a region of its own


SIGMA = 0.4


def spectrum():
    down, across = (np.minimum(np.arange(n), n - np.arange(n)) for n in (AREA.height, AREA.width))
    return 3.0 / (1.0 + down[:, None] ** 2 + across[None] ** 2)


def wiener(tile):
    """Wiener's filter of the one tile that it gets, as if that were a torus."""
    shares = spectrum() / (spectrum() + SIGMA**2)
    given = inner(tile).astype(np.float64)
    return np.fft.ifft2(np.fft.fft2(given) * shares).real.astype(np.float32)


def test_a_wiener_filter_keeps_lambda_over_lambda_plus_sigma_squared():
    shares = np.sort((spectrum() / (spectrum() + SIGMA**2)).ravel())[::-1]
    shown = picture(60, 70)
    with registered(simple("wiener", wiener)):
        found = Inspector(shown, Recipe(method="wiener"), AREA).find(COUNT, Progress())
    assert found.is_complete
    assert found.samples == AREA.area
    # A degenerate share shows once, twice, or not yet: those that are settled are among the true ones.
    settled = [one for one in found.patterns if one.residual < GOOD]
    assert len(settled) >= 9
    for one in settled:
        assert np.abs(shares - one.share).min() < 1e-3
    first, second = found.patterns[:2]
    assert first.share == pytest.approx(shares[0], abs=1e-3)
    assert second.share == pytest.approx(shares[1], abs=1e-3)
    assert first.image == pytest.approx(np.full(first.image.shape, first.image.mean()), abs=1e-3)
    assert found.freedom.value == pytest.approx(shares.sum(), abs=4 * found.freedom.error)
    assert found.freedom.asymmetry < 0.01
    # A linear method makes of a pattern in the picture just its share.
    mean = shown.pixels[(slice(None), *AREA.slices)].mean()
    for one in settled:
        offset = float(one.image.sum()) * mean * (shares[0] - 1) / AREA.area**0.5
        assert one.after == pytest.approx(one.share * one.before + offset, abs=2e-3)


def test_the_identity_keeps_all():
    shown = picture(50, 60, 3)
    found = looked(shown, Recipe(method="identity"))
    assert [one.share for one in found.patterns] == pytest.approx([1.0] * 6, abs=1e-3)
    assert found.freedom.value == pytest.approx(3 * AREA.area, rel=1e-3)
    for one in found.patterns:
        assert np.linalg.norm(one.image) == pytest.approx(1, abs=1e-5)
        assert one.before >= 0
        assert one.after == pytest.approx(one.before, abs=1e-6)


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("bilateral", {"sigma_x": 1.0, "sigma_y": 1.4, "sigma_r": 0.2}),
        ("nlm", {}),
        ("adaptive-bilateral", {}),
    ],
)
def test_any_method_against_its_jacobian_from_whole_pictures(method, values):
    shown, rect = picture(48, 40), Rect(13, 15, 10, 8)
    recipe = Recipe(method=method, device="cpu")
    for name, value in values.items():
        recipe = recipe.with_parameter(name, value)
    exact = dense(shown, recipe, rect, step=0.002)
    found = looked(shown, recipe, rect)
    wanted = np.sort(np.linalg.eigvals(exact).real)[::-1][:6]
    assert [one.share for one in found.patterns] == pytest.approx(wanted, abs=0.03)
    for one in found.patterns:
        if not one.turn:
            v = one.image.astype(np.float64).ravel()
            assert np.linalg.norm(exact @ v - one.share * v) < 0.05
    assert found.freedom.value == pytest.approx(np.trace(exact), abs=0.02 * rect.area)


def test_strength_and_regions_count():
    shown = picture(60, 70)
    half = Recipe(method="wiener", strength=0.5)
    with registered(simple("wiener", wiener)):
        whole = looked(shown, half.replace(strength=1.0))
        mixed = looked(shown, half)
        box = region(Box(0.0, 0.0, 70.0, 60.0), strength=0.25)
        inside = looked(shown, half.replace(regions=(box,)))
    shares = np.array([one.share for one in whole.patterns])
    assert [one.share for one in mixed.patterns] == pytest.approx(0.5 + 0.5 * shares, abs=1e-3)
    assert [one.share for one in inside.patterns] == pytest.approx(0.75 + 0.25 * shares, abs=1e-3)


def mirror(tile):
    """The mean of a pixel and the one two to its left: at the picture's edge that is a mirrored one."""
    width = tile.pixels.shape[2]
    shifted = tile.pixels[:, tile.halo : -tile.halo, tile.halo - 2 : width - tile.halo - 2]
    return np.ascontiguousarray((inner(tile) + shifted) / 2, np.float32)


def test_mirrored_pixels_at_the_edge_vary_with_the_region():
    shown, rect = picture(30, 30), Rect(0, 5, 4, 3)
    method = simple("mirror", mirror, halo=lambda values: 2)
    with registered(method):
        found = looked(shown, Recipe(method="mirror"), rect, count=12)
    line = np.zeros((4, 4))
    for x in range(4):
        line[x, x] += 0.5
        line[x, reflect(np.array([x - 2]), 30)[0]] += 0.5
    wanted = np.sort(np.repeat(np.linalg.eigvals(line).real, 3))[::-1]
    shares = [one.share for one in found.patterns]
    assert len(shares) == 12
    assert found.freedom.value == pytest.approx(3 * np.trace(line), abs=1e-3)
    assert sorted(shares)[::-1] == pytest.approx(wanted, abs=0.02)  # defective: the root of the rounding


def test_the_surroundings_are_held():
    """A mean over three columns: at the region's left and right edge two of three shares stay."""

    def blur(tile):
        given, halo = tile.pixels, tile.halo
        parts = [given[:, halo:-halo, halo + d : given.shape[2] - halo + d] for d in (-1, 0, 1)]
        return np.ascontiguousarray(sum(parts) / 3, np.float32)

    shown, rect = picture(40, 40), Rect(12, 10, 6, 1)
    with registered(simple("blur", blur, halo=lambda values: 2)):
        found = looked(shown, Recipe(method="blur"), rect)
    wanted = (1 + 2 * np.cos(np.arange(1, 7) * np.pi / 7)) / 3  # tridiagonal Toeplitz
    assert [one.share for one in found.patterns] == pytest.approx(wanted, abs=1e-3)


def test_padding_is_neither_varied_nor_counted():
    shown = padded(60, 70, fraction=0.3)
    found = looked(shown, Recipe(method="identity"))
    holes = shown.padding[AREA.slices]
    assert found.samples == AREA.area - holes.sum()
    assert found.freedom.value == pytest.approx(found.samples, rel=1e-3)
    for one in found.patterns:
        assert not one.image[:, holes].any()
    empty = dataclasses.replace(shown, padding=np.ones((60, 70), bool))
    with pytest.raises(StudioError, match="padding"):
        looked(empty, Recipe(method="identity"))


@pytest.mark.parametrize("method", ["bilateral", "network"])
def test_the_picture_after_is_what_the_studio_shows(method):
    if method == "network":
        pytest.importorskip("torch")
    shown = Picture(noisy(80, 96, 1, seed=4))
    recipe = Recipe(method=method, device="cpu", precision="float32", strength=0.7)
    rect = region_of(shown, Rect(30, 20, 40, 40), 8)
    found = looked(shown, recipe, rect, count=2)
    whole = render(shown, recipe)
    where = (slice(None), *rect.slices)
    assert np.array_equal(found.before, shown.pixels[where])
    assert found.after == pytest.approx(whole.pixels[where], abs=2e-6)


def test_the_network_s_own_derivative_against_differences():
    pytest.importorskip("torch")
    shown, rect = picture(64, 72), Rect(24, 16, 8, 6)
    recipe = Recipe(method="network", device="cpu", precision="float32")
    recipe = recipe.with_parameter("sigma", 0.05)
    found = looked(shown, recipe, rect)
    assert found.step_error == 0
    exact = dense(shown, recipe, rect, step=1e-4)
    wanted = np.sort(np.linalg.eigvals(exact).real)[::-1][:6]
    assert [one.share for one in found.patterns] == pytest.approx(wanted, abs=0.02)
    assert found.freedom.value == pytest.approx(np.trace(exact), abs=0.05)


def test_it_grows_stops_and_goes_on():
    shown = picture(60, 70)
    with registered(simple("wiener", wiener)):
        inspector = Inspector(shown, Recipe(method="wiener"), AREA)
        progress, parts = Progress(), []

        def publish(part):
            parts.append(part)
            if len(parts) == 2:
                progress.cancel()

        with pytest.raises(Cancelled):
            inspector.find(16, progress, publish)
        assert [part.is_complete for part in parts] == [False, False]
        assert len(parts[0].patterns) < len(parts[1].patterns) <= 16
        assert parts[0].freedom is None
        done = inspector.find(16, Progress())
        assert done.is_complete
        assert len(done.patterns) == done.wanted == 16
        straight = Inspector(shown, Recipe(method="wiener"), AREA).find(16, Progress())
        assert [one.share for one in done.patterns] == [one.share for one in straight.patterns]
        more = inspector.find(32, Progress())
        assert len(more.patterns) == 32
        assert more.runs < 2 * 8 * 32 + 2 * 32 + 100  # bounded


def test_the_progress_rises_to_its_end():
    shown, told = picture(60, 70), []
    with registered(simple("wiener", wiener)):
        inspector = Inspector(shown, Recipe(method="wiener"), AREA)
        inspector.find(4, Progress(lambda fraction, text: told.append((fraction, text))))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert all(text for _, text in told)


def test_a_tiny_region_has_as_many_patterns_as_samples():
    found = looked(picture(30, 30), Recipe(method="identity"), Rect(3, 4, 2, 1), count=16)
    assert found.wanted == len(found.patterns) == found.samples == 2


def test_the_region_is_the_middle_and_not_too_large():
    shown = picture(200, 300)
    assert region_of(shown, shown.rect) == Rect(118, 68, SIDE, SIDE)
    assert region_of(shown, shown.rect, 8) == Rect(112, 64, SIDE, SIDE)
    assert region_of(shown, Rect(10, 20, 30, 40)) == Rect(10, 20, 30, 40)
    assert region_of(shown, Rect(290, 190, 40, 40)) == Rect(290, 190, 10, 10)
    assert region_of(shown, Rect(500, 500, 10, 10)) == Rect(118, 68, SIDE, SIDE)  # beside the picture
