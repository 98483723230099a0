"""DICOM in: stored samples to values, padding, windows, spacing, and what is refused."""

import warnings

import numpy as np
import pydicom
import pytest
from format_files import ct_dataset, mr_dataset, noise
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Kind, Scale, Stored, Window
from denoise_studio.formats import open_picture


def test_a_ct_slice_is_hounsfield_units(ct_path):
    picture = open_picture(ct_path)
    stored = pydicom.dcmread(ct_path).pixel_array
    np.testing.assert_array_equal(picture.pixels[0], stored.astype(float) - 1024)
    assert (picture.scale, picture.unit, picture.kind) == (Scale.HU, "HU", Kind.CT)
    assert picture.stored == Stored("uint16", 12, 1.0, -1024.0)
    assert picture.nominal_range == (-1024, 3071)
    assert picture.spacing == (0.75, 0.5)
    assert picture.windows == (Window(400, 40, "SOFT"), Window(1500, -600, "LUNG"))
    assert picture.notes == ()
    assert picture.padding is None


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -1024), (0.5, 3.25), (2, -8192), (-1, 100)])
def test_every_stored_type_and_rescale(write_ct, dtype, slope, intercept):
    stored = noise((6, 7), dtype)
    picture = open_picture(write_ct(stored, RescaleSlope=slope, RescaleIntercept=intercept))
    np.testing.assert_array_equal(picture.pixels[0], stored * float(slope) + intercept)
    low, high = picture.nominal_range
    assert low < high


def test_high_bits_are_masked_and_signs_extended(write_ct):
    values = np.array([[-2048, -1, 0, 1, 2047, -1024]], np.int16)
    garbage = (values & 0x0FFF) | 0x5000
    path = write_ct(garbage.astype(np.int16), BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(open_picture(path).pixels, values[None] - 1024.0)
    shifted = (values << 4).astype(np.int16)
    path = write_ct(shifted, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(open_picture(path).pixels, values[None] - 1024.0)


def test_mr_is_a_signal_without_a_unit(tmp_path):
    mr_dataset(noise((5, 6), np.uint16)).save_as(tmp_path / "m.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "m.dcm")
    assert (picture.scale, picture.unit, picture.kind) == (Scale.SIGNAL, "", Kind.MR)


@pytest.mark.parametrize("changes", [{"RescaleType": "US"}, {"RescaleSlope": None, "RescaleIntercept": None}])
def test_ct_that_does_not_promise_hounsfield_units(write_ct, changes):
    picture = open_picture(write_ct(noise((5, 6), np.int16), **changes))
    assert picture.scale is Scale.SIGNAL
    assert "not taken as Hounsfield units" in picture.notes[0]


def test_rescale_type_may_be_absent(write_ct):
    assert open_picture(write_ct(noise((5, 6), np.int16), RescaleType=None)).scale is Scale.HU


def test_monochrome1_keeps_its_values(write_ct):
    stored = noise((5, 6), np.uint16)
    picture = open_picture(write_ct(stored, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(picture.pixels[0], stored - 1024.0)
    assert "MONOCHROME1" in picture.notes[0]


@pytest.mark.parametrize("value_vr", ["SS", "US"])
def test_padding_value_and_range(tmp_path, value_vr):
    stored = np.array([[-2000, -1999, -1500, -1499, 0, 100]], np.int16)
    data = ct_dataset(stored)
    bits = -2000 if value_vr == "SS" else 65536 - 2000
    data.add_new(0x00280120, value_vr, bits)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "a.dcm")
    np.testing.assert_array_equal(picture.padding, stored == -2000)
    np.testing.assert_array_equal(picture.pixels[0], stored - 1024.0)
    data.add_new(0x00280121, value_vr, -1500 if value_vr == "SS" else 65536 - 1500)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(open_picture(tmp_path / "a.dcm").padding, stored <= -1500)


def test_padding_that_no_pixel_has(write_ct):
    picture = open_picture(write_ct(np.zeros((4, 4), np.int16), PixelPaddingValue=-2000))
    assert picture.padding is None


def test_only_padding_is_no_padding(write_ct):
    picture = open_picture(write_ct(np.full((4, 4), -2000, np.int16), PixelPaddingValue=-2000))
    assert picture.padding is None
    assert "Every pixel" in picture.notes[0]


def test_undeclared_padding_far_below_air_is_found_and_said(write_ct):
    stored = np.full((10, 10), 24, np.int16)
    stored[0] = -2000
    picture = open_picture(write_ct(stored, PixelPaddingValue=-32768))
    np.testing.assert_array_equal(picture.padding, stored == -2000)
    assert picture.notes == ("10 pixels of -3024 HU are taken as padding, which the file does not declare.",)
    stored[0] = 24
    stored[0, 0] = -400  # -1424 HU: a metal artefact, say.
    assert open_picture(write_ct(stored)).padding is None


def test_spacing_of_the_detector_is_noted(write_ct):
    stored = noise((4, 4), np.int16)
    picture = open_picture(write_ct(stored, PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.1]))
    assert picture.spacing == (0.2, 0.1)
    assert "detector" in picture.notes[0]
    assert open_picture(write_ct(stored, PixelSpacing=None)).spacing is None
    assert open_picture(write_ct(stored, PixelSpacing=[0, 0])).spacing is None


def test_windows_without_width_are_left_out(write_ct):
    picture = open_picture(
        write_ct(noise((4, 4), np.int16), WindowCenter=40, WindowWidth=0, WindowCenterWidthExplanation=None)
    )
    assert picture.windows == ()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_compressed_pixels(tmp_path, syntax):
    stored = noise((32, 40), np.int16) >> 2
    data = ct_dataset(stored)
    if syntax == RLELossless:
        data.compress(syntax, generate_instance_uid=False)
    else:
        import imagecodecs

        encode = imagecodecs.jpegls_encode if syntax == JPEGLSLossless else imagecodecs.jpeg2k_encode
        options = {} if syntax == JPEGLSLossless else {"codecformat": "j2k", "reversible": True, "level": 0}
        samples = stored.view(np.uint16) if syntax == JPEGLSLossless else stored
        data.PixelData = encapsulate([encode(samples, **options)])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = syntax
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "a.dcm")
    np.testing.assert_array_equal(picture.pixels[0], stored - 1024.0)
    assert picture.source.summary["transfer syntax"] == syntax.name


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_byte_orders(tmp_path, syntax):
    stored = noise((5, 6), np.int16)
    data = ct_dataset(stored)
    if syntax == ExplicitVRBigEndian:
        data.PixelData = stored.astype(">i2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    data.save_as(
        tmp_path / "a.dcm",
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=True,
    )
    np.testing.assert_array_equal(open_picture(tmp_path / "a.dcm").pixels[0], stored - 1024.0)


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_preamble(tmp_path, implicit):
    stored = noise((5, 6), np.int16)
    data = ct_dataset(stored)
    del data.file_meta
    data.save_as(tmp_path / "a.dcm", implicit_vr=implicit, little_endian=True)
    assert (tmp_path / "a.dcm").read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(open_picture(tmp_path / "a.dcm").pixels[0], stored - 1024.0)


def test_of_several_frames_the_first_is_opened_with_its_place(tmp_path):
    stored = noise((3, 4, 5), np.int16)
    data = ct_dataset(stored[0], NumberOfFrames=3, ImagePositionPatient=None)
    data.PixelData = stored.astype("<i2").tobytes()
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "a.dcm")
    np.testing.assert_array_equal(picture.pixels[0], stored[0] - 1024.0)
    assert picture.notes == ("The file has 3 frames; this is the first.",)
    assert (picture.place.index, len(picture.place.series)) == (0, 3)
    for frame in range(3):
        other = picture.place.series.open(frame)
        np.testing.assert_array_equal(other.pixels[0], stored[frame] - 1024.0)
        assert other.source.metadata.frame == frame


def test_one_frame_of_an_enhanced_ct(tmp_path):
    stored = noise((4, 4), np.uint16)
    data = ct_dataset(
        stored,
        RescaleSlope=None,
        RescaleIntercept=None,
        RescaleType=None,
        PixelSpacing=None,
        WindowCenter=None,
        WindowWidth=None,
        NumberOfFrames=1,
    )
    group, change, measures, window = Dataset(), Dataset(), Dataset(), Dataset()
    change.RescaleSlope, change.RescaleIntercept, change.RescaleType = 2, -1000, "HU"
    measures.PixelSpacing = [0.4, 0.3]
    window.WindowCenter, window.WindowWidth = 50, 350
    group.PixelValueTransformationSequence = Sequence([change])
    group.PixelMeasuresSequence = Sequence([measures])
    group.FrameVOILUTSequence = Sequence([window])
    data.SharedFunctionalGroupsSequence = Sequence([group])
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "a.dcm")
    np.testing.assert_array_equal(picture.pixels[0], stored * 2.0 - 1000)
    assert (picture.scale, picture.spacing) == (Scale.HU, (0.4, 0.3))
    assert [(w.width, w.level) for w in picture.windows] == [(350, 50)]


def test_colour_is_refused(tmp_path):
    data = ct_dataset(np.zeros((4, 4), np.uint8), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    data.PlanarConfiguration = 0
    data.PixelData = data.PixelData * 3
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(FormatError, match=r"a\.dcm is a colour DICOM image \(RGB\); only grey ones"):
        open_picture(tmp_path / "a.dcm")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Rows": 0}, "no pixels"),
        ({"Rows": 60000, "Columns": 60000}, "megapixels"),
        ({"Rows": 40}, "cut short"),
        ({"RescaleSlope": 0}, "rescale slope of 0"),
        ({"PixelData": None}, "pixel data is missing"),
        ({"BitsAllocated": 12}, "12 bits"),
        ({"BitsStored": 20}, "contradicts itself"),
    ],
)
def test_impossible_headers(write_ct, changes, words):
    path = write_ct(noise((4, 4), np.int16), **changes)
    with pytest.raises(FormatError, match=words) as caught:
        open_picture(path)
    assert str(caught.value).startswith("slice.dcm")


def test_dicom_without_a_picture(tmp_path):
    data = Dataset()
    data.file_meta = ct_dataset(noise((2, 2), np.int16)).file_meta
    data.SOPClassUID, data.Modality = "1.2.840.10008.5.1.4.1.1.88.11", "SR"
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(FormatError, match=r"without a picture \(SR\)"):
        open_picture(tmp_path / "a.dcm")


def test_bad_values_are_silent_and_no_patient_data_in_the_summary(tmp_path, capsys, caplog):
    data = ct_dataset(noise((4, 4), np.int16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data.PatientBirthDate = "not a date"
        data.SliceThickness = None
        data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    raw = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(raw.replace(b"Scanner 1 ", b"Scanner\xff1 "))
    caplog.clear()
    capsys.readouterr()
    picture = open_picture(tmp_path / "a.dcm")
    everything = str(picture.source.summary) + str(picture.notes) + caplog.text + "".join(capsys.readouterr())
    for secret in ("Secret", "4711", "1950", "not a date", "2020"):
        assert secret not in everything
    assert picture.source.summary["private tags"] == 2


def test_dual_personality_file_is_dicom(tmp_path, ct_path):
    data = bytearray(ct_path.read_bytes())
    data[:4] = b"II*\0"
    (tmp_path / "a.dcm").write_bytes(data)
    assert open_picture(tmp_path / "a.dcm").scale is Scale.HU
