"""DICOM out: a derived image whose every claim is true."""

import numpy as np
import pydicom
import pytest
from format_files import ct_dataset, mr_dataset, noise
from pydicom.encaps import generate_frames
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.formats import SaveOptions, encode_for, open_picture, save_picture

HISTORY = ("Bilateral filter (range 40 HU, radius 3), strength 0.8",)


def saved(source, target, pixels=None, history=HISTORY, **options):
    picture = open_picture(source)
    picture = picture.derive(picture.pixels if pixels is None else pixels, history=history)
    encoded = encode_for(picture, target, SaveOptions(**options))
    report = save_picture(picture, target, SaveOptions(**options))
    np.testing.assert_array_equal(open_picture(target).pixels, encoded.pixels)
    return pydicom.dcmread(target), report


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.5, 3.25), (-2, 100), (0.0001, 0)])
def test_stored_samples_go_back_bit_for_bit(write_ct, tmp_path, dtype, slope, intercept):
    stored = noise((7, 5), dtype)
    path = write_ct(stored, RescaleSlope=slope, RescaleIntercept=intercept)
    data, report = saved(path, tmp_path / "out.dcm")
    assert report.clipped == 0
    np.testing.assert_array_equal(data.pixel_array, stored)
    assert (data.RescaleSlope, data.RescaleIntercept) == (slope, intercept)


def test_padding_goes_back_exactly_whatever_a_filter_did(tmp_path):
    stored = noise((9, 8), np.int16) // 64
    stored[:, :2], stored[0, 5] = -2000, -1990
    data = ct_dataset(stored)
    data.add_new(0x00280120, "SS", -2000)
    data.add_new(0x00280121, "SS", -1980)
    data.add_new(0x00280106, "SS", -2000)
    data.add_new(0x00280107, "SS", 32000)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    picture = open_picture(tmp_path / "a.dcm")
    out, _ = saved(tmp_path / "a.dcm", tmp_path / "out.dcm", picture.pixels + np.float32(3.2))
    mask = picture.padding
    np.testing.assert_array_equal(out.pixel_array[mask], stored[mask])
    np.testing.assert_array_equal(out.pixel_array[~mask], stored[~mask] + 3)
    np.testing.assert_array_equal(open_picture(tmp_path / "out.dcm").padding, mask)
    assert out.SmallestImagePixelValue == out.pixel_array[~mask].min()
    assert out.LargestImagePixelValue == out.pixel_array[~mask].max()
    assert (out.PixelPaddingValue, out.PixelPaddingRangeLimit) == (-2000, -1980)


def test_valid_pixels_do_not_become_padding(write_ct, tmp_path):
    stored = np.array([[0, 0, 5, 6]], np.uint16)
    path = write_ct(stored, PixelPaddingValue=0)
    pixels = np.array([[[-1024, -1024, -1024.2, -1018]]], np.float32)
    data, report = saved(path, tmp_path / "out.dcm", pixels)
    np.testing.assert_array_equal(data.pixel_array, [[0, 0, 1, 6]])
    assert "moved by one step" in report.dropped[0]


def test_values_outside_bits_stored_are_clipped_and_counted(ct_path, tmp_path):
    picture = open_picture(ct_path)
    pixels = picture.pixels.copy()
    pixels[0, 0, :4] = [-1024.6, -1024.4, 3071.4, 4000]
    data, report = saved(ct_path, tmp_path / "out.dcm", pixels)
    assert report.clipped == 2
    np.testing.assert_array_equal(data.pixel_array[0, :4], [0, 0, 4095, 4095])
    assert (data.BitsAllocated, data.BitsStored, data.HighBit) == (16, 12, 11)


def test_it_is_a_new_instance_in_a_new_series_of_the_same_study(ct_path, tmp_path):
    before = pydicom.dcmread(ct_path)
    data, _ = saved(ct_path, tmp_path / "out.dcm")
    assert data.SOPClassUID == CTImageStorage
    assert data.SOPInstanceUID != before.SOPInstanceUID
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
    assert data.file_meta.MediaStorageSOPClassUID == data.SOPClassUID
    assert data.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert data.SeriesInstanceUID != before.SeriesInstanceUID
    assert data.SeriesNumber == 301
    assert data.SeriesDescription == "Thorax 5.0 B30f | DENOISED Bilateral"
    assert list(data.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "DENOISED"]
    assert data.DerivationDescription.endswith(HISTORY[0])
    assert data.DerivationCodeSequence[0].CodeValue == "113087"
    (source,) = data.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert source.ReferencedSOPClassUID == CTImageStorage
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert source.SpatialLocationsPreserved == "YES"
    (tool,) = data.ContributingEquipmentSequence
    assert tool.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert tool.Manufacturer == "Denoise Studio"
    assert data.ContentDate != before.ContentDate
    changed = {
        *("SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "ImageType"),
        *("ContentDate", "ContentTime"),
    }
    for element in before:
        if element.keyword not in changed:
            assert data[element.tag] == element, element.keyword
    added = {element.keyword for element in data} - {element.keyword for element in before}
    assert added == {
        *("InstanceCreationDate", "InstanceCreationTime", "DerivationDescription", "SourceImageSequence"),
        *("DerivationCodeSequence", "ContributingEquipmentSequence", "BurnedInAnnotation"),
    }
    assert data[0x0099, 0x1001].value == "kept as it is"


def test_slices_of_one_series_stay_together(write_ct, tmp_path):
    series = "1.2.3.4"
    paths = [write_ct(noise((4, 4), np.int16), name=f"{n}.dcm", SeriesInstanceUID=series) for n in "ab"]
    first, second = (saved(p, tmp_path / f"out{i}.dcm")[0] for i, p in enumerate(paths))
    assert first.SeriesInstanceUID == second.SeriesInstanceUID != series
    assert first.SOPInstanceUID != second.SOPInstanceUID
    other, _ = saved(paths[0], tmp_path / "other.dcm", history=("Another filter",))
    assert other.SeriesInstanceUID != first.SeriesInstanceUID
    batch, _ = saved(paths[0], tmp_path / "batch.dcm", series="batch 7")
    assert batch.SeriesInstanceUID != first.SeriesInstanceUID
    fitted, _ = saved(paths[1], tmp_path / "fitted.dcm", series="batch 7", history=("A fit of its own",))
    assert fitted.SeriesInstanceUID == batch.SeriesInstanceUID


def test_denoising_twice_keeps_both_steps_of_provenance(ct_path, tmp_path):
    first, _ = saved(ct_path, tmp_path / "one.dcm")
    second, _ = saved(tmp_path / "one.dcm", tmp_path / "two.dcm")
    assert len(second.ContributingEquipmentSequence) == 2
    assert second.SourceImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert list(second.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "DENOISED"]


def test_lossy_stays_lossy_and_dose_stays_given(write_ct, tmp_path):
    path = write_ct(
        noise((4, 4), np.int16),
        LossyImageCompression="01",
        LossyImageCompressionRatio=8,
        LossyImageCompressionMethod="ISO_15444_1",
        BurnedInAnnotation="YES",
        CTDIvol=7.5,
        ExposureTime=500,
    )
    data, _ = saved(path, tmp_path / "out.dcm")
    assert data.LossyImageCompression == "01"
    assert (data.LossyImageCompressionRatio, data.LossyImageCompressionMethod) == (8, "ISO_15444_1")
    assert (data.BurnedInAnnotation, data.CTDIvol, data.ExposureTime) == ("YES", 7.5, 500)


def test_old_overlay_bits_beside_the_samples_are_kept(write_ct, tmp_path):
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    words = values | (values % 2 << 12)
    path = write_ct(words, BitsStored=12, HighBit=11)
    data, _ = saved(path, tmp_path / "out.dcm")
    np.testing.assert_array_equal(np.frombuffer(data.PixelData, "<u2").reshape(3, 4), words)


@pytest.mark.parametrize("syntax", [RLELossless, ImplicitVRLittleEndian])
def test_other_transfer_syntaxes_become_plain(tmp_path, syntax):
    stored = noise((8, 9), np.int16)
    data = ct_dataset(stored)
    if syntax == RLELossless:
        data.compress(syntax, generate_instance_uid=False)
        (frame,) = generate_frames(data.PixelData, number_of_frames=1)
        data.ExtendedOffsetTable = bytes(8)
        data.ExtendedOffsetTableLengths = len(frame).to_bytes(8, "little")
    else:
        data.file_meta.TransferSyntaxUID = syntax
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = saved(tmp_path / "a.dcm", tmp_path / "out.dcm")
    assert out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert "ExtendedOffsetTable" not in out
    np.testing.assert_array_equal(out.pixel_array, stored)
    assert out[0x0099, 0x1001].value in ("kept as it is", b"kept as it is ")


def test_mr_goes_back_as_mr(tmp_path):
    stored = noise((5, 6), np.uint16)
    mr_dataset(stored).save_as(tmp_path / "m.dcm", enforce_file_format=True)
    data, _ = saved(tmp_path / "m.dcm", tmp_path / "out.dcm")
    np.testing.assert_array_equal(data.pixel_array, stored)
    assert "RescaleSlope" not in data
    assert data.Modality == "MR"


def test_a_copy_says_that_it_is_one(ct_path, tmp_path):
    data, _ = saved(ct_path, tmp_path / "out.dcm", history=())
    assert data.SeriesDescription.endswith("| COPY")
    assert "DerivationCodeSequence" not in data
    assert "DENOISED" not in data.ImageType


def test_long_texts_are_cut_to_what_dicom_holds(write_ct, tmp_path):
    path = write_ct(noise((4, 4), np.int16), SeriesDescription="x" * 64)
    data, _ = saved(path, tmp_path / "out.dcm", history=("filter σ\\" + "y" * 2000,))
    assert len(data.SeriesDescription) == 64
    assert "DENOISED" in data.SeriesDescription
    assert len(data.DerivationDescription) == 1024


def test_only_from_a_dicom_source(ct_path, tmp_path):
    picture = Picture(np.zeros((1, 4, 4), np.float32), scale=Scale.HU)
    with pytest.raises(FormatError, match=r"only from a DICOM source; save this picture as TIFF or NPY\."):
        save_picture(picture, tmp_path / "a.dcm")
    with pytest.raises(FormatError, match="keeps the source's 12 bits"):
        save_picture(open_picture(ct_path), tmp_path / "a.dcm", SaveOptions(bits=32))
    assert not (tmp_path / "a.dcm").exists()


@pytest.mark.parametrize("target", ["tif", "npy"])
def test_hounsfield_units_leave_dicom_as_they_are(ct_path, tmp_path, target):
    picture = open_picture(ct_path)
    report = save_picture(picture, tmp_path / f"a.{target}")
    back = open_picture(tmp_path / f"a.{target}")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert report.dropped
    data = (tmp_path / f"a.{target}").read_bytes()
    assert b"Secret" not in data
    assert b"4711" not in data


def test_the_series_is_described_by_method_and_strength_alone(ct_path, tmp_path):
    line = "bilateral sigma_r=62.2693 sigma_x=1.5 sigma_y=1.5 strength=0.8 (Denoise Studio 0.1.0)"
    data, _ = saved(ct_path, tmp_path / "out.dcm", history=(line,))
    assert data.SeriesDescription == "Thorax 5.0 B30f | DENOISED bilateral s=0.8"
    assert line in data.DerivationDescription
