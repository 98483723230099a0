"""The posterior mean of clean pictures under heavy white noise, learned from examples.

    f(y, sigma) = W(y, sigma) + e(sigma) F(y / sqrt(s^2 + sigma^2), W / s, ln sigma)

W is the posterior mean under the Gaussian prior of the same class (`gaussian`), a Wiener filter over
the whole picture, and e the root mean squared error that it expects: the network F has to find only
what pictures are beyond their power spectrum, at every noise level on the same scale (as the
preconditioning of Karras et al., NeurIPS 2022, does with one variance; s = 0.5 is about the sd of
pictures in [-1, 1]). Trained for the mean squared error, whose least is the posterior mean. What
can be seen through heavy noise is coarse, so F folds 4 x 4 pixels into channels and does most of its
work at an eighth of the resolution and below.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_studio.denoisers.network.unet import UNet
from denoise_studio.metrics.iem import gaussian
from denoise_studio.metrics.iem.opponent import BASIS

_FOLD = 4
_SPREAD = 0.5
_FEATURES = 64
_GRID = 64
"""Side of the grid of frequencies on which the Wiener filter's expected error is summed."""


@dataclass(frozen=True)
class HeavyShape:
    """What such a network is made of, and for which noise.

    Args:
        channels: of the picture, 1 or 3.
        kind: the class of pictures, "photographs" or "ct".
        lowest, highest: range of the noise sd, for pictures in [-1, 1].
        widths: channels of each level; every level has half the resolution of the one before.
        blocks: residual blocks of each level, on the way down and again on the way up.
    """

    channels: int
    kind: str = "photographs"
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


class Wiener(nn.Module):
    """The Gaussian prior of a class, its spectrum kept with the weights that were trained on it."""

    frequencies: Tensor
    powers: Tensor
    mean: Tensor
    basis: Tensor

    def __init__(self, kind: str, channels: int) -> None:
        super().__init__()
        prior = gaussian.load(kind, channels)
        for name in ("frequencies", "powers", "mean"):
            self.register_buffer(name, torch.tensor(np.array(getattr(prior, name)), dtype=torch.float32))
        basis = BASIS if channels == 3 else np.eye(1)
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32), persistent=False)
        self._spectra: dict[tuple[int, int], Tensor] = {}

    def forward(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The posterior mean of `(N, C, H, W)` under noise of sd `(N,)`."""
        power, variance = self._spectrum(*y.shape[-2:]), sigma.square()[:, None, None, None]
        mean = self.mean[:, None, None]
        off = torch.einsum("oc,nchw->nohw", self.basis, y) - mean
        kept = torch.fft.irfft2(torch.fft.rfft2(off) * (power / (power + variance)), s=y.shape[-2:])
        return torch.einsum("oc,nohw->nchw", self.basis, kept + mean)

    def expected(self, sigma: Tensor) -> Tensor:
        """Its root mean squared error by theory, `(N,)`."""
        power, variance = self._spectrum(_GRID, _GRID), sigma.square()[:, None, None, None]
        return (power * variance / (power + variance)).mean(dim=(1, 2, 3)).sqrt()

    def _spectrum(self, height: int, width: int) -> Tensor:
        known = self._spectra.get((height, width))
        if known is None or known.device != self.powers.device:
            parts = (part.cpu().double().numpy() for part in (self.frequencies, self.powers, self.mean))
            found = gaussian.GaussianPrior(*parts).spectrum(height, width)
            known = torch.tensor(found, dtype=torch.float32, device=self.powers.device)
            self._spectra = {**dict(list(self._spectra.items())[-3:]), (height, width): known}
        return known


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
        self.wiener = Wiener(shape.kind, shape.channels)
        self.pixels = nn.Conv2d(2 * area, widths[0], 3, padding=1, bias=False)
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
        linear = self.wiener(y, sigma)
        seen = functional.pixel_unshuffle(torch.cat([y / total, linear / _SPREAD], dim=1), _FOLD)
        h = self.pixels(seen.contiguous(memory_format=torch.channels_last))
        found = self.estimate(self.trunk(h, self._shifts(sigma))).float()
        scale = self.wiener.expected(sigma)[:, None, None, None]
        result: Tensor = linear + scale * functional.pixel_shuffle(found, _FOLD)
        return result

    def _shifts(self, sigma: Tensor) -> list[Tensor]:
        log = sigma.log()
        values = self.level(torch.stack([log / 3, (log / 3).square(), torch.sin(log)], dim=1))
        return [part[..., None, None] for part in values.split(list(self.shape.widths), dim=1)]
