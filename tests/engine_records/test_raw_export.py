"""Camera raw saved: as a mosaic, or developed; and made again from its record."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from raw_builders import BLACK, WHITE, exposed, patches
from raw_files import write_raw

from denoise_studio.core.errors import FormatError
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.developing import colours
from denoise_studio.engine.export import export
from denoise_studio.engine.outgoing import developed, require_room, way_of
from denoise_studio.engine.record import read_record, record_path
from denoise_studio.engine.render import render_in_full
from denoise_studio.engine.replay import replay
from denoise_studio.formats import SaveOptions, format_for, open_picture

RECIPE = Recipe("raw-network", {"gain": 2.0, "read": 5.0}, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    values = exposed(patches(320, 384), 2.0, 5.0, 1)
    return write_raw(folder / "shot.dng", values, iso=1600)


@pytest.fixture(scope="module")
def rendering(source):
    return render_in_full(open_picture(source), RECIPE)


@pytest.mark.parametrize("name", ["out.dng", "out.tif", "out.png", "out.jpg", "out.npy"])
def test_every_file_is_made_again_from_its_record(rendering, tmp_path, name):
    export(rendering, tmp_path / name, SaveOptions(exposure=1.0))
    found = replay(tmp_path / name)
    assert found.equal, found.message


@pytest.mark.parametrize("way", ["display", "linear"])
def test_the_record_says_how_it_was_developed(rendering, tmp_path, way):
    export(rendering, tmp_path / "a.png", SaveOptions(bits=16, develop=way, exposure=-0.5))
    output = read_record(record_path(tmp_path / "a.png")).output
    assert (output.developed, output.exposure) == (way, -0.5)
    assert replay(tmp_path / "a.png").equal


def test_the_dng_holds_parts_of_a_dn_in_the_cameras_own_scale(rendering, tmp_path):
    export(rendering, tmp_path / "out.dng")
    back = open_picture(tmp_path / "out.dng")
    np.testing.assert_allclose(back.pixels, rendering.picture.pixels, atol=0.126)  # a quarter DN, halved
    assert (back.pixels % 1 != 0).any()
    assert [site.black for site in back.mosaic.sites] == [BLACK] * 4
    assert [site.white for site in back.mosaic.sites] == [WHITE] * 4
    assert back.mosaic.iso == 1600
    assert "raw-network" in back.source.summary["processed"][0]


def test_an_undenoised_dng_holds_the_sources_own_numbers(source, tmp_path):
    picture = open_picture(source)
    export(render_in_full(picture, Recipe("identity")), tmp_path / "same.dng")
    np.testing.assert_array_equal(open_picture(tmp_path / "same.dng").pixels, picture.pixels)
    assert _tags(tmp_path / "same.dng")[50935] == (0, 100)


def test_the_dng_says_how_much_noise_was_taken_away_and_shows_the_result(source, tmp_path):
    picture = open_picture(source)
    export(render_in_full(picture, RECIPE.replace(strength=0.6)), tmp_path / "some.dng")
    tags = _tags(tmp_path / "some.dng")
    assert tags[50935] == (60, 100)
    assert 51041 not in tags  # no noise profile: the noise is another one now
    assert tags[50827] == "shot.dng"
    with tifffile.TiffFile(tmp_path / "some.dng") as file:
        first = file.pages[0]
        assert int(first.subfiletype) == 1
        content = (tmp_path / "some.dng").read_bytes()
        start, count = first.dataoffsets[0], first.databytecounts[0]
        raw = first.pages[0]
        assert raw.is_tiled is False
        assert int(raw.photometric) == 32803
    preview = Image.open(io.BytesIO(content[start : start + count]))
    assert preview.format == "JPEG"
    assert max(preview.size) <= 1024
    shown = np.asarray(preview.convert("RGB"), np.float64).mean(axis=(0, 1))
    linear = np.clip(colours(picture, picture.rect, 2), 0, 1)
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(shown, 255 * expected.mean(axis=(1, 2)), atol=4)


def _tags(path):
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


def test_developed_files_say_what_their_numbers_mean(rendering, tmp_path):
    export(rendering, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        pixels, profile = page.asarray(), page.tags[34675].value
    assert pixels.dtype == np.uint16
    linear = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "2020" in ImageCms.getProfileDescription(linear)
    export(rendering, tmp_path / "a.png", SaveOptions(bits=8))
    with Image.open(tmp_path / "a.png") as image:
        coded, icc = np.asarray(image, np.float64) / 255, image.info["icc_profile"]
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    # Both tell the same luminance, with the weights of their primaries.
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]
    wide = pixels.astype(np.float64) / 65535 @ [0.2627, 0.6780, 0.0593]
    inside = ((coded > 0.02) & (coded < 0.98)).all(axis=2)  # neither gamut nor white cuts these off
    assert light[inside].mean() == pytest.approx(wide[inside].mean(), rel=0.01)


def test_exposure_is_linear_light(rendering):
    plain, bright = (developed(rendering.picture, "linear", stops).pixels for stops in (0.0, 1.0))
    some = (plain > 300) & (plain < 30000)
    np.testing.assert_allclose(bright[some], 2 * plain[some], rtol=1e-4)


def test_wishes_that_do_not_fit_are_refused_before_any_work(source):
    picture = open_picture(source)
    with pytest.raises(FormatError, match="JPEG has too few steps"):
        require_room(picture, format_for("a.jpg"), SaveOptions(develop="linear"))
    with pytest.raises(FormatError, match="not as 'film'"):
        require_room(picture, format_for("a.png"), SaveOptions(develop="film"))
    with pytest.raises(FormatError, match="DICOM"):
        require_room(picture, format_for("a.dcm"), SaveOptions())
    require_room(picture, format_for("a.dng"), SaveOptions())
    assert way_of(picture, "npy", SaveOptions()) is None


def test_a_photograph_is_no_dng(tmp_path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(FormatError, match="sensor saw"):
        require_room(open_picture(tmp_path / "a.png"), format_for("a.dng"), SaveOptions())
