"""What Filter2Noise's fit makes of pictures: units, sizes, padding, progress, and that it helps."""

from dataclasses import replace

import numpy as np
import pytest
from builders import noisy, padded

from denoise_studio.core.denoiser import Tile
from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.fitted import FitTask
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.denoisers.filter2noise import FILTER2NOISE as METHOD

torch = pytest.importorskip("torch")

from denoise_studio.denoisers.filter2noise.fit import Training  # noqa: E402
from denoise_studio.denoisers.filter2noise.sampling import prepare  # noqa: E402
from denoise_studio.denoisers.filter2noise.stages import denoise  # noqa: E402


def task(picture, stages="2", steps=30, **more):
    return FitTask(picture, {"stages": stages, "steps": steps, "dog_weight": 350.0}, **more)


def fit(picture, stages="2", steps=30, **more):
    return METHOD.load_fit()(task(picture, stages, steps, **more))


def values_of(fitted):
    return {name: np.unique(m.values) for name, m in fitted.maps.items()}


def assert_same(one, two):
    assert one.curve == two.curve
    assert one.maps.keys() == two.maps.keys()
    for name, found in one.maps.items():
        assert np.array_equal(found.values, two.maps[name].values), name


def denoised(picture, fitted, stages="2"):
    """The tile function on the whole picture, with the maps as the engine hands them over."""
    rect, values = picture.rect, {"stages": stages}
    values |= {name: found.at(rect) for name, found in fitted.maps.items()}
    windows = {name: float(v.max()) for name, v in values.items() if name.startswith("window")}
    halo = METHOD.halo(Values({"stages": stages, **windows}))

    def wide(array):
        around = [(0, 0)] * (array.ndim - 2) + [(halo, halo)] * 2
        return np.ascontiguousarray(np.pad(array, around, mode="reflect"))

    cut = {name: wide(v) if isinstance(v, np.ndarray) else v for name, v in values.items()}
    valid = None if picture.padding is None else wide(~picture.padding)
    return METHOD.load()(Tile(wide(picture.pixels), valid, halo, cut, 0.0, picture.value_range))


def squares(size, channels=1):
    """Flat squares on a slope: edges to keep and areas to smooth."""
    y, x = np.mgrid[0:size, 0:size] / size
    clean = 0.3 + 0.2 * y + 0.4 * ((x * 3 % 1 > 0.4) & (y * 2 % 1 > 0.3))
    return np.broadcast_to(clean, (channels, size, size)).astype(np.float32)


def psnr(picture, clean):
    return -10 * np.log10(np.mean((picture.astype(np.float64) - clean) ** 2))


@pytest.mark.parametrize("stages", ["1", "2"])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_noise_away_and_the_loss_falls(stages, channels):
    """White noise of sd 0.06 has 24.4 dB; a mean of nine would gain 9.5 dB away from edges.

    Half of that is asked for: far more than leaving the picture alone or blurring its edges gives.
    """
    clean = squares(64, channels)
    noise = np.random.default_rng(8).normal(0, 0.06, clean.shape).astype(np.float32)
    picture = Picture(clean + noise)
    fitted = fit(picture, stages, 150)
    result = denoised(picture, fitted, stages)
    assert psnr(result, clean) > psnr(picture.pixels, clean) + 4.5
    assert len(fitted.curve) == 150
    assert np.mean(fitted.curve[-10:]) < 0.9 * fitted.curve[0]
    assert fitted.final


def test_names_and_shapes_of_the_maps():
    picture = Picture(noisy(37, 50))
    for stages in ("1", "2"):
        maps = fit(picture, stages, 1).maps
        kinds = ("sigma_x", "sigma_y", "sigma_r", "window")
        assert set(maps) == {f"{kind}_{n}" for kind in kinds for n in range(1, int(stages) + 1)}
        for name, found in maps.items():
            if not name.startswith("window"):
                assert (found.values.shape, found.block) == ((5, 7), 8)
                assert METHOD.parameter(name).minimum <= found.values.min()
            assert found.values.dtype == np.float32
        largest = max(maps[f"sigma_{axis}_1"].values.max() for axis in "xy")
        assert maps["window_1"].at(picture.rect)[36, 49] == np.ceil(largest)


def test_tiles_filter_as_the_training_does():
    picture = Picture(noisy(48, 64))
    fitted = fit(picture, steps=30)
    sample = prepare(picture)
    training = Training(sample, 2, 30, 350.0)
    for _ in range(30):
        training.step()
    with torch.no_grad():
        wanted = denoise(training.predictors, torch.from_numpy(sample.pixels))[0].numpy()
    result = (denoised(picture, fitted) - picture.value_range[0]) / sample.span
    assert np.abs(result - wanted).max() < 1e-5


@pytest.mark.parametrize(("gain", "offset"), [(4096.0, 0.0), (0.125, 0.0)])
def test_the_same_in_every_unit_to_the_last_bit(gain, offset):
    pixels = noisy(32, 40)
    one, two = fit(Picture(pixels)), fit(Picture(gain * pixels + offset))
    assert one.curve == two.curve
    for name, found in one.maps.items():
        factor = gain if name.startswith("sigma_r") else 1.0
        assert np.array_equal(factor * found.values, two.maps[name].values)


def test_the_same_in_hu_and_between_0_and_1():
    hu = np.round(-1000 + 2500 * noisy(48, 48)).astype(np.float32)
    low, span = hu.min(), np.ptp(hu)
    unit = Picture(((hu - low) / span).astype(np.float32))
    one, two = fit(Picture(hu), steps=60), fit(unit, steps=60)
    assert np.allclose(one.curve, two.curve, rtol=1e-5)
    for name, found in one.maps.items():
        factor = span if name.startswith("sigma_r") else 1.0
        assert np.allclose(found.values, factor * two.maps[name].values, rtol=1e-3), name
    difference = (denoised(Picture(hu), one) - low) / span - denoised(unit, two)
    assert np.abs(difference).max() < 1e-4


def test_another_size_is_its_reflection_up_to_sixteen():
    pixels = noisy(37, 50)
    grown = np.pad(pixels, [(0, 0), (0, 11), (0, 14)], mode="reflect")
    one, two = fit(Picture(pixels), "1"), fit(Picture(grown), "1")
    assert one.curve == two.curve
    assert np.array_equal(one.maps["sigma_r_1"].values, two.maps["sigma_r_1"].values[:5, :7])


def test_padding_makes_no_difference():
    picture = padded(40, 45)
    other = picture.pixels.copy()
    other[:, picture.padding] = 1e6
    changed = replace(picture, pixels=other)
    one, two = fit(picture), fit(changed)
    assert_same(one, two)
    result = denoised(picture, one)
    assert np.isfinite(result[:, ~picture.padding]).all()


def test_a_seed_gives_the_same_maps_and_another_seed_others():
    picture = Picture(noisy(32, 32))
    state = torch.random.get_rng_state()
    assert_same(fit(picture), fit(picture))
    assert fit(picture).curve != fit(picture, seed=1).curve
    assert torch.equal(state, torch.random.get_rng_state())


def test_spread_makes_no_difference():
    picture = Picture(noisy(80, 64))
    assert_same(fit(picture, steps=3), fit(picture, steps=3, spread=lambda f, items: [f(i) for i in items]))


def test_progress_and_publishing():
    heard, published = [], []
    progress = Progress(lambda fraction, text: heard.append((fraction, text)))
    fitted = fit(Picture(noisy(16, 16)), steps=50, progress=progress, publish=published.append)
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert len(fractions) == 51
    assert fractions[-1] == 1.0
    assert [len(p.curve) for p in published] == [1, 21, 41]
    for p in published:
        assert not p.final
        assert p.maps.keys() == fitted.maps.keys()
        assert p.curve == fitted.curve[: len(p.curve)]


def test_cancel_within_a_step():
    heard = []

    def listen(fraction, text):
        heard.append(text)
        if len(heard) == 3:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        fit(Picture(noisy(16, 16)), progress=progress)
    assert len(heard) == 3


@pytest.mark.parametrize("after", [2, 40, 90])
def test_cancel_in_the_middle_of_a_step(after):
    """On the way there or back: some block of work notices."""
    progress, calls = Progress(), []

    def spread(work, items):
        calls.append(len(calls))
        if len(calls) == after:
            progress.cancel()
        return map(work, items)

    with pytest.raises(Cancelled):
        fit(Picture(noisy(16, 16)), progress=progress, spread=spread)
    assert len(calls) == after


def test_a_thread_without_gradients_can_fit():
    picture = Picture(noisy(16, 16))
    wanted = fit(picture)
    with torch.no_grad():
        assert_same(fit(picture), wanted)
        assert not torch.is_grad_enabled()


def test_torch_is_as_before_afterwards():
    small, threads = torch.tensor([1e-40]), torch.get_num_threads()
    fit(Picture(noisy(16, 16)), steps=1)
    assert (small * 0.5).item() > 0
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("stages", ["1", "2"])
def test_a_constant_picture_stays(stages):
    picture = Picture(np.full((1, 20, 30), -1000.0, np.float32))
    fitted = fit(picture, stages)
    assert "one value" in fitted.note
    assert np.array_equal(denoised(picture, fitted, stages), picture.pixels)


def test_all_padding_stays():
    pixels = np.zeros((1, 20, 30), np.float32)
    picture = Picture(pixels, padding=np.ones((20, 30), bool))
    assert np.array_equal(denoised(picture, fit(picture)), pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (7, 15), (17, 5)])
def test_tiny_pictures(shape):
    picture = Picture(noisy(*shape, channels=3))
    result = denoised(picture, fit(picture, steps=30))
    low, high = picture.value_range
    assert result.shape == picture.pixels.shape
    assert low - 1e-6 <= result.min() <= result.max() <= high + 1e-6


def test_a_single_valid_pixel():
    padding = np.ones((20, 20), bool)
    padding[5, 6:8] = False
    picture = Picture(noisy(20, 20), padding=padding)
    result = denoised(picture, fit(picture))
    assert np.isfinite(result[:, ~padding]).all()


def test_too_large_a_picture_is_refused_in_a_sentence():
    pixels = np.zeros((1, 2049, 2048), np.float32)
    with pytest.raises(StudioError, match="2048 x 2049 pixels are too many"):
        fit(Picture(pixels))


def test_a_training_that_diverges_says_so(monkeypatch):
    monkeypatch.setattr(Training, "step", lambda self: (float("nan"), []))
    with pytest.raises(StudioError, match="diverged at step 1"):
        fit(Picture(noisy(16, 16)))
