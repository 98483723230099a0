"""Noise power spectrum of a region: two-dimensional and radial, from an ensemble of squares.

Sources: ICRU Report 87 (2012), section 4; AAPM Task Group 233 (2019), section 3.2; IEC 62220-1-1 (2015):
squares overlapping by half, each less a polynomial of second order. Unlike there each square is weighted
with a sine window: the jumps at a square's rim would else spread power over all frequencies, and the mean
frequency of blotchy noise be read up to a seventh too high. Squared and overlapping by half these windows
add up to one, so that every pixel counts alike.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denoise_studio.metrics.physics.pitch import Doubles, Pitch
from denoise_studio.metrics.physics.squares import Squares

_CHUNK = 1 << 20
"""Samples transformed at a time."""
_LEAST_KEPT = 0.2
"""Where detrending leaves less of the noise than this, the spectrum is not measured."""
_ROUNDING = 1e-12
_FEW = 5
"""Squares below which a spectrum is rough."""


@dataclass(frozen=True, eq=False)
class NoisePower:
    """A noise power spectrum in the picture's unit squared times mm² (px² without spacing).

    Args:
        power: `(side, side)`, zero frequency at `(side // 2, side // 2)`; its integral is the variance.
        rows: `(side,)` frequencies along columns of pixels (up and down).
        columns: `(side,)` frequencies along rows of pixels.
        frequencies: `(n,)` of the radial curve, rising, up to the lower of the two axes' Nyquist frequencies.
        radial: `(n,)` mean of `power` over rings.
        side: of the squares in pixels.
        squares: how many there were.
        pitch: of the pixels.
    """

    power: Doubles
    rows: Doubles
    columns: Doubles
    frequencies: Doubles
    radial: Doubles
    side: int
    squares: int
    pitch: Pitch

    @property
    def variance(self) -> float:
        """The integral over all frequencies."""
        area = (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])
        return float(self.power.sum() * area)

    @property
    def sd(self) -> float:
        """The root of the integral: the noise's standard deviation."""
        return math.sqrt(max(self.variance, 0.0))

    @functools.cached_property
    def mean_frequency(self) -> float:
        """Centre of gravity of the radial curve (TG-233, average frequency); 0 without noise."""
        middle = self.side // 2
        # The curve begins at zero frequency, else white noise would not have half of Nyquist's.
        at = np.append(0.0, self.frequencies)
        curve = np.append(self.power[middle, middle], self.radial)
        total = float(np.trapezoid(curve, at))
        return float(np.trapezoid(curve * at, at)) / total if total > 0 else 0.0

    @functools.cached_property
    def peak_frequency(self) -> float:
        """Where the radial curve, smoothed over three rings, has its top; 0 without noise."""
        smooth = np.convolve(np.pad(self.radial, 1, mode="edge"), (0.25, 0.5, 0.25), "valid")
        top = int(np.argmax(smooth))
        if smooth[top] <= 0:
            return 0.0
        if not 0 < top < smooth.size - 1:
            return float(self.frequencies[top])
        left, middle, right = smooth[top - 1 : top + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        step = (self.frequencies[top + 1] - self.frequencies[top - 1]) / 2
        return float(self.frequencies[top] + shift * step)

    @property
    def note(self) -> str:
        """A sentence where the numbers are rough, else ""."""
        if self.squares < _FEW:
            many = "square" if self.squares == 1 else "squares"
            return f"Only {self.squares} {many} of {self.side} px fit: the spectrum is rough."
        return ""


def texture_shift(before: NoisePower, after: NoisePower) -> float | None:
    """By how many percent the mean frequency moved: negative is coarser, blotchier. None without noise."""
    if before.mean_frequency <= 0 or after.mean_frequency <= 0:
        return None
    return 100.0 * (after.mean_frequency / before.mean_frequency - 1.0)


def noise_power(
    values: Doubles,
    squares: Squares,
    pitch: Pitch,
    minus: Doubles | None = None,
    check: Callable[[], None] = lambda: None,
) -> NoisePower:
    """The spectrum of what is in the squares, less a polynomial of second order in each.

    The polynomial takes some of the noise with it, most at the lowest frequencies. What it leaves of white
    noise at each frequency is known exactly and divided out; where next to nothing is left, which is at
    zero frequency, the mean of the neighbours stands in.

    Args:
        values: `(h, w)`.
        squares: inside it.
        pitch: of the pixels.
        minus: `(h, w)`, a second, independent picture of the same thing with the same noise: the spectrum
            is then half the difference's, and structure that both share does not count as noise.
        check: asked between steps; raises to stop.
    """
    side = squares.side
    basis, window = _basis(side), _window(side)
    total, size = np.zeros((side, side // 2 + 1)), 0.0
    step = max(1, _CHUNK // (side * side))
    for start in range(0, squares.count, step):
        check()
        cut = squares.cut(values, start, start + step).astype(np.float64)
        if minus is not None:
            cut -= squares.cut(minus, start, start + step)
        flat = cut.reshape(len(cut), -1)
        size += float((flat * flat).sum())
        flat -= (flat @ basis) @ basis.T
        transformed = np.fft.rfft2(flat.reshape(cut.shape) * window)
        total += (transformed.real**2 + transformed.imag**2).sum(axis=0)
    if float(total.sum()) < _ROUNDING**2 * size * side * side:
        total[:] = 0.0  # of a constant nothing is left but rounding
    half = total * (pitch.pixel_area / (float((window**2).sum()) * squares.count))
    if minus is not None:
        half /= 2
    power = np.fft.fftshift(_whole(_corrected(half, side), side))
    rows = np.fft.fftshift(np.fft.fftfreq(side, pitch.row))
    columns = np.fft.fftshift(np.fft.fftfreq(side, pitch.column))
    frequencies, radial = _radial(power, rows, columns, pitch)
    return NoisePower(power, rows, columns, frequencies, radial, side, squares.count, pitch)


@functools.lru_cache(maxsize=8)
def _basis(side: int) -> Doubles:
    """`(side², 6)`: orthonormal polynomials of second order in both directions together."""
    line = np.linspace(-1.0, 1.0, side)
    y, x = np.meshgrid(line, line, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    found: Doubles = np.linalg.qr(terms.reshape(side * side, -1))[0]
    return found


@functools.lru_cache(maxsize=8)
def _window(side: int) -> Doubles:
    """`(side, side)`: half a sine wave in both directions."""
    line = np.sin(np.pi * (np.arange(side) + 0.5) / side)
    return np.asarray(np.outer(line, line))


@functools.lru_cache(maxsize=8)
def _kept(side: int) -> Doubles:
    """`(side, side // 2 + 1)`: the share of white noise's power that detrending leaves at each frequency.

    What is transformed is w (1 - Q Qᵀ) n, whose expected power is that of w n less the sum of |DFT(w q)|².
    """
    window = _window(side)
    terms = _basis(side).T.reshape(-1, side, side) * window
    taken = (np.abs(np.fft.rfft2(terms)) ** 2).sum(axis=0) / float((window**2).sum())
    return np.asarray(1.0 - taken)


def _corrected(half: Doubles, side: int) -> Doubles:
    kept = _kept(side)
    known = kept >= _LEAST_KEPT
    found = np.where(known, half / np.maximum(kept, _LEAST_KEPT), 0.0)
    for row, column in np.argwhere(~known):
        rows = (row + np.array([-1, -1, 0, 1, 1, 1, 0, -1])) % side
        columns = np.abs(column + np.array([0, 1, 1, 1, 0, -1, -1, -1]))  # mirrored: a spectrum is even
        near = known[rows, columns]
        found[row, column] = found[rows, columns][near].mean()
    return found


def _whole(half: Doubles, side: int) -> Doubles:
    """All columns of a spectrum whose other half is its mirror."""
    full = np.empty((side, side))
    full[:, : half.shape[1]] = half
    mirror = half[(-np.arange(side)) % side]
    full[:, half.shape[1] :] = mirror[:, 1 : side - half.shape[1] + 1][:, ::-1]
    return full


def _radial(power: Doubles, rows: Doubles, columns: Doubles, pitch: Pitch) -> tuple[Doubles, Doubles]:
    """Means over rings about as wide as the coarser axis's step; zero frequency is left out.

    The last ring lies at the Nyquist frequency.
    """
    frequency = np.hypot(rows[:, None], columns[None, :])
    last = max(1, int(pitch.nyquist / max(rows[1] - rows[0], columns[1] - columns[0]) + 1e-9))
    ring = np.rint(frequency * (last / pitch.nyquist)).astype(np.int64)
    chosen = (ring >= 1) & (ring <= last)
    ring, power, frequency = ring[chosen], power[chosen], frequency[chosen]
    count = np.bincount(ring, minlength=last + 1)[1:]
    held = count > 0
    sums = (np.bincount(ring, weights, last + 1)[1:][held] for weights in (frequency, power))
    at, mean = (found / count[held] for found in sums)
    return at, mean
