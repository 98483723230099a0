"""Compressed frames: one is cut out of the file, looked at, and decoded alone."""

import struct

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import pixel_array

from denoise_studio.core.errors import FormatError
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_check import require_plausible
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.dicom_file import DicomFile, Pixels

_RLE = "1.2.840.10008.1.2.5"
_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation",
)  # fmt: skip
_RUN = 64
"""RLE (PS3.5 G) turns two bytes into 128 at most."""


def decode(file: DicomFile, pixels: Pixels, frame: int, rows: int, columns: int) -> AnyArray:
    """`(rows, columns)` of a compressed frame.

    Raises:
        FormatError: there is no such frame, it is damaged, or nothing here decodes it.
    """
    name = file.name
    encoded = _cut_out(file, pixels, frame)
    need = rows * columns * integer(file.dataset, "BitsAllocated") // 8
    require_plausible(name, need, len(encoded))
    if str(file.syntax) == _RLE:
        if need > _RUN * len(encoded):
            raise FormatError(f"{name} is damaged: its pixels do not match its header.")
    elif (size := codestream_size(encoded)) is not None and size != (rows, columns):
        raise FormatError(f"{name} is damaged: its pixels do not match its header.")
    try:
        array = pixel_array(_single(file, encoded))
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise FormatError(
            f"{name}: its {file.syntax.name} pixels cannot be decoded ({reason.rstrip('.')})."
        ) from None
    if array.shape != (rows, columns):
        raise FormatError(f"{name} is damaged: its pixels do not match its header.")
    return array


def _cut_out(file: DicomFile, pixels: Pixels, frame: int) -> bytes:
    """The encoded bytes of a frame."""
    if pixels.length is not None:
        raise FormatError(f"{file.name} is damaged: its compressed pixels are not in fragments.")
    tables = [file.dataset.get(f"ExtendedOffsetTable{part}") for part in ("", "Lengths")]
    try:
        with file.data.stream() as stream:
            stream.seek(pixels.offset)
            return get_frame(
                stream,
                frame,
                number_of_frames=file.frames,
                extended_offsets=(tables[0], tables[1]) if all(tables) else None,
            )
    except OSError:
        raise
    except Exception:
        what = f"frame {frame + 1} is" if file.frames > 1 else "its pixels are"
        raise FormatError(f"{file.name} is damaged or cut short: {what} not found.") from None


def _single(file: DicomFile, encoded: bytes) -> Dataset:
    """A data set of this frame and what a decoder must know, nothing else."""
    single = Dataset()
    single.file_meta = FileMetaDataset()
    single.file_meta.TransferSyntaxUID = file.syntax
    for keyword in _MODULE:
        if keyword in file.dataset:
            single[keyword] = file.dataset[keyword]
    if "SamplesPerPixel" not in single:
        single.SamplesPerPixel = 1
    if "PhotometricInterpretation" not in single:
        single.PhotometricInterpretation = "MONOCHROME2"
    single.PixelData = encapsulate([encoded])
    single["PixelData"].is_undefined_length = True
    return single


def codestream_size(encoded: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 codestream claims; None if it is none.

    Decoders reserve memory for what the codestream says, not for what the DICOM header says.
    """
    at = encoded.find(b"\xff\x4f\xff\x51")
    if at >= 0 and len(encoded) >= at + 24:  # SOC, SIZ (ISO 15444-1 A.5.1)
        right, bottom, left, top = struct.unpack_from(">4I", encoded, at + 8)
        return bottom - top, right - left
    if not encoded.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(encoded):  # segments up to the start of frame (ISO 10918-1 B.2.2)
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack_from(">HH", encoded, at + 5)
            return rows, columns
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", encoded, at + 2)[0]
    return None
