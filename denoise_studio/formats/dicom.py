"""DICOM: grey pictures (CT, MR and others), written as derived images."""

from pathlib import Path

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions

_GROUPS = (b"\x02\x00", b"\x08\x00")
_ELEMENTS = (0x00, 0x01, 0x02, 0x05, 0x08, 0x10, 0x12, 0x13, 0x14, 0x16, 0x18)
_FIRST_TAGS = tuple(group + bytes((element, 0)) for group in _GROUPS for element in _ELEMENTS)


class Dicom(Format):
    """CT in Hounsfield units, other modalities in their own signal.

    Saving needs a DICOM source; what is written is a new instance in a new series, derived from
    it, with the same geometry, the same rescale and every attribute that stays true.
    """

    id = "dicom"
    name = "DICOM"
    suffixes = (".dcm", ".dicom")

    def matches(self, head: bytes, path: Path) -> bool:
        """The mark after the preamble, or a file that begins with the first tags of a data set."""
        return head[128:132] == b"DICM" or head.startswith(_FIRST_TAGS)

    def open(self, path: Path, progress: Progress) -> Picture:
        """The picture; of a file with several frames the first, with its place among the others."""
        from denoise_studio.formats.dicom_guard import plain_errors
        from denoise_studio.formats.dicom_series import open_first

        with plain_errors(path.name):
            return open_first(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        from denoise_studio.formats.dicom_write import encode

        return encode(picture, options)

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        from denoise_studio.formats.dicom_write import write

        write(picture, encoded, path, options)
