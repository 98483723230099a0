"""Frames on their way into a multi-frame DICOM file: memory holds one, whatever their number."""

import dataclasses
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.formats.base import Encoded
from denoise_studio.formats.dicom_groups import FrameSaved
from denoise_studio.formats.dicom_pixels import extremes, frame_bytes
from denoise_studio.formats.dicom_read import DicomMetadata

_LARGEST = 0xFFFFFFFE
"""Bytes of pixels that a file that is not compressed can hold (PS3.5 7.1.1)."""
_BLOCK = 1 << 22


class Spool:
    """A temporary file without a name, beside the target, that holds each frame at its place in the source.

    Attributes:
        frames: those taken, in the order in which they came.
        metadata: of the first.
        stored: how all are stored; slope and intercept are the first's.
        scale: what values mean.
        extremes: smallest and largest sample without padding.
        clipped: how many samples did not fit.
        dropped: sentences about what is not kept.
    """

    def __init__(self, folder: Path, overlays: bool = True) -> None:
        """Args: folder: of the temporary file. overlays: whether bits beside the samples are kept."""
        self.file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # type: ignore[assignment]  # noqa: SIM115
        self.frames: list[FrameSaved] = []
        self.metadata: DicomMetadata | None = None
        self.stored = Stored("uint16", 16)
        self.scale = Scale.UNITLESS
        self.extremes = (0, 0)
        self.clipped = 0
        self._dropped: dict[str, None] = {}
        self._overlays = overlays
        self._taken: set[int] = set()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    def add(self, picture: Picture, metadata: DicomMetadata, encoded: Encoded) -> None:
        """Take a frame; only what the header must know of it stays in memory.

        Raises:
            FormatError: it is not of the same file as the frames before it, or one too many.
        """
        index, samples = metadata.frame or 0, encoded.samples[0]
        self._check(metadata, encoded, index)
        if self.metadata is None:
            self.metadata, self.stored, self.scale = metadata, encoded.stored, picture.scale
        kept = metadata if self._overlays else dataclasses.replace(metadata, spare=None)
        data = frame_bytes(samples, encoded.stored, kept)
        self.file.seek(index * len(data))
        self.file.write(data)
        self._extend(extremes(metadata.dataset, samples))
        self._taken.add(index)
        self.frames.append(FrameSaved(index, picture.history))
        self.clipped += encoded.clipped
        self._dropped.update(dict.fromkeys(encoded.dropped))

    def _check(self, metadata: DicomMetadata, encoded: Encoded, index: int) -> None:
        if index in self._taken:
            raise FormatError(f"Frame {index + 1} was to be saved twice.")
        if (len(self.frames) + 1) * encoded.samples[0].nbytes > _LARGEST:
            raise FormatError("A DICOM file holds at most 4 GB of pixels; save fewer frames, or as NIfTI.")
        if self.metadata is None:
            return
        same = metadata.dataset.get("SOPInstanceUID") == self.metadata.dataset.get("SOPInstanceUID")
        alike = (encoded.stored.dtype, encoded.stored.bits) == (self.stored.dtype, self.stored.bits)
        if not same or not alike or metadata.shape != self.metadata.shape:
            raise FormatError("Frames of one DICOM file are saved together, not those of several.")

    def _extend(self, found: tuple[int, int]) -> None:
        low, high = self.extremes if self.frames else found
        self.extremes = min(low, found[0]), max(high, found[1])

    def in_order(self) -> BinaryIO:
        """The frames in the source's order, one after the other, of even length; sorts `frames`.

        Raises:
            FormatError: there is none.
        """
        if self.metadata is None:
            raise FormatError("There is no frame to save.")
        self.frames.sort(key=lambda frame: frame.index)
        size = self.metadata.shape[0] * self.metadata.shape[1] * np.dtype(self.stored.dtype).itemsize
        for place, frame in enumerate(self.frames):
            if frame.index != place:
                _move(self.file, frame.index * size, place * size, size)
        length = len(self.frames) * size
        self.file.truncate(length + length % 2)
        self.file.seek(0)
        return self.file


def _move(file: BinaryIO, start: int, target: int, size: int) -> None:
    """Bytes to an earlier place in a file."""
    for done in range(0, size, _BLOCK):
        count = min(_BLOCK, size - done)
        file.seek(start + done)
        data = file.read(count)
        file.seek(target + done)
        file.write(data)
