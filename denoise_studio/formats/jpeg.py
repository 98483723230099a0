"""JPEG with 8 bits a sample; metadata segments go back as they came."""

from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.formats import exif
from denoise_studio.formats import jpeg_segments as jpeg
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.orientation import upright
from denoise_studio.formats.photo import Outgoing, PhotoMetadata, lost_in_photo, outgoing, stored_layout
from denoise_studio.formats.photo_facts import facts
from denoise_studio.formats.samples import (
    Target,
    check_bits,
    check_size,
    describe_values,
    integer_target,
    quantise,
    to_float,
)

_MAX_SIDE = 65500
_COMMENT = b"Denoise Studio: "


class Jpeg(Format):
    """Grey or colour; saving is lossy, without chroma subsampling."""

    id = "jpeg"
    name = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jpe", ".jfif")
    lossless = False

    def matches(self, head: bytes, path: Path) -> bool:
        return head.startswith(b"\xff\xd8\xff")

    def open(self, path: Path, progress: Progress) -> Picture:
        progress.report(0.0, "Reading")
        data = path.read_bytes()
        frame, segments = jpeg.split(data, path.name)
        _check(frame, path.name, len(data))
        samples = _decode(data, frame, path.name)
        progress.check()
        block = jpeg.payload(segments, jpeg.APP1, jpeg.EXIF)
        metadata = PhotoMetadata(
            block,
            jpeg.payload(segments, jpeg.APP1, jpeg.XMP),
            jpeg.density(segments) or exif.resolution(block),
            _history(segments),
            segments,
        )
        orientation = exif.orientation(block)
        return Picture(
            **to_float(upright(samples.transpose(2, 0, 1), orientation), path.name).fields,
            scale=Scale.DISPLAY,
            unit="DN",
            nominal_range=(0.0, 255.0),
            stored=Stored("uint8", 8),
            icc=jpeg.icc_profile(segments),
            orientation=orientation,
            name=path.name,
            source=Source("jpeg", path.absolute(), metadata, _summary(frame, metadata)),
        )

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        encoded = quantise(picture, _target(picture, options))
        dropped = encoded.dropped + lost_in_photo(picture, "JPEG")
        if max(picture.width, picture.height) > _MAX_SIDE:
            raise FormatError(f"JPEG holds at most {_MAX_SIDE} pixels a side; save as PNG or TIFF.")
        if picture.alpha is not None:
            dropped += ("JPEG has no transparency: the alpha channel is left out.",)
        parts = outgoing(picture, "jpeg")
        dropped += tuple(
            f"{what} is too large for JPEG and left out."
            for what, block in (("The EXIF block", parts.exif), ("The XMP packet", parts.xmp))
            if block and not _fits(block)
        )
        return Encoded(encoded.samples, encoded.pixels, encoded.stored, encoded.clipped, dropped)

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        import imagecodecs

        parts = outgoing(picture, "jpeg")
        layout = stored_layout(encoded.samples, parts.orientation)
        array = layout[:, :, 0] if picture.channels == 1 else layout
        plain = imagecodecs.jpeg8_encode(array, level=options.quality, subsampling="444", optimize=True)
        # The encoder begins with a JFIF header of its own, which ours replaces.
        rest = plain[2:]
        while rest[:2] == b"\xff\xe0":
            rest = rest[2 + int.from_bytes(rest[2:4], "big") :]
        head = b"".join(segment.packed() for segment in _segments(parts))
        path.write_bytes(b"\xff\xd8" + head + rest)


def _check(frame: jpeg.Frame, name: str, held: int) -> None:
    check_size(name, frame.width, frame.height, held)
    if frame.channels == 4:
        raise FormatError(f"{name} is a CMYK JPEG; only grey and RGB are opened.")
    if frame.channels not in (1, 3) or frame.bits != 8:
        raise FormatError(
            f"{name} is a JPEG with {frame.channels} channels of {frame.bits} bits; only 8-bit grey and "
            "colour are opened."
        )


def _decode(data: bytes, frame: jpeg.Frame, name: str) -> Any:
    import imagecodecs

    try:
        samples = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error as error:
        raise FormatError(f"{name} is damaged: its pixels cannot be decoded ({error}).") from None
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    if samples.shape != (frame.height, frame.width, frame.channels) or samples.dtype != np.uint8:
        raise FormatError(f"{name} is damaged: its pixels do not match its header.")
    return samples


def _target(picture: Picture, options: SaveOptions) -> Target:
    check_bits(options.bits)
    if options.bits not in (None, 8):
        raise FormatError(f"JPEG holds 8 bits, not {options.bits}; save as PNG or TIFF.")
    if not 1 <= options.quality <= 100:
        raise FormatError(f"A JPEG quality of {options.quality} does not exist; choose 1 to 100.")
    scanner = picture.scale in (Scale.HU, Scale.SIGNAL)
    target = integer_target(picture, 8)
    if target is None or not picture.stored.is_integer:
        other = "TIFF, NPY or DICOM" if scanner else "TIFF or NPY"
        raise FormatError(f"JPEG cannot hold {describe_values(picture)}; save as {other}.")
    return Target(target.stored)


def _fits(block: bytes) -> bool:
    return len(block) + len(jpeg.XMP) <= jpeg.LIMIT


def _segments(parts: Outgoing) -> list[jpeg.Segment]:
    """Everything before the tables: JFIF, EXIF, XMP, ICC, the rest, the history as comments."""
    source = parts.extra or []
    jfif = jpeg.jfif_without_thumbnail(source)
    if jfif is None and not (source and parts.exif):
        # An EXIF file (a camera's) has no JFIF header; it keeps its resolution in EXIF.
        jfif = jpeg.jfif(parts.dpi)
    result = [jfif] if jfif else []
    if parts.exif and _fits(parts.exif):
        result.append(jpeg.Segment(jpeg.APP1, jpeg.EXIF + parts.exif))
    if parts.xmp and _fits(parts.xmp):
        result.append(jpeg.Segment(jpeg.APP1, jpeg.XMP + parts.xmp))
    if parts.icc:
        result += jpeg.icc_segments(parts.icc)
    result += jpeg.carried(source)
    for line in parts.new_history:
        text = (_COMMENT + line.encode("utf-8", "replace"))[: jpeg.LIMIT]
        result.append(jpeg.Segment(jpeg.COM, text))
    return result


def _history(segments: list[jpeg.Segment]) -> tuple[str, ...]:
    return tuple(
        segment.data.removeprefix(_COMMENT).decode("utf-8", "replace")
        for segment in segments
        if segment.marker == jpeg.COM and segment.data.startswith(_COMMENT)
    )


def _summary(frame: jpeg.Frame, metadata: PhotoMetadata) -> dict[str, Any]:
    summary: dict[str, Any] = {"samples": f"8-bit {'grey' if frame.channels == 1 else 'colour'}"}
    return summary | facts(metadata)
