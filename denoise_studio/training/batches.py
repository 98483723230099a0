"""Noisy crops with their clean partners, the same ones for the same seed and step."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from denoise_studio.core.types import FloatArray
from denoise_studio.training.camera import camera_noise
from denoise_studio.training.levels import Levels, NoiseLevels
from denoise_studio.training.pictures import Pixels

_VARIED = 0.25
"""Share of the crops whose noise sd differs from place to place."""
_LOWEST_FACTOR = 0.05


@dataclass(frozen=True)
class Batch:
    """Clean and noisy crops `(N, C, s, s)` and their noise sd, float32.

    For a denoiser in the range [0, 1] with a sd for every pixel, `(N, 1, s, s)`; for a prior in
    its own unit with one sd for every crop, `(N,)`.
    """

    clean: Tensor
    noisy: Tensor
    sigma: Tensor


class Source(Protocol):
    def draw(self, step: int, levels: NoiseLevels) -> Batch:
        """The batch of a step."""


class Batches:
    """Draws crops of random pictures, turned and mirrored, with white Gaussian noise or a camera's.

    Args:
        pictures: `(H, W, C)` uint8, at least `crop` a side.
        crop: side in pixels.
        size: crops in a batch.
        seed: of everything drawn.
        camera: share of the crops with the noise of a developed photograph (`camera`); colour only.
    """

    def __init__(self, pictures: list[Pixels], crop: int, size: int, seed: int, camera: float = 0.0) -> None:
        self._pictures, self._crop, self._size, self._seed = pictures, crop, size, seed
        self._developed = round(camera * size)

    def draw(self, step: int, levels: NoiseLevels) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng((self._seed, step))
        crops = np.stack([any_crop(self._pictures, self._crop, random) for _ in range(self._size)])
        clean = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        sigma = torch.from_numpy(_maps(levels.draw(self._size, random), self._crop, random))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        noisy = clean + sigma * torch.randn(clean.shape, generator=generator)
        for index in range(self._developed):
            developed, level = camera_noise(crops[index].astype(np.float32) / 255, random)
            noisy[index] = torch.from_numpy(developed).permute(2, 0, 1)
            sigma[index, 0] = torch.from_numpy(level)
        return Batch(clean, noisy, sigma)


def any_crop(pictures: list[Any], crop: int, random: np.random.Generator) -> Any:
    """A square of a random picture `(H, W, C)`, turned and perhaps mirrored."""
    picture = pictures[random.integers(len(pictures))]
    y, x = (int(random.integers(side - crop + 1)) for side in picture.shape[:2])
    square = np.rot90(picture[y : y + crop, x : x + crop], int(random.integers(4)))
    return square[::-1] if random.random() < 0.5 else square


def _maps(levels: Levels, side: int, random: np.random.Generator) -> FloatArray:
    """`(N, 1, side, side)` float32; some crops have a second level beyond a line or a ramp."""
    maps = np.empty((len(levels), 1, side, side), np.float32)
    for index, level in enumerate(levels):
        maps[index] = level
        if random.random() < _VARIED:
            maps[index] *= _varied(side, random)
    return maps


def _varied(side: int, random: np.random.Generator) -> Any:
    """A factor between `_LOWEST_FACTOR` and 1 on one side of a random line, sharp or gradual."""
    angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.4, 0.4)
    y, x = np.mgrid[:side, :side] / side - 0.5
    distance = np.cos(angle) * x + np.sin(angle) * y - offset
    width = 10 ** random.uniform(-3, 0)
    share = np.clip(distance / width + 0.5, 0, 1)
    return 1 - share * (1 - random.uniform(_LOWEST_FACTOR, 1))
