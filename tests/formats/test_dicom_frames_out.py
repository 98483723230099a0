"""Multi-frame DICOM out: one derived object of all frames, or of one, each frame with its derivation."""

import tracemalloc

import numpy as np
import pydicom
import pytest
from dicom_sources import enhanced_ct, in_syntax
from format_files import ct_dataset, noise
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage, generate_uid

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.formats import SaveOptions, open_picture, save_picture
from denoise_studio.formats.dicom_read import read
from denoise_studio.formats.frames import save_frames

COUNT = 4
STORED = noise((COUNT, 6, 5), np.int16) // 64


def frame_of(path, index, change=0.0):
    picture = read(path, Progress(), index)
    return picture.derive(picture.pixels + np.float32(change), history=(f"bilateral strength=0.{index + 1}",))


@pytest.fixture
def source(tmp_path):
    enhanced_ct(STORED).save_as(tmp_path / "source.dcm", enforce_file_format=True)
    return tmp_path / "source.dcm"


@pytest.fixture
def whole(source, tmp_path):
    """All frames saved, in another order than the source's, each raised by 3 HU."""
    save_frames((frame_of(source, n, 3.0) for n in (2, 0, 3, 1)), tmp_path / "out.dcm")
    return pydicom.dcmread(tmp_path / "out.dcm"), pydicom.dcmread(source), tmp_path / "out.dcm"


def test_frames_are_in_the_sources_order_with_its_values(whole, source):
    out, _, path = whole
    np.testing.assert_array_equal(out.pixel_array, STORED + 3)
    for n in range(COUNT):
        back, before = read(path, Progress(), n), read(source, Progress(), n)
        np.testing.assert_array_equal(back.pixels, before.pixels + 3)
        assert back.plane == before.plane
        assert back.spacing == before.spacing
    assert out.NumberOfFrames == COUNT


def test_identity_keeps_every_frame_bit_for_bit(source, tmp_path):
    save_frames((read(source, Progress(), n) for n in range(COUNT)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert out.PixelData == pydicom.dcmread(source).PixelData
    assert out.SeriesDescription.endswith("| COPY")
    assert out.ImageType[3] == "NONE"
    assert (
        out.PerFrameFunctionalGroupsSequence[0]
        .DerivationImageSequence[0]
        .DerivationCodeSequence[0]
        .CodingSchemeDesignator.startswith("99")
    )


def test_every_frame_tells_its_own_derivation_and_source_frame(whole):
    out, source, _ = whole
    for n, group in enumerate(out.PerFrameFunctionalGroupsSequence):
        (item,) = group.DerivationImageSequence
        assert f"strength=0.{n + 1}" in item.DerivationDescription
        assert [each.CodeValue for each in item.DerivationCodeSequence] == ["113087"]
        (reference,) = item.SourceImageSequence
        assert reference.ReferencedSOPClassUID == source.SOPClassUID
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.ReferencedFrameNumber == n + 1
        assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert reference.SpatialLocationsPreserved == "YES"


def test_the_source_is_named_as_evidence(whole):
    out, source, _ = whole
    (study,) = out.SourceImageEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    assert study.StudyInstanceUID == source.StudyInstanceUID == out.StudyInstanceUID
    assert series.SeriesInstanceUID == source.SeriesInstanceUID != out.SeriesInstanceUID
    assert instance.ReferencedSOPInstanceUID == source.SOPInstanceUID != out.SOPInstanceUID


def test_image_and_frames_are_called_derived(whole):
    out, _, _ = whole
    kinds = out.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0]
    for found in (out.ImageType, kinds.FrameType):
        # Value 2 of enhanced images is always PRIMARY (C.8.16.1.2).
        assert list(found) == ["DERIVED", "PRIMARY", "VOLUME", "FILTERED"]
    assert out.ContentQualification == "RESEARCH"
    assert out.SOPClassUID == out.file_meta.MediaStorageSOPClassUID == enhanced_ct(STORED).SOPClassUID
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    assert out.ContributingEquipmentSequence[0].Manufacturer == "Denoise Studio"
    assert out.SeriesNumber == 301
    assert out[0x0099, 0x1001].value == "kept as it is"


def test_another_contrast_stays_what_it_is(tmp_path):
    data = enhanced_ct(STORED, ImageType=["DERIVED", "PRIMARY", "PERFUSION", "RCBF"])
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames([frame_of(tmp_path / "a.dcm", 0)], tmp_path / "out.dcm")
    assert list(pydicom.dcmread(tmp_path / "out.dcm").ImageType) == [
        "DERIVED",
        "PRIMARY",
        "PERFUSION",
        "RCBF",
    ]


def test_one_frame_is_saved_as_an_object_of_one_frame(source, tmp_path):
    picture = frame_of(source, 2, 3.0)
    save_picture(picture, tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert out.NumberOfFrames == 1
    np.testing.assert_array_equal(out.pixel_array, STORED[2] + 3)
    (group,) = out.PerFrameFunctionalGroupsSequence
    before = pydicom.dcmread(source).PerFrameFunctionalGroupsSequence[2]
    for name in ("PlanePositionSequence", "PixelValueTransformationSequence"):
        assert group[name].value == before[name].value
    assert group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 3
    # Places and dimension indices count from 1 without gaps (C.7.6.16.2.2).
    assert list(group.FrameContentSequence[0].DimensionIndexValues) == [1, 1]
    assert group.FrameContentSequence[0].InStackPositionNumber == 1
    back = open_picture(tmp_path / "out.dcm")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert back.plane == picture.plane


def test_some_frames(source, tmp_path):
    save_frames((frame_of(source, n) for n in (3, 1)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(out.pixel_array, STORED[[1, 3]])
    indices = [
        list(g.FrameContentSequence[0].DimensionIndexValues) for g in out.PerFrameFunctionalGroupsSequence
    ]
    # Frame 1 lies at place 3 of the stack, frame 3 at place 1.
    assert indices == [[1, 2], [1, 1]]


def test_earlier_derivations_stay_before_ours(tmp_path):
    data = enhanced_ct(STORED)
    earlier = Dataset()
    earlier.DerivationDescription = "earlier"
    data.SharedFunctionalGroupsSequence[0].DerivationImageSequence = Sequence([earlier])
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in range(COUNT)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert "DerivationImageSequence" not in out.SharedFunctionalGroupsSequence[0]
    for group in out.PerFrameFunctionalGroupsSequence:
        first, second = group.DerivationImageSequence
        assert first.DerivationDescription == "earlier"
        assert "bilateral" in second.DerivationDescription


@pytest.mark.parametrize("syntax", ["implicit", "big endian", "RLE", "JPEG-LS", "JPEG 2000"])
def test_from_other_transfer_syntaxes(tmp_path, syntax):
    data = enhanced_ct(STORED)
    in_syntax(data, STORED, syntax).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in range(COUNT)), tmp_path / "out.dcm")
    np.testing.assert_array_equal(pydicom.dcmread(tmp_path / "out.dcm").pixel_array, STORED)


def test_bytes_of_odd_length(tmp_path):
    stored = noise((3, 3, 5), np.uint8)
    enhanced_ct(stored).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in range(3)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert len(out.PixelData) == 46
    np.testing.assert_array_equal(out.pixel_array, stored)


def test_frames_of_secondary_capture_have_no_groups(tmp_path):
    stored = noise((COUNT, 4, 6), np.uint16)
    data = ct_dataset(stored[0], NumberOfFrames=COUNT)
    data.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.FrameIncrementPointer = 0x00181065
    data.FrameTimeVector = [0, 10, 20, 30]
    data.PixelData = stored.astype("<u2").tobytes()
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in (0, 2)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(out.pixel_array, stored[[0, 2]])
    assert list(out.FrameTimeVector) == [0, 20]
    assert list(out.ImageType)[:2] == ["DERIVED", "SECONDARY"]
    assert list(out.SourceImageSequence[0].ReferencedFrameNumber) == [1, 3]
    assert "PerFrameFunctionalGroupsSequence" not in out


def test_smallest_and_largest_are_of_all_frames(tmp_path):
    data = enhanced_ct(STORED)
    data.add_new(0x00280106, "SS", 0)
    data.add_new(0x00280107, "SS", 0)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in range(COUNT)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert (out.SmallestImagePixelValue, out.LargestImagePixelValue) == (STORED.min(), STORED.max())


def test_a_part_of_a_concatenation_stands_alone(tmp_path):
    data = enhanced_ct(STORED, ConcatenationUID=generate_uid(), InConcatenationNumber=2)
    data.ConcatenationFrameOffsetNumber = 10
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((frame_of(tmp_path / "a.dcm", n) for n in range(COUNT)), tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    assert not {"ConcatenationUID", "InConcatenationNumber", "ConcatenationFrameOffsetNumber"} & set(
        out.dir()
    )


def test_clipped_pixels_are_counted_over_all_frames(source, tmp_path):
    def frames():
        for n in range(COUNT):
            picture = read(source, Progress(), n)
            pixels = picture.pixels.copy()
            pixels[0, 0, : n + 1] = 1e6
            yield picture.derive(pixels, history=("x",))

    report = save_frames(frames(), tmp_path / "out.dcm")
    assert report.clipped == 1 + 2 + 3 + 4


def test_anonymised_frames(source, tmp_path):
    save_frames(
        (frame_of(source, n) for n in range(COUNT)),
        tmp_path / "out.dcm",
        SaveOptions(anonymise=True, recipe=b"{}"),
    )
    content = (tmp_path / "out.dcm").read_bytes()
    before = pydicom.dcmread(source)
    for secret in (b"Secret", b"ID-4711", b"20200102", before.SOPInstanceUID.encode(), b"DENOISE STUDIO"):
        assert secret not in content
    out = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(out.pixel_array, STORED)
    uids = {g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            for g in out.PerFrameFunctionalGroupsSequence}  # fmt: skip
    evidence = out.SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert uids == {evidence.ReferencedSOPInstanceUID}


def test_frames_of_two_files_or_twice_the_same_are_refused(source, tmp_path):
    enhanced_ct(STORED).save_as(tmp_path / "b.dcm", enforce_file_format=True)
    with pytest.raises(FormatError, match="saved together"):
        save_frames([frame_of(source, 0), frame_of(tmp_path / "b.dcm", 1)], tmp_path / "out.dcm")
    with pytest.raises(FormatError, match="Frame 2 was to be saved twice"):
        save_frames([frame_of(source, 1), frame_of(source, 1)], tmp_path / "out.dcm")
    with pytest.raises(FormatError, match="no frame"):
        save_frames([], tmp_path / "out.dcm")
    with pytest.raises(FormatError, match="never overwritten"):
        save_frames([frame_of(source, 1)], source)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.dcm", "source.dcm"]


def test_stopping_leaves_nothing_behind(source, tmp_path):
    def frames():
        yield frame_of(source, 0)
        raise Cancelled

    with pytest.raises(Cancelled):
        save_frames(frames(), tmp_path / "out.dcm")
    assert [each.name for each in tmp_path.iterdir()] == ["source.dcm"]


def test_memory_holds_one_frame(tmp_path):
    count, side = 60, 128
    stored = np.zeros((count, side, side), np.int16)
    enhanced_ct(stored).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    first = read(tmp_path / "a.dcm", Progress(), 0)

    def frames(n):
        for index in range(n):
            picture = read(tmp_path / "a.dcm", Progress(), index)
            yield picture.derive(picture.pixels, history=("x",))

    peaks = []
    for n in (6, count):
        tracemalloc.start()
        save_frames(frames(n), tmp_path / "out.dcm")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Ten times the frames: less more memory than the frames themselves have bytes.
    assert peaks[1] - peaks[0] < (count - 6) * first.pixels[0].size * 2


def test_the_standard_is_kept(whole, source, tmp_path, dciodvfy):
    assert dciodvfy(whole[2]) <= dciodvfy(source)
    save_picture(frame_of(source, 2), tmp_path / "one.dcm")
    assert dciodvfy(tmp_path / "one.dcm") <= dciodvfy(source)
    save_frames([frame_of(source, 1)], tmp_path / "an.dcm", SaveOptions(anonymise=True))
    assert dciodvfy(tmp_path / "an.dcm") <= dciodvfy(source)
