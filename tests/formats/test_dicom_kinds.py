"""Every way in which DICOM stores pixels, each named in the table `PIXEL_KINDS`."""

import json

import numpy as np
import pydicom
import pytest
from dicom_kinds import PIXEL_KINDS

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.formats import find_series, open_picture

MR = "MR, 12 bits"


@pytest.mark.parametrize("kind", PIXEL_KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_pixels(kind, tmp_path):
    stored = kind.make(tmp_path / "a.dcm").astype(np.float64)
    mr = kind.name == MR
    expected = stored if mr else stored - 1024
    frames = expected if expected.ndim == 3 else expected[None]
    series = find_series(tmp_path / "a.dcm")
    assert [len(each) for each in series] == [len(frames)]
    for index, info in enumerate(series[0].slices):
        picture = series[0].open(index)
        difference = np.abs(picture.pixels[0] - frames[info.frame or 0])
        assert difference.max() <= kind.error
        assert picture.scale is (Scale.SIGNAL if mr else Scale.HU)
    first = open_picture(tmp_path / "a.dcm")
    assert np.abs(first.pixels[0] - frames[0]).max() <= kind.error
    assert (first.place is not None) == (len(frames) > 1)


@pytest.mark.shared
def test_every_file_is_hounsfield_units_as_pydicom_computes_them(shared_data):
    checked = 0
    for path in sorted((shared_data / "ct").iterdir()):
        try:
            data = pydicom.dcmread(path)
        except pydicom.errors.InvalidDicomError:
            continue
        stored = data.pixel_array.astype(np.float64)
        frames = stored if stored.ndim == 3 else stored[None]
        (series,) = find_series(path)
        assert len(series) == len(frames)
        for index, info in enumerate(series.slices):
            number = info.frame or 0
            slope, intercept = _rescale(data, number)
            expected = frames[number] * slope + intercept
            np.testing.assert_array_equal(
                series.open(index).pixels[0], expected.astype(np.float32), path.name
            )
        checked += 1
    assert checked == 11


def _rescale(data, frame):
    if "PerFrameFunctionalGroupsSequence" not in data:
        return float(data.RescaleSlope), float(data.RescaleIntercept)
    groups = data.PerFrameFunctionalGroupsSequence[frame], data.SharedFunctionalGroupsSequence[0]
    item = next(
        group.PixelValueTransformationSequence[0]
        for group in groups
        if "PixelValueTransformationSequence" in group
    )
    return float(item.RescaleSlope), float(item.RescaleIntercept)


@pytest.mark.shared
def test_what_cannot_be_read_says_why(shared_data):
    path = shared_data / "ct" / "ldctiqa_scores.json"
    json.loads(path.read_text())
    with pytest.raises(
        FormatError, match=r"^ldctiqa_scores\.json is not a picture that Denoise Studio reads \("
    ):
        open_picture(path)
    with pytest.raises(FormatError, match=r"^ldctiqa_scores\.json holds no series of slices\.$"):
        find_series(path)
