"""PSNR of a network on a folder of clean pictures with white Gaussian noise."""

import numpy as np
import torch
from torch.nn import functional

from denoise_studio.denoisers.network.model import Network
from denoise_studio.training.pictures import Pixels

LEVELS = (15, 25, 50)
"""Noise sds of the usual tables, for pixels in [0, 255]."""


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
