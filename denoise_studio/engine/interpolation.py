"""Demosaicing any part of a mosaic, with the same bits wherever the part begins and ends.

LibRaw interpolates 16-bit codes. A dark square of the picture's grid gets finer codes than a bright
one, so that what a denoiser gave in parts of a DN is seen in deep shadows too; how fine they are
depends on that square and its margin alone. Squares of one fineness are interpolated together.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from denoise_studio.core.geometry import Rect, bounding, mirrored
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.devices import worker_count
from denoise_studio.engine.grid import Cell, cell_rect, cells_of
from denoise_studio.formats.demosaic import demosaic

SIDE = 96
"""Pixels a side of the squares: a multiple of the periods 2 and 6."""
_MARGIN = 18
"""Pixels around a part that demosaicing sees; likewise a multiple."""
_STEP, _FINEST = 16.0, 2
"""Codes are 16 or 16^2 times finer for squares that much darker than white."""
_ZERO, _ONE = 21_600.0, 40_000.0
"""Codes of black, and of white above it: room for noise to half as far below black, and for overshoot."""
_ALONE = 400_000
"""Pixels that are not worth another thread."""
_KEPT_BYTES = 64 * 2**20

Source = Callable[[Rect], FloatArray]
"""The mosaic's pixels over a rectangle inside the picture, `(1, h, w)` DN."""


def gains(mosaic: Mosaic) -> list[float]:
    """For every class, from DN above black to white-balanced values: where it saturates, at least 1."""
    least = min(mosaic.colour.white_balance)
    return [mosaic.colour.white_balance[s.colour] / least / (s.white - s.black) for s in mosaic.sites]


def relative(pixels: FloatArray, mosaic: Mosaic) -> FloatArray:
    """DN `(h, w)` of a part whose pattern begins at its corner, to 0 black .. 1 white, white-balanced.

    A pixel that saturates counts as white before it is mixed with others: else those colours that
    white balance lifts most would tint the edges of clipped highlights.
    """
    rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    result: FloatArray = pixels - mosaic.spread([site.black for site in mosaic.sites], rect)
    result *= mosaic.spread(gains(mosaic), rect)
    np.minimum(result, np.float32(1), out=result)
    return result


def interpolated(picture: Picture, mosaic: Mosaic, rect: Rect, source: Source | None) -> FloatArray:
    """White-balanced camera colours of a part, `(3, h, w)` float32, 0 black .. 1 white.

    Args:
        picture: camera raw.
        mosaic: the picture's.
        rect: inside it.
        source: pixels to take instead of the picture's own; results of those alone are kept.
    """
    cells = cells_of(rect, picture.rect, SIDE)
    region = bounding(cell_rect(cell, picture.rect, SIDE) for cell in (cells[0], cells[-1]))
    key = picture.serial, region
    found = _kept.get(key) if source is None else None
    if found is None:
        pixels = source or (lambda part: picture.pixels[(slice(None), *part.slices)])
        found = _region(picture.rect, mosaic, region, pixels)
        if source is None:
            _kept.put(key, found)
    part: FloatArray = found[(slice(None), *rect.translate(-region.x, -region.y).slices)]
    return part


def _region(picture: Rect, mosaic: Mosaic, region: Rect, source: Source) -> FloatArray:
    """Camera colours of whole squares, in bands that run side by side."""
    count = max(1, min(worker_count(), region.area // _ALONE))
    rows = SIDE * max(1, math.ceil(region.height / SIDE / count))
    tops = range(region.y, region.y1, rows)
    bands = [Rect(region.x, top, region.width, rows).intersect(region) for top in tops]
    result = np.empty((3, region.height, region.width), np.float32)

    def fill(band: Rect) -> None:
        _band(picture, mosaic, band, source, result[:, band.y - region.y : band.y1 - region.y])

    if len(bands) == 1:
        fill(bands[0])
        return result
    with ThreadPoolExecutor(len(bands), "denoise-develop") as threads:
        list(threads.map(fill, bands))
    return result


def _band(picture: Rect, mosaic: Mosaic, band: Rect, source: Source, out: FloatArray) -> None:
    outer = band.expand(_MARGIN)
    # Mirrored without repeating the edge, so that every pixel keeps its colour.
    rows, columns = mirrored(outer, picture.width, picture.height)
    needed = Rect.from_edges(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    pixels = source(needed)[0]
    if needed != outer:
        pixels = pixels[np.ix_(rows - needed.y, columns - needed.x)]
    own = mosaic.shifted(outer.x, outer.y)
    values = relative(pixels, own)
    groups: dict[int, list[Rect]] = {}
    for cell in cells_of(band, picture, SIDE):
        inside = _inside(cell, picture, band)
        seen = values[inside.y : inside.y1 + 2 * _MARGIN, inside.x : inside.x1 + 2 * _MARGIN]
        groups.setdefault(_fineness(seen), []).append(inside)
    colours = [[own.sites[index].colour for index in row] for row in own.pattern]
    for fineness, squares in groups.items():
        box = bounding(squares)
        seen = values[box.y : box.y1 + 2 * _MARGIN, box.x : box.x1 + 2 * _MARGIN]
        found = _from_codes(seen, colours, fineness)
        for square in [box] if len(groups) == 1 else squares:
            within = square.translate(-box.x, -box.y)
            out[(slice(None), *square.slices)] = found[(slice(None), *within.slices)]


def _inside(cell: Cell, picture: Rect, band: Rect) -> Rect:
    return cell_rect(cell, picture, SIDE).translate(-band.x, -band.y)


def _fineness(values: FloatArray) -> int:
    """How often codes can be `_STEP` times finer for these values."""
    reach = max(float(values.max()), -2 * float(values.min()))
    return next((step for step in range(_FINEST, 0, -1) if reach <= _STEP**-step), 0)


def _from_codes(values: FloatArray, colours: list[list[int]], fineness: int) -> FloatArray:
    """Camera colours of the inner part of values with a margin, `(3, h, w)`.

    Squares of other finenesses may lie in between: their codes are cut, and what comes of them is
    not taken.
    """
    scale = np.float32(_ONE * _STEP**fineness)
    codes = values * scale
    codes += np.float32(_ZERO + 0.5)
    np.clip(codes, 0, 65535, out=codes)
    found = demosaic(codes.astype(np.uint16), colours)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    result: FloatArray = np.empty((3, *found.shape[:2]), np.float32)
    for channel in range(3):
        np.subtract(found[..., channel], np.float32(_ZERO), out=result[channel], dtype=np.float32)
    result /= scale
    np.minimum(result, np.float32(1), out=result)
    return result


class _Kept:
    """The last parts of pictures as they were opened: 'before' is drawn again with every edit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._parts: OrderedDict[tuple[int, Rect], FloatArray] = OrderedDict()

    @property
    def bytes(self) -> int:
        return sum(part.nbytes for part in self._parts.values())

    def get(self, key: tuple[int, Rect]) -> FloatArray | None:
        with self._lock:
            if key in self._parts:
                self._parts.move_to_end(key)
            return self._parts.get(key)

    def put(self, key: tuple[int, Rect], part: FloatArray) -> None:
        part.flags.writeable = False
        with self._lock:
            self._parts[key] = part
            while self._parts and self.bytes > self._most:
                self._parts.popitem(last=False)


_kept = _Kept(_KEPT_BYTES)
