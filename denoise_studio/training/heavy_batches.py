"""Crops under heavy noise for the priors of the information-estimation metric: photographs or CT."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from denoise_studio.core.picture import Scale
from denoise_studio.core.types import FloatArray
from denoise_studio.training.batches import Batch, any_crop
from denoise_studio.training.levels import NoiseLevels
from denoise_studio.training.pictures import Pixels

HU = 1000.0
"""One unit of the CT prior in HU."""
Crop = Callable[[np.random.Generator], FloatArray]
"""Draws a clean crop `(s, s, C)` float32 in the prior's unit."""

_ZOOM = 1.6
_SHARES = (0.45, 0.2, 0.35)
"""Of CT crops: real slices, phantoms, photographs turned into HU."""


class HeavyBatches:
    """The same crops with the same noise for the same seed and step."""

    def __init__(self, crop: Crop, size: int, seed: int) -> None:
        self._crop, self._size, self._seed = crop, size, seed

    def draw(self, step: int, levels: NoiseLevels) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng((self._seed, step))
        crops = np.stack([self._crop(random) for _ in range(self._size)])
        clean = torch.from_numpy(crops).permute(0, 3, 1, 2)
        sigma = torch.from_numpy(levels.draw(self._size, random)).float()
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        noise = torch.randn(clean.shape, generator=generator)
        return Batch(clean, clean + sigma[:, None, None, None] * noise, sigma)


def photograph_crops(pictures: list[Pixels], crop: int) -> Crop:
    """Crops of photographs `(H, W, C)` uint8, scaled to [-1, 1]."""

    def draw(random: np.random.Generator) -> FloatArray:
        return np.asarray(any_crop(pictures, crop, random), np.float32) / 127.5 - 1

    return draw


def ct_crops(slices: list[FloatArray], photographs: list[Pixels], crop: int) -> Crop:
    """Crops of CT, one unit being `HU`.

    There are few slices, so they are zoomed and shifted in HU, and others join them: slices of the
    phantom, and photographs whose brightness becomes HU within a random window.

    Args:
        slices: `(H, W)` in HU.
        photographs: `(H, W, 1)` uint8.
        crop: side in pixels.
    """
    from denoise_studio.noise.phantom import phantom

    phantoms = [phantom(size) for size in (384, 512, 640)]

    def draw(random: np.random.Generator) -> FloatArray:
        kind = random.choice(3, p=_SHARES)
        if kind == 2:
            grey = np.asarray(any_crop(photographs, crop, random), np.float32) / 127.5 - 1
            width = math.exp(random.uniform(math.log(30), math.log(1200)))
            return np.asarray((grey * width + random.uniform(-300, 300)) / HU, np.float32)
        zoomed = _zoomed((slices, phantoms)[kind], crop, random)
        return np.asarray((zoomed + random.uniform(-15, 15)) / HU, np.float32)

    return draw


def load_slices(folders: Any) -> list[FloatArray]:
    """Every picture in HU below the folders, `(H, W)` float32, padding as air; others are passed over."""
    from denoise_studio.core.errors import StudioError
    from denoise_studio.formats import open_picture

    slices = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            picture = open_picture(path)
        except StudioError:
            continue
        if picture.scale is Scale.HU:
            pixels = picture.pixels[0].copy()
            if picture.padding is not None:
                pixels[picture.padding] = -1000
            slices.append(np.maximum(pixels, -1024))
    return slices


def _zoomed(pictures: list[FloatArray], crop: int, random: np.random.Generator) -> FloatArray:
    """A crop at a random scale, edges repeated if the picture is smaller."""
    import cv2

    zoom = math.exp(random.uniform(-math.log(_ZOOM), math.log(_ZOOM)))
    side = max(8, round(crop / zoom))
    usable = [picture for picture in pictures if min(picture.shape) >= min(side, crop)]
    picture = usable[random.integers(len(usable))]
    side = min(side, *picture.shape)
    square = np.ascontiguousarray(any_crop([picture], side, random))
    how = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (crop, crop), interpolation=how), np.float32)[..., None]
