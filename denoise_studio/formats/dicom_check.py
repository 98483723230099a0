"""Whether a DICOM header promises a picture that is read, before any pixel is."""

import re

from pydicom.dataset import Dataset
from pydicom.uid import UID

from denoise_studio.core.errors import FormatError
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.samples import check_size

_DIRECTORY = "1.2.840.10008.1.3.10"
_EMPTY_FRAME = 8
"""Bytes of an empty fragment (PS3.5 A.4), than which no compressed frame is shorter."""
_SMALL = 32 << 20
_RATIO = 200


class NoPicture(FormatError):
    """A sound DICOM object that holds no picture, such as a report: nothing is wrong with it."""


def damaged(name: str, error: Exception) -> FormatError:
    """The sentence for whatever a parser throws; its own words may quote the patient."""
    kind = type(error).__name__ if isinstance(error, (ValueError, NotImplementedError)) else ""
    return FormatError(f"{name} is damaged or cut short{f' ({kind})' if kind else ''}.")


def code(value: object) -> str:
    """A code string or UID as it stands, unless a damaged file has something else there."""
    text = str(value)
    return text if re.fullmatch(r"[A-Za-z0-9_. ]{1,64}", text) else "unreadable"


def check_image(dataset: Dataset, name: str, pixels: str | None) -> None:
    """Judge a header.

    Args:
        dataset: without pixels.
        name: the file's.
        pixels: keyword of the element that holds them, None where there is none.

    Raises:
        NoPicture: an object of another sort.
        FormatError: no picture that is read; one sentence.
    """
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
        raise NoPicture(f"{name} is a DICOMDIR, which lists series: open it as a series.")
    if pixels is None and "Rows" not in dataset:
        kind = UID(str(dataset.get("SOPClassUID") or (meta or {}).get("MediaStorageSOPClassUID") or ""))
        if not kind or kind.name.endswith("Image Storage"):
            raise FormatError(f"{name} is cut short: its header ends before the picture.")
        what = code(dataset.get("Modality") or "no image")
        raise NoPicture(f"{name} is a DICOM file without a picture ({what}).")
    if pixels is None:
        raise FormatError(f"{name} is cut short: its pixel data is missing.")
    check_size(name, integer(dataset, "Columns"), integer(dataset, "Rows"))
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if max(1, integer(dataset, "SamplesPerPixel")) != 1 or not photometric.startswith("MONOCHROME"):
        raise FormatError(f"{name} is a colour DICOM image ({code(photometric)}); only grey ones are opened.")
    if pixels != "PixelData":
        raise FormatError(f"{name} holds floating point DICOM pixels, which are not opened.")
    allocated = integer(dataset, "BitsAllocated")
    if allocated not in (8, 16, 32):
        raise FormatError(f"{name} has {allocated} bits a sample; 8, 16 or 32 are opened.")
    if not 1 <= stored_bits(dataset) <= allocated:
        raise FormatError(f"{name} contradicts itself about how many bits a sample has.")


def require_length(dataset: Dataset, name: str, held: int) -> None:
    """Refuse more pixels, or more frames, than a file has room for: a list of them takes memory too.

    Args:
        dataset: without pixels.
        name: the file's.
        held: bytes from the beginning of the pixels to the end of the file.
    """
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    frames = max(1, integer(dataset, "NumberOfFrames"))
    if getattr(syntax, "is_compressed", False) or getattr(syntax, "is_deflated", False):
        if frames > 1 and frames * _EMPTY_FRAME > held:
            raise FormatError(f"{name} claims {frames} frames, which its {held} bytes of pixels cannot hold.")
        return
    samples = integer(dataset, "Rows") * integer(dataset, "Columns") * frames
    need = samples * integer(dataset, "BitsAllocated") // 8
    if held < need:
        raise FormatError(f"{name} is cut short: {need - held} bytes of pixels are missing.")


def stored_bits(dataset: Dataset) -> int:
    """BitsStored, where it is absent BitsAllocated."""
    return integer(dataset, "BitsStored", integer(dataset, "BitsAllocated"))


def require_plausible(name: str, need: int, held: int) -> None:
    """Refuse pixels that nothing but a bomb compresses so well.

    Pictures of noise, as all scanners make them, compress to a half or a tenth; only small or
    empty ones to a hundredth.

    Args:
        name: the file's.
        need: bytes that the header promises.
        held: bytes that are there, compressed.
    """
    if need > _SMALL and need > _RATIO * held:
        raise FormatError(f"{name} claims {need >> 20} MB of pixels, which its {held} bytes cannot hold.")
