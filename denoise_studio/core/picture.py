"""A picture: pixels plus what they mean."""

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.plane import Plane
from denoise_studio.core.series import Place
from denoise_studio.core.types import AnyArray, BoolArray, FloatArray


class Scale(StrEnum):
    """What one unit of a pixel value means."""

    HU = "HU"
    """Hounsfield units (CT)."""
    SIGNAL = "signal"
    """A scanner's own signal, for example MR: linear, without an absolute zero."""
    LINEAR = "linear"
    """Linear sensor or scene values."""
    DISPLAY = "display"
    """Display-referred values (sRGB or the embedded ICC profile), in the file's own DN."""
    UNITLESS = "unitless"
    """Numbers whose meaning the file does not tell."""


class Kind(StrEnum):
    """What sort of picture this is; decides default method, mouse habits and levels."""

    CT = "ct"
    MR = "mr"
    PHOTO = "photo"
    RAW = "raw"
    """What a camera's sensor saw, one colour a pixel."""
    DATA = "data"


_KINDS = {Scale.HU: Kind.CT, Scale.SIGNAL: Kind.MR, Scale.DISPLAY: Kind.PHOTO, Scale.LINEAR: Kind.PHOTO}


@dataclass(frozen=True)
class Stored:
    """How the source file holds a value: `value = stored * slope + intercept`.

    Args:
        dtype: numpy name of the stored sample type, for example "uint16" or "float32".
        bits: bits that carry data (12 in a 16-bit word, say).
        slope: rescale slope.
        intercept: rescale intercept, in the picture's unit.
    """

    dtype: str
    bits: int
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_integer(self) -> bool:
        return np.dtype(self.dtype).kind in "iu"

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest stored integer that `bits` can hold."""
        if np.dtype(self.dtype).kind == "i":
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1


@dataclass(frozen=True)
class Window:
    """A display window in the picture's unit: `level` is its centre.

    `function` is how the file says values run through it (VOI LUT Function, PS3.3 C.11.2.1.3):
    "LINEAR", "LINEAR_EXACT" or "SIGMOID"; "" where it says nothing, which is shown as LINEAR_EXACT.
    """

    width: float
    level: float
    name: str = ""
    function: str = ""


@dataclass(frozen=True)
class Source:
    """Where a picture came from, kept whole for the way back.

    `metadata` belongs to the format that made it; nobody else looks inside. `summary` is what
    `info` prints: plain names and values without patient data. `sha256` is the file's checksum
    when it was opened.
    """

    format: str
    path: Path | None = None
    metadata: Any = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""


_serial = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels and their meaning. Immutable: the arrays are made read-only.

    Args:
        pixels: `(C, H, W)` float32, C = 1 (grey) or 3 (red, green, blue), upright.
        scale: what a value means.
        unit: how the value is written after a number ("HU", "DN", "").
        nominal_range: lowest and highest value the source could hold or is expected to hold.
        stored: how the source held it.
        spacing: pixel distance in mm as (row, column), if known.
        padding: `(H, W)` True where a pixel is no part of the picture (padding, NaN, Inf);
            such pixels are never filtered and never influence others.
        padding_values: `(C, H, W)` float32 with the values to write back where `padding` is
            True (they may be NaN or Inf, which `pixels` never is); None if `pixels` has them.
        alpha: `(H, W)` in the source's own type, carried through untouched.
        icc: embedded ICC profile of display-referred pixels.
        orientation: EXIF orientation (1..8) of the stored pixels; `pixels` are already upright.
        windows: the file's own display windows.
        plane: where a slice lies in the patient, if the file tells.
        place: which slice of which series it is, for pictures opened through one.
        mosaic: for what a camera's sensor saw: which pixel has which colour; one channel, unit DN.
        notes: sentences about what opening had to change or assume.
        history: one line for every step that made these pixels from the source's.
    """

    pixels: FloatArray
    scale: Scale = Scale.UNITLESS
    unit: str = ""
    nominal_range: tuple[float, float] = (0.0, 1.0)
    stored: Stored = Stored("float32", 32)
    spacing: tuple[float, float] | None = None
    padding: BoolArray | None = None
    padding_values: FloatArray | None = None
    alpha: AnyArray | None = None
    icc: bytes | None = None
    orientation: int = 1
    windows: tuple[Window, ...] = ()
    plane: Plane | None = None
    place: Place | None = None
    mosaic: Mosaic | None = None
    notes: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    name: str = ""
    source: Source | None = None
    serial: int = field(default_factory=lambda: next(_serial))

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[0] not in (1, 3):
            raise StudioError(f"A picture needs 1 or 3 channels, not an array of shape {self.pixels.shape}.")
        if 0 in self.pixels.shape:
            raise StudioError("The picture has no pixels.")
        if self.pixels.dtype != np.float32:
            raise StudioError(f"Pixels must be float32, not {self.pixels.dtype}.")
        if self.mosaic is not None and self.pixels.shape[0] != 1:
            raise StudioError("A mosaic has one channel.")
        if self.padding is not None and (
            self.padding.shape != self.pixels.shape[1:] or self.padding.dtype != np.bool_
        ):
            raise StudioError(
                f"The padding must be a mask of shape {self.pixels.shape[1:]}, "
                f"not {self.padding.dtype} {self.padding.shape}."
            )
        for array in (self.pixels, self.padding, self.padding_values, self.alpha):
            if array is not None:
                array.flags.writeable = False

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[2])

    @property
    def rect(self) -> Rect:
        return Rect(0, 0, self.width, self.height)

    @property
    def kind(self) -> Kind:
        return Kind.RAW if self.mosaic is not None else _KINDS.get(self.scale, Kind.DATA)

    @property
    def noise_unit(self) -> str:
        """What stands after a noise level: photographs of 8 bits are read as parts of 255."""
        if self.scale is Scale.DISPLAY and self.nominal_range == (0.0, 255.0):
            return "/255"
        return self.unit

    @property
    def span(self) -> float:
        """Width of the scale that relative parameters refer to, in the picture's unit.

        1000 for HU (water to air), else the nominal range.
        """
        if self.scale is Scale.HU:
            return 1000.0
        low, high = self.nominal_range
        return float(high - low) or 1.0

    @functools.cached_property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest value of the pixels that are no padding; (0, 0) if all are."""
        if self.padding is None:
            return float(self.pixels.min()), float(self.pixels.max())
        valid = np.logical_not(self.padding)
        if not valid.any():
            return 0.0, 0.0
        # `where` instead of an index: this must not copy the picture.
        low = self.pixels.min(where=valid, initial=np.inf)
        return float(low), float(self.pixels.max(where=valid, initial=-np.inf))

    def derive(self, pixels: FloatArray, **changes: Any) -> "Picture":
        """The same picture with other pixels of the same size; padding keeps its values."""
        if pixels.shape != self.pixels.shape:
            raise StudioError(f"The result has shape {pixels.shape} instead of {self.pixels.shape}.")
        return replace(self, pixels=pixels, serial=next(_serial), **changes)

    def part(self, rect: Rect, pixels: FloatArray | None = None, valid: BoolArray | None = None) -> "Picture":
        """A rectangle as a picture of its own, to be measured: of the file it keeps only what values mean.

        Args:
            rect: inside the picture.
            pixels: `(C, h, w)` to take instead of the picture's own.
            valid: `(h, w)`, False where a pixel counts as padding besides those that are.
        """
        padding = None if self.padding is None else self.padding[rect.slices].copy()
        if valid is not None and not valid.all():
            padding = ~valid if padding is None else padding | ~valid
        own = self.pixels[(slice(None), *rect.slices)].copy() if pixels is None else pixels
        return replace(
            self,
            pixels=own,
            padding=padding,
            padding_values=None,
            alpha=None,
            source=None,
            windows=(),
            plane=None,
            place=None,
            mosaic=self.mosaic.shifted(rect.x, rect.y) if self.mosaic is not None else None,
            serial=next(_serial),
        )


_LARGEST = 1e30


def mark_non_finite(pixels: FloatArray) -> tuple[FloatArray, BoolArray | None]:
    """Split NaN and Inf off: pixels with 0 in their place, and the `(H, W)` mask (None if none).

    Values beyond 1e30, which float files use as "no data", count as infinite.

    Raises:
        StudioError: no pixel is finite.
    """
    with np.errstate(invalid="ignore"):
        finite = np.abs(pixels) < _LARGEST
    if finite.all():
        return pixels, None
    bad: BoolArray = np.logical_not(finite.all(axis=0))
    if bad.all():
        raise StudioError("The picture holds no finite pixel (all are NaN or infinite).")
    clean = pixels.copy()
    clean[:, bad] = 0.0
    return clean, bad
