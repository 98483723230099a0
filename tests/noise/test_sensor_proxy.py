"""The trained generator of read noise: closer to held-out dark frames than a Gaussian, seeded, in a file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from dark_builders import Sensor

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.noise.sensor.dark_file import load_profile, save_profile
from denoise_studio.noise.sensor.dark_fit import profile_of
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.proxy import Proxy
from denoise_studio.noise.sensor.proxy_training import with_proxy
from denoise_studio.noise.sensor.tukey import Tukey

SENSOR = Sensor(size=(192, 256), pattern_sd=0.1, read=Tukey(1.9, -0.15))
LEVELS = (np.arange(1000) + 0.5) / 1000


@pytest.fixture(scope="module")
def profile() -> DarkProfile:
    frames = [frame for iso in (800, 3200) for frame in SENSOR.frames(iso, 8)]
    return with_proxy(profile_of(frames), steps=300, seed=3)


def distance(one: np.ndarray, other: np.ndarray, sd: float) -> float:
    """Mean difference of quantiles in sds."""
    return float(np.abs(np.quantile(one, LEVELS) - np.quantile(other, LEVELS)).mean() / sd)


def fresh(iso: float, seed: int) -> np.ndarray:
    """Pixel noise of frames that nobody has seen, without rounding."""
    read = SENSOR.noise(iso).read
    u = np.random.default_rng(seed).random(400_000)
    return read.scale * (u**read.shape - (1 - u) ** read.shape) / read.shape


@pytest.mark.parametrize("iso", [800, 3200])
def test_closer_than_a_gaussian(profile: DarkProfile, iso: float):
    random, held_out = np.random.default_rng(6), fresh(iso, 1)
    sd = float(held_out.std())
    gaussian = distance(random.normal(0, sd, 400_000), held_out, sd)
    drawn = profile.proxy.at(iso).draw(random, (400, 1000))
    assert drawn.dtype == np.float32
    assert distance(drawn, held_out, sd) < gaussian / 4
    assert distance(profile.at(iso).quantiles.draw(random, (400_000,)), held_out, sd) < gaussian / 10
    assert distance(profile.at(iso).tukey.draw(random, (400_000,)), held_out, sd) < gaussian / 10


def test_moments_are_those_it_draws(profile: DarkProfile):
    noise = profile.proxy.at(1600)
    drawn = noise.draw(np.random.default_rng(2), (1000, 1000))
    assert drawn.mean() == pytest.approx(0, abs=0.02 * np.sqrt(noise.variance))
    assert drawn.var() == pytest.approx(noise.variance, rel=0.01)
    assert noise.scaled(3.0).variance == pytest.approx(9 * noise.variance)
    assert profile.at(800).read_sd ** 2 < noise.variance < profile.at(3200).read_sd ** 2


def test_same_seed_same_weights():
    frames = list(SENSOR.frames(800, 2))
    profile = profile_of(frames)
    threads = torch.get_num_threads()
    one, two, three = (with_proxy(profile, 10, seed).proxy.arrays() for seed in (1, 1, 2))
    assert torch.get_num_threads() == threads
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert any(not np.array_equal(one[name], three[name]) for name in one)


def test_kept_in_the_profile(profile: DarkProfile, tmp_path: Path):
    save_profile(profile, tmp_path / "p.npz")
    back = load_profile(tmp_path / "p.npz")
    draws = (
        p.noise(1.0, 800, proxy=True).read.draw(np.random.default_rng(0), (50,)) for p in (profile, back)
    )
    assert np.array_equal(*draws)
    with np.load(tmp_path / "p.npz") as file:
        arrays = dict(file)
    arrays["proxy_pre.in.weight"] = arrays["proxy_pre.in.weight"][:, :-1]
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(StudioError, match="damaged"):
        load_profile(tmp_path / "p.npz")


def test_without_one(profile: DarkProfile):
    with pytest.raises(StudioError, match="no trained generator"):
        profile_of(list(SENSOR.frames(800, 2))).noise(1.0, 800, proxy=True)
    with pytest.raises(ValueError):
        Proxy.from_arrays({})
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        with_proxy(profile, 10, progress=progress)
