"""A NIfTI file's voxels, slice by slice; a compressed one is inflated once to a private file."""

import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.nifti_header import HEAD, Header, parse, plain_head
from denoise_studio.formats.nifti_plane import Turn, turn_of
from denoise_studio.formats.samples import check_size, rescale
from denoise_studio.formats.scratch import Bytes, Scratch, inflate

_GZIP = b"\x1f\x8b"
_DEFLATE_MOST = 1032
"""Deflate never makes more of a byte (RFC 1951)."""
_JUDGED = 15
"""Slices that are looked at to tell what the values are."""
_AIR = (-1100.0, -900.0)
_AIR_SHARE = 0.01


class Volume:
    """One file.

    Attributes:
        path: the file.
        header: what it says.
        turn: how its slices are turned to be seen.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as stream:
            head = stream.read(4 * HEAD)
        self.header: Header = parse(plain_head(head), path.name)
        self.turn: Turn = turn_of(self.header.shape[:3], self.header.affine, self.header.size)
        self._compressed = head[:2] == _GZIP
        check_size(path.name, self.header.shape[0], self.header.shape[1])
        self._check_length()
        self._data: Bytes | None = None
        self._lock = threading.Lock()

    def _check_length(self) -> None:
        held = self.path.stat().st_size
        if self._compressed:
            if self.header.need > _DEFLATE_MOST * held + (1 << 16):
                raise FormatError(
                    f"{self.path.name} claims {self.header.need >> 20} MB of voxels, which its {held} bytes "
                    "cannot hold."
                )
        elif held < self.header.need:
            raise FormatError(f"{self.path.name} is cut short: {self.header.need - held} bytes are missing.")

    def data(self, progress: Progress) -> Bytes:
        """The bytes, inflated; kept as long as the volume is."""
        with self._lock:
            if self._data is None:
                self._data = (
                    _inflated(self.path, self.header, progress) if self._compressed else Bytes(self.path)
                )
            return self._data

    def release(self) -> None:
        """Let go of what was inflated; the next use inflates again."""
        with self._lock:
            self._data = None

    def stored(self, index: int, progress: Progress) -> AnyArray:
        """`(j, i)` as stored, in this machine's byte order: slice k of volume t has index t * slices + k."""
        header = self.header
        count = header.shape[0] * header.shape[1]
        mapped = self.data(progress).array(header.dtype, count, header.offset + index * header.slice_bytes)
        return mapped.astype(header.dtype.newbyteorder("=")).reshape(header.shape[1], header.shape[0])


class _Open:
    """Inflated volumes that somebody uses, so that each is inflated once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: weakref.WeakValueDictionary[Any, Scratch] = weakref.WeakValueDictionary()


_open = _Open()


def _inflated(path: Path, header: Header, progress: Progress) -> Scratch:
    status = path.stat()
    key = (path.absolute(), status.st_size, status.st_mtime_ns)
    with _open.lock:
        if (known := _open.files.get(key)) is not None:
            return known
        scratch = Scratch(path)
        with path.open("rb") as stream:
            inflate(stream, scratch, header.need, 31, progress.check)
        if scratch.size < header.need:
            missing = header.need - scratch.size
            raise FormatError(f"{path.name} is cut short: {missing} bytes of voxels are missing.")
        _open.files[key] = scratch
        return scratch


def judge(volume: Volume, progress: Progress) -> tuple[Scale, tuple[float, float], str]:
    """What the values are, which NIfTI does not tell; their range; the sentence that says so.

    They are Hounsfield units if up to fifteen slices, evenly chosen, hold air: one voxel in a
    hundred from -1100 to -900, and below that nothing but one value, the padding. Phase images of
    MR reach as low, but have many values there.
    """
    chosen = np.unique(np.linspace(0, volume.header.slices - 1, _JUDGED).round().astype(int))
    low, high, air, count = np.inf, -np.inf, 0, 0
    beneath: set[float] = set()
    for index in chosen:
        progress.check()
        values = rescale(volume.stored(int(index), progress), volume.header.slope, volume.header.intercept)
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        air += int(((values >= _AIR[0]) & (values <= _AIR[1])).sum())
        count += values.size
        beneath.update(np.unique(values[values < _AIR[0]])[:2].tolist())
    span = (low, high) if low < high else (low, low + 1.0) if count else (0.0, 1.0)
    if count and air >= _AIR_SHARE * count and len(beneath) <= 1:
        note = "NIfTI does not tell what its values are; they are taken as Hounsfield units, as they hold air"
        return Scale.HU, span, f"{note} ({100 * air / count:.2g} % from -1100 to -900)."
    note = "NIfTI does not tell what its values are; they are taken as a scanner's signal, not as"
    return Scale.SIGNAL, span, f"{note} Hounsfield units."
