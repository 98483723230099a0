"""The parts of a camera's published calibration: lines of log s over log K, measured ISOs, K over ISO."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.noise.sensor.tukey import unit_variance


@dataclass(frozen=True)
class LogLine:
    """log s = slope log K + bias +- sd, for s and K in DN."""

    slope: float
    bias: float
    sd: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.slope, self.bias))) or not 0 <= self.sd < 5:
            raise StudioError("A camera's line of log s over log K has a number that is none.")

    def at(self, gain: float, random: np.random.Generator | None = None) -> float:
        """S in DN: the line's own, or with `random` one camera setting's from around it."""
        spread = 0.0 if random is None else self.sd * float(random.standard_normal())
        return math.exp(self.slope * math.log(gain) + self.bias + spread)


@dataclass(frozen=True)
class Segment:
    """A range of gains within which one set of lines holds; a dual-gain sensor has two.

    Args:
        gain: lowest and highest K, DN per electron.
        tukey: scale of the Tukey lambda read noise.
        shapes: its lambdas, as measured from setting to setting.
        gaussian: sd of read noise as a Gaussian.
        row: sd of row noise.
    """

    gain: tuple[float, float]
    tukey: LogLine | None = None
    shapes: tuple[float, ...] = ()
    gaussian: LogLine | None = None
    row: LogLine | None = None

    def __post_init__(self) -> None:
        _check_gains(self.gain)
        if self.tukey is None and self.gaussian is None:
            raise StudioError("A range of gains has no read noise.")
        if (self.tukey is None) != (not self.shapes):
            raise StudioError("A Tukey scale and its lambdas go together.")
        for shape in self.shapes:
            unit_variance(shape)


@dataclass(frozen=True)
class Setting:
    """One measured ISO.

    Args:
        iso: as set.
        gain: K, DN per electron.
        gaussian: sd of read noise as a Gaussian, DN.
        tukey: Tukey scale, DN.
        shape: Tukey lambda.
        row: sd of row noise, DN.
    """

    iso: float
    gain: float
    gaussian: float
    tukey: float | None = None
    shape: float | None = None
    row: float | None = None

    def __post_init__(self) -> None:
        _check_gains((self.gain, self.gain))
        if (self.tukey is None) != (self.shape is None):
            raise StudioError("A Tukey scale and its lambda go together.")
        if self.shape is not None:
            unit_variance(self.shape)


@dataclass(frozen=True)
class IsoGain:
    """K over ISO: a line, or points between which log K is linear in log ISO.

    Args:
        basis: whether it was published, or how it was inferred.
        slope: of K = slope ISO + offset.
        offset: of the same.
        points: (ISO, K), rising.
        range: lowest and highest ISO, where nothing else tells.
    """

    basis: str
    slope: float | None = None
    offset: float = 0.0
    points: tuple[tuple[float, float], ...] = ()
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.slope is None) != (len(self.points) >= 2):
            raise StudioError("K over ISO needs either a line or two points.")
        if any(a >= c or b >= d for (a, b), (c, d) in itertools.pairwise(self.points)):
            raise StudioError("The points of K over ISO must rise.")

    def gain(self, iso: float) -> float:
        """K at an ISO, DN per electron; beyond the points K grows as ISO does."""
        if self.slope is not None:
            return self.slope * iso + self.offset
        inside = min(max(iso, self.points[0][0]), self.points[-1][0])
        return between(inside, self.points) * iso / inside


def between(x: float, points: tuple[tuple[float, float], ...]) -> float:
    """Log-log linear between points, constant beyond them."""
    known = np.log(np.array(points))
    return math.exp(float(np.interp(math.log(x), known[:, 0], known[:, 1])))


def _check_gains(gain: tuple[float, float]) -> None:
    if not 0 < gain[0] <= gain[1] < math.inf:
        raise StudioError(f"A camera's gains must be above 0 and rising, not {gain}.")
