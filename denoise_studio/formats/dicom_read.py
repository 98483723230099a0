"""DICOM in: stored samples to values, padding, windows and spacing; the data set kept whole."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_facts import integer, numbers, spacing, summary, windows
from denoise_studio.formats.dicom_padding import find_padding
from denoise_studio.formats.dicom_plane import plane_of
from denoise_studio.formats.dicom_values import rescale_of, scale_of
from denoise_studio.formats.quiet import silence
from denoise_studio.formats.samples import check_size, to_float

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True)
class DicomMetadata:
    """`Source.metadata` of a DICOM picture.

    Args:
        dataset: everything but the pixels; `file_meta` is its attribute.
        shape: rows and columns.
        padding_samples: stored samples where the picture has padding, in row order.
        spare: bits of each sample outside BitsStored (old overlays), or None.
        frame: 0-based, which frame of a file with several this is; None for a single picture.
    """

    dataset: Dataset
    shape: tuple[int, int]
    padding_samples: AnyArray | None
    spare: AnyArray | None
    frame: int | None = None


def hush() -> None:
    """Keep pydicom's remarks on odd values, which may quote patient data, off terminal and logs.

    A filter is only added, for these modules, and never removed: swapping the list of filters
    back and forth would race with other threads.
    """
    for name in (r"pydicom(\.|$)", r"denoise_studio\.formats\.dicom"):
        present = any(
            f[0] == "ignore" and f[3] is not None and _pattern(f[3]) == name for f in warnings.filters
        )
        if not present:
            warnings.filterwarnings("ignore", module=name)
    silence("pydicom")


def _pattern(module: Any) -> str:
    return str(getattr(module, "pattern", module))


def read(path: Path, progress: Progress) -> Picture:
    """Read a single-frame grey image.

    Raises:
        FormatError: no image, several frames, colour, an unknown compression, or damaged.
    """
    hush()
    progress.report(0.0, "Reading")
    dataset = _dataset(path)
    notes: list[str] = []
    _check(dataset, path.name)
    progress.check()
    raw = _samples(dataset, path.name)
    progress.check()
    samples, spare = _cut_bits(raw, dataset)
    slope, intercept, rescale_notes = rescale_of(dataset, path.name)
    notes += rescale_notes
    values = to_float(samples[None], path.name, slope, intercept)
    stored = Stored(samples.dtype.name, _bits(dataset), slope, intercept)
    scale, unit, scale_note = scale_of(dataset)
    notes += scale_note
    padding, padding_note = find_padding(dataset, samples, values.pixels[0], scale)
    notes += padding_note
    notes += _inexact(samples, values.pixels[0], stored)
    mm, spacing_note = spacing(dataset)
    notes += spacing_note
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        notes.append("MONOCHROME1: the values are kept, high ones are meant to be shown dark.")
    low, high = (float(value) * slope + intercept for value in stored.limits)
    metadata = DicomMetadata(dataset, samples.shape, samples[padding] if padding is not None else None, spare)
    facts = summary(dataset)
    for keyword in _PIXELS:
        if keyword in dataset:
            del dataset[keyword]
    return Picture(
        values.pixels,
        scale=scale,
        unit=unit,
        nominal_range=(min(low, high), max(low, high)),
        stored=stored,
        spacing=mm,
        padding=padding,
        windows=windows(dataset),
        plane=plane_of(
            numbers(dataset, "ImagePositionPatient"),
            numbers(dataset, "ImageOrientationPatient"),
            next(iter(numbers(dataset, "SliceThickness")), None),
        ),
        notes=tuple(notes),
        name=path.name,
        source=Source("dicom", path.absolute(), metadata, facts),
    )


def _dataset(path: Path) -> Dataset:
    try:
        dataset = pydicom.dcmread(path, force=True)
        looks = "SOPClassUID" in dataset or "Rows" in dataset
    except OSError:
        raise
    except Exception as error:
        raise FormatError(f"{path.name} is damaged or cut short ({type(error).__name__}).") from None
    if not looks:
        raise FormatError(f"{path.name} is not a DICOM file, or its header is cut short.")
    return dataset


def _check(dataset: Dataset, name: str) -> None:
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    if not any(keyword in dataset for keyword in _PIXELS):
        if "Rows" in dataset:
            raise FormatError(f"{name} is cut short: its pixel data is missing.")
        what = dataset.get("Modality") or "no image"
        raise FormatError(f"{name} is a DICOM file without a picture ({what}).")
    check_size(name, columns, rows)
    frames = max(1, integer(dataset, "NumberOfFrames"))
    if frames > 1:
        raise FormatError(f"{name} has {frames} frames; only single frames are opened yet.")
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if max(1, integer(dataset, "SamplesPerPixel")) != 1 or not photometric.startswith("MONOCHROME"):
        raise FormatError(f"{name} is a colour DICOM image ({photometric}); only grey ones are opened.")
    if "PixelData" not in dataset:
        raise FormatError(f"{name} holds floating point DICOM pixels, which are not opened.")
    if integer(dataset, "BitsAllocated") not in (8, 16, 32):
        raise FormatError(
            f"{name} has {integer(dataset, 'BitsAllocated')} bits a sample; 8, 16 or 32 are opened."
        )
    if not 1 <= _bits(dataset) <= integer(dataset, "BitsAllocated"):
        raise FormatError(f"{name} contradicts itself about how many bits a sample has.")


def _samples(dataset: Dataset, name: str) -> AnyArray:
    """`(rows, columns)` as allocated, high bits untouched where the file is not compressed."""
    syntax = _syntax(dataset, name)
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    signed = integer(dataset, "PixelRepresentation") == 1
    kind = np.dtype(f"{'i' if signed else 'u'}{integer(dataset, 'BitsAllocated') // 8}")
    if not syntax.is_compressed or syntax.is_deflated:
        data, need = dataset.PixelData, rows * columns * kind.itemsize
        if len(data) < need:
            raise FormatError(f"{name} is cut short: {need - len(data)} bytes of pixels are missing.")
        if not syntax.is_little_endian and dataset["PixelData"].VR == "OW" and kind.itemsize == 1:
            data = np.frombuffer(data, ">u2").astype("<u2").tobytes()
        stored = kind.newbyteorder("<" if syntax.is_little_endian else ">")
        array = np.frombuffer(data, stored, rows * columns)
        return array.astype(kind).reshape(rows, columns)
    try:
        array = pixel_array(dataset)
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise FormatError(f"{name}: its {syntax.name} pixels cannot be decoded ({reason}).") from None
    if array.shape != (rows, columns):
        raise FormatError(f"{name} is damaged: its pixels do not match its header.")
    return array.astype(kind, copy=False)


def _syntax(dataset: Dataset, name: str) -> Any:
    """The transfer syntax; a file without meta information is what pydicom found it to be."""
    found = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if found is None:
        implicit, little = dataset.original_encoding
        found = (
            pydicom.uid.ExplicitVRLittleEndian if implicit is False else pydicom.uid.ImplicitVRLittleEndian
        )
        if little is False:
            found = pydicom.uid.ExplicitVRBigEndian
    if not isinstance(found, pydicom.uid.UID) or found.is_private or not found.is_transfer_syntax:
        raise FormatError(f"{name} has an unknown transfer syntax ({found}).")
    return found


def _cut_bits(raw: AnyArray, dataset: Dataset) -> tuple[AnyArray, AnyArray | None]:
    """The sample in BitsStored bits below HighBit, and whatever else the word holds."""
    allocated, bits = raw.dtype.itemsize * 8, _bits(dataset)
    shift = max(0, min(integer(dataset, "HighBit", bits - 1) - bits + 1, allocated - bits))
    if bits == allocated:
        return raw, None
    word = raw.view(f"u{raw.dtype.itemsize}")
    up = allocated - bits
    # Up to the top of the word and down again: the right shift extends the sign.
    samples = (word << np.asarray(up - shift, word.dtype)).view(raw.dtype) >> np.asarray(up, raw.dtype)
    again = (samples.view(word.dtype) << np.asarray(shift, word.dtype)) if shift else samples.view(word.dtype)
    if shift or np.array_equal(again, word):
        return samples, None
    spare = word & ~np.asarray((1 << bits) - 1, word.dtype)
    return samples, spare


def _inexact(samples: Any, values: Any, stored: Stored) -> list[str]:
    """Tell when float32 values would not lead back to the same samples."""
    back = np.rint((values.astype(np.float64) - stored.intercept) / stored.slope)
    wrong = int((back != samples).sum())
    if not wrong:
        return []
    worst = float(np.abs(values - (samples * np.float64(stored.slope) + stored.intercept)).max())
    return [f"{wrong} values rounded to 32-bit floating point (largest change {worst:.3g})."]


def _bits(dataset: Dataset) -> int:
    return integer(dataset, "BitsStored", integer(dataset, "BitsAllocated"))
