"""NumPy's own file format: values and nothing else."""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture, Scale, Source, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import AnyArray, FloatArray
from denoise_studio.formats.base import Encoded, Format, SaveOptions
from denoise_studio.formats.samples import (
    FLOAT,
    Target,
    check_bits,
    check_size,
    integer_target,
    quantise,
    restore,
    to_float,
)

_MAGIC = b"\x93NUMPY"


class Npy(Format):
    """`(H, W)`, `(H, W, 1 or 3)` or `(1 or 3, H, W)` arrays; object arrays are never unpickled.

    A shape that can be read both ways, such as `(3, 40, 3)`, has its channels last. Without a
    step of history the values go back in the source's own type; filtered values are float32
    unless `SaveOptions.bits` asks otherwise, so that saving never rounds unasked.
    """

    id = "npy"
    name = "NPY"
    suffixes = (".npy",)

    def matches(self, head: bytes, path: Path) -> bool:
        return head.startswith(_MAGIC)

    def open(self, path: Path, progress: Progress) -> Picture:
        progress.report(0.0, "Reading")
        with path.open("rb") as stream:
            shape, dtype = _header(stream, path)
            layout, notes = _layout(shape, path.name)
            _check(stream, path, shape, dtype, layout)
            stream.seek(0)
            array = np.lib.format.read_array(stream, allow_pickle=False)
        values = to_float(_channels_first(array, layout), path.name)
        progress.check()
        return Picture(
            **values.fields,
            scale=Scale.UNITLESS,
            nominal_range=nominal_range(dtype, values.pixels, values.padding),
            stored=Stored(dtype.newbyteorder("=").name, dtype.itemsize * 8),
            notes=notes + values.notes,
            name=path.name,
            source=Source(
                "npy",
                path.absolute(),
                {"layout": layout, "dtype": dtype.str},
                {"array": f"{dtype.name} {'x'.join(map(str, shape))}"},
            ),
        )

    def encode(self, picture: Picture, options: SaveOptions) -> Encoded:
        check_bits(options.bits)
        encoded = quantise(picture, _target(picture, options.bits))
        lost = [
            text
            for there, text in (
                (picture.alpha is not None, "transparency"),
                (picture.icc is not None, "the colour profile"),
                (picture.spacing is not None, "pixel spacing"),
                (picture.source is not None and picture.source.format != "npy", "the source's metadata"),
            )
            if there
        ]
        dropped = (f"NPY keeps values only, not {', '.join(lost)}.",) if lost else ()
        return Encoded(
            encoded.samples, encoded.pixels, encoded.stored, encoded.clipped, encoded.dropped + dropped
        )

    def write(self, picture: Picture, encoded: Encoded, path: Path, options: SaveOptions) -> None:
        source = picture.source
        layout = source.metadata["layout"] if source and source.format == "npy" else ""
        array = encoded.samples
        if layout == "HWC" or (not layout and picture.channels == 3):
            array = np.ascontiguousarray(np.moveaxis(array, 0, -1))
        elif layout != "CHW":
            array = array[0]
        with path.open("wb") as stream:
            np.lib.format.write_array(stream, array, allow_pickle=False)


def nominal_range(dtype: Any, pixels: FloatArray, padding: Any) -> tuple[float, float]:
    """All of an unsigned 8- or 16-bit type, (0, 1) for values in it, else lowest to highest."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return 0.0, 1.0
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return 0.0, float(np.iinfo(dtype).max)
    valid = pixels if padding is None else pixels[:, ~padding]
    low, high = float(valid.min()), float(valid.max())
    if dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    return low, high


def _target(picture: Picture, bits: int | None) -> Target:
    if bits in (8, 16):
        target = integer_target(picture, bits)
        scanner = picture.scale in (Scale.HU, Scale.SIGNAL)
        if target is None or (scanner and (target.stored.slope, target.stored.intercept) != (1.0, 0.0)):
            raise FormatError(
                f"These values have no {bits}-bit form in NPY; save them as 32-bit floating point."
            )
        return Target(target.stored)
    source = picture.source
    if bits is None and source and source.format == "npy" and not picture.history:
        dtype = np.dtype(source.metadata["dtype"])
        values = restore(picture)
        if dtype.kind in "iu" and dtype.itemsize <= 2 and np.array_equal(values.astype(dtype), values):
            return Target(Stored(dtype.newbyteorder("=").name, dtype.itemsize * 8))
    return Target(FLOAT)


def _header(stream: BinaryIO, path: Path) -> tuple[tuple[int, ...], Any]:
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(stream)
    except OSError:
        raise
    except Exception as error:  # The header is parsed as Python, and fails as Python does.
        raise FormatError(f"{path.name} has a broken NPY header ({type(error).__name__}).") from None
    if dtype.kind not in "biuf":
        kind = "Python objects" if dtype.hasobject else f"samples of type {dtype.name}"
        raise FormatError(f"{path.name} holds {kind}; only arrays of real numbers are opened.")
    return shape, dtype


def _layout(shape: tuple[int, ...], name: str) -> tuple[str, tuple[str, ...]]:
    """Where the channels are: "HW", "HWC" or "CHW"."""
    if len(shape) == 2:
        return "HW", ()
    if len(shape) == 3:
        last, first = shape[2] in (1, 3), shape[0] in (1, 3)
        if last and first:
            return "HWC", (f"The shape {shape} is read as rows, columns, channels.",)
        if last or first:
            return ("HWC" if last else "CHW"), ()
        raise FormatError(
            f"{name} holds an array of shape {shape}, a stack of {shape[0]} slices; save one slice at a time."
        )
    raise FormatError(f"{name} holds an array of shape {shape}; a picture is (H, W), (H, W, 3) or (3, H, W).")


def _check(stream: BinaryIO, path: Path, shape: tuple[int, ...], dtype: Any, layout: str) -> None:
    rows = shape[1:] if layout == "CHW" else shape[:2]
    check_size(path.name, rows[1], rows[0])
    missing = math.prod(shape) * dtype.itemsize - (path.stat().st_size - stream.tell())
    if missing > 0:
        raise FormatError(f"{path.name} is cut short: {missing} bytes of pixels are missing.")


def _channels_first(array: AnyArray, layout: str) -> AnyArray:
    if layout == "HW":
        return array[None]
    return np.moveaxis(array, -1, 0) if layout == "HWC" else array
