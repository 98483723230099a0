"""What a network learns: to denoise pictures, or the posterior mean under heavy noise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from denoise_studio.denoisers.network.model import Network, Shape
from denoise_studio.denoisers.network.weights import read_network
from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape
from denoise_studio.metrics.iem.network import read_heavy
from denoise_studio.training.batches import Batch
from denoise_studio.training.configs import Config
from denoise_studio.training.levels import Curriculum, LogUniform, NoiseLevels, Uniform

_EVEN = 0.6
"""The error of a good denoiser grows about like sigma to this power: crops are weighed against it."""
_LIGHT = 2 / 255


class Course(Protocol):
    """A network, the noise that it sees, and what counts as an error.

    Attributes:
        edges: names of first and last layers begin so; they have few rows or no orthogonal form
            and get Adam, the others Muon.
    """

    @property
    def edges(self) -> tuple[str, ...]: ...

    def network(self, generator: torch.Generator | None = None) -> Any:
        """A new network; without a generator its weights are to be loaded."""

    def levels(self) -> NoiseLevels:
        """Noise levels to draw from."""

    def loss(self, network: Any, batch: Batch, device: str) -> Tensor:
        """The error of a batch."""

    def read(self, path: Path) -> Any:
        """A network of this kind from a file of weights."""


def course_of(config: Config) -> Course:
    """The course for a configuration."""
    return (
        _Denoising(config.shape, config.curriculum)
        if isinstance(config.shape, Shape)
        else _Prior(config.shape)
    )


@dataclass(frozen=True)
class _Denoising:
    shape: Shape
    curriculum: bool
    edges = ("pixels.", "noise.", "residual.")

    def network(self, generator: torch.Generator | None = None) -> Network:
        return Network(self.shape, generator)

    def levels(self) -> NoiseLevels:
        return Curriculum() if self.curriculum else Uniform()

    def loss(self, network: Any, batch: Batch, device: str) -> Tensor:
        """Mean absolute error, every crop weighed by what its noise allows."""
        clean, noisy, sigma = _on(device, batch.clean, batch.noisy, batch.sigma)
        result = network(noisy, sigma)
        error = (result - clean).abs().mean(dim=(1, 2, 3))
        weighed: Tensor = error * (sigma.mean(dim=(1, 2, 3)) + _LIGHT) ** -_EVEN
        return weighed.mean()

    def read(self, path: Path) -> Network:
        return read_network(path)


@dataclass(frozen=True)
class _Prior:
    shape: HeavyShape
    edges = ("pixels.", "level.", "estimate.")

    def network(self, generator: torch.Generator | None = None) -> HeavyNoiseNetwork:
        return HeavyNoiseNetwork(self.shape, generator)

    def levels(self) -> NoiseLevels:
        return LogUniform(self.shape.lowest, self.shape.highest)

    def loss(self, network: Any, batch: Batch, device: str) -> Tensor:
        """Mean squared error as a share of the Wiener filter's: every noise level counts alike."""
        clean, noisy = _on(device, batch.clean, batch.noisy)
        sigma = batch.sigma.to(device)
        result = network(noisy, sigma)
        error: Tensor = (result - clean).square().mean(dim=(1, 2, 3))
        share: Tensor = error / network.wiener.expected(sigma).square()
        return share.mean()

    def read(self, path: Path) -> HeavyNoiseNetwork:
        return read_heavy(path)


def _on(device: str, *parts: Tensor) -> list[Tensor]:
    return [part.to(device, memory_format=torch.channels_last) for part in parts]
