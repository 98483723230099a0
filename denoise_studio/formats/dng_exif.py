"""EXIF's own directory in a DNG: what old raw files have in the first one, or nowhere, belongs there."""

import struct
from typing import BinaryIO

from denoise_studio.formats import exif
from denoise_studio.formats.tiff_write import Field, directory, record

_ISO = 34855
_OWN = frozenset(
    (
        *(33434, 33437, 34850, 34852, _ISO, 37121, 37122, 37500, 37510, 37520, 37521, 37522, 42016),
        *(*range(34864, 34870), *range(36864, 36883), *range(37377, 37387), *range(40960, 40965)),
        *(*range(41483, 41997), *range(42032, 42038)),
    )
)
"""Fields that EXIF 2.32 has in its own directory, not in that of the picture."""
_LARGEST = 65535


def settle(
    stream: BinaryIO, order: str, block: bytes | None, records: dict[int, bytes], iso: float | None
) -> None:
    """Write EXIF's directory anew if it lacks something; `records` of the first directory are changed.

    Values stay where they are in the block, so maker notes and their offsets stay valid.

    Args:
        stream: of the new file, which begins with the block.
        order: byte order.
        block: EXIF block.
        records: those of the first directory, by tag.
        iso: as the camera was set, for files that have no field for it.
    """
    inner = _inner(block)
    stray = {tag: records.pop(tag) for tag in sorted(_OWN & records.keys())}
    joined = stray | inner
    if iso is not None and 0.5 <= iso < _LARGEST and _ISO not in joined:
        joined[_ISO] = record(stream, order, _ISO, Field(3, [round(iso)]))
    if joined != inner:
        place = directory(stream, order, joined)
        records[exif.EXIF_IFD] = struct.pack(order + "HHII", exif.EXIF_IFD, 4, 1, place)


def _inner(block: bytes | None) -> dict[int, bytes]:
    """The records of EXIF's directory; none if there is none to be read."""
    try:
        reader = exif.Reader(block or b"")
        entries = reader.ifd(reader.integer(reader.first().entries.get(exif.EXIF_IFD))).entries
    except ValueError:
        return {}
    return {tag: entry.record for tag, entry in entries.items()}
