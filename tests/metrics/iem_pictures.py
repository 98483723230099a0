"""Pairs of pictures and a small prior for the tests of the measuring functions."""

import dataclasses

import numpy as np
import pytest
from builders import noisy

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.metrics.iem.priors import PRIORS

PHOTO = {"scale": Scale.DISPLAY, "unit": "DN", "nominal_range": (0.0, 255.0)}
CT = {"scale": Scale.HU, "unit": "HU", "nominal_range": (-1024.0, 3071.0)}


def photo(height=64, width=64, channels=1, seed=0, **more):
    return Picture(noisy(height, width, channels, seed, 20.0, 230.0), **{**PHOTO, **more})


def ct(height=64, width=64, seed=0, **more):
    return Picture(noisy(height, width, 1, seed, -200.0, 300.0), **{**CT, **more})


def changed(picture, amount=0.05, seed=9):
    """With white noise of a share of the picture's span, and one brighter square."""
    low, high = picture.value_range
    noise = np.random.default_rng(seed).standard_normal(picture.pixels.shape, np.float32)
    pixels = picture.pixels + np.float32(amount * (high - low)) * noise
    pixels[:, 10:20, 8:24] += np.float32(2 * amount * (high - low))
    return picture.derive(pixels)


KINDS = {
    "grey": lambda **more: photo(**more),
    "colour": lambda **more: photo(channels=3, **more),
    "ct": lambda **more: ct(**more),
}


@pytest.fixture
def untrained(monkeypatch):
    """The prior "network" with a tiny network whose weights were drawn and not trained."""
    import torch

    from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape
    from denoise_studio.metrics.iem.network import NetworkPrior

    def load(kind, channels, device):
        lowest = 0.05 if kind == "ct" else 0.25
        shape = HeavyShape(channels, kind, lowest, widths=(8, 16), blocks=(1, 1))
        return NetworkPrior(HeavyNoiseNetwork(shape, torch.Generator().manual_seed(channels)).eval())

    monkeypatch.setitem(PRIORS, "network", dataclasses.replace(PRIORS["network"], load=load))
    return load
