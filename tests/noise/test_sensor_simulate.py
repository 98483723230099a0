"""A simulated exposure has the noise that was asked for, whatever the source brought along."""

from dataclasses import replace

import numpy as np
import pytest
from dark_builders import BLACK, PATTERN, SITES, WHITE, Sensor, picture

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture, Stored
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import preset
from denoise_studio.noise.sensor.dark_fit import profile_of
from denoise_studio.noise.sensor.model import SensorNoise, SiteNoise
from denoise_studio.noise.sensor.simulate import (
    Exposure,
    of_camera,
    of_profile,
    simulate,
    unit_factor,
)
from denoise_studio.noise.sensor.tukey import Gaussian, Tukey

SIZE = (400, 600)


def flat(level: float, **more: object) -> Picture:
    return picture(np.full(SIZE, BLACK + level, np.float32), 100, **more)


def above(result: Picture) -> np.ndarray:
    return result.pixels[0] - BLACK


def told(gain: float, read: float, **by_name: tuple[float, float]) -> SensorNoise:
    pairs = ((site.name, *by_name.get(site.name, (gain, read))) for site in SITES)
    return SensorNoise(tuple(SiteNoise(name, k, s, BLACK, WHITE) for name, k, s in pairs), iso=100)


@pytest.mark.parametrize("level", [0.0, 50.0, 2000.0])
def test_noise_of_a_clean_picture(level: float):
    noise = CameraNoise(3.0, Tukey(3.0, -0.05), row=1.0, iso=3200)
    found = simulate(flat(level), noise)
    assert above(found).mean() == pytest.approx(level, abs=0.3)
    assert above(found).var() == pytest.approx(noise.variance(level), rel=0.03)
    assert np.array_equal(found.pixels, np.rint(found.pixels))
    assert found.mosaic.iso == 3200
    assert found.mosaic.sites == SITES
    assert "ISO 3200" in found.history[-1]
    assert "taken as clean" in found.history[-1]


@pytest.mark.parametrize("level", [0.0, 30.0, 1000.0])
@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_only_what_is_missing_is_added(level: float, ratio: float):
    """The source's own noise counts: the total is that of the camera to be simulated."""
    random = np.random.default_rng(3)
    own_gain, own_read = 0.8, 3.0
    source = own_gain * random.poisson(level * ratio / own_gain, SIZE) + random.normal(0, own_read, SIZE)
    noisy = picture((source + BLACK).astype(np.float32), 100)
    noise = CameraNoise(2.0, Tukey(2.5, -0.05), row=0.5)
    found = simulate(noisy, noise, Exposure(ratio), told(own_gain, own_read))
    assert above(found).mean() == pytest.approx(level, abs=0.3)
    assert above(found).var() == pytest.approx(noise.variance(level), rel=0.03)


def test_every_class_lacks_its_own():
    random = np.random.default_rng(4)
    reads = np.tile([[1.0, 2.0], [3.0, 4.0]], (SIZE[0] // 2, SIZE[1] // 2))
    noisy = picture((random.normal(0, 1, SIZE) * reads + BLACK + 40).astype(np.float32), 100)
    source = told(1e-6, 0, R=(1e-6, 1.0), G1=(1e-6, 2.0), G2=(1e-6, 3.0), B=(1e-6, 4.0))
    noise = CameraNoise(1.0, Gaussian(6.0))
    found = above(simulate(noisy, noise, source=source))
    for y, row in enumerate(PATTERN):
        for x, _ in enumerate(row):
            assert found[y::2, x::2].var() == pytest.approx(noise.variance(40), rel=0.03)


def test_shared_noise_takes_no_more_than_is_missing():
    """Source nearly as noisy as the target: row noise gives way, the total stays."""
    random = np.random.default_rng(5)
    noisy = picture((random.normal(0, 5.0, SIZE) + BLACK + 60).astype(np.float32), 100)
    noise = CameraNoise(1.0, Gaussian(3.0), row=4.2)
    found = above(simulate(noisy, noise, source=told(1e-6, 5.0)))
    assert found.var() == pytest.approx(noise.variance(60), rel=0.05)


def test_noise_cannot_be_taken_away():
    with pytest.raises(StudioError, match=r"exposure ratio of at least 2\b"):
        simulate(flat(50), CameraNoise(1.0, Gaussian(20.0)), source=told(2.0, 3.0))
    with pytest.raises(StudioError, match="noise can only be added"):
        simulate(flat(50), CameraNoise(3.0, Gaussian(1.0)), source=told(2.0, 3.0))
    simulate(flat(50), CameraNoise(1.0, Gaussian(20.0)), Exposure(2.01), source=told(2.0, 3.0))


def test_less_light_and_brightened_again():
    noise = CameraNoise(2.0, Gaussian(4.0))
    dark = simulate(flat(1000), noise, Exposure(100))
    bright = simulate(flat(1000), noise, Exposure(100, brighten=True))
    assert above(dark).mean() == pytest.approx(10, abs=0.1)
    np.testing.assert_allclose(above(bright), 100 * above(dark), atol=1e-2)
    assert above(bright).var() == pytest.approx(100**2 * noise.variance(10), rel=0.03)
    assert "1/100 of the light, brightened again" in bright.history[-1]


def test_ends_of_the_scale():
    noise = CameraNoise(30.0, Gaussian(300.0))
    low, high = simulate(flat(0), noise), simulate(flat(WHITE - BLACK), noise)
    assert low.pixels.min() == 0
    assert high.pixels.max() == WHITE
    assert (high.pixels == WHITE).mean() > 0.4


def test_row_noise_lies_along_the_sensors_rows():
    noise = CameraNoise(1.0, Gaussian(1.0), row=5.0)
    stored = np.full(SIZE, BLACK + 100, np.float32)
    plain = above(simulate(picture(stored, 100), noise))
    turned = above(simulate(picture(stored, 100, orientation=6), noise))
    assert plain.mean(axis=1).std() > 5 * plain.mean(axis=0).std()
    assert turned.mean(axis=0).std() > 5 * turned.mean(axis=1).std()


def test_seeded():
    one, two, other = (
        simulate(flat(10), CameraNoise(1.0, Gaussian(1.0)), Exposure(seed=s)) for s in (1, 1, 2)
    )
    assert np.array_equal(one.pixels, two.pixels)
    assert not np.array_equal(one.pixels, other.pixels)


def test_values_without_steps_stay_so():
    floating = replace(flat(50), stored=Stored("float32", 32))
    found = simulate(floating, CameraNoise(1.0, Gaussian(2.0)))
    assert not np.array_equal(found.pixels, np.rint(found.pixels))
    assert above(found).var() == pytest.approx(50 + 4, rel=0.03)


def test_presets_in_the_pictures_units():
    """A phone's 10 bits in a picture of 14: sixteen DN for each."""
    shown = flat(0)
    assert unit_factor(shown, 14) == 1
    assert unit_factor(shown, 10) == 16
    phone = of_camera(shown, preset("IMX686"), iso=6400)
    assert phone.gain == pytest.approx(16 * 8.743)
    assert phone.iso == 6400
    assert of_camera(shown, preset("SonyA7S2"), gain=1.0).gain == 1.0
    with pytest.raises(StudioError, match="ISO or a gain"):
        of_camera(shown, preset("SonyA7S2"))


def test_dark_frames_as_the_camera():
    sensor = Sensor(size=SIZE)
    profile = profile_of(list(sensor.frames(800, 10)))
    clean = picture(np.full(SIZE, BLACK + 40, np.float32), 800, camera=sensor.camera)
    noise, level = of_profile(clean, profile, gain=1.5, iso=800)
    found = above(simulate(clean, noise, dark=level))
    assert noise.dark_sd == pytest.approx(sensor.noise(800).dark_sd, rel=0.02)
    rest = found - sensor.level(800)
    cold = np.ones(SIZE, bool)
    cold[tuple(sensor.hot_places().T)] = False
    assert rest[cold].mean() == pytest.approx(40, abs=4 * sensor.jitter / np.sqrt(10) + 0.2)
    # What the ten frames left in the shading counts as noise as well: less than 4 % of it.
    assert rest[cold].var() == pytest.approx(1.5 * 40 + sensor.noise(800).dark_sd ** 2, rel=0.04)
    with pytest.raises(StudioError, match="is of"):
        of_profile(flat(1), profile, 1.0, 800)


def test_nonsense_is_refused():
    with pytest.raises(StudioError, match="raw file"):
        simulate(replace(flat(1), mosaic=None), CameraNoise(1.0, Gaussian(1.0)))
    with pytest.raises(StudioError, match="ratio"):
        Exposure(0.0)
