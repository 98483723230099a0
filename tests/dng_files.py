"""DNG files of a made-up camera, written with tifffile: any pattern, orientation, byte order and fields."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

RGGB = ((0, 1), (1, 2))
GBRG = ((1, 2), (0, 1))
X_TRANS = (
    *((1, 1, 0, 1, 1, 2), (1, 1, 2, 1, 1, 0), (2, 0, 1, 0, 2, 1)),
    *((1, 1, 2, 1, 1, 0), (1, 1, 0, 1, 1, 2), (0, 2, 1, 2, 0, 1)),
)
# ColorMatrix1 of no camera: XYZ to camera, and the neutral of a warm light, in 1/10000.
MATRIX = (8000, -2500, -800, -4500, 12500, 2200, -900, 1900, 6000)
NEUTRAL = (5000, 10000, 6250)


def dng(
    path: Path,
    values: Any,
    pattern: Any = RGGB,
    black: Any = 512,
    white: int = 16383,
    order: str = "<",
    fields: Any = (),
    preview: bool = False,
    raw_fields: Any = (),
    **changes: Any,
) -> Path:
    """Write a mosaic.

    Args:
        path: of the file.
        values: `(H, W)` DN, as stored.
        pattern: rows of 0 red, 1 green, 2 blue.
        black: one level, or one for each place of the pattern, row by row; None leaves it to `raw_fields`.
        white: level.
        order: byte order.
        fields: further `(tag, type, count, value)` of the first directory.
        preview: the first directory is a small picture, the mosaic stands below it.
        raw_fields: further fields of the mosaic's directory.
        changes: of `tifffile.imwrite` for the mosaic.
    """
    size = np.shape(pattern)
    mosaic = [
        (33421, "H", 2, size),
        (33422, "B", size[0] * size[1], bytes(np.ravel(pattern).tolist())),
        (50717, "I", 1, white),
        *raw_fields,
    ]
    if black is None:
        pass
    elif np.ndim(black):
        mosaic += [(50713, "H", 2, size), (50714, "H", size[0] * size[1], tuple(black))]
    else:
        mosaic.append((50714, "H", 1, black))
    first = [
        (50706, "B", 4, bytes((1, 4, 0, 0))),
        (50707, "B", 4, bytes((1, 1, 0, 0))),
        (50708, "s", 0, "Studio Synthetic One"),
        (50721, "2i", 9, tuple(x for v in MATRIX for x in (v, 10000))),
        (50728, "2I", 3, tuple(x for v in NEUTRAL for x in (v, 10000))),
        (50778, "H", 1, 21),
        (271, "s", 0, "Studio"),
        (272, "s", 0, "Synthetic One"),
        *fields,
    ]
    options: dict[str, Any] = {"metadata": None, "software": False}
    layout = {"photometric": 32803, **options, **changes}
    with tifffile.TiffWriter(path, byteorder=order) as file:
        data = np.ascontiguousarray(values)
        if not preview:
            file.write(data, extratags=_once(mosaic + first), **layout)
        else:
            small = np.zeros((16, 16, 3), np.uint8)
            file.write(small, photometric="rgb", subfiletype=1, subifds=1, extratags=_once(first), **options)
            file.write(data, subfiletype=0, extratags=_once(mosaic), **layout)
    return path


def _once(fields: Any) -> Any:
    return [(*entry, True) for entry in sorted(fields, key=lambda entry: entry[0])]


def jpeg() -> bytes:
    """A preview."""
    content = io.BytesIO()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(content, "JPEG", quality=88)
    return content.getvalue()
