"""Colour profiles made here: another program's colours of the same names come out."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from denoise_studio.formats.icc import colorants, linear_profile, srgb_profile


def opened(data):
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


def converted(image, data, target):
    transform = ImageCms.buildTransform(opened(data), target, "RGB", "RGB")
    return np.asarray(ImageCms.applyTransform(Image.fromarray(image), transform)).astype(int)


def test_srgb_is_the_srgb_of_littlecms():
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    found = converted(image, srgb_profile(), ImageCms.createProfile("sRGB"))
    assert np.abs(found - image).max() <= 1
    assert "sRGB" in ImageCms.getProfileDescription(opened(srgb_profile()))


def test_the_primaries_are_those_that_icc_publishes_for_srgb():
    # sRGB2014.icc of the International Color Consortium, D50: red, green, blue.
    expected = [[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]]
    primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
    np.testing.assert_allclose(colorants(primaries).T, expected, atol=4e-4)


def test_linear_light_is_shown_through_srgbs_curve_and_the_wider_gamut():
    image = np.array([[[0, 0, 0], [128, 128, 128], [255, 255, 255], [120, 100, 60]]], np.uint8)
    found = converted(image, linear_profile(), ImageCms.createProfile("sRGB"))[0]
    light = image[0] / 255
    # ITU-R BT.2087: Rec. 2020 to the primaries that sRGB has too.
    matrix = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    linear = light @ np.transpose(matrix)
    expected = 255 * np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    )
    np.testing.assert_allclose(found, expected, atol=1.5)


@pytest.mark.parametrize("data", [srgb_profile(), linear_profile()])
def test_the_profile_is_whole(data):
    assert int.from_bytes(data[:4], "big") == len(data)
    assert data[36:40] == b"acsp"
    assert data[8] == 2
    profile = opened(data).profile
    np.testing.assert_allclose(profile.media_white_point[0], (0.9642, 1.0, 0.8249), atol=1e-4)
    total = sum(np.array(c[0]) for c in (profile.red_colorant, profile.green_colorant, profile.blue_colorant))
    np.testing.assert_allclose(total, (0.9642, 1.0, 0.8249), atol=1e-4)
