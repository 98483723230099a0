"""Blind estimation of a sensor's noise from one mosaic: coarse, then fine (YOND, section 3.1)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture
from denoise_studio.noise.sensor import black_level
from denoise_studio.noise.sensor.black_level import Dark
from denoise_studio.noise.sensor.confidence import confidence
from denoise_studio.noise.sensor.fine import DenoiseMosaic, fine_windows
from denoise_studio.noise.sensor.line import DENOISED, NOISY, Limits, Line, fit_line
from denoise_studio.noise.sensor.model import BlackLevel, Points, SensorNoise, SiteNoise
from denoise_studio.noise.sensor.pieces import pieces_of
from denoise_studio.noise.sensor.windows import Windows, above_black, joined, windows_of

_ALIKE = 0.03
"""Relative sd by which the classes' gains differ in one camera."""
_TELLING = 0.5
"""Share of the coarse estimate's confidence that the fine one needs."""
_SURE, _FAR = 0.12, 4.0
"""Relative error of a level that is sure, and from how many of them on another one contradicts it."""
_LEAST_ELECTRONS = 0.2
"""No sensor's read noise is below so many electrons."""


@dataclass(frozen=True)
class Known:
    """What is known of a camera besides the picture.

    Args:
        read: s, DN, of that camera at that ISO; None if it is not known.
        read_error: its standard error.
        black: offsets of the black level by class, DN, from dark frames.
        black_error: their standard error.
        source: where it is from, as the warning says it.
    """

    read: float | None = None
    read_error: float = 0.0
    black: Mapping[str, float] | None = None
    black_error: float = 0.0
    source: str = "read noise"


def estimate_sensor(
    picture: Picture,
    known: Known | None = None,
    denoise: DenoiseMosaic | None = None,
    correct_black: bool = True,
    check: Callable[[float], None] = lambda share: None,
) -> SensorNoise:
    """Gain, read noise and black of every class of a mosaic's pixels.

    Args:
        picture: camera raw with the Bayer pattern.
        known: what dark frames or a camera's own table say.
        denoise: for the fine step; without it the estimate stays coarse.
        correct_black: whether a black level that is known to be wrong is corrected.
        check: told how far it is, 0..1; may raise to stop.

    Raises:
        StudioError: no Bayer mosaic, or hardly a pixel that is not clipped.
    """
    mosaic = picture.mosaic
    if mosaic is None or not mosaic.is_bayer:
        raise StudioError(
            "The noise of a sensor is estimated in camera raw pictures of the Bayer pattern only."
        )
    pixels = picture.pixels[0]
    _require_light(pixels, mosaic)
    dark = {name: Dark(values) for name, values in mosaic.masked.items()}
    found = windows_of(pixels, mosaic, picture.padding)
    check(0.3)
    step = picture.stored.slope if picture.stored.is_integer else 0.0
    reader = _Reader(mosaic, dark, known or Known(), correct_black, step)
    coarse = reader.read(found, NOISY, "coarse")
    check(0.4)
    if denoise is None:
        return replace(coarse, iso=mosaic.iso)
    parts: dict[str, list[Windows]] = {site.name: [] for site in mosaic.sites}
    rects = pieces_of(found, picture.width, picture.height)
    for number, rect in enumerate(rects):
        for name, windows in _fine_part(pixels, mosaic, rect, coarse, denoise).items():
            parts[name].append(windows)
        check(0.4 + 0.6 * (number + 1) / len(rects))
    again = {name: joined(windows) for name, windows in parts.items() if windows}
    fine = reader.read(again, DENOISED, "fine") if len(again) == len(mosaic.sites) else coarse
    # A fine step that found next to nothing to stand on does not replace a coarse one that did.
    chosen = fine if fine.confidence >= _TELLING * coarse.confidence else coarse
    return replace(chosen, iso=mosaic.iso)


def _fine_part(
    pixels: Any, mosaic: Mosaic, rect: Rect, noise: SensorNoise, denoise: DenoiseMosaic
) -> dict[str, Windows]:
    part = np.ascontiguousarray(pixels[rect.slices])
    # With the black level that is believed: a denoiser moves its result where the file tells another.
    own = mosaic.with_black([site.black for site in noise.sites]).shifted(rect.x, rect.y)
    return fine_windows(part, denoise(part, own, noise), own, noise, (rect.y, rect.x))


def _require_light(pixels: Any, mosaic: Mosaic) -> None:
    rows, columns = mosaic.period
    clipped = []
    for y, row in enumerate(mosaic.pattern):
        for x, index in enumerate(row):
            values = pixels[y::rows, x::columns]
            step = max(1, math.isqrt(values.size // 250_000))
            clipped.append(float((values[::step, ::step] >= mosaic.sites[index].white).mean()))
    if min(clipped) > 0.999:
        raise StudioError(
            "Every pixel is clipped at white: there is no noise to estimate and nothing to denoise."
        )


@dataclass(frozen=True)
class _Reader:
    """Makes numbers of windows.

    Args:
        mosaic: of the picture.
        dark: what masked pixels say, by class.
        known: what else is known.
        correct: whether the black level may be changed.
        step: of the values, DN: rounding adds its variance.
    """

    mosaic: Mosaic
    dark: Mapping[str, Dark]
    known: Known
    correct: bool
    step: float

    def read(self, found: Mapping[str, Windows], limits: Limits, stage: str) -> SensorNoise:
        black = self._offsets()
        if black is None:
            pooled = self._pooled(found, [0.0] * len(self.mosaic.sites))
            judged = self._judge(fit_line(pooled, limits), pooled)
            black = [judged.offset] * len(self.mosaic.sites)
        else:
            judged = self._told_black(black)
        used = black if self.correct else [0.0] * len(black)
        free = fit_line(self._pooled(found, used), limits)
        known = not _contradicts(free, self._level())
        together = fit_line(self._pooled(found, used), limits, self._level()) if known else free
        sites, points = [], {}
        for site, offset in zip(self.mosaic.sites, used, strict=True):
            windows = above_black(found[site.name], site.black + offset)
            own = fit_line(windows, limits, self._level(site.name) if known else None)
            sites.append(self._site(site, offset, together, own, stage))
            flat = own.used if own is not None else np.zeros(len(windows), bool)
            points[site.name] = Points(windows.mean, windows.variance, flat)
        warning = judged.warning if self.correct else judged.warning.replace("; corrected", "")
        found_one = together is not None and together.gain > 0
        notes = [note for note, doubt in ((_NOTHING, not found_one), (_OTHER_DARK, not known)) if doubt]
        return SensorNoise(tuple(sites), None, stage, replace(judged, warning=warning), points, tuple(notes))

    def _pooled(self, found: Mapping[str, Windows], offsets: Sequence[float]) -> Windows:
        pairs = zip(self.mosaic.sites, offsets, strict=True)
        return joined([above_black(found[site.name], site.black + offset) for site, offset in pairs])

    def _offsets(self) -> list[float] | None:
        """By class, where something besides the scene tells them."""
        if self.known.black is not None:
            return [float(self.known.black[site.name]) for site in self.mosaic.sites]
        if self.dark:
            return [self.dark[site.name].black - site.black for site in self.mosaic.sites]
        return None

    def _told_black(self, offsets: Sequence[float]) -> BlackLevel:
        if self.known.black is not None:
            read = self.known.read or 0.0
            mean = float(np.mean(offsets))
            return black_level.judged(self.known.source, mean, self.known.black_error, read)
        return black_level.from_masked(self.mosaic, self.dark)

    def _judge(self, line: Line | None, pooled: Windows) -> BlackLevel:
        if line is not None and line.gain > 0 and self.known.read is not None:
            return black_level.from_read_noise(
                line, self.known.read, self.known.read_error, self.known.source
            )
        return black_level.from_scene(line, black_level.darkest_mean(pooled))

    def _level(self, name: str | None = None) -> float | None:
        """The variance at black, where it is known without the scene."""
        if self.known.read is not None and self.known.black is not None:
            return self.known.read**2
        if self.dark:
            reads = [self.dark[name].read] if name else [d.read for d in self.dark.values()]
            return float(np.mean(np.square(reads)))
        return None

    def _site(
        self, site: Photosite, offset: float, together: Line | None, own: Line | None, stage: str
    ) -> SiteNoise:
        line = _combined(together, own)
        floor = max(self.step / math.sqrt(12), 1e-3)
        if line is None or line.gain <= 0:
            # Nothing to stand on: a number that does no harm, and no confidence in it.
            guess = max(floor, 1.0)
            return SiteNoise(site.name, guess, guess, site.black + offset, site.white, 0.0, 1.0, 1.0)
        least = max(floor, _LEAST_ELECTRONS * line.gain)
        read = math.sqrt(max(line.level, least**2))
        gain_error = line.gain_error / line.gain
        read_error = line.level_error / (2 * read**2)
        if line.level < least**2:
            read_error = max(read_error, 0.5)  # came out impossibly low: black or texture is wrong
        sure = confidence(line, gain_error, read_error, stage)
        return SiteNoise(
            site.name, line.gain, read, site.black + offset, site.white, sure, gain_error, read_error
        )


_OTHER_DARK = "The read noise that is known does not fit this picture; its own darkest parts were taken."
_NOTHING = "There is no flat part whose noise could be read; the numbers are a guess."


def _contradicts(line: Line | None, level: float | None) -> bool:
    """Whether a line that is sure of itself goes far from the known variance at black."""
    if line is None or level is None or line.gain <= 0:
        return False
    sure = line.level_error < _SURE * level
    return sure and abs(line.level - level) > _FAR * math.hypot(line.level_error, _SURE * level)


def _combined(together: Line | None, own: Line | None) -> Line | None:
    """A class's own line, drawn towards that of all classes as far as its error allows."""
    if together is None or together.gain <= 0:
        return own
    if own is None or own.gain <= 0:
        return together
    prior = together.gain_error**2 + (_ALIKE * together.gain) ** 2
    share = prior / (prior + own.gain_error**2)
    levels = together.level_error**2 + (2 * _ALIKE * together.level) ** 2
    part = levels / (levels + own.level_error**2) if levels > 0 else 1.0
    return replace(
        together,
        gain=share * own.gain + (1 - share) * together.gain,
        level=part * own.level + (1 - part) * together.level,
        gain_error=math.sqrt(share) * own.gain_error,
        level_error=math.sqrt(part) * own.level_error,
        covariance=together.covariance,
        spread=max(together.spread, own.spread),
    )
