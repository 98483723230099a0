"""NIfTI out: a whole volume with the source's header, type and scaling, slice by slice."""

import gzip
import shutil
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.base import SaveOptions, SaveReport
from denoise_studio.formats.nifti_series import NiftiMetadata
from denoise_studio.formats.nifti_volume import Volume
from denoise_studio.formats.samples import rescale

_COMMENT = 6
"""The code of an extension that holds text (nifti1_io.h, NIFTI_ECODE_COMMENT)."""
_PERSONAL = {
    1: ((4, 10), (14, 18), (148, 80), (228, 24), (328, 16)),
    2: ((240, 80), (320, 24), (508, 16)),
}
"""Offset and length of the texts of the header that a person may have filled in: description,
auxiliary file, names of the data type, the data base and the intent."""


def write_volume(pictures: Iterable[Picture], path: Path, compress: bool, options: SaveOptions) -> SaveReport:
    """Write results of slices of one volume as one derived file; memory holds one slice.

    Slices that are not given, and voxels that did not change, keep the source's own bytes.

    Args:
        pictures: each of another slice of the same file, in any order.
        path: a temporary file beside the target; the caller renames it.
        compress: whether the file is a `.nii.gz`.
        options: `recipe` is kept inside as a comment; `anonymise` empties the header's texts and
            leaves the source's extensions out.

    Raises:
        FormatError: not slices of one volume, or none.
        OSError: the disk is full, the folder cannot be written, ...
    """
    with tempfile.TemporaryFile(dir=path.parent) if compress else path.open("w+b") as stream:
        report = _write(pictures, stream, path, options)
        if compress:
            stream.seek(0)
            # No name and no time: the same volume gives the same bytes.
            with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as target:
                shutil.copyfileobj(stream, target, 1 << 20)
    return report


def _write(pictures: Iterable[Picture], stream: BinaryIO, path: Path, options: SaveOptions) -> SaveReport:
    volume: Volume | None = None
    start, clipped, rounded, largest = 0, 0, 0, 0.0
    written: set[int] = set()
    for picture in pictures:
        metadata = _metadata(picture, volume)
        if volume is None:
            volume = metadata.volume
            head = _head(volume, options)
            start = len(head)
            stream.write(head)
        if metadata.index in written:
            raise FormatError(f"Slice {metadata.index + 1} was to be saved twice.")
        written.add(metadata.index)
        voxels, outside, error = _voxels(picture, metadata)
        clipped, largest = clipped + outside, max(largest, float(error.max()))
        rounded += int(np.count_nonzero(error))
        stream.seek(start + metadata.index * volume.header.slice_bytes)
        stream.write(voxels.tobytes())
    if volume is None:
        raise FormatError("There is no slice to save.")
    header = volume.header
    _copy_others(volume, stream, start, written)
    dropped = []
    if rounded:
        dropped.append(f"{rounded} values were rounded to the volume's own steps, by {largest:.3g} at most.")
    if left := header.slices - len(written):
        dropped.append(f"{left} slice{'' if left == 1 else 's'} of the volume kept the source's values.")
    return SaveReport(path, "nifti", _stored(header), clipped, tuple(dropped))


def _metadata(picture: Picture, volume: Volume | None) -> NiftiMetadata:
    found = picture.source.metadata if picture.source else None
    if not isinstance(found, NiftiMetadata):
        raise FormatError("NIfTI is written only from a NIfTI volume; save this picture as TIFF or NPY.")
    if volume is not None and found.volume.path != volume.path:
        raise FormatError("The slices are of several volumes; each is saved as a file of its own.")
    rows, columns = found.volume.header.shape[1], found.volume.header.shape[0]
    size = (columns, rows) if found.volume.turn.transpose else (rows, columns)
    if picture.channels != 1 or (picture.height, picture.width) != size:
        raise FormatError("The picture no longer has the size of its volume; save as TIFF or NPY.")
    return found


def _stored(header: Any) -> Stored:
    name = header.dtype.newbyteorder("=").name
    return Stored(name, header.dtype.itemsize * 8, header.slope, header.intercept)


def _voxels(picture: Picture, metadata: NiftiMetadata) -> tuple[AnyArray, int, Any]:
    """The slice as the file stores it, how many values were clipped, and what rounding changed."""
    volume, header = metadata.volume, metadata.volume.header
    kind = header.dtype.newbyteorder("=")
    source: Any = volume.stored(metadata.index, Progress())
    before = rescale(source, header.slope, header.intercept)
    values: Any = volume.turn.undo(picture.pixels[0])
    padding: Any = None if picture.padding is None else volume.turn.undo(picture.padding)
    with np.errstate(invalid="ignore"):
        changed = before != values
    if padding is not None:
        changed &= ~padding
    exact = (values.astype(np.float64) - header.intercept) / header.slope
    outside, stored = np.zeros(values.shape, bool), exact
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        stored = np.rint(exact)
        outside = changed & ((stored < limits.min) | (stored > limits.max))
        # As doubles the limits of 64-bit numbers are rounded up, beyond what the type holds.
        stored = np.clip(stored, float(limits.min), np.nextafter(float(limits.max) + 1.0, 0.0))
    voxels = source.copy()
    voxels[changed] = stored.astype(kind)[changed]
    error = np.abs(rescale(voxels, header.slope, header.intercept) - values)
    error[~changed | outside] = 0.0
    return voxels.astype(header.dtype), int(outside.sum()), error


def _copy_others(volume: Volume, stream: BinaryIO, start: int, written: set[int]) -> None:
    header = volume.header
    data = volume.data(Progress())
    for index in range(header.slices):
        if index not in written:
            place = index * header.slice_bytes
            stream.seek(start + place)
            stream.write(data.array("u1", header.slice_bytes, header.offset + place).tobytes())


def _head(volume: Volume, options: SaveOptions) -> bytes:
    """Header and extensions, up to the first voxel."""
    header = volume.header
    head = bytearray(volume.data(Progress()).array("u1", header.offset, 0).tobytes())
    size = 348 if header.version == 1 else 540
    own, extensions = head[:size], bytes(head[size + 4 :])
    if not (len(head) > size + 3 and head[size]):
        extensions = b""
    if options.anonymise:
        extensions = b""
        for at, length in _PERSONAL[header.version]:
            own[at : at + length] = bytes(length)
    if options.recipe and not options.anonymise:
        extensions += _extension(options.recipe, header.order)
    offset = size + 4 + len(extensions)
    gap = -offset % 16
    if header.version == 1:
        struct.pack_into(header.order + "f", own, 108, float(offset + gap))
    else:
        struct.pack_into(header.order + "q", own, 168, offset + gap)
    mark = bytes([1 if extensions else 0, 0, 0, 0])
    return bytes(own) + mark + extensions + bytes(gap)


def _extension(text: bytes, order: str) -> bytes:
    size = 8 + len(text)
    size += -size % 16
    return struct.pack(order + "ii", size, _COMMENT) + text.ljust(size - 8, b"\0")
