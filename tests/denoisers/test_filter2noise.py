"""Filter2Noise's tile function, its descriptor, and what it makes of a picture before the training."""

import subprocess
import sys

import numpy as np
import pytest
from builders import noisy, padded

from denoise_studio.core.denoiser import Tile
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.denoisers.filter2noise import FILTER2NOISE as METHOD
from denoise_studio.denoisers.filter2noise.sampling import half_valid, halves, prepare, shuffled

WINDOWS = (2, 3)


def maps(height, width, seed=0, stages="2"):
    """Maps that vary in patches of 8, as a fit would give them, and the windows."""
    rng = np.random.default_rng(seed)
    values = {"stages": stages}
    for stage in (1, 2):
        for axis, low, high in (("x", 0.4, 1.9), ("y", 0.3, 1.5), ("r", 0.05, 0.4)):
            blocks = rng.uniform(low, high, (-(-height // 8), -(-width // 8)))
            values[f"sigma_{axis}_{stage}"] = np.kron(blocks, np.ones((8, 8)))[:height, :width].astype(
                np.float32
            )
        values[f"window_{stage}"] = WINDOWS[stage - 1]
    return values


def wide(pixels, values, valid=None, rect=None, more=0):
    """The tile of a rectangle (y, x, height, width), margins mirrored as the engine does."""
    numbers = {name: value for name, value in values.items() if not np.ndim(value)}
    halo = METHOD.halo(Values(numbers)) + more
    y, x, h, w = rect or (0, 0, *pixels.shape[1:])

    def cut(array):
        around = [(0, 0)] * (array.ndim - 2) + [(halo, halo)] * 2
        whole = np.pad(array, around, mode="reflect")
        return np.ascontiguousarray(whole[..., y : y + h + 2 * halo, x : x + w + 2 * halo])

    cuts = {name: cut(value) if np.ndim(value) else value for name, value in values.items()}
    mask = None if valid is None else cut(valid)
    return Tile(cut(pixels), mask, halo, cuts, noise_level=0.0, value_range=(0.0, 1.0))


def reference(pixels, values, stage, valid=None):
    """One stage, pixel by pixel, float64."""
    _, height, width = pixels.shape
    radius = values[f"window_{stage}"]
    sx, sy, sr = (
        np.broadcast_to(np.asarray(values[f"sigma_{a}_{stage}"], np.float64), (height, width)) for a in "xyr"
    )
    x = np.pad(pixels.astype(np.float64), [(0, 0), (radius, radius), (radius, radius)], mode="reflect")
    use = np.pad(np.ones((height, width)) if valid is None else valid * 1.0, radius, mode="reflect")
    out, square = pixels.astype(np.float64), np.arange(-radius, radius + 1) ** 2
    for i, j in np.argwhere(use[radius : radius + height, radius : radius + width]):
        window = np.s_[i : i + 2 * radius + 1, j : j + 2 * radius + 1]
        part = x[:, *window]
        distance = ((part - part[:, radius, radius, None, None]) ** 2).sum(0)
        exponent = square / (2 * sx[i, j] ** 2) + square[:, None] / (2 * sy[i, j] ** 2)
        weight = np.exp(-exponent - distance / (2 * sr[i, j] ** 2)) * use[window]
        out[:, i, j] = (weight * part).sum((1, 2)) / weight.sum()
    return out


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("stages", ["1", "2"])
def test_equals_the_reference(stages, masked, channels):
    pixels, values = noisy(29, 37, channels), maps(29, 37, stages=stages)
    valid = np.random.default_rng(1).random((29, 37)) > 0.2 if masked else None
    wanted = reference(pixels, values, 1, valid)
    if stages == "2":
        wanted = reference(wanted, values, 2, valid)
    result = METHOD.load()(wide(pixels, values, valid))
    assert result.dtype == np.float32
    keep = np.ones((29, 37), bool) if valid is None else valid
    assert np.abs(result - wanted)[:, keep].max() <= 1e-5


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("more", [0, 3])
def test_any_tile_gives_the_same_bits(masked, more):
    pixels, values = noisy(41, 53), maps(41, 53)
    valid = np.random.default_rng(2).random((41, 53)) > 0.2 if masked else None
    apply = METHOD.load()
    whole = apply(wide(pixels, values, valid))
    for y, x, h, w in ((0, 0, 1, 1), (40, 52, 1, 1), (3, 5, 17, 19), (0, 30, 41, 23), (20, 0, 2, 53)):
        part = apply(wide(pixels, values, valid, (y, x, h, w), more))
        assert np.array_equal(part, whole[:, y : y + h, x : x + w])


def test_numbers_equal_maps_of_one_value():
    pixels, apply = noisy(20, 24), METHOD.load()
    values = {name: float(np.max(v)) if np.ndim(v) else v for name, v in maps(20, 24).items()}
    full = {name: np.full((20, 24), v, np.float32) if name != "stages" else v for name, v in values.items()}
    tile = wide(pixels, values)
    cut = wide(pixels, {**full, "window_1": 2, "window_2": 3})
    arrays = Tile(
        cut.pixels, None, cut.halo, {**cut.values, "window_1": np.full((2, 2), 2.0, np.float32)}, 0.0, (0, 1)
    )
    assert np.array_equal(apply(tile), apply(cut))
    assert np.array_equal(apply(tile), apply(arrays))


def test_invalid_pixels_are_not_looked_at():
    pixels, values, apply = noisy(24, 26), maps(24, 26), METHOD.load()
    valid = np.random.default_rng(3).random((24, 26)) > 0.3
    other = pixels.copy()
    other[:, ~valid] = 7.0
    one, two = (apply(wide(p, values, valid)) for p in (pixels, other))
    assert np.array_equal(one[:, valid], two[:, valid])


def test_a_wider_sigma_is_cut_off_by_the_window():
    pixels, values, apply = noisy(40, 40), maps(40, 40, stages="1"), METHOD.load()
    before = apply(wide(pixels, values))
    pixels[0, 20, 20 + WINDOWS[0] + 1] += 0.5
    values["sigma_x_1"] = np.full((40, 40), 50.0, np.float32)
    with_spike = apply(wide(pixels, values))
    pixels[0, 20, 20 + WINDOWS[0] + 1] -= 0.5
    assert with_spike[0, 20, 20] == apply(wide(pixels, values))[0, 20, 20] != before[0, 20, 20]


def test_a_changed_sigma_is_felt_within_the_reach():
    pixels, values, apply = noisy(40, 40), maps(40, 40), METHOD.load()
    before = apply(wide(pixels, values))
    values["sigma_x_1"] = values["sigma_x_1"].copy()
    values["sigma_x_1"][20, 20] *= 2
    changed = np.argwhere(apply(wide(pixels, values))[0] != before[0])
    reach = METHOD.reach(Values({"window_1": WINDOWS[0], "window_2": WINDOWS[1]}))
    assert reach == WINDOWS[1]
    assert len(changed)
    assert np.abs(changed - 20).max() <= reach


def test_halo_and_reach():
    assert METHOD.halo(Values({"window_1": 2.0, "window_2": 3.0})) == 5
    assert METHOD.halo(Values({"window_1": 2.0, "window_2": 3.0, "stages": "1"})) == 2
    assert METHOD.reach(Values({"window_1": 2.0, "window_2": 3.0, "stages": "1"})) == 0
    assert METHOD.halo(Values({"stages": "2"})) == 0


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("place", [(0, 0), (15, 22), (28, 36)])
def test_the_filter_at_a_pixel(place, masked):
    """The weights shown, laid over what the stage sees, give the stage's result."""
    pixels, values = noisy(29, 37), maps(29, 37)
    valid = np.random.default_rng(4).random((29, 37)) > 0.2 if masked else np.ones((29, 37), bool)
    valid[place] = True
    shown = METHOD.load_explain()(wide(pixels, values, valid, (*place, 1, 1)))
    first = reference(pixels, values, 1, valid)
    for stage, (footprint, x) in enumerate(zip(shown, (pixels, first), strict=True), 1):
        radius = WINDOWS[stage - 1]
        assert footprint.name == f"Stage {stage}"
        assert footprint.weights.shape == (2 * radius + 1, 2 * radius + 1)
        assert footprint.weights.sum() == pytest.approx(1.0, abs=1e-6)
        around = np.pad(x[0], radius, mode="reflect")[place[0] :, place[1] :]
        mean = (footprint.weights * around[: 2 * radius + 1, : 2 * radius + 1]).sum()
        assert mean == pytest.approx(reference(x, values, stage, valid)[0, *place], abs=1e-5)
        name = f"sigma_x_{stage}"
        assert footprint.values[name] == values[name][place]
    assert len(METHOD.load_explain()(wide(pixels, maps(29, 37, stages="1"), valid, (*place, 1, 1)))) == 1


def test_descriptor():
    fitted = {p.name for p in METHOD.parameters if p.fitted}
    kinds = ("sigma_x", "sigma_y", "sigma_r", "window")
    assert fitted == {f"{kind}_{stage}" for kind in kinds for stage in (1, 2)}
    assert {p.name for p in METHOD.parameters if p.refit} == {"stages", "steps", "dog_weight"}
    for p in METHOD.parameters:
        if p.multiplies:
            (name,) = p.multiplies
            assert METHOD.parameter(name).fitted
            assert p.per_region
            assert (p.name, p.default) == (f"{name}_factor", 1.0)
        if p.is_numeric:
            assert p.minimum <= p.default <= p.maximum
    assert not any(p.per_region for p in METHOD.parameters if p.refit or p.name.startswith("window"))
    assert METHOD.describe()["fits_the_picture"]


def test_the_descriptor_loads_nothing_heavy():
    code = (
        "import sys, denoise_studio.denoisers.filter2noise\n"
        "assert not {'torch', 'cv2', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_pair_downsampler():
    block = np.array([[[1.0, 2.0, 10.0, 20.0], [4.0, 8.0, 40.0, 80.0]]], np.float32)
    one, two = halves(block)
    assert one.tolist() == [[[3.0, 30.0]]]
    assert two.tolist() == [[[4.5, 45.0]]]


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ([[0.0, 0.3], [0.6, 0.65]], [[0.0, 0.3], [0.65, 0.6]]),
        ([[0.1, 0.9], [0.12, 0.5]], [[0.12, 0.9], [0.1, 0.5]]),
        ([[0.4, 0.8], [0.1, 0.44]], [[0.44, 0.8], [0.1, 0.4]]),
        ([[0.9, 0.5], [0.48, 0.1]], [[0.9, 0.48], [0.5, 0.1]]),
        # Ties: the first of above, below, left, right, falling, rising.
        ([[0.0, 0.25], [0.5, 0.25]], [[0.0, 0.25], [0.5, 0.25]]),
        ([[0.0, 0.25], [0.5, 0.75]], [[0.25, 0.0], [0.5, 0.75]]),
        ([[0.0, 0.5], [0.25, 0.75]], [[0.25, 0.5], [0.0, 0.75]]),
    ],
)
def test_euclidean_local_shuffle(block, wanted):
    assert shuffled(np.array([block], np.float32)).tolist() == np.array([wanted], np.float32).tolist()


def test_shuffle_in_colour_sums_over_the_channels():
    block = np.array([[[0.0, 0.1], [0.5, 0.5]], [[0.0, 0.1], [0.9, 0.5]], [[0, 0.1], [0, 0]]], np.float32)
    wanted = block[:, :, ::-1].copy()
    wanted[:, 1] = block[:, 1]
    assert np.array_equal(shuffled(block), wanted)


def test_invalid_pixels_are_not_shuffled():
    block = np.array([[[0.0, 0.0], [0.4, 0.7]]], np.float32)
    valid = np.array([[True, False], [True, True]])
    assert shuffled(block, valid).tolist() == np.array([[[0.0, 0.0], [0.7, 0.4]]], np.float32).tolist()
    assert np.array_equal(shuffled(block, np.array([[True, False], [False, False]])), block)


def test_a_picture_in_any_unit_is_the_same_sample():
    pixels = noisy(32, 32)
    one = prepare(Picture(pixels))
    for gain in (1024.0, 0.25):
        other = prepare(Picture(gain * pixels))
        assert np.array_equal(one.pixels, other.pixels)
        assert other.span == gain * one.span
    assert (one.pixels.min(), one.pixels.max()) == (0.0, 1.0)


def test_the_last_bit_does_not_choose_whom_to_swap():
    """Whole HU are full of ties, which rounding to [0, 1] breaks in either direction."""
    stored = np.random.default_rng(5).integers(-1000, 2000, (1, 64, 64)).astype(np.float32)
    slopes = [prepare(Picture(s * stored + o)) for s, o in ((1.0, 0.0), (1.0, 24.0), (3.0, 1000.0))]
    pairs = [shuffled(part) for sample in slopes for part in halves(sample.pixels)]
    for part in pairs[2:]:
        assert min(np.abs(part - pairs[0]).max(), np.abs(part - pairs[1]).max()) < 1e-6


@pytest.mark.parametrize(("size", "grown"), [((32, 48), (32, 48)), ((33, 47), (48, 48)), ((1, 5), (16, 16))])
def test_sides_become_multiples_of_sixteen(size, grown):
    pixels = noisy(*size)
    sample = prepare(Picture(pixels))
    assert sample.pixels.shape[1:] == grown
    around = [(0, 0), *((0, g - s) for g, s in zip(grown, size, strict=True))]
    assert (
        np.abs(np.pad(pixels, around, mode="reflect") - pixels.min() - sample.pixels * sample.span).max()
        < 1e-6
    )


def test_invalid_pixels_become_their_nearest_neighbour():
    pixels = np.tile(np.arange(16, dtype=np.float32), (1, 16, 1))
    padding = np.zeros((16, 16), bool)
    padding[:, 12:] = True
    padding[4, 4] = True
    sample = prepare(Picture(pixels, padding=padding))
    assert np.array_equal(
        sample.pixels[0, 0], np.minimum(np.arange(16), 11).astype(np.float32) / np.float32(11)
    )
    assert abs(sample.pixels[0, 4, 4] * 11 - 4) <= 1
    assert np.array_equal(sample.valid, ~padding)


def test_a_half_size_pixel_needs_its_whole_block():
    valid = np.ones((4, 4), bool)
    valid[1, 2] = False
    assert half_valid(valid).tolist() == [[True, False], [True, True]]
    assert half_valid(None) is None
    assert prepare(padded(20, 20)).valid is not None
