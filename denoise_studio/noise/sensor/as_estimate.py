"""A sensor's noise as every other part of the studio reads noise (`noise.blind.NoiseEstimate`)."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.blind.correlation import white_correlation
from denoise_studio.noise.blind.model import ChannelNoise, Index, NoiseEstimate
from denoise_studio.noise.sensor.model import SensorNoise

_KNOTS = 65
_MOST_NODES = 1_000_000
_LEAST_STEP = 8


@dataclass(frozen=True, eq=False)
class MosaicEstimate(NoiseEstimate):
    """The same of a mosaic: one channel in the file, four classes of pixels with their own noise.

    Args:
        sensor: what was found.
        mosaic: which pixel belongs to which class; `grid` has one layer for each.
    """

    sensor: SensorNoise
    mosaic: Mosaic

    def sd_at(self, rows: Index, columns: Index) -> FloatArray:
        """The sd of these pixels, each of its own class, `(1, len(rows), len(columns))` float32."""
        layers = super().sd_at(rows, columns)
        period = self.mosaic.period
        index = np.asarray(self.mosaic.pattern)[
            np.ix_(np.asarray(rows, np.int64) % period[0], np.asarray(columns, np.int64) % period[1])
        ]
        return np.take_along_axis(layers, index[None], axis=0)

    def describe(self) -> dict[str, Any]:
        """As `SensorNoise.describe`, with the sd at a middle brightness."""
        return {**self.sensor.describe(), "unit": self.unit, "sigma": self.sigma}


def as_estimate(picture: Picture, noise: SensorNoise) -> MosaicEstimate:
    """What is known of a mosaic's noise, for every place."""
    mosaic = picture.mosaic
    assert mosaic is not None
    pixels = picture.pixels[0]
    step = max(_LEAST_STEP, 2 * int(np.ceil(np.sqrt(pixels.size / _MOST_NODES) / 2)))
    layers, channels = [], []
    for index, site in enumerate(noise.sites):
        means = _local_means(pixels, mosaic, index, step)
        layers.append(np.sqrt(site.variance(means)))
        levels = np.linspace(site.black, site.white, _KNOTS).astype(np.float32)
        typical = float(np.sqrt(site.variance(np.asarray(np.median(means), np.float32))))
        channels.append(
            ChannelNoise(site.name, typical, site.confidence, levels, np.sqrt(site.variance(levels)))
        )
    return MosaicEstimate(
        channels=tuple(channels),
        unit=picture.unit,
        kernel=white_correlation().astype(np.float32),
        is_correlated=False,
        correlation=0.0,
        depends=True,
        grid=np.stack(layers),
        first=((step - 1) / 2, (step - 1) / 2),
        step=float(step),
        sensor=noise,
        mosaic=mosaic,
    )


def typical_sd(picture: Picture, noise: SensorNoise) -> float:
    """Root mean square of the classes' sds at their median brightness, DN."""
    return as_estimate(picture, noise).sigma


def _local_means(pixels: FloatArray, mosaic: Mosaic, index: int, step: int) -> FloatArray:
    """Means of one class over squares of `step` pixels, `(ceil(H / step), ceil(W / step))`."""
    mask = np.asarray(mosaic.pattern) == index
    y, x = (int(axis[0]) for axis in np.nonzero(mask))
    rows, columns = mosaic.period
    plane = np.ascontiguousarray(pixels[y::rows, x::columns])
    size = (-(-pixels.shape[1] // step), -(-pixels.shape[0] // step))
    found: FloatArray = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return found
