"""A series: slices in order, each opened when it is wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from denoise_studio.core.progress import Progress

if TYPE_CHECKING:
    from denoise_studio.core.picture import Kind, Picture


@dataclass(frozen=True)
class SliceInfo:
    """What is known of a slice before its pixels are read.

    Args:
        path: the file that holds it.
        frame: 0-based frame of a file with several, else None.
        position: mm along the series' normal; None where the file does not tell.
        thickness: mm, if known.
        number: instance number, or frame number counted from 1.
    """

    path: Path
    frame: int | None = None
    position: float | None = None
    thickness: float | None = None
    number: int | None = None


OpenSlice = Callable[["Series", int, Progress], "Picture"]


@dataclass(frozen=True, eq=False)
class Series:
    """Slices of one size in one direction, sorted along it. Holds no pixels.

    Args:
        slices: in the order in which they are shown.
        shape: rows and columns of every slice.
        kind: CT, MR, ...
        open_slice: reads one; `open` is how to call it.
        label: what a person reads in a list, without anything that names a patient.
        step: usual distance of two slices in mm, if known.
        notes: sentences about gaps, duplicates, mixed orientation, gantry tilt, left-out files.
        tilt: gantry tilt in degrees; 0 where the slices lie straight above each other.
        unread: sentences about files beside it that cannot be read and may have been slices.
        key: tells it from another series of the same folder (a UID or a path); not for showing.
    """

    slices: tuple[SliceInfo, ...]
    shape: tuple[int, int]
    kind: "Kind"
    open_slice: OpenSlice
    label: str = ""
    step: float | None = None
    notes: tuple[str, ...] = ()
    tilt: float = 0.0
    unread: tuple[str, ...] = ()
    key: str = ""
    files: frozenset[Path] = field(default_factory=frozenset)
    """Every file that was looked at and belongs to it, duplicates too."""

    def __len__(self) -> int:
        return len(self.slices)

    def open(self, index: int, progress: Progress | None = None) -> "Picture":
        """The slice as a picture whose `place` says where in the series it is.

        Raises:
            FormatError: its file is broken or has gone; one sentence.
            IndexError: there is no such slice.
        """
        if not 0 <= index < len(self.slices):
            raise IndexError(f"slice {index} of {len(self.slices)}")
        return self.open_slice(self, index, progress or Progress())


@dataclass(frozen=True)
class Place:
    """Which slice of which series a picture is."""

    series: Series
    index: int

    @property
    def info(self) -> SliceInfo:
        return self.series.slices[self.index]
