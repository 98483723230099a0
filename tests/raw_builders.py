"""Small mosaics with known sensor noise, made without the studio's own sampler."""

from dataclasses import replace
from typing import Any

import numpy as np

from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored

BLACK, WHITE = 512.0, 16383.0


def mosaic(black: float = BLACK, white: float = WHITE, **more: Any) -> Mosaic:
    names = (("R", 0), ("G1", 1), ("G2", 1), ("B", 2))
    sites = tuple(Photosite(name, colour, black, white) for name, colour in names)
    return Mosaic(((0, 1), (2, 3)), sites, **more)


def patches(height: int = 512, width: int = 512, low: float = 20.0, high: float = 12000.0) -> Any:
    """DN above black: grey patches of 64 pixels, from dark to bright, with soft shading inside."""
    rows, columns = height // 64, width // 64
    levels = np.geomspace(low, high, rows * columns)
    order = np.random.default_rng(5).permutation(rows * columns)
    sheet = np.kron(levels[order].reshape(rows, columns), np.ones((64, 64)))
    shade = 1 + 0.02 * np.sin(np.arange(width) / 90)[None] * np.cos(np.arange(height) / 70)[:, None]
    return sheet * shade


def exposed(
    light: Any, gain: float, read: float, seed: int, black: float = BLACK, white: float = WHITE
) -> Any:
    """What the converter gives: Poisson, Gauss, rounding, clipping at both ends."""
    random = np.random.default_rng(seed)
    values = gain * random.poisson(light / gain) + read * random.standard_normal(light.shape)
    return np.clip(np.rint(values + black), 0, white).astype(np.float32)


def raw(pixels: Any, layout: Mosaic | None = None, **more: Any) -> Picture:
    return Picture(
        np.ascontiguousarray(pixels, np.float32)[None],
        scale=Scale.LINEAR,
        unit="DN",
        nominal_range=(BLACK, WHITE),
        stored=Stored("uint16", 14),
        mosaic=layout or mosaic(),
        **more,
    )


def with_masked(layout: Mosaic, gain: float, read: float, black: float, seed: int = 9) -> Mosaic:
    dark = exposed(np.zeros((256, 32)), gain, read, seed, black)
    return replace(layout, masked={site.name: dark[:, i::4].ravel() for i, site in enumerate(layout.sites)})
