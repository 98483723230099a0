"""Runs the network for camera raw on one tile."""

from dataclasses import replace

import numpy as np

from denoise_studio.core.denoiser import FieldValue, Tile
from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.noise.sensor.model import SensorNoise, SiteNoise

_LEAST_SHARE = 0.05


def denoise_tile(tile: Tile) -> FloatArray:
    """The inner part of a tile, `(1, h, w)` float32, denoised.

    Raises:
        OutOfMemory: the device could not hold the tile.
        StudioError: the weights are missing or damaged.
    """
    noise, mosaic = tile.knowledge, tile.mosaic
    assert isinstance(noise, SensorNoise) and mosaic is not None  # noqa: PT018
    shift = float(tile.values["black"])  # type: ignore[arg-type]
    told = tile.values["sigma"]
    result = denoise(
        _without_shading(tile.pixels[0], tile.values["shading"], mosaic),
        mosaic,
        [shifted(site, shift) for site in noise.sites],
        told,  # type: ignore[arg-type]
        tile.device,
        tile.precision,
        bool(tile.values["repair"]),
    )
    halo = tile.halo
    height, width = result.shape
    return np.ascontiguousarray(result[None, halo : height - halo, halo : width - halo])


def _without_shading(pixels: FloatArray, shading: FieldValue, mosaic: Mosaic) -> FloatArray:
    """The pixels less what dark frames show; saturated ones stay as they are."""
    if not np.any(shading):
        return pixels
    white = mosaic.spread([site.white for site in mosaic.sites], Rect(0, 0, pixels.shape[1], pixels.shape[0]))
    return np.where(pixels >= white, pixels, pixels - np.asarray(shading, np.float32))


def shifted(site: SiteNoise, by: float) -> SiteNoise:
    """The same noise with a black level that is `by` DN higher.

    The line through the windows stays where it is, Var = K (x - black) + s^2, so its value at the
    new black is s^2 + K by; it never falls below a twentieth.
    """
    if not by:
        return site
    level = max(site.read**2 + site.gain * by, _LEAST_SHARE * site.read**2)
    return replace(site, black=site.black + by, read=level**0.5)
