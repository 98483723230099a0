"""DICOMDIR: the table of contents of a disc (PS3.3 F, PS3.10 8)."""

from pathlib import Path
from typing import Any

import pydicom
from pydicom.filereader import read_file_meta_info

from denoise_studio.core.errors import FormatError
from denoise_studio.formats.dicom_check import damaged
from denoise_studio.formats.dicom_quiet import hush

_DIRECTORY = "1.2.840.10008.1.3.10"


def is_directory(path: Path) -> bool:
    """Whether a file is a DICOMDIR, whatever its name."""
    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
        if head[128:132] != b"DICM" or _DIRECTORY.encode() not in head:
            return False
        return bool(read_file_meta_info(path).get("MediaStorageSOPClassUID") == _DIRECTORY)
    except Exception:
        return False


def files_of(path: Path) -> tuple[list[Path], list[str]]:
    """The files that a DICOMDIR lists and that are there, and the names of those that are not.

    Raises:
        FormatError: it is damaged; one sentence.
    """
    hush()
    try:
        dataset = pydicom.dcmread(path, force=True)
        names = [
            parts
            for record in dataset.get("DirectoryRecordSequence") or ()
            if (parts := _parts(record.get("ReferencedFileID")))
        ]
    except OSError:
        raise
    except Exception as error:
        raise damaged(path.name, error) from None
    found, missing = [], []
    for parts in names:
        if (file := _inside(path.parent, parts)) is None:
            missing.append("/".join(parts))
        else:
            found.append(file)
    if not names:
        raise FormatError(f"{path.name} is a DICOMDIR that lists no files.")
    return found, missing


def _parts(value: Any) -> list[str]:
    if not value:
        return []
    return [str(value)] if isinstance(value, str) else [str(part) for part in value]


def _inside(folder: Path, parts: list[str]) -> Path | None:
    """The file, also where the disc's upper case names were copied in lower case; never outside."""
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        return None
    for spelled in (parts, [part.lower() for part in parts]):
        if (file := folder.joinpath(*spelled)).is_file():
            return file
    return None
