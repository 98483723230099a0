"""Stored samples to float32 and back: every rounding is exact, counted or refused."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import FormatError, StudioError
from denoise_studio.core.picture import Picture, Scale, Stored, mark_non_finite
from denoise_studio.core.types import AnyArray, BoolArray, FloatArray
from denoise_studio.formats.base import Encoded

MAX_PIXELS = 512 * 1024 * 1024
"""No larger picture is opened: a broken header must not claim all memory."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Values:
    """What `to_float` made of an array: the fields of the same names of a `Picture`."""

    pixels: FloatArray
    padding: BoolArray | None = None
    padding_values: FloatArray | None = None
    notes: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """Keyword arguments for `Picture`, notes left out."""
        return {"pixels": self.pixels, "padding": self.padding, "padding_values": self.padding_values}


def check_size(name: str, width: int, height: int, held: int | None = None) -> None:
    """Judge the size a header claims, before anything is decoded.

    Args:
        name: the file's, for messages.
        width: in pixels.
        height: in pixels.
        held: bytes that the whole file has; no compression of pictures reaches 1 to 5000.

    Raises:
        FormatError: no pixels, more than `MAX_PIXELS`, or far more than the file can hold.
    """
    if width <= 0 or height <= 0:
        raise FormatError(f"{name} has no pixels ({width} x {height}).")
    if width * height > MAX_PIXELS:
        raise FormatError(
            f"{name} claims {width} x {height} pixels, more than the {MAX_PIXELS // 2**20} megapixels "
            "that Denoise Studio opens."
        )
    if held is not None and width * height > 5000 * held + (1 << 20):
        raise FormatError(f"{name} claims {width} x {height} pixels, which its {held} bytes cannot hold.")


def to_float(samples: AnyArray, name: str, slope: float = 1.0, intercept: float = 0.0) -> Values:
    """`samples * slope + intercept` as float32, C-contiguous, NaN and Inf split off.

    Args:
        samples: `(C, H, W)` of any numeric type.
        name: the file's, for messages.
        slope: rescale slope.
        intercept: rescale intercept.

    Raises:
        FormatError: a type or a value that float32 cannot stand for, or nothing finite.
    """
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    notes: tuple[str, ...] = ()
    if kind == "b":
        notes = ("True and False are taken as 1 and 0.",)
    elif kind in "iu" and size > 2:
        _require_exact(samples, name)
    elif kind == "f" and size > 4:
        notes = _count_rounding(samples, name)
    elif kind not in "iuf":
        raise FormatError(f"{name} holds samples of type {samples.dtype}, not plain numbers.")
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ascontiguousarray(rescale(samples, slope, intercept))
    try:
        pixels, padding = mark_non_finite(values)
    except StudioError:
        raise FormatError(f"{name} holds no finite pixel (all are NaN or infinite).") from None
    if padding is None:
        return Values(pixels, notes=notes)
    count = int(padding.sum())
    notes += (f"{count} pixel{_s(count)} without a finite value (NaN or infinite) left as they are.",)
    return Values(pixels, padding, values, notes)


def rescale(samples: AnyArray, slope: float = 1.0, intercept: float = 0.0) -> FloatArray:
    """`samples * slope + intercept`, computed in double precision, as float32."""
    if slope == 1.0 and intercept == 0.0:
        return samples.astype(np.float32)
    return (samples.astype(np.float64) * slope + intercept).astype(np.float32)


def _require_exact(samples: Any, name: str) -> None:
    """A whole number fits float32 if its bits from the first to the last 1 are at most 24."""
    magnitude = np.where(samples < 0, -samples, samples).astype(np.uint64)
    lowest = magnitude & (~magnitude + np.uint64(1))
    bad = int(((magnitude >> np.uint64(24) >= lowest) & (magnitude != 0)).sum())
    if bad:
        raise FormatError(
            f"{name} holds {bad} whole number{_s(bad)} of {samples.dtype.itemsize * 8} bits that 32-bit "
            "floating point cannot hold exactly."
        )


def _count_rounding(samples: Any, name: str) -> tuple[str, ...]:
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = samples.astype(np.float32).astype(samples.dtype)
    finite = np.isfinite(samples)
    if bool((finite & ~np.isfinite(rounded)).any()):
        raise FormatError(f"{name} holds values beyond the range of 32-bit floating point.")
    change = np.abs(np.where(finite, rounded - samples, 0))
    count = int(np.count_nonzero(change))
    if not count:
        return ()
    note = (
        f"{count} value{_s(count)} of {samples.dtype.itemsize * 8} bits rounded to 32-bit floating point "
        f"(largest change {float(change.max()):.3g})."
    )
    return (note,)


def restore(picture: Picture) -> FloatArray:
    """The pixels with the original values where the picture has padding."""
    if picture.padding is None or picture.padding_values is None:
        return picture.pixels
    return np.where(picture.padding, picture.padding_values, picture.pixels)


@dataclass(frozen=True)
class Target:
    """How a file will hold a picture's values.

    Args:
        stored: sample type; `value = sample * slope + intercept` in the picture's unit.
        declared: a note in the file lets opening give the picture's own values back, else
            opening gives the samples as they are.
        white_is_zero: the file says that samples count down from white.
    """

    stored: Stored
    declared: bool = False
    white_is_zero: bool = False


FLOAT = Stored("float32", 32)


def integer_target(picture: Picture, bits: int) -> Target | None:
    """Whole numbers of 8 or 16 bits for this picture, or None where it has no such form."""
    stored = picture.stored
    if picture.scale in (Scale.HU, Scale.SIGNAL):
        return _scanner_target(stored) if bits == 16 else None
    if stored.is_integer and np.dtype(stored.dtype).kind == "i":
        return Target(Stored("int16", 16), True) if bits == 16 and stored.bits <= 16 else None
    low, high = picture.nominal_range
    if picture.scale is Scale.LINEAR or low != 0.0 or high not in (1.0, 255.0, 65535.0):
        return None
    limit = (1 << bits) - 1
    return Target(Stored(f"uint{bits}", bits, high / limit), picture.scale is not Scale.DISPLAY)


def _scanner_target(stored: Stored) -> Target | None:
    if stored.slope == 1.0 and float(stored.intercept).is_integer():
        return Target(Stored("int16", 16), True)  # The values themselves, for other readers.
    if stored.is_integer and np.dtype(stored.dtype).itemsize <= 2:
        sign = np.dtype(stored.dtype).kind
        return Target(Stored("int16" if sign == "i" else "uint16", 16, stored.slope, stored.intercept), True)
    return None


def own_bits(picture: Picture) -> int:
    """8, 16 or 32: the depth of the source's samples."""
    if not picture.stored.is_integer:
        return 32
    return {1: 8, 2: 16}.get(np.dtype(picture.stored.dtype).itemsize, 32)


def quantise(picture: Picture, target: Target) -> Encoded:
    """The samples that stand for a picture's values, rounded to nearest and clipped.

    Values at padding are stored as they were; where they are not finite, whole numbers store 0.
    """
    values = restore(picture)
    stored = target.stored
    if not stored.is_integer:
        return Encoded(values, mark_non_finite(values)[0], stored)
    restored = target.declared or target.white_is_zero
    slope, intercept = (stored.slope, stored.intercept) if restored else (1.0, 0.0)
    samples = np.empty(values.shape, stored.dtype)
    pixels = np.empty(values.shape, np.float32)
    clipped = missing = 0
    rows = max(1, _BLOCK // (values.shape[0] * values.shape[2]))
    for top in range(0, values.shape[1], rows):
        part = slice(top, top + rows)
        padding = picture.padding[part] if picture.padding is not None else None
        samples[:, part], outside, lost = _to_stored(values[:, part], stored, padding)
        pixels[:, part] = rescale(samples[:, part], slope, intercept)
        clipped += outside
        missing += lost
    dropped = (f"{missing} pixel{_s(missing)} without a finite value stored as 0.",) if missing else ()
    return Encoded(samples, pixels, stored, clipped, dropped)


def _to_stored(values: FloatArray, stored: Stored, padding: BoolArray | None) -> tuple[Any, int, int]:
    """Whole numbers for some rows, how many had to be clipped, and how many pixels are not finite."""
    finite = np.isfinite(values)
    whole = np.rint(np.where(finite, (values.astype(np.float64) - stored.intercept) / stored.slope, 0.0))
    low, high = stored.limits
    outside = (whole < low) | (whole > high)
    if padding is not None:
        outside &= ~padding
    samples = np.clip(whole, low, high).astype(stored.dtype)
    return samples, int(np.count_nonzero(outside)), int((~finite).any(axis=0).sum())


def check_bits(bits: int | None) -> None:
    """Raise `FormatError` for a depth that nobody can mean."""
    if bits not in (None, 8, 16, 32):
        raise FormatError(f"{bits} bits a sample cannot be saved; choose 8, 16 or 32 (floating point).")


def describe_values(picture: Picture) -> str:
    """What the values are, for the sentence that refuses them."""
    if picture.scale is Scale.HU:
        return "Hounsfield units"
    if picture.scale is Scale.SIGNAL:
        return "a scanner's signal"
    if picture.scale is Scale.LINEAR:
        return "linear sensor values"
    low, high = picture.nominal_range
    return f"values from {low:g} to {high:g}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
