"""Simulated exposures as a person asks for them: what a wish comes to, and what the new picture is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from raw_builders import BLACK, WHITE, exposed, mosaic, patches, raw

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.picture import Picture, Source
from denoise_studio.core.progress import Progress
from denoise_studio.engine.sensor import sensor_noise
from denoise_studio.engine.simulating import (
    Setting,
    Way,
    Wish,
    cameras,
    own_settings,
    plan,
    simulated,
    title,
)

GAIN, READ = 1.0, 4.0


@pytest.fixture(scope="module")
def shot() -> Picture:
    values = exposed(patches(512, 512), GAIN, READ, 1)
    layout = mosaic(iso=200.0, camera="Studio One")
    source = Source("camera-raw", Path("folder") / "shot.dng", metadata="kept", sha256="1234")
    return raw(values, layout, name="shot.dng", source=source)


@pytest.fixture(scope="module")
def own(shot):
    return sensor_noise(shot)


def test_own_settings_are_higher_isos(shot):
    assert [setting.iso for setting in own_settings(shot)][:3] == [400.0, 800.0, 1600.0]
    assert own_settings(shot)[1].label == "ISO 800 (4 × its gain)"
    unknown = replace(shot, mosaic=replace(shot.mosaic, iso=None))
    assert own_settings(unknown)[1].label == "4 × its gain"


def test_cameras_name_only_isos_that_they_cover(shot, own):
    found = cameras()
    assert len(found) > 5
    assert len({camera.label for camera in found}) == len(found)
    for camera in found:
        assert camera.settings, camera.key
        for setting in camera.settings:
            assert plan(shot, own, Wish(Way.CAMERA, setting, camera.key)).noise.gain > 0


def test_a_higher_iso_of_its_own_sensor_has_that_noise(shot, own):
    result = simulated(shot, own, Wish(Way.OWN, Setting(8.0, 1600.0)), Progress())
    found = sensor_noise(result)
    assert found.gain == pytest.approx(8 * GAIN, rel=0.08)
    assert found.read == pytest.approx(8 * READ, rel=0.12)
    assert result.mosaic.iso == 1600
    assert result.name == "shot.dng @ ISO 1600 (simulated)"
    assert result.pixels.shape == shot.pixels.shape
    assert result.nominal_range == shot.nominal_range


def test_numbers_of_ones_own_in_less_light_and_brightened_again(shot, own):
    wish = Wish(Way.NUMBERS, gain=2.0, read=10.0, ratio=4.0, seed=3)
    result = simulated(shot, own, wish, Progress())
    assert np.median(result.pixels - BLACK) == pytest.approx(np.median(shot.pixels - BLACK), rel=0.1)
    assert "1/4 of the light, brightened again" in result.history[-1]
    assert title(shot, wish) == "shot.dng @ K 2, s 10 DN, 1/4 light (simulated)"
    darker = simulated(shot, own, replace(wish, brighten=False), Progress())
    assert np.median(darker.pixels - BLACK) == pytest.approx(np.median(shot.pixels - BLACK) / 4, rel=0.2)
    assert wish.is_comparable
    assert not replace(wish, brighten=False).is_comparable
    assert replace(wish, brighten=False, ratio=1.0).is_comparable
    again = simulated(shot, own, wish, Progress())
    np.testing.assert_array_equal(again.pixels, result.pixels)
    other = simulated(shot, own, replace(wish, seed=4), Progress())
    assert (other.pixels != result.pixels).mean() > 0.5


def test_the_new_picture_belongs_to_no_file_and_no_table(shot, own):
    result = simulated(shot, own, Wish(Way.OWN, Setting(4.0, 800.0)), Progress())
    assert result.source.path is None
    assert result.source.metadata == "kept"
    assert result.source.sha256 == ""
    assert result.mosaic.camera == ""
    assert result.mosaic.masked == {}
    assert shot.source.path is not None


def test_noise_cannot_be_taken_away_and_the_ratio_that_helps_is_right(shot, own):
    wish = Wish(Way.NUMBERS, gain=0.5, read=4.0)
    planned = plan(shot, own, wish)
    assert "noise can only be added" in planned.problem
    assert planned.ratio == pytest.approx(2, rel=0.1)
    with pytest.raises(StudioError, match="noise can only be added"):
        simulated(shot, own, wish, Progress())
    enough = replace(wish, ratio=planned.ratio * 1.01)
    assert plan(shot, own, enough).problem == ""
    assert simulated(shot, own, enough, Progress()).pixels.max() <= WHITE


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (Wish(Way.NUMBERS, gain=0.0), "gain K must be above 0"),
        (Wish(Way.OWN), "No ISO"),
        (Wish(Way.DARK, Setting(4.0, 800.0)), "No profile"),
        (Wish(Way.CAMERA, Setting(0.0, 800.0), "No Such Camera"), "no camera preset"),
        (Wish(Way.CAMERA, Setting(0.0, 1e7), "IMX385"), "not calibrated"),
    ],
)
def test_wishes_that_are_none(shot, own, wish, text):
    with pytest.raises(StudioError, match=text):
        plan(shot, own, wish)


def test_it_can_be_stopped(shot, own):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        simulated(shot, own, Wish(Way.OWN, Setting(4.0, 800.0)), progress)
