"""Gaussian noise of a given correlation."""

from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray

_PERIOD = 64


def coloured_noise(correlation: FloatArray, shape: tuple[int, ...], seed: int) -> FloatArray:
    """Gaussian noise of mean 0 and sd 1.

    Args:
        correlation: `(2 R + 1, 2 R + 1)`, of two pixels by their distance, 1 in the middle. What
            no noise can have (a spectrum below zero) is left out.
        shape: (C, H, W); channels are independent.
        seed: of numpy's default generator.

    Returns:
        float32 of that shape.
    """
    import cv2

    kernel = _kernel(np.asarray(correlation, np.float64))
    draw = np.random.default_rng(seed)
    channels = (draw.standard_normal(shape[1:], np.float32) for _ in range(shape[0]))
    return np.stack([cv2.filter2D(c, -1, kernel, borderType=cv2.BORDER_REFLECT) for c in channels])


def _kernel(correlation: Any) -> FloatArray:
    """What white noise has to be filtered with: the square root of the spectrum, of norm 1."""
    side = correlation.shape[0]
    radius = side // 2
    periodic = np.zeros((_PERIOD, _PERIOD))
    periodic[:side, :side] = correlation
    spectrum = np.fft.fft2(np.roll(periodic, (-radius, -radius), axis=(0, 1))).real
    root = np.fft.ifft2(np.sqrt(np.maximum(spectrum, 0.0))).real
    kernel = np.roll(root, (2 * radius, 2 * radius), axis=(0, 1))[: 4 * radius + 1, : 4 * radius + 1]
    return np.ascontiguousarray(kernel / np.sqrt((kernel**2).sum()), np.float32)
