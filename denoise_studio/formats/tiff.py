"""TIFF: 8, 16 and 32-bit float, grey or RGB, with colour profile, EXIF, XMP and our own note."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.formats import exif
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.declaration import declare, parse
from denoise_studio.formats.npy import nominal_range
from denoise_studio.formats.photo import Outgoing, lost_in_photo, outgoing, stored_layout
from denoise_studio.formats.png import scale_alpha
from denoise_studio.formats.samples import (
    FLOAT,
    Target,
    check_bits,
    describe_values,
    integer_target,
    own_bits,
    quantise,
)


class Tiff(Format):
    """Hounsfield units and other values that are no photograph are declared in ImageDescription."""

    id = "tiff"
    name = "TIFF"
    suffixes = (".tif", ".tiff")
    depths = (8, 16, 32)

    def matches(self, head: bytes, path: Path) -> bool:
        return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

    def open(self, path: Path, progress: Progress) -> Picture:
        from denoise_studio.formats.tiff_read import read

        return read(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        encoded = quantise(picture, _target(picture, options))
        dropped = encoded.dropped + lost_in_photo(picture, "TIFF")
        return Encoded(encoded.samples, encoded.pixels, encoded.stored, encoded.clipped, dropped)

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        from denoise_studio.formats.tiff_write import write

        parts = outgoing(picture, "tiff")
        extra = parts.extra or {}
        samples = encoded.samples
        if picture.alpha is not None:
            samples = np.concatenate([samples, scale_alpha(picture.alpha, samples.dtype)[None]])
        target = _target(picture, options)
        note = declare(picture, target, parts.history)
        write(
            path,
            stored_layout(samples, parts.orientation),
            _fields(parts, note),
            parts.exif,
            target.white_is_zero,
            2 if extra.get("alpha") is None else extra["alpha"],
        )


def _target(picture: Picture, options: SaveOptions) -> Target:
    check_bits(options.bits)
    stored, source = picture.stored, picture.source
    photo = picture.unit == "DN"
    if options.bits is None and source is not None and source.format == "tiff" and stored.is_integer:
        size = np.dtype(stored.dtype).itemsize
        if size <= 2:
            # Its own samples: also white-is-zero, odd depths and what our note declared.
            inverted = photo and stored.slope < 0
            declared = not photo or (stored.bits != size * 8 and not inverted)
            return Target(replace(stored, bits=size * 8), declared, inverted)
    bits = options.bits or (own_bits(picture) if photo else 32)
    if bits == 32:
        return Target(FLOAT, not _plain_float(picture))
    target = integer_target(picture, bits)
    if target is None:
        raise FormatError(
            f"TIFF cannot hold {describe_values(picture)} in {bits} bits; save 32 bits (floating point)."
        )
    return target


def _plain_float(picture: Picture) -> bool:
    """Whether the values need no note, because opening any float TIFF gives the same picture."""
    usual = nominal_range(np.float32, picture.pixels, picture.padding)
    finite = picture.padding is None or picture.padding_values is not None
    return (
        picture.scale is Scale.UNITLESS
        and picture.spacing is None
        and finite
        and picture.nominal_range == usual
    )


def _is_shape_note(text: bytes) -> bool:
    """Whether tifffile wrote this description: about its array, and read only if it stands alone."""
    return text.startswith(b"{") and b'"shape":' in text


def _fields(parts: Outgoing, note: str | None) -> dict[int, Any]:
    from denoise_studio.formats.tiff_write import Field

    fields = {}
    texts = exif.text(parts.exif, 270).split(b"\0")
    own = [text for text in texts if text and parse(text) is None and not _is_shape_note(text)]
    if note:
        fields[270] = Field(2, b"".join(text + b"\0" for text in [*own[:1], note.encode("ascii")]))
    elif own:
        fields[270] = Field(2, own[0] + b"\0")
    if note or not exif.text(parts.exif, 305):
        fields[305] = Field(2, f"Denoise Studio {__version__}".encode() + b"\0")
    if parts.orientation != exif.orientation(parts.exif):
        fields[274] = Field(3, [parts.orientation])
    if parts.icc:
        fields[34675] = Field(7, parts.icc)
    if parts.xmp:
        fields[700] = Field(1, list(parts.xmp))
    if parts.dpi and exif.resolution(parts.exif) is None:
        for tag, value in zip((282, 283), parts.dpi, strict=True):
            fields[tag] = Field(5, [round(value * 1000), 1000])
        fields[296] = Field(3, [2])
    return fields
