"""One piece of a mosaic through transform, network and inverse (YOND, arXiv 2506.03645)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from denoise_studio.core.denoiser import FieldValue
from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import on_device, run
from denoise_studio.denoisers.network.weights import Weights
from denoise_studio.noise.sensor import hot
from denoise_studio.noise.sensor.model import SiteNoise

NAME = "network-raw"
SHA256 = "f4837e4ae4bb00784e14382a57ed33e6e9ca1270b762c2eeb9d7b016cdcfcad5"
WEIGHTS = Weights(NAME, SHA256)


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
    if repair:
        level = noise[0]
        above = hot.repaired(above, hot.defects(above, level.gain, level.read))
    share = np.square(np.minimum(np.asarray(told, np.float32), 1))
    stable = np.empty_like(above)
    for site, where in _classes(mosaic, noise):
        transform = site.stabiliser
        plain = transform.forward(above[where])
        part = share if share.ndim == 0 else share[where]
        # What stays noisy needs no correction: the inverse undoes the transform there.
        stable[where] = plain + part * (transform.corrected(above[where]) - plain)
    y, x = _first_red(mosaic)
    level_map = told if not isinstance(told, np.ndarray) else told[y:, x:]
    network = on_device(WEIGHTS, device)
    smooth = stable
    smooth[y:, x:] = run(network, np.ascontiguousarray(stable[None, y:, x:]), level_map, precision)[0]
    result = np.empty_like(pixels)
    for site, where in _classes(mosaic, noise):
        result[where] = site.stabiliser.inverse(smooth[where])
    untouched = np.broadcast_to(np.asarray(told) == 0, pixels.shape)
    np.copyto(result, pixels - own_black, where=untouched)
    result += file_black
    saturated = pixels >= mosaic.spread([site.white for site in mosaic.sites], rect)
    np.copyto(result, pixels, where=saturated | (untouched & (own_black == file_black)))
    return result


def _classes(mosaic: Mosaic, noise: Sequence[SiteNoise]) -> Iterator[tuple[SiteNoise, Any]]:
    for y, row in enumerate(mosaic.pattern):
        for x, index in enumerate(row):
            yield noise[index], (slice(y, None, 2), slice(x, None, 2))


def _first_red(mosaic: Mosaic) -> tuple[int, int]:
    """Row and column of the first red pixel: the network was trained with patterns that begin there."""
    return next(
        (y, x)
        for y, row in enumerate(mosaic.pattern)
        for x, index in enumerate(row)
        if mosaic.sites[index].colour == 0
    )
