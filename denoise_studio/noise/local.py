"""The noise of one picture: how strong it is at every place, and how it is correlated.

Looked for without a clean picture, for noise that is stationary up to its strength:

    y = x + n,   cov(n_i, n_j) = sd_i sd_j rho(i - j)

Pictures have structure, but few have much in the difference of diagonal neighbours (the Haar
diagonal band of Donoho and Johnstone, Biometrika 1994), so in small patches the median of that
difference follows the noise's strength from place to place, up to one factor: how much more
noise there is in all than in that band. The factor is read where a patch has hardly more than
its band tells (structure can only add), the correlation in the flattest patches, and the
strength is a smooth surface that follows the lower patches. All these choices of the lowest read
low even in pure noise; so the same is done to synthetic noise of that correlation, and what it
reads there is divided out.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.picture import Picture
from denoise_studio.core.resample import bilinear
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.coloured import coloured_noise
from denoise_studio.noise.estimate import noise_sd

RADIUS = 6
"""Correlation is looked for up to this distance in pixels."""

_PATCH, _STEP = 12, 6
"""Patches for the strength: small enough that some are flat in busy pictures."""
_LARGE = 16
"""Patches for the correlation: large enough for long waves."""
_MOST_PATCHES = 40_000
_FACTOR_QUANTILE = 0.05
_FLATTEST = 0.1
"""Share of the large patches that the correlation is read in."""
_FEWEST = 8
_SMOOTH = 24.0
"""sd in pixels of the surface's smoothing."""
_SURROUNDINGS = 120
_SPREAD = 0.2
"""How far above the surface, in logarithms, a patch may lie and still be believed."""
_MAD_TO_SD = 1.4826022185056018
_LEAST = 0.02
"""Patches with less than this share of the median band are clipped or synthetic."""
_SYNTHETIC = 256
_WHITE = 0.07
"""Largest correlation of neighbours that still counts as none; estimates are good to 0.03."""

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
        y, x = (rows - self.first[0]) / self.step, (columns - self.first[1]) / self.step
        return bilinear(self.grid, y, x)

    def times(self, factor: float) -> "NoiseModel":
        """The same noise, stronger or weaker."""
        return replace(self, grid=self.grid * np.float32(factor), typical=self.typical * factor)

    @property
    def is_white(self) -> bool:
        """Whether no two pixels up to two apart share their noise."""
        middle = self.correlation.shape[0] // 2
        near = np.abs(self.correlation[middle - 2 : middle + 3, middle - 2 : middle + 3])
        return bool(np.partition(near.ravel(), -2)[-2] < _WHITE)

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
    if min(picture.height, picture.width) < _LARGE:
        return _constant(picture)
    step = max(_STEP, int(np.ceil(np.sqrt(picture.height * picture.width / _MOST_PATCHES))))
    fine = [_Patches(channel, picture.padding, _PATCH, step) for channel in picture.pixels]
    coarse = [_Patches(channel, picture.padding, _LARGE, step) for channel in picture.pixels]
    if not any(patches.enough for patches in fine) or not any(patches.enough for patches in coarse):
        return _constant(picture)
    found = np.mean([patches.correlation() for patches in coarse if patches.enough], axis=0)
    # What the reading does to noise of this correlation it did to the picture's: add it back.
    again = _Patches(_synthetic(found), None, _LARGE, _STEP).correlation()
    correlation = 2 * found - again
    reading = float(np.median(_Patches(_synthetic(correlation), None, _PATCH, _STEP).surface()))
    grid = np.stack([patches.surface() / reading for patches in fine]).astype(np.float32)
    usable = np.any([patches.usable for patches in fine], axis=0)
    typical = float(np.median(np.sqrt((grid.astype(np.float64) ** 2).sum(axis=0))[usable]))
    middle = (_PATCH - 1) / 2
    return NoiseModel(grid, (middle, middle), step, correlation.astype(np.float32), typical)


def _synthetic(correlation: Any) -> Any:
    return coloured_noise(correlation, (1, _SYNTHETIC, _SYNTHETIC), seed=1)[0]


def _constant(picture: Picture) -> NoiseModel:
    sd = noise_sd(picture) or _along_a_line(picture)
    white = np.zeros((2 * RADIUS + 1, 2 * RADIUS + 1), np.float32)
    white[RADIUS, RADIUS] = 1.0
    grid = np.full((picture.channels, 1, 1), sd, np.float32)
    return NoiseModel(grid, (0.0, 0.0), 1.0, white, sd * float(np.sqrt(picture.channels)))


def _along_a_line(picture: Picture) -> float:
    """The sd in a picture of a row or two, where no diagonal fits: from second differences."""
    pixels = picture.pixels if picture.padding is None else np.where(picture.padding, np.nan, picture.pixels)
    lines = pixels if picture.width >= picture.height else pixels.transpose(0, 2, 1)
    differences = np.abs(np.diff(lines.astype(np.float64), 2, axis=2))
    differences = differences[np.isfinite(differences)]
    return float(np.median(differences) * _MAD_TO_SD / np.sqrt(6.0)) if differences.size else 0.0


class _Patches:
    """The square patches of one channel on a grid.

    Args:
        pixels: `(H, W)`.
        padding: `(H, W)`, or None.
        side: of a patch.
        step: from one patch to the next.

    Attributes:
        band: `(gh, gw)` sd of the noise in the diagonal band.
        whole: `(gh, gw)` sd of all that is not a plane.
        usable: `(gh, gw)` False where padding, clipping or synthetic areas leave no noise to see.
    """

    def __init__(self, pixels: Any, padding: Any, side: int, step: int) -> None:
        self._pixels, self._side, self._step = pixels, side, step
        self._rows = range(0, pixels.shape[0] - side + 1, step)
        parts = [self._measure(row) for row in self._rows]
        self.band = np.array([band for band, _ in parts])
        self.whole = np.array([whole for _, whole in parts])
        self.usable = self.band > 0
        if padding is not None:
            self.usable &= ~_touches(padding, side, step)
        if self.usable.any():
            self.usable &= self.band > _LEAST * np.median(self.band[self.usable])
        self._ratio = np.where(self.usable, self.whole / np.maximum(self.band, 1e-300), np.inf)

    @property
    def enough(self) -> bool:
        return int(self.usable.sum()) >= _FEWEST

    def _row(self, row: int) -> Any:
        """The patches of one row of the grid, `(n, side, side)` float64."""
        rows = self._pixels[row : row + self._side].astype(np.float64)
        return np.lib.stride_tricks.sliding_window_view(rows, (self._side, self._side))[0, :: self._step]

    def _measure(self, row: int) -> tuple[Any, Any]:
        patches = self._row(row)
        diagonal = patches[:, :-1, :-1] - patches[:, :-1, 1:] - patches[:, 1:, :-1] + patches[:, 1:, 1:]
        band = np.median(np.abs(diagonal).reshape(len(patches), -1), axis=1) * (_MAD_TO_SD / 2)
        rest = without_plane(patches)
        return band, np.sqrt((rest**2).sum(axis=(1, 2)) / (self._side**2 - 3))

    def surface(self) -> Any:
        """The sd at every patch before calibration, smooth; `(gh, gw)` float64, 0 if none is usable."""
        if not self.enough:
            return np.zeros(self.band.shape)
        factor = float(np.quantile(self._ratio[self.usable], _FACTOR_QUANTILE))
        return factor * np.exp(_lower_surface(np.log(np.maximum(self.band, 1e-300)), self.usable, self._step))

    def correlation(self) -> Any:
        """Correlation up to `RADIUS` in the flattest patches, less what a plane takes away."""
        share = max(_FLATTEST, _FEWEST / self.usable.sum())
        limit = np.quantile(self._ratio[self.usable], share)
        period = 2 * self._side
        total = np.zeros((period, period))
        for number, row in enumerate(self._rows):
            chosen = self._ratio[number] <= limit
            if chosen.any():
                rest = without_plane(self._row(row)[chosen])
                rest /= self.whole[number][chosen][:, None, None]
                power = np.abs(np.fft.fft2(rest, s=total.shape)) ** 2
                total += np.fft.ifft2(power.sum(axis=0)).real / (self._ratio <= limit).sum()
        return correlation_from(total, self._side)


def correlation_from(total: Any, side: int) -> Any:
    """Correlation of pixels by their distance up to `RADIUS`, 1 in the middle.

    Args:
        total: `(2 side, 2 side)` circular autocorrelation, summed over patches that were padded with zeros.
        side: of a patch.
    """
    period = 2 * side
    distance = np.minimum(np.arange(period), period - np.arange(period))
    pairs = np.outer(side - distance, side - distance)  # of pixels so far apart in a patch
    covariance = np.roll(total / np.maximum(pairs, 1), (RADIUS, RADIUS), axis=(0, 1))
    covariance = covariance[: 2 * RADIUS + 1, : 2 * RADIUS + 1]
    return covariance / covariance[RADIUS, RADIUS]


def without_plane(patches: Any) -> Any:
    """Patches less their mean and slopes."""
    side = patches.shape[1]
    slope = np.arange(side) - (side - 1) / 2
    slope /= np.sqrt((slope**2).sum() * side)
    rest = patches - patches.mean(axis=(1, 2), keepdims=True)
    down = np.einsum("nyx,y->n", rest, slope)
    across = np.einsum("nyx,x->n", rest, slope)
    rest -= down[:, None, None] * slope[None, :, None]
    rest -= across[:, None, None] * slope[None, None, :]
    return rest


def _touches(padding: Any, side: int, step: int) -> Any:
    """Which patches contain padding."""
    counts = np.zeros((padding.shape[0] + 1, padding.shape[1] + 1), np.int64)
    counts[1:, 1:] = padding.cumsum(axis=0).cumsum(axis=1)
    inside = counts[side:, side:] - counts[:-side, side:] - counts[side:, :-side] + counts[:-side, :-side]
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

    surface = blur(_local_quantile(values, max(3, (_SURROUNDINGS // step) | 1), 0.2))
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
