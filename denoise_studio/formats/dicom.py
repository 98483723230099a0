"""DICOM: single-frame grey pictures (CT, MR and others), written as derived images."""

from pathlib import Path

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions

_FIRST_TAGS = tuple(
    group + element
    for group in (b"\x02\x00", b"\x08\x00")
    for element in (b"\x00\x00", b"\x01\x00", b"\x02\x00", b"\x05\x00", b"\x08\x00", b"\x10\x00", b"\x12\x00")
    + (b"\x13\x00", b"\x14\x00", b"\x16\x00", b"\x18\x00")
)


class Dicom(Format):
    """CT in Hounsfield units, other modalities in their own signal.

    Saving needs a DICOM source; what is written is a new instance in a new series, derived from
    it, with the same geometry, the same rescale and every attribute that stays true.
    """

    id = "dicom"
    name = "DICOM"
    suffixes = (".dcm", ".dicom")

    def matches(self, head: bytes) -> bool:
        """The mark after the preamble, or a file that begins with the first tags of a data set."""
        return head[128:132] == b"DICM" or head.startswith(_FIRST_TAGS)

    def open(self, path: Path, progress: Progress) -> Picture:
        from denoise_studio.formats.dicom_read import read

        return read(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        from denoise_studio.formats.dicom_write import encode

        return encode(picture, options)

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        from denoise_studio.formats.dicom_write import write

        write(picture, encoded, path, options)
