"""The noise of one picture: how strong it is at every place, and how it is correlated.

Looked for without a clean picture, for noise that is stationary up to its strength:

    y = x + n,   cov(n_i, n_j) = sd_i sd_j rho(i - j)

Patches of 24 pixels are taken apart into a plane and the rest. Pictures have structure, but few
have much in the difference of diagonal neighbours (the Haar diagonal band of Donoho and
Johnstone, Biometrika 1994), so the median of that difference follows the noise's strength from
place to place, up to one factor: how much more noise there is in all than in that band. The
factor and the correlation are read in the flattest patches. What is left of structure can only
make a patch look noisier, so the strength is a smooth surface that follows the lower patches.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.estimate import noise_sd

RADIUS = 6
"""Correlation is looked for up to this distance in pixels."""

_PATCH = 24
_STEP = 8
_MOST_PATCHES = 40_000
_FLATTEST = 0.2
"""Quantile of (sd / band) taken for the factor: below it patches are flat, but not by chance."""
_SMOOTH = 16.0
"""sd in pixels of the surface's smoothing."""
_SURROUNDINGS = 72
_SPREAD = 0.3
"""How far above the surface, in logarithms, a patch may lie and still be believed."""
_MAD_TO_SD = 1.4826022185056018
_CALIBRATION = 1.05
"""In pure noise both quantiles lie low together by this factor (patches of this size, any strength)."""
_LEAST = 0.02
"""Patches with less than this share of the median band are clipped or synthetic."""
_FEWEST = 8

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """Noise of a picture.

    Args:
        grid: `(C, gh, gw)` float32, sd in the picture's unit at the nodes of a grid.
        first: row and column of the first node, in pixels.
        step: distance of the nodes in pixels.
        correlation: `(2 R + 1, 2 R + 1)` float32, rho of the distance, 1 in the middle.
        typical: median sd over the picture, channels summed as variances; 0 without noise.
    """

    grid: FloatArray
    first: tuple[float, float]
    step: float
    correlation: FloatArray
    typical: float

    def sd_at(self, rows: Index, columns: Index) -> FloatArray:
        """The sd at these rows and columns, `(C, len(rows), len(columns))` float32."""
        import cv2

        height, width = self.grid.shape[1:]
        y = np.clip((rows - self.first[0]) / self.step, 0, height - 1).astype(np.float32)
        x = np.clip((columns - self.first[1]) / self.step, 0, width - 1).astype(np.float32)
        x, y = (np.ascontiguousarray(a) for a in np.meshgrid(x, y))
        return np.stack([cv2.remap(channel, x, y, cv2.INTER_LINEAR) for channel in self.grid])

    def times(self, factor: float) -> "NoiseModel":
        """The same noise, stronger or weaker."""
        return replace(self, grid=self.grid * np.float32(factor), typical=self.typical * factor)

    @property
    def correlation_length(self) -> float:
        """Pixels that share their noise: the square root of the correlation's sum where it is positive.

        1 for white noise.
        """
        middle = self.correlation.shape[0] // 2
        near = self.correlation[middle - 2 : middle + 3, middle - 2 : middle + 3]
        return float(np.sqrt(np.maximum(near, 0.0).sum()))


def estimate_noise_model(picture: Picture) -> NoiseModel:
    """Estimate strength and correlation of a picture's noise, padding left out.

    A picture too small, or with too few noisy patches, gets one sd (`noise.estimate.noise_sd`)
    and no correlation.
    """
    if min(picture.height, picture.width) < _PATCH:
        return _constant(picture)
    step = max(_STEP, int(np.ceil(np.sqrt(picture.height * picture.width / _MOST_PATCHES))))
    channels = [_Channel(picture, index, step) for index in range(picture.channels)]
    believed = [channel for channel in channels if channel.usable.sum() >= _FEWEST]
    if not believed:
        return _constant(picture)
    correlation = np.mean([channel.correlation() for channel in believed], axis=0)
    grid = np.stack([channel.surface() for channel in channels]).astype(np.float32)
    usable = np.any([channel.usable for channel in channels], axis=0)
    typical = float(np.median(np.sqrt((grid.astype(np.float64) ** 2).sum(axis=0))[usable]))
    middle = (_PATCH - 1) / 2
    return NoiseModel(grid, (middle, middle), step, correlation.astype(np.float32), typical)


def _constant(picture: Picture) -> NoiseModel:
    sd = noise_sd(picture)
    white = np.zeros((2 * RADIUS + 1, 2 * RADIUS + 1), np.float32)
    white[RADIUS, RADIUS] = 1.0
    grid = np.full((picture.channels, 1, 1), sd, np.float32)
    return NoiseModel(grid, (0.0, 0.0), 1.0, white, sd * float(np.sqrt(picture.channels)))


class _Channel:
    """The patches of one channel.

    Attributes:
        band: `(gh, gw)` sd of the noise in the diagonal band.
        whole: `(gh, gw)` sd of all that is not a plane.
        usable: `(gh, gw)` False where padding, clipping or synthetic areas leave no noise to see.
    """

    def __init__(self, picture: Picture, index: int, step: int) -> None:
        self._pixels = picture.pixels[index]
        self._step = step
        rows = range(0, picture.height - _PATCH + 1, step)
        parts = [self._measure(row) for row in rows]
        self.band = np.array([band for band, _ in parts])
        self.whole = np.array([whole for _, whole in parts])
        self.usable = self.band > 0
        if picture.padding is not None:
            self.usable &= ~_touches(picture.padding, step)
        if self.usable.any():
            self.usable &= self.band > _LEAST * np.median(self.band[self.usable])

    def _patches(self, row: int) -> Any:
        """The patches of one row of the grid, `(n, 24, 24)` float64."""
        rows = self._pixels[row : row + _PATCH].astype(np.float64)
        return np.lib.stride_tricks.sliding_window_view(rows, (_PATCH, _PATCH))[0, :: self._step]

    def _measure(self, row: int) -> tuple[Any, Any]:
        patches = self._patches(row)
        diagonal = patches[:, :-1, :-1] - patches[:, :-1, 1:] - patches[:, 1:, :-1] + patches[:, 1:, 1:]
        band = np.median(np.abs(diagonal).reshape(len(patches), -1), axis=1) * (_MAD_TO_SD / 2)
        rest = _without_plane(patches)
        return band, np.sqrt((rest**2).sum(axis=(1, 2)) / (_PATCH * _PATCH - 3))

    @property
    def _ratio(self) -> Any:
        return np.where(self.usable, self.whole / np.maximum(self.band, 1e-300), np.inf)

    def surface(self) -> Any:
        """The sd at the grid's nodes, `(gh, gw)` float64."""
        if self.usable.sum() < _FEWEST:
            return np.zeros(self.band.shape)
        factor = _CALIBRATION * float(np.quantile(self._ratio[self.usable], _FLATTEST))
        return factor * np.exp(_lower_surface(np.log(np.maximum(self.band, 1e-300)), self.usable, self._step))

    def correlation(self) -> Any:
        """The correlation up to `RADIUS`, from the patches that are flattest for their noise."""
        ratio = self._ratio
        limit = np.quantile(ratio[self.usable], 0.25)
        total = np.zeros((2 * _PATCH, 2 * _PATCH))
        for number, row in enumerate(range(0, self._pixels.shape[0] - _PATCH + 1, self._step)):
            chosen = ratio[number] <= limit
            if chosen.any():
                rest = _without_plane(self._patches(row)[chosen])
                rest /= self.whole[number][chosen][:, None, None]
                power = np.abs(np.fft.fft2(rest, s=total.shape)) ** 2
                total += np.fft.ifft2(power.sum(axis=0)).real
        distance = np.minimum(np.arange(2 * _PATCH), 2 * _PATCH - np.arange(2 * _PATCH))
        pairs = np.outer(_PATCH - distance, _PATCH - distance)  # of pixels at this distance in a patch
        covariance = np.roll(total / np.maximum(pairs, 1), (RADIUS, RADIUS), axis=(0, 1))
        covariance = covariance[: 2 * RADIUS + 1, : 2 * RADIUS + 1]
        return covariance / covariance[RADIUS, RADIUS]


def _without_plane(patches: Any) -> Any:
    """Patches less their mean and slopes."""
    slope = np.arange(_PATCH) - (_PATCH - 1) / 2
    slope /= np.sqrt((slope**2).sum() * _PATCH)
    rest = patches - patches.mean(axis=(1, 2), keepdims=True)
    down = np.einsum("nyx,y->n", rest, slope)
    across = np.einsum("nyx,x->n", rest, slope)
    rest -= down[:, None, None] * slope[None, :, None]
    rest -= across[:, None, None] * slope[None, None, :]
    return rest


def _touches(padding: Any, step: int) -> Any:
    """Which patches contain padding."""
    counts = np.zeros((padding.shape[0] + 1, padding.shape[1] + 1), np.int64)
    counts[1:, 1:] = padding.cumsum(axis=0).cumsum(axis=1)
    p = _PATCH
    inside = counts[p:, p:] - counts[:-p, p:] - counts[p:, :-p] + counts[:-p, :-p]
    return inside[::step, ::step] > 0


def _lower_surface(logarithm: Any, usable: Any, step: int) -> Any:
    """A smooth surface through the lower values of a map, those above it believed less and less."""
    import cv2

    weight = usable.astype(np.float32)
    middle = float(np.median(logarithm[usable]))
    values = np.where(usable, logarithm - middle, 0.0).astype(np.float32)
    width = max(1.0, _SMOOTH / step)

    def blur(a: Any) -> Any:
        return cv2.GaussianBlur(a, (0, 0), width, borderType=cv2.BORDER_REFLECT)

    surface = blur(_local_quantile(values, max(3, (_SURROUNDINGS // step) | 1), 0.3))
    for _ in range(8):
        above = values - surface
        belief = np.where(above > 0, above / _SPREAD, above / (3 * _SPREAD))
        share = weight * np.exp(-(belief**2) / 2)
        surface = (blur(share * values) + 1e-6 * surface) / (blur(share) + 1e-6)
    return surface.astype(np.float64) + middle


def _local_quantile(values: Any, side: int, quantile: float) -> Any:
    padded = np.pad(values, side // 2, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    rows = [np.quantile(row.reshape(len(row), -1), quantile, axis=1) for row in windows]
    return np.array(rows, np.float32)
