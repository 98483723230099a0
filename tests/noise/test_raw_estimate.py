from dataclasses import replace

import numpy as np
import pytest
from raw_builders import BLACK, WHITE, exposed, mosaic, patches, raw, with_masked

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.noise.of_picture import estimate_noise
from denoise_studio.noise.sensor.estimate import Known, estimate_sensor
from denoise_studio.noise.sensor.pieces import MOST, SIDE, pieces_of
from denoise_studio.noise.sensor.windows import windows_of


def total(read):
    """The sd without light, rounding included."""
    return np.sqrt(read**2 + 1 / 12)


@pytest.mark.parametrize(("gain", "read"), [(0.3, 2.0), (2.0, 5.0), (12.0, 30.0)])
def test_gain_and_read_noise_are_found(gain, read):
    found = estimate_sensor(raw(exposed(patches(1024, 1024), gain, read, 1)))
    for site in found.sites:
        assert site.gain == pytest.approx(gain, rel=0.06)
        assert site.read == pytest.approx(total(read), rel=0.12)
        assert site.confidence > 0.6
    assert found.stage == "coarse"
    assert [site.name for site in found.sites] == ["R", "G1", "G2", "B"]


def test_the_fine_step_uses_what_the_denoiser_gives():
    light = patches(1024, 1024)
    picture = raw(exposed(light, 2.0, 5.0, 1))
    seen = []

    def perfect(part, own, noise):
        seen.append(part.shape)
        return (light[: part.shape[0], : part.shape[1]] + BLACK).astype(np.float32)

    small = raw(picture.pixels[0, :512, :512])
    found = estimate_sensor(small, denoise=perfect)
    assert found.stage == "fine"
    assert seen == [(512, 512)]
    assert found.gain == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize("offset", [-5.0, -2.0, 0.0, 3.0, 5.0])
def test_masked_pixels_show_the_true_black_level(offset):
    gain, read = 2.0, 5.0
    layout = with_masked(mosaic(), gain, read, BLACK + offset)
    found = estimate_sensor(raw(exposed(patches(), gain, read, 2, BLACK + offset), layout))
    assert found.black.source == "masked pixels"
    assert found.black.offset == pytest.approx(offset, abs=0.5)
    assert found.sites[0].black == pytest.approx(BLACK + offset, abs=0.5)
    assert bool(found.black.warning) == (offset != 0)
    assert found.sites[0].read == pytest.approx(total(read), rel=0.05)


def test_the_correction_can_be_declined():
    layout = with_masked(mosaic(), 2.0, 5.0, BLACK + 4)
    found = estimate_sensor(raw(exposed(patches(), 2.0, 5.0, 2, BLACK + 4), layout), correct_black=False)
    assert [site.black for site in found.sites] == [BLACK] * 4
    assert "4" in found.black.warning
    assert "corrected" not in found.black.warning


def test_a_known_read_noise_tells_the_offset_where_the_line_is_sure():
    gain, read, offset = 8.0, 8.0, 4.0
    light = patches(2048, 2048, low=8.0)
    picture = raw(exposed(light, gain, read, 3, BLACK + offset))
    found = estimate_sensor(picture, Known(read=float(total(read)), source="read noise"))
    assert found.black.offset == pytest.approx(offset, abs=0.5)
    assert "above" in found.black.warning


def test_one_scene_alone_leaves_an_interval_that_holds_the_truth():
    for offset in (-5.0, 0.0, 5.0):
        found = estimate_sensor(raw(exposed(patches(), 2.0, 5.0, 4, BLACK + offset)))
        assert found.black.source == "scene"
        assert found.black.offset == 0
        low, high = found.black.interval
        assert low < offset < high


def test_dark_frames_win_over_masked_pixels():
    layout = with_masked(mosaic(), 2.0, 5.0, BLACK + 1)
    known = Known(read=5.0, black=dict.fromkeys(("R", "G1", "G2", "B"), 3.0), source="dark frames")
    found = estimate_sensor(raw(exposed(patches(), 2.0, 5.0, 5, BLACK + 3), layout), known)
    assert found.black.source == "dark frames"
    assert found.sites[2].black == BLACK + 3


def test_texture_everywhere_is_no_confident_answer():
    random = np.random.default_rng(6)
    # Every pixel another shade: no flat place at all, and far more variance than noise.
    light = np.kron(random.uniform(100, 9000, (256, 256)), np.ones((2, 2)))
    found = estimate_sensor(raw(exposed(light, 0.2, 2.0, 7)))
    assert all(site.gain > 0 and site.read > 0 for site in found.sites)
    assert found.confidence < 0.3


def test_a_picture_that_is_all_white_says_so():
    with pytest.raises(StudioError, match="clipped at white"):
        estimate_sensor(raw(np.full((128, 128), WHITE)))


def test_clipped_parts_do_not_count():
    light = patches(1024, 1024, high=30000.0)
    found = estimate_sensor(raw(exposed(light, 2.0, 5.0, 8)))
    assert found.gain == pytest.approx(2.0, rel=0.06)


def test_no_noise_at_all_is_no_failure():
    found = estimate_sensor(raw(np.rint(patches() + BLACK)))
    assert all(np.isfinite((site.gain, site.read)).all() and site.read > 0 for site in found.sites)


@pytest.mark.parametrize("shape", [(2, 2), (16, 16), (40, 33), (31, 500)])
def test_tiny_pictures_get_a_guess_without_confidence(shape):
    found = estimate_sensor(raw(exposed(np.full(shape, 500.0), 1.0, 3.0, 9)))
    assert found.confidence < 0.3
    assert found.notes


def test_other_patterns_are_refused():
    six = tuple(tuple((y + x) % 3 for x in range(6)) for y in range(6))
    sites = tuple(Photosite(name, i, BLACK, WHITE) for i, name in enumerate("RGB"))
    with pytest.raises(StudioError, match="Bayer"):
        estimate_sensor(raw(np.full((64, 64), 900.0), Mosaic(six, sites)))


def test_every_pattern_gives_the_same_numbers():
    pixels = exposed(patches(), 2.0, 5.0, 10)
    whole = estimate_sensor(raw(pixels))
    moved = estimate_sensor(raw(pixels[1:, 1:], mosaic().shifted(1, 1)))
    assert moved.gain == pytest.approx(whole.gain, rel=0.03)
    assert [site.name for site in moved.sites] == ["R", "G1", "G2", "B"]


def test_windows_lie_where_they_say():
    pixels = np.full((64, 64), 1000.0, np.float32)
    pixels += np.random.default_rng(0).normal(0, 3, pixels.shape).astype(np.float32)
    found = windows_of(pixels, mosaic())
    assert [tuple(place) for place in found["G1"].place] == [(0, 1), (32, 1)]
    first = found["R"]
    own = pixels[0:32:2, 0:32:2]
    assert first.mean[0] == pytest.approx(own.mean(), rel=1e-6)


def test_the_fine_step_looks_at_few_pieces_of_a_large_picture():
    picture = raw(exposed(patches(4096, 3072), 2.0, 5.0, 11))
    found = windows_of(picture.pixels[0], picture.mosaic)
    rects = pieces_of(found, picture.width, picture.height)
    assert len(rects) == MOST
    assert all(rect.width == rect.height == SIDE for rect in rects)
    assert len(set(rects)) == MOST


def test_the_one_estimate_knows_every_pixels_class():
    light = np.full((512, 512), 800.0)
    light[0::2, 0::2] *= 4  # red sees more
    estimate = estimate_noise(raw(exposed(light, 2.0, 5.0, 12)))
    sd = estimate.sd_map(512, 512)[0]
    found = estimate.sensor
    for y, x, level in ((0, 0, 3200.0), (0, 1, 800.0), (1, 1, 800.0)):
        site = found.sites[2 * y + x]
        assert sd[200 + y, 200 + x] == pytest.approx(np.sqrt(site.gain * level + site.read**2), rel=0.03)
    assert estimate.describe()["model"] == "poisson-gauss"


def test_what_is_printed_has_the_promised_form():
    found = estimate_sensor(raw(exposed(patches(), 2.0, 5.0, 13), replace(mosaic(), iso=800.0)))
    plain = found.describe()
    assert plain["model"] == "poisson-gauss"
    assert plain["iso"] == 800
    assert set(plain["channels"]) == {"R", "G1", "G2", "B"}
    assert {"K", "s", "black", "white", "confidence"} <= set(plain["channels"]["R"])
    assert 0 <= plain["channels"]["R"]["confidence"] <= 1
