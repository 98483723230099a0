"""Real files, opened, saved in every format that can hold them, and opened again."""

import numpy as np
import pytest

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Kind, Scale
from denoise_studio.formats import all_formats, encode_for, format_for, open_picture, save_picture

# A perfusion map, whose rescale type is none of Hounsfield's; 8-bit volumes.
SIGNALS = ("eCT_Supplemental.dcm", "niivue_CT_AVM.nii.gz", "niivue_CT_pitch.nii.gz")


def round_trips(picture, folder):
    kept = 0
    for chosen in all_formats():
        target = folder / f"b{chosen.suffixes[0]}"
        try:
            encoded = encode_for(picture, target)
        except FormatError:
            continue
        report = save_picture(picture, target)
        back = open_picture(target)
        assert report.clipped == 0
        if format_for(target).lossless:
            np.testing.assert_array_equal(back.pixels, encoded.pixels)
            kept += np.array_equal(back.pixels, picture.pixels)
        else:
            assert np.abs(back.pixels - picture.pixels).mean() < 4
        target.unlink()
    return kept


@pytest.mark.shared
def test_every_ct_file(shared_data, tmp_path):
    opened = 0
    for path in sorted((shared_data / "ct").iterdir()):
        if path.suffix == ".json":
            continue
        picture = open_picture(path)
        expected = Scale.UNITLESS if path.suffix == ".tiff" else Scale.HU
        expected = Scale.SIGNAL if path.name in SIGNALS else expected
        assert picture.scale is expected, path.name
        assert round_trips(picture, tmp_path) >= 2, path.name
        opened += 1
    assert opened == 17


@pytest.mark.shared
def test_padding_of_the_ge_slice(shared_data):
    picture = open_picture(shared_data / "ct" / "cornerstone_CTImage.dcm")
    assert picture.padding is not None
    np.testing.assert_array_equal(picture.padding, picture.pixels[0] == -3024)
    assert picture.value_range[0] >= -1024


@pytest.mark.shared
def test_photographs(shared_data, tmp_path):
    folders = ("photos/real-noise", "photos/pairs", "photos/Set12", "iqa")
    for folder in folders:
        for path in sorted((shared_data / folder).iterdir())[:4]:
            picture = open_picture(path)
            assert picture.scale is Scale.DISPLAY
            assert round_trips(picture, tmp_path) >= 3, path.name


@pytest.mark.shared
def test_camera_raw(shared_data, tmp_path):
    opened = {}
    for path in sorted((shared_data / "raw").iterdir()):
        picture = opened[path.name] = open_picture(path)
        assert (picture.kind, picture.scale, picture.unit) == (Kind.RAW, Scale.LINEAR, "DN")
        assert picture.mosaic.is_bayer
        low, high = picture.value_range
        assert min(site.black for site in picture.mosaic.sites) - 200 < low < high
        assert high <= picture.nominal_range[1]
        assert round_trips(picture, tmp_path) >= 2, path.name  # DNG and NPY
    # As exiftool names them.
    assert opened["Canon_PowerShot_G2_CRW_0304.CRW"].mosaic.camera == "Canon PowerShot G2"
    chart = opened["colorchart.dng"]
    assert (chart.mosaic.camera, chart.width, chart.height) == ("Canon EOS Kiss X4", 1734, 1156)
    assert {(site.black, site.white) for site in chart.mosaic.sites} == {(2056.0, 15000.0)}
