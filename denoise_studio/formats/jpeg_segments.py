"""JPEG marker segments: taken apart and put together again (ITU-T T.81, EXIF 2.32, XMP part 3)."""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from denoise_studio.core.errors import FormatError

EOI, SOS, COM = 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP11, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
ICC, MPF, PHOTOSHOP = b"ICC_PROFILE\0", b"MPF\0", b"Photoshop 3.0\0"
LIMIT = 65533
"""Bytes that one segment can hold."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_THUMBNAILS = (1033, 1036)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True)
class Segment:
    """A marker and what follows its length field."""

    marker: int
    data: bytes

    def packed(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data


@dataclass(frozen=True)
class Frame:
    """The frame header: size, samples a pixel, bits a sample."""

    width: int
    height: int
    channels: int
    bits: int


def split(data: bytes, name: str) -> tuple[Frame, list[Segment]]:
    """The frame header and the segments before the first scan.

    Raises:
        FormatError: the file is damaged, or ends before its end marker.
    """
    segments: list[Segment] = []
    at, frame, scan = 2, None, False
    while True:
        marker, at = _marker(data, at, name)
        if marker == EOI:
            break
        if at + 2 > len(data):
            raise _short(name)
        end = at + int(struct.unpack_from(">H", data, at)[0])
        if end > len(data) or end < at + 2:
            raise _short(name)
        if marker in _FRAMES and frame is None and end - at >= 8:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, at + 2)
            frame = Frame(width, height, channels, bits)
        if marker == SOS:
            scan = True
            found = _AFTER_SCAN.search(data, end)
            if found is None:
                raise _short(name)
            end = found.start()
        elif not scan:
            segments.append(Segment(marker, data[at + 2 : end]))
        at = end
    if frame is None or not scan:
        raise FormatError(f"{name} is damaged: the JPEG has no picture in it.")
    return frame, segments


def _marker(data: bytes, at: int, name: str) -> tuple[int, int]:
    """The marker at `at` (fill bytes skipped) and the place after it."""
    if at < len(data) and data[at] != 0xFF:
        raise FormatError(f"{name} is damaged: a JPEG marker is missing at byte {at}.")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data):
        raise _short(name)
    return data[at], at + 1


def _short(name: str) -> FormatError:
    return FormatError(f"{name} is cut short: the end of the JPEG is missing.")


def payload(segments: Iterable[Segment], marker: int, prefix: bytes) -> bytes | None:
    """The data after `prefix` of the first such segment."""
    for segment in segments:
        if segment.marker == marker and segment.data.startswith(prefix):
            return segment.data[len(prefix) :]
    return None


def icc_profile(segments: Iterable[Segment]) -> bytes | None:
    """The ICC profile put together from its numbered parts, None if one is missing."""
    parts = {}
    total = 0
    for segment in segments:
        if segment.marker == APP2 and segment.data.startswith(ICC) and len(segment.data) >= 14:
            number, total = segment.data[12], segment.data[13]
            parts[number] = segment.data[14:]
    if not parts or sorted(parts) != list(range(1, total + 1)):
        return None
    return b"".join(parts[number] for number in sorted(parts))


def icc_segments(profile: bytes) -> list[Segment]:
    """The profile in numbered parts; at most 255 of them exist."""
    size = LIMIT - 14
    parts = [profile[i : i + size] for i in range(0, len(profile), size)]
    if len(parts) > 255:
        return []
    return [
        Segment(APP2, ICC + bytes((number, len(parts))) + part) for number, part in enumerate(parts, start=1)
    ]


def density(segments: Iterable[Segment]) -> tuple[float, float] | None:
    """Dots per inch from the JFIF header."""
    head = payload(segments, APP0, b"JFIF\0")
    if head is None or len(head) < 7:
        return None
    unit, x, y = struct.unpack_from(">BHH", head, 2)
    factor = {1: 1.0, 2: 2.54}.get(unit)
    return (x * factor, y * factor) if factor and x and y else None


def jfif(dpi: tuple[float, float] | None) -> Segment:
    """A JFIF header without thumbnail."""
    unit, x, y = (1, *(min(65535, max(1, round(value))) for value in dpi)) if dpi else (0, 1, 1)
    return Segment(APP0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, unit, x, y, 0, 0))


def jfif_without_thumbnail(segments: Iterable[Segment]) -> Segment | None:
    """The source's own JFIF header, its thumbnail cut off."""
    head = payload(segments, APP0, b"JFIF\0")
    return Segment(APP0, b"JFIF\0" + head[:7] + bytes(2)) if head and len(head) >= 9 else None


def carried(segments: Iterable[Segment]) -> list[Segment]:
    """The application segments and comments that stay true of other pixels.

    Left out: what the writer makes itself (JFIF, EXIF, XMP, ICC, Adobe's colour transform), more
    pictures behind this one (MPF), and signatures of the old pixels (C2PA in APP11).
    """
    kept = []
    for segment in segments:
        marker, data = segment.marker, segment.data
        own = marker in (APP0, APP11, APP14) or data.startswith((EXIF, XMP, ICC, MPF))
        if (0xE0 <= marker <= 0xEF or marker == COM) and not own:
            if marker == APP13 and data.startswith(PHOTOSHOP):
                segment = Segment(marker, PHOTOSHOP + _without_thumbnails(data[len(PHOTOSHOP) :]))
            kept.append(segment)
    return kept


def _without_thumbnails(data: bytes) -> bytes:
    """Photoshop's image resources less the two that hold a small copy of the picture."""
    result, at = b"", 0
    while data[at : at + 4] == b"8BIM" and at + 7 < len(data):
        number = int(struct.unpack_from(">H", data, at + 4)[0])
        name = (data[at + 6] + 2) // 2 * 2
        if at + 10 + name > len(data):
            break
        size = int(struct.unpack_from(">I", data, at + 6 + name)[0])
        end = at + 10 + name + size + size % 2
        if number not in _THUMBNAILS:
            result += data[at:end]
        at = end
    return result + data[at:]
