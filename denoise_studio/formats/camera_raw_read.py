"""Camera raw in: the sensor's own numbers, what they mean, and all that the file says besides."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.mosaic import COLOURS, CameraColour, Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray, FloatArray
from denoise_studio.formats import ciff, exif
from denoise_studio.formats.camera_raw_facts import block_from
from denoise_studio.formats.declaration import parse
from denoise_studio.formats.dng_fields import RawTags, blocks, hindrance
from denoise_studio.formats.masked import masked_values
from denoise_studio.formats.orientation import upright
from denoise_studio.formats.photo import PhotoMetadata
from denoise_studio.formats.photo_facts import facts as photo_facts
from denoise_studio.formats.samples import check_size

_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's flip to EXIF's orientation."""
_XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""IEC 61966-2-1, D65."""
_PILE = 1e-4
"""Share of a class's pixels at its very largest value from which that is where the sensor saturates."""


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
    index, sites, notes = _sites(raw, visible)
    pixels = upright(visible, orientation)[None].astype(np.float32)
    pixels *= np.float32(declared)
    sites = tuple(_scaled(site, declared) for site in sites)
    masked = {} if declared != 1 else masked_values(whole, sizes, index, sites)
    camera = " ".join(_without_maker(make, model)) if make or model else ""
    iso = float(other.iso_speed) or None
    mosaic = Mosaic(_pattern(index, visible.shape, orientation), sites, _colour(raw), camera, iso, masked)
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


def _sites(raw: Any, visible: AnyArray) -> tuple[AnyArray, tuple[Photosite, ...], tuple[str, ...]]:
    """The pattern of the stored layout as `(rows, columns)` indices, its classes, and notes."""
    sizes = raw.sizes
    period = 6 if _is_six(raw) else 2
    top, left = int(sizes.top_margin), int(sizes.left_margin)
    codes = np.array([[raw.raw_color(top + y, left + x) for x in range(period)] for y in range(period)])
    if codes.max() > 3:
        raise FormatError("The file does not say which pixel saw which colour.")
    present = sorted({int(code) for code in codes.ravel()}, key=lambda code: (0, 1, 3, 2)[code])
    colours = [1 if code == 3 else code for code in present]
    black, top_value = raw.black_level_per_channel, float(raw.white_level)
    sites = []
    notes: tuple[str, ...] = ()
    index = np.zeros_like(codes)
    for number, (code, colour) in enumerate(zip(present, colours, strict=True)):
        index[codes == code] = number
        values = visible[_places(codes == code)]
        white = _saturation(values, float(black[code]), top_value)
        name = {1: "G1", 3: "G2"}.get(code, COLOURS[colour]) if len(present) == 4 else COLOURS[colour]
        sites.append(Photosite(name, colour, float(black[code]), white))
    if all(site.black == 0 for site in sites):
        notes += ("The black level is 0: it was taken off in the camera, or the file does not tell it.",)
    if all(float(visible.min()) >= site.white for site in sites):
        notes += ("Every pixel is at the white level: nothing of the picture is left.",)
    return index, tuple(sites), notes


def _places(where: AnyArray) -> Any:
    """A slice for the first of these places in the pattern: enough pixels to find the largest value."""
    y, x = (int(axis[0]) for axis in np.nonzero(where))
    rows, columns = where.shape
    return slice(y, None, rows), slice(x, None, columns)


def _saturation(values: AnyArray, black: float, white: float) -> float:
    """Where this class saturates: the white level, or a lower value at which many pixels pile up."""
    top = int(values.max())
    if not (black + white) / 2 < top < white:
        return white
    return float(top) if np.count_nonzero(values == top) > max(_PILE * values.size, 8) else white


def _is_six(raw: Any) -> bool:
    pattern = raw.raw_pattern
    return pattern is None or pattern.shape == (6, 6)


def _pattern(index: AnyArray, shape: tuple[int, ...], orientation: int) -> tuple[tuple[int, ...], ...]:
    """The pattern of the upright picture: turned with the pixels."""
    rows, columns = index.shape
    small = np.tile(index, (2, 2))[: rows + shape[0] % rows, : columns + shape[1] % columns]
    turned = upright(small, orientation)[: len(index), : len(index)]
    return tuple(tuple(int(value) for value in row) for row in turned)


def _colour(raw: Any) -> CameraColour:
    balance = np.array(raw.camera_whitebalance[:3], np.float64)
    if not (balance > 0).all() or (balance == balance[0]).all():
        daylight = np.array(raw.daylight_whitebalance[:3], np.float64)
        balance = daylight if (daylight > 0).all() else np.ones(3)
    balance /= balance[1]
    red, green, blue = (float(value) for value in balance)
    given = np.array(raw.rgb_xyz_matrix, np.float64)[:3]
    if given.any():
        camera = given @ _XYZ_FROM_SRGB
        camera /= camera.sum(axis=1, keepdims=True)
        return CameraColour((red, green, blue), _matrix(np.linalg.inv(camera)), given.astype(np.float32))
    matrix = np.array(raw.color_matrix, np.float64)[:3, :3]
    if matrix.any():
        return CameraColour((red, green, blue), _matrix(matrix), None)
    return CameraColour((red, green, blue))


def _matrix(values: Any) -> FloatArray:
    """Rows that sum to 1: white stays white."""
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)


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
