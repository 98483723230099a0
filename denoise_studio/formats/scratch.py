"""Bytes of a file, or of what it inflates to: read at any place, mapped, never held whole."""

import io
import shutil
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from platformdirs import user_cache_path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.types import AnyArray

_BLOCK = 1 << 20
_SPARE = 256 << 20
"""Room that a scratch file leaves on its disk."""


class Bytes:
    """A file that is read where it lies; each use opens it, so that it can be moved or deleted between."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def stream(self) -> BinaryIO:
        """The whole as a stream that the caller closes."""
        return self.path.open("rb")

    def array(self, dtype: Any, count: int, offset: int) -> AnyArray:
        """`count` values from a place, memory-mapped and read-only.

        Raises:
            FormatError: the file ends before them.
        """
        with self.stream() as stream:
            return _mapped(stream, np.dtype(dtype), count, offset, self.path.name)


class Scratch(Bytes):
    """A private file without a name, that is gone when nobody uses it or the program ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = _nameless()
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._size += len(data)

    def finish(self) -> None:
        self._file.flush()

    def stream(self) -> BinaryIO:
        return io.BufferedReader(_View(self.read_at, self._size))

    def read_at(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def array(self, dtype: Any, count: int, offset: int) -> AnyArray:
        with self._lock:
            return _mapped(self._file, np.dtype(dtype), count, offset, self.path.name)


def _mapped(stream: BinaryIO, dtype: Any, count: int, offset: int, name: str) -> AnyArray:
    """The size is looked at just before: to touch a map beyond its file ends the process."""
    need = offset + count * dtype.itemsize
    size = stream.seek(0, 2)
    if size < need:
        raise FormatError(f"{name} is cut short: {need - size} bytes of pixels are missing.")
    return np.memmap(stream, dtype, "r", offset, (count,))


class _View(io.RawIOBase):
    """A stream with its own position over bytes that others read too."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int) -> None:
        self._read_at, self._size, self._at = read_at, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._read_at(self._at, min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _nameless() -> BinaryIO:
    """Of the user's own cache folder, because many systems keep /tmp in memory."""
    folder = user_cache_path("denoise-studio")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)  # type: ignore[return-value]
    except OSError:
        return tempfile.TemporaryFile()  # type: ignore[return-value]


def inflate(
    stream: BinaryIO, scratch: Scratch, limit: int, wbits: int, check: Callable[[], None] = lambda: None
) -> None:
    """Inflate a stream into a scratch file, no more than `limit` bytes.

    Args:
        stream: at the first compressed byte.
        scratch: is appended to.
        limit: bytes in all that are wanted; what follows them is left.
        wbits: as zlib has it: -15 for bare deflate, 31 for gzip.
        check: called between blocks; raises to stop.

    Raises:
        FormatError: damaged, or the disk has no room; one sentence.
    """
    name = scratch.path.name
    _require_room(limit, name)
    engine, data, left = zlib.decompressobj(wbits), b"", limit
    try:
        while left > 0:
            check()
            data = data or stream.read(_BLOCK)
            if not data:
                break
            out = engine.decompress(data, min(left, 4 * _BLOCK))
            data = engine.unconsumed_tail
            scratch.append(out)
            left -= len(out)
            if engine.eof:
                data = engine.unused_data
                engine = zlib.decompressobj(wbits)
                if wbits < 16 or not data.startswith(b"\x1f\x8b"):
                    break  # Only gzip may have several members.
        scratch.finish()
    except zlib.error:
        raise FormatError(f"{name} is damaged: its compressed data does not inflate.") from None
    except OSError as error:
        raise FormatError(f"{name} cannot be inflated: {(error.strerror or str(error)).lower()}.") from None


def _require_room(need: int, name: str) -> None:
    folder = user_cache_path("denoise-studio")
    place = folder if folder.exists() else Path(tempfile.gettempdir())
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return
    if need + _SPARE > free:
        raise FormatError(
            f"{name} inflates to {need >> 20} MB, for which {place} has no room ({free >> 20} MB free)."
        )
