"""What is known about a picture's noise, found without a clean picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.resample import bilinear
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.blind.confidence import KERNEL_ERROR, relative_error

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ChannelNoise:
    """Noise of one channel.

    Args:
        name: "grey", or "R", "G", "B".
        sigma: marginal sd of the noise at a typical place (the median over what was looked at; in CT
            over soft tissue where there is enough), in the picture's unit. Noise that is correlated
            has all its power counted.
        confidence: 0..1, about the probability that `sigma` is within 15 % of the truth.
        intensities: `(K,)` rising values, in the picture's unit.
        sigmas: `(K,)` sd at these intensities, linear between them and constant beyond; all
            equal to `sigma` if the noise was not found to depend on brightness.
    """

    name: str
    sigma: float
    confidence: float
    intensities: FloatArray
    sigmas: FloatArray

    def sigma_of(self, values: FloatArray) -> FloatArray:
        """The sd at these intensities, same shape, float32."""
        return np.interp(values, self.intensities, self.sigmas).astype(np.float32)


@dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """Noise of a picture.

    Args:
        channels: in the picture's order.
        unit: of every sigma.
        kernel: `(13, 13)` float32, correlation of two pixels by their distance, 1 in the middle.
        is_correlated: whether neighbours share their noise. Where they do not, `kernel` is
            1 in the middle and 0 elsewhere.
        correlation: the largest correlation, by its size, of a pixel with one of its eight
            neighbours; near 0 if the noise is white.
        depends: whether the noise depends on brightness.
        grid: `(C, gh, gw)` float32, sd in the picture's unit at the nodes of a grid.
        first: row and column of the first node, in pixels.
        step: distance of the nodes in pixels.
    """

    channels: tuple[ChannelNoise, ...]
    unit: str
    kernel: FloatArray
    is_correlated: bool
    correlation: float
    depends: bool
    grid: FloatArray
    first: tuple[float, float]
    step: float

    @property
    def sigma(self) -> float:
        """One sd for the picture: the root of the channels' mean variance."""
        return float(np.sqrt(np.mean([channel.sigma**2 for channel in self.channels])))

    @property
    def confidence(self) -> float:
        """The least of the channels'."""
        return min(channel.confidence for channel in self.channels)

    @property
    def sigma_error(self) -> float:
        """Relative standard error of all sds together, the channels' mean; 1 where nothing is known."""
        errors = [relative_error(channel.confidence, self.is_correlated) for channel in self.channels]
        return sum(errors) / len(errors)

    @property
    def kernel_error(self) -> float:
        """Relative standard error of what noise of this correlation leaves behind a filter; 0 if white."""
        return KERNEL_ERROR if self.is_correlated else 0.0

    @property
    def model(self) -> str:
        """Either "none", "gaussian", or one or both of "correlated" and "signal-dependent"."""
        if self.sigma == 0:
            return "none"
        words = ["correlated"] * self.is_correlated + ["signal-dependent"] * self.depends
        return ", ".join(words) or "gaussian"

    @property
    def correlation_length(self) -> float:
        """Pixels that share their noise: the square root of the kernel's sum where it is positive.

        Taken up to two pixels away; 1 for white noise.
        """
        middle = self.kernel.shape[0] // 2
        near = self.kernel[middle - 2 : middle + 3, middle - 2 : middle + 3]
        return float(np.sqrt(np.maximum(near, 0.0).sum()))

    def sd_at(self, rows: Index, columns: Index) -> FloatArray:
        """The sd at these rows and columns, `(C, len(rows), len(columns))` float32."""
        y, x = (rows - self.first[0]) / self.step, (columns - self.first[1]) / self.step
        return bilinear(self.grid, y, x)

    def sd_map(self, height: int, width: int) -> FloatArray:
        """The sd at every pixel, `(C, height, width)` float32."""
        return self.sd_at(np.arange(height), np.arange(width))

    def describe(self) -> dict[str, Any]:
        """The estimate as plain values, for JSON."""
        return {
            "model": self.model,
            "unit": self.unit,
            "sigma": self.sigma,
            "confidence": round(self.confidence, 3),
            "channels": {
                channel.name: {
                    "sigma": channel.sigma,
                    "confidence": round(channel.confidence, 3),
                    "curve": {"intensity": channel.intensities.tolist(), "sigma": channel.sigmas.tolist()},
                }
                for channel in self.channels
            },
            "correlation": round(self.correlation, 3),
            "correlation_length": round(self.correlation_length, 3),
            "correlated": self.is_correlated,
        }
