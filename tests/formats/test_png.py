"""PNG: exact samples, chunks that stay true, and what it refuses."""

import struct
import zlib

import cv2
import imagecodecs
import numpy as np
import pytest
from format_files import exif_block, icc_profile, noise, pillow
from PIL import Image

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(data):
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png(samples, extra=b""):
    """`(H, W, C)` as a PNG with extra chunks after the header."""
    plain = imagecodecs.png_encode(samples)
    return plain[:33] + extra + plain[33:]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_samples_are_kept_bit_for_bit(tmp_path, dtype, channels):
    samples = noise((11, 7, channels), dtype)
    (tmp_path / "a.png").write_bytes(png(samples))
    picture = open_picture(tmp_path / "a.png")
    assert picture.scale is Scale.DISPLAY
    assert picture.unit == "DN"
    assert picture.nominal_range == (0, np.iinfo(dtype).max)
    colours = channels - 1 + channels % 2
    np.testing.assert_array_equal(picture.pixels, samples[:, :, :colours].transpose(2, 0, 1))
    if channels in (2, 4):
        assert picture.alpha.dtype == dtype
        np.testing.assert_array_equal(picture.alpha, samples[:, :, -1])
    encoded = encode_for(picture, tmp_path / "b.png")
    report = save_picture(picture, tmp_path / "b.png")
    assert (report.clipped, report.dropped) == (0, ())
    np.testing.assert_array_equal(open_picture(tmp_path / "b.png").pixels, encoded.pixels)
    # cv2 reads it independently, as BGR(A); grey with alpha becomes BGRA.
    back = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    order = {1: None, 2: [0, 3], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    np.testing.assert_array_equal(back if order is None else back[:, :, order], np.squeeze(samples))


def test_interlaced_png_reads_the_same(tmp_path):
    """Adam7 built by hand: seven passes, each its own small unfiltered picture."""
    samples = noise((13, 10), np.uint8)
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    raw = b""
    for y, x, dy, dx in passes:
        for row in samples[y::dy, x::dx]:
            raw += b"\0" + row.tobytes() if row.size else b""
    header = struct.pack(">IIBBBBB", 10, 13, 8, 0, 0, 0, 1)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    picture = open_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels[0], samples)
    assert picture.source.summary["interlaced"]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_spread_over_eight(tmp_path, bits):
    levels = 1 << bits
    values = np.arange(8) % levels
    packed = np.packbits(((values[:, None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8).ravel()).tobytes()
    header = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0)
    idat = chunk(b"IDAT", zlib.compress(b"\0" + packed))
    (tmp_path / "a.png").write_bytes(SIGNATURE + chunk(b"IHDR", header) + idat + chunk(b"IEND", b""))
    picture = open_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels[0, 0], values * 255 // (levels - 1))
    assert f"{bits}-bit" in picture.notes[0]


def test_palette_with_transparency_is_expanded(tmp_path):
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), "P")
    colours = [(10, 20, 30), (40, 50, 60), (70, 80, 90), (1, 2, 3)]
    image.putpalette([value for colour in colours for value in colour])
    image.save(tmp_path / "a.png", transparency=1)
    picture = open_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels.reshape(3, 4).T, colours)
    np.testing.assert_array_equal(picture.alpha.ravel(), [255, 0, 255, 255])
    assert len(picture.notes) == 2


def test_ancillary_chunks_stay_and_stale_ones_go(tmp_path):
    kept = {
        b"gAMA": struct.pack(">I", 45455),
        b"cHRM": struct.pack(">8I", *range(1, 9)),
        b"pHYs": struct.pack(">IIB", 11811, 11811, 1),
        b"zTXt": b"Notes\0\0" + zlib.compress(b"long text"),
        b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>",
        b"cICP": bytes((1, 13, 0, 1)),
    }
    icc = icc_profile()
    kept[b"iCCP"] = b"my profile\0\0" + zlib.compress(icc)
    gone = {b"tIME": bytes(7), b"sBIT": bytes((5, 5, 5)), b"hIST": bytes(2)}
    extra = b"".join(chunk(kind, data) for kind, data in {**kept, **gone}.items())
    extra += chunk(b"tEXt", b"Author\0Somebody") + chunk(b"tEXt", b"Software\0Another program")
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint16), extra))
    picture = open_picture(tmp_path / "a.png")
    assert picture.icc == icc
    save_picture(picture, tmp_path / "b.png")
    found = chunks((tmp_path / "b.png").read_bytes())
    for kind, data in kept.items():
        assert (kind, data) in found
    assert (b"tEXt", b"Author\0Somebody") in found
    assert (b"tEXt", b"Software\0Another program") in found
    assert not {kind for kind, _ in found} & set(gone)
    done = picture.derive(picture.pixels, history=("first step", "second \N{GREEK SMALL LETTER SIGMA}"))
    save_picture(done, tmp_path / "c.png")
    found = chunks((tmp_path / "c.png").read_bytes())
    assert (b"tEXt", b"Comment\0first step") in found
    assert [data for kind, data in found if kind == b"tEXt" and data.startswith(b"Software\0Denoise Studio")]
    assert "second σ" in pillow(tmp_path / "c.png").text["Comment"]
    again = open_picture(tmp_path / "c.png")
    assert again.source.summary["processed"] == ["first step", "second σ"]
    save_picture(again.derive(again.pixels, history=("third",)), tmp_path / "d.png")
    assert open_picture(tmp_path / "d.png").source.summary["processed"] == ["first step", "second σ", "third"]
    comments = [d for k, d in chunks((tmp_path / "d.png").read_bytes()) if d.startswith(b"Comment\0first")]
    assert len(comments) == 1


def test_exif_goes_back_without_its_thumbnail(tmp_path):
    block = exif_block(orientation=8)
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint8), chunk(b"eXIf", block)))
    picture = open_picture(tmp_path / "a.png")
    assert picture.orientation == 8
    assert picture.pixels.shape == (3, 6, 5)
    save_picture(picture, tmp_path / "b.png")
    (back,) = (data for kind, data in chunks((tmp_path / "b.png").read_bytes()) if kind == b"eXIf")
    different = [i for i in range(len(block)) if block[i] != back[i]]
    assert different == [58], "only the low byte of the link to the thumbnail's directory changes"
    assert pillow(tmp_path / "b.png").getexif()[271] == "Camera"


def test_values_beyond_the_depth_are_clipped_and_counted(tmp_path):
    pixels = np.array([[[-3.0, 0.4, 0.6, 254.6, 255.4, 255.6, 300.0]]], np.float32)
    (tmp_path / "a.png").write_bytes(png(np.zeros((1, 7, 1), np.uint8)))
    picture = open_picture(tmp_path / "a.png").derive(pixels)
    report = save_picture(picture, tmp_path / "b.png")
    np.testing.assert_array_equal(
        open_picture(tmp_path / "b.png").pixels[0, 0], [0, 0, 1, 255, 255, 255, 255]
    )
    assert report.clipped == 3  # -3, 256 and 300


@pytest.mark.parametrize(("bits", "factor"), [(8, 1 / 257), (16, 257)])
def test_another_depth_keeps_brightness(tmp_path, bits, factor):
    source = np.uint16 if bits == 8 else np.uint8
    samples = (np.arange(12) * (257 if bits == 8 else 1)).astype(source).reshape(3, 4, 1)
    (tmp_path / "a.png").write_bytes(png(samples))
    picture = open_picture(tmp_path / "a.png")
    options = SaveOptions(bits=bits)
    encoded = encode_for(picture, tmp_path / "b.png", options)
    save_picture(picture, tmp_path / "b.png", options)
    np.testing.assert_array_equal(
        open_picture(tmp_path / "b.png").pixels[0], samples[:, :, 0] * float(factor)
    )
    np.testing.assert_array_equal(open_picture(tmp_path / "b.png").pixels, encoded.pixels)
    assert encoded.stored.slope == pytest.approx(1 / factor)


def test_float_between_zero_and_one_comes_back_as_it_was_declared(tmp_path):
    picture = Picture(np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 3, 4))
    options = SaveOptions(bits=16)
    encoded = encode_for(picture, tmp_path / "b.png", options)
    save_picture(picture, tmp_path / "b.png", options)
    back = open_picture(tmp_path / "b.png")
    np.testing.assert_array_equal(back.pixels, encoded.pixels)
    np.testing.assert_allclose(back.pixels, picture.pixels, atol=0.5 / 65535 + 1e-7)
    assert back.nominal_range == (0, 1)
    plain = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(plain, np.rint(picture.pixels[0].astype(float) * 65535))


def test_what_png_cannot_hold_is_refused_with_another_format(tmp_path):
    pixels = np.zeros((1, 2, 2), np.float32)
    with pytest.raises(
        FormatError, match=r"^a\.png: PNG cannot hold Hounsfield units; save as TIFF, NPY or DICOM"
    ):
        save_picture(Picture(pixels, scale=Scale.HU), tmp_path / "a.png")
    with pytest.raises(FormatError, match="values from -2 to 7"):
        save_picture(Picture(pixels, nominal_range=(-2.0, 7.0)), tmp_path / "a.png")
    with pytest.raises(FormatError, match="not 32"):
        save_picture(Picture(pixels), tmp_path / "a.png", SaveOptions(bits=32))
    assert not list(tmp_path.iterdir())


def test_damaged_chunk_beside_the_pixels_is_left_out(tmp_path):
    bad = bytearray(chunk(b"tEXt", b"Author\0Somebody"))
    bad[-1] ^= 1
    (tmp_path / "a.png").write_bytes(png(noise((5, 6, 3), np.uint8), bytes(bad)))
    assert "damaged" in open_picture(tmp_path / "a.png").notes[0]


def test_animation_opens_its_still_picture_and_says_so(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (10, 20)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    picture = open_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, 10)
    assert "animated" in picture.notes[0]
    assert "frames" in save_picture(picture, tmp_path / "b.png").dropped[0]
    assert not {k for k, _ in chunks((tmp_path / "b.png").read_bytes())} & {b"acTL", b"fcTL", b"fdAT"}
