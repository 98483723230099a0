"""The eight orientations: upright in memory, as before in the file."""

import numpy as np
import pytest
import tifffile
from format_files import exif_block, noise, pillow
from PIL import Image, ImageOps
from test_png import chunk, png

from denoise_studio.formats import open_picture, save_picture
from denoise_studio.formats.orientation import as_stored, upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_makes_of_it(orientation):
    samples = noise((5, 7), np.uint8)
    image = Image.fromarray(samples)
    image.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(upright(samples, orientation), expected)
    np.testing.assert_array_equal(as_stored(upright(samples, orientation), orientation), samples)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_png_keeps_layout_and_tag(tmp_path, orientation):
    samples = noise((5, 7, 4), np.uint16)
    (tmp_path / "a.png").write_bytes(png(samples, chunk(b"eXIf", exif_block(orientation))))
    picture = open_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, upright(samples.transpose(2, 0, 1)[:3], orientation))
    np.testing.assert_array_equal(picture.alpha, upright(samples[:, :, 3], orientation))
    save_picture(picture, tmp_path / "b.png")
    import imagecodecs

    np.testing.assert_array_equal(imagecodecs.png_decode((tmp_path / "b.png").read_bytes()), samples)
    assert open_picture(tmp_path / "b.png").orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_keeps_layout_and_tag(tmp_path, orientation):
    samples = noise((5, 7, 3), np.uint16)
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extratags=[tag], metadata=None)
    picture = open_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, upright(samples.transpose(2, 0, 1), orientation))
    save_picture(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.asarray(), samples)
        assert file.pages[0].tags[274].value == orientation
    np.testing.assert_array_equal(open_picture(tmp_path / "b.tif").pixels, picture.pixels)
    save_picture(picture, tmp_path / "c.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "c.npy").transpose(2, 0, 1), picture.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("target", ["jpg", "png", "tif"])
def test_jpeg_to_every_format_is_turned_once(tmp_path, orientation, target):
    samples = np.zeros((16, 32), np.uint8)
    samples[:8, :8] = 255
    image = Image.fromarray(samples)
    exif = Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / "a.jpg", quality=100, exif=exif)
    picture = open_picture(tmp_path / "a.jpg")
    save_picture(picture, tmp_path / f"b.{target}")
    seen = np.asarray(ImageOps.exif_transpose(pillow(tmp_path / f"b.{target}")))
    np.testing.assert_allclose(seen, upright(samples, orientation), atol=2)
    stored = pillow(tmp_path / f"b.{target}")
    kept = orientation if target == "jpg" else 1
    assert stored.getexif().get(274, 1) == kept


def test_xmp_does_not_turn_it_again(tmp_path):
    xmp = b'<rdf tiff:Orientation="6"/><tiff:Orientation>6</tiff:Orientation>'
    extra = chunk(b"eXIf", exif_block(6)) + chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp)
    (tmp_path / "a.png").write_bytes(png(noise((5, 7, 3), np.uint8), extra))
    picture = open_picture(tmp_path / "a.png")
    save_picture(picture, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert b"6" not in bytes(file.pages[0].tags[700].value)
    save_picture(picture, tmp_path / "b.png")
    assert xmp in (tmp_path / "b.png").read_bytes()
