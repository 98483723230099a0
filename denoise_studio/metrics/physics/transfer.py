"""Task transfer function: how sharply an edge of a given contrast is drawn, over spatial frequency.

A nonlinear filter has no one sharpness; an edge of the contrast that the task has tells the one that
matters (Richard, Husarik, Yadava, Murphy, Samei, Med. Phys. 39 (2012) 4115; AAPM Task Group 233 (2019),
section 3.3). All pixels of the region go into one edge spread function, oversampled ten times because a
slanted or round edge meets every pixel at another place (Judy, Med. Phys. 3 (1976) 233; ISO 12233).
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.types import BoolArray
from denoise_studio.metrics.physics.edge_fit import EdgePlace, EdgeShape, find_edge
from denoise_studio.metrics.physics.pitch import Doubles, Pitch

LEAST_CNR = 15.0
"""Contrast to noise below which TG-233 holds a task transfer function for unreliable."""
_BINS_A_PIXEL = (10, 8, 5, 4, 3)
_EMPTY = 0.1
"""Share of the bins that may hold no pixel before wider ones are taken."""
_REACH = 8.0
"""Fitted widths that the line spread function reaches to either side, if there is room."""
_LEAST_REACH = 6.0
"""Pixels to either side at least, for ringing that the fitted width does not tell of."""
_TOO_SHORT = 3.0
_GAP = 0.1
"""Pixels between the places of rows of pixels that lie along the edge."""
_FEWEST = 6
_POINTS = 201
_UNEVEN, _UNEVEN_SHARE = 2.0, 0.03
"""An edge is not of its shape where pixels near it differ from the mean at their distance by more than this
many times the noise and this share of the contrast."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """A task transfer function.

    Args:
        place: the edge.
        distances: `(n,)` of the edge spread function, in the pitch's unit, 0 at the edge.
        edge: `(n,)` its values in the picture's unit.
        frequencies: `(m,)` from 0 to twice the Nyquist frequency.
        transfer: `(m,)`, 1 at frequency 0.
        contrast: between the two sides, signed: beyond less before, in the picture's unit.
        noise: sd of the pixels on both sides, away from the edge.
        pitch: of the pixels.
        notes: sentences on what makes it doubtful.
    """

    place: EdgePlace
    distances: Doubles
    edge: Doubles
    frequencies: Doubles
    transfer: Doubles
    contrast: float
    noise: float
    pitch: Pitch
    notes: tuple[str, ...] = ()

    @property
    def cnr(self) -> float:
        """Contrast to noise; infinite without noise."""
        return abs(self.contrast) / self.noise if self.noise > 0 else math.inf

    @functools.cached_property
    def f50(self) -> float | None:
        """The frequency at which half the contrast is left; None if that is beyond the curve."""
        return self.frequency_at(0.5)

    @functools.cached_property
    def f10(self) -> float | None:
        """The frequency at which a tenth of the contrast is left."""
        return self.frequency_at(0.1)

    def frequency_at(self, level: float) -> float | None:
        """Where the curve first falls below a level, between points by a straight line."""
        below = np.flatnonzero(self.transfer < level)
        if not below.size or below[0] == 0:
            return None
        right = int(below[0])
        high, low = self.transfer[right - 1], self.transfer[right]
        share = (high - level) / (high - low)
        step = self.frequencies[right] - self.frequencies[right - 1]
        return float(self.frequencies[right - 1] + share * step)


def transfer(
    values: Doubles,
    inside: BoolArray,
    pitch: Pitch,
    shape: EdgeShape,
    place: EdgePlace | None = None,
) -> Transfer:
    """Measure the transfer function of an edge or a disc's rim.

    Args:
        values: `(h, w)`.
        inside: `(h, w)`, True where a pixel counts.
        pitch: of the pixels.
        shape: what lies in the region.
        place: of the edge, if it is known: before and after are measured at the same one.

    Raises:
        MeasureError: the region is too small, or there is no such edge in it.
    """
    if place is None:
        place = find_edge(values, inside, pitch, shape)
    distance = place.distances(values.shape, pitch)[inside]
    seen = values[inside]
    reach = _reach(place, distance, pitch)
    spread = _edge_spread(distance, seen, reach, pitch)
    contrast, noise = _sides(place, distance, seen)
    if contrast == 0:
        raise MeasureError("There is no edge in the region: both sides have one value.")
    frequencies = np.linspace(0.0, min(1.0 / pitch.finest, 0.5 / spread.bin), _POINTS)
    curve = _transformed(spread, reach, frequencies)
    cnr = abs(contrast) / noise if noise > 0 else math.inf
    uneven = _unevenness(place, spread, distance, seen) > _UNEVEN * noise + _UNEVEN_SHARE * abs(contrast)
    notes = _notes(place, spread, reach, cnr, uneven, pitch)
    return Transfer(place, spread.at, spread.edge, frequencies, curve, contrast, noise, pitch, notes)


def _reach(place: EdgePlace, distance: Doubles, pitch: Pitch) -> float:
    """Half the length of the line spread function: as far as both sides hold pixels."""
    wanted = max(_REACH * place.width, _LEAST_REACH * max(pitch.row, pitch.column))
    return float(min(wanted, -distance.min(), distance.max()))


class _Spread(NamedTuple):
    """An edge spread function: mean places and values of bins.

    The bins are at least about `bin` apart; the places of a bin's pixels have the variance `scatter`.
    """

    at: Doubles
    edge: Doubles
    bin: float
    scatter: float


def _edge_spread(distance: Doubles, seen: Doubles, reach: float, pitch: Pitch) -> _Spread:
    """Means over narrow bins of distance."""
    near = np.abs(distance) <= reach
    distance, seen = distance[near], seen[near]
    bins, width = _bins(distance, reach, max(pitch.row, pitch.column))
    count = np.bincount(bins)
    held = count > 0
    if np.count_nonzero(held) < _FEWEST:
        raise MeasureError("The region holds too few pixels beside the edge: make it larger.")
    where, square, value = (
        np.bincount(bins, weight)[held] / count[held] for weight in (distance, distance**2, seen)
    )
    return _Spread(where, value, width, float(np.mean(square - where**2)))


def _bins(distance: Doubles, reach: float, pixel: float) -> tuple[npt.NDArray[np.int64], float]:
    """The bin of every pixel, and how far bins are apart: as narrow as nearly all of them hold a pixel.

    Along an edge without a tilt whole rows of pixels have one distance: each of them is a bin.
    """
    for parts in _BINS_A_PIXEL:
        width = pixel / parts
        half = int(reach / width)
        bins = np.clip(np.rint(distance / width).astype(np.int64) + half, 0, 2 * half)
        if half and np.mean(np.bincount(bins, minlength=2 * half + 1) == 0) <= _EMPTY:
            return bins, float(width)
    order = np.argsort(distance)
    steps = np.diff(distance[order])
    apart = steps > _GAP * pixel
    bins = np.empty(distance.size, np.int64)
    bins[order] = np.concatenate([[0], np.cumsum(apart)])
    return bins, float(np.median(steps[apart])) if apart.any() else pixel


def _sides(place: EdgePlace, distance: Doubles, seen: Doubles) -> tuple[float, float]:
    """Contrast between the two sides, and the sd of pixels around their side's mean."""
    means, squares, count = [], 0.0, 0
    for side in (distance[distance < 0], distance[distance > 0]):
        far = max(3 * place.width, 0.0)
        if np.count_nonzero(np.abs(side) > far) < 10:
            far = float(np.median(np.abs(side)))
        sign = -1 if side.size and side[0] < 0 else 1
        values = seen[sign * distance > far]
        if not values.size:
            values = seen[sign * distance > 0]
        means.append(float(values.mean()))
        squares += float(((values - means[-1]) ** 2).sum())
        count += values.size
    return means[1] - means[0], math.sqrt(squares / max(count - 2, 1))


def _transformed(spread: _Spread, reach: float, frequencies: Doubles) -> Doubles:
    """Differences between bins, a window that is flat around the edge, and their Fourier transform.

    A difference over a step multiplies the spectrum by a sinc, averaging over pixels that scatter around
    their mean place by exp(-2 π² f² variance), to second order: both are divided out.
    """
    line = np.diff(spread.edge)
    step = np.diff(spread.at)
    middle = (spread.at[1:] + spread.at[:-1]) / 2
    along = np.clip(2 * np.abs(middle) / reach - 1, 0.0, 1.0)
    line = line * np.cos(0.5 * np.pi * along) ** 2
    phases = np.exp(-2j * np.pi * np.outer(frequencies, middle)) / np.sinc(np.outer(frequencies, step))
    spectrum = np.abs(phases @ line)
    if spectrum[0] <= 0:
        raise MeasureError("There is no edge in the region: both sides have one value.")
    lost = np.exp(-2 * np.pi**2 * spread.scatter * frequencies**2)
    return np.asarray(spectrum / spectrum[0] / lost)


def _unevenness(place: EdgePlace, spread: _Spread, distance: Doubles, seen: Doubles) -> float:
    """Sd of the pixels around the edge spread function, near the edge: noise, if the edge has the shape."""
    near = np.abs(distance) < 2 * place.width
    if not near.any():
        return 0.0
    return float(np.std(seen[near] - np.interp(distance[near], spread.at, spread.edge)))


def _notes(
    place: EdgePlace, spread: _Spread, reach: float, cnr: float, uneven: bool, pitch: Pitch
) -> tuple[str, ...]:
    notes = []
    if uneven:
        shape = "round" if place.shape is EdgeShape.DISC else "straight"
        notes.append(f"The edge is not {shape}, or not alone in the region: the curve is too soft.")
    if cnr < LEAST_CNR:
        notes.append(
            f"Contrast to noise is {cnr:.1f}: TG-233 asks for {LEAST_CNR:g} at least, the curve is rough."
        )
    if spread.bin * _BINS_A_PIXEL[-1] > max(pitch.row, pitch.column) * 1.01:
        notes.append(
            "The edge lies along the pixels or their diagonals, so it is sampled coarsely: tilt it by a few "
            "degrees."
        )
    if reach < _TOO_SHORT * place.width or reach < 2 * pitch.finest:
        notes.append("There is little room beside the edge: make the region larger.")
    return tuple(notes)
