"""From a mosaic to colours, for looking and for files that hold no mosaic: neutral, and the same everywhere.

Black off, white balance, demosaicing by LibRaw, clipped highlights to white, the camera's matrix,
exposure in linear light, the sRGB curve; no sharpening, no noise reduction, no look. Any rectangle
gives the pixels of the whole (`engine.interpolation`).
Zoomed out, every colour is averaged over its own pixels instead: nothing has to be guessed then.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.interpolation import Source, gains, interpolated, relative


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
        camera = interpolated(picture, mosaic, rect, source)
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
            sums[site.colour, : values.shape[0], : values.shape[1]] += _class_relative(values, site, mosaic)
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


def _class_relative(values: FloatArray, site: Photosite, mosaic: Mosaic) -> FloatArray:
    """`relative` for pixels of one class."""
    gain = gains(mosaic)[mosaic.sites.index(site)]
    result: FloatArray = values - np.float32(site.black)
    result *= np.float32(gain)
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
                plane = _class_relative(pixels[y::2, x::2], site, mosaic)
                sums[site.colour] += cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                counts[site.colour] += 1
        return _means(sums, counts)
    rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    values = relative(pixels, mosaic)
    for colour in range(3):
        mask = mosaic.spread([float(s.colour == colour) for s in mosaic.sites], rect)
        share = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(values * mask, size, interpolation=cv2.INTER_AREA)
        sums[colour] = total / np.maximum(share, 1e-3)
    return sums


def _means(sums: FloatArray, counts: Any) -> FloatArray:
    return np.asarray(sums / np.maximum(counts, 1)[:, None, None], np.float32)


def _shrunk(camera: FloatArray, factor: int) -> FloatArray:
    if factor <= 1:
        return camera
    size = (-(-camera.shape[2] // factor), -(-camera.shape[1] // factor))
    return np.stack([cv2.resize(channel, size, interpolation=cv2.INTER_AREA) for channel in camera])
