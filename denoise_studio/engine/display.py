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
from denoise_studio.engine.developing import colours, own_pixels, sampled, srgb_curve
from denoise_studio.engine.interpolation import Source

ByteArray = npt.NDArray[np.uint8]

_STEPS = 4096
"""Entries of the tone table: enough that 8-bit files come out as they went in."""
_LINEAR_STEPS = 65536
"""Entries of the table for linear light: the darkest bytes lie 1 / 3300 apart there."""
_TAILS = 2.0
"""Widths to either side of the level where a sigmoid has reached black or white, but for 1 / (1 + e^8)."""
_WHITE_SHARE, _SHOWN_WHITE = 0.995, 0.9
"""Automatic exposure of a mosaic puts this share of its brightness at that level of linear light."""


@dataclass(frozen=True)
class Levels:
    """How values become grey or colour on the screen.

    Args:
        low: value shown black.
        high: value shown white.
        exposure: stops, applied in linear light; for photographs and camera raw.
        invert: white for black.
        function: how values run from `low` to `high`, see `core.picture.Window`.
    """

    low: float
    high: float
    exposure: float = 0.0
    invert: bool = False
    function: str = ""

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def level(self) -> float:
        return (self.high + self.low) / 2

    @property
    def ends(self) -> tuple[float, float]:
        """The values between which the screen changes (PS3.3 C.11.2.1.2.1 and C.11.2.1.3).

        DICOM's LINEAR counts stored integers, so that its white lies one below that of LINEAR_EXACT;
        the tails of a sigmoid reach beyond the window.
        """
        if self.function == "LINEAR":
            return self.low, max(self.high - 1.0, self.low + 1e-6 * self.width)
        if self.function == "SIGMOID":
            return self.level - _TAILS * self.width, self.level + _TAILS * self.width
        return self.low, self.high

    @classmethod
    def window(cls, width: float, level: float, invert: bool = False, function: str = "") -> "Levels":
        """From window width and level (centre)."""
        return cls(level - width / 2, level + width / 2, invert=invert, function=function)

    def with_window(self, width: float, level: float, function: str | None = None) -> "Levels":
        """Another window; its function stays unless one is given."""
        function = self.function if function is None else function
        return replace(self, low=level - width / 2, high=level + width / 2, function=function)


def default_levels(picture: Picture) -> Levels:
    """The file's own first window, else soft tissue for HU, the nominal range for photographs."""
    if picture.windows:
        first = picture.windows[0]
        return Levels.window(first.width, first.level, function=first.function)
    if picture.scale is Scale.HU:
        return Levels.window(400, 40)
    if picture.scale is Scale.DISPLAY or picture.nominal_range == (0.0, 1.0):
        return Levels(*picture.nominal_range)
    if picture.mosaic is not None:
        return Levels(*picture.nominal_range)
    return robust_levels(picture, picture.rect)


def robust_levels(picture: Picture, rect: Rect) -> Levels:
    """From the 0.5th to the 99.5th percentile of what the rectangle shows; for a mosaic an exposure."""
    rect = rect.intersect(picture.rect)
    if picture.mosaic is not None:
        return Levels(*picture.nominal_range, exposure=_exposure(picture, rect))
    values = picture.pixels[(slice(None), *rect.slices)]
    if picture.padding is not None and rect:
        inside = np.logical_not(picture.padding[rect.slices])
        values = values[:, inside] if inside.any() else values
    if values.size == 0:
        return Levels(*picture.nominal_range)
    step = max(1, values.size // 1_000_000)
    low, high = (float(v) for v in np.percentile(values.reshape(-1)[::step], (0.5, 99.5)))
    return Levels(low, high if high > low else low + 1.0)


def _exposure(picture: Picture, rect: Rect) -> float:
    """Stops that bring the bright parts of a rectangle of a mosaic near to white, in quarters."""
    if rect.width < 4 or rect.height < 4:
        rect = picture.rect
    factor = max(2, math.isqrt(rect.area // 250_000))
    bright = float(np.quantile(colours(picture, rect, factor).max(axis=0), _WHITE_SHARE))
    stops = math.log2(_SHOWN_WHITE / max(bright, 1e-4))
    return round(4 * min(max(stops, -4.0), 12.0)) / 4


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
    low, high = levels.ends
    span = high - low
    scale = np.float32((_STEPS - 1) / span if span > 0 else 0.0)
    index = (pixels - np.float32(low)) * scale
    np.clip(index + np.float32(0.5), 0, _STEPS - 1, out=index)
    bytes_ = _tone_table(levels.exposure, levels.invert, levels.function == "SIGMOID")[
        index.astype(np.uint16)
    ]
    return bytes_[0] if pixels.shape[0] == 1 else np.ascontiguousarray(np.moveaxis(bytes_, 0, -1))


@functools.lru_cache(maxsize=32)
def _tone_table(exposure: float, invert: bool, sigmoid: bool) -> ByteArray:
    value = np.linspace(0.0, 1.0, _STEPS)
    if sigmoid:  # 1 / (1 + exp(-4 (x - level) / width))
        value = 1.0 / (1.0 + np.exp(-8.0 * _TAILS * (value - 0.5)))
    if exposure:
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        value = srgb_curve(np.minimum(linear * 2.0**exposure, 1.0))
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


def show_part(
    picture: Picture, rect: Rect, levels: Levels, factor: int = 1, source: Source | None = None
) -> ByteArray:
    """A rectangle of a picture as screen bytes; a mosaic is developed (`engine.developing`).

    Args:
        picture: the input.
        rect: inside it.
        levels: of a mosaic the DN shown black and white, and the exposure in stops.
        factor: blocks of that side become one pixel.
        source: pixels over a rectangle to show instead of the picture's own.
    """
    pixels = source or own_pixels(picture)
    if picture.mosaic is None:
        return show(picture, pixels(rect), levels, factor)
    return _graded(picture, colours(picture, rect, factor, source), levels)


def thumbnail(picture: Picture, levels: Levels, step: int) -> ByteArray:
    """About every `step`-th pixel as screen bytes: fast enough for the window's own thread."""
    if picture.mosaic is not None:
        return _graded(picture, sampled(picture, step), levels)
    return show(picture, np.ascontiguousarray(picture.pixels[:, ::step, ::step]), levels)


def _graded(picture: Picture, linear: FloatArray, levels: Levels) -> ByteArray:
    """Linear colours of a mosaic through black, white and exposure to screen bytes."""
    black, white = picture.nominal_range
    low, high = ((value - black) / (white - black) for value in (levels.low, levels.high))
    gain = 2.0**levels.exposure / max(high - low, 1e-6)
    index = linear - np.float32(low)
    index *= np.float32(gain * (_LINEAR_STEPS - 1))
    np.clip(index + np.float32(0.5), 0, _LINEAR_STEPS - 1, out=index)
    bytes_ = _curve_table(levels.invert)[index.astype(np.uint16)]
    return np.ascontiguousarray(np.moveaxis(bytes_, 0, -1))


@functools.lru_cache(maxsize=2)
def _curve_table(invert: bool) -> ByteArray:
    value = srgb_curve(np.linspace(0.0, 1.0, _LINEAR_STEPS))
    return np.asarray(np.rint((1.0 - value if invert else value) * 255), np.uint8)


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
