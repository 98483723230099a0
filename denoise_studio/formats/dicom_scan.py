"""Reading the headers of many DICOM files quickly; no pixels are touched."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.formats.dicom_check import check_image, damaged, require_length
from denoise_studio.formats.dicom_deflated import header, is_deflated
from denoise_studio.formats.dicom_file import PIXELS
from denoise_studio.formats.dicom_heads import TAGS, Head, heads_of
from denoise_studio.formats.dicom_values import scale_of

_FIRST = 1 << 15
"""Most headers are shorter, and one read is quicker than hundreds."""


def read_heads(path: Path) -> Sequence[Head] | None:
    """A head for every frame, or None if it is no DICOM file.

    Raises:
        NoPicture: a DICOM object of another sort.
        FormatError: damaged, cut short or of a kind that is not read; one sentence.
    """
    from denoise_studio.formats.dicom import Dicom

    try:
        with path.open("rb") as stream:
            first = stream.read(_FIRST)
            if not Dicom().matches(first, path):
                return None
            size = stream.seek(0, 2)
            dataset, at, keyword = _header(first, stream, path.name)
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    try:
        check_image(dataset, path.name, keyword)
        require_length(dataset, path.name, held=size if at is None else size - at)
        return heads_of(dataset, path, lambda frame: scale_of(dataset, frame)[0] is Scale.HU)
    except FormatError:
        raise
    except Exception as error:  # Values are parsed when they are asked for.
        raise damaged(path.name, error) from None


def _header(first: bytes, stream: BinaryIO, name: str) -> tuple[Dataset, int | None, str | None]:
    """The wanted tags, where the pixels' value begins (None: deflated), and their element's keyword."""
    tags: Any = TAGS
    try:
        if is_deflated(source := io.BytesIO(first)):
            stream.seek(0)
            dataset, pixels, _ = header(stream, tags)
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
            return dataset, None, None if pixels is None else "PixelData"
        dataset, at, keyword = _parse(source, tags)
        if keyword is None and len(first) == _FIRST:
            stream.seek(0)
            dataset, at, keyword = _parse(stream, tags)
    except OSError:
        raise
    except Exception as error:
        raise damaged(name, error) from None
    return dataset, at, keyword


def _parse(source: BinaryIO, tags: Any) -> tuple[Dataset, int, str | None]:
    dataset = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=tags, force=True)
    at = source.tell()
    mark = source.read(6)
    for tag, keyword in PIXELS.items():
        swapped = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
        if mark[:4] in (swapped, tag.to_bytes(4, "big")):
            return dataset, at + (12 if mark[4:].isalpha() else 8), keyword
    return dataset, at, None
