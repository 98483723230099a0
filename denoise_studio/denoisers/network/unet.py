"""The trunk that the studio's networks share: residual blocks at falling and rising resolution.

U-Net: Ronneberger, Fischer and Brox 2015; residual blocks as in DRUNet (Zhang et al., PAMI 2021).
No convolution has a bias, so the trunk scales with its input (Mohan et al., ICLR 2020).
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.second(functional.relu(self.first(x), inplace=True))
        return changed.add_(x)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*[_Block(width) for _ in range(count)])


class UNet(nn.Module):
    """Features in, features out; what stands before and after it is a subclass's.

    Args:
        widths: channels of each level; every level has half the resolution of the one before.
        blocks: residual blocks of each level, on the way down and again on the way up.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int]) -> None:
        super().__init__()
        steps = list(itertools.pairwise(widths))
        sides = list(zip(widths[:-1], blocks[:-1], strict=True))
        self.encoder = nn.ModuleList(_blocks(width, count) for width, count in sides)
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2, bias=False) for fine, coarse in steps)
        self.body = _blocks(widths[-1], blocks[-1])
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2, bias=False) for fine, coarse in steps
        )
        self.decoder = nn.ModuleList(_blocks(width, count) for width, count in sides)

    def draw_weights(self, generator: torch.Generator) -> None:
        """Starting weights of every convolution, the subclass's too; blocks start near the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, _Block):
                    module.second.weight.mul_(0.3)

    def trunk(self, h: Tensor, shifts: Sequence[Tensor] = ()) -> Tensor:
        """Features of the first level.

        Args:
            h: `(N, widths[0], H, W)`, sides multiples of 2 to the number of levels less one.
            shifts: for every level `(N, width, 1, 1)`, added to what enters it on the way down.
        """
        kept = []
        for level, (encoder, down) in enumerate(zip(self.encoder, self.down, strict=True)):
            h = encoder(_shifted(h, shifts, level))
            kept.append(h)
            h = down(h)
        h = self.body(_shifted(h, shifts, len(kept)))
        levels: Sequence[Any] = list(zip(self.up, self.decoder, kept, strict=True))
        for up, decoder, skipped in reversed(levels):
            h = decoder(up(h).add_(skipped))
        return h


def _shifted(h: Tensor, shifts: Sequence[Tensor], level: int) -> Tensor:
    return h.add_(shifts[level].to(h.dtype)) if shifts else h
