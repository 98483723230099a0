"""Small raw files of a made-up camera, as DNG."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

_EXIF, _ISO, _PLACE = 34665, 34855, 34664


def write_raw(path: Path, values: Any, iso: int = 800, model: str = "Synthetic One") -> Path:
    """An RGGB mosaic of 14 bits, black 512, white 16383.

    Args:
        path: of the file.
        values: `(H, W)` DN.
        iso: as set.
        model: of the camera.
    """
    identity = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    tags = [
        *((271, "s", 0, "Studio", True), (272, "s", 0, model, True), (_PLACE, "I", 1, 0, True)),
        *((33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)),
        *(
            (50706, "B", 4, (1, 4, 0, 0), True),
            (50707, "B", 4, (1, 1, 0, 0), True),
            (50708, "s", 0, model, True),
        ),
        *((50714, "H", 1, 512, True), (50717, "I", 1, 16383, True), (50721, "2i", 9, identity, True)),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
    ]
    data = np.ascontiguousarray(values).astype(np.uint16)
    tifffile.imwrite(path, data, photometric=32803, extratags=tags, software=False, metadata=None)
    # tifffile writes no EXIF directory: it is put at the end, and its place into a tag kept for it.
    with tifffile.TiffFile(path) as file:
        entry = file.pages.first.tags[_PLACE].offset
    end = path.stat().st_size + path.stat().st_size % 2
    with path.open("r+b") as stream:
        stream.seek(entry)
        stream.write(struct.pack("<HHII", _EXIF, 4, 1, end))
        stream.seek(end)
        stream.write(struct.pack("<HHHIHHI", 1, _ISO, 3, 1, iso, 0, 0))
    return path
