"""Opening and saving pictures of any known format."""

import os
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.formats.base import Encoded, Format, SaveOptions, SaveReport
from denoise_studio.formats.files import replacing

_HEAD = 1024


def all_formats() -> tuple[Format, ...]:
    """Every format, in the order in which they are tried."""
    from denoise_studio.formats.dicom import Dicom
    from denoise_studio.formats.jpeg import Jpeg
    from denoise_studio.formats.npy import Npy
    from denoise_studio.formats.png import Png
    from denoise_studio.formats.tiff import Tiff

    return (Png(), Jpeg(), Tiff(), Npy(), Dicom())


def open_picture(path: str | os.PathLike[str], progress: Progress | None = None) -> Picture:
    """Open a file by what it contains, whatever its name says.

    Raises:
        FormatError: it cannot be read; one sentence that names the file.
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"{path} does not exist.")
    if path.is_dir():
        raise FormatError(f"{path} is a folder.")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise FormatError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    if not head:
        raise FormatError(f"{path.name} is empty.")
    for candidate in all_formats():
        if candidate.matches(head):
            return candidate.open(path, progress or Progress())
    names = ", ".join(candidate.name for candidate in all_formats())
    raise FormatError(f"{path.name} is not a picture that Denoise Studio reads ({names}).")


def format_for(path: str | os.PathLike[str]) -> Format:
    """The format that a file name asks for when saving.

    Raises:
        FormatError: the ending is unknown.
    """
    path = Path(path)
    for candidate in all_formats():
        if candidate.can_write and path.suffix.lower() in candidate.suffixes:
            return candidate
    known = ", ".join(suffix for f in all_formats() if f.can_write for suffix in f.suffixes if suffix)
    raise FormatError(f"Cannot tell the format from the name {path.name}; use one of {known}.")


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
    encoded = chosen.encode(picture, options)
    with replacing(path) as temporary:
        chosen.write(picture, encoded, temporary, options)
    return SaveReport(path, chosen.id, encoded.stored, encoded.clipped, encoded.dropped)


def refuse_source(picture: Picture, path: Path) -> None:
    """Raise `FormatError` if `path` is the file that the picture came from."""
    source = picture.source.path if picture.source else None
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise FormatError(f"{path.name} is the source file, which is never overwritten; choose another name.")
