"""What a JPEG, JPEG-LS or JPEG 2000 codestream says of itself.

Decoders reserve memory for what the codestream says, not for what the DICOM header says, so it is
looked at first.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum


class Coding(StrEnum):
    """How a frame is coded."""

    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"


@dataclass(frozen=True)
class Codestream:
    """The frame header.

    Args:
        coding: which decoder reads it.
        shape: rows and columns.
        precision: bits of a sample.
        signed: whether samples are signed; JPEG and JPEG-LS have no such thing.
        components: 1 for grey.
    """

    coding: Coding
    shape: tuple[int, int]
    precision: int
    signed: bool
    components: int


def look(encoded: bytes) -> Codestream | None:
    """The frame header of a codestream, None where there is none."""
    try:
        if encoded.startswith(b"\xff\xd8"):
            return _jpeg(encoded)
        return _jpeg_2000(encoded)
    except (struct.error, IndexError):
        return None


def _jpeg_2000(encoded: bytes) -> Codestream | None:
    """SOC and SIZ (ISO 15444-1 A.5.1), bare or in the boxes of a JP2 file."""
    at = encoded.find(b"\xff\x4f\xff\x51")
    if at < 0:
        return None
    right, bottom, left, top, *tile = struct.unpack_from(">8I", encoded, at + 8)
    (components,) = struct.unpack_from(">H", encoded, at + 40)
    depth, down, across = encoded[at + 42 : at + 45]
    if down != 1 or across != 1 or 0 in tile[:2]:
        return None
    shape = bottom - top, right - left
    return Codestream(Coding.JPEG_2000, shape, (depth & 0x7F) + 1, bool(depth & 0x80), components)


def _jpeg(encoded: bytes) -> Codestream | None:
    """The start of frame (ISO 10918-1 B.2.2, ISO 14495-1 C.2.2); None for several."""
    at, found = 2, None
    while at + 4 <= len(encoded):
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:
            return found
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            if found is not None:
                return None
            precision, rows, columns, components = struct.unpack_from(">BHHB", encoded, at + 4)
            coding = Coding.JPEG_LS if marker == 0xF7 else Coding.JPEG
            found = Codestream(coding, (rows, columns), precision, False, components)
        at += 2 + struct.unpack_from(">H", encoded, at + 2)[0]
    return None
