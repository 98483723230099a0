"""The bundled samples open, are true to HU, and are what the generator makes."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_studio.core.picture import Kind, Picture, Scale
from denoise_studio.formats import open_picture
from denoise_studio.noise.ct_dose import inscribed_circle
from denoise_studio.noise.phantom import FLAT, phantom
from denoise_studio.training import make_samples as maker

NAMES = ("ct-phantom.dcm", "ct-phantom-clean.dcm", "photo.png", "photo-clean.png")


@pytest.fixture
def truth(samples: Path) -> Picture:
    return open_picture(samples / "ct-phantom-clean.dcm")


def test_the_committed_truth_is_what_the_generator_makes(truth: Picture) -> None:
    circle = inscribed_circle(maker.SIZE)
    np.testing.assert_array_equal(truth.pixels[0][circle], phantom(maker.SIZE)[circle])


def test_ct_samples_say_what_they_are(truth: Picture, samples: Path) -> None:
    for picture in (truth, open_picture(samples / "ct-phantom.dcm")):
        assert picture.kind is Kind.CT
        assert picture.scale is Scale.HU
        assert picture.spacing == pytest.approx((0.703125, 0.703125))
        assert [(w.width, w.level) for w in picture.windows] == [(400, 40), (1500, -600)]
        assert picture.padding is not None
        np.testing.assert_array_equal(picture.padding, ~inscribed_circle(maker.SIZE))


def test_the_noisy_slice_is_true_to_hu(truth: Picture, samples: Path) -> None:
    noise = open_picture(samples / "ct-phantom.dcm").pixels[0] - truth.pixels[0]
    for flat in FLAT:
        values = noise[flat.mask(maker.SIZE)]
        assert 5 < values.std() < 40, flat.name
        # Neighbours are correlated: as if a quarter of the pixels were independent, at worst.
        assert abs(values.mean()) < 4 * values.std() / np.sqrt(values.size / 4), flat.name
    assert abs(noise[inscribed_circle(maker.SIZE)].mean()) < 0.5


@pytest.mark.parametrize("name", ["photo.png", "photo-clean.png"])
def test_photos_open_as_photos(samples: Path, name: str) -> None:
    picture = open_picture(samples / name)
    assert picture.kind is Kind.PHOTO
    assert picture.pixels.shape == (3, 400, 600)
    assert picture.icc


def test_photos_match_and_carry_profile_and_exif(samples: Path) -> None:
    with Image.open(samples / "photo.png") as noisy, Image.open(samples / "photo-clean.png") as clean:
        for picture in (noisy, clean):
            assert picture.mode == "RGB"
            assert picture.info["icc_profile"]
            assert picture.getexif()[0x0112] == 1
        clean_pixels = np.asarray(clean)
        np.testing.assert_array_equal(clean_pixels, maker.clean_photo())
        np.testing.assert_array_equal(
            np.asarray(noisy), maker.add_camera_noise(clean_pixels, maker.PHOTO_SEED)
        )


def test_camera_noise_grows_with_light_and_keeps_the_mean() -> None:
    dark, bright = (np.full((64, 64, 3), level, np.uint8) for level in (60, 180))
    noise = [maker._to_linear(maker.add_camera_noise(flat, 0) / 255) for flat in (dark, bright)]
    assert noise[1][..., 1].var() > 2 * noise[0][..., 1].var()
    for flat, linear in zip((dark, bright), noise, strict=True):
        expected = maker._to_linear(flat[0, 0, 1] / 255)
        assert linear[..., 1].mean() == pytest.approx(expected, rel=0.03)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian: dicom3tools)")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".dcm")])
def test_ct_samples_are_valid_dicom(samples: Path, name: str) -> None:
    done = subprocess.run(["dciodvfy", samples / name], capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr + done.stdout


def test_samples_are_small(samples: Path) -> None:
    assert {path.name for path in samples.iterdir()} >= set(NAMES)
    assert sum(path.stat().st_size for path in samples.iterdir()) < 4_000_000
