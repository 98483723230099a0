"""Camera raw in: the sensor's own numbers, what they mean, and all that the file says besides."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray
from denoise_studio.formats import ciff, exif
from denoise_studio.formats.camera_raw_facts import block_from
from denoise_studio.formats.camera_raw_mosaic import colour_of, pattern_of, sites_of
from denoise_studio.formats.declaration import parse
from denoise_studio.formats.dng_fields import RawTags, blocks, hindrance
from denoise_studio.formats.masked import masked_values
from denoise_studio.formats.orientation import upright
from denoise_studio.formats.photo import PhotoMetadata
from denoise_studio.formats.photo_facts import facts as photo_facts
from denoise_studio.formats.samples import check_size

_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's flip to EXIF's orientation."""


@dataclass(frozen=True)
class RawExtra:
    """What a DNG can take back: `PhotoMetadata.extra` of camera raw.

    Args:
        tags: DNG fields of the source, if it is one.
        preview: the embedded JPEG, None without one.
        make: maker.
        model: of the camera.
        file_name: of the source.
        crop: column, row, width and height of the part that the maker shows, in stored layout.
    """

    tags: RawTags = field(default_factory=RawTags)
    preview: bytes | None = None
    make: str = ""
    model: str = ""
    file_name: str = ""
    crop: tuple[int, int, int, int] | None = None


def read(path: Path, progress: Progress) -> Picture:
    """Read a raw file's mosaic.

    Raises:
        FormatError: broken, cut short, or of a kind that is not opened; one sentence.
    """
    progress.report(0.0, "Reading")
    known = hindrance(path)
    if known and "floating" in known:  # LibRaw would round them to whole numbers
        raise FormatError(f"{path.name} {known}, which is not opened.")
    try:
        return _read(path, progress)
    except FormatError:
        if known is None:
            raise
    raise FormatError(f"{path.name} {known}, which is not opened.")


def _read(path: Path, progress: Progress) -> Picture:
    with _opened(path) as raw:
        _check_size(raw, path)
        progress.check()
        with _saying(path):
            raw.unpack()
        _check_kind(raw, path)
        with _saying(path):
            visible, whole = raw.raw_image_visible, raw.raw_image
        progress.check()
        return _picture(raw, path, visible, whole)


def _picture(raw: Any, path: Path, visible: AnyArray, whole: AnyArray) -> Picture:
    sizes = raw.sizes
    orientation = _ORIENTATIONS.get(int(sizes.flip), 1)
    block, xmp, tags = blocks(path)
    make, model = _maker(path, block)
    other = raw.other
    if block is None:
        block = block_from(other, raw.lens, make, model)
    declared = _scale(block)
    index, sites, notes = sites_of(raw, visible, tags.black)
    pixels = upright(visible, orientation)[None].astype(np.float32)
    pixels *= np.float32(declared)
    sites = tuple(_scaled(site, declared) for site in sites)
    masked = {} if declared != 1 else masked_values(whole, sizes, index, sites)
    camera = " ".join(_without_maker(make, model)) if make or model else ""
    iso = float(other.iso_speed) or None
    mosaic = Mosaic(pattern_of(index, visible.shape, orientation), sites, colour_of(raw), camera, iso, masked)
    extra = RawExtra(tags, _preview(raw), make, model, path.name, _crop(sizes))
    metadata = PhotoMetadata(block, xmp, exif.resolution(block), _history(block), extra)
    white = max(site.white for site in sites)
    return Picture(
        pixels=pixels,
        scale=Scale.LINEAR,
        unit="DN",
        nominal_range=(min(site.black for site in sites), white),
        stored=Stored("uint16", max(1, int(np.ceil(np.log2(white / declared + 1)))), declared),
        orientation=orientation,
        mosaic=mosaic,
        notes=notes,
        name=path.name,
        source=Source(
            "camera-raw", path.absolute(), metadata, _summary(mosaic, orientation) | photo_facts(metadata)
        ),
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import rawpy

    raw = rawpy.RawPy()
    try:
        with _saying(path):
            raw.open_file(str(path))
        yield raw
    finally:
        raw.close()


@contextlib.contextmanager
def _saying(path: Path) -> Iterator[None]:
    """LibRaw's errors as sentences."""
    import rawpy

    try:
        yield
    except rawpy.LibRawFileUnsupportedError:
        raise FormatError(
            f"{path.name} is cut short, or of a kind of camera raw that LibRaw does not read."
        ) from None
    except rawpy.NotSupportedError as error:
        raise FormatError(f"{path.name} holds a kind of camera raw that is not opened ({error}).") from None
    except (rawpy.LibRawIOError, rawpy.LibRawDataError):
        raise FormatError(f"{path.name} is damaged or cut short.") from None
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise FormatError(f"{path.name} cannot be read as camera raw ({text.lower()}).") from None


def _check_size(raw: Any, path: Path) -> None:
    sizes = raw.sizes
    check_size(path.name, int(sizes.width), int(sizes.height), path.stat().st_size)
    check_size(path.name, int(sizes.raw_width), int(sizes.raw_height), path.stat().st_size)


def _check_kind(raw: Any, path: Path) -> None:
    import rawpy

    with _saying(path):
        kind = raw.raw_type
    if kind is not rawpy.RawType.Flat:
        raise FormatError(
            f"{path.name} holds full colours at every pixel (LinearRaw or a layered sensor), not a mosaic; "
            "only mosaics are opened."
        )
    description = raw.color_desc.decode("latin-1")
    if raw.num_colors != 3 or not set(description) <= {"R", "G", "B"}:
        raise FormatError(
            f"{path.name} comes from a sensor with the colours {description!r}; only RGB is opened."
        )


def _preview(raw: Any) -> bytes | None:
    import rawpy

    with contextlib.suppress(rawpy.LibRawError, rawpy.NotSupportedError):
        thumb = raw.extract_thumb()
        return bytes(thumb.data) if thumb.format is rawpy.ThumbFormat.JPEG else None
    return None


def _crop(sizes: Any) -> tuple[int, int, int, int] | None:
    left = int(sizes.crop_left_margin) - int(sizes.left_margin)
    top = int(sizes.crop_top_margin) - int(sizes.top_margin)
    width, height = int(sizes.crop_width), int(sizes.crop_height)
    inside = left >= 0 and top >= 0 and left + width <= sizes.width and top + height <= sizes.height
    return (left, top, width, height) if width and height and inside else None


def _maker(path: Path, block: bytes | None) -> tuple[str, str]:
    if block is None:
        with path.open("rb") as stream:
            head = stream.read(64)
        return ciff.make_and_model(path.read_bytes()) if ciff.is_ciff(head) else ("", "")
    make, model = (exif.text(block, tag).split(b"\0")[0].decode("latin-1").strip() for tag in (271, 272))
    return make, model


def _without_maker(make: str, model: str) -> tuple[str, ...]:
    """Maker and model without saying the maker twice."""
    first = make.split()[0].lower() if make else ""
    return (
        (model,)
        if first and model.lower().startswith(first)
        else tuple(part for part in (make, model) if part)
    )


def _scale(block: bytes | None) -> float:
    """DN of the source for each of the file's, as our own DNG notes it."""
    for text in exif.text(block, 270).split(b"\0"):
        note = parse(text)
        if note is not None and note.values is not None:
            return float(note.values.slope)
    return 1.0


def _history(block: bytes | None) -> tuple[str, ...]:
    for text in exif.text(block, 270).split(b"\0"):
        note = parse(text)
        if note is not None:
            return note.history
    return ()


def _scaled(site: Photosite, scale: float) -> Photosite:
    return Photosite(site.name, site.colour, site.black * scale, site.white * scale)


def _summary(mosaic: Mosaic, orientation: int) -> dict[str, Any]:
    summary: dict[str, Any] = {"camera": mosaic.camera} if mosaic.camera else {}
    if mosaic.iso:
        summary["iso"] = mosaic.iso
    summary["mosaic"] = mosaic.name
    summary["black_level"] = {site.name: site.black for site in mosaic.sites}
    summary["white_level"] = {site.name: site.white for site in mosaic.sites}
    summary["white_balance"] = [round(value, 4) for value in mosaic.colour.white_balance]
    if mosaic.masked:
        summary["masked_pixels"] = int(sum(values.size for values in mosaic.masked.values()))
    if orientation != 1:
        summary["orientation"] = orientation
    return summary
