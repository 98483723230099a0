"""Camera raw in: the sensor's numbers upright, who saw which colour, black, white, what the file tells."""

import io

import numpy as np
import pytest
import rawpy
from dng_files import GBRG, NEUTRAL, RGGB, X_TRANS, dng, jpeg
from PIL import Image, ImageOps
from raw_files import write_raw

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Kind, Scale
from denoise_studio.formats import SaveOptions, format_for, open_picture, save_picture

GRBG, BGGR = ((1, 0), (2, 1)), ((2, 1), (1, 0))
XYZ_FROM_SRGB = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
"""IEC 61966-2-1."""


def values(height=44, width=52, low=600, high=16000, seed=3):
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint16)


def turned(stored, orientation):
    """As Pillow turns a picture of this orientation."""
    image = Image.fromarray(stored.astype(np.int32))
    image.getexif()[274] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


def colours_of(mosaic, height, width):
    return np.array([[mosaic.site_at(x, y).colour for x in range(width)] for y in range(height)])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "pattern", [RGGB, GRBG, GBRG, BGGR, X_TRANS], ids=["RGGB", "GRBG", "GBRG", "BGGR", "X"]
)
@pytest.mark.parametrize("size", [(44, 52), (43, 52), (44, 51), (43, 51)], ids=str)
def test_pixels_and_their_colours_are_turned_together(tmp_path, orientation, pattern, size):
    stored = values(*size)
    picture = open_picture(dng(tmp_path / "a.dng", stored, pattern, fields=[(274, "H", 1, orientation)]))
    np.testing.assert_array_equal(picture.pixels[0], turned(stored, orientation))
    rows, columns = np.shape(pattern)
    seen = np.tile(pattern, (-(-size[0] // rows), -(-size[1] // columns)))[: size[0], : size[1]]
    found = colours_of(picture.mosaic, picture.height, picture.width)
    np.testing.assert_array_equal(found, turned(seen, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_two_greens_are_told_apart_by_the_rows_they_stand_in(tmp_path, orientation):
    blacks = (500, 510, 520, 530)  # red, green beside red, green beside blue, blue, as stored
    path = dng(tmp_path / "a.dng", values(43, 52), RGGB, blacks, fields=[(274, "H", 1, orientation)])
    mosaic = open_picture(path).mosaic
    assert {site.name: site.black for site in mosaic.sites} == {"R": 500, "G1": 510, "G2": 520, "B": 530}
    table = np.tile(np.reshape(blacks, (2, 2)), (22, 26))[:43]
    spread = [
        [mosaic.site_at(x, y).black for x in range(43 if orientation > 4 else 52)]
        for y in range(52 if orientation > 4 else 43)
    ]
    np.testing.assert_array_equal(spread, turned(table, orientation))


def test_what_a_picture_of_camera_raw_is(tmp_path):
    stored = values(low=512)
    picture = open_picture(dng(tmp_path / "a.dng", stored, white=16000))
    assert (picture.kind, picture.scale, picture.unit) == (Kind.RAW, Scale.LINEAR, "DN")
    assert picture.nominal_range == (512, 16000)
    assert (picture.stored.dtype, picture.stored.bits, picture.stored.slope) == ("uint16", 14, 1.0)
    assert picture.mosaic.name == "RGGB"
    assert picture.mosaic.camera == "Studio Synthetic One"
    assert picture.notes == ()
    assert picture.source.format == "camera-raw"
    assert picture.source.summary["mosaic"] == "RGGB"
    extra = picture.source.metadata.extra
    assert (extra.make, extra.model, extra.file_name) == ("Studio", "Synthetic One", "a.dng")


def test_colours_of_the_camera(tmp_path):
    colour = open_picture(dng(tmp_path / "a.dng", values())).mosaic.colour
    red, green, blue = NEUTRAL
    assert colour.white_balance == pytest.approx((green / red, 1.0, green / blue), rel=1e-5)
    np.testing.assert_allclose(colour.to_srgb.sum(axis=1), 1, atol=1e-6)
    # ColorMatrix1 of the file: XYZ to camera; a neutral colour stays neutral.
    matrix = np.reshape((0.8, -0.25, -0.08, -0.45, 1.25, 0.22, -0.09, 0.19, 0.6), (3, 3)) @ XYZ_FROM_SRGB
    matrix /= matrix.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(colour.to_srgb, np.linalg.inv(matrix), atol=2e-3)


@pytest.mark.parametrize("iso", [50, 800, 25600])
def test_iso(tmp_path, iso):
    picture = open_picture(write_raw(tmp_path / "a.dng", values(), iso=iso))
    assert picture.mosaic.iso == iso
    assert picture.source.summary["iso"] == iso
    assert open_picture(dng(tmp_path / "b.dng", values())).mosaic.iso is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_parts_of_a_dn_of_the_black_level_count(tmp_path, order):
    levels = (51225, 51175, 51300, 51190)
    fields = [(50713, "H", 2, (2, 2)), (50714, "2I", 4, tuple(x for v in levels for x in (v, 100)))]
    picture = open_picture(
        dng(tmp_path / "a.dng", values(), black=None, order=order, raw_fields=fields, preview=order == ">")
    )
    assert [site.black for site in picture.mosaic.sites] == [512.25, 511.75, 513.0, 511.9]


def test_black_levels_of_a_pattern_of_six(tmp_path):
    levels = np.array((500, 512, 520))[np.ravel(X_TRANS)]
    sites = open_picture(dng(tmp_path / "a.dng", values(), X_TRANS, levels.tolist())).mosaic.sites
    assert [(site.name, site.black) for site in sites] == [("R", 500), ("G", 512), ("B", 520)]


def test_a_black_level_by_column_is_read_as_its_mean(tmp_path):
    stored = values()
    delta = (50715, "2i", stored.shape[1], tuple(x for i in range(52) for x in (4 * (i % 2), 1)))
    picture = open_picture(dng(tmp_path / "a.dng", stored, raw_fields=[delta]))
    assert {site.black for site in picture.mosaic.sites} == {514}
    assert picture.source.metadata.extra.tags.left_out == (
        "The source's black level by column is left out; its mean is kept.",
    )


@pytest.mark.parametrize("corner", [(20, 24), (21, 25)])
def test_black_levels_begin_where_the_picture_does(tmp_path, corner):
    top, left = corner
    fields = [(50829, "I", 4, (top, left, 100, 140))]
    path = dng(tmp_path / "a.dng", values(100, 140), RGGB, (501, 502, 503, 504), raw_fields=fields)
    mosaic = open_picture(path).mosaic
    found = [[mosaic.site_at(x, y).black for x in range(2)] for y in range(2)]
    assert found == [[501, 502], [503, 504]]


def with_margins(dark=512.0):
    """A sensor of which 20 rows and 24 columns see no light; each class with an offset of its own."""
    stored = values(200, 260, low=3000)
    offset = np.tile(((0.0, 2.0), (4.0, 6.0)), (100, 130))
    night = np.rint(np.random.default_rng(5).normal(dark, 3.0, stored.shape) + offset).astype(np.uint16)
    stored[:20], stored[:, :24] = night[:20], night[:, :24]
    return stored


@pytest.mark.parametrize("orientation", [1, 6])
def test_masked_pixels_by_class(tmp_path, orientation):
    stored = with_margins()
    fields, area = [(274, "H", 1, orientation)], [(50829, "I", 4, (20, 24, 200, 260))]
    picture = open_picture(dng(tmp_path / "a.dng", stored, fields=fields, raw_fields=area))
    np.testing.assert_array_equal(picture.pixels[0], turned(stored[20:, 24:], orientation))
    masked = picture.mosaic.masked
    assert set(masked) == {"R", "G1", "G2", "B"}
    for name, expected in zip(("R", "G1", "G2", "B"), (512, 514, 516, 518), strict=True):
        assert masked[name].dtype == np.float32
        # Nine standard errors; a single pixel that saw light would be far outside.
        assert masked[name].mean() == pytest.approx(expected, abs=27 / masked[name].size ** 0.5)
        assert masked[name].max() < 540
    assert picture.source.summary["masked_pixels"] == sum(each.size for each in masked.values())


def test_margins_that_saw_light_and_none_at_all_are_no_dark_pixels(tmp_path):
    area = [(50829, "I", 4, (20, 24, 200, 260))]
    lit = open_picture(dng(tmp_path / "a.dng", values(200, 260, low=3000), raw_fields=area))
    assert not lit.mosaic.masked
    assert not open_picture(dng(tmp_path / "b.dng", with_margins())).mosaic.masked


def test_a_black_level_of_zero_is_mentioned(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", values(), black=0))
    assert len(picture.notes) == 1
    assert picture.notes[0].startswith("The black level is 0")


def test_nothing_but_white_is_mentioned(tmp_path):
    picture = open_picture(dng(tmp_path / "a.dng", np.full((44, 52), 16383, np.uint16)))
    assert picture.notes == ("Every pixel is at the white level: nothing of the picture is left.",)


def test_a_class_that_saturates_below_the_white_level(tmp_path):
    stored = values(100, 120)
    stored[::2, ::2][:20] = 15000  # red piles up
    stored[::2, ::2] = np.minimum(stored[::2, ::2], 15000)
    sites = open_picture(dng(tmp_path / "a.dng", stored)).mosaic.sites
    assert {site.name: site.white for site in sites} == {"R": 15000, "G1": 16383, "G2": 16383, "B": 16383}


def test_black_white_and_colours_are_those_of_libraw(tmp_path):
    path = dng(tmp_path / "a.dng", values(), GBRG, (500, 510, 520, 530), white=16000)
    picture = open_picture(path)
    with rawpy.imread(str(path)) as raw:
        np.testing.assert_array_equal(picture.pixels[0], raw.raw_image_visible)
        codes = raw.raw_colors_visible[:2, :2]
        for y, x in np.ndindex(2, 2):
            site = picture.mosaic.site_at(x, y)
            assert site.black == raw.black_level_per_channel[codes[y, x]]
            assert site.white == raw.white_level


def test_an_xmp_packet_is_kept(tmp_path):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    picture = open_picture(dng(tmp_path / "a.dng", values(), fields=[(700, "B", len(xmp), xmp)]))
    assert picture.source.metadata.xmp == xmp


@pytest.mark.parametrize("name", ["a.tif", "a.jpg", "a.nef", "a"])
def test_a_raw_file_is_known_by_what_it_holds(tmp_path, name):
    picture = open_picture(dng(tmp_path / "x.dng", values()).rename(tmp_path / name))
    assert picture.mosaic is not None
    assert len(picture.notes) == (name in ("a.tif", "a.jpg"))


def test_dng_is_the_only_raw_file_that_is_saved():
    assert format_for("a.DNG").id == "dng"
    with pytest.raises(FormatError, match="Cannot tell the format"):
        format_for("a.nef")


def test_the_embedded_preview_is_kept(tmp_path):
    plain = open_picture(dng(tmp_path / "a.dng", values()))
    assert plain.source.metadata.extra.preview is None
    save_picture(plain, tmp_path / "b.dng", SaveOptions(preview=jpeg()))
    found = open_picture(tmp_path / "b.dng").source.metadata.extra.preview
    expected, image = (Image.open(io.BytesIO(content)) for content in (jpeg(), found))
    assert image.format == "JPEG"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
