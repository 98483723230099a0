"""Camera raw files of all makers, read through LibRaw; the mosaic stays a mosaic."""

import mmap
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats import ciff, exif
from denoise_studio.formats.base import Encoded, Format, SaveOptions

_MARKS = (
    *(b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\0MRM"),
    *(b"II*\0\x10\0\0\0CR",),
)
"""How the files of makers begin that are neither TIFF nor CIFF (RAF, RW2, ORF, X3F, MRW, CR2)."""
_DNG_VERSION, _MAKE, _SUB_IFDS, _PHOTOMETRIC = 50706, 271, 330, 262
_SENSOR = (32803, 34892)
"""Photometric interpretations of what a sensor saw: CFA, LinearRaw."""
_TIFF_SUFFIXES = (
    *(".3fr", ".arw", ".cap", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef", ".mos"),
    *(".nef", ".nrw", ".pef", ".rwl", ".sr2", ".srf", ".srw"),
)


class CameraRaw(Format):
    """Reads only: a denoised mosaic is saved as DNG."""

    id = "camera-raw"
    name = "camera raw"
    suffixes = (
        *(".cr2", ".cr3", ".crw", ".raf", ".rw2", ".orf", ".x3f", ".mrw"),
        *(suffix for suffix in _TIFF_SUFFIXES if suffix != ".dng"),
    )
    opens = (".dng",)
    can_write = False

    def matches(self, head: bytes, path: Path) -> bool:
        if head.startswith(_MARKS) or ciff.is_ciff(head) or head[4:11] == b"ftypcrx":
            return True
        return head[:4] in (b"II*\0", b"MM\0*") and _is_raw_tiff(path)

    def open(self, path: Path, progress: Progress) -> Picture:
        from denoise_studio.formats.camera_raw_read import read

        return read(path, progress)

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        raise FormatError("Camera raw files of makers are not written; save DNG.")

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        raise FormatError("Camera raw files of makers are not written; save DNG.")


def _is_raw_tiff(path: Path) -> bool:
    """Whether a TIFF structure holds what a sensor saw: it is a DNG, or says so, or its name and maker do."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            try:
                reader = exif.Reader(view)
                first = reader.first().entries
                if _DNG_VERSION in first:
                    return True
                directories = [
                    first,
                    *(reader.ifd(at).entries for at in reader.integers(first.get(_SUB_IFDS))),
                ]
                seen = [reader.integer(entries.get(_PHOTOMETRIC)) for entries in directories]
                named = path.suffix.lower() in _TIFF_SUFFIXES and _MAKE in first
                return named or any(value in _SENSOR for value in seen)
            finally:
                view.release()
    except (OSError, ValueError):
        return False
