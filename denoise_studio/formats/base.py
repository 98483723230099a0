"""What every file format offers, and the one list of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from denoise_studio.core.picture import Picture, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray, FloatArray


@dataclass(frozen=True)
class SaveOptions:
    """What a person can choose when saving.

    Args:
        bits: 8, 16 or 32 (float); None keeps the source's depth where the format can.
        quality: JPEG quality, 1..100.
        series: DICOM files saved with the same text from one source series become one new
            series; None joins what this run of the program saves with the same history.
        develop: what camera raw becomes in formats without mosaics: "display" (sRGB) or "linear"
            (Rec. 2020); None is linear for TIFF, else display.
        exposure: stops that developing adds, in linear light.
        preview: JPEG for formats that carry a small picture (DNG); the engine makes it.
        noise_reduction: 0..1, how much noise was taken away, for DNG; the engine tells it.
        recipe: JSON of the recipe, which DICOM keeps inside; the engine tells it.
        anonymise: DICOM without what tells whose it is: the standard's basic confidentiality profile.
        secret: what the UIDs of anonymised files are made from: files saved with the same text stay
            one series and one study; None is this run of the program's own, which nobody knows.
    """

    bits: int | None = None
    quality: int = 95
    series: str | None = None
    develop: str | None = None
    exposure: float = 0.0
    preview: bytes | None = None
    noise_reduction: float = 0.0
    recipe: bytes | None = None
    anonymise: bool = False
    secret: str | None = None


@dataclass(frozen=True)
class Encoded:
    """A picture as a file of one format will hold it: the declared quantisation.

    Args:
        samples: `(C, H, W)` in the stored type, upright.
        pixels: `(C, H, W)` float32 that opening the saved file gives back (before lossy
            coding, in the case of JPEG).
        stored: sample type, bits, slope and intercept; `sample * slope + intercept` is the
            value in the unit of the picture that was saved.
        clipped: how many samples lay outside what the file can hold and were clipped.
        dropped: sentences about what of the picture this file cannot keep.
    """

    samples: AnyArray
    pixels: FloatArray
    stored: Stored
    clipped: int = 0
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class SaveReport:
    """What was written."""

    path: Path
    format: str
    stored: Stored
    clipped: int
    dropped: tuple[str, ...]


class Format(ABC):
    """One file format.

    Attributes:
        id: "dicom", "tiff", "png", "jpeg", "npy".
        name: for dialogs.
        suffixes: lower case, with the dot; the first is the default.
        depths: values of `SaveOptions.bits` that a person may choose between.
        opens: endings of files that it opens but saves none of.
        writes_volumes: whether `save_frames` makes such files of whole volumes, where slices cannot be.
        lossless: whether opening a saved file gives exactly `encode(...).pixels`.
    """

    id: str
    name: str
    suffixes: tuple[str, ...]
    depths: tuple[int, ...] = ()
    opens: tuple[str, ...] = ()
    lossless: bool = True
    can_write: bool = True
    writes_volumes: bool = False

    @abstractmethod
    def matches(self, head: bytes, path: Path) -> bool:
        """Whether a file that begins with these (up to 1024) bytes is of this format."""

    @abstractmethod
    def open(self, path: Path, progress: Progress) -> Picture:
        """Read a picture.

        Raises:
            FormatError: the file is broken or of a kind that is not read; one sentence.
        """

    @abstractmethod
    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        """The samples that `write` puts into a file.

        Raises:
            FormatError: this format cannot hold such a picture; the sentence names one that can.
        """

    @abstractmethod
    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        """Write to `path`, a temporary file beside the target; the caller renames it.

        Raises:
            OSError: the disk is full, the folder cannot be written, ...
        """
