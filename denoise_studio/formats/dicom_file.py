"""A DICOM file taken apart: its data set without the pixels, and where the pixels lie."""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.formats.dicom_check import code, damaged
from denoise_studio.formats.dicom_deflated import inflated, is_deflated
from denoise_studio.formats.dicom_quiet import hush
from denoise_studio.formats.scratch import Bytes

PIXELS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
_UNDEFINED = 0xFFFFFFFF
_DEFER = 1 << 16
_WHOLE = 32 << 20
"""Smaller files are read at once: nothing that their header claims can then claim memory."""
_KEPT = 4


@dataclass(frozen=True)
class Pixels:
    """Where the pixels lie.

    Args:
        keyword: which element holds them.
        vr: its value representation.
        offset: of its value.
        length: bytes; None for encapsulated frames.
    """

    keyword: str
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True, eq=False)
class DicomFile:
    """What `load` found.

    Args:
        name: the file's.
        dataset: everything but the pixels; `file_meta` is its attribute.
        syntax: the file's transfer syntax.
        pixels: None where there are none.
        data: the bytes that `pixels` is about, inflated where the file is deflated.
    """

    name: str
    dataset: Dataset
    syntax: Any
    pixels: Pixels | None
    data: Bytes

    @property
    def frames(self) -> int:
        """How many frames the header claims, at least 1."""
        try:
            return max(1, int(self.dataset.get("NumberOfFrames") or 1))
        except (TypeError, ValueError):
            return 1


def load(path: Path, progress: Progress | None = None) -> DicomFile:
    """Read a file's header.

    Raises:
        FormatError: not DICOM, or damaged; one sentence.
    """
    hush()
    progress = progress or Progress()
    data: Bytes = Bytes(path)
    with data.stream() as stream:
        deflated = is_deflated(stream)
    if deflated:
        data = inflated(path, progress)
    dataset, pixels = _parse(data, path.name)
    if deflated:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    return DicomFile(path.name, dataset, _syntax(dataset, path.name), pixels, data)


def _parse(data: Bytes, name: str) -> tuple[Dataset, Pixels | None]:
    try:
        with data.stream() as stream:
            source: BinaryIO = io.BytesIO(stream.read()) if data.size <= _WHOLE else stream
            dataset = pydicom.dcmread(source, force=True, defer_size=_DEFER)
            pixels = _take_pixels(dataset)
            _fetch(dataset, source, data.size, name)
        looks = any(keyword in dataset for keyword in ("SOPClassUID", "Rows", "DirectoryRecordSequence"))
    except (OSError, FormatError):
        raise
    except Exception as error:
        raise damaged(name, error) from None
    if not looks:
        raise FormatError(f"{name} is not a DICOM file, or its header is cut short.")
    return dataset, pixels


def _take_pixels(dataset: Dataset) -> Pixels | None:
    """Note where the pixels lie and remove them."""
    found = None
    for element in list(dataset.values()):
        keyword = PIXELS.get(int(element.tag))
        if keyword is None:
            continue
        if isinstance(element, RawDataElement):
            length = None if element.length == _UNDEFINED else element.length
            at = Pixels(keyword, str(element.VR or "OW"), element.value_tell, length)
            found = at if found is None or keyword == "PixelData" else found
        dataset.pop(element.tag)
    return found


def _fetch(dataset: Dataset, source: BinaryIO, size: int, name: str) -> None:
    """Read the other large elements, which the parser has left in the file."""
    for element in list(dataset.values()):
        if not isinstance(element, RawDataElement) or element.value is not None or not element.length:
            continue
        if element.length == _UNDEFINED or element.value_tell + element.length > size:
            raise FormatError(f"{name} is damaged or cut short: an element is longer than the file.")
        source.seek(element.value_tell)
        dataset[element.tag] = element._replace(value=source.read(element.length))


def _syntax(dataset: Dataset, name: str) -> Any:
    """The transfer syntax; a file without meta information is what pydicom found it to be."""
    found = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if found is None:
        implicit, little = dataset.original_encoding
        found = (
            pydicom.uid.ExplicitVRLittleEndian if implicit is False else pydicom.uid.ImplicitVRLittleEndian
        )
        if little is False:
            found = pydicom.uid.ExplicitVRBigEndian
    if not isinstance(found, pydicom.uid.UID) or found.is_private or not found.is_transfer_syntax:
        raise FormatError(f"{name} has an unknown transfer syntax ({code(found)}).")
    return found


class _Recent:
    """The headers of the last files with several frames: parsing them takes long."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[Any, ...], DicomFile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, make: Callable[[], DicomFile]) -> DicomFile:
        status = path.stat()
        key = (path.absolute(), status.st_size, status.st_mtime_ns)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        made = make()
        if made.frames > 1:
            with self._lock:
                self._files[key] = made
                while len(self._files) > _KEPT:
                    self._files.popitem(last=False)
        return made


_recent = _Recent()


def load_kept(path: Path, progress: Progress | None = None) -> DicomFile:
    """The same as `load`; files with several frames are parsed once."""
    return _recent.get(path, lambda: load(path, progress))
