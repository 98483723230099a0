"""DNG out: levels, descriptive fields, sizes, and what other programs find in the file."""

import io
import json
import shutil
import subprocess
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import rawpy
import tifffile
from dng_files import GBRG, NEUTRAL, RGGB, X_TRANS, dng, jpeg
from format_files import exif_block
from PIL import Image

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.formats import SaveOptions, dng_write, encode_for, open_picture, save_picture
from denoise_studio.formats.dng_fields import blocks
from denoise_studio.formats.dng_write import raw_image_digest

PATTERNS = {"RGGB": RGGB, "GRBG": ((1, 0), (2, 1)), "GBRG": GBRG, "BGGR": ((2, 1), (1, 0)), "X": X_TRANS}
MAKER_NOTE = b"MakerNote bytes!"


def values(height=44, width=52, low=600, high=16000, seed=6):
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint16)


def mosaic_page(path):
    with tifffile.TiffFile(path) as file:
        page = file.pages[0].pages[0] if file.pages[0].pages else file.pages[0]
        return page.asarray(), {tag.code: tag.value for tag in page.tags}


def first_tags(path):
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


def with_exif(picture, block, **more):
    metadata = replace(picture.source.metadata, exif=block, **more)
    return replace(picture, source=replace(picture.source, metadata=metadata))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("size", [(44, 52), (43, 51), (49, 50)], ids=str)
def test_the_sensors_layout_whatever_the_size(tmp_path, orientation, pattern, size):
    stored = values(*size)
    picture = open_picture(dng(tmp_path / "a.dng", stored, pattern, fields=[(274, "H", 1, orientation)]))
    save_picture(picture, tmp_path / "b.dng", SaveOptions(preview=jpeg() if size[0] % 2 else None))
    samples, tags = mosaic_page(tmp_path / "b.dng")
    np.testing.assert_array_equal(samples, 4 * stored)
    assert tags[33422] == bytes(np.ravel(pattern).tolist())
    back = open_picture(tmp_path / "b.dng")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert (back.mosaic.pattern, back.mosaic.sites) == (picture.mosaic.pattern, picture.mosaic.sites)
    assert (back.orientation, back.nominal_range) == (orientation, picture.nominal_range)
    assert not back.mosaic.masked


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pattern", [RGGB, GBRG, X_TRANS], ids=["RGGB", "GBRG", "X"])
def test_black_levels_with_parts_of_a_dn(tmp_path, orientation, pattern):
    source = dng(tmp_path / "a.dng", values(43, 51), pattern, fields=[(274, "H", 1, orientation)])
    picture = open_picture(source)
    picture = replace(
        picture, mosaic=picture.mosaic.with_black((512.1, 511.37, 513.5, 514.9)[: len(picture.mosaic.sites)])
    )
    save_picture(picture, tmp_path / "b.dng")
    back = open_picture(tmp_path / "b.dng")
    assert back.mosaic.sites == picture.mosaic.sites
    assert back.mosaic.pattern == picture.mosaic.pattern
    assert back.nominal_range[0] == 511.37


def test_rawpy_finds_the_same_sensor(tmp_path):
    stored = values(43, 51)
    source = dng(tmp_path / "a.dng", stored, GBRG, (500, 510, 520, 530), white=16000)
    save_picture(open_picture(source), tmp_path / "b.dng", SaveOptions(preview=jpeg()))
    with rawpy.imread(str(source)) as a, rawpy.imread(str(tmp_path / "b.dng")) as b:
        np.testing.assert_array_equal(b.raw_image_visible, 4 * stored)
        np.testing.assert_array_equal(b.raw_colors_visible, a.raw_colors_visible)
        assert b.black_level_per_channel == [4 * black for black in a.black_level_per_channel]
        assert b.white_level == 4 * 16000
        np.testing.assert_allclose(b.camera_whitebalance, a.camera_whitebalance, rtol=1e-5)
        np.testing.assert_allclose(b.color_matrix, a.color_matrix, rtol=1e-5)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("preview", [None, jpeg()], ids=["alone", "preview"])
def test_exif_gps_and_maker_notes_stay_where_they_are(tmp_path, order, preview):
    block, xmp = exif_block(6, order=order), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    picture = with_exif(open_picture(dng(tmp_path / "a.dng", values())), block, xmp=xmp)
    save_picture(picture, tmp_path / "b.dng", SaveOptions(preview=preview))
    data = (tmp_path / "b.dng").read_bytes()
    assert data[256:272] == block[256:272] == MAKER_NOTE
    first = first_tags(tmp_path / "b.dng")
    assert first[0x8769]["ISOSpeedRatings"] == 3200
    assert first[0x8825]["GPSLatitudeRef"] == "N"
    assert bytes(first[700]) == xmp
    assert first[274] == 1  # the picture's, not the block's
    assert 34855 not in first
    back = open_picture(tmp_path / "b.dng")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.mosaic.iso == 3200
    assert back.source.metadata.xmp == xmp
    with tifffile.TiffFile(tmp_path / "b.dng") as file:
        assert len(file.pages) == 1  # the old thumbnail is gone


def test_iso_is_kept_where_the_source_had_no_field_for_it(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    picture = replace(picture, mosaic=replace(picture.mosaic, iso=640.0))
    save_picture(picture, tmp_path / "b.dng")
    assert open_picture(tmp_path / "b.dng").mosaic.iso == 640
    assert first_tags(tmp_path / "b.dng")[0x8769]["ISOSpeedRatings"] == 640


@pytest.mark.parametrize("order", ["<", ">"])
def test_fields_of_exif_in_the_first_directory_are_put_into_its_own(tmp_path, order):
    """Raw files of the nineties have them there, where LibRaw finds them in that maker's files only."""
    fields = [(33434, "2I", 1, (1, 60)), (33437, "2I", 1, (28, 10)), (34855, "H", 1, 84)]
    source = dng(tmp_path / "a.dng", values(), fields=fields, order=order)
    save_picture(open_picture(source), tmp_path / "b.dng")
    first = first_tags(tmp_path / "b.dng")
    inner = first.pop(0x8769)
    assert (inner["ExposureTime"], inner["FNumber"], inner["ISOSpeedRatings"]) == ((1, 60), (28, 10), 84)
    assert not {33434, 33437, 34855} & first.keys()
    again = open_picture(tmp_path / "b.dng")
    assert again.mosaic.iso == 84
    save_picture(again, tmp_path / "c.dng")
    assert first_tags(tmp_path / "c.dng")[0x8769]["ExposureTime"] == (1, 60)


PRIVATE = [(50740, "B", 14, b"Studio\0private"), (50741, "H", 1, 1)]


def test_private_data_of_a_dng_is_kept(tmp_path):
    source = dng(tmp_path / "a.dng", values(), fields=PRIVATE)
    save_picture(open_picture(source), tmp_path / "b.dng")
    first = first_tags(tmp_path / "b.dng")
    assert (bytes(first[50740]), first[50741]) == (b"Studio\0private", 1)


def test_a_raw_file_that_is_no_dng_has_no_such_data(tmp_path):
    """Makers keep a pointer into their own file in that field."""
    tags = [(*field, True) for field in PRIVATE]
    tifffile.imwrite(tmp_path / "a.arw", values(), photometric=32803, metadata=None, extratags=tags)
    assert blocks(tmp_path / "a.arw")[2].fields == {}


@pytest.mark.parametrize(("subsampling", "expected"), [(0, (1, 1)), (1, (2, 1)), (2, (2, 2))])
def test_the_previews_sampling_is_told(tmp_path, subsampling, expected):
    content = io.BytesIO()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(content, "JPEG", subsampling=subsampling)
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    save_picture(picture, tmp_path / "b.dng", SaveOptions(preview=content.getvalue()))
    first = first_tags(tmp_path / "b.dng")
    assert (first[530], first[256], first[257], first[254], first[259]) == (expected, 64, 48, 1, 7)


def grey_jpeg():
    content = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(content, "JPEG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("preview", "reason"), [(b"no picture", "is no JPEG"), (grey_jpeg(), "three colours")]
)
def test_what_is_no_preview_is_refused(tmp_path, preview, reason):
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    with pytest.raises(FormatError, match=reason):
        save_picture(picture, tmp_path / "b.dng", SaveOptions(preview=preview))
    assert not (tmp_path / "b.dng").exists()


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_without_a_mosaic_are_refused_and_tiff_is_named(tmp_path, channels):
    picture = Picture(np.ones((channels, 4, 5), np.float32), Scale.LINEAR, "DN")
    with pytest.raises(FormatError, match="save this picture as TIFF"):
        save_picture(picture, tmp_path / "a.dng")


def test_more_than_four_gigabytes_are_refused(tmp_path, monkeypatch):
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    monkeypatch.setattr(dng_write, "_LIMIT", 2000)
    with pytest.raises(FormatError, match="more than 4 GB"):
        save_picture(picture, tmp_path / "b.dng")
    assert [path.name for path in tmp_path.iterdir()] == ["a.dng"]


@pytest.mark.parametrize("orientation", [1, 6])
def test_memory_for_saving_is_a_few_bytes_a_pixel(tmp_path, orientation):
    picture = open_picture(dng(tmp_path / "a.dng", values(2400, 3000), fields=[(274, "H", 1, orientation)]))
    tracemalloc.start()
    try:
        save_picture(picture, tmp_path / "b.dng")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Samples 2, pixels 4, turned samples 2 bytes a pixel; what a band needs does not grow with the picture.
    assert peak < 8 * picture.pixels.size + 40e6


def test_strips_of_about_256_kilobytes(tmp_path):
    save_picture(open_picture(dng(tmp_path / "a.dng", values(700, 900))), tmp_path / "b.dng")
    with tifffile.TiffFile(tmp_path / "b.dng") as file:
        page = file.pages[0]
        assert 200_000 < page.databytecounts[0] <= 1 << 18
        assert sum(page.databytecounts) == 700 * 900 * 2
        assert not page.is_tiled


def test_noise_just_above_white_is_cut_and_counted(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", values()))
    pixels = picture.pixels.copy()
    pixels[0, 0, :5] = 16390.0  # 16383.75 is the largest that fits
    encoded = encode_for(picture.derive(pixels), tmp_path / "b.dng")
    assert (encoded.clipped, encoded.stored.slope) == (5, 0.25)
    assert (encoded.pixels[0, 0, :5] == 16383.75).all()


@pytest.fixture
def exiftool():
    found = shutil.which("exiftool")
    if found is None:
        pytest.skip("needs exiftool")

    def told(*arguments):
        done = subprocess.run([found, "-j", *map(str, arguments)], capture_output=True, check=False)
        return json.loads(done.stdout)[0]

    return told


@pytest.mark.parametrize("pattern", [RGGB, X_TRANS], ids=["RGGB", "X"])
@pytest.mark.parametrize("preview", [None, jpeg()], ids=["alone", "preview"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_exiftool_reads_every_field(tmp_path, exiftool, pattern, preview, order):
    stored = values()
    picture = with_exif(open_picture(dng(tmp_path / "a.dng", stored, pattern)), exif_block(1, order=order))
    save_picture(picture, tmp_path / "b.dng", SaveOptions(preview=preview, noise_reduction=0.35))
    told = exiftool("-n", "-a", "-validate", "-all", "-warning", "-error", tmp_path / "b.dng")
    assert told["NoiseReductionApplied"] == 0.35
    neutral = [float(part) for part in told["AsShotNeutral"].split()]
    assert neutral == pytest.approx([part / 10000 for part in NEUTRAL])
    assert told["OriginalRawFileName"] == "a.dng"
    assert bytes.fromhex(told["NewRawImageDigest"]) == raw_image_digest(4 * stored)
    assert told["ISO"] == 3200
    assert told["GPSLatitudeRef"] == "N"
    assert told["WhiteLevel"] == 4 * 16383
    assert {float(part) for part in str(told["BlackLevel"]).split()} == {2048.0}
    assert ("PreviewImage" in told) == (preview is not None)
    assert "Error" not in told
    assert "Warning" not in told
    assert told["Validate"] == "0 0 0"  # errors, warnings, minor ones
