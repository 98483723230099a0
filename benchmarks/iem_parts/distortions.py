"""What is done to pictures: five kinds of distortion, by strength and at a given PSNR."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from denoise_studio.core.picture import Picture, Scale

SIDE = 256
JPEG = (30, 20, 10)
"""Qualities whose PSNR the other distortions are brought to."""


def picture(pixels: Any) -> Picture:
    return Picture(np.asarray(pixels, np.float32), scale=Scale.DISPLAY, unit="DN", nominal_range=(0.0, 255.0))


def clean(folder: Path, count: int) -> list[Any]:
    """Grey `(1, SIDE, SIDE)` middles of pictures, evenly through the folder."""
    paths = sorted(path for path in folder.glob("*.jpg"))
    chosen = [paths[round(k)] for k in np.linspace(0, len(paths) - 1, count)]
    found = []
    for path in chosen:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"), np.float64)
        y, x = ((side - SIDE) // 2 for side in grey.shape)
        found.append(grey[None, y : y + SIDE, x : x + SIDE])
    return found


def noise(x: Any, strength: float) -> Any:
    return x + strength * np.random.default_rng(0).standard_normal(x.shape)


def blur(x: Any, strength: float) -> Any:
    return gaussian_filter(x, (0, strength, strength))


def jpeg(x: Any, strength: float) -> Any:
    """Quality 100 - strength."""
    file = io.BytesIO()
    Image.fromarray(x[0].round().astype(np.uint8)).save(file, "JPEG", quality=round(100 - strength))
    return np.asarray(Image.open(file), np.float64)[None]


def contrast(x: Any, strength: float) -> Any:
    """A share of the contrast is lost, the mean stays."""
    return x + strength * (x.mean() - x)


def banding(x: Any, strength: float) -> Any:
    """Quantised to steps of that size."""
    return np.round(x / strength) * strength


SERIES: dict[str, tuple[Callable[[Any, float], Any], tuple[float, ...]]] = {
    "white noise": (noise, (2, 5, 10, 20, 40)),
    "blur": (blur, (0.5, 0.8, 1.3, 2, 4)),
    "JPEG": (jpeg, (20, 50, 70, 85, 95)),
    "contrast loss": (contrast, (0.05, 0.1, 0.2, 0.4, 0.6)),
    "banding": (banding, (4, 8, 16, 32, 64)),
}
_LIMITS = {blur: (0.05, 20.0), contrast: (1e-3, 0.95), banding: (1.0, 160.0), noise: (0.1, 200.0)}


def psnr(x: Any, y: Any) -> float:
    return float(20 * math.log10(255) - 10 * math.log10(np.mean((x - y) ** 2)))


def at_psnr(x: Any, distort: Callable[[Any, float], Any], wanted: float) -> Any | None:
    """By bisection; None if it cannot be had within 0.05 dB."""
    low, high = _LIMITS[distort]
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if psnr(x, distort(x, middle)) > wanted else (low, middle)
    found = distort(x, math.sqrt(low * high))
    return found if abs(psnr(x, found) - wanted) < 0.05 else None
