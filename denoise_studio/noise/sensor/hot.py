"""Single pixels that lie: hot, dead or blinking ones, found among their own class's neighbours."""

import cv2
import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray

_SDS = 7.0
"""sds beyond all eight neighbours of its class: chance in a gigapixel."""
_CONTRAST = 1.0
"""Times the neighbours' own contrast that it must stand out besides: fine detail does not."""
_ALONE, _CHANCE = 0.08, 1.5
"""Largest share of its excess that the pixels beside it may show, and how many sds they show by chance:
light spreads, a defect does not."""
_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


def defects(above: FloatArray, gain: float, read: float) -> BoolArray:
    """Which pixels are defects, `(H, W)`.

    Args:
        above: `(H, W)` float32, DN above black, of a Bayer mosaic.
        gain: K, DN.
        read: s, DN.
    """
    excess, chance = np.zeros_like(above), np.zeros_like(above)
    for y in (0, 1):
        for x in (0, 1):
            plane = np.ascontiguousarray(above[y::2, x::2])
            if min(plane.shape) < 3:
                continue
            highest, lowest = cv2.dilate(plane, _RING), cv2.erode(plane, _RING)
            sd = np.sqrt(gain * np.maximum(highest, 0) + read**2)
            limit = _SDS * sd + _CONTRAST * (highest - lowest)
            chance[y::2, x::2] = _CHANCE * sd
            over = np.maximum(plane - highest, 0) - np.maximum(lowest - plane, 0)
            excess[y::2, x::2] = np.where(np.abs(over) > limit, over, 0)
    found = excess != 0
    if not found.any():
        return np.asarray(found, np.bool_)
    allowed = np.maximum(_ALONE * np.abs(excess), chance)
    return np.asarray(found & (np.abs(_beside(above)) <= allowed), np.bool_)


def repaired(values: FloatArray, defect: BoolArray) -> FloatArray:
    """The values with every defect replaced by the median of its class around it."""
    if not defect.any():
        return values
    result = values.copy()
    for y in (0, 1):
        for x in (0, 1):
            where = defect[y::2, x::2]
            if where.any():
                plane = np.ascontiguousarray(values[y::2, x::2])
                result[y::2, x::2][where] = cv2.medianBlur(plane, 3)[where]
    return result


def _beside(above: FloatArray) -> FloatArray:
    """By how much the four direct neighbours, of other classes, stand out among theirs, on average."""
    middle = np.zeros_like(above)
    for y in (0, 1):
        for x in (0, 1):
            plane = np.ascontiguousarray(above[y::2, x::2])
            middle[y::2, x::2] = plane - cv2.medianBlur(plane, 3)
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    found: FloatArray = cv2.filter2D(middle, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return found
