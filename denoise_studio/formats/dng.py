"""DNG: a denoised mosaic that a raw editor takes over."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.camera_raw_read import RawExtra
from denoise_studio.formats.photo import PhotoMetadata
from denoise_studio.formats.samples import Target, quantise

FULL = 65535.0
_OVERSHOOT = 0.01
"""Part of the white level by which values may lie above it without a coarser step for all."""


class Dng(Format):
    """Writes only: every DNG is opened as camera raw.

    A denoised pixel has parts of a DN. Values are stored times a power of two, as large as 16 bits
    allow, black and white level likewise; a note in the file gives the camera's own DN back.
    """

    id = "dng"
    name = "DNG"
    suffixes = (".dng",)

    def matches(self, head: bytes, path: Path) -> bool:
        return False

    def open(self, path: Path, progress: Progress) -> Picture:
        from denoise_studio.formats.camera_raw_read import read

        return read(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        if picture.mosaic is None:
            raise FormatError("DNG holds what a camera's sensor saw; save this picture as TIFF.")
        found = quantise(picture, target_of(picture))
        return replace(found, dropped=found.dropped + left_out(picture))

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        from denoise_studio.formats.dng_write import write

        write(picture, encoded, path, options)


def target_of(picture: Picture) -> Target:
    """Sixteen bits whose step is a power of two of the camera's DN.

    The white level decides; a hot pixel far above it still fits, noise just above it is cut.
    """
    white = max(picture.nominal_range[1], 1.0)
    top = max(white, picture.value_range[1] - _OVERSHOOT * white)
    scale = 2.0 ** math.floor(math.log2(FULL / top)) if top <= FULL else 1.0
    return Target(Stored(np.dtype(np.uint16).name, 16, 1 / scale), declared=True)


def left_out(picture: Picture) -> tuple[str, ...]:
    """What of the source does not hold for the file."""
    metadata = picture.source.metadata if picture.source else None
    extra = metadata.extra if isinstance(metadata, PhotoMetadata) else None
    return extra.tags.left_out if isinstance(extra, RawExtra) else ()
