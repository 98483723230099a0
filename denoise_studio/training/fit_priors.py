"""The two analytic priors: a power spectrum, and a mixture of patches, for every class of pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

from denoise_studio.formats.files import replacing, write_bytes
from denoise_studio.metrics.iem.gaussian import FILE
from denoise_studio.metrics.iem.opponent import to_opponent
from denoise_studio.metrics.iem.patches import SIDE
from denoise_studio.training.heavy_batches import Crop

CROP = 192
"""Pixels a side of the crops that spectra are read from."""
_CROPS = 600
_BINS = 24
_PATCHES = 60_000
_COMPONENTS = 24
_ROUNDS = 30
_FLOOR = 1e-5
"""Added to every variance: photographs of 8 bits have no finer ones."""


def fit_priors(sources: dict[str, Crop], folder: Path, seed: int = 0) -> None:
    """Write `gaussian.json` and `patch-gmm.safetensors`.

    Args:
        sources: crops `(192, 192, C)` in the prior's unit, by class ("photographs-3", ...).
        folder: where to.
        seed: of the crops, the patches and the start of the mixtures.
    """
    from safetensors.numpy import save_file

    frequencies = np.exp(np.linspace(np.log(1 / CROP), np.log(0.7), _BINS))
    classes: dict[str, Any] = {}
    tensors: dict[str, Any] = {}
    for name, draw in sources.items():
        random = np.random.default_rng(seed)
        crops = np.stack([draw(random) for _ in range(_CROPS)]).transpose(0, 3, 1, 2)
        crops = to_opponent(crops.astype(np.float64), 1)
        mean = crops.mean(axis=(0, 2, 3))
        powers = [_radial(crops[:, c] - mean[c], frequencies) for c in range(crops.shape[1])]
        classes[name] = {"mean": mean.round(5).tolist(), "powers": powers}
        for channel in range(crops.shape[1]):
            for part, value in _mixture(crops[:, channel], random).items():
                tensors[f"{name}.{channel}.{part}"] = value
    folder.mkdir(parents=True, exist_ok=True)
    content = {"frequencies": frequencies.round(6).tolist(), "classes": classes}
    write_bytes(folder / FILE, (json.dumps(content, indent=1) + "\n").encode())
    with replacing(folder / "patch-gmm.safetensors") as beside:
        save_file(tensors, beside)


def _radial(crops: Any, frequencies: Any) -> list[float]:
    """Mean periodogram under a Hann window, by distance from the origin."""
    side = crops.shape[-1]
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = (np.abs(np.fft.fft2(crops * window)) ** 2).mean(axis=0) / (window**2).sum()
    at = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    distance = np.abs(np.log(np.maximum(at, frequencies[0] / 2))[..., None] - np.log(frequencies))
    nearest = distance.argmin(axis=-1)
    heights = [
        power[nearest == k].mean() if (nearest == k).any() else np.nan for k in range(len(frequencies))
    ]
    known = np.isfinite(heights)
    filled = np.interp(np.log(frequencies), np.log(frequencies)[known], np.log(np.array(heights)[known]))
    return [float(f"{value:.5g}") for value in np.exp(filled)]


def _mixture(crops: Any, random: np.random.Generator) -> dict[str, Any]:
    """Weights, means and covariances by expectation maximisation."""
    count, side = len(crops), crops.shape[-1]
    which = random.integers(count, size=_PATCHES)
    y, x = random.integers(side - SIDE + 1, size=(2, _PATCHES))
    reach = np.arange(SIDE)
    rows, columns = y[:, None, None] + reach[:, None], x[:, None, None] + reach
    patches = crops[which[:, None, None], rows, columns].reshape(_PATCHES, -1).astype(np.float32)
    share = np.eye(_COMPONENTS, dtype=np.float32)[_first_guess(patches)]
    for _ in range(_ROUNDS):
        weights, means, covariances = _maximise(patches, share)
        share = _expect(patches, weights, means, covariances)
    return {
        "weights": weights.astype(np.float32),
        "means": means.astype(np.float32),
        "covariances": covariances.astype(np.float16),
    }


def _first_guess(patches: Any) -> Any:
    """By contrast and by brightness: strata of equal size."""
    contrast = np.argsort(np.argsort(patches.std(axis=1))) * 6 // len(patches)
    bright = np.argsort(np.argsort(patches.mean(axis=1))) * (_COMPONENTS // 6) // len(patches)
    return contrast * (_COMPONENTS // 6) + bright


def _maximise(patches: Any, share: Any) -> tuple[Any, Any, Any]:
    total = share.sum(axis=0) + 1e-9
    means = (share.T @ patches) / total[:, None]
    covariances = []
    for k in range(len(total)):
        off = (patches - means[k]) * np.sqrt(share[:, k : k + 1])
        covariances.append((off.T @ off).astype(np.float64) / total[k] + _FLOOR * np.eye(patches.shape[1]))
    return total / total.sum(), means, np.stack(covariances)


def _expect(patches: Any, weights: Any, means: Any, covariances: Any) -> Any:
    logs = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        lower = np.linalg.cholesky(covariance)
        whitened = (patches - mean) @ np.linalg.inv(lower).T.astype(np.float32)
        logs.append(np.log(weight) - np.log(np.diag(lower)).sum() - 0.5 * (whitened**2).sum(axis=1))
    log = np.stack(logs, axis=1)
    return np.exp(log - logsumexp(log, axis=1, keepdims=True))
