"""DNG out (DNG specification 1.4): the mosaic, how its colours are meant, a new preview, EXIF and XMP."""

import hashlib
import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import AnyArray
from denoise_studio.formats import exif
from denoise_studio.formats.base import Encoded, SaveOptions
from denoise_studio.formats.camera_raw_read import RawExtra
from denoise_studio.formats.declaration import declare, parse
from denoise_studio.formats.dng_exif import settle
from denoise_studio.formats.dng_fields import Fields, RawTags
from denoise_studio.formats.dng_preview import preview_fields
from denoise_studio.formats.orientation import as_stored
from denoise_studio.formats.photo import PhotoMetadata
from denoise_studio.formats.tiff_write import Field, directory, kept_records, raw_record, record

_STRIP = 1 << 18
_LIMIT = (1 << 32) - (1 << 20)
_CFA, _SUB_IFDS = 32803, 330
_DIGEST_SIDE = 256
_D65 = 21
_NUMBER = 10_000
_SRGB_FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""IEC 61966-2-1, D65."""
_SIZES = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
"""Bytes of what is turned as one when the byte order changes, by TIFF type."""
_ENCODINGS, _OPCODES = frozenset((51107, 51108)), frozenset((51009, 51022))


def write(picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
    """Write a mosaic in the sensor's own layout.

    Raises:
        FormatError: the file would be larger than 4 GB.
        OSError: the disk is full, ...
    """
    mosaic = picture.mosaic
    assert mosaic is not None
    metadata = picture.source.metadata if picture.source else None
    metadata = metadata if isinstance(metadata, PhotoMetadata) else PhotoMetadata()
    extra = metadata.extra if isinstance(metadata.extra, RawExtra) else RawExtra()
    block = _block(metadata, picture.orientation)
    order = exif.Reader(block).order if block else "<"
    samples = as_stored(encoded.samples[0], picture.orientation)
    scale = 1 / encoded.stored.slope
    raw = _raw_fields(samples, _stored_pattern(mosaic, picture), mosaic, scale, extra)
    main = _main_fields(picture, encoded, options, extra, metadata, samples)
    with path.open("wb") as stream:
        start = block or (b"II*\0" + bytes(4))
        stream.write(start + bytes(len(start) % 2))
        raw |= _strips(stream, samples, order)
        records = kept_records(block)
        settle(stream, order, block, records, mosaic.iso)
        records |= _copied(stream, extra.tags.fields, extra.tags.order, order)
        own = _copied(stream, extra.tags.raw, extra.tags.order, order)
        if options.preview:
            sub = {tag: record(stream, order, tag, field) for tag, field in raw.items()} | own
            main[_SUB_IFDS] = Field(4, [directory(stream, order, sub)])
            main |= preview_fields(stream, options.preview)
        else:
            main |= raw
            records |= own
        known = _known(records, extra.tags)
        records |= {t: record(stream, order, t, field) for t, field in main.items() if t not in known}
        place = directory(stream, order, records)
        stream.seek(4)
        stream.write(struct.pack(order + "I", place))


def _known(records: Mapping[int, bytes], tags: RawTags) -> frozenset[int]:
    """Fields for which the source's own are better than ours."""
    known = {tag for tag in (271, 272, 50708, 50721, 50728) if tag in records} | tags.raw.keys()
    if 50721 in records:
        known.add(50778)  # its matrix is for its own illuminant, known or not
    if 50729 in records:
        known.add(50728)  # either the white's colour or its camera colours
    return frozenset(known)


def _block(metadata: PhotoMetadata, orientation: int) -> bytes | None:
    block = metadata.exif if metadata.exif and exif.is_block(metadata.exif) else None
    return exif.prepare(block, orientation) if block else None


def _stored_pattern(mosaic: Mosaic, picture: Picture) -> AnyArray:
    """The pattern as the sensor's layout has it: indices into the classes."""
    rows, columns = mosaic.period
    index = np.asarray(mosaic.pattern)
    small = np.tile(index, (2, 2))[: rows + picture.height % rows, : columns + picture.width % columns]
    return as_stored(small, picture.orientation)[:rows, :columns]


def _raw_fields(
    samples: AnyArray, pattern: AnyArray, mosaic: Mosaic, scale: float, extra: RawExtra
) -> dict[int, Field]:
    height, width = samples.shape
    left, top, wide, high = extra.crop or (0, 0, width, height)
    sites = [mosaic.sites[int(index)] for index in pattern.ravel()]
    colours = [site.colour for site in sites]
    black = [site.black * scale for site in sites]
    white = round(max(site.white for site in mosaic.sites) * scale)
    return {
        254: Field(4, [0]),
        256: Field(4, [width]),
        257: Field(4, [height]),
        258: Field(3, [16]),
        259: Field(3, [1]),
        262: Field(3, [_CFA]),
        277: Field(3, [1]),
        284: Field(3, [1]),
        33421: Field(3, list(pattern.shape)),
        33422: Field(1, colours),
        50710: Field(1, [0, 1, 2]),
        50711: Field(3, [1]),
        50713: Field(3, list(pattern.shape)),
        50714: _levels(black),
        50717: Field(4, [min(white, 65535)]),
        50718: Field(5, [1, 1, 1, 1]),
        50719: Field(4, [left, top]),
        50720: Field(4, [wide, high]),
        50829: Field(4, [0, 0, height, width]),
    }


def _levels(values: list[float]) -> Field:
    """Whole numbers where they are, else rationals."""
    if all(value.is_integer() for value in values):
        return Field(4, [int(value) for value in values])
    ratios = [Fraction(value).limit_denominator(65535) for value in values]
    return Field(5, [part for ratio in ratios for part in (ratio.numerator, ratio.denominator)])


def _strips(stream: Any, samples: AnyArray, order: str) -> dict[int, Field]:
    """Write the mosaic, uncompressed; where it lies."""
    rows = max(1, _STRIP // samples[0].nbytes)
    offsets, counts = [], []
    for top in range(0, len(samples), rows):
        data = samples[top : top + rows].astype(f"{order}u2").tobytes()
        offsets.append(stream.tell())
        counts.append(len(data))
        stream.write(data)
        if stream.tell() > _LIMIT:
            raise FormatError("The picture is too large for DNG (more than 4 GB).")
    return {273: Field(4, offsets), 278: Field(4, [rows]), 279: Field(4, counts)}


def _main_fields(
    picture: Picture,
    encoded: Encoded,
    options: SaveOptions,
    extra: RawExtra,
    metadata: PhotoMetadata,
    samples: AnyArray,
) -> dict[int, Field]:
    from denoise_studio.formats.dng import target_of

    mosaic = picture.mosaic
    assert mosaic is not None
    digest = raw_image_digest(samples)
    model = mosaic.camera or "Denoise Studio mosaic"
    note = declare(picture, target_of(picture), metadata.history + picture.history) or ""
    fields = {
        270: Field(2, _description(metadata.exif) + note.encode("ascii") + b"\0"),
        271: Field(2, _text(extra.make or "Unknown")),
        272: Field(2, _text(extra.model or model)),
        274: Field(3, [picture.orientation]),
        305: Field(2, _text(f"Denoise Studio {__version__}")),
        50706: Field(1, [1, 4, 0, 0]),
        50707: Field(1, _readable_from(extra.tags)),
        50708: Field(2, _text(model)),
        50721: Field(10, _signed(_colour_matrix(mosaic))),
        50728: Field(5, _neutral(mosaic)),
        50778: Field(3, [_D65]),
        50781: Field(1, list(hashlib.md5(digest, usedforsecurity=False).digest())),
        50935: Field(5, [round(min(max(options.noise_reduction, 0.0), 1.0) * 100), 100]),
        51111: Field(1, list(digest)),
    }
    if extra.file_name:
        name = extra.file_name
        fields[50827] = Field(2, _text(name)) if name.isascii() else Field(1, list(name.encode() + b"\0"))
    if metadata.xmp:
        fields[700] = Field(1, list(metadata.xmp))
    return fields


def _copied(stream: BinaryIO, fields: Fields, order: str, new_order: str) -> dict[int, bytes]:
    """The source's own fields, in the new file's byte order."""
    records = {}
    for tag, (kind, count, value) in fields.items():
        size = _SIZES.get(kind, 1)
        if order != new_order and size > 1:
            value = np.frombuffer(value, np.dtype(f"u{size}")).byteswap().tobytes()
        records[tag] = raw_record(stream, new_order, tag, kind, count, value)
    return records


def _description(block: bytes | None) -> bytes:
    """What the source said of its picture, less earlier notes of ours."""
    texts = exif.text(block, 270).split(b"\0")
    own = [text for text in texts if text.strip() and parse(text) is None]
    return own[0] + b"\0" if own else b""


def _readable_from(tags: RawTags) -> list[int]:
    """The oldest version of DNG whose readers do not miss anything."""
    if _ENCODINGS & tags.fields.keys():
        return [1, 4, 0, 0]
    return [1, 3, 0, 0] if _OPCODES & tags.raw.keys() else [1, 1, 0, 0]


def raw_image_digest(samples: AnyArray) -> bytes:
    """NewRawImageDigest of DNG 1.4: MD5 over the MD5s of squares of 256 pixels, row by row.

    Args:
        samples: `(H, W)` uint16, taken as little-endian.
    """
    whole = hashlib.md5(usedforsecurity=False)
    for top in range(0, samples.shape[0], _DIGEST_SIDE):
        for left in range(0, samples.shape[1], _DIGEST_SIDE):
            square = samples[top : top + _DIGEST_SIDE, left : left + _DIGEST_SIDE]
            whole.update(hashlib.md5(square.astype("<u2").tobytes(), usedforsecurity=False).digest())
    return whole.digest()


def _colour_matrix(mosaic: Mosaic) -> Any:
    """XYZ (D65) to camera colours before white balance."""
    colour = mosaic.colour
    if colour.xyz_to_camera is not None:
        return colour.xyz_to_camera
    balanced = np.linalg.inv(colour.to_srgb.astype(np.float64)) @ _SRGB_FROM_XYZ
    return balanced / np.array(colour.white_balance)[:, None]


def _signed(matrix: Any) -> list[int]:
    return [part for value in np.ravel(matrix) for part in (round(float(value) * _NUMBER), _NUMBER)]


def _neutral(mosaic: Mosaic) -> list[int]:
    """The camera's colours of a neutral object, the largest 1."""
    values = 1 / np.array(mosaic.colour.white_balance)
    return [part for v in values / values.max() for part in (round(float(v) * 1_000_000), 1_000_000)]


def _text(text: str) -> bytes:
    return text.encode("ascii", "replace") + b"\0"
