"""Files in and out, one module a format; nothing is lost on the way."""

from denoise_studio.formats.base import Encoded, Format, SaveOptions, SaveReport
from denoise_studio.formats.registry import (
    all_formats,
    encode_for,
    format_for,
    open_picture,
    refuse_source,
    save_picture,
)
from denoise_studio.formats.series import find_series

__all__ = [
    "Encoded",
    "Format",
    "SaveOptions",
    "SaveReport",
    "all_formats",
    "encode_for",
    "find_series",
    "format_for",
    "open_picture",
    "refuse_source",
    "save_picture",
]
