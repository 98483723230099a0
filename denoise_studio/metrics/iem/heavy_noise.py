"""The posterior mean of clean pictures under heavy white noise, learned from examples.

    f(y, sigma) = s^2 / (s^2 + sigma^2) y + s sigma / sqrt(s^2 + sigma^2) F(y / sqrt(s^2 + sigma^2), ln sigma)

with s = 0.5, about the sd of pictures in [-1, 1] (preconditioning of Karras et al., "Elucidating the
Design Space of Diffusion-Based Generative Models", NeurIPS 2022, Table 1). Trained for the mean
squared error, whose least is the posterior mean. What can be seen through heavy noise is coarse, so
F folds 4 x 4 pixels into channels and does most of its work at an eighth of the resolution and below.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_studio.denoisers.network.unet import UNet

_FOLD = 4
_SPREAD = 0.5
_FEATURES = 64


@dataclass(frozen=True)
class HeavyShape:
    """What such a network is made of, and for which noise.

    Args:
        channels: of the picture, 1 or 3.
        lowest, highest: range of the noise sd, for pictures in [-1, 1].
        widths: channels of each level; every level has half the resolution of the one before.
        blocks: residual blocks of each level, on the way down and again on the way up.
    """

    channels: int
    lowest: float = 0.25
    highest: float = 40.0
    widths: tuple[int, ...] = (48, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 1, 2, 3)

    @property
    def multiple(self) -> int:
        """Sides of the input must be a multiple of this."""
        return int(_FOLD * 2 ** (len(self.widths) - 1))

    def describe(self) -> dict[str, Any]:
        """Plain JSON types."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "HeavyShape":
        lists = {name: tuple(values[name]) for name in ("widths", "blocks")}
        return cls(**{**values, **lists})


class HeavyNoiseNetwork(UNet):
    """Posterior mean for `(N, C, H, W)` pictures in the network's own unit.

    Args:
        shape: its size.
        generator: draws the starting weights; None leaves them to be loaded.
    """

    def __init__(self, shape: HeavyShape, generator: torch.Generator | None = None) -> None:
        super().__init__(shape.widths, shape.blocks)
        self.shape = shape
        area, widths = shape.channels * _FOLD**2, shape.widths
        self.pixels = nn.Conv2d(area, widths[0], 3, padding=1, bias=False)
        self.level = nn.Sequential(nn.Linear(3, _FEATURES), nn.ReLU(), nn.Linear(_FEATURES, sum(widths)))
        self.estimate = nn.Conv2d(widths[0], area, 3, padding=1)
        if generator is not None:
            self.draw_weights(generator)
            with torch.no_grad():
                self.estimate.weight.mul_(0.05)
                self.estimate.bias.zero_()  # type: ignore[union-attr]
                for value in self.level.parameters():
                    value.normal_(0, 0.1, generator=generator)

    def forward(self, y: Tensor, sigma: Tensor) -> Tensor:
        """f(y, sigma).

        Args:
            y: `(N, C, H, W)` float32, sides multiples of `shape.multiple`.
            sigma: `(N,)` float32, noise sd of each picture.

        Returns:
            `(N, C, H, W)` float32.
        """
        total = (sigma.square() + _SPREAD**2).sqrt()[:, None, None, None]
        h = self.pixels(functional.pixel_unshuffle(y / total, _FOLD))
        found = self.estimate(self.trunk(h, self._shifts(sigma))).float()
        scale = _SPREAD * sigma[:, None, None, None] / total
        return (_SPREAD / total) ** 2 * y + scale * functional.pixel_shuffle(found, _FOLD)

    def _shifts(self, sigma: Tensor) -> list[Tensor]:
        log = sigma.log()
        values = self.level(torch.stack([log / 3, (log / 3).square(), torch.sin(log)], dim=1))
        return [part[..., None, None] for part in values.split(list(self.shape.widths), dim=1)]


def weight(sigma: Tensor) -> Tensor:
    """What a squared error counts at that noise, so that every level asks the same of F."""
    return (sigma.square() + _SPREAD**2) / (sigma * _SPREAD).square()
