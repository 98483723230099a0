"""Opening and saving pictures of any known format."""

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from denoise_studio.core.errors import Cancelled, FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions, SaveReport
from denoise_studio.formats.files import file_sha256, replacing

_HEAD = 1024
_SMALL, _QUICK = 4 << 20, 64 << 20
"""Bytes whose checksum takes some milliseconds, and a moment."""


def all_formats() -> tuple[Format, ...]:
    """Every format, in the order in which they are tried."""
    from denoise_studio.formats.camera_raw import CameraRaw
    from denoise_studio.formats.dicom import Dicom
    from denoise_studio.formats.dng import Dng
    from denoise_studio.formats.jpeg import Jpeg
    from denoise_studio.formats.nifti import Nifti
    from denoise_studio.formats.npy import Npy
    from denoise_studio.formats.png import Png
    from denoise_studio.formats.tiff import Tiff

    # DICOM first: its free preamble may begin like a TIFF; camera raw often is one.
    return (Dicom(), Png(), Jpeg(), CameraRaw(), Dng(), Tiff(), Npy(), Nifti())


def open_picture(path: str | os.PathLike[str], progress: Progress | None = None) -> Picture:
    """Open a file by what it contains, whatever its name says.

    Raises:
        FormatError: it cannot be read; one sentence that names the file.
        Cancelled: `progress` was cancelled.
    """
    path = Path(path)
    head = _head(path)
    found = next((candidate for candidate in all_formats() if candidate.matches(head, path)), None)
    if found is None:
        names = ", ".join(candidate.name for candidate in all_formats())
        raise FormatError(f"{path.name} is not a picture that Denoise Studio reads ({names}).")
    picture = open_checked(path, lambda: found.open(path, progress or Progress()))
    return _note_name(picture, path, found)


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise FormatError(f"{path} is a folder.")
        if not path.exists():
            raise FormatError(f"{path} does not exist.")
        if not path.is_file():
            raise FormatError(f"{path} is no regular file.")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError) as error:
        raise FormatError(f"Cannot read {path}: {_reason(error)}.") from None
    if not head:
        raise FormatError(f"{path.name} is empty.")
    return head


def open_checked(path: Path, opened: Callable[[], Picture]) -> Picture:
    """Open, with the file's checksum; whatever a decoder throws at a broken file becomes one sentence.

    The checksum of a file with several pictures is left out where it would take long: whoever
    needs it makes it.

    Args:
        path: the file.
        opened: reads the picture.

    Raises:
        FormatError: it cannot be read; one sentence that names the file.
        Cancelled: as `opened` raises it.
    """
    try:
        known = _checksum(path) if path.stat().st_size <= _QUICK else ""
        picture = opened()
        if not known and picture.place is None:
            known = file_sha256(path)
        assert picture.source is not None
        return replace(picture, source=replace(picture.source, sha256=known))
    except (FormatError, Cancelled):
        raise
    except MemoryError:
        raise FormatError(f"{path.name} needs more memory than there is.") from None
    except FileNotFoundError:
        raise FormatError(f"{path} does not exist.") from None
    except Exception as error:
        raise FormatError(f"{path.name} cannot be read: {_reason(error)}.") from None


def _checksum(path: Path) -> str:
    """Of a large file, which may have many slices, just once; a changed one has another time or size."""
    status = path.stat()
    if status.st_size <= _SMALL:
        return file_sha256(path)
    return _sha256(path.absolute(), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, time: int) -> str:
    return file_sha256(path)


def _note_name(picture: Picture, path: Path, found: Format) -> Picture:
    """Tell when the name promises another format."""
    suffix = path.suffix.lower()
    known = any(suffix and suffix in candidate.suffixes for candidate in all_formats())
    if not known or suffix in found.suffixes + found.opens:
        return picture
    note = f"The file is named {path.suffix} but is a {found.name} file."
    return replace(picture, notes=(note, *picture.notes))


def _reason(error: Exception) -> str:
    """The first line of an exception, fit to stand in a sentence."""
    text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:200]


def format_for(path: str | os.PathLike[str]) -> Format:
    """The format that a file name asks for when saving.

    Raises:
        FormatError: the ending is unknown.
    """
    path = Path(path)
    for candidate in all_formats():
        if (candidate.can_write or candidate.writes_volumes) and _ends_as(path, candidate.suffixes):
            return candidate
    known = ", ".join(suffix for f in all_formats() if f.can_write for suffix in f.suffixes if suffix)
    raise FormatError(f"Cannot tell the format from the name {path.name}; use one of {known}.")


def _ends_as(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a name has one of these endings, which may have two dots."""
    return path.suffix.lower() in suffixes or "".join(path.suffixes[-2:]).lower() in suffixes


def encode_for(picture: Picture, path: str | os.PathLike[str], options: SaveOptions | None = None) -> Encoded:
    """What saving to this path would store, without writing anything."""
    return format_for(path).encode(picture, options or SaveOptions())


def save_picture(
    picture: Picture, path: str | os.PathLike[str], options: SaveOptions | None = None
) -> SaveReport:
    """Save, beside the target and then renamed; never over the picture's own source file.

    Raises:
        FormatError: the format cannot hold it, the target is the source, or writing failed.
    """
    path = Path(path)
    options = options or SaveOptions()
    refuse_source(picture, path)
    chosen = format_for(path)
    try:
        encoded = chosen.encode(picture, options)
        with replacing(path) as temporary:
            chosen.write(picture, encoded, temporary, options)
    except FormatError as error:
        raise (error if path.name in str(error) else FormatError(f"{path.name}: {error}")) from None
    except MemoryError:
        raise FormatError(f"Saving {path.name} needs more memory than there is.") from None
    except Exception as error:
        raise FormatError(f"{path.name} cannot be written: {_reason(error)}.") from None
    return SaveReport(path, chosen.id, encoded.stored, encoded.clipped, encoded.dropped)


def refuse_source(picture: Picture, path: Path) -> None:
    """Raise `FormatError` if `path` is the file that the picture came from."""
    source = picture.source.path if picture.source else None
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise FormatError(f"{path.name} is the source file, which is never overwritten; choose another name.")
