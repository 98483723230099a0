"""TIFF: kinds of samples, tags, and the note that keeps Hounsfield units."""

import json
import shutil
import subprocess

import cv2
import numpy as np
import pytest
import tifffile
from format_files import exif_block, icc_profile, noise, pillow
from PIL import Image
from test_png import chunk, png

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Stored, Window
from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int8", "int16", "float16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw", "predictor": True},
        {"tile": (16, 16)},
        {"planarconfig": "separate"},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"rowsperstrip": 5},
    ],
    ids=lambda how: "-".join(how) or "plain",
)
def test_every_storage_reads_the_same_and_goes_back(tmp_path, dtype, channels, how):
    how = dict(how)
    if channels == 1:
        how.pop("planarconfig", None)
    if dtype == "float16" and how.get("predictor"):
        how["predictor"] = False
    separate = how.get("planarconfig") == "separate"
    samples = noise((37, 29, channels), dtype)
    photometric = "rgb" if channels == 3 else "minisblack"
    file = {key: how.pop(key) for key in ("byteorder", "bigtiff") if key in how}
    data = samples.transpose(2, 0, 1) if separate else np.squeeze(samples)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric=photometric, metadata=None, **how, **file)
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, samples.transpose(2, 0, 1))
    encoded = encode_for(picture, tmp_path / "b.tif")
    save_picture(picture, tmp_path / "b.tif")
    back = tifffile.imread(tmp_path / "b.tif")
    np.testing.assert_array_equal(back, np.squeeze(samples))
    if dtype in ("uint8", "uint16", "int16", "float32"):
        assert back.dtype == dtype
    again = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(again.pixels, encoded.pixels)
    assert (again.scale, again.nominal_range) == (picture.scale, picture.nominal_range)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_programs_read_what_we_write(tmp_path, dtype, channels):
    samples = np.abs(noise((300, 211, channels), dtype))
    tifffile.imwrite(
        tmp_path / "a.tif", np.squeeze(samples), photometric="rgb" if channels == 3 else "minisblack"
    )
    save_picture(open_picture(tmp_path / "a.tif"), tmp_path / "b.tif")
    back = cv2.imread(str(tmp_path / "b.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(back[:, :, ::-1] if channels == 3 else back, np.squeeze(samples))
    if dtype == "uint8":
        np.testing.assert_array_equal(np.asarray(pillow(tmp_path / "b.tif")), np.squeeze(samples))
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        page = file.pages[0]
        assert page.compression == 8
        assert page.predictor == (3 if dtype == "float32" else 2)
        assert len(page.dataoffsets) > 1 or samples.nbytes < 1 << 18


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_goes_back(tmp_path, dtype, kind, channels):
    samples = noise((9, 8, channels), dtype)
    photometric = "rgb" if channels == 4 else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.tif", samples, photometric=photometric, extrasamples=[kind], planarconfig="contig"
    )
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.alpha, samples[:, :, -1])
    save_picture(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.asarray(), samples)
        assert file.pages[0].extrasamples == ((2,) if kind == "unassalpha" else (1,))


def test_white_is_zero_is_shown_upright_and_stored_as_before(tmp_path):
    samples = noise((6, 5), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="miniswhite")
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels[0], 255.0 - samples)
    encoded = encode_for(picture, tmp_path / "b.tif")
    save_picture(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].photometric == 0
        np.testing.assert_array_equal(file.asarray(), samples)
    np.testing.assert_array_equal(open_picture(tmp_path / "b.tif").pixels, encoded.pixels)


def test_palette_and_one_bit_are_expanded(tmp_path):
    table = noise((3, 256), np.uint16)
    index = noise((5, 6), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", index, photometric="palette", colormap=table)
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, table[:, index])
    assert "palette" in picture.notes[0]
    save_picture(picture, tmp_path / "b.tif")
    np.testing.assert_array_equal(open_picture(tmp_path / "b.tif").pixels, picture.pixels)
    Image.fromarray(np.eye(8, dtype=bool)).save(tmp_path / "one.tif")
    picture = open_picture(tmp_path / "one.tif")
    np.testing.assert_array_equal(picture.pixels[0], np.eye(8) * 255)


def test_twelve_bits_keep_their_range(tmp_path):
    values = (np.arange(24) * 170).astype(np.uint16).reshape(4, 6)
    bits = ((values[..., None] >> np.arange(12)[::-1]) & 1).astype(np.uint8).reshape(4, -1)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        page = file.pages[0]
        page.tags[258].overwrite(12)
        page.tags[279].overwrite(len(np.packbits(bits)))
        file.filehandle.seek(page.dataoffsets[0])
        file.filehandle.write(np.packbits(bits).tobytes())
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels[0], values)
    assert picture.nominal_range == (0, 4095)
    save_picture(picture, tmp_path / "b.tif")
    again = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert again.nominal_range == (0, 4095)


def test_descriptive_tags_are_kept(tmp_path):
    icc, xmp = icc_profile(), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    tifffile.imwrite(
        tmp_path / "a.tif",
        noise((5, 6, 3), np.uint16),
        photometric="rgb",
        metadata=None,
        description="A sunset",
        software="Another program",
        datetime="2020:01:02 03:04:05",
        resolution=(300, 200),
        resolutionunit=2,
        iccprofile=icc,
        extratags=[
            (700, 1, len(xmp), xmp, True),
            (271, 2, 0, "Camera", True),
            (315, 2, 0, "An artist", True),
            (50838, 4, 3, (1, 2, 3), True),
        ],
    )
    picture = open_picture(tmp_path / "a.tif")
    assert picture.icc == icc
    for history in ((), ("a step",)):
        save_picture(picture.derive(picture.pixels, history=history), tmp_path / "b.tif")
        with tifffile.TiffFile(tmp_path / "b.tif") as file:
            tags = {tag.code: tag.value for tag in file.pages[0].tags}
        assert tags[34675] == icc
        assert bytes(tags[700]) == xmp
        assert tags[306] == "2020:01:02 03:04:05"
        assert (tags[271], tags[315], tags[50838]) == ("Camera", "An artist", (1, 2, 3))
        assert (tags[282], tags[283], tags[296]) == ((300, 1), (200, 1), 2)
        assert tags[270].split("\0")[0] == "A sunset"
        assert ("Denoise Studio" in tags[305]) == bool(history)
    again = open_picture(tmp_path / "b.tif")
    assert again.source.summary["processed"] == ["a step"]
    save_picture(again.derive(again.pixels, history=("next",)), tmp_path / "c.tif")
    assert open_picture(tmp_path / "c.tif").source.summary["processed"] == ["a step", "next"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_a_photograph_stays_valid_in_tiff(tmp_path, order):
    """Maker notes keep their place in the block, because some point into it."""
    block = exif_block(6, order=order)
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint8), chunk(b"eXIf", block)))
    picture = open_picture(tmp_path / "a.png")
    save_picture(picture, tmp_path / "b.tif")
    data = (tmp_path / "b.tif").read_bytes()
    assert data[256:272] == block[256:272] == b"MakerNote bytes!"
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert len(file.pages) == 1
        tags = file.pages[0].tags
        assert tags[271].value == "Camera"
        assert tags[34665].value["ISOSpeedRatings"] == 3200
        assert tags[34665].value["MakerNote"] == b"MakerNote bytes!"
        assert tags[34853].value["GPSLatitudeRef"] == "N"
        assert tags[274].value == 1, "another format gets upright pixels"
        np.testing.assert_array_equal(file.asarray().transpose(2, 0, 1), picture.pixels)
    # And from TIFF on to TIFF and JPEG.
    save_picture(open_picture(tmp_path / "b.tif"), tmp_path / "c.tif")
    save_picture(open_picture(tmp_path / "c.tif"), tmp_path / "d.jpg")
    exif = pillow(tmp_path / "d.jpg").getexif()
    assert exif[271] == "Camera"
    assert exif.get_ifd(0x8769)[0x8827] == 3200
    assert exif.get_ifd(0x8769)[0x927C] == b"MakerNote bytes!"
    assert exif.get_ifd(0x8825)[1] == "N"


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs exiftool")
@pytest.mark.parametrize("name", ["b.tif", "b.jpg", "b.png"])
def test_exiftool_finds_nothing_wrong(tmp_path, name):
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint8), chunk(b"eXIf", exif_block(6))))
    picture = open_picture(tmp_path / "a.png")
    save_picture(picture.derive(picture.pixels, history=("step",)), tmp_path / name)
    run = subprocess.run(
        ["exiftool", "-j", "-n", "-warning", "-error", "-Make", "-ISO", "-Orientation", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = json.loads(run.stdout)
    assert "Warning" not in found
    assert "Error" not in found
    assert (found["Make"], found["ISO"]) == ("Camera", 3200)
    assert found["Orientation"] == (6 if name == "b.png" else 1)


def ct(pixels, **changes):
    fields = {
        "scale": Scale.HU,
        "unit": "HU",
        "nominal_range": (-1024.0, 3071.0),
        "stored": Stored("uint16", 12, 1.0, -1024.0),
        "spacing": (0.75, 0.5),
        "windows": (Window(400, 40, "soft tissue"),),
    }
    return Picture(pixels, **{**fields, **changes})


@pytest.mark.parametrize("bits", [None, 16, 32])
def test_hounsfield_units_come_back_as_hounsfield_units(tmp_path, bits):
    pixels = np.linspace(-1024, 3071, 60).astype(np.float32).reshape(1, 6, 10)
    picture = ct(pixels)
    options = SaveOptions(bits=bits)
    encoded = encode_for(picture, tmp_path / "b.tif", options)
    save_picture(picture, tmp_path / "b.tif", options)
    back = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(back.pixels, encoded.pixels)
    expected = np.rint(pixels) if bits == 16 else pixels
    np.testing.assert_array_equal(back.pixels, expected)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected[0])  # HU for others too.
    for name in ("scale", "unit", "nominal_range", "spacing", "windows"):
        assert getattr(back, name) == getattr(picture, name)
    with pytest.raises(FormatError, match="8 bits; save 32 bits"):
        save_picture(picture, tmp_path / "c.tif", SaveOptions(bits=8))


def test_rescale_with_a_slope_is_declared(tmp_path):
    stored = Stored("uint16", 16, 0.25, -100.0)
    pixels = (np.arange(12, dtype=np.float32) * 0.25 - 100).reshape(1, 3, 4)
    options = SaveOptions(bits=16)
    save_picture(ct(pixels, stored=stored), tmp_path / "b.tif", options)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif").ravel(), np.arange(12))
    back = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(back.pixels, pixels)
    assert (back.stored.slope, back.stored.intercept) == (0.25, -100.0)


def test_padding_of_ct_is_found_again(tmp_path):
    pixels = np.zeros((1, 5, 5), np.float32)
    pixels[0, 0] = -3024
    padding = pixels[0] == -3024
    save_picture(ct(pixels, padding=padding), tmp_path / "b.tif")
    back = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(back.padding, padding)
    np.testing.assert_array_equal(back.pixels, pixels)


def test_non_finite_float_goes_back_bit_for_bit(tmp_path):
    samples = noise((6, 5), np.float32)
    samples[2, 3], samples[0, 0], samples[4, 4] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", samples, metadata=None)
    picture = open_picture(tmp_path / "a.tif")
    assert picture.padding.sum() == 3
    encoded = encode_for(picture, tmp_path / "b.tif")
    save_picture(picture, tmp_path / "b.tif")
    back = tifffile.imread(tmp_path / "b.tif")
    np.testing.assert_array_equal(back.view(np.uint32), samples.view(np.uint32))
    np.testing.assert_array_equal(open_picture(tmp_path / "b.tif").pixels, encoded.pixels)


def test_float_display_values_say_what_they_are(tmp_path):
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint8)))
    picture = open_picture(tmp_path / "a.png")
    picture = picture.derive(picture.pixels + np.float32(0.25), history=("step",))
    save_picture(picture, tmp_path / "b.tif", SaveOptions(bits=32))
    back = open_picture(tmp_path / "b.tif")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert (back.scale, back.unit, back.nominal_range) == (Scale.DISPLAY, "DN", (0, 255))


def test_several_pages_and_stacks_are_refused_with_their_number(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noise((4, 9, 8), np.uint8), photometric="minisblack")
    with pytest.raises(FormatError, match=r"a\.tif has 4 pages"):
        open_picture(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", noise((5, 9, 8), np.uint16), imagej=True)
    with pytest.raises(FormatError, match=r"b\.tif (has 5 pages|holds a stack of 5)"):
        open_picture(tmp_path / "b.tif")


def test_reduced_copies_are_left_out(tmp_path):
    samples = noise((32, 32), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(samples, photometric="minisblack", metadata=None)
        writer.write(samples[::2, ::2], photometric="minisblack", subfiletype=1, metadata=None)
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels[0], samples)
    assert "reduced" in picture.notes[0]


@pytest.mark.parametrize("photometric", ["separated", "cielab", "cfa"])
def test_other_colour_models_are_refused(tmp_path, photometric):
    shape = {"separated": (5, 6, 4), "cielab": (5, 6, 3), "cfa": (5, 6)}[photometric]
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, np.uint8), photometric=photometric, metadata=None)
    with pytest.raises(FormatError, match=r"a\.tif (is a|is cut short, or of a kind of camera raw)"):
        open_picture(tmp_path / "a.tif")


def test_wide_integers_and_complex(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[2**24 + 1, 5]], np.uint32), metadata=None)
    with pytest.raises(FormatError, match="cannot hold exactly"):
        open_picture(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.array([[2**24, 5]], np.int32), metadata=None)
    np.testing.assert_array_equal(open_picture(tmp_path / "b.tif").pixels, [[[2**24, 5]]])
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((3, 3), np.complex64), metadata=None)
    with pytest.raises(FormatError, match=r"c\.tif"):
        open_picture(tmp_path / "c.tif")
    tifffile.imwrite(tmp_path / "d.tif", np.array([[0.1, 0.5]]), metadata=None)
    assert open_picture(tmp_path / "d.tif").notes[0].startswith("1 value of 64 bits rounded")


def test_a_note_of_tifffile_about_its_array_does_not_spoil_the_saved_file(tmp_path):
    values = np.random.default_rng(0).random((20, 30), dtype=np.float32)
    source, target = tmp_path / "in.tiff", tmp_path / "out.tiff"
    tifffile.imwrite(source, values, metadata={"ResolutionUnit": 2})
    with tifffile.TiffFile(source) as written:
        assert '"shape"' in written.pages[0].description
    save_picture(open_picture(source).derive(values[None] / 2, history=("halved",)), target)
    np.testing.assert_array_equal(open_picture(target).pixels[0], values / 2)
    np.testing.assert_array_equal(tifffile.imread(target), values / 2)
