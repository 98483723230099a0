"""Deflated DICOM (PS3.5 A.5): everything after the meta information is one zlib stream.

Nothing is inflated beyond what the header promises, so a small file cannot claim memory or disk.
"""

import io
import struct
import threading
import weakref
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.formats.dicom_check import damaged, require_plausible
from denoise_studio.formats.dicom_facts import integer
from denoise_studio.formats.scratch import Scratch, inflate

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PLAIN = b"1.2.840.10008.1.2.1\0\0\0"
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_HEAD, _META = 1 << 13, 1 << 16
_FIRST, _MOST = 1 << 16, 1 << 25
"""How much of the header is inflated at first, and at most."""
_AFTER = 1 << 20
"""Bytes that may follow the pixels."""


def is_deflated(stream: BinaryIO) -> bool:
    """Whether a file says so; the stream's place is kept."""
    at = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(at)
    return _DEFLATED in head and _meta_end(head) is not None


def _meta_end(head: bytes) -> int | None:
    """Where the meta information ends whose transfer syntax is the deflated one, else None."""
    if head[128:132] != b"DICM":
        return None
    at, deflated = 132, False
    while at + 8 <= len(head):
        group, element, vr, short = struct.unpack_from("<HH2sH", head, at)
        if group != 2:
            return at if deflated else None
        start = at + (12 if vr in _LONG else 8)
        length = struct.unpack_from("<I", head, at + 8)[0] if vr in _LONG and start <= len(head) else short
        if element == 0x10:
            deflated = head[start : start + length].rstrip(b"\0 ") == _DEFLATED
        at = start + length
    return at if deflated and at == len(head) else None


def header(stream: BinaryIO, tags: Any = None) -> tuple[Dataset, int | None, bytes]:
    """The data set up to the pixels, where those begin in the inflated file, and the meta information.

    Raises:
        Exception: whatever the parser or zlib throw at a damaged file.
    """
    head = stream.read(_META)
    end = _meta_end(head) or 0
    meta = head[:end].replace(_DEFLATED, _PLAIN)
    stream.seek(end)
    engine, plain = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(meta)
    want, data = _FIRST, b""
    while True:
        while len(plain) < want and not engine.eof:
            data = engine.unconsumed_tail or stream.read(_META)
            if not data:
                break
            plain += engine.decompress(data, want - len(plain) + 1)
        source = io.BytesIO(plain)
        dataset = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=tags, force=True)
        at = source.tell()
        if source.read(2) == b"\xe0\x7f":
            return dataset, at, meta
        if engine.eof or not data or want >= _MOST:
            return dataset, None, meta
        want *= 4


class _Kept:
    """Inflated files that are in use, so that each is inflated once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: weakref.WeakValueDictionary[Any, Scratch] = weakref.WeakValueDictionary()


_kept = _Kept()


def inflated(path: Path, progress: Progress) -> Scratch:
    """The file as plain Explicit VR Little Endian.

    Raises:
        FormatError: damaged, or its header promises more than such a file can hold.
    """
    status = path.stat()
    key = (path.absolute(), status.st_size, status.st_mtime_ns)
    with _kept.lock:
        if (known := _kept.files.get(key)) is not None:
            return known
        made = _kept.files[key] = _inflate(path, status.st_size, progress)
        return made


def _inflate(path: Path, size: int, progress: Progress) -> Scratch:
    name = path.name
    with path.open("rb") as stream:
        try:
            dataset, pixels, meta = header(stream)
        except OSError:
            raise
        except Exception as error:
            raise damaged(name, error) from None
        if pixels is None:
            raise FormatError(f"{name} is cut short: its pixel data is missing.")
        rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
        frames, bits = max(1, integer(dataset, "NumberOfFrames")), integer(dataset, "BitsAllocated")
        need = rows * columns * frames * max(1, integer(dataset, "SamplesPerPixel")) * bits // 8
        require_plausible(name, need, size)
        scratch = Scratch(path)
        scratch.append(meta)
        stream.seek(len(meta))
        inflate(stream, scratch, pixels - len(meta) + 12 + need + _AFTER, -zlib.MAX_WBITS, progress.check)
    return scratch
