"""Phantoms of ellipses with their projections in closed form, and a reconstruction of its own to judge by.

Shares no code with the package: line integrals are formulas, the filter is summed in space.
"""

from dataclasses import dataclass

import numpy as np

WATER = 0.0193


@dataclass(frozen=True)
class Ellipse:
    """Half axes `a` (along x) and `b` in mm, centre in mm, HU above its surroundings."""

    a: float
    b: float
    hu: float
    x: float = 0.0
    y: float = 0.0

    def inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return ((x - self.x) / self.a) ** 2 + ((y - self.y) / self.b) ** 2 <= 1

    def lines(self, angles: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Chord lengths in mm: `(angles, offsets)`; Kak and Slaney, equation 3.5."""
        c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
        t = offsets[None] - (self.x * c + self.y * s)
        half = (self.a * c) ** 2 + (self.b * s) ** 2
        return 2 * self.a * self.b * np.sqrt(np.maximum(half - t**2, 0.0)) / half


PATIENT = (Ellipse(150, 110, 1040.0), Ellipse(22, 16, -60.0, 70.0, 20.0), Ellipse(14, 14, 600.0, 0.0, 70.0))
"""Soft tissue of 40 HU in air, an insert of -20 HU, a bone of 640 HU."""


def pixels(size: int, spacing: float) -> np.ndarray:
    """Pixel centres along a side, mm from the middle."""
    return (np.arange(size) - (size - 1) / 2) * spacing


def draw(parts: tuple[Ellipse, ...], height: int, width: int, spacing: float, finer: int = 4) -> np.ndarray:
    """`(height, width)` float32 HU, every pixel a mean over finer ones."""
    y, x = (pixels(size * finer, spacing / finer) for size in (height, width))
    field = np.full((height * finer, width * finer), -1000.0)
    for part in parts:
        field[part.inside(x[None, :], y[:, None])] += part.hu
    return field.reshape(height, finer, width, finer).mean(axis=(1, 3)).astype(np.float32)


def analytic_lines(parts: tuple[Ellipse, ...], angles: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Line integrals of attenuation, no unit."""
    return WATER / 1000 * sum(part.hu * part.lines(angles, offsets) for part in parts)


def taps(window: np.ndarray | None, count: int, spacing: float) -> np.ndarray:
    """Ramp filter's samples at -count..count, per mm: Kak and Slaney, equation 3.61, and a window on it.

    Args:
        window: values at 4096 frequencies from 0 to the sampling limit, None for the bare ramp.
    """
    place = np.arange(-count, count + 1)
    if window is None:
        result = np.zeros(place.size)
        odd = place % 2 != 0
        result[odd] = -1 / (np.pi * place[odd]) ** 2
        result[count] = 0.25
        return result / spacing
    limit = 0.5 / spacing
    frequency = (np.arange(window.size) + 0.5) / window.size * limit
    cosines = np.cos(2 * np.pi * np.outer(place * spacing, frequency))
    return 2 * (cosines * (frequency * window)).sum(axis=1) * (limit / window.size) * spacing


def variance_at(
    x: float, y: float, variance: np.ndarray, angles: np.ndarray, offsets: np.ndarray, filter_: np.ndarray
) -> float:
    """Variance of a reconstructed pixel in HU^2, by propagation through filter, interpolation and sum.

    Args:
        variance: `(angles, offsets)` of the line integrals.
        filter_: of `taps`.
    """
    count, spacing = filter_.size // 2, offsets[1] - offsets[0]
    total = 0.0
    for view, angle in enumerate(angles):
        place = (x * np.cos(angle) + y * np.sin(angle) - offsets[0]) / spacing
        index, part = int(np.floor(place)), place - np.floor(place)
        bins = np.arange(offsets.size)
        weight = np.zeros(offsets.size)
        for node, share in ((index, 1 - part), (index + 1, part)):
            lag = bins - node
            near = np.abs(lag) <= count
            weight[near] += share * filter_[lag[near] + count]
        total += (weight**2 * variance[view]).sum()
    return total * (np.pi / angles.size * 1000 / WATER) ** 2
