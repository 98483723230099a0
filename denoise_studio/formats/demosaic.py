"""Demosaicing by LibRaw of any piece of a mosaic: handed over as a small DNG in memory."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import StudioError

Codes = npt.NDArray[np.uint16]


def demosaic(codes: Codes, pattern: Any) -> Codes:
    """All three colours of every pixel.

    By adaptive homogeneity-directed interpolation (AHD: Hirakawa and Parks, IEEE TIP 2005); patterns of
    6 x 6 by variable number of gradients, because LibRaw's own for X-Trans takes no small pieces.

    Args:
        codes: `(h, w)` uint16, white-balanced, with room below black; sides of at least 32.
        pattern: `(rows, columns)` of 0 red, 1 green, 2 blue, beginning at the corner.

    Returns:
        `(h, w, 3)` uint16; a pixel's own colour is not changed.

    Raises:
        StudioError: LibRaw does not take this pattern.
    """
    import rawpy

    with rawpy.imread(_dng(codes, np.asarray(pattern, np.uint8))) as raw:
        try:
            found: Codes = raw.postprocess(
                demosaic_algorithm=_algorithm(pattern),
                output_color=rawpy.ColorSpace.raw,
                user_wb=[1, 1, 1, 1],
                user_black=0,
                user_sat=65535,
                user_flip=0,
                gamma=(1, 1),
                no_auto_bright=True,
                output_bps=16,
                adjust_maximum_thr=0.0,
                highlight_mode=rawpy.HighlightMode.Clip,
            )
        except rawpy.LibRawError as error:
            raise StudioError(f"LibRaw cannot interpolate this mosaic ({error}).") from None
    if found.shape[:2] != codes.shape:
        raise StudioError("LibRaw gave a picture of another size.")
    return found


def _algorithm(pattern: Any) -> Any:
    import rawpy

    kinds = rawpy.DemosaicAlgorithm
    return kinds.AHD if np.shape(pattern) == (2, 2) else kinds.VNG


def _dng(codes: Codes, pattern: Any) -> io.BytesIO:
    import tifffile

    identity = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    tags = [
        (33421, "H", 2, pattern.shape, True),
        (33422, "B", pattern.size, pattern.tobytes(), True),
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),
        (50707, "B", 4, bytes((1, 1, 0, 0)), True),
        (50708, "s", 0, "mosaic", True),
        (50714, "H", 1, 0, True),
        (50717, "H", 1, 65535, True),
        (50721, "2i", 9, identity, True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
    ]
    content = io.BytesIO()
    tifffile.imwrite(content, codes, photometric="CFA", metadata=None, extratags=tags)
    content.seek(0)
    return content
