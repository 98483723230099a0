"""Who made a Canon CRW file: the one thing of its CIFF structure that LibRaw's binding does not tell.

CIFF (Canon's "CIFF Specification on Image Data File", 1997): heaps whose last four bytes say where
their directory is.
"""

import struct
from collections.abc import Iterator

_MAKE_MODEL = 0x080A
_HEAPS = (0x2800, 0x3000)
_IN_DIRECTORY = 0x4000
_DEEPEST = 8


def is_ciff(head: bytes) -> bool:
    return head[:2] in (b"II", b"MM") and head[6:14] == b"HEAPCCDR"


def make_and_model(data: bytes) -> tuple[str, str]:
    """Both as the file says, "" where it does not."""
    if not is_ciff(data):
        return "", ""
    order = "<" if data[:2] == b"II" else ">"
    try:
        start = struct.unpack_from(order + "I", data, 2)[0]
        for tag, content in _records(data, order, start, len(data), 0):
            if tag & 0x3FFF == _MAKE_MODEL:
                words = [part.decode("latin-1").strip() for part in content.split(b"\0")[:2]]
                return words[0], words[1] if len(words) > 1 else ""
    except struct.error:
        pass
    return "", ""


def _records(data: bytes, order: str, start: int, end: int, depth: int) -> Iterator[tuple[int, bytes]]:
    """Tag and content of every record of a heap and of those inside it."""
    table = start + struct.unpack_from(order + "I", data, end - 4)[0]
    for index in range(struct.unpack_from(order + "H", data, table)[0]):
        tag, size, offset = struct.unpack_from(order + "HII", data, table + 2 + 10 * index)
        if tag & 0xC000 == _IN_DIRECTORY:
            continue  # eight bytes in the directory itself: no text
        first, last = start + offset, start + offset + size
        if tag & 0x3800 in _HEAPS and depth < _DEEPEST and start <= first < last <= end:
            yield from _records(data, order, first, last, depth + 1)
        elif last <= len(data):
            yield tag, data[first:last]
