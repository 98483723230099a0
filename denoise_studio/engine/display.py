"""From pixels to what a screen shows: levels, averaging, colour management. Never a filter.

Nothing here changes a picture; it is what the window does to look at one. All of it runs in
the display lane on just the visible rectangle.
"""

import functools
import io
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.types import FloatArray

ByteArray = npt.NDArray[np.uint8]

_STEPS = 4096
"""Entries of the tone table: enough that 8-bit files come out as they went in."""


@dataclass(frozen=True)
class Levels:
    """How values become grey or colour on the screen.

    Args:
        low: value shown black.
        high: value shown white.
        exposure: stops, applied in linear light; for display-referred photographs.
        invert: white for black.
    """

    low: float
    high: float
    exposure: float = 0.0
    invert: bool = False

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def level(self) -> float:
        return (self.high + self.low) / 2

    @classmethod
    def window(cls, width: float, level: float, invert: bool = False) -> "Levels":
        """From window width and level (centre)."""
        return cls(level - width / 2, level + width / 2, invert=invert)

    def with_window(self, width: float, level: float) -> "Levels":
        return replace(self, low=level - width / 2, high=level + width / 2)


def default_levels(picture: Picture) -> Levels:
    """The file's own first window, else soft tissue for HU, the nominal range for photographs."""
    if picture.windows:
        first = picture.windows[0]
        return Levels.window(first.width, first.level)
    if picture.scale is Scale.HU:
        return Levels.window(400, 40)
    if picture.scale is Scale.DISPLAY or picture.nominal_range == (0.0, 1.0):
        return Levels(*picture.nominal_range)
    return robust_levels(picture, picture.rect)


def robust_levels(picture: Picture, rect: Rect) -> Levels:
    """From the 0.5th to the 99.5th percentile of what the rectangle shows."""
    rect = rect.intersect(picture.rect)
    values = picture.pixels[(slice(None), *rect.slices)]
    if picture.padding is not None and rect:
        inside = np.logical_not(picture.padding[rect.slices])
        values = values[:, inside] if inside.any() else values
    if values.size == 0:
        return Levels(*picture.nominal_range)
    step = max(1, values.size // 1_000_000)
    low, high = (float(v) for v in np.percentile(values.reshape(-1)[::step], (0.5, 99.5)))
    return Levels(low, high if high > low else low + 1.0)


def shrink(pixels: FloatArray, factor: int) -> FloatArray:
    """Average blocks of `factor` by `factor` pixels, so that zooming out shows no false grain."""
    if factor <= 1:
        return pixels
    import cv2

    height, width = pixels.shape[1:]
    size = (-(-width // factor), -(-height // factor))
    return np.stack([cv2.resize(channel, size, interpolation=cv2.INTER_AREA) for channel in pixels])


def tone(pixels: FloatArray, levels: Levels) -> ByteArray:
    """`(C, h, w)` values to `(h, w)` or `(h, w, 3)` screen bytes, without colour management."""
    span = levels.high - levels.low
    scale = np.float32((_STEPS - 1) / span if span > 0 else 0.0)
    index = (pixels - np.float32(levels.low)) * scale
    np.clip(index + np.float32(0.5), 0, _STEPS - 1, out=index)
    bytes_ = _tone_table(levels.exposure, levels.invert)[index.astype(np.uint16)]
    return bytes_[0] if pixels.shape[0] == 1 else np.ascontiguousarray(np.moveaxis(bytes_, 0, -1))


@functools.lru_cache(maxsize=32)
def _tone_table(exposure: float, invert: bool) -> ByteArray:
    value = np.linspace(0.0, 1.0, _STEPS)
    if exposure:
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        linear = np.minimum(linear * 2.0**exposure, 1.0)
        value = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    if invert:
        value = 1.0 - value
    return np.asarray(np.rint(value * 255), np.uint8)


def to_srgb(image: ByteArray, icc: bytes | None) -> ByteArray:
    """Through the embedded profile to sRGB; unchanged without a profile or with a broken one."""
    transform = _transform(icc, "RGB" if image.ndim == 3 else "L") if icc else None
    if transform is None:
        return image
    from PIL import Image, ImageCms

    return np.asarray(ImageCms.applyTransform(Image.fromarray(image), transform))


@functools.lru_cache(maxsize=8)
def _transform(icc: bytes, mode: str) -> Any:
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return None
        return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def show(picture: Picture, pixels: FloatArray, levels: Levels, factor: int = 1) -> ByteArray:
    """A rectangle of values as screen bytes: averaged, levelled, colour-managed."""
    image = tone(shrink(pixels, factor), levels)
    return to_srgb(image, picture.icc if picture.scale is Scale.DISPLAY else None)


def show_difference(difference: FloatArray, limit: float, factor: int = 1) -> ByteArray:
    """Differences as `(h, w, 3)`: blue below zero, neutral grey at zero, orange above."""
    mean = shrink(difference, factor).mean(axis=0)
    index = np.clip((mean / np.float32(limit or 1.0) + 1.0) * 127.0, 0, 254)
    return np.asarray(diverging_table()[np.rint(index).astype(np.uint8)])


def show_map(values: FloatArray, low: float, high: float, logarithmic: bool, factor: int = 1) -> ByteArray:
    """A parameter map as `(h, w, 3)` colours of `map_table`, dark at `low`, bright at `high`."""
    mean = shrink(values[None], factor)[0]
    if logarithmic and low > 0:
        mean, low, high = np.log(np.maximum(mean, low / 1e6)), math.log(low), math.log(high)
    index = np.clip((mean - low) * (255.0 / max(high - low, 1e-12)), 0, 255)
    return np.asarray(map_table()[np.rint(index).astype(np.uint8)])


@functools.cache
def map_table() -> ByteArray:
    """256 colours of growing lightness (viridis), readable without colour vision."""
    import cv2

    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return np.ascontiguousarray(cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1])


@functools.cache
def diverging_table() -> ByteArray:
    """255 colours from blue through mid grey (the middle one) to orange: also for colour-blind eyes."""
    middle, low, high = np.array([64, 64, 64]), np.array([70, 150, 255]), np.array([255, 160, 50])
    t = np.linspace(-1, 1, 255)[:, None]
    table = np.where(t < 0, middle + (low - middle) * -t, middle + (high - middle) * t)
    return np.asarray(np.rint(table), np.uint8)
