"""Whether this machine runs the network better in bfloat16: measured, not guessed."""

import time
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import on_device, run
from denoise_studio.denoisers.network.weights import Weights

MOST_LOST = 0.01
"""dB that the faster arithmetic may cost."""
_FASTER = 1.1
_SIDE, _REPEATS = 256, 3
_SIGMAS = (5 / 255, 25 / 255)


def fastest(weights: Weights, device: str) -> str:
    """The choice: "bfloat16" where it is faster and costs no more than `MOST_LOST` dB, else "float32".

    Tried on a drawn picture with noise; takes a fraction of a second.
    """
    network = on_device(weights, device)
    clean = _drawn(network.shape.channels)
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    for sigma in _SIGMAS:
        noisy = clean + np.float32(sigma) * noise
        full, half = (_error(run(network, noisy, sigma, p), clean) for p in ("float32", "bfloat16"))
        if 10 * np.log10(half / full) > MOST_LOST:
            return "float32"
    turns = [
        (_seconds(network, noisy, "float32"), _seconds(network, noisy, "bfloat16")) for _ in range(_REPEATS)
    ]
    full, half = (min(seconds) for seconds in zip(*turns, strict=True))
    return "bfloat16" if half * _FASTER < full else "float32"


def _error(result: FloatArray, clean: FloatArray) -> float:
    return float(((result.astype(np.float64) - clean) ** 2).mean())


def _seconds(network: Any, noisy: FloatArray, precision: str) -> float:
    """Of one run; it ends on the CPU, so a GPU has finished too."""
    start = time.perf_counter()
    run(network, noisy, _SIGMAS[-1], precision)
    return time.perf_counter() - start


def _drawn(channels: int) -> FloatArray:
    """Discs, bars and a ramp between 0 and 1: edges, fine stripes and smooth parts."""
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    picture = 0.3 + 0.3 * x
    picture += 0.3 * (np.hypot(x - 0.3, y - 0.35) < 0.2) - 0.2 * (np.hypot(x - 0.75, y - 0.3) < 0.12)
    picture += 0.2 * ((y > 0.65) & (np.sin(2 * np.pi * x * (8 + 40 * x)) > 0))
    shades = np.linspace(0.8, 1.2, channels)[:, None, None] if channels > 1 else np.ones((1, 1, 1))
    return np.clip(picture * shades, 0, 1).astype(np.float32)
