"""How good a network is on mosaics of clean pictures with sensor noise whose parameters are known."""

from typing import Any

import numpy as np
import torch

from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import run
from denoise_studio.denoisers.network.model import Network
from denoise_studio.noise.sensor.vst import Stabiliser
from denoise_studio.training.pictures import Pixels
from denoise_studio.training.unprocess import draw_cameras, mosaic_of, to_sensor

SETTINGS = ((4000.0, 4.0), (400.0, 3.0), (40.0, 2.0))
"""Electrons of white, and sd of the read noise in electrons: about ISO 200, 3200 and 25600."""


def clean_mosaic(picture: Pixels, seed: int) -> FloatArray:
    """`(h, w)` float32 in [0, 1]: what a sensor with the pattern RGGB sees of a picture, sides even."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    tensor = torch.from_numpy(picture[:height, :width].copy()).permute(2, 0, 1)[None].float() / 255
    cameras = draw_cameras(1, torch.Generator().manual_seed(seed))
    mosaic: FloatArray = mosaic_of(to_sensor(tensor, cameras))[0, 0].numpy()
    return mosaic


def sensor_noise(electrons: FloatArray, read: float, random: np.random.Generator) -> FloatArray:
    """Poisson and Gaussian noise, in electrons."""
    noise = read * random.standard_normal(electrons.shape)
    return (random.poisson(electrons) + noise).astype(np.float32)


def evaluate_raw(
    network: Network, pictures: list[Pixels], full: float, read: float, device: str = "cpu"
) -> dict[str, float]:
    """Mean PSNR in dB of noisy and denoised mosaics, white being 1, over the pictures.

    Args:
        network: trained with the source "raw".
        pictures: `(H, W, 3)` uint8; cameras, exposures and noise are seeded by their number.
        full: electrons of white.
        read: sd of the read noise in electrons.
        device: for the network.
    """
    network = network.to(device)
    transform = Stabiliser(1.0, read)
    found: dict[str, list[float]] = {"noisy": [], "denoised": []}
    for seed, picture in enumerate(pictures):
        electrons = clean_mosaic(picture, seed) * np.float32(full)
        noisy = np.minimum(sensor_noise(electrons, read, np.random.default_rng(seed)), full)
        denoised = transform.inverse(run(network, transform.corrected(noisy)[None], 1.0, "float32")[0])
        for name, values in (("noisy", noisy), ("denoised", denoised)):
            found[name].append(_psnr(values, electrons, full))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _psnr(values: Any, truth: Any, full: float) -> float:
    error = ((values.astype(np.float64) - truth) / full) ** 2
    return float(-10 * np.log10(error.mean()))
