"""TIFF out: strips of deflate with predictor, in a file that begins with the EXIF block.

An EXIF block is a TIFF structure. Put at the start of the new file, byte for byte, all its
offsets (and those inside maker notes) stay valid; only the first directory is a new one, with the
old one's descriptive fields and the tags of the new pixels.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.formats import exif

_STRIP = 1 << 18
_LIMIT = (1 << 32) - (1 << 20)
_CODES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "I", 7: "s", 10: "i"}
_RATIONALS = (5, 10)


@dataclass(frozen=True)
class Field:
    """A TIFF field: type 2 and 7 take bytes, 5 and 10 pairs of whole numbers, others whole numbers."""

    type: int
    value: Any


def write(
    path: Path,
    samples: Any,
    fields: Mapping[int, Field],
    block: bytes | None,
    white_is_zero: bool,
    alpha: int,
) -> None:
    """Write one picture.

    Args:
        path: where to.
        samples: `(H, W, C)`; 2 or 4 channels end with alpha.
        fields: descriptive fields, which replace those of the block.
        block: EXIF block that the file begins with.
        white_is_zero: grey samples count from white.
        alpha: TIFF's ExtraSamples value for the alpha channel.

    Raises:
        FormatError: the file would be larger than 4 GB.
        OSError: the disk is full, ...
    """
    reader = exif.Reader(block) if block else None
    order = reader.order if reader else "<"
    start = bytearray(block or b"II*\0" + bytes(4))
    records = kept_records(block)
    rows = max(1, _STRIP // max(1, samples[0].nbytes))
    with path.open("wb") as stream:
        stream.write(start + bytes(len(start) % 2))
        offsets, counts = [], []
        for top in range(0, samples.shape[0], rows):
            data = imagecodecs.deflate_encode(_predict(samples[top : top + rows], order), 6)
            offsets.append(stream.tell())
            counts.append(len(data))
            stream.write(data + bytes(len(data) % 2))
            if stream.tell() > _LIMIT:
                raise FormatError("The picture is too large for TIFF (more than 4 GB); save as NPY.")
        every = {**fields, **_structure(samples, rows, offsets, counts, white_is_zero, alpha)}
        for tag, field in every.items():
            records[tag] = record(stream, order, tag, field)
        place = directory(stream, order, records)
        stream.seek(4)
        stream.write(struct.pack(order + "I", place))


def _structure(
    samples: Any, rows: int, offsets: list[int], counts: list[int], white_is_zero: bool, alpha: int
) -> dict[int, Field]:
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    photometric = 2 if channels >= 3 else 0 if white_is_zero else 1
    fields = {
        256: Field(4, [width]),
        257: Field(4, [height]),
        258: Field(3, [samples.dtype.itemsize * 8] * channels),
        259: Field(3, [8]),
        262: Field(3, [photometric]),
        273: Field(4, offsets),
        277: Field(3, [channels]),
        278: Field(4, [rows]),
        279: Field(4, counts),
        284: Field(3, [1]),
        317: Field(3, [3 if kind == 3 else 2]),
        339: Field(3, [kind] * channels),
    }
    if channels in (2, 4):
        fields[338] = Field(3, [alpha])
    return fields


def record(stream: BinaryIO, order: str, tag: int, field: Field) -> bytes:
    """The 12 bytes of a field; a longer value is written to the stream first."""
    if field.type in (2, 7):
        return raw_record(stream, order, tag, field.type, len(field.value), bytes(field.value))
    value = struct.pack(f"{order}{len(field.value)}{_CODES[field.type]}", *field.value)
    count = len(field.value) // (2 if field.type in _RATIONALS else 1)
    return raw_record(stream, order, tag, field.type, count, value)


def raw_record(stream: BinaryIO, order: str, tag: int, kind: int, count: int, value: bytes) -> bytes:
    """The same for a value whose bytes are in the file's order already."""
    if len(value) > 4:
        place = stream.tell()
        stream.write(value + bytes(len(value) % 2))
        value = struct.pack(order + "I", place)
    return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")


def kept_records(block: bytes | None) -> dict[int, bytes]:
    """The fields of an EXIF block's first directory that a new file takes along, by tag."""
    if not block:
        return {}
    carried = (exif.EXIF_IFD, exif.GPS_IFD)
    entries = exif.Reader(block).first().entries
    return {tag: e.record for tag, e in entries.items() if tag not in exif.STRUCTURE or tag in carried}


def directory(stream: BinaryIO, order: str, records: Mapping[int, bytes]) -> int:
    """Write an image file directory, the last of its chain; its place."""
    place = stream.tell()
    stream.write(struct.pack(order + "H", len(records)))
    stream.write(b"".join(records[tag] for tag in sorted(records)) + bytes(4))
    return place


def _predict(strip: Any, order: str) -> bytes:
    """Horizontal differences (TIFF 6.0, section 14), for floats of their bytes (Technical Note 3)."""
    rows, width, channels = strip.shape
    if strip.dtype.kind != "f":
        difference = strip.copy()
        difference[:, 1:] -= strip[:, :-1]
        return bytes(difference.astype(strip.dtype.newbyteorder(order)).tobytes())
    size = strip.dtype.itemsize
    # Bytes of equal weight side by side, the highest first whatever the file's byte order.
    raw = strip.astype(strip.dtype.newbyteorder(">")).view(np.uint8).reshape(rows, width * channels, size)
    planes = raw.transpose(0, 2, 1).reshape(rows, -1)
    difference = planes.copy()
    difference[:, channels:] -= planes[:, :-channels]
    return bytes(difference.tobytes())
