"""Estimate the noise of a picture that is not raw: the steps in their order."""

from typing import Any

import numpy as np

from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.resample import bilinear
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.blind.confidence import confidence
from denoise_studio.noise.blind.correlation import calibrated, read_correlation, white_correlation
from denoise_studio.noise.blind.curve import Curve, classes_of, read_curve
from denoise_studio.noise.blind.levels import HIGHEST, UPPER, steepness, total_level, white_level
from denoise_studio.noise.blind.model import ChannelNoise, NoiseEstimate
from denoise_studio.noise.blind.patches import SIDE, Patches, patches_of
from denoise_studio.noise.blind.strength import cell_size, levels_of, local_factor
from denoise_studio.noise.estimate import noise_sd
from denoise_studio.noise.local import RADIUS

STEEP = 1.3
"""From this ratio of rather high to highest frequencies on (or its inverse) noise counts as correlated."""
_CLEAR, _DOUBT = 0.3, 0.7
"""Where the flattest places still have texture (an error above the first), the logarithm has to be larger."""
_ROUNDING = 0.5
"""Noise below so many steps of the values is mostly rounding."""

_SOFT_TISSUE = (-300.0, 300.0)
_ENOUGH = 300
"""Patches of soft tissue below which all of a CT slice is taken."""
FEWEST = 48
_MAP_STEP = 4
_MOST_NODES = 2_000_000


def estimate_noise(picture: Picture) -> NoiseEstimate:
    """Estimate strength, dependence on brightness and correlation of a picture's noise.

    Padding, clipped areas and areas where nothing varies are left out. A picture in which hardly
    anything is left gets one sd for white noise, with no confidence. The same for a x + b: sigma is
    a times as large.

    Args:
        picture: of any size and unit.
    """
    scale = _Scale(picture)
    read = [_Channel(channel, picture.padding, scale) for channel in picture.pixels]
    names = ("grey",) if picture.channels == 1 else ("R", "G", "B")
    if any(len(channel.chosen) < FEWEST for channel in read):
        return _constant(picture, names)
    steep = float(np.exp(np.mean([channel.steep for channel in read])))
    is_correlated = bool(np.mean([abs(channel.steep) - channel.doubt for channel in read]) > np.log(STEEP))
    kernel, factor = _correlation(read) if is_correlated else (white_correlation(), 1.0)
    for channel in read:
        channel.finish(is_correlated, factor, picture.pixels.shape[1:])
    step = max(_MAP_STEP, int(np.ceil(np.sqrt(picture.height * picture.width / _MOST_NODES))))
    grid = np.stack(
        [
            channel.grid(pixels, picture.padding, step)
            for channel, pixels in zip(read, picture.pixels, strict=True)
        ]
    )
    near = kernel[RADIUS - 1 : RADIUS + 2, RADIUS - 1 : RADIUS + 2].ravel()
    largest = float(near[np.argsort(np.abs(near))[-2]])
    return NoiseEstimate(
        channels=tuple(channel.noise(name) for name, channel in zip(names, read, strict=True)),
        unit=picture.unit,
        kernel=kernel.astype(np.float32),
        is_correlated=is_correlated,
        correlation=largest if is_correlated else _slight(steep),
        depends=any(channel.curve.depends for channel in read),
        grid=grid * np.float32(scale.width),
        first=((step - 1) / 2, (step - 1) / 2),
        step=float(step),
    )


class _Scale:
    """Takes a picture's values to about 0..1 and back, so that every unit is treated alike."""

    def __init__(self, picture: Picture) -> None:
        low, high = picture.value_range
        self.low, self.width = low, high - low or 1.0
        self.uneven = picture.kind in (Kind.CT, Kind.MR)
        self.tissue: tuple[float, float] | None = None
        if picture.kind is Kind.CT:
            first, last = ((limit - self.low) / self.width for limit in _SOFT_TISSUE)
            self.tissue = first, last

    def back(self, values: Any) -> FloatArray:
        return np.asarray(values * self.width + self.low, np.float32)


class _Channel:
    """What is read in one channel, in the scale's values."""

    curve: Curve
    sigma: float
    factor: FloatArray

    def __init__(self, pixels: FloatArray, padding: BoolArray | None, scale: _Scale) -> None:
        self._scale = scale
        self.patches = _cut(pixels, padding, scale)
        self.chosen = np.arange(len(self.patches))
        if scale.tissue is not None:
            inside = (self.patches.mean > scale.tissue[0]) & (self.patches.mean < scale.tissue[1])
            if inside.sum() >= _ENOUGH:
                self.chosen = np.flatnonzero(inside)
        if len(self.chosen) >= FEWEST:
            self._white = read_curve(self.patches, self.chosen, white_level)
            self._total = read_curve(self.patches, self.chosen, total_level)
            self.steep = self._steepness()
            texture = float(np.median(self._total.errors)) if not scale.uneven else 0.0
            self.doubt = _DOUBT * max(0.0, texture - _CLEAR)

    def _steepness(self) -> float:
        """Logarithm of the steepness: of all, or of classes of brightness, whichever is nearer to white."""
        classes = classes_of(self.patches, self.chosen)
        steep = [np.log(steepness(self.patches, members)) for members in classes]
        mean = np.average(steep, weights=self._white.weight)
        found = min(np.log(steepness(self.patches, self.chosen)), mean, key=abs)
        if self._white.level < _ROUNDING * self.patches.grain:
            # The highest frequencies hold nothing but rounding: whatever else there is, is not white.
            found = max(found, np.log(self._total.level / max(self._white.level, 1e-30)))
        return float(found)

    def correlation(self) -> Any | None:
        variance = self._total.at(self.patches.mean[self.chosen]) ** 2
        return read_correlation(self.patches, self.chosen, variance)

    def finish(self, correlated: bool, factor: float, shape: tuple[int, int]) -> None:
        """Read the strength, now that it is known how the noise is correlated."""
        self.correlated = correlated
        self.curve = (self._total if correlated else self._white).times(1 / factor)
        self.whole = (total_level if correlated else white_level)(self.patches, self.chosen)
        if correlated or self.curve.depends:
            self.sigma = float(np.median(self.curve.at(self.patches.mean[self.chosen])))
        else:
            # Texture only adds.
            self.sigma = min(self.curve.level, float(np.sqrt(self.whole.variance)))
        if not self.curve.depends:
            self.curve = self.curve.constant(self.sigma)
        expected = self.curve.at(self.patches.mean)
        self.factor, above = local_factor(self.patches, self.chosen, expected, correlated, shape)
        self.curve, self.sigma = self.curve.times(above), self.sigma * above
        self.cell = cell_size(shape)

    def grid(self, pixels: FloatArray, padding: BoolArray | None, step: int) -> FloatArray:
        """The sd at every `step` pixels."""
        levels = (levels_of(pixels, padding, step) - self._scale.low) / self._scale.width
        rows, columns = (np.arange(size) * step + (step - 1) / 2 for size in levels.shape)
        middle = (self.cell - 1) / 2
        factor = bilinear(self.factor[None], (rows - middle) / self.cell, (columns - middle) / self.cell)[0]
        return np.asarray(self.curve.at(levels) * factor, np.float32)

    def noise(self, name: str) -> ChannelNoise:
        width = self._scale.width
        return ChannelNoise(
            name=name,
            sigma=self.sigma * width,
            confidence=confidence(self.whole, self.curve, self.correlated),
            intensities=self._scale.back(self.curve.intensities),
            sigmas=np.asarray(self.curve.sigmas * width, np.float32),
        )


def _cut(pixels: FloatArray, padding: BoolArray | None, scale: _Scale) -> Patches:
    if min(pixels.shape) < SIDE:
        return patches_of(np.zeros((SIDE, SIDE), np.float32))
    return patches_of(pixels, padding, scale.uneven, (scale.low, scale.width))


def _correlation(read: list[_Channel]) -> tuple[Any, float]:
    found = [kernel for channel in read if (kernel := channel.correlation()) is not None]
    if not found:
        return white_correlation(), 1.0
    return calibrated(np.mean(found, axis=0))


def _slight(steep: float) -> float:
    """The neighbours' correlation that such a ratio comes from, if it is all there is."""
    # The spectrum 1 + 2 rho (cos u + cos v), averaged over both bands.
    return float((steep - 1) / (_UPPER - _HIGHEST * steep))


def _cosines() -> tuple[float, float]:
    line = 2 * np.cos(np.pi * np.arange(SIDE) / SIDE)
    both = (line[:, None] + line).ravel()
    return float(both[UPPER].mean()), float(both[HIGHEST].mean())


_UPPER, _HIGHEST = _cosines()


def _constant(picture: Picture, names: tuple[str, ...]) -> NoiseEstimate:
    sd = noise_sd(picture)
    knots = np.asarray([picture.value_range[0]], np.float32)
    return NoiseEstimate(
        channels=tuple(ChannelNoise(name, sd, 0.0, knots, np.asarray([sd], np.float32)) for name in names),
        unit=picture.unit,
        kernel=white_correlation(),
        is_correlated=False,
        correlation=0.0,
        depends=False,
        grid=np.full((picture.channels, 1, 1), sd, np.float32),
        first=(0.0, 0.0),
        step=1.0,
    )
