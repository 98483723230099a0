"""Anonymised DICOM: nothing that tells whose it is, everything that makes it an image."""

import itertools
import re

import numpy as np
import pydicom
import pytest
from dicom_sources import SYNTAXES, write_source
from format_files import ct_dataset, noise
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from denoise_studio.formats import SaveOptions, open_picture, save_picture
from denoise_studio.formats.dicom_anonymise import Pseudonyms, anonymise, plain_name
from denoise_studio.formats.dicom_confidentiality import Action, action_for, table
from denoise_studio.formats.dicom_recipe import recipe_inside

MARK = "Wunderlich"
STORED = noise((6, 5), np.int16) // 64
TEXT = ("LO", "LT", "SH", "ST", "UT", "UC", "PN", "AE", "CS", "UR")


def anonymised(source, target, **options):
    picture = open_picture(source)
    picture = picture.derive(picture.pixels, history=("bilateral strength=0.8",))
    options = SaveOptions(anonymise=True, recipe=b'{"method": "bilateral"}', **options)
    report = save_picture(picture, target, options)
    return pydicom.dcmread(target), report


def telling():
    """A slice that names its patient wherever the standard and a vendor have a place for it."""
    data = ct_dataset(STORED, PatientName=f"{MARK}^Kim", PatientID=f"ID-{MARK}", PatientSex="F")
    for keyword in (
        *("PatientComments", "ImageComments", "StudyDescription", "SeriesDescription", "ProtocolName"),
        *("InstitutionName", "StationName", "OperatorsName", "ReferringPhysicianName", "AccessionNumber"),
        *("DeviceSerialNumber", "OtherPatientNames", "RequestedProcedureDescription", "StudyID"),
    ):
        setattr(data, keyword, MARK)
    data.PatientAge, data.PatientWeight = "041Y", 71
    data.AcquisitionDate = data.SeriesDate = data.InstanceCreationDate = "20190807"
    data.AcquisitionDateTime = "20190807111213"
    inner = Dataset()
    inner.PatientName, inner.ReferencedSOPInstanceUID = MARK, "1.2.3.4.5"
    inner.private_block(0x0099, "TEST MAKER", create=True).add_new(2, "LO", MARK)
    outer = Dataset()
    outer.ReferencedSOPClassUID, outer.ReferencedSOPInstanceUID = CTImageStorage, "1.2.3.4.5"
    outer.ContentItemModifierSequence = Sequence([inner])
    data.ReferencedImageSequence = Sequence([outer])
    data.RequestAttributesSequence = Sequence([inner])
    data.add_new(0x50000010, "US", 1)
    data.add_new(0x60000010, "US", 1)
    data.add_new(0x60000022, "LO", MARK)
    data.add_new(0x60003000, "OW", bytes(4))
    data.private_block(0x0099, "TEST MAKER").add_new(3, "PN", MARK)
    return data


def everything(dataset):
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from everything(item)


@pytest.fixture
def pair(tmp_path):
    telling().save_as(tmp_path / f"{MARK}.dcm", enforce_file_format=True)
    out, _ = anonymised(tmp_path / f"{MARK}.dcm", tmp_path / "IM0001.dcm")
    return out, pydicom.dcmread(tmp_path / f"{MARK}.dcm"), tmp_path / "IM0001.dcm"


def test_no_byte_of_the_file_names_the_patient(pair):
    _, source, path = pair
    data = path.read_bytes()
    for secret in (MARK, "Kim", "19500101", "20190807", "20200102", "041Y", "TEST MAKER", "DENOISE STUDIO"):
        assert secret.encode() not in data, secret
    for uid in {source.SOPInstanceUID, source.StudyInstanceUID, source.SeriesInstanceUID, "1.2.3.4.5"}:
        assert uid.encode() not in data, uid


def test_pixels_and_what_makes_the_image_stay(pair):
    out, source, _ = pair
    np.testing.assert_array_equal(out.pixel_array, STORED)
    for keyword in (
        *("SOPClassUID", "Modality", "Manufacturer", "ImagePositionPatient", "ImageOrientationPatient"),
        *("PixelSpacing", "SliceThickness", "KVP", "RescaleSlope", "RescaleIntercept", "RescaleType"),
        *("InstanceNumber", "WindowCenter", "BitsStored", "PatientPosition"),
    ):
        assert out[keyword].value == source[keyword].value, keyword
    assert list(out.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "DENOISED"]
    assert out.DerivationCodeSequence[0].CodeValue == "113087"


def test_it_says_that_and_how(pair):
    out, _, _ = pair
    assert out.PatientIdentityRemoved == "YES"
    assert "PS3.15 basic profile" in out.DeidentificationMethod
    (item,) = out.DeidentificationMethodCodeSequence
    assert (item.CodeValue, item.CodingSchemeDesignator) == ("113100", "DCM")
    assert item.CodeMeaning == "Basic Application Confidentiality Profile"
    assert out.LongitudinalTemporalInformationModified == "REMOVED"


def test_private_attributes_and_the_recipe_are_gone(pair):
    out, _, _ = pair
    assert not [e.tag for e in everything(out) if e.tag.is_private]
    assert recipe_inside(out) is None


def test_curves_and_overlays_are_gone(pair):
    assert not [e.tag for e in pair[0] if e.tag.group & 0xFF00 in (0x5000, 0x6000)]


def test_meta_information_agrees(pair):
    out, _, _ = pair
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    assert out.SOPInstanceUID.startswith("2.25.")
    assert out.SOPInstanceUID.is_valid


def test_removed_attributes_that_a_viewer_may_need_are_empty_or_dummies(pair):
    out, _, _ = pair
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber", "StudyID"):
        assert keyword in out, keyword
        assert not out[keyword].value, keyword
    assert out.PatientID.startswith("ANON-")
    assert str(out.PatientName).replace("^", "-") == out.PatientID
    assert "PatientAge" not in out


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_from_every_transfer_syntax(tmp_path, syntax):
    write_source(tmp_path / "a.dcm", STORED, syntax, PatientName=MARK)
    out, _ = anonymised(tmp_path / "a.dcm", tmp_path / "out.dcm")
    np.testing.assert_array_equal(out.pixel_array, STORED)
    assert MARK.encode() not in (tmp_path / "out.dcm").read_bytes()


def test_one_study_stays_one_and_two_secrets_have_nothing_in_common(tmp_path):
    paths = [write_source(tmp_path / f"{n}.dcm", STORED, StudyInstanceUID="1.2.3") for n in "ab"]
    for path, instance in zip(paths, ("1.2.3.1", "1.2.3.2"), strict=True):
        data = pydicom.dcmread(path)
        data.SeriesInstanceUID, data.SOPInstanceUID = "1.2.3.9", instance
        data.file_meta.MediaStorageSOPInstanceUID = instance
        data.save_as(path)
    out = {
        (path.stem, secret): anonymised(path, tmp_path / "out.dcm", series="s", secret=secret)[0]
        for path, secret in itertools.product(paths, ("x", "y", None))
    }
    for secret in ("x", "y", None):
        a, b = out["a", secret], out["b", secret]
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "PatientID"):
            assert a[keyword].value == b[keyword].value
        assert a.SOPInstanceUID != b.SOPInstanceUID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({str(out["a", secret][keyword].value) for secret in ("x", "y", None)}) == 3


def test_references_lead_to_what_the_source_would_become(tmp_path):
    """In one export the source's own anonymised copy has the UID that the derived image refers to."""
    data = telling()
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    out, _ = anonymised(tmp_path / "a.dcm", tmp_path / "out.dcm", secret="s")
    anonymise(data, Pseudonyms("s"))
    assert out.SourceImageSequence[0].ReferencedSOPInstanceUID == data.SOPInstanceUID
    assert out.SourceImageSequence[0].ReferencedSOPClassUID == CTImageStorage
    assert out.StudyInstanceUID == data.StudyInstanceUID


def test_patients_of_one_export_stay_apart(tmp_path):
    ids = set()
    for name in ("A", "B"):
        write_source(tmp_path / "a.dcm", STORED, PatientID=name)
        ids.add(anonymised(tmp_path / "a.dcm", tmp_path / "out.dcm", secret="s")[0].PatientID)
    assert len(ids) == 2


def test_pseudonyms_need_the_secret():
    known = {Pseudonyms(str(n)).uid("1.2.3") for n in range(20)} | {Pseudonyms().uid("1.2.3")}
    assert len(known) == 21
    assert Pseudonyms().uid("1.2.3") == Pseudonyms().uid("1.2.3\0")
    number = int(Pseudonyms().uid("1.2.3").removeprefix("2.25."))
    assert f"{number:032x}"[12] == "8"
    assert f"{number:032x}"[16] in "89ab"


def test_every_attribute_of_the_table_is_treated():
    """Each attribute with text, at the top and in a sequence: nothing of it is left."""
    data = Dataset()
    inner = Dataset()
    for tag in table():
        vr = DicomDictionary[tag][0] if tag in DicomDictionary else "LO"
        if tag >> 16 >= 8 and vr in TEXT:
            for dataset in (data, inner):
                dataset.add_new(tag, vr, MARK.upper() if vr == "CS" else MARK)
    assert len(data) > 250
    data.ReferencedSeriesSequence = Sequence([inner])
    anonymise(data, Pseudonyms())
    assert MARK.upper() not in str(data).upper()


# Transcribed from the standard by hand, not from the program's file: some attributes of every action.
STANDARD = {
    "AccessionNumber": "Z",
    "PatientName": "Z",
    "PatientBirthDate": "Z",
    "PatientSex": "Z",
    "StudyDate": "Z",
    "StudyTime": "Z",
    "ReferringPhysicianName": "Z",
    "PatientAge": "X",
    "PatientComments": "X",
    "StudyDescription": "X",
    "SeriesDescription": "X",
    "ImageComments": "X",
    "DerivationDescription": "X",
    "InstitutionAddress": "X",
    "IconImageSequence": "X",
    "StudyInstanceUID": "U",
    "SeriesInstanceUID": "U",
    "SOPInstanceUID": "U",
    "FrameOfReferenceUID": "U",
    "ReferencedSOPInstanceUID": "U",
    "IrradiationEventUID": "U",
    "FrameReferenceDateTime": "D",
    "ClinicalTrialSubjectID": "D",
    "AcquisitionDate": "Z",
    "ContentDate": "D",
    "ContentTime": "D",
    "SourceImageSequence": "U*",
    "ReferencedImageSequence": "U*",
    "SOPClassUID": "K",
    "ReferencedSOPClassUID": "K",
    "Modality": "K",
    "KVP": "K",
    "CTDIvol": "K",
    "ImagePositionPatient": "K",
}


@pytest.mark.parametrize(("keyword", "action"), STANDARD.items())
def test_actions_of_the_standard(keyword, action):
    tag = next(tag for tag in DicomDictionary if DicomDictionary[tag][4] == keyword)
    assert action_for(tag) == Action(action)


def test_the_table_is_complete_and_its_names_are_the_dictionarys():
    assert len(table()) > 600
    from denoise_studio.core.resources import resource

    for line in resource("dicom", "basic-profile.txt").read_text().splitlines():
        if not line.startswith("#"):
            tag, _, name = line.split()
            assert name == (keyword_for_tag(int(tag, 16)) or "-")
    assert action_for(0x00990010) == action_for(0x50123000) == action_for(0x60023000) == Action.REMOVE


def test_names_dates_and_unknown_attributes_that_no_table_lists_go():
    data = Dataset()
    data.add_new(0x00081199, "SQ", Sequence())
    data.add_new(0x00180012, "SQ", Sequence())
    data.add_new(0x0018FFFE, "LO", MARK)
    data.add_new(0x00020010, "UI", "1.2")
    anonymise(data, Pseudonyms())
    assert (0x0018, 0xFFFE) not in data
    unlisted = [
        tag
        for tag, (vr, *_) in DicomDictionary.items()
        if vr in ("PN", "DA", "DT") and tag not in table() and tag >> 16 >= 8
    ]
    data = Dataset()
    for tag in unlisted:
        data.add_new(tag, DicomDictionary[tag][0], MARK if DicomDictionary[tag][0] == "PN" else "20190807")
    anonymise(data, Pseudonyms())
    assert not [tag for tag in unlisted if data[tag].value]


def test_annotation_in_the_pixels_is_warned_of(tmp_path):
    for given, warned in (("YES", True), ("NO", False), (None, False)):
        write_source(tmp_path / "a.dcm", STORED, **({"BurnedInAnnotation": given} if given else {}))
        _, report = anonymised(tmp_path / "a.dcm", tmp_path / "out.dcm")
        assert any("burned into" in text for text in report.dropped) == warned
    data = ct_dataset(STORED)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert any(
        "burned into" in text for text in anonymised(tmp_path / "a.dcm", tmp_path / "b.dcm")[1].dropped
    )


def test_overlay_bits_beside_the_samples_go(tmp_path):
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    write_source(tmp_path / "a.dcm", values | (values % 2 << 12), BitsStored=12, HighBit=11)
    anonymised(tmp_path / "a.dcm", tmp_path / "out.dcm")
    out = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(np.frombuffer(out.PixelData, "<u2").reshape(3, 4), values)


def test_a_damaged_attribute_is_not_passed_on(tmp_path):
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    data = Dataset()
    data[0x00281052] = RawDataElement(Tag(0x00281052), "SQ", 4, MARK.encode(), 0, False, True)
    anonymise(data, Pseudonyms())
    assert MARK not in str(data)


def test_names_of_files_tell_nothing():
    assert [plain_name(n) for n in (1, 12345)] == ["IM0001.dcm", "IM12345.dcm"]
    assert re.fullmatch(r"IM\d+", plain_name(7, ""))


def test_the_standard_is_kept(pair, tmp_path, dciodvfy):
    assert dciodvfy(pair[2]) <= dciodvfy(tmp_path / f"{MARK}.dcm")
