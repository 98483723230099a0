"""The stored samples of one frame, without touching the others."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.dicom_codec import decode
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.dicom_file import DicomFile, Pixels


def require_frame(file: DicomFile, frame: int) -> None:
    """Raise `FormatError` for a frame that the file does not have."""
    if not 0 <= frame < file.frames:
        raise FormatError(f"{file.name} has {file.frames} frames; there is no frame {frame + 1}.")


def frame_samples(file: DicomFile, frame: int) -> AnyArray:
    """`(rows, columns)` as allocated, high bits untouched where the file is not compressed.

    Raises:
        FormatError: cut short, damaged, or of a compression that is not read.
    """
    pixels = file.pixels
    assert pixels is not None
    rows, columns = integer(file.dataset, "Rows"), integer(file.dataset, "Columns")
    kind = sample_type(file.dataset)
    if file.syntax.is_compressed and not file.syntax.is_deflated:
        return decode(file, pixels, frame, rows, columns).astype(kind, copy=False)
    if pixels.length is None:
        raise FormatError(f"{file.name} is damaged: its pixels are encapsulated without being compressed.")
    return _native(file, pixels, kind, frame, rows * columns).reshape(rows, columns)


def sample_type(dataset: Dataset) -> Any:
    """The numpy type of a stored sample."""
    signed = integer(dataset, "PixelRepresentation") == 1
    return np.dtype(f"{'i' if signed else 'u'}{integer(dataset, 'BitsAllocated') // 8}")


def _native(file: DicomFile, pixels: Pixels, kind: Any, frame: int, count: int) -> AnyArray:
    """A copy of the frame's part of the memory-mapped file."""
    size = count * kind.itemsize
    assert pixels.length is not None
    if missing := max(0, (frame + 1) * size - pixels.length):
        raise FormatError(f"{file.name} is cut short: {missing} bytes of pixels are missing.")
    start = frame * size
    if not file.syntax.is_little_endian and pixels.vr == "OW" and kind.itemsize == 1:
        # Two samples a word, whose bytes are swapped (PS3.5 A.3): pairs begin at even places.
        pairs = file.data.array(">u2", (start + size + 1) // 2 - start // 2, pixels.offset + start // 2 * 2)
        return pairs.astype("<u2").view(kind)[start % 2 :][:count]
    stored = kind.newbyteorder("<" if file.syntax.is_little_endian else ">")
    return file.data.array(stored, count, pixels.offset + start).astype(kind)
