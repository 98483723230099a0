r"""EXIF as one block of bytes in TIFF structure: read, patched in place, or gathered from a TIFF.

A block is what follows "Exif\0\0" in JPEG and what PNG's eXIf chunk holds. It is kept byte for
byte, because maker notes point into it; only single fields are overwritten where they lie.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview

ORIENTATION = 0x0112
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_LIMIT = 1 << 24
_RATIONALS = {5: "I", 10: "i"}

STRUCTURE = frozenset(
    # How the pixels lie in the file, and what is kept apart (XMP, ICC, thumbnails, layers).
    (
        *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284),
        *(288, 289, 290, 291, 292, 293, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 334),
        *(336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530),
        *(531, 532, 700, 32995, 32996, 32997, 32998, 33421, 33422, 34377, 34675, 37724),
        *(EXIF_IFD, GPS_IFD, INTEROP_IFD),
    )
)
"""TIFF tags that say how pixels are stored; never carried from one file to another."""


@dataclass(frozen=True)
class Entry:
    """One field of an IFD: `at` is where its value lies in the buffer, `record` the 12 bytes."""

    tag: int
    type: int
    count: int
    at: int
    size: int
    record: bytes


@dataclass(frozen=True)
class Ifd:
    """The fields of an image file directory and where the offset of the next one is written."""

    entries: Mapping[int, Entry]
    next_at: int


class Reader:
    """Walks the IFDs of a TIFF structure (classic or BigTIFF) without trusting any offset."""

    def __init__(self, data: Buffer) -> None:
        self.data = data
        mark = bytes(data[:4])
        self.order = ">" if mark[:2] == b"MM" else "<"
        if mark not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise ValueError("no TIFF structure")
        self.big = b"+" in mark
        self._count, self._word, self._inline = ("Q", "Q", 8) if self.big else ("H", "I", 4)

    def first(self) -> Ifd:
        """The first IFD."""
        return self.ifd(self._unpack(self._word, 8 if self.big else 4))

    def ifd(self, offset: int) -> Ifd:
        """The IFD at an offset; fields that point outside the data are left out."""
        number = self._unpack(self._count, offset)
        at = offset + struct.calcsize(self._count)
        step = 4 + 2 * self._inline
        if number > 4096 or at + number * step > len(self.data):
            raise ValueError("broken IFD")
        entries = {}
        for index in range(number):
            entry = self._entry(at + index * step, step)
            if entry is not None:
                entries[entry.tag] = entry
        return Ifd(entries, at + number * step)

    def value(self, entry: Entry) -> bytes:
        return bytes(self.data[entry.at : entry.at + entry.size])

    def integer(self, entry: Entry | None) -> int:
        """The first whole number of a field, 0 without one."""
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(entry.type) if entry else None
        return self._unpack(code, entry.at) if entry and code and entry.count else 0

    def integers(self, entry: Entry | None) -> tuple[int, ...]:
        """All whole numbers of a field."""
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(entry.type) if entry else None
        if entry is None or code is None:
            return ()
        size = struct.calcsize(code)
        return tuple(self._unpack(code, entry.at + size * index) for index in range(entry.count))

    def numbers(self, entry: Entry | None) -> tuple[float, ...]:
        """All numbers of a field, whole or rational; none if one of them is no number (0/0)."""
        if entry is None or entry.type not in _RATIONALS:
            return tuple(float(value) for value in self.integers(entry))
        parts = struct.unpack(f"{self.order}{2 * entry.count}{_RATIONALS[entry.type]}", self.value(entry))
        pairs = tuple(zip(parts[::2], parts[1::2], strict=True))
        return tuple(top / bottom for top, bottom in pairs) if all(bottom for _, bottom in pairs) else ()

    def _entry(self, at: int, step: int) -> Entry | None:
        tag, kind = self._unpack("H", at), self._unpack("H", at + 2)
        count = self._unpack(self._word, at + 4)
        size = _SIZES.get(kind, 0) * count
        where = at + 4 + self._inline
        if size > self._inline:
            where = self._unpack(self._word, where)
        if kind not in _SIZES or size > _LIMIT or where + size > len(self.data):
            return None
        return Entry(tag, kind, count, where, size, bytes(self.data[at : at + step]))

    def _unpack(self, code: str, at: int) -> int:
        try:
            return int(struct.unpack_from(self.order + code, self.data, at)[0])
        except struct.error:
            raise ValueError("TIFF structure cut short") from None


def is_block(data: bytes) -> bool:
    """Whether EXIF data has the structure that its fields need."""
    try:
        reader = Reader(data)
        reader.first()
    except ValueError:
        return False
    return not reader.big


def orientation(block: bytes | None) -> int:
    """The orientation a block declares, 1 without one or if it is no valid one."""
    try:
        reader = Reader(block or b"")
        found = reader.integer(reader.first().entries.get(ORIENTATION))
    except ValueError:
        return 1
    return found if 1 <= found <= 8 else 1


def prepare(block: bytes, orient: int) -> bytes:
    """The block for a new file: orientation set where it has the field, thumbnail unlinked.

    The thumbnail (IFD1) shows the picture before it was denoised. Everything else stays where
    it is, byte for byte.
    """
    reader = Reader(block)
    first = reader.first()
    result = bytearray(block)
    entry = first.entries.get(ORIENTATION)
    if entry is not None and entry.type == 3 and entry.count == 1:
        struct.pack_into(reader.order + "H", result, entry.at, orient)
    if first.next_at + 4 <= len(result):
        struct.pack_into(reader.order + "I", result, first.next_at, 0)
    return bytes(result)


def resolution(block: bytes | None) -> tuple[float, float] | None:
    """Horizontal and vertical dots per inch from tags 282, 283 and 296."""
    try:
        reader = Reader(block or b"")
        entries = reader.first().entries
        unit = reader.integer(entries.get(296)) or 2
        pair = []
        for tag in (282, 283):
            numerator, denominator = struct.unpack(reader.order + "II", reader.value(entries[tag]))
            pair.append(numerator / denominator * (2.54 if unit == 3 else 1.0))
    except (ValueError, KeyError, struct.error, ZeroDivisionError):
        return None
    return (pair[0], pair[1]) if unit in (2, 3) and min(pair) > 0 else None


def text(block: bytes | None, tag: int) -> bytes:
    """An ASCII field of the first IFD as it stands, strings still divided by NUL."""
    try:
        reader = Reader(block or b"")
        entry = reader.first().entries.get(tag)
        return reader.value(entry) if entry and entry.type == 2 else b""
    except ValueError:
        return b""


def gather(data: Buffer, leave_out: frozenset[int] = frozenset()) -> bytes | None:
    """A block of its own with the descriptive fields of a TIFF file and its EXIF and GPS IFDs.

    Maker notes are copied as they are; those that point to absolute places of the old file
    cannot follow it. None if there is nothing to keep. Tags in `leave_out` stay behind.
    """
    reader = Reader(data)
    first = reader.first()
    kept = [entry for entry in _portable(first.entries.values()) if entry.tag not in leave_out]
    builder = _Builder(reader)
    for tag in (EXIF_IFD, GPS_IFD):
        try:
            ifd = reader.ifd(reader.integer(first.entries[tag]))
        except (KeyError, ValueError):
            continue
        entries = [entry for entry in ifd.entries.values() if entry.tag != INTEROP_IFD]
        pointers = {}
        if tag == EXIF_IFD and INTEROP_IFD in ifd.entries:
            try:
                interop = reader.ifd(reader.integer(ifd.entries[INTEROP_IFD]))
                pointers[INTEROP_IFD] = builder.add(interop.entries.values(), {})
            except ValueError:
                pass
        builder.pointers[tag] = builder.add(entries, pointers)
    return builder.finish(kept) if kept or builder.pointers else None


def _portable(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.tag not in STRUCTURE and entry.type not in (13, 18)]


class _Builder:
    """Lays IFDs and their values one after the other into a classic TIFF structure."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._order = reader.order
        self._data = bytearray((b"II*\0" if self._order == "<" else b"MM\0*") + bytes(4))
        self.pointers: dict[int, int] = {}

    def add(self, entries: Iterable[Entry], pointers: Mapping[int, int]) -> int:
        """Append an IFD; its offset."""
        records = [(tag, 4, 1, struct.pack(self._order + "I", at)) for tag, at in pointers.items()]
        for entry in entries:
            if entry.type in (16, 17, 18):
                continue  # 64-bit fields exist in BigTIFF only.
            value = self._reader.value(entry)
            if entry.size > 4:
                value = struct.pack(self._order + "I", self._append(value))
            records.append((entry.tag, entry.type, entry.count, value.ljust(4, b"\0")))
        packed = struct.pack(self._order + "H", len(records))
        for tag, kind, count, value in sorted(records):
            packed += struct.pack(self._order + "HHI", tag, kind, count) + value
        return self._append(packed + bytes(4))

    def finish(self, entries: Iterable[Entry]) -> bytes:
        struct.pack_into(self._order + "I", self._data, 4, self.add(entries, self.pointers))
        return bytes(self._data)

    def _append(self, value: bytes) -> int:
        self._data += bytes(len(self._data) % 2)
        at = len(self._data)
        self._data += value
        return at
