"""JPEG: pixels as other decoders see them, and every segment that stays true."""

import io
import struct

import numpy as np
import pytest
from format_files import exif_block, icc_profile, pillow
from PIL import Image
from test_png import chunk, png

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def smooth(height=48, width=64, channels=3):
    y, x = np.mgrid[:height, :width]
    planes = [x * 3, y * 4, x + y, x][:channels]
    return np.squeeze(np.stack(planes, -1).astype(np.uint8))


def jpeg(mode="RGB", **options):
    stream = io.BytesIO()
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    Image.fromarray(smooth(channels=channels), mode).save(stream, "JPEG", **options)
    return stream.getvalue()


def with_segments(data, *segments):
    packed = b"".join(struct.pack(">BBH", 0xFF, m, len(d) + 2) + d for m, d in segments)
    return data[:2] + packed + data[2:]


def segments(data):
    at, found = 2, []
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
def test_pixels_are_those_of_pillow(tmp_path, mode, options):
    data = jpeg(mode, quality=90, **options)
    (tmp_path / "a.jpg").write_bytes(data)
    picture = open_picture(tmp_path / "a.jpg")
    expected = np.asarray(Image.open(io.BytesIO(data)))
    expected = expected[None] if mode == "L" else expected.transpose(2, 0, 1)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.scale is Scale.DISPLAY
    assert picture.nominal_range == (0, 255)


def test_saving_is_near_and_full_colour(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(quality=95))
    picture = open_picture(tmp_path / "a.jpg")
    save_picture(picture, tmp_path / "b.jpg", SaveOptions(quality=100))
    assert np.abs(open_picture(tmp_path / "b.jpg").pixels - picture.pixels).max() <= 3
    layers = pillow(tmp_path / "b.jpg").layer
    assert [layer[1:3] for layer in layers] == [(1, 1)] * 3
    save_picture(picture, tmp_path / "c.jpg", SaveOptions(quality=10))
    assert (tmp_path / "c.jpg").stat().st_size < (tmp_path / "b.jpg").stat().st_size


def test_metadata_segments_go_back_and_stale_ones_do_not(tmp_path):
    icc, block = icc_profile() + bytes(70_000), exif_block(6)
    thumbnail = b"8BIM" + struct.pack(">HHI", 1036, 0, 3) + b"tnl\0"
    caption = b"8BIM" + struct.pack(">HHI", 1028, 0, 4) + b"iptc"
    data = with_segments(
        jpeg("RGB", icc_profile=icc, dpi=(300, 300)),
        (0xE1, b"Exif\0\0" + block),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xED, b"Photoshop 3.0\0" + thumbnail + caption),
        (0xE2, b"MPF\0second picture"),
        (0xEB, b"JP\0signature"),
        (0xE5, b"maker's own"),
        (0xFE, b"a comment"),
    )
    (tmp_path / "a.jpg").write_bytes(data)
    picture = open_picture(tmp_path / "a.jpg")
    assert picture.icc == icc
    assert picture.orientation == 6
    assert picture.pixels.shape == (3, 64, 48)
    done = picture.derive(picture.pixels, history=("bilateral",))
    save_picture(done, tmp_path / "b.jpg")
    found = segments((tmp_path / "b.jpg").read_bytes())
    (exif,) = (d for m, d in found if m == 0xE1 and d.startswith(b"Exif\0\0"))
    assert exif.count(b"MakerNote bytes!") == 1
    changed = [i for i in range(len(block)) if exif[6 + i] != block[i]]
    assert changed == [58]
    assert (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) in found
    assert (0xED, b"Photoshop 3.0\0" + caption) in found
    assert (0xE5, b"maker's own") in found
    assert (0xFE, b"a comment") in found
    assert (0xFE, b"Denoise Studio: bilateral") in found
    assert not any(b"MPF" in d or b"signature" in d for _, d in found)
    image = pillow(tmp_path / "b.jpg")
    assert image.info["icc_profile"] == icc
    assert image.info["dpi"] == (300, 300)
    assert image.size == (64, 48), "the stored layout is the source's, and the tag still says 6"
    assert open_picture(tmp_path / "b.jpg").source.summary["processed"] == ["bilateral"]


def test_camera_file_without_jfif_stays_without(tmp_path):
    plain = jpeg()
    (length,) = struct.unpack_from(">H", plain, 4)
    data = with_segments(plain[:2] + plain[4 + length :], (0xE1, b"Exif\0\0" + exif_block(1)))
    (tmp_path / "a.jpg").write_bytes(data)
    save_picture(open_picture(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    assert segments((tmp_path / "b.jpg").read_bytes())[0][0] == 0xE1


def test_what_jpeg_cannot_hold(tmp_path):
    zeros = np.zeros((1, 2, 2), np.float32)
    for picture, words in [
        (Picture(zeros, scale=Scale.HU), "JPEG cannot hold Hounsfield units; save as TIFF, NPY or DICOM"),
        (Picture(zeros, scale=Scale.SIGNAL), "a scanner's signal"),
        (Picture(zeros), "values from 0 to 1"),
    ]:
        with pytest.raises(FormatError, match=words):
            save_picture(picture, tmp_path / "a.jpg")
    for options in (SaveOptions(bits=16), SaveOptions(quality=0), SaveOptions(quality=101)):
        (tmp_path / "s.jpg").write_bytes(jpeg())
        with pytest.raises(FormatError):
            save_picture(open_picture(tmp_path / "s.jpg"), tmp_path / "a.jpg", options)
    assert not (tmp_path / "a.jpg").exists()


def test_sixteen_bits_and_alpha_become_eight_without(tmp_path):
    import imagecodecs

    samples = np.full((8, 8, 4), 200 * 257, np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(samples))
    picture = open_picture(tmp_path / "a.png")
    encoded = encode_for(picture, tmp_path / "b.jpg")
    np.testing.assert_array_equal(encoded.samples, 200)
    assert "transparency" in encoded.dropped[0]
    save_picture(picture, tmp_path / "b.jpg")
    np.testing.assert_allclose(open_picture(tmp_path / "b.jpg").pixels, 200, atol=1)


def test_cmyk_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg("CMYK"))
    with pytest.raises(FormatError, match=r"a\.jpg is a CMYK JPEG; only grey and RGB are opened\."):
        open_picture(tmp_path / "a.jpg")


def test_exif_too_large_for_jpeg_is_said(tmp_path):
    import imagecodecs

    block = exif_block(1) + bytes(70_000)
    (tmp_path / "a.png").write_bytes(png(np.zeros((8, 8, 3), np.uint8), chunk(b"eXIf", block)))
    report = save_picture(open_picture(tmp_path / "a.png"), tmp_path / "b.jpg")
    assert report.dropped == ("The EXIF block is too large for JPEG and left out.",)
    assert imagecodecs.jpeg8_decode((tmp_path / "b.jpg").read_bytes()).shape == (8, 8, 3)
