"""What is known of a sensor's noise, in words and as the plot of variance against mean."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.fitted import Fitted
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.noise.sensor.as_estimate import MosaicEstimate
from denoise_studio.noise.sensor.model import BlackLevel, SensorNoise, SiteNoise

_CELLS = (150, 90)
"""Columns and rows of a chart: of the windows in one cell of it a single one is drawn."""
_SAMPLES = 65
_BAND = 2.0
"""Standard errors on both sides of a line."""
_FEWEST_DECADES, _FEW_DECADES = 1.0, 2.5
_HARDLY = 0.5
"""Confidence below which a person is warned."""
_STAGES = {
    "coarse": "Coarse: read off the flat places of the picture.",
    "fine": "Fine: read again through the denoiser, in textured places too.",
    "told": "Numbers of your own stand in for the estimate.",
}


def has_sensor(picture: Picture) -> bool:
    """Whether a sensor's noise can be estimated: camera raw of the Bayer pattern."""
    return picture.mosaic is not None and picture.mosaic.is_bayer


def sensor_noise(picture: Picture, fitted: Fitted | None = None) -> SensorNoise | None:
    """What is known best: what the method's fit found, else the coarse estimate.

    Args:
        picture: any; the coarse estimate is made once a picture, in about a tenth of a second.
        fitted: what the method at hand has found by now.

    Returns:
        None for a picture that is no Bayer mosaic.

    Raises:
        StudioError: every pixel is clipped.
    """
    if fitted is not None and isinstance(fitted.knowledge, SensorNoise):
        return fitted.knowledge
    if not has_sensor(picture):
        return None
    found = noise_estimate(picture)
    return found.sensor if isinstance(found, MosaicEstimate) else None


# In words


def stage_words(noise: SensorNoise) -> str:
    """How the numbers came about, one sentence."""
    return _STAGES.get(noise.stage, "")


def doubts(noise: SensorNoise) -> tuple[str, ...]:
    """Sentences that a person has to see."""
    found = [text for text in (noise.black.warning, *noise.notes) if text]
    if noise.stage != "told" and noise.confidence < _HARDLY:
        found.append("The numbers are hardly sure: few places are flat, or they do not lie on a line.")
    return tuple(found)


def is_open(black: BlackLevel) -> bool:
    """Whether nothing but the scene bounds the black level."""
    return black.source == "scene"


def black_words(black: BlackLevel) -> str:
    """The verdict on the file's black level, one sentence, with the interval."""
    low, high = black.interval
    if not (math.isfinite(low) and math.isfinite(high)) or low == high == 0:
        return "Black level: the file's; nothing in the picture tells whether it is true."
    if is_open(black):
        return (
            f"Black level: one scene alone only bounds it, {_side(low)} to {_side(high)} the file's; "
            "the file's is kept."
        )
    if not black.offset and black.error > abs(high + low) / 4 and low <= 0 <= high:
        return f"Black level: the file's agrees with {black.source} ({_side(low)} to {_side(high)} it)."
    if not black.offset:
        return (
            f"Black level: {black.source} cannot settle it ({_side(low)} to {_side(high)} the file's), "
            "which is kept."
        )
    return (
        f"Black level: {black.source} put it {_side(black.offset)} the file's "
        f"({_side(low)} to {_side(high)} with 95 %)."
    )


def _side(offset: float) -> str:
    size = abs(offset)
    text = f"{size:.0f}" if size >= 100 else f"{size:.1f}" if size >= 10 else f"{size:.2f}"
    return f"{text} DN {'below' if offset < 0 else 'above'}"


# As a plot


Ticks = tuple[tuple[float, str], ...]
"""Places on an axis and what is written there."""


@dataclass(frozen=True, eq=False)
class Dots:
    """Windows to be drawn: `(N,)` places, logarithms (base 10) on logarithmic axes."""

    x: FloatArray
    y: FloatArray


@dataclass(frozen=True, eq=False)
class Curve:
    """One class of pixels.

    Args:
        name: the class's.
        used: windows that carry the line, thinned to what can be told apart.
        unused: the others.
        x: `(N,)` samples of the line, DN above black.
        y: the line there, DN^2.
        low: the line less two standard errors.
        high: and with them.
    """

    name: str
    used: Dots
    unused: Dots
    x: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Chart:
    """Variance against mean on one kind of axes; logarithms (base 10) throughout if `logarithmic`."""

    curves: tuple[Curve, ...]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    logarithmic: bool

    @property
    def ticks(self) -> tuple[Ticks, Ticks] | None:
        """For both axes, where logarithmic: 1, 2 and 5 of every decade, or fewer where there are many."""
        return (_ticks(*self.x_range), _ticks(*self.y_range)) if self.logarithmic else None


@dataclass(frozen=True, eq=False)
class SensorView:
    """Everything that is shown of a sensor's noise.

    Args:
        noise: the numbers.
        windows: by class, how many windows carry the line, and of how many.
        linear: the plot.
        logarithmic: the same on logarithmic axes.
    """

    noise: SensorNoise
    windows: dict[str, tuple[int, int]]
    linear: Chart
    logarithmic: Chart


def sensor_view(noise: SensorNoise) -> SensorView:
    """What is shown of a sensor's noise, ready to be drawn; some hundredths of a second."""
    counts = {name: (int(np.sum(p.used)), len(p.mean)) for name, p in noise.points.items()}
    return SensorView(noise, counts, _chart(noise, False), _chart(noise, True))


def _chart(noise: SensorNoise, logarithmic: bool) -> Chart:
    x_range, y_range = _ranges(noise, logarithmic)
    curves = tuple(_curve(noise, site, x_range, y_range, logarithmic) for site in noise.sites)
    return Chart(curves, x_range, y_range, logarithmic)


def _ranges(noise: SensorNoise, logarithmic: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """From the windows that carry the lines, with all of the brightnesses: texture may leave the top."""
    means = _all([points.mean for points in noise.points.values()])
    used = _all([points.mean[points.used] for points in noise.points.values()])
    heights = _all([points.variance[points.used] for points in noise.points.values()])
    bright = float(np.max([np.percentile(means, 99.5), used.max(initial=0.0)])) if means.size else 1.0
    top = max(float(np.max(site.gain * bright + site.read**2)) for site in noise.sites)
    if heights.size:
        top = max(min(top, 2 * float(heights.max())), float(np.percentile(heights, 99)))
    if not logarithmic:
        return (0.0, max(bright, 1e-6) * 1.02), (0.0, top * 1.08)
    dark = used[used > 0] if (used > 0).any() else means[means > 0]
    first = float(np.percentile(dark, 0.5)) if dark.size else bright / 100
    floor = min(site.read for site in noise.sites) ** 2
    low = min(floor, float(np.percentile(heights[heights > 0], 0.5)) if (heights > 0).any() else floor)
    return _decades(first / 1.3, bright * 1.05), _decades(low / 1.3, top * 1.3)


def _decades(low: float, high: float) -> tuple[float, float]:
    """Logarithms of two ends, at least a decade apart."""
    end = math.log10(max(high, 1e-9))
    return min(math.log10(max(low, 1e-9)), end - _FEWEST_DECADES), end


def _ticks(low: float, high: float) -> Ticks:
    steps = (1, 2, 5) if high - low <= _FEW_DECADES else (1,)
    decades = range(math.floor(low), math.ceil(high) + 1)
    places = ((exponent + math.log10(step), step * 10.0**exponent) for exponent in decades for step in steps)
    return tuple((at, f"{value:g}") for at, value in places if low <= at <= high)


def _all(parts: list[Any]) -> Any:
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


def _curve(
    noise: SensorNoise,
    site: SiteNoise,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    logarithmic: bool,
) -> Curve:
    x = np.linspace(*x_range, _SAMPLES)
    mean = 10**x if logarithmic else x
    y = site.gain * mean + site.read**2
    error = _BAND * np.hypot(site.gain * site.gain_error * mean, 2 * site.read**2 * site.read_error)
    low, high = np.maximum(y - error, 0.02 * y), y + error
    if logarithmic:
        y, low, high = np.log10(y), np.log10(low), np.log10(high)
    used, unused = Dots(*_NOTHING), Dots(*_NOTHING)
    if site.name in noise.points:
        points = noise.points[site.name]
        chosen = np.asarray(points.used, bool)
        used, unused = (
            _dots(points.mean[part], points.variance[part], x_range, y_range, logarithmic)
            for part in (chosen, ~chosen)
        )
    return Curve(site.name, used, unused, *(np.asarray(v, np.float32) for v in (x, y, low, high)))


_NOTHING = np.empty(0, np.float32), np.empty(0, np.float32)


def _dots(
    mean: FloatArray,
    variance: FloatArray,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    logarithmic: bool,
) -> Dots:
    """The windows inside the chart, one for each of its cells: thousands on one spot look like one."""
    x, y = mean.astype(np.float64), variance.astype(np.float64)
    if logarithmic:
        positive = (x > 0) & (y > 0)
        x, y = np.log10(x[positive]), np.log10(y[positive])
    inside = (x >= x_range[0]) & (x <= x_range[1]) & (y >= y_range[0]) & (y <= y_range[1])
    x, y = x[inside], y[inside]
    columns, rows = _CELLS
    column = ((x - x_range[0]) / (x_range[1] - x_range[0]) * columns).astype(np.int64)
    row = ((y - y_range[0]) / (y_range[1] - y_range[0]) * rows).astype(np.int64)
    _, first = np.unique(row * (columns + 1) + column, return_index=True)
    return Dots(x[first].astype(np.float32), y[first].astype(np.float32))
