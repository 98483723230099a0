"""Fields of a DNG that another one made of it takes along, and how they are read (DNG specification 1.4)."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from denoise_studio.formats import exif

Fields = Mapping[int, tuple[int, int, bytes]]
"""By tag: TIFF type, count, and the value's bytes in the file's order."""

Levels = tuple[tuple[float, ...], ...]
"""Black level in DN for every place of a pattern that begins at the sensor's first pixel; () if not told."""

_COLOUR = frozenset(
    (
        *(50708, 50709, *range(50721, 50736), 50739, 50778, 50779, *range(50931, 50935)),
        *(*range(50936, 50943), 50964, 50965, 50981, 50982, *range(51107, 51111)),
        *(51043, 51044, 51058, 51081),
    )
)
"""Of the first directory: colour, profile, baseline, identity."""
_RAW = frozenset((50718, 50733, 50737, 50738, 50780, 51009, 51022, 51125))
"""Of the mosaic's own: scale of pixels, green split, filters, crop, corrections of lens and shading."""
_PRIVATE = frozenset((50740, 50741))
"""DNGPrivateData and MakerNoteSafety; raw files that are no DNG hold something else there."""
_NOISE_PROFILE, _OPCODES_1 = 51041, 51008
_REPEAT, _BLACK, _DELTA_H, _DELTA_V, _ACTIVE = 50713, 50714, 50715, 50716, 50829
_DELTAS = frozenset((_DELTA_H, _DELTA_V))
_MOST_LEVELS = 4096
_BY_PLACE = "The source's black level by {} is left out; its mean is kept."
_LEFT_OUT = {
    _NOISE_PROFILE: "The source's noise profile is left out: the noise is another one now.",
    _OPCODES_1: "The source's corrections of single raw pixels (OpcodeList1) are left out.",
    _DELTA_H: _BY_PLACE.format("column"),
    _DELTA_V: _BY_PLACE.format("row"),
}
_DNG_ONLY = frozenset(range(50706, 51200)) | {33424, 33421, 33422, 37398}
_DNG_VERSION, _SUB_IFDS, _PHOTOMETRIC, _CFA = 50706, 330, 262, 32803
_SAMPLE_FORMAT, _FLOATING, _COMPRESSION = 339, 3, 259
_COMPRESSIONS = {34892: "is compressed as lossy JPEG", 52546: "is compressed as JPEG XL"}


@dataclass(frozen=True)
class RawTags:
    """Fields of a raw file that only a DNG can take along.

    Args:
        order: "<" or ">", of the values' bytes.
        fields: those of the first directory.
        raw: those of the mosaic's directory.
        left_out: sentences about fields that do not hold for a denoised mosaic.
        black: level as the file says it, with parts of a DN.
    """

    order: str = "<"
    fields: Fields = field(default_factory=dict)
    raw: Fields = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    black: Levels = ()


def blocks(path: Path) -> tuple[bytes | None, bytes | None, RawTags]:
    """EXIF, XMP and DNG fields of a file in TIFF structure; nothing of any other."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            try:
                reader = exif.Reader(view)
                first = reader.first().entries
                xmp = reader.value(first[700]) if 700 in first else None
                return exif.gather(view, _DNG_ONLY), xmp, _tags(reader, first)
            finally:
                view.release()
    except ValueError:
        return None, None, RawTags()


def hindrance(path: Path) -> str | None:
    """What a DNG's mosaic is that LibRaw does not read, or not as it is; to follow the file's name."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            try:
                reader = exif.Reader(view)
                first = reader.first().entries
                if _DNG_VERSION not in first:
                    return None
                mosaic = _mosaic_directory(reader, first)
                if reader.integer(mosaic.get(_SAMPLE_FORMAT)) == _FLOATING:
                    return "holds pixels in floating point"
                return _COMPRESSIONS.get(reader.integer(mosaic.get(_COMPRESSION)))
            finally:
                view.release()
    except (OSError, ValueError):
        return None


def _tags(reader: exif.Reader, first: Mapping[int, exif.Entry]) -> RawTags:
    mosaic = _mosaic_directory(reader, first)
    left_out = tuple(text for tag, text in _LEFT_OUT.items() if tag in first or tag in mosaic)
    fields = _values(reader, first, _COLOUR | _PRIVATE if _DNG_VERSION in first else _COLOUR)
    raw = {tag: value for tag, value in _values(reader, mosaic, _RAW).items() if tag not in fields}
    black = _black(reader, mosaic) if _DNG_VERSION in first else ()
    return RawTags(reader.order, fields, raw, left_out, black)


def _black(reader: exif.Reader, mosaic: Mapping[int, exif.Entry]) -> Levels:
    """The field BlackLevel; nothing where further ones change it by row or column."""
    if _BLACK not in mosaic or mosaic.keys() & _DELTAS:
        return ()
    size = reader.integers(mosaic.get(_REPEAT)) or (1, 1)
    values = reader.numbers(mosaic[_BLACK])
    if len(size) != 2 or not 0 < size[0] * size[1] <= _MOST_LEVELS or len(values) != size[0] * size[1]:
        return ()
    top, left = (*reader.integers(mosaic.get(_ACTIVE)), 0, 0)[:2]
    rows, columns = size
    return tuple(
        tuple(values[(y - top) % rows * columns + (x - left) % columns] for x in range(columns))
        for y in range(rows)
    )


def _values(reader: exif.Reader, entries: Mapping[int, exif.Entry], wanted: frozenset[int]) -> Fields:
    return {
        tag: (entry.type, entry.count, reader.value(entry)) for tag, entry in entries.items() if tag in wanted
    }


def _mosaic_directory(reader: exif.Reader, first: Mapping[int, exif.Entry]) -> Mapping[int, exif.Entry]:
    """The directory whose pixels are the mosaic; the first if none says so."""
    for place in reader.integers(first.get(_SUB_IFDS)):
        try:
            entries = reader.ifd(place).entries
        except ValueError:
            continue
        if reader.integer(entries.get(_PHOTOMETRIC)) == _CFA and reader.integer(entries.get(254)) == 0:
            return entries
    return first
