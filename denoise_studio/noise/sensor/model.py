"""What is known of a sensor's noise: gain, read noise and black of every class of pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.vst import Stabiliser


@dataclass(frozen=True)
class SiteNoise:
    """Noise of one class of pixels: Var(y) = K (x - black) + s^2 at a mean of x.

    Args:
        name: the class's.
        gain: K, DN per electron.
        read: s, DN: sd of all noise that does not depend on the light, rounding included.
        black: DN, as corrected.
        white: DN.
        confidence: 0..1, about the probability that `gain` and `read` are both within 15 % of the truth.
        gain_error: relative standard error of `gain`.
        read_error: of `read`.
    """

    name: str
    gain: float
    read: float
    black: float
    white: float
    confidence: float = 1.0
    gain_error: float = 0.0
    read_error: float = 0.0

    @property
    def stabiliser(self) -> Stabiliser:
        return Stabiliser(self.gain, self.read)

    def variance(self, values: FloatArray) -> FloatArray:
        """At these means, DN with black; never below that of black."""
        above = np.maximum(np.asarray(values, np.float32) - np.float32(self.black), 0)
        return np.asarray(self.gain * above + self.read**2, np.float32)


@dataclass(frozen=True)
class BlackLevel:
    """How sure the black level is.

    Args:
        source: "masked pixels", "dark frames", "read noise" or "scene" (nothing but the picture itself).
        offset: by what the file's black level has to be changed, DN; 0 if that cannot be told.
        error: standard error of it, DN.
        interval: where the offset can lie, DN, as far as the picture alone tells.
        warning: a sentence for the person, "" if all is well.
    """

    source: str
    offset: float = 0.0
    error: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    warning: str = ""


@dataclass(frozen=True, eq=False)
class Points:
    """The windows of one class, for the plot of variance against mean.

    Args:
        mean: `(N,)` DN above black.
        variance: `(N,)` DN^2.
        used: `(N,)` True for those that carry the line.
    """

    mean: FloatArray
    variance: FloatArray
    used: Any


@dataclass(frozen=True, eq=False)
class SensorNoise:
    """Noise of a mosaic.

    Args:
        sites: in the mosaic's order.
        iso: as the file says.
        stage: "coarse", "fine" or "told".
        black: how the black level was judged.
        points: by name of a class, the windows behind the numbers.
        notes: sentences on what is doubtful.
    """

    sites: tuple[SiteNoise, ...]
    iso: float | None = None
    stage: str = "coarse"
    black: BlackLevel = field(default_factory=lambda: BlackLevel("scene"))
    points: Mapping[str, Points] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        return min(site.confidence for site in self.sites)

    @property
    def gain(self) -> float:
        """The classes' mean."""
        return float(np.mean([site.gain for site in self.sites]))

    @property
    def read(self) -> float:
        return float(np.mean([site.read for site in self.sites]))

    def told(self, gain: float = 0.0, read: float = 0.0) -> "SensorNoise":
        """The same with numbers of a person's own; 0 keeps what was found."""
        if not gain and not read:
            return self
        sites = tuple(
            replace(s, gain=gain or s.gain, read=read or s.read, confidence=1.0) for s in self.sites
        )
        return replace(self, sites=sites, stage="told")

    def describe(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "model": "poisson-gauss",
            "iso": self.iso,
            "stage": self.stage,
            "channels": {
                site.name: {
                    "K": site.gain,
                    "s": site.read,
                    "black": site.black,
                    "white": site.white,
                    "confidence": round(site.confidence, 3),
                    "K_error": round(site.gain_error * site.gain, 6),
                    "s_error": round(site.read_error * site.read, 6),
                }
                for site in self.sites
            },
            "black_level": {
                "source": self.black.source,
                "offset": round(self.black.offset, 4),
                "error": round(self.black.error, 4),
                "interval": [round(value, 4) for value in self.black.interval],
                "warning": self.black.warning,
            },
            "notes": list(self.notes),
        }

    def note(self) -> str:
        """One line for the status bar and the record."""
        black = f", black {self.black.offset:+.2f} DN ({self.black.source})" if self.black.offset else ""
        return f"K {self.gain:.3g} DN, s {self.read:.3g} DN, {self.stage}{black}, sure {self.confidence:.0%}"
