"""DICOM out: a derived image in a new series, everything that stays true kept (PS3.3 C.7.6.1)."""

import copy
import datetime
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.formats.base import Encoded, SaveOptions
from denoise_studio.formats.dicom_padding import padding_range
from denoise_studio.formats.dicom_read import DicomMetadata, hush
from denoise_studio.formats.samples import rescale

_RUN = uuid.uuid4().hex
_NAME = "Denoise Studio"
_ENCAPSULATED = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "EncapsulatedPixelDataValueTotalLength")
_LOSSY = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
}


def encode(picture: Picture, options: SaveOptions) -> Encoded:
    """Samples for the source's own pixel module.

    Raises:
        FormatError: the picture is not from a single-frame DICOM file, or a depth is asked for
            that its source has not.
    """
    metadata = _metadata(picture)
    stored = picture.stored
    if options.bits not in (None, 16) or (options.bits == 16 and np.dtype(stored.dtype).itemsize != 2):
        raise FormatError(
            f"DICOM keeps the source's {stored.bits} bits; save as TIFF or NPY for other depths."
        )
    values = picture.pixels[0].astype(np.float64)
    whole = np.rint((values - stored.intercept) / stored.slope)
    low, high = stored.limits
    outside = (whole < low) | (whole > high)
    samples = np.clip(whole, low, high).astype(stored.dtype)
    padding = picture.padding
    dropped: tuple[str, ...] = ()
    if padding is not None:
        outside &= ~padding
        if metadata.padding_samples is not None and metadata.padding_samples.size == padding.sum():
            samples[padding] = metadata.padding_samples
    moved = _keep_off_padding(samples, padding, metadata.dataset, stored)
    if moved:
        dropped = (f"{moved} pixels were moved by one step so as not to become padding.",)
    pixels = rescale(samples[None], stored.slope, stored.intercept)
    return Encoded(samples[None], pixels, stored, int(outside.sum()), dropped)


def _metadata(picture: Picture) -> DicomMetadata:
    found = picture.source.metadata if picture.source else None
    if not isinstance(found, DicomMetadata):
        raise FormatError("DICOM is written only from a DICOM source; save this picture as TIFF or NPY.")
    if not found.dataset.get("SOPClassUID"):
        raise FormatError("The DICOM source does not say what it is (SOP class); save as TIFF or NPY.")
    if picture.channels != 1 or found.shape != (picture.height, picture.width):
        raise FormatError("The picture no longer has the size of its DICOM source; save as TIFF or NPY.")
    if "SharedFunctionalGroupsSequence" in found.dataset:
        raise FormatError("Enhanced DICOM images are not written yet; save this picture as TIFF or NPY.")
    return found


def _keep_off_padding(samples: Any, padding: Any, dataset: Dataset, stored: Stored) -> int:
    """Valid pixels that rounding put on a padding value go to the nearest value beside it."""
    limits = padding_range(dataset)
    if limits is None:
        return 0
    hit = (samples >= limits[0]) & (samples <= limits[1])
    if padding is not None:
        hit &= ~padding
    elif hit.all():
        return 0
    if (count := int(hit.sum())) == 0:
        return 0
    low, high = stored.limits
    above, below = limits[1] + 1, limits[0] - 1
    if above <= high:
        samples[hit] = above
    elif below >= low:
        samples[hit] = below
    return count


def write(picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
    """Write the derived image in Explicit VR Little Endian, uncompressed."""
    hush()
    metadata = _metadata(picture)
    source = metadata.dataset
    dataset = copy.deepcopy(source)
    now = datetime.datetime.now()
    syntax = _source_syntax(source)
    _identify(dataset, source, picture, options)
    _date(dataset, now)
    _describe(dataset, source, picture, now)
    _pixels(dataset, encoded, metadata)
    _lossy(dataset, syntax)
    _file_meta(dataset)
    dataset.save_as(path, enforce_file_format=True, little_endian=True, implicit_vr=False)


def _source_syntax(source: Dataset) -> str:
    meta = getattr(source, "file_meta", None)
    return str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""


def _identify(dataset: Dataset, source: Dataset, picture: Picture, options: SaveOptions) -> None:
    """New instance, new series; slices of one source series stay together."""
    dataset.SOPInstanceUID = generate_uid()
    # A named series holds slices whose histories differ: the methods find parameters for each.
    key = [options.series] if options.series is not None else [_RUN, *picture.history]
    old = (
        str(source.get("SeriesInstanceUID", "")) or str(source.get("SOPInstanceUID", "")) or uuid.uuid4().hex
    )
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[_NAME, old, *key])
    number = _number(source)
    dataset.SeriesNumber = number * 100 + 1 if 0 < number < 20_000_000 else 1
    method = _method(picture)
    was = str(source.get("SeriesDescription") or "").strip()
    ending = f"DENOISED {method}".strip() if picture.history else "COPY"
    room = 64 - len(ending) - 3
    dataset.SeriesDescription = f"{was[:room].rstrip()} | {ending}"[:64] if was and room > 0 else ending[:64]
    kinds = source.get("ImageType") or []
    kinds = [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]
    rest = [kind for kind in kinds[2:] if kind != "DENOISED"]
    if not rest and picture.scale is Scale.HU:
        rest = ["AXIAL"]
    dataset.ImageType = ["DERIVED", "SECONDARY", *rest] + (["DENOISED"] if picture.history and rest else [])


def _method(picture: Picture) -> str:
    """The last step's method and strength: the hospital's own words need the rest of the room.

    The parameters are in the derivation description.
    """
    words = (picture.history[-1] if picture.history else "").split()
    if not words:
        return ""
    strength = [word.partition("=")[2] for word in words if word.startswith("strength=")]
    return " ".join([words[0].strip("(:;,|\\")[:24], *(f"s={value}"[:12] for value in strength[:1])])


def _number(source: Dataset) -> int:
    try:
        return int(source.get("SeriesNumber") or 0)
    except (TypeError, ValueError):
        return 0


def _date(dataset: Dataset, now: datetime.datetime) -> None:
    for keyword in ("InstanceCreation", "Content"):
        setattr(dataset, f"{keyword}Date", now.strftime("%Y%m%d"))
        setattr(dataset, f"{keyword}Time", now.strftime("%H%M%S"))


def _describe(dataset: Dataset, source: Dataset, picture: Picture, now: datetime.datetime) -> None:
    steps = "; ".join(picture.history) or "saved without a change of pixels"
    steps = steps.replace("\\", "/")
    text = f"{_NAME} {__version__}: {steps}"
    dataset.DerivationDescription = _fit(text, 1024)
    if picture.history:
        dataset.DerivationCodeSequence = Sequence([_code("113087", "Smoothing")])
    elif "DerivationCodeSequence" in dataset:
        del dataset.DerivationCodeSequence
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.get("SOPClassUID", "")
    reference.ReferencedSOPInstanceUID = source.get("SOPInstanceUID", "")
    reference.PurposeOfReferenceCodeSequence = Sequence(
        [_code("121322", "Source image for image processing operation")]
    )
    reference.SpatialLocationsPreserved = "YES"
    # A UID that breaks the rules cannot be referred to.
    if UID(reference.ReferencedSOPInstanceUID).is_valid:
        dataset.SourceImageSequence = Sequence([reference])
    tool = Dataset()
    tool.PurposeOfReferenceCodeSequence = Sequence([_code("109102", "Processing Equipment")])
    tool.Manufacturer = _NAME
    tool.ManufacturerModelName = _NAME
    tool.SoftwareVersions = __version__
    tool.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
    tool.ContributionDescription = _fit(steps, 1024)
    earlier = list(dataset.get("ContributingEquipmentSequence") or [])
    dataset.ContributingEquipmentSequence = Sequence([*earlier, tool])


def _fit(text: str, limit: int) -> str:
    """ASCII, because the data set's character set may hold nothing else, and not too long."""
    text = text.replace("σ", "sigma").encode("ascii", "replace").decode()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item


def _pixels(dataset: Dataset, encoded: Encoded, metadata: DicomMetadata) -> None:
    samples = encoded.samples[0]
    for keyword in _ENCAPSULATED:
        if keyword in dataset:
            delattr(dataset, keyword)
    word = np.dtype(f"<u{samples.dtype.itemsize}")
    bits = encoded.stored.bits
    words = samples.astype(samples.dtype.newbyteorder("<")).view(word)
    if metadata.spare is not None:
        words = (words & word.type((1 << bits) - 1)) | metadata.spare
    data = words.tobytes()
    wide = samples.dtype.itemsize > 1
    dataset.add_new(0x7FE00010, "OW" if wide else "OB", data + bytes(len(data) % 2))
    dataset.BitsAllocated = samples.dtype.itemsize * 8
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    _extremes(dataset, samples)


def _extremes(dataset: Dataset, samples: Any) -> None:
    """Smallest and largest sample, without padding, where the source told them."""
    limits = padding_range(dataset)
    valid = samples if limits is None else samples[(samples < limits[0]) | (samples > limits[1])]
    valid = valid if valid.size else samples
    kind = "SS" if samples.dtype.kind == "i" else "US"
    for tag, value in ((0x00280106, valid.min()), (0x00280107, valid.max())):
        if tag in dataset:
            del dataset[tag]
            if samples.dtype.itemsize <= 2:
                dataset.add_new(tag, kind, int(value))
    for keyword in ("SmallestPixelValueInSeries", "LargestPixelValueInSeries"):
        if keyword in dataset:
            delattr(dataset, keyword)


def _lossy(dataset: Dataset, syntax: str) -> None:
    """Pixels once lossy stay so, also when the file itself no longer shows it."""
    if syntax in _LOSSY and dataset.get("LossyImageCompression") != "01":
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionMethod = _LOSSY[syntax]


def _file_meta(dataset: Dataset) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for tag in [tag for tag in dataset.keys() if tag.group == 2]:  # noqa: SIM118
        del dataset[tag]  # Meta information that a broken file has in its data set.
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
