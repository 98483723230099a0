"""Synthetic dark frames whose every part is known."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.layout import as_shown
from denoise_studio.noise.sensor.tukey import Tukey

BLACK, WHITE = 512.0, 16383.0
SITES = tuple(Photosite(n, c, BLACK, WHITE) for n, c in (("R", 0), ("G1", 1), ("G2", 1), ("B", 2)))
PATTERN = ((0, 1), (2, 3))


@dataclass(frozen=True)
class Sensor:
    """What is fixed of a synthetic sensor; read noise at ISO i is i / 800 times as strong.

    Args:
        size: rows and columns as read.
        bias: of R, G1, G2 and B at ISO 800, DN.
        pattern_sd: sd of every pixel's own level.
        hot: hot pixels, 300 DN above the others.
        jitter: sd of a frame's level.
    """

    size: tuple[int, int] = (256, 320)
    bias: tuple[float, float, float, float] = (1.5, 1.4, -1.0, -1.1)
    pattern_sd: float = 0.5
    hot: int = 12
    jitter: float = 0.2
    camera: str = "Synthetic One"
    read: Tukey = field(default_factory=lambda: Tukey(1.9, -0.05))
    row: float = 0.6
    column: float = 0.3

    def noise(self, iso: float) -> CameraNoise:
        factor = iso / 800
        return CameraNoise(
            1.0, self.read.scaled(factor), self.row * factor, self.column * factor, bias=self.bias, iso=iso
        )

    def shading(self) -> np.ndarray:
        """Fixed part without the colours' bias, `(H, W)`: a bowl, rows and columns, pixels, hot ones."""
        random = np.random.default_rng(99)
        height, width = self.size
        y, x = np.mgrid[0:height, 0:width]
        level = 2 * ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2)
        level += random.normal(0, 0.3, (height, 1)) + random.normal(0, 0.2, (1, width))
        level += random.normal(0, self.pattern_sd, self.size)
        for row, column in self.hot_places():
            level[row, column] += 300
        return level

    def hot_places(self) -> np.ndarray:
        random = np.random.default_rng(5)
        return np.unique(random.integers(0, self.size, (self.hot, 2)), axis=0)

    def level(self, iso: float) -> np.ndarray:
        """DN above the file's black on average, `(H, W)`: bias and shading, which grow with ISO."""
        height, width = self.size
        table = np.array(self.bias)[np.array(PATTERN)]
        return (np.tile(table, (height // 2, width // 2)) + self.shading()) * (iso / 800)

    def frames(self, iso: float, count: int, seed: int = 0, **more: Any) -> Iterator[Picture]:
        """Dark frames, rounded to whole DN."""
        for number in range(count):
            yield self.frame(iso, np.random.default_rng((seed, int(iso), number)), name=f"d{number}", **more)

    def frame(
        self, iso: float, random: np.random.Generator, light: Any = 0.0, orientation: int = 1, **more: Any
    ) -> Picture:
        noise, (height, width) = self.noise(iso), self.size
        # Drawn by other means than the sampler's.
        u = random.random(self.size)
        shape = noise.read.shape
        values = noise.read.scale * (u**shape - (1 - u) ** shape) / shape
        values += random.normal(0, noise.row, (height, 1)) + random.normal(0, noise.column, (1, width))
        values += self.level(iso) + random.normal(0, self.jitter) + light
        stored = np.clip(np.rint(values + BLACK), 0, WHITE).astype(np.float32)
        return picture(stored, iso, orientation, self.camera, **more)


def picture(
    stored: np.ndarray, iso: float | None, orientation: int = 1, camera: str = "", **more: Any
) -> Picture:
    """A raw picture, upright, from what the sensor read."""
    colours = np.tile(PATTERN, (stored.shape[0] // 2, stored.shape[1] // 2))
    pattern = tuple(tuple(int(v) for v in row[:2]) for row in as_shown(colours, orientation)[:2])
    return Picture(
        np.ascontiguousarray(as_shown(stored, orientation))[None].astype(np.float32),
        scale=Scale.LINEAR,
        unit="DN",
        nominal_range=(BLACK, WHITE),
        stored=Stored("uint16", 14),
        orientation=orientation,
        mosaic=Mosaic(pattern, SITES, camera=camera, iso=iso),
        **more,
    )


def with_sites(one: Picture, **changes: Any) -> Picture:
    """The same with other black or white levels."""
    assert one.mosaic is not None
    sites = tuple(replace(site, **changes) for site in one.mosaic.sites)
    return replace(one, mosaic=replace(one.mosaic, sites=sites))
