"""From developed photographs back to what a sensor would have seen, all on the device of its input.

The steps of Brooks et al., "Unprocessing Images for Learned Raw Denoising" (CVPR 2019): inverse
gamma, inverse colour matrix, inverse white balance that leaves highlights at white, exposure, one
colour a pixel. Every choice is drawn at random, so that no camera is learned by heart.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_SATURATED = 0.9
"""Where the inverse white balance begins to leave the values as they are."""


@dataclass(frozen=True)
class Cameras:
    """One camera and exposure for every picture of a batch.

    Args:
        gains: `(N, 3)` white balance of red, green and blue; green is 1.
        matrix: `(N, 3, 3)` from camera colours to linear sRGB; rows sum to 1.
        exposure: `(N,)` factor of the linear values.
    """

    gains: Tensor
    matrix: Tensor
    exposure: Tensor


def draw_cameras(count: int, generator: torch.Generator) -> Cameras:
    """Cameras as they are: red and blue weaker than green, colours less saturated than sRGB."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)

    gains = torch.ones((count, 3), device=generator.device)
    gains[:, 0], gains[:, 2] = uniform(1.3, 2.6, count), uniform(1.2, 2.4, count)
    strength, across = uniform(0.1, 0.7, count), uniform(0.2, 0.8, count, 3)
    away = torch.zeros((count, 3, 3), device=generator.device)
    for row in range(3):
        away[:, row, (row + 1) % 3], away[:, row, (row + 2) % 3] = across[:, row], 1 - across[:, row]
    eye = torch.eye(3, device=generator.device)
    matrix = eye + strength[:, None, None] * (eye - away)
    exposure = torch.exp(uniform(-2.5, 0.3, count))
    return Cameras(gains, matrix, exposure)


def to_sensor(pictures: Tensor, cameras: Cameras) -> Tensor:
    """Linear camera colours of sRGB pictures.

    Args:
        pictures: `(N, 3, h, w)` in [0, 1].
        cameras: one for each.

    Returns:
        `(N, 3, h, w)`, 1 where the sensor saturates; cut off there.
    """
    linear = torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055) ** 2.4)
    camera = torch.einsum("nij,njhw->nihw", torch.linalg.inv(cameras.matrix), linear).clamp_min(0)
    bright = ((camera.mean(dim=1, keepdim=True) - _SATURATED).clamp_min(0) / (1 - _SATURATED)) ** 2
    gains = 1 / cameras.gains[:, :, None, None]
    gains = torch.maximum(gains, bright + (1 - bright) * gains)
    return (camera * gains * cameras.exposure[:, None, None, None]).clamp(0, 1)


def mosaic_of(colours: Tensor) -> Tensor:
    """`(N, 1, h, w)`: the pattern RGGB of `(N, 3, h, w)`; sides are even."""
    mosaic = colours[:, 1:2].clone()
    mosaic[:, 0, ::2, ::2] = colours[:, 0, ::2, ::2]
    mosaic[:, 0, 1::2, 1::2] = colours[:, 2, 1::2, 1::2]
    return mosaic
