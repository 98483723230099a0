"""The noise of developed photographs: neighbouring pixels and channels share it.

Sensor noise (Poisson and Gaussian) is added to the mosaic in linear light, then demosaiced,
colour-corrected, smoothed or sharpened, gamma-coded and often stored as JPEG, as a camera does
(the order of Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019). Every
choice is drawn at random, so that no camera is learned by heart.
"""

import math
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.types import FloatArray

LOWEST, HIGHEST = 1.5 / 255, 40 / 255
"""Range of the noise sd, for pixels in [0, 1]."""
_GAMMA = 2.2
_DEMOSAIC = (cv2.COLOR_BayerRG2RGB, cv2.COLOR_BayerRG2RGB_EA)
_FULL = 65535 / 4
"""Of 16 bits: noise and colour gains need room above white."""
_DARK = 0.25
"""Below zero needs room as well: an offset, as a share of white."""
_AROUND = 6.0
"""sd in pixels of the neighbourhood whose noise is a pixel's noise level."""


def camera_noise(clean: FloatArray, random: np.random.Generator) -> tuple[Any, Any]:
    """A photograph as a camera might have developed it, and its noise level.

    Args:
        clean: `(h, w, 3)` in [0, 1], sides of at least 32.
        random: what everything is drawn from.

    Returns:
        The noisy picture in [0, 1], `(h, w, 3)`, and its noise sd around every pixel, `(h, w)`.
    """
    noise = _developed(clean, random)
    wanted = math.exp(random.uniform(math.log(LOWEST), math.log(HIGHEST)))
    noise *= wanted / max(float(noise.std()), 1e-6)
    noisy = np.clip(clean + noise, 0, 1).astype(np.float32)
    if random.random() < 0.7:
        noisy = _stored(noisy, random)
    power = ((noisy - clean) ** 2).mean(axis=2)
    return noisy, np.sqrt(cv2.GaussianBlur(power, (0, 0), _AROUND)).astype(np.float32)


def _developed(clean: FloatArray, random: np.random.Generator) -> Any:
    """Noise as it looks after development, of any strength."""
    linear = np.power(clean, _GAMMA)
    gains = np.array([random.uniform(1.2, 2.6), 1.0, random.uniform(1.2, 2.2)], np.float32)
    mosaic = _mosaic(linear / gains)
    # The share of noise that does not depend on the light, where the light is 1.
    dark = 10 ** random.uniform(-4, -1)
    noise = np.sqrt(np.maximum(mosaic, 0) + dark) * random.standard_normal(mosaic.shape)
    noise *= 10 ** random.uniform(-2.5, -1.2)
    code = _DEMOSAIC[int(random.integers(len(_DEMOSAIC)))]
    spread = (_demosaiced(mosaic + noise, code) - _demosaiced(mosaic, code)) * gains
    spread = spread @ _matrix(random).T
    bright = np.clip(linear + spread, 0, 1)
    return _smoothed((bright ** (1 / _GAMMA) - clean).astype(np.float32), random)


def _mosaic(colours: Any) -> Any:
    """Each pixel's one colour, red at the top left."""
    mosaic = colours[..., 1].copy()
    mosaic[::2, ::2] = colours[::2, ::2, 0]
    mosaic[1::2, 1::2] = colours[1::2, 1::2, 2]
    return mosaic


def _demosaiced(mosaic: Any, code: int) -> Any:
    raw = np.clip((mosaic + _DARK) * _FULL, 0, 65535).astype(np.uint16)
    # OpenCV names a pattern by its second row's second and third pixel: this is RGGB for BGR order.
    return cv2.cvtColor(raw, code)[..., ::-1].astype(np.float32) / _FULL - _DARK


def _matrix(random: np.random.Generator) -> Any:
    """A camera's colour correction: more saturated, white stays white."""
    strength = random.uniform(0, 0.4)
    across = random.uniform(0.2, 0.8, (3, 1))
    away = np.zeros((3, 3))
    for row in range(3):
        away[row, (row + 1) % 3], away[row, (row + 2) % 3] = across[row, 0], 1 - across[row, 0]
    return ((1 + strength) * np.eye(3) - strength * away).astype(np.float32)


def _smoothed(noise: Any, random: np.random.Generator) -> Any:
    """What a camera's own noise reduction and sharpening do to noise: colour more than brightness."""
    if random.random() < 0.2:
        return noise
    bright = noise.mean(axis=2, keepdims=True)
    colour = noise - bright
    if (width := random.uniform(-0.6, 2.5)) > 0.2:
        colour = cv2.GaussianBlur(colour, (0, 0), width)
    if (width := random.uniform(-0.7, 1.6)) > 0.2:
        bright = cv2.GaussianBlur(bright, (0, 0), width)[..., None]
    elif width < -0.4:
        bright = bright + random.uniform(0, 1.5) * (bright - cv2.GaussianBlur(bright, (0, 0), 1.0)[..., None])
    return bright + random.uniform(0.1, 0.9) * colour


def _stored(noisy: FloatArray, random: np.random.Generator) -> Any:
    """Through a JPEG file, at the quality of cameras."""
    half = random.random() < 0.5
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if half else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    choices = [
        *(cv2.IMWRITE_JPEG_QUALITY, int(random.integers(75, 100))),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling),
    ]
    _, content = cv2.imencode(".jpg", np.rint(noisy[..., ::-1] * 255).astype(np.uint8), choices)
    decoded: Any = cv2.imdecode(content, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.float32) / 255
