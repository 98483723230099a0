"""NIfTI-1 and -2: volumes of research, CT and MR alike."""

from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.nifti_header import is_nifti, plain_head


class Nifti(Format):
    """Volumes; one slice of one is no NIfTI file, so a picture is saved in another format."""

    id = "nifti"
    name = "NIfTI"
    suffixes = (".nii", ".nii.gz")
    can_write = False
    writes_volumes = True

    def matches(self, head: bytes, path: Path) -> bool:
        """A header of the right length with the right mark, compressed or not."""
        return is_nifti(plain_head(head))

    def open(self, path: Path, progress: Progress) -> Picture:
        """The middle slice with its place among the others."""
        from denoise_studio.formats.nifti_series import open_middle

        return open_middle(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        raise FormatError("A NIfTI volume is saved as a whole; save this slice as TIFF or NPY.")

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        raise FormatError("A NIfTI volume is saved as a whole; save this slice as TIFF or NPY.")
