"""The network: a bias-free residual U-Net that is told the noise sd of every pixel.

    f(x, sigma) = x - b tanh(r(x, sigma) / b),   b = 8 min(sigma, contrast of the surroundings)

r is made of convolutions without bias and ReLUs, so r(a x, a sigma) = a r(x, sigma) for a > 0
and f scales with its input (bias-free networks: Mohan et al., ICLR 2020). The first layer's filters
sum to zero, so f(x + c, sigma) = f(x, sigma) + c (normalisation equivariance: Herbreteau et al.,
NeurIPS 2023): a network trained on photographs meets HU of any offset. What is taken away is
bounded, pixel by pixel, by 8 sigma and by 8 times the largest difference in the 10 x 10 pixels
around: where sigma is 0 nothing is, and a flat field stays flat.

The U-Net (Ronneberger et al. 2015; residual blocks as in DRUNet, Zhang et al., PAMI 2021) works on
2 x 2 pixels at a time (FFDNet, Zhang et al., TIP 2018), its sigma map likewise.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_studio.denoisers.network.unet import UNet

BOUND = 8.0
"""Largest change of a pixel, in sigmas: more than Gaussian noise ever asks for."""
FOLD = 2
"""Pixels a side that are folded into channels."""


@dataclass(frozen=True)
class Shape:
    """What a network is made of.

    Args:
        channels: of the picture, 1 or 3.
        widths: channels of each level; every level has half the resolution of the one before.
        blocks: residual blocks of each level, on the way down and again on the way up.
    """

    channels: int
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 2)

    @property
    def multiple(self) -> int:
        """Sides of the input must be a multiple of this."""
        return int(FOLD * 2 ** (len(self.widths) - 1))

    @property
    def halo(self) -> int:
        """Pixels around a pixel that its result can depend on, rounded up to `multiple`.

        Every 3 x 3 convolution reaches one pixel of its level, and each block has two; a pixel
        of a level is `FOLD` times 2 to the level wide. Half-resolution steps add their own width.
        """
        reach = 2 * FOLD
        for level, count in enumerate(self.blocks):
            passes = 1 if level == len(self.blocks) - 1 else 2
            reach += FOLD * 2**level * 2 * count * passes
        reach += self.multiple - 1
        return -(-reach // self.multiple) * self.multiple

    def describe(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Shape":
        return cls(int(values["channels"]), tuple(values["widths"]), tuple(values["blocks"]))


class Network(UNet):
    """Denoises `(N, C, H, W)` pictures of any unit, given the noise sd of every pixel.

    Args:
        shape: its size.
        generator: draws the starting weights; None leaves them to be loaded.
    """

    def __init__(self, shape: Shape, generator: torch.Generator | None = None) -> None:
        super().__init__(shape.widths, shape.blocks)
        self.shape = shape
        widths, area = shape.widths, FOLD**2
        self.pixels = nn.Conv2d(shape.channels * area, widths[0], 3, bias=False)
        self.noise = nn.Conv2d(area, widths[0], 1, bias=False)
        self.residual = nn.Conv2d(widths[0], shape.channels * area, 3, padding=1, bias=False)
        if generator is not None:
            self.draw_weights(generator)
            with torch.no_grad():
                self.residual.weight.mul_(0.05)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """f(x, sigma).

        Args:
            x: `(N, C, H, W)` float32, sides multiples of `shape.multiple`.
            sigma: `(N, 1, H, W)` float32, noise sd in the unit of `x`, not negative.

        Returns:
            `(N, C, H, W)` float32.
        """
        folded = functional.pixel_unshuffle(x, FOLD)
        noise = functional.pixel_unshuffle(sigma, FOLD)
        with torch.autocast(x.device.type, enabled=False):  # differences of large HU need float32
            h = self.first(folded).add_(self.noise(noise))
        if torch.is_autocast_enabled(x.device.type):  # else every sum would carry float32 on
            h = h.to(torch.get_autocast_dtype(x.device.type))
        removed, bound = self.residual(self.trunk(h)).float(), self.bound(folded, noise)
        # Where the bound is 0 the smallest number stands in for it, and the last factor makes that 0.
        removed = bound * torch.tanh(removed / bound.clamp_min(torch.finfo(torch.float32).tiny))
        return x - functional.pixel_shuffle(removed, FOLD)

    def bound(self, folded: Tensor, noise: Tensor) -> Tensor:
        """The largest change of every pixel, `(N, channels, H/2, W/2)`, folded as what it is given."""
        channels = self.shape.channels
        return BOUND * torch.minimum(noise, _contrast(folded, channels)).repeat(1, channels, 1, 1)

    def first(self, folded: Tensor) -> Tensor:
        """The pixels' part of the first layer, linear in them."""
        weight = self.pixels.weight
        weight = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
        return functional.conv2d(functional.pad(folded, (1, 1, 1, 1), mode="replicate"), weight)


def _contrast(folded: Tensor, channels: int) -> Tensor:
    """Largest less smallest value of a channel in the 10 x 10 pixels around every 2 x 2.

    Of the channel where it is largest; `(N, 1, H/2, W/2)`.
    """
    parts = folded.unflatten(1, (channels, FOLD**2))
    highest, lowest = _highest_around(parts.amax(dim=2)), _highest_around(-parts.amin(dim=2))
    return (highest + lowest).amax(dim=1, keepdim=True)


def _highest_around(values: Tensor) -> Tensor:
    """The largest of 5 x 5, first down and then across."""
    down = functional.max_pool2d(values, (5, 1), stride=1, padding=(2, 0))
    return functional.max_pool2d(down, (1, 5), stride=1, padding=(0, 2))
