"""An EXIF block for raw files that have none of their own: what LibRaw read, in EXIF's fields."""

from fractions import Fraction
from typing import Any

_MAKE, _MODEL, _ARTIST, _TAKEN = 271, 272, 315, 36867
_EXIF_IFD = 0x8769
_EXPOSURE, _F_NUMBER, _ISO, _FOCAL, _LENS_MAKE, _LENS = 33434, 33437, 34855, 37386, 42035, 42036


def block_from(other: Any, lens: Any, make: str, model: str) -> bytes:
    """EXIF with what is known of camera, lens and exposure.

    Args:
        other: rawpy's `Other`.
        lens: rawpy's `Lens`.
        make: of the camera.
        model: of the camera.
    """
    from PIL import Image

    exif = Image.Exif()
    inner = exif.get_ifd(_EXIF_IFD)
    for tag, text in ((_MAKE, make), (_MODEL, model), (_ARTIST, other.artist)):
        if text:
            exif[tag] = text
    if other.timestamp is not None and other.timestamp.year > 1970:
        inner[_TAKEN] = other.timestamp.strftime("%Y:%m:%d %H:%M:%S")
    for tag, value in ((_F_NUMBER, other.aperture), (_FOCAL, other.focal_length)):
        if value > 0:
            inner[tag] = _ratio(float(value))
    if other.shutter_speed > 0:
        inner[_EXPOSURE] = _exposure(float(other.shutter_speed))
    if other.iso_speed > 0:
        inner[_ISO] = round(other.iso_speed)
    for tag, text in ((_LENS_MAKE, lens.make), (_LENS, lens.model)):
        if text:
            inner[tag] = text
    return bytes(exif.tobytes()).removeprefix(b"Exif\0\0")


def _ratio(value: float) -> Any:
    from PIL.TiffImagePlugin import IFDRational

    found = Fraction(value).limit_denominator(100)
    return IFDRational(found.numerator, found.denominator)


def _exposure(seconds: float) -> Any:
    """As people write it: 1/50 rather than 0.0198, where that is the same within 2 %."""
    from PIL.TiffImagePlugin import IFDRational

    if seconds < 0.5:
        return IFDRational(1, round(1 / seconds))
    found = Fraction(seconds).limit_denominator(10)
    return IFDRational(found.numerator, found.denominator)
