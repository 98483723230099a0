"""NIfTI files, written byte by byte after nifti1.h and nifti2.h."""

import gzip
import struct
from pathlib import Path

import numpy as np

CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024}


def write_nifti(
    path: Path,
    volume: np.ndarray,
    *,
    version: int = 1,
    order: str = "<",
    sform: np.ndarray | None = None,
    quatern: tuple[float, float, float] | None = None,
    offset: tuple[float, float, float] = (0, 0, 0),
    pixdim: tuple[float, ...] = (1, 1, 1, 1),
    scaling: tuple[float, float] = (0.0, 0.0),
    shown: tuple[float, float] = (0.0, 0.0),
    units: int = 2,
    code: int | None = None,
    extension: bytes = b"",
) -> None:
    """Write a volume indexed `[i, j, k]` or `[i, j, k, t]`.

    Args:
        path: ends in .gz for a compressed one.
        volume: of a type in `CODES`.
        version: 1 or 2.
        order: "<" or ">".
        sform: `(4, 4)` or None.
        quatern: b, c, d of the qform, or None.
        offset: of the qform.
        pixdim: the first is the sign of the qform's third axis.
        scaling: slope and intercept.
        shown: darkest and brightest.
        units: xyzt_units.
        code: of the data type, where it is not the volume's own.
        extension: whole bytes of what stands between header and voxels.
    """
    head = bytearray(348 if version == 1 else 540)
    dims = [volume.ndim, *volume.shape, *[1] * (7 - volume.ndim)]
    kind = code if code is not None else CODES[f"{volume.dtype.kind}{volume.dtype.itemsize}"]
    start = len(head) + 4 + len(extension)
    steps = [*pixdim, *[0.0] * (8 - len(pixdim))]
    rows = np.zeros((3, 4)) if sform is None else np.asarray(sform)[:3]
    codes = (0 if quatern is None else 1, 0 if sform is None else 1)
    numbers = (0, 0, 0) if quatern is None else quatern

    def put(at: int, layout: str, *values: float) -> None:
        struct.pack_into(order + layout, head, at, *values)

    if version == 1:
        put(0, "i", 348)
        put(40, "8h", *dims)
        put(70, "hh", kind, volume.dtype.itemsize * 8)
        put(76, "8f", *steps)
        put(108, "fff", start, *scaling)
        put(123, "B", units)
        put(124, "ff", shown[1], shown[0])
        put(252, "hh", *codes)
        put(256, "6f", *numbers, *offset)
        put(280, "12f", *rows.ravel())
        head[344:348] = b"n+1\0"
    else:
        put(0, "i", 540)
        head[4:12] = b"n+2\0\r\n\x1a\n"
        put(12, "hh", kind, volume.dtype.itemsize * 8)
        put(16, "8q", *dims)
        put(104, "8d", *steps)
        put(168, "q", start)
        put(176, "dd", *scaling)
        put(192, "dd", shown[1], shown[0])
        put(344, "ii", *codes)
        put(352, "6d", *numbers, *offset)
        put(400, "12d", *rows.ravel())
        put(500, "i", units)
    marks = b"\1\0\0\0" if extension else bytes(4)
    body = volume.astype(volume.dtype.newbyteorder(order)).tobytes(order="F")
    data = bytes(head) + marks + extension + body
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
