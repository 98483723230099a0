"""From a mosaic to colours, for looking and for files that hold no mosaic: neutral, and the same everywhere.

Black off, white balance, demosaicing by LibRaw, clipped highlights to white, the camera's matrix,
exposure in linear light, the sRGB curve; no sharpening, no noise reduction, no look. Demosaicing
works on fixed squares of the picture with a margin, so any rectangle gives the pixels of the whole.
Zoomed out, every colour is averaged over its own pixels instead: nothing has to be guessed then.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.geometry import Rect, cut_out
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.grid import cell_rect, cells_of
from denoise_studio.formats.demosaic import demosaic

SIDE = 384
"""Pixels a side of the squares: a multiple of the periods 2 and 6."""
_MARGIN = 18
"""Pixels around them that demosaicing sees; likewise a multiple."""
_LOWEST, _TOP = 2048.0, 63000.0
"""Codes of a square's darkest and brightest pixel: interpolation may go beyond both."""
_KEPT = 96

Source = Callable[[Rect], FloatArray]
"""The mosaic's pixels over a rectangle inside the picture, `(1, h, w)` DN."""


def own_pixels(picture: Picture) -> Source:
    """The picture's pixels as they are."""
    return lambda rect: picture.pixels[(slice(None), *rect.slices)]


def colours(picture: Picture, rect: Rect, factor: int = 1, source: Source | None = None) -> FloatArray:
    """Linear sRGB colours of a part of a mosaic, not cut to the gamut of sRGB.

    Args:
        picture: camera raw.
        rect: inside it.
        factor: from 2 on, means over squares of that side.
        source: pixels to take instead of the picture's own, of the same mosaic.

    Returns:
        `(3, ceil(h / factor), ceil(w / factor))` float32: 0 black, 1 white; highlights end at 1.
    """
    mosaic = _mosaic(picture)
    if factor >= _least_averaged(mosaic):
        camera = _averaged(mosaic.shifted(rect.x, rect.y), (source or own_pixels(picture))(rect)[0], factor)
    else:
        camera = _interpolated(picture, mosaic, rect, source)
        camera = _shrunk(camera, factor)
    return with_matrix(camera, mosaic)


def sampled(picture: Picture, step: int) -> FloatArray:
    """Every `step`-th colour without demosaicing, for small pictures at once: `(3, h, w)` linear sRGB."""
    mosaic = _mosaic(picture)
    rows, columns = mosaic.period
    step = max(step // rows, 1) * rows
    height, width = (max((side - max(mosaic.period)) // step, 1) for side in picture.pixels.shape[1:])
    sums, counts = np.zeros((3, height, width), np.float32), np.zeros(3)
    for y in range(min(rows, picture.height)):
        for x in range(min(columns, picture.width)):
            site = mosaic.site_at(x, y)
            values = picture.pixels[0, y::step, x::step][:height, :width]
            sums[site.colour, : values.shape[0], : values.shape[1]] += _relative(values, site, mosaic)
            counts[site.colour] += 1
    return with_matrix(_means(sums, counts), mosaic)


def seen(picture: Picture) -> Picture:
    """A mosaic as colours on a screen, at half its size, so that nothing is guessed: for measuring.

    2 x 2 pixels (3 x 3 of X-Trans) become one of sRGB, 0..255; one with a padded pixel is padding.
    """
    mosaic = _mosaic(picture)
    factor = _least_averaged(mosaic)
    linear = np.clip(colours(picture, picture.rect, factor), 0, 1)
    pixels = np.asarray(srgb_curve(linear) * 255, np.float32)
    padding = None
    if picture.padding is not None:
        size = (pixels.shape[2], pixels.shape[1])
        padding = cv2.resize(picture.padding.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return replace(
        picture,
        pixels=pixels,
        scale=Scale.DISPLAY,
        nominal_range=(0.0, 255.0),
        stored=Stored("uint8", 8),
        padding=padding,
        padding_values=None,
        mosaic=None,
    )


def srgb_curve(linear: Any) -> Any:
    """Linear light 0..1 to the coded values of sRGB (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def with_matrix(camera: FloatArray, mosaic: Mosaic) -> FloatArray:
    """White-balanced camera colours to linear sRGB; 1 in every colour is white."""
    matrix = mosaic.colour.to_srgb.astype(np.float32)
    # Not a matrix product: its rounding would depend on how many pixels there are.
    rows = [sum(factor * colour for factor, colour in zip(row, camera, strict=True)) for row in matrix]
    return np.asarray(rows, np.float32)


def _mosaic(picture: Picture) -> Mosaic:
    assert picture.mosaic is not None
    return picture.mosaic


def _least_averaged(mosaic: Mosaic) -> int:
    """The smallest square that holds every colour."""
    return 2 if mosaic.period == (2, 2) else 3


def _gains(mosaic: Mosaic) -> list[float]:
    """For every class, from DN above black to white-balanced values: where it saturates, at least 1."""
    least = min(mosaic.colour.white_balance)
    return [mosaic.colour.white_balance[s.colour] / least / (s.white - s.black) for s in mosaic.sites]


def _relative(values: Any, site: Photosite, mosaic: Mosaic) -> FloatArray:
    """DN to 0 black .. 1 white, white-balanced.

    A pixel that saturates counts as white before it is mixed with others: else those colours that
    white balance lifts most would tint the edges of clipped highlights.
    """
    gain = _gains(mosaic)[mosaic.sites.index(site)]
    result: FloatArray = values - np.float32(site.black)
    result *= np.float32(gain)
    np.minimum(result, np.float32(1), out=result)
    return result


def _all_relative(pixels: FloatArray, mosaic: Mosaic) -> FloatArray:
    """`_relative` of all pixels `(h, w)` of a part whose pattern begins at its corner."""
    rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    result: FloatArray = pixels - mosaic.spread([site.black for site in mosaic.sites], rect)
    result *= mosaic.spread(_gains(mosaic), rect)
    np.minimum(result, np.float32(1), out=result)
    return result


def _averaged(mosaic: Mosaic, pixels: FloatArray, factor: int) -> FloatArray:
    """Camera colours of squares of `factor` pixels."""
    size = (-(-pixels.shape[1] // factor), -(-pixels.shape[0] // factor))
    rows, columns = mosaic.period
    sums, counts = np.zeros((3, size[1], size[0]), np.float32), np.zeros(3)
    if (rows, columns) == (2, 2) and min(pixels.shape) >= 2:
        for y in range(rows):
            for x in range(columns):
                site = mosaic.site_at(x, y)
                plane = _relative(pixels[y::2, x::2], site, mosaic)
                sums[site.colour] += cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                counts[site.colour] += 1
        return _means(sums, counts)
    rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    relative = _all_relative(pixels, mosaic)
    for colour in range(3):
        mask = mosaic.spread([float(s.colour == colour) for s in mosaic.sites], rect)
        share = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(relative * mask, size, interpolation=cv2.INTER_AREA)
        sums[colour] = total / np.maximum(share, 1e-3)
    return sums


def _means(sums: FloatArray, counts: Any) -> FloatArray:
    return np.asarray(sums / np.maximum(counts, 1)[:, None, None], np.float32)


def _shrunk(camera: FloatArray, factor: int) -> FloatArray:
    if factor <= 1:
        return camera
    size = (-(-camera.shape[2] // factor), -(-camera.shape[1] // factor))
    return np.stack([cv2.resize(channel, size, interpolation=cv2.INTER_AREA) for channel in camera])


def _interpolated(picture: Picture, mosaic: Mosaic, rect: Rect, source: Source | None) -> FloatArray:
    result = np.empty((3, rect.height, rect.width), np.float32)
    for cell in cells_of(rect, picture.rect, SIDE):
        whole = cell_rect(cell, picture.rect, SIDE)
        key = None if source is not None else (picture.serial, cell)
        square = _squares.get(key) if key else None
        if square is None:
            square = _square(picture, mosaic, whole, source or own_pixels(picture))
            if key:
                _squares.put(key, square)
        part = whole.intersect(rect)
        inner = part.translate(-whole.x, -whole.y)
        result[(slice(None), *part.translate(-rect.x, -rect.y).slices)] = square[(slice(None), *inner.slices)]
    return result


def _square(picture: Picture, mosaic: Mosaic, whole: Rect, source: Source) -> FloatArray:
    """Camera colours of one square of the grid, `(3, h, w)`."""
    outer = whole.expand(_MARGIN)
    inside = outer.intersect(picture.rect)
    pixels = source(inside)[0]
    if inside != outer:  # mirrored without repeating the edge, so that every pixel keeps its colour
        pixels = _mirrored(pixels, inside, outer)
    own = mosaic.shifted(outer.x, outer.y)
    values = _all_relative(pixels, own)
    # A dark square gets finer codes: what the denoiser gave in parts of a DN stays. Noise below black
    # stays too: cut off, it would lift and tint the shadows.
    low, high = float(values.min()), float(values.max())
    scale = np.float32((_TOP - _LOWEST) / max(high - low, 1e-4))
    codes = np.rint((values - np.float32(low)) * scale + np.float32(_LOWEST)).astype(np.uint16)
    found = demosaic(codes, [[own.sites[index].colour for index in row] for row in own.pattern])
    m = _MARGIN
    inner = found[m : m + whole.height, m : m + whole.width].astype(np.float32)
    inner -= np.float32(_LOWEST)
    inner /= scale
    inner += np.float32(low)
    np.minimum(inner, np.float32(1), out=inner)
    return np.ascontiguousarray(np.moveaxis(inner, -1, 0))


def _mirrored(pixels: FloatArray, inside: Rect, outer: Rect) -> FloatArray:
    """`pixels` of `inside` carried on to `outer`, mirrored at the edges; narrow pictures several times."""
    reach = max(_MARGIN, outer.width - inside.width, outer.height - inside.height)
    wide = cut_out(pixels, Rect(0, 0, inside.width, inside.height), reach)
    left, top = reach + outer.x - inside.x, reach + outer.y - inside.y
    return np.ascontiguousarray(wide[top : top + outer.height, left : left + outer.width], np.float32)


class _Squares:
    """The last squares of pictures as they were opened: 'before' never changes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, tuple[int, int]], FloatArray] = OrderedDict()

    def get(self, key: tuple[int, tuple[int, int]]) -> FloatArray | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[int, tuple[int, int]], square: FloatArray) -> None:
        with self._lock:
            self._kept[key] = square
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_squares = _Squares(_KEPT)
