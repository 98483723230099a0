"""What a file gets of a result: camera raw is developed for formats that hold no mosaic."""

import dataclasses
import io

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.core.recipe import Recipe, to_json
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.developing import colours, srgb_curve
from denoise_studio.engine.display import Levels, show_part
from denoise_studio.formats import SaveOptions
from denoise_studio.formats.base import Format

DEVELOPED = ("png", "jpeg", "tiff")
"""Formats that hold colours, no mosaic."""
_WAYS = ("display", "linear")
_FULL = 65535.0
_ROWS = 768
_PREVIEW = 1024
_SRGB_TO_REC2020 = np.array(
    [[0.6274039, 0.3292830, 0.0433131], [0.0690973, 0.9195404, 0.0113623], [0.0163914, 0.0880133, 0.8955953]]
)
"""ITU-R BT.2087-0, linear light."""


def way_of(picture: Picture, format_id: str, options: SaveOptions) -> str | None:
    """How a picture is developed for a format: "display", "linear", or None if it is not.

    Raises:
        FormatError: the wish does not fit the format, or there is no such way.
    """
    if picture.mosaic is None or format_id not in DEVELOPED:
        return None
    way = options.develop or ("linear" if format_id == "tiff" else "display")
    if way not in _WAYS:
        raise FormatError(f"Camera raw is developed as {' or '.join(_WAYS)}, not as {way!r}.")
    if way == "linear" and format_id == "jpeg":
        raise FormatError(
            "JPEG has too few steps for linear values; save TIFF or PNG, or develop for display."
        )
    return way


def require_room(picture: Picture, chosen: Format, options: SaveOptions) -> None:
    """Raise `FormatError`, before any work is done, if a format cannot hold a result of this picture."""
    refuse_names(picture, options)
    if way_of(picture, chosen.id, options) is None:
        chosen.encode(picture, options)


def refuse_names(picture: Picture, options: SaveOptions) -> None:
    """Raise `FormatError` where anonymising is asked for and nothing here knows how.

    What DICOM and NIfTI become in other formats holds nothing of their headers.
    """
    known = picture.source is None or picture.source.format in ("dicom", "nifti")
    if options.anonymise and not known:
        raise FormatError("Only DICOM and NIfTI are anonymised; a photograph keeps its metadata.")


def prepared(
    picture: Picture, chosen: Format, options: SaveOptions, recipe: Recipe | None = None
) -> tuple[Picture, SaveOptions]:
    """The picture that a format encodes, and the options with what only the engine knows.

    Args:
        picture: a result.
        chosen: the format.
        options: a person's.
        recipe: as resolved: says how much noise was taken away; None for none.
    """
    refuse_names(picture, options)
    way = way_of(picture, chosen.id, options)
    if way is not None:
        return developed(picture, way, options.exposure), options
    if chosen.id == "dicom" and recipe is not None:
        return picture, dataclasses.replace(options, recipe=to_json(recipe))
    if picture.mosaic is not None and chosen.id == "dng":
        reduction = recipe.strength if recipe is not None and recipe.method != "identity" else 0.0
        return picture, dataclasses.replace(
            options, preview=preview(picture, options.exposure), noise_reduction=reduction
        )
    return picture, options


def developed(picture: Picture, way: str, exposure: float = 0.0) -> Picture:
    """A mosaic as a picture of three colours.

    Args:
        picture: camera raw.
        way: "display" for sRGB, "linear" for linear light with the primaries of Rec. 2020.
        exposure: stops, in linear light.
    """
    from denoise_studio.formats.icc import linear_profile, srgb_profile

    pixels = np.empty((3, picture.height, picture.width), np.float32)
    for top in range(0, picture.height, _ROWS):
        band = Rect.from_edges(0, top, picture.width, min(top + _ROWS, picture.height))
        part = colours(picture, band) * np.float32(2.0**exposure)
        pixels[:, band.y : band.y1] = _coded(part, way) * np.float32(_FULL)
    words = "sRGB" if way == "display" else "linear Rec. 2020"
    stops = f", {exposure:+g} EV" if exposure else ""
    return Picture(
        pixels,
        scale=Scale.DISPLAY,
        unit="DN",
        nominal_range=(0.0, _FULL),
        stored=Stored("uint16", 16),
        icc=srgb_profile() if way == "display" else linear_profile(),
        orientation=picture.orientation,
        name=picture.name,
        source=picture.source,
        history=(*picture.history, f"developed, {words}{stops}"),
    )


def _coded(linear: FloatArray, way: str) -> FloatArray:
    if way == "display":
        return np.asarray(srgb_curve(np.clip(linear, 0, 1)), np.float32)
    wide = np.tensordot(_SRGB_TO_REC2020.astype(np.float32), linear, axes=1)
    return np.asarray(np.clip(wide, 0, 1), np.float32)


def preview(picture: Picture, exposure: float = 0.0) -> bytes:
    """A JPEG of a mosaic, at most 1024 pixels a side, in the sensor's layout."""
    from PIL import Image

    from denoise_studio.formats.orientation import as_stored

    factor = max(2, -(-max(picture.width, picture.height) // _PREVIEW))
    image = show_part(picture, picture.rect, Levels(*picture.nominal_range, exposure=exposure), factor)
    stored = as_stored(np.moveaxis(image, -1, 0), picture.orientation)
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.moveaxis(stored, 0, -1))).save(content, "JPEG", quality=88)
    return content.getvalue()
