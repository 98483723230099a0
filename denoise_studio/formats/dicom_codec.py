"""Compressed frames: one is cut out of the file, looked at, and decoded alone."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import pixel_array

from denoise_studio.core.errors import FormatError
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_check import require_plausible
from denoise_studio.formats.dicom_codestream import Codestream, Coding, look
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.dicom_file import DicomFile, Pixels

_RLE = "1.2.840.10008.1.2.5"
_RUN = 64
"""RLE (PS3.5 G) turns two bytes into 128 at most."""
_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation",
)  # fmt: skip


def decode(file: DicomFile, pixels: Pixels, frame: int, rows: int, columns: int) -> AnyArray:
    """`(rows, columns)` of a compressed frame.

    Raises:
        FormatError: there is no such frame, it is damaged, or nothing here decodes it.
    """
    name = file.name
    encoded = _cut_out(file, pixels, frame)
    need = rows * columns * integer(file.dataset, "BitsAllocated") // 8
    require_plausible(name, need, len(encoded))
    try:
        if str(file.syntax) == _RLE:
            array = _rle(file, encoded, need)
        else:
            array = _jpeg(file, encoded, (rows, columns))
    except FormatError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:160] if str(error) else type(error).__name__
        raise FormatError(
            f"{name}: its {file.syntax.name} pixels cannot be decoded ({reason.rstrip('.:')})."
        ) from None
    if array.shape != (rows, columns):
        raise _mismatch(name)
    return array


def _mismatch(name: str) -> FormatError:
    return FormatError(f"{name} is damaged: its pixels do not match its header.")


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


def _rle(file: DicomFile, encoded: bytes, need: int) -> AnyArray:
    """By pydicom, of a data set of this frame and nothing else."""
    if need > _RUN * len(encoded):
        raise _mismatch(file.name)
    single = Dataset()
    single.file_meta = FileMetaDataset()
    single.file_meta.TransferSyntaxUID = file.syntax
    single.SamplesPerPixel, single.PhotometricInterpretation, single.PixelRepresentation = 1, "MONOCHROME2", 0
    for keyword in _MODULE:
        if keyword in file.dataset:
            single[keyword] = file.dataset[keyword]
    single.PixelData = encapsulate([encoded])
    single["PixelData"].is_undefined_length = True
    try:
        return pixel_array(single)
    except Exception:
        raise FormatError(f"{file.name} is damaged: its RLE Lossless pixels cannot be decoded.") from None


def _jpeg(file: DicomFile, encoded: bytes, shape: tuple[int, int]) -> AnyArray:
    """All of the JPEG family by imagecodecs: its decoders survive damaged files, GDCM's end the program."""
    found = look(encoded)
    if found is None:
        raise FormatError(f"{file.name}: its {file.syntax.name} pixels are damaged or of an unknown coding.")
    if found.shape != shape or found.components != 1:
        raise _mismatch(file.name)
    return _signed(_decoded(found, encoded), found, integer(file.dataset, "PixelRepresentation") == 1)


def _decoded(found: Codestream, encoded: bytes) -> Any:
    import imagecodecs

    if found.coding is Coding.JPEG_LS:
        return imagecodecs.jpegls_decode(encoded)
    if found.coding is Coding.JPEG_2000:
        return imagecodecs.jpeg2k_decode(encoded, numthreads=1)
    return imagecodecs.jpeg8_decode(encoded)


def _signed(samples: Any, found: Codestream, signed: bool) -> AnyArray:
    """Samples of the sign that the DICOM header says: the codestream often has none, or another."""
    up = samples.dtype.itemsize * 8 - found.precision
    if signed == found.signed:
        return np.asarray(samples)
    bits = samples.view(f"u{samples.dtype.itemsize}") << np.asarray(up, f"u{samples.dtype.itemsize}")
    kind = f"{'i' if signed else 'u'}{samples.dtype.itemsize}"
    return np.asarray(bits.view(kind) >> np.asarray(up, kind))
