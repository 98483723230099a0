"""DNG out: the sensor's own numbers, layout and fields come back; other programs read it."""

import hashlib
import io
import shutil
import subprocess

import numpy as np
import pytest
import rawpy
import tifffile
from dng_files import GBRG, NEUTRAL, RGGB, X_TRANS, dng, jpeg
from PIL import Image

from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture
from denoise_studio.formats.dng_write import raw_image_digest

BLACKS = (500, 512, 516, 520)


def values(height=60, width=72, seed=1, low=400, high=16000):
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint16)


def saved(picture, path, **options):
    report = save_picture(picture, path, SaveOptions(preview=jpeg(), **options))
    return report, open_picture(path)


def tags(path):
    """All fields by directory: the first one's, and the mosaic's."""
    with tifffile.TiffFile(path) as file:
        first = file.pages[0]
        below = first.pages[0] if first.pages else first
        return {t.code: t.value for t in first.tags}, {t.code: t.value for t in below.tags}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_pixel_and_its_colour_come_back(tmp_path, orientation, order):
    stored = values(61, 74)
    source = dng(tmp_path / "a.dng", stored, RGGB, BLACKS, order=order, fields=[(274, "H", 1, orientation)])
    picture = open_picture(source)
    assert picture.orientation == orientation
    report, back = saved(picture, tmp_path / "b.dng")
    assert report.clipped == 0
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert (back.mosaic.pattern, back.mosaic.sites) == (picture.mosaic.pattern, picture.mosaic.sites)
    assert back.orientation == orientation
    assert back.mosaic.colour.white_balance == pytest.approx((2.0, 1.0, 1.6), rel=1e-5)
    np.testing.assert_allclose(back.mosaic.colour.to_srgb, picture.mosaic.colour.to_srgb, atol=1e-6)
    # The sensor's own layout: the same numbers at the same places, four times as fine.
    with tifffile.TiffFile(tmp_path / "b.dng") as file:
        assert file.byteorder == order
        mosaic = file.pages[0].pages[0]
        np.testing.assert_array_equal(mosaic.asarray(), stored * 4)
        found = {tag.code: tag.value for tag in mosaic.tags}
    assert found[33422] == bytes((0, 1, 1, 2))
    assert found[50714] == tuple(4 * black for black in BLACKS)
    assert found[50717] == 4 * 16383


@pytest.mark.parametrize("pattern", [GBRG, X_TRANS])
@pytest.mark.parametrize("orientation", [1, 6])
def test_other_patterns_come_back(tmp_path, pattern, orientation):
    source = dng(tmp_path / "a.dng", values(66, 77), pattern, fields=[(274, "H", 1, orientation)])
    picture = open_picture(source)
    _, back = saved(picture, tmp_path / "b.dng")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.mosaic.pattern == picture.mosaic.pattern
    assert [site.colour for site in back.mosaic.sites] == [site.colour for site in picture.mosaic.sites]
    assert tags(tmp_path / "b.dng")[1][33422] == bytes(np.ravel(pattern).tolist())


@pytest.mark.parametrize(("white", "scale"), [(255, 256), (1023, 64), (4095, 16), (15000, 4), (65535, 1)])
def test_values_are_as_fine_as_sixteen_bits_allow(tmp_path, white, scale):
    picture = open_picture(dng(tmp_path / "a.dng", values(low=40, high=white), black=32, white=white))
    fraction = picture.derive(np.minimum(picture.pixels + np.float32(0.3), white))
    encoded = encode_for(fraction, tmp_path / "b.dng")
    assert encoded.stored.slope == 1 / scale
    np.testing.assert_allclose(encoded.pixels, fraction.pixels, atol=0.5 / scale)
    _, back = saved(fraction, tmp_path / "b.dng")
    np.testing.assert_array_equal(back.pixels, encoded.pixels)
    assert back.nominal_range == picture.nominal_range


def test_saving_a_saved_file_again_changes_nothing(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", values(), fields=[(270, "s", 0, "A lamp")]))
    _, once = saved(picture.derive(picture.pixels + np.float32(0.25), history=("one",)), tmp_path / "b.dng")
    _, twice = saved(once.derive(once.pixels, history=("two",)), tmp_path / "c.dng")
    np.testing.assert_array_equal(twice.pixels, once.pixels)
    assert twice.source.metadata.history == ("one", "two")
    text = tags(tmp_path / "c.dng")[0][270]
    assert text.startswith("A lamp")
    assert text.count("denoise_studio") == 1


def test_a_hot_pixel_far_above_white_is_kept_and_what_cannot_be_is_counted(tmp_path):
    stored = values(high=7000)
    stored[::7, ::5] = 8000  # where this sensor saturates
    stored[3, 4] = 16000
    picture = open_picture(dng(tmp_path / "a.dng", stored, white=8000))
    report, back = saved(picture, tmp_path / "b.dng")
    assert report.clipped == 0
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    low = picture.pixels.copy()
    low[0, 0, :3] = -1.0
    assert saved(picture.derive(low), tmp_path / "c.dng")[0].clipped == 3


def test_the_digest_is_that_of_the_dng_specification():
    small = values(100, 120)
    expected = hashlib.md5(hashlib.md5(small.astype("<u2").tobytes()).digest())
    assert raw_image_digest(small) == expected.digest()
    wide = values(100, 300)  # two squares side by side
    halves = [hashlib.md5(part.astype("<u2").tobytes()).digest() for part in (wide[:, :256], wide[:, 256:])]
    assert raw_image_digest(wide) == hashlib.md5(b"".join(halves)).digest()
    assert raw_image_digest(wide.astype(">u2")) == raw_image_digest(wide)


@pytest.mark.parametrize("order", ["<", ">"])
def test_fields_that_stay_true_are_kept_and_others_left_out(tmp_path, order):
    opcodes = bytes(range(24))
    fields = [
        (50730, "2i", 1, (3, 4)),  # BaselineExposure
        (50936, "s", 0, "A profile"),
        (50940, "f", 4, (0.0, 0.0, 1.0, 1.0)),  # ProfileToneCurve
        (50971, "s", 0, "2020-01-01T00:00:00"),  # PreviewDateTime
        (50781, "B", 16, bytes(range(16))),  # RawDataUniqueID
    ]
    below = [
        (51008, "B", 24, opcodes),
        (51009, "B", 24, opcodes),
        (51041, "d", 2, (1e-4, 1e-6)),
        (50719, "I", 2, (4, 6)),
        (50720, "I", 2, (60, 44)),
    ]
    source = dng(tmp_path / "a.dng", values(), order=order, fields=fields, raw_fields=below, preview=True)
    report, _ = saved(open_picture(source), tmp_path / "b.dng", noise_reduction=0.7)
    first, mosaic = tags(tmp_path / "b.dng")
    assert first[50730] == (3, 4)
    assert first[50936] == "A profile"
    assert first[50940] == (0.0, 0.0, 1.0, 1.0)
    assert (first[50935], first[50706]) == ((70, 100), b"\x01\x04\x00\x00")
    assert first[50707] == b"\x01\x03\x00\x00"  # opcodes need version 1.3
    assert first[50827] == "a.dng"
    assert first[50728] == tuple(x for v in NEUTRAL for x in (v, 10000))
    assert first[50781] != bytes(range(16))
    assert bytes(first[51111]) == raw_image_digest(values() * 4)
    assert mosaic[51009] == opcodes
    assert (mosaic[50719], mosaic[50720]) == ((4, 6), (60, 44))
    assert not {51008, 51041, 50971} & (first.keys() | mosaic.keys())
    assert sum("left out" in sentence for sentence in report.dropped) == 2


def test_a_matrix_for_an_unknown_light_is_not_called_daylight(tmp_path):
    source = dng(tmp_path / "a.dng", values(), fields=[])
    picture = open_picture(source)
    extra = picture.source.metadata.extra
    fields = {tag: value for tag, value in extra.tags.fields.items() if tag != 50778}
    object.__setattr__(extra.tags, "fields", fields)
    saved(picture, tmp_path / "b.dng")
    first, _ = tags(tmp_path / "b.dng")
    assert 50778 not in first


def test_without_a_preview_the_mosaic_stands_first(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    save_picture(picture, tmp_path / "b.dng")
    np.testing.assert_array_equal(open_picture(tmp_path / "b.dng").pixels, picture.pixels)
    first, mosaic = tags(tmp_path / "b.dng")
    assert first == mosaic
    assert first[262] == 32803


def test_a_mosaic_without_a_file_is_saved_too(tmp_path):
    opened = open_picture(dng(tmp_path / "a.dng", values(), fields=[(274, "H", 1, 8)]))
    picture = opened.part(opened.rect)
    _, back = saved(picture, tmp_path / "b.dng")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.mosaic.pattern == picture.mosaic.pattern
    np.testing.assert_allclose(back.mosaic.colour.to_srgb, picture.mosaic.colour.to_srgb, atol=2e-4)
    assert back.mosaic.colour.white_balance == pytest.approx((2.0, 1.0, 1.6), rel=1e-4)


def developed(path):
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)


@pytest.mark.parametrize("pattern", [RGGB, GBRG])
def test_libraw_develops_it_like_the_source(tmp_path, pattern):
    source = dng(tmp_path / "a.dng", values(), pattern, fields=[(274, "H", 1, 6)])
    saved(open_picture(source), tmp_path / "b.dng")
    a, b = developed(source).astype(int), developed(tmp_path / "b.dng").astype(int)
    assert a.shape == b.shape == (72, 60, 3)
    assert np.abs(a - b).mean() < 0.1
    with rawpy.imread(str(tmp_path / "b.dng")) as raw:
        thumb = raw.extract_thumb()
    assert thumb.format is rawpy.ThumbFormat.JPEG
    assert Image.open(io.BytesIO(thumb.data)).size == (64, 48)


@pytest.fixture
def exiftool():
    found = shutil.which("exiftool")
    if found is None:
        pytest.skip("needs exiftool")
    return lambda *arguments: subprocess.run([found, *map(str, arguments)], capture_output=True, check=False)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exiftool_finds_nothing_wrong_and_gets_the_preview(tmp_path, exiftool, order):
    source = dng(tmp_path / "a.dng", values(), order=order, fields=[(274, "H", 1, 6)], preview=True)
    saved(open_picture(source), tmp_path / "b.dng")
    told = exiftool("-validate", "-warning", "-error", "-a", tmp_path / "b.dng").stdout.decode()
    assert "OK" in told, told
    assert exiftool("-b", "-PreviewImage", tmp_path / "b.dng").stdout == jpeg()


@pytest.mark.shared
def test_real_raw_files_keep_numbers_and_colours(shared_data, tmp_path):
    names = ("Canon_PowerShot_G2_CRW_0304.CRW", "Canon_PowerShot_S40_CRW_0117.CRW", "colorchart.dng")
    for name in names:
        picture = open_picture(shared_data / "raw" / name)
        _, back = saved(picture, tmp_path / "b.dng")
        np.testing.assert_array_equal(back.pixels, picture.pixels)
        assert (back.mosaic.sites, back.mosaic.camera) == (picture.mosaic.sites, picture.mosaic.camera)
        a, b = developed(shared_data / "raw" / name), developed(tmp_path / "b.dng")
        assert np.abs(a.astype(int) - b).mean() < 0.05, name
