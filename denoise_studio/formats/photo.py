"""What JPEG, PNG and TIFF have in common: EXIF, XMP, resolution, and the way of all three."""

import re
from dataclasses import dataclass
from typing import Any

from denoise_studio.core.picture import Picture
from denoise_studio.formats import exif as exif_block
from denoise_studio.formats.orientation import as_stored


@dataclass(frozen=True)
class PhotoMetadata:
    """What a photograph's file says besides pixels; `Source.metadata` of these formats.

    Args:
        exif: EXIF block as in the file, thumbnail included.
        xmp: XMP packet.
        dpi: horizontal and vertical resolution of the stored pixels.
        history: steps that an earlier run recorded in the file.
        extra: what only the same format can take back, in its own form.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    history: tuple[str, ...] = ()
    extra: Any = None


@dataclass(frozen=True)
class Outgoing:
    """The same, made ready for a new file whose pixels lie as `orientation` says.

    `history` has the steps of earlier runs too, `new_history` only those of this one.
    """

    orientation: int = 1
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    history: tuple[str, ...] = ()
    new_history: tuple[str, ...] = ()
    extra: Any = None


def outgoing(picture: Picture, format_id: str) -> Outgoing:
    """What a new file of this format takes along.

    The layout and the orientation tag of the source are kept in its own format. In another one
    pixels are upright and the tag says so, because not every reader of it turns pictures.
    """
    metadata = _metadata(picture)
    same = picture.source is not None and picture.source.format == format_id
    orientation = picture.orientation if same else 1
    block = metadata.exif if metadata.exif and exif_block.is_block(metadata.exif) else None
    dpi = metadata.dpi
    if dpi and not same and picture.orientation >= 5:
        dpi = dpi[::-1]
    return Outgoing(
        orientation,
        exif_block.prepare(block, orientation) if block else None,
        metadata.xmp if same else _xmp_upright(metadata.xmp),
        picture.icc,
        dpi,
        metadata.history + picture.history,
        picture.history,
        metadata.extra if same else None,
    )


def stored_layout(array: Any, orientation: int) -> Any:
    """`(C, H, W)` upright to `(H, W, C)` as the file holds it, C-contiguous."""
    return as_stored(array, orientation).transpose(1, 2, 0).copy()


def lost_in_photo(picture: Picture, format_name: str) -> tuple[str, ...]:
    """Sentences about what a photograph's format cannot take from this source."""
    if picture.source is not None and picture.source.format == "dicom":
        return (f"{format_name} does not keep the DICOM attributes (patient, scanner, geometry).",)
    return ()


def _metadata(picture: Picture) -> PhotoMetadata:
    found = picture.source.metadata if picture.source else None
    return found if isinstance(found, PhotoMetadata) else PhotoMetadata()


def _xmp_upright(xmp: bytes | None) -> bytes | None:
    """XMP repeats the orientation; the other form is an element instead of an attribute."""
    if xmp is None:
        return None
    xmp = re.sub(rb'(tiff:Orientation\s*=\s*["\'])[1-8](["\'])', rb"\g<1>1\2", xmp)
    return re.sub(rb"(<tiff:Orientation>\s*)[1-8](\s*<)", rb"\g<1>1\2", xmp)
