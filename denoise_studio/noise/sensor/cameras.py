"""Published calibrations of cameras: gain, read noise, row noise, by gain or by ISO.

Sources are named with each preset (`resources/noise/cameras.json`): ELD (arXiv 2108.02158), PMN and
PNNP (arXiv 2310.09126), PMRID, CRVD. ELD's form is log s = a log K + b +- sd, with natural logarithms.
"""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.resources import resource
from denoise_studio.noise.sensor.calibration import IsoGain, Segment, Setting, between
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.tukey import Gaussian, ReadNoise, Tukey

_VERSION = 1
_SLACK = 1.005
"""Published ends are rounded: so much beyond them still counts as inside."""


@dataclass(frozen=True)
class CameraPreset:
    """A camera's calibration, in DN of its own `bits`.

    Args:
        name: key.
        camera: make and model.
        source: where the figures are published.
        bits: of the DN.
        white: DN at saturation, black included.
        black: DN without light, None if it is not published with the figures.
        iso: K over ISO.
        segments: ranges of gain, in rising order.
        points: single measured ISOs; they win over the lines.
        read_variance: s^2 = c0 + c1 ISO + c2 ISO^2 (PMRID), DN^2.
        colour_bias: R, G1, G2, B above black in DN, one row a measured setting.
    """

    name: str
    camera: str
    source: str
    bits: int
    white: float
    iso: IsoGain
    black: float | None = None
    segments: tuple[Segment, ...] = ()
    points: tuple[Setting, ...] = ()
    read_variance: tuple[float, float, float] | None = None
    colour_bias: tuple[tuple[float, float, float, float], ...] = ()

    def __post_init__(self) -> None:
        if not (self.segments or len(self.points) >= 2 or (self.read_variance and self.iso.range)):
            raise StudioError(f"The preset {self.name} has no read noise.")
        for one, other in itertools.pairwise(self.segments):
            if one.gain[1] >= other.gain[0]:
                raise StudioError(f"The gains of the preset {self.name} overlap.")

    @property
    def gain_range(self) -> tuple[float, float]:
        """Lowest and highest calibrated K, DN per electron."""
        if self.segments:
            return self.segments[0].gain[0], self.segments[-1].gain[1]
        if self.points:
            return self.points[0].gain, self.points[-1].gain
        assert self.iso.range is not None
        low, high = self.iso.range
        return self.iso.gain(low), self.iso.gain(high)

    def span(self) -> float:
        """DN from black to white; black counts as 0 where it is unknown."""
        return self.white - (self.black or 0.0)

    def at_iso(
        self, iso: float, random: np.random.Generator | None = None, gaussian: bool = False
    ) -> CameraNoise:
        """The noise at an ISO: a measured one as it was measured, others by the lines.

        Args:
            iso: as set on the camera.
            random: draws what varies from setting to setting; None gives the typical.
            gaussian: read noise as a Gaussian (ELD's "G"), also where a Tukey lambda is known.

        Raises:
            StudioError: outside the calibrated range; one sentence that names it.
        """
        for point in self.points:
            if point.iso == iso:
                return self._noise(point.gain, _measured(point, gaussian), point.row or 0.0, iso, random)
        gain = self.iso.gain(iso)
        if not self._covers(gain):
            low, high = self.gain_range
            raise StudioError(
                f"{self.name} is not calibrated for ISO {iso:g} (K {gain:.4g}), "
                f"only for K {low:.4g} to {high:.4g}."
            )
        return self.at(gain, random, gaussian, iso)

    def at(
        self,
        gain: float,
        random: np.random.Generator | None = None,
        gaussian: bool = False,
        iso: float | None = None,
    ) -> CameraNoise:
        """The noise at a gain K, DN per electron; arguments and errors as of `at_iso`."""
        if not self._covers(gain):
            low, high = self.gain_range
            raise StudioError(f"{self.name} is calibrated for K {low:.4g} to {high:.4g}, not {gain:.4g}.")
        if self.segments:
            segment = self._segment(gain)
            row = 0.0 if segment.row is None else segment.row.at(gain, random)
            return self._noise(gain, self._read(segment, gain, random, gaussian), row, iso, random)
        if self.read_variance is not None:
            setting = (gain - self.iso.offset) / (self.iso.slope or 1.0)
            variance = float(np.polynomial.polynomial.polyval(setting, self.read_variance))
            return self._noise(gain, Gaussian(math.sqrt(variance)), 0.0, iso, random)
        sd = between(gain, tuple((point.gain, point.gaussian) for point in self.points))
        return self._noise(gain, Gaussian(sd), 0.0, iso, random)

    def _covers(self, gain: float) -> bool:
        low, high = self.gain_range
        return low / _SLACK <= gain <= high * _SLACK

    def _segment(self, gain: float) -> Segment:
        """The range that holds a gain, or the nearer one: no ISO lies in the gap of a dual-gain sensor."""
        return min(self.segments, key=lambda s: max(s.gain[0] / gain, gain / s.gain[1]))

    def _read(
        self, segment: Segment, gain: float, random: np.random.Generator | None, gaussian: bool
    ) -> ReadNoise:
        if segment.tukey is None or gaussian:
            if segment.gaussian is None:
                raise StudioError(f"No Gaussian read noise is published for {self.name}.")
            return Gaussian(segment.gaussian.at(gain, random))
        if random is None:
            shape = float(np.median(segment.shapes))
        else:
            shape = float(random.choice(segment.shapes))
        return Tukey(segment.tukey.at(gain, random), shape)

    def _noise(
        self, gain: float, read: ReadNoise, row: float, iso: float | None, random: np.random.Generator | None
    ) -> CameraNoise:
        # The biases were measured setting by setting but published without the settings' ISO: the
        # typical camera has none, a drawn one any of them.
        bias = (0.0, 0.0, 0.0, 0.0)
        if random is not None and self.colour_bias:
            bias = self.colour_bias[int(random.integers(len(self.colour_bias)))]
        return CameraNoise(gain, read, row, bias=bias, iso=iso, name=self.name)


def _measured(point: Setting, gaussian: bool) -> ReadNoise:
    if gaussian or point.tukey is None or point.shape is None:
        return Gaussian(point.gaussian)
    return Tukey(point.tukey, point.shape)


def gain_by_iso(iso: float, known_gain: float, known_iso: float) -> float:
    """K at an ISO from K at another one: analogue gain is proportional to ISO.

    Raises:
        StudioError: a number that is not above 0.
    """
    if not (iso > 0 and known_gain > 0 and known_iso > 0):
        raise StudioError("ISO and gain must be above 0.")
    return known_gain * iso / known_iso


@dataclass(frozen=True)
class _File:
    version: int
    unit: str
    presets: tuple[CameraPreset, ...]


@functools.cache
def all_presets() -> tuple[CameraPreset, ...]:
    """Every camera, in the file's order.

    Raises:
        StudioError: the bundled file is damaged.
    """
    import msgspec

    try:
        found = msgspec.json.decode(resource("noise", "cameras.json").read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError) as error:
        raise StudioError(f"The bundled camera presets cannot be read ({error}).") from None
    if found.version != _VERSION:
        raise StudioError(f"The bundled camera presets have version {found.version} instead of {_VERSION}.")
    return found.presets


def preset(name: str) -> CameraPreset:
    """The camera of this name, whatever its case.

    Raises:
        StudioError: there is none; the sentence lists those that are.
    """
    for candidate in all_presets():
        if candidate.name.lower() == name.strip().lower():
            return candidate
    names = ", ".join(candidate.name for candidate in all_presets())
    raise StudioError(f"There is no camera preset {name!r}; there are {names}.")
