"""One piece of a mosaic through transform, network and inverse (YOND, arXiv 2506.03645)."""

from collections.abc import Sequence

import numpy as np

from denoise_studio.core.denoiser import FieldValue
from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import on_device, run
from denoise_studio.denoisers.network.weights import Weights
from denoise_studio.noise.sensor import hot
from denoise_studio.noise.sensor.model import SiteNoise
from denoise_studio.noise.sensor.vst import Stabiliser

NAME = "network-raw"
SHA256 = "f4837e4ae4bb00784e14382a57ed33e6e9ca1270b762c2eeb9d7b016cdcfcad5"
WEIGHTS = Weights(NAME, SHA256)
_ALIKE = 0.06
"""Relative difference of noise sds below which classes of pixels have the same gain."""


def denoise(
    pixels: FloatArray,
    mosaic: Mosaic,
    noise: Sequence[SiteNoise],
    told: FieldValue,
    device: str = "cpu",
    precision: str = "float32",
    repair: bool = True,
) -> FloatArray:
    """A denoised mosaic.

    Args:
        pixels: `(H, W)` float32, DN with black.
        mosaic: of a Bayer pattern, beginning at this array's corner.
        noise: of every class, in the mosaic's order.
        told: noise sd that the network is told, in units of what the transform makes of the noise
            (1); a number or `(H, W)`. Where it is 0 nothing changes but the black level.
        device: "cpu", "cuda" or "mps".
        precision: "float32" or "bfloat16".
        repair: whether single pixels that lie are replaced first.

    Returns:
        `(H, W)` float32, DN. Where the noise knows another black level than the file, the result is
        moved so that the file's own holds for it. Saturated pixels keep their values.

    Raises:
        OutOfMemory: the device could not hold it.
    """
    rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    own_black = mosaic.spread([site.black for site in noise], rect)
    file_black = mosaic.spread([site.black for site in mosaic.sites], rect)
    above = pixels - own_black
    common, shares = _common(noise)
    if repair:
        above = hot.repaired(above, hot.defects(above, common.gain, common.read))
    told = _per_class(told, shares, mosaic, rect)
    stable = _stabilised(above, common, told)
    y, x = _first_red(mosaic)
    level = told if not isinstance(told, np.ndarray) else told[y:, x:]
    network = on_device(WEIGHTS, device)
    stable[y:, x:] = run(network, np.ascontiguousarray(stable[None, y:, x:]), level, precision)[0]
    result = common.inverse(stable)
    untouched = np.broadcast_to(np.asarray(told) == 0, pixels.shape)
    np.copyto(result, pixels - own_black, where=untouched)
    result += file_black
    saturated = pixels >= mosaic.spread([site.white for site in mosaic.sites], rect)
    np.copyto(result, pixels, where=saturated | (untouched & (own_black == file_black)))
    return result


def _common(noise: Sequence[SiteNoise]) -> tuple[Stabiliser, FloatArray]:
    """One transform for all classes, and the noise sd that each has after it.

    With a transform of its own each class would get another scale, and what the estimate of K is off
    by would stand in the picture as a pattern that the network takes for detail: 4 % cost 0.5 dB.
    """
    gains = np.array([site.gain for site in noise], np.float64)
    reads = np.array([site.read for site in noise], np.float64)
    gain, read = float(gains.mean()), float(np.sqrt(np.square(reads).mean()))
    shares = np.sqrt(gains / gain)
    shares[np.abs(shares - 1) < _ALIKE] = 1
    return Stabiliser(gain, read), np.asarray(shares, np.float32)


def _per_class(told: FieldValue, shares: FloatArray, mosaic: Mosaic, rect: Rect) -> FieldValue:
    """What the network is told, class by class where their gains clearly differ."""
    if (shares == 1).all():
        return told
    return np.asarray(told, np.float32) * mosaic.spread(shares, rect)


def _stabilised(above: FloatArray, transform: Stabiliser, told: FieldValue) -> FloatArray:
    """What the network sees; what stays noisy needs no correction: the inverse undoes the transform there."""
    plain = transform.forward(above)
    share = np.square(np.minimum(np.asarray(told, np.float32), 1))
    return np.asarray(plain + share * (transform.corrected(above) - plain), np.float32)


def _first_red(mosaic: Mosaic) -> tuple[int, int]:
    """Row and column of the first red pixel: the network was trained with patterns that begin there."""
    return next(
        (y, x)
        for y, row in enumerate(mosaic.pattern)
        for x, index in enumerate(row)
        if mosaic.sites[index].colour == 0
    )
