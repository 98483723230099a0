"""DNG: a denoised mosaic that a raw editor takes over."""

import math
from pathlib import Path

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.samples import Target, quantise

FULL = 65535.0


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
        dropped = ("The file's noise profile is left out: the noise is another one now.",)
        has_profile = picture.source is not None and picture.source.summary.get("noise_profile")
        return Encoded(
            found.samples,
            found.pixels,
            found.stored,
            found.clipped,
            found.dropped + (dropped if has_profile else ()),
        )

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        from denoise_studio.formats.dng_write import write

        write(picture, encoded, path, options)


def target_of(picture: Picture) -> Target:
    """Sixteen bits whose step is a power of two of the camera's DN."""
    white = max(picture.nominal_range[1], 1.0)
    scale = 2.0 ** math.floor(math.log2(FULL / white)) if white <= FULL else 1.0
    return Target(Stored(np.dtype(np.uint16).name, 16, 1 / scale), declared=True)
