"""Every row of the table of what a processed DICOM must say, one test a row, from every transfer syntax."""

import datetime

import numpy as np
import pydicom
import pytest
from dicom_sources import SYNTAXES, in_syntax, write_source
from format_files import ct_dataset, mr_dataset, noise
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from denoise_studio import __version__
from denoise_studio.formats import SaveOptions, open_picture, save_picture

STEP = "bilateral sigma_r=62.2693 sigma_x=1.5 sigma_y=1.5 strength=0.8 (Denoise Studio 0.1.0)"
STORED = noise((6, 5), np.int16) // 64


def derived(source, target, history=(STEP,), change=None, **options):
    """What another program reads in the file saved, and in its source."""
    picture = open_picture(source)
    pixels = picture.pixels if change is None else change(picture.pixels)
    save_picture(picture.derive(pixels, history=history), target, SaveOptions(**options))
    return pydicom.dcmread(target), pydicom.dcmread(source)


@pytest.fixture(params=SYNTAXES)
def pair(request, tmp_path):
    source = write_source(tmp_path / "source.dcm", STORED, request.param)
    return derived(source, tmp_path / "out.dcm")


@pytest.fixture
def make(tmp_path):
    """Saves a derived image of a slice with these attributes; returns it and its source."""

    def make(name="source.dcm", target="out.dcm", history=(STEP,), stored=STORED, change=None, **changes):
        options = {key: changes.pop(key) for key in ("series", "recipe") if key in changes}
        data = ct_dataset(stored, **changes)
        data.save_as(tmp_path / name, enforce_file_format=True)
        return derived(tmp_path / name, tmp_path / target, history, change, **options)

    return make


def test_image_type(pair):
    assert list(pair[0].ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "DENOISED"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["ORIGINAL", "PRIMARY", "LOCALIZER"], ["LOCALIZER", "DENOISED"]),
        (["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"], ["AXIAL", "CT_SOM5 SPI", "DENOISED"]),
        (["ORIGINAL", "PRIMARY"], ["AXIAL", "DENOISED"]),
        (["DERIVED", "SECONDARY", "AXIAL", "DENOISED", "X"], ["AXIAL", "X", "DENOISED"]),
    ],
)
def test_third_value_of_the_image_type_is_the_sources(make, given, expected):
    assert list(make(ImageType=given)[0].ImageType) == ["DERIVED", "SECONDARY", *expected]


def test_sop_class_is_kept(pair):
    assert pair[0].SOPClassUID == pair[0].file_meta.MediaStorageSOPClassUID == CTImageStorage


def test_instance_is_new_and_the_same_in_the_meta_information(pair):
    out, source = pair
    assert out.SOPInstanceUID != source.SOPInstanceUID
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    assert out.SOPInstanceUID.is_valid
    assert out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_series_is_new_and_numbered_and_described_after_the_source(pair):
    out, source = pair
    assert out.SeriesInstanceUID.is_valid
    assert out.SeriesInstanceUID != source.SeriesInstanceUID
    assert out.SeriesNumber == source.SeriesNumber * 100 + 1
    assert out.SeriesDescription == f"{source.SeriesDescription} | DENOISED bilateral s=0.8"


def test_a_second_series_of_one_source_has_the_next_number(make):
    uid = "1.2.826.0.1.77"
    first = make(SeriesInstanceUID=uid, series="one")[0]
    again = make(SeriesInstanceUID=uid, series="one")[0]
    second = make(SeriesInstanceUID=uid, series="two")[0]
    assert first.SeriesInstanceUID == again.SeriesInstanceUID != second.SeriesInstanceUID
    assert [first.SeriesNumber, again.SeriesNumber, second.SeriesNumber] == [301, 301, 302]


def test_a_series_description_has_64_characters_in_any_alphabet(make):
    out, _ = make(SpecificCharacterSet="ISO_IR 192", SeriesDescription="Köpfchen " * 7)
    assert len(out.SeriesDescription) <= 64
    assert out.SeriesDescription.startswith("Köpfchen")
    assert out.SeriesDescription.endswith("| DENOISED bilateral s=0.8")


def test_study_patient_and_geometry_are_copied(pair):
    out, source = pair
    for keyword in (
        *("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientID", "PatientBirthDate"),
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("StudyDate", "StudyTime", "AccessionNumber", "InstanceNumber", "Manufacturer", "WindowCenter"),
    ):
        assert out[keyword].value == source[keyword].value, keyword


def test_dates_of_instance_and_content_are_now(pair):
    out, _ = pair
    for what in ("InstanceCreation", "Content"):
        stamp = out[f"{what}Date"].value + out[f"{what}Time"].value
        age = datetime.datetime.now() - datetime.datetime.strptime(stamp, "%Y%m%d%H%M%S")
        assert abs(age.total_seconds()) < 600, what


def test_times_are_on_the_clock_of_the_source(make):
    out, _ = make(TimezoneOffsetFromUTC="-1130")
    stamp = datetime.datetime.strptime(out.ContentDate + out.ContentTime + "-1130", "%Y%m%d%H%M%S%z")
    age = datetime.datetime.now(datetime.UTC) - stamp
    assert abs(age.total_seconds()) < 600
    assert out.ContributingEquipmentSequence[0].ContributionDateTime.endswith("-1130")


def test_derivation_is_described_with_software_and_version(pair):
    text = pair[0].DerivationDescription
    assert text == f"Denoise Studio {__version__}: {STEP}"
    assert pair[0]["DerivationDescription"].VR == "ST"


def test_derivation_description_has_1024_characters_and_keeps_the_earlier_one(make):
    out, _ = make(DerivationDescription="MPR of a volume")
    assert out.DerivationDescription == f"Denoise Studio {__version__}: {STEP} | before: MPR of a volume"
    out, _ = make(history=("filter σ\\" + "y" * 2000,))
    assert len(out.DerivationDescription) == 1024
    assert "filter sigma/" in out.DerivationDescription


def test_derivation_is_coded_as_smoothing(pair):
    (item,) = pair[0].DerivationCodeSequence
    assert (item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning) == ("113087", "DCM", "Smoothing")


def test_earlier_steps_of_derivation_stay_in_order(make):
    earlier = Dataset()
    earlier.CodeValue, earlier.CodingSchemeDesignator = "113072", "DCM"
    earlier.CodeMeaning = "Multiplanar reformatting"
    out, _ = make(DerivationCodeSequence=Sequence([earlier]))
    assert [item.CodeValue for item in out.DerivationCodeSequence] == ["113072", "113087"]


def test_source_image_is_referred_to(pair):
    out, source = pair
    (item,) = out.SourceImageSequence
    assert item.ReferencedSOPClassUID == source.SOPClassUID
    assert item.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert item.SpatialLocationsPreserved == "YES"
    (purpose,) = item.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")
    assert purpose.CodeMeaning == "Source image for image processing operation"


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_no_reference_stays_that_is_to_another_image(make, tmp_path):
    older = Dataset()
    older.ReferencedSOPClassUID, older.ReferencedSOPInstanceUID = CTImageStorage, "1.2.3"
    data = ct_dataset(STORED, SourceImageSequence=Sequence([older]))
    data.SOPInstanceUID = "1.2.not-a-uid"
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.4"
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = derived(tmp_path / "a.dcm", tmp_path / "out.dcm")
    assert "SourceImageSequence" not in out


def test_equipment_that_contributed_is_told(pair):
    (item,) = pair[0].ContributingEquipmentSequence
    (purpose,) = item.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109102", "DCM")
    assert item.Manufacturer == item.ManufacturerModelName == "Denoise Studio"
    assert item.SoftwareVersions == __version__
    assert datetime.datetime.strptime(item.ContributionDateTime[:14], "%Y%m%d%H%M%S")
    assert item.ContributionDescription == STEP


@pytest.mark.parametrize("flag", ["00", "01", None])
def test_lossy_compression_is_copied_and_never_set_by_denoising(make, flag):
    given = {"LossyImageCompression": flag} if flag else {}
    if flag == "01":
        given |= {"LossyImageCompressionRatio": 8.5, "LossyImageCompressionMethod": "ISO_10918_1"}
    out, _ = make(**given)
    assert out.get("LossyImageCompression") == flag
    assert out.get("LossyImageCompressionRatio") == given.get("LossyImageCompressionRatio")
    assert out.get("LossyImageCompressionMethod") == given.get("LossyImageCompressionMethod")


def test_pixels_and_rescale_are_the_sources(pair):
    out, source = pair
    np.testing.assert_array_equal(out.pixel_array, STORED)
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType", "BitsStored", "PixelRepresentation"):
        assert out[keyword].value == source[keyword].value, keyword


def test_rescale_type_is_told_for_hounsfield_units_only(make, tmp_path):
    assert make(RescaleType=None)[0].RescaleType == "HU"
    mr_dataset(STORED.view(np.uint16)).save_as(tmp_path / "m.dcm", enforce_file_format=True)
    out, _ = derived(tmp_path / "m.dcm", tmp_path / "mr.dcm")
    assert "RescaleType" not in out


def test_values_are_rounded_to_the_nearest_sample(make):
    out, _ = make(RescaleSlope=0.5, RescaleIntercept=-3.25, change=lambda hu: hu + np.float32(0.3))
    # 0.3 HU are 0.6 of a step of 0.5 HU.
    np.testing.assert_array_equal(out.pixel_array, STORED + 1)


@pytest.mark.parametrize(("signed", "bits"), [(0, 12), (1, 12), (0, 16), (1, 16), (0, 8)])
def test_what_does_not_fit_is_clipped_and_counted(tmp_path, signed, bits):
    dtype = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    low = -(1 << bits - 1) if signed else 0
    high = low + (1 << bits) - 1
    stored = np.full((4, 4), (low + high) // 2, dtype)
    write_source(tmp_path / "a.dcm", stored, BitsStored=bits, HighBit=bits - 1)
    picture = open_picture(tmp_path / "a.dcm")
    pixels = picture.pixels.copy()
    pixels[0, 0] = np.array([low - 1, low, high, high + 1], np.float32) - 1024
    report = save_picture(picture.derive(pixels), tmp_path / "out.dcm")
    assert report.clipped == 2
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert (out.BitsStored, out.HighBit, out.PixelRepresentation) == (bits, bits - 1, signed)
    np.testing.assert_array_equal(
        open_picture(tmp_path / "out.dcm").pixels[0, 0] + 1024, [low, low, high, high]
    )


def test_smallest_and_largest_are_of_the_pixels_saved_without_padding(tmp_path):
    stored = STORED.copy()
    stored[0, :3] = [-2000, -1990, -1980]
    data = ct_dataset(stored, SmallestPixelValueInSeries=-2000, LargestPixelValueInSeries=4000)
    data.add_new(0x00280120, "SS", -2000)
    data.add_new(0x00280121, "SS", -1980)
    data.add_new(0x00280106, "SS", -1)
    data.add_new(0x00280107, "SS", 1)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = derived(tmp_path / "a.dcm", tmp_path / "out.dcm", change=lambda hu: hu + 5)
    rest = np.delete(stored.ravel(), [0, 1, 2]).astype(int) + 5
    assert (out.SmallestImagePixelValue, out.LargestImagePixelValue) == (rest.min(), rest.max())
    assert (out.PixelPaddingValue, out.PixelPaddingRangeLimit) == (-2000, -1980)
    np.testing.assert_array_equal(out.pixel_array[0, :3], [-2000, -1990, -1980])
    assert "SmallestPixelValueInSeries" not in out
    assert "LargestPixelValueInSeries" not in out


@pytest.mark.parametrize(("given", "expected"), [("YES", "YES"), ("NO", "NO"), (None, "NO")])
def test_burned_in_annotation(make, given, expected):
    out, _ = make(**({"BurnedInAnnotation": given} if given else {}))
    assert out.BurnedInAnnotation == expected


def test_a_captured_screen_is_not_said_to_be_free_of_annotation(tmp_path):
    data = ct_dataset(STORED)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = derived(tmp_path / "a.dcm", tmp_path / "out.dcm")
    assert "BurnedInAnnotation" not in out


def test_dose_and_exposure_are_copied(make):
    dose = {"CTDIvol": 7.5, "ExposureTime": 500, "XRayTubeCurrent": 210, "Exposure": 105, "KVP": 120}
    out, source = make(**dose)
    assert {key: out[key].value for key in dose} == {key: source[key].value for key in dose} == dose


def test_private_attributes_are_kept(pair):
    value = pair[0][0x0099, 0x1001].value
    value = value.decode() if isinstance(value, bytes) else value
    assert value.strip() == "kept as it is"
    assert pair[0][0x0099, 0x0010].value == "TEST MAKER"


def test_words_of_big_endian_are_turned(tmp_path):
    data = in_syntax(ct_dataset(STORED), STORED, "big endian")
    words, floats = np.array([1, 2, 258], ">u2"), np.array([1.5, -2], ">f4")
    data.add_new(0x60003000, "OW", words.tobytes())
    lut = Dataset()
    lut.add_new(0x00283006, "OW", words.tobytes())
    data.VOILUTSequence = Sequence([lut])
    data.add_new(0x00991003, "US", 258)
    data.add_new(0x00991004, "OF", floats.tobytes())
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = derived(tmp_path / "a.dcm", tmp_path / "out.dcm")
    assert out[0x6000, 0x3000].value == words.astype("<u2").tobytes()
    assert out.VOILUTSequence[0][0x0028, 0x3006].value == words.astype("<u2").tobytes()
    assert out[0x0099, 0x1003].value == 258
    assert out[0x0099, 0x1004].value == floats.astype("<f4").tobytes()


def test_what_was_true_of_the_sources_bytes_only_goes(make):
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    out, _ = make(
        IconImageSequence=Sequence([icon]),
        InstanceCreatorUID="1.2.3",
        DigitalSignaturesSequence=Sequence([Dataset()]),
        MACParametersSequence=Sequence([Dataset()]),
    )
    for keyword in (
        *("IconImageSequence", "InstanceCreatorUID", "DigitalSignaturesSequence", "MACParametersSequence"),
    ):
        assert keyword not in out


def test_the_source_is_not_written_to(tmp_path):
    source = write_source(tmp_path / "a.dcm", STORED)
    before = source.read_bytes()
    derived(source, tmp_path / "out.dcm")
    assert source.read_bytes() == before
