"""Reading the headers of many DICOM files quickly; no pixels are touched."""

from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.dicom_heads import TAGS, Head, NoPicture, head_of
from denoise_studio.formats.dicom_values import scale_of
from denoise_studio.formats.samples import check_size

_PIXELS = {b"\xe0\x7f\x10\x00": 1, b"\xe0\x7f\x08\x00": 1, b"\xe0\x7f\x09\x00": 1, b"\x7f\xe0\x00\x10": 1}
_HEAD = 1024


def read_heads(path: Path) -> list[Head] | None:
    """A head for every frame, or None if it is no DICOM file.

    Raises:
        NoPicture: a DICOM object of another sort.
        FormatError: damaged, cut short or of a kind that is not read; one sentence.
    """
    from denoise_studio.formats.dicom import Dicom

    try:
        with path.open("rb") as stream:
            if not Dicom().matches(stream.read(_HEAD), path):
                return None
            stream.seek(0)
            dataset, pixels = _header(stream, path)
            size = stream.seek(0, 2)
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    _check(dataset, path.name, pixels, size)
    return [head_of(dataset, path, scale_of(dataset)[0] is Scale.HU)]


def _header(stream: BinaryIO, path: Path) -> tuple[Dataset, int | None]:
    """The wanted tags, and where the pixels begin (None: nowhere)."""
    tags: Any = TAGS
    try:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags, force=True)
        at = stream.tell()
        found = stream.read(4) in _PIXELS
    except OSError:
        raise
    except Exception as error:
        raise FormatError(f"{path.name} is damaged or cut short ({type(error).__name__}).") from None
    return dataset, at if found else None


def _check(dataset: Dataset, name: str, pixels: int | None, size: int) -> None:
    if "Rows" not in dataset:
        raise NoPicture(
            f"{name} is a DICOM file without a picture ({dataset.get('Modality') or 'no image'})."
        )
    if pixels is None:
        raise FormatError(f"{name} is cut short: its pixel data is missing.")
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    check_size(name, columns, rows)
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if max(1, integer(dataset, "SamplesPerPixel")) != 1 or not photometric.startswith("MONOCHROME"):
        raise FormatError(f"{name} is a colour DICOM image ({photometric}); only grey ones are opened.")
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    plain = syntax is None or not getattr(syntax, "is_compressed", False)
    need = (
        rows * columns * max(1, integer(dataset, "NumberOfFrames")) * integer(dataset, "BitsAllocated") // 8
    )
    if plain and size - pixels < need:
        raise FormatError(f"{name} is cut short: {need - (size - pixels)} bytes of pixels are missing.")
