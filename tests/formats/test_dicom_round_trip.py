"""Opened and saved without a change: every value bit for bit, and no error that the source did not have."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_sources import SYNTAXES, enhanced_ct, in_syntax, write_source
from format_files import ct_dataset, mr_dataset, noise
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.formats import SaveOptions, format_for, open_picture, save_picture
from denoise_studio.formats.dicom_read import read
from denoise_studio.formats.frames import save_frames

DERIVED = {
    *("ImageType", "InstanceCreationDate", "InstanceCreationTime", "InstanceCreatorUID", "SOPInstanceUID"),
    *("ContentDate", "ContentTime", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription"),
    *("DerivationDescription", "DerivationCodeSequence", "SourceImageSequence", "BurnedInAnnotation"),
    *("ContributingEquipmentSequence", "RescaleType", "PixelData", "IconImageSequence"),
    *("SmallestImagePixelValue", "LargestImagePixelValue", "HighBit", "NumberOfFrames"),
    *("SmallestPixelValueInSeries", "LargestPixelValueInSeries", "DataSetTrailingPadding"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ContentQualification"),
    *("SourceImageEvidenceSequence", "LossyImageCompression", "LossyImageCompressionMethod"),
}
"""Attributes whose values a derived image has of its own; every other one is the source's."""


def values(path: Path) -> np.ndarray:
    """Stored samples as another reader of DICOM sees them, times slope plus intercept, in float64."""
    data = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in data.file_meta:
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    if data.HighBit == 15 and data.BitsStored == 12:  # which pydicom takes for the bottom of the word
        samples = np.frombuffer(data.PixelData, "<u2").reshape(data.Rows, data.Columns) >> 4
    else:
        samples = data.pixel_array
    return samples.astype(np.float64) * float(data.get("RescaleSlope", 1)) + float(
        data.get("RescaleIntercept", 0)
    )


def same_values(target: Path, source: Path) -> None:
    np.testing.assert_array_equal(values(target), values(source))
    opened, again = open_picture(source), open_picture(target)
    np.testing.assert_array_equal(again.pixels, opened.pixels)
    np.testing.assert_array_equal(
        np.zeros(1) if again.padding is None else again.padding,
        np.zeros(1) if opened.padding is None else opened.padding,
    )


def same_attributes(target: Path, source: Path) -> None:
    """Private attributes too; of a value that pydicom cannot read, its bytes."""
    out, before = (pydicom.dcmread(path, force=True) for path in (target, source))
    for tag in before.keys():  # noqa: SIM118
        if pydicom.datadict.keyword_for_tag(tag) in DERIVED or tag.element == 0 or tag.group == 2:
            continue
        assert tag in out, tag
        assert plain(out, tag) == plain(before, tag), tag


def plain(data: Dataset, tag: int) -> object:
    element = data[tag]
    if element.VR == "SQ":
        return [{inner: plain(item, inner) for inner in item.keys()} for item in element.value]  # noqa: SIM118
    value = element.value
    if isinstance(value, bytes):
        return value.rstrip(b"\0 ")
    return str(value)


def round_trip(source: Path, target: Path, **options: object) -> None:
    picture = open_picture(source)
    report = save_picture(
        picture.derive(picture.pixels, history=("identity",)), target, SaveOptions(**options)
    )
    assert report.clipped == 0


# What the shared files lack is made here: (name, a function that writes it).
MADE = {}


def made(function):
    MADE[function.__name__.replace("_", " ")] = function
    return function


@made
def signed_16_bits(path):
    write_source(path, noise((7, 5), np.int16))


@made
def unsigned_16_bits(path):
    write_source(path, noise((7, 5), np.uint16))


@made
def signed_12_bits(path):
    write_source(path, noise((7, 5), np.int16) >> 4, BitsStored=12, HighBit=11)


@made
def unsigned_12_bits(path):
    write_source(path, noise((7, 5), np.uint16) >> 4, BitsStored=12, HighBit=11)


@made
def unsigned_12_bits_at_the_top_of_the_word(path):
    write_source(path, noise((7, 5), np.uint16) & 0xFFF0, BitsStored=12, HighBit=15)


@made
def unsigned_8_bits_odd_length(path):
    write_source(path, noise((7, 5), np.uint8))


@made
def signed_8_bits_odd_length(path):
    write_source(path, noise((7, 5), np.int8))


@made
def signed_32_bits(path):
    write_source(path, noise((7, 5), np.int32) >> 9)


@made
def fractional_slope(path):
    write_source(path, noise((7, 5), np.uint16), RescaleSlope="0.488281", RescaleIntercept="-8192.5")


@made
def overlay_in_the_spare_bits(path):
    stored = noise((7, 5), np.uint16)
    write_source(path, stored, BitsStored=12, HighBit=11)


@made
def padding_and_range_limit(path):
    stored = noise((7, 5), np.int16) // 64
    stored[:2], stored[3, 1] = -2000, -1990
    data = ct_dataset(stored)
    data.add_new(0x00280120, "SS", -2000)
    data.add_new(0x00280121, "SS", -1980)
    data.save_as(path, enforce_file_format=True)


@made
def padding_of_the_wrong_type(path):
    stored = noise((7, 5), np.int16) // 64
    stored[:2] = -2000
    data = ct_dataset(stored)
    data.add_new(0x00280120, "US", 65536 - 2000)
    data.save_as(path, enforce_file_format=True)


@made
def private_attributes_of_two_vendors(path):
    data = ct_dataset(noise((7, 5), np.int16))
    inner = Dataset()
    inner.private_block(0x0029, "OTHER MAKER", create=True).add_new(1, "OB", b"\1\2\3\4")
    block = data.private_block(0x0029, "OTHER MAKER", create=True)
    block.add_new(1, "OB", b"\0\1\2\3\4\5")
    block.add_new(2, "SQ", Sequence([inner]))
    block.add_new(3, "UN", b"anything")
    block.add_new(4, "FD", 0.1)
    data.private_block(0x7FE1, "AFTER THE PIXELS", create=True).add_new(0x10, "OB", b"raw ")
    data.save_as(path, enforce_file_format=True)


@made
def letters_beyond_ascii(path):
    data = ct_dataset(noise((7, 5), np.int16), SpecificCharacterSet="ISO_IR 100")
    data.PatientName, data.SeriesDescription = "Müller^Jürgen", "Schädel"
    data.save_as(path, enforce_file_format=True)


@made
def letters_of_japanese(path):
    data = ct_dataset(noise((7, 5), np.int16), SpecificCharacterSet=["", "ISO 2022 IR 87"])
    data.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    data.save_as(path, enforce_file_format=True)


@made
def letters_without_a_character_set(path):
    data = ct_dataset(noise((7, 5), np.int16))
    data.add_new(0x00104000, "LT", "a" * 8)
    data.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes().replace(b"aaaaaaaa", b"M\xfcller  "))


@made
def magnetic_resonance(path):
    mr_dataset(noise((7, 5), np.uint16)).save_as(path, enforce_file_format=True)


@made
def monochrome1(path):
    write_source(path, noise((7, 5), np.uint16), PhotometricInterpretation="MONOCHROME1")


@made
def no_meta_information(path):
    data = ct_dataset(noise((7, 5), np.int16))
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    assert content[128:132] == b"DICM"
    group = int.from_bytes(content[140:144], "little")
    path.write_bytes(content[144 + group :])


@made
def sequences_of_undefined_length(path):
    data = ct_dataset(noise((7, 5), np.int16))
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99X", "odd"
    item.is_undefined_length_sequence_item = True
    data.ProcedureCodeSequence = Sequence([item])
    data["ProcedureCodeSequence"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)


for _name in SYNTAXES:
    MADE[f"16 bits in {_name}"] = lambda path, name=_name: write_source(
        path, noise((8, 9), np.int16) // 2 if name != "JPEG lossless" else noise((8, 9), np.uint16), name
    )
    MADE[f"8 bits in {_name}"] = lambda path, name=_name: write_source(path, noise((8, 9), np.uint8), name)

UNCHECKED = {
    "no meta information": "signed 16 bits",
    "16 bits in deflated": "16 bits in explicit",
    "8 bits in deflated": "8 bits in explicit",
}
"""What dciodvfy cannot read, and the same image in a syntax that it can."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MADE)
def test_made_files(name, tmp_path):
    MADE[name](tmp_path / "a.dcm")
    round_trip(tmp_path / "a.dcm", tmp_path / "b.dcm")
    same_values(tmp_path / "b.dcm", tmp_path / "a.dcm")
    same_attributes(tmp_path / "b.dcm", tmp_path / "a.dcm")
    round_trip(tmp_path / "b.dcm", tmp_path / "c.dcm")
    same_values(tmp_path / "c.dcm", tmp_path / "a.dcm")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("anonymise", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_made_files_gain_no_error(name, anonymise, tmp_path, dciodvfy):
    MADE[name](tmp_path / "a.dcm")
    MADE[UNCHECKED.get(name, name)](tmp_path / "reference.dcm")
    round_trip(tmp_path / "a.dcm", tmp_path / "b.dcm", anonymise=anonymise)
    assert dciodvfy(tmp_path / "b.dcm") <= dciodvfy(tmp_path / "reference.dcm")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_made_files_of_several_frames(syntax, tmp_path):
    stored = noise((3, 8, 9), np.int16) // 2 if syntax != "JPEG lossless" else noise((3, 8, 9), np.uint16)
    in_syntax(enhanced_ct(stored), stored, syntax).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    save_frames((read(tmp_path / "a.dcm", Progress(), n) for n in range(3)), tmp_path / "b.dcm")
    out = pydicom.dcmread(tmp_path / "b.dcm")
    np.testing.assert_array_equal(out.pixel_array, stored)
    same_attributes(tmp_path / "b.dcm", tmp_path / "a.dcm")


def ct_files(shared_data: Path) -> list[Path]:
    folder = shared_data / "ct"
    if not folder.is_dir():
        pytest.skip(f"needs the pictures in {folder}")
    return sorted(path for path in folder.iterdir() if path.is_file())


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
def test_every_real_file_keeps_its_values(shared_data, tmp_path):
    """In its own format; where none of this program writes that, as NPY."""
    kept, refused = 0, []
    for path in ct_files(shared_data):
        try:
            picture = open_picture(path)
        except FormatError as error:
            refused.append(str(error))
            continue
        assert picture.source is not None
        suffix = {"dicom": ".dcm", "tiff": ".tif"}.get(picture.source.format, ".npy")
        target = tmp_path / f"out{suffix}"
        save_picture(picture.derive(picture.pixels, history=("identity",)), target)
        np.testing.assert_array_equal(open_picture(target).pixels, picture.pixels, path.name)
        if suffix == ".dcm" and "frame" not in " ".join(picture.notes):
            np.testing.assert_array_equal(values(target), values(path), path.name)
            same_attributes(target, path)
        kept += 1
    assert kept >= 16
    assert all("\n" not in sentence and sentence.endswith(".") for sentence in refused)
    assert all("is not a picture" in sentence for sentence in refused), refused


@pytest.mark.shared
def test_a_real_file_of_several_frames_keeps_its_values(shared_data, tmp_path, dciodvfy):
    path = shared_data / "ct" / "eCT_Supplemental.dcm"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    save_frames((read(path, Progress(), n) for n in range(2)), tmp_path / "out.dcm")
    np.testing.assert_array_equal(values(tmp_path / "out.dcm"), values(path))
    same_attributes(tmp_path / "out.dcm", path)
    assert dciodvfy(tmp_path / "out.dcm") <= dciodvfy(path)


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("anonymise", [False, True])
def test_no_real_file_gains_an_error(shared_data, tmp_path, anonymise, dciodvfy):
    checked = 0
    for path in ct_files(shared_data):
        if path.suffix not in (".dcm", ""):
            continue
        round_trip(path, tmp_path / "out.dcm", anonymise=anonymise, recipe=b'{"method": "identity"}')
        assert dciodvfy(tmp_path / "out.dcm") <= dciodvfy(path), path.name
        checked += 1
    assert checked >= 10


def test_the_bundled_sample_gains_no_error(samples, tmp_path, dciodvfy):
    round_trip(samples / "ct-phantom.dcm", tmp_path / "out.dcm")
    assert dciodvfy(tmp_path / "out.dcm") <= dciodvfy(samples / "ct-phantom.dcm")
    assert format_for(tmp_path / "out.dcm").id == "dicom"
