"""How good networks are on clean pictures with white Gaussian noise: PSNR, or the error of a prior."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.model import Network
from denoise_studio.metrics.iem import gaussian
from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork
from denoise_studio.metrics.iem.network import NetworkPrior
from denoise_studio.training.pictures import Pixels

LEVELS = (15, 25, 50)
"""Noise sds of the usual tables, for pixels in [0, 255]."""

SIGMAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Noise sds for priors, in their unit."""


def evaluate(network: Network, pictures: list[Pixels], level: float, device: str = "cpu") -> float:
    """Mean PSNR in dB over the pictures; noise of sd `level` / 255, seeded by the picture's number.

    Results are cut to [0, 1] for the comparison, as in the usual tables, noise is not.
    """
    network = network.to(device)
    return float(np.mean([_psnr(network, p, level / 255, seed) for seed, p in enumerate(pictures)]))


def _psnr(network: Network, picture: Pixels, sigma: float, seed: int) -> float:
    clean = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    device = next(network.parameters()).device
    with torch.inference_mode():
        result = _padded(network, noisy.to(device), sigma).cpu().clamp(0, 1)
    return -10 * float(torch.log10((result - clean).square().mean()))


def _padded(network: Network, noisy: torch.Tensor, sigma: float) -> torch.Tensor:
    """Reflected up to the network's multiple, and cut back."""
    height, width = noisy.shape[-2:]
    multiple = network.shape.multiple
    padding = (0, -width % multiple, 0, -height % multiple)
    padded = functional.pad(noisy, padding, mode="reflect").contiguous(memory_format=torch.channels_last)
    result: torch.Tensor = network(padded, torch.full_like(padded[:, :1], sigma))
    return result[..., :height, :width]


def evaluate_prior(
    network: HeavyNoiseNetwork, pictures: list[FloatArray], kind: str, sigma: float, device: str = "cpu"
) -> dict[str, float]:
    """Root mean squared error of the posterior mean, and of the Gaussian prior's, over all pixels.

    Args:
        network: a prior's.
        pictures: clean, `(C, H, W)` float32 in the prior's unit; cut to the network's multiple.
        kind: "photographs" or "ct".
        sigma: of the noise, in the same unit; seeded by the picture's number.
        device: for the network.
    """
    channels, multiple = network.shape.channels, network.shape.multiple
    priors: dict[str, Any] = {
        "network": NetworkPrior(network.to(device)),
        "gaussian": gaussian.load(kind, channels),
    }
    squares, count = dict.fromkeys(priors, 0.0), 0
    for seed, picture in enumerate(pictures):
        height, width = (side // multiple * multiple for side in picture.shape[1:])
        clean = picture[None, :, :height, :width]
        noise = np.random.default_rng(seed).standard_normal(clean.shape, np.float32)
        noisy, level = clean + np.float32(sigma) * noise, np.full(1, sigma, np.float32)
        count += clean.size
        for name, prior in priors.items():
            off = prior.posterior_mean(noisy, level).astype(np.float64) - clean
            squares[name] += float((off**2).sum())
    return {name: float(np.sqrt(square / count)) for name, square in squares.items()}
