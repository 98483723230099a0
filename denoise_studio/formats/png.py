"""PNG, 8 and 16 bits, with every chunk that stays true."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio import __version__
from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.formats import exif
from denoise_studio.formats import png_chunks as png
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.declaration import Declared, declare, parse, read_declared
from denoise_studio.formats.orientation import upright
from denoise_studio.formats.photo import Outgoing, PhotoMetadata, lost_in_photo, outgoing, stored_layout
from denoise_studio.formats.photo_facts import facts
from denoise_studio.formats.quiet import silence
from denoise_studio.formats.samples import (
    Target,
    check_bits,
    check_size,
    describe_values,
    integer_target,
    own_bits,
    quantise,
    to_float,
)

silence("imagecodecs")

_NOTE = "Denoise Studio"
_XMP = "XML:com.adobe.xmp"
_KEPT = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"iCCP", b"pHYs", b"tEXt", b"zTXt", b"iTXt")
_ANIMATION = b"acTL"


class Png(Format):
    """Grey or RGB, 8 or 16 bits, with or without alpha; palettes and fewer bits are expanded."""

    id = "png"
    name = "PNG"
    suffixes = (".png",)
    depths = (8, 16)

    def matches(self, head: bytes, path: Path) -> bool:
        return head.startswith(png.SIGNATURE)

    def open(self, path: Path, progress: Progress) -> Picture:
        progress.report(0.0, "Reading")
        data = path.read_bytes()
        header, chunks, damaged = png.split(data, path.name)
        check_size(path.name, header.width, header.height, len(data))
        samples = _decode(chunks, path.name)
        progress.check()
        metadata = _metadata(chunks)
        orientation = exif.orientation(metadata.exif)
        planes = upright(samples.transpose(2, 0, 1), orientation)
        colours = 3 if planes.shape[0] >= 3 else 1
        alpha = planes[-1].copy() if planes.shape[0] in (2, 4) else None
        return Picture(
            **_meaning(planes[:colours], chunks, path.name),
            alpha=alpha,
            icc=png.icc_profile(chunks),
            orientation=orientation,
            notes=_notes(header, chunks, damaged),
            name=path.name,
            source=Source("png", path.absolute(), metadata, _summary(header, metadata)),
        )

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        target = _target(picture, options)
        encoded = quantise(picture, target)
        dropped = encoded.dropped + lost_in_photo(picture, "PNG")
        if picture.source and picture.source.format == "png" and _animated(picture.source.metadata):
            dropped += ("The other frames of the animation are not kept.",)
        return Encoded(encoded.samples, encoded.pixels, encoded.stored, encoded.clipped, dropped)

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        import imagecodecs

        parts = outgoing(picture, "png")
        samples = encoded.samples
        if picture.alpha is not None:
            samples = np.concatenate([samples, scale_alpha(picture.alpha, samples.dtype)[None]])
        plain = imagecodecs.png_encode(stored_layout(samples, parts.orientation), level=6)
        chunks = png.split(bytes(plain), path.name)[1]
        note = declare(picture, _target(picture, options), parts.history)
        path.write_bytes(png.join([chunks[0], *_ancillary(parts, note), *chunks[1:]]))


def scale_alpha(alpha: Any, dtype: Any) -> Any:
    """Alpha as it is, or spread over (or gathered into) another depth."""
    dtype = np.dtype(dtype)
    if alpha.dtype == dtype:
        return alpha
    top = 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
    scaled = alpha.astype(np.float64) / top
    if dtype.kind == "f":
        return scaled.astype(dtype)
    return np.rint(np.clip(scaled, 0, 1) * np.iinfo(dtype).max).astype(dtype)


def _target(picture: Picture, options: SaveOptions) -> Target:
    check_bits(options.bits)
    if options.bits == 32:
        raise FormatError("PNG holds 8 or 16 bits, not 32; save as TIFF or NPY.")
    bits = options.bits or min(own_bits(picture), 16)
    signed = picture.stored.is_integer and np.dtype(picture.stored.dtype).kind == "i"
    scanner = picture.scale in (Scale.HU, Scale.SIGNAL)
    target = None if signed or scanner else integer_target(picture, bits)
    if target is None:
        other = "TIFF, NPY or DICOM" if scanner else "TIFF or NPY"
        raise FormatError(f"PNG cannot hold {describe_values(picture)}; save as {other}.")
    return target


def _decode(chunks: list[png.Chunk], name: str) -> Any:
    import imagecodecs

    try:
        samples = imagecodecs.png_decode(png.pixels_only(chunks))
    except (imagecodecs.PngError, ValueError) as error:
        raise FormatError(f"{name} is damaged: its pixels cannot be decoded ({error}).") from None
    return samples[:, :, None] if samples.ndim == 2 else samples


def _meaning(samples: Any, chunks: list[png.Chunk], name: str) -> dict[str, Any]:
    """Pixels and the fields that say what they mean."""
    declared = _declared(chunks)
    if declared is not None and declared.samples == samples.dtype.name:
        return read_declared(samples, declared, name)[1]
    bits = samples.dtype.itemsize * 8
    return {
        **to_float(samples, name).fields,
        "scale": Scale.DISPLAY,
        "unit": "DN",
        "nominal_range": (0.0, float((1 << bits) - 1)),
        "stored": Stored(samples.dtype.name, bits),
    }


def _declared(chunks: list[png.Chunk]) -> Declared | None:
    for chunk in chunks:
        if png.keyword(chunk) == _NOTE and (note := parse(png.text(chunk) or b"")):
            return note.values
    return None


def _metadata(chunks: list[png.Chunk]) -> PhotoMetadata:
    block = xmp = dpi = None
    history: tuple[str, ...] = ()
    for chunk in chunks:
        if chunk.kind == b"eXIf":
            block = chunk.data.removeprefix(b"Exif\0\0")
        elif chunk.kind == b"pHYs" and len(chunk.data) == 9:
            x, y, unit = struct.unpack(">IIB", chunk.data)
            dpi = (x * 0.0254, y * 0.0254) if unit == 1 and x and y else None
        elif png.keyword(chunk) == _XMP:
            xmp = png.text(chunk)
        elif png.keyword(chunk) == _NOTE and (note := parse(png.text(chunk) or b"")):
            history = note.history
    kept = [chunk for chunk in chunks if chunk.kind in (*_KEPT, _ANIMATION)]
    return PhotoMetadata(block, xmp, dpi, history, kept)


def _animated(metadata: Any) -> bool:
    return any(chunk.kind == _ANIMATION for chunk in metadata.extra or ())


def _notes(header: png.Header, chunks: list[png.Chunk], damaged: int) -> tuple[str, ...]:
    kinds = {chunk.kind for chunk in chunks}
    notes = []
    if header.colour == 3:
        notes.append("The colour palette is expanded to 8-bit RGB.")
    elif header.bits < 8:
        notes.append(f"The {header.bits}-bit samples are expanded to 8 bits.")
    if b"tRNS" in kinds:
        notes.append("The transparent colour is expanded to an alpha channel.")
    if _ANIMATION in kinds:
        notes.append("An animated PNG: only its still picture is opened.")
    if damaged:
        notes.append(f"{damaged} damaged chunk{'s' if damaged > 1 else ''} beside the pixels left out.")
    return tuple(notes)


def _summary(header: png.Header, metadata: PhotoMetadata) -> dict[str, Any]:
    colour = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}[header.colour]
    summary: dict[str, Any] = {"samples": f"{header.bits}-bit {colour}", "interlaced": header.interlaced}
    return summary | facts(metadata)


def _ancillary(parts: Outgoing, note: str | None) -> list[png.Chunk]:
    """Everything beside the pixels, all of it before them."""
    chunks = [chunk for chunk in parts.extra or () if _still_true(chunk)]
    kinds = {chunk.kind for chunk in chunks}
    keys = {png.keyword(chunk) for chunk in chunks}
    if parts.icc and b"iCCP" not in kinds:
        chunks = [chunk for chunk in chunks if chunk.kind != b"sRGB"]
        chunks.insert(0, png.icc_chunk(parts.icc))
    if parts.dpi and b"pHYs" not in kinds:
        x, y = (max(1, round(value / 0.0254)) for value in parts.dpi)
        chunks.append(png.Chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if parts.exif:
        chunks.append(png.Chunk(b"eXIf", parts.exif))
    if parts.xmp and _XMP not in keys:
        chunks.append(png.xmp_chunk(parts.xmp))
    if parts.new_history:
        chunks = [chunk for chunk in chunks if png.keyword(chunk) != "Software"]
        chunks.append(png.text_chunk("Software", f"Denoise Studio {__version__}"))
        chunks += [png.text_chunk("Comment", line) for line in parts.new_history]
    if note:
        chunks.append(png.text_chunk(_NOTE, note))
    return chunks


def _still_true(chunk: png.Chunk) -> bool:
    return chunk.kind != _ANIMATION and png.keyword(chunk) != _NOTE
