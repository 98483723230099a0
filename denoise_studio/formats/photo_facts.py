"""What `info` tells of a photograph's metadata: what is kept, and the facts of the exposure."""

from typing import Any

from denoise_studio.formats.photo import PhotoMetadata

_CAMERA = {271: "make", 272: "model"}
_EXPOSURE = {
    33434: "exposure_time",
    33437: "f_number",
    34855: "iso",
    36867: "taken",
    37386: "focal_length",
    42036: "lens",
}
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825


def facts(metadata: PhotoMetadata) -> dict[str, Any]:
    """Plain names and values; an unreadable EXIF block only loses its facts, it is still kept."""
    kept = [
        name
        for name, there in (
            ("EXIF", metadata.exif),
            ("XMP", metadata.xmp),
            ("resolution", metadata.dpi),
        )
        if there
    ]
    result: dict[str, Any] = {"kept": kept} if kept else {}
    if metadata.exif:
        result |= _exif(metadata.exif)
    if metadata.history:
        result["processed"] = list(metadata.history)
    return result


def _exif(block: bytes) -> dict[str, Any]:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block)
        inner = exif.get_ifd(_EXIF_IFD)
        found = {name: exif.get(tag) for tag, name in _CAMERA.items()}
        found |= {name: inner.get(tag) for tag, name in _EXPOSURE.items()}
        position = bool(exif.get_ifd(_GPS_IFD))
    except Exception:  # Pillow raises whatever a damaged block leads it to
        return {}
    result = {name: _plain(value) for name, value in found.items() if value is not None}
    if position:
        result["gps"] = "kept"
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip("\0 ")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int):
        return value
    try:
        return round(float(value), 6)
    except (TypeError, ValueError, ZeroDivisionError):
        return str(value)
