"""The stationary Gaussian prior: a power spectrum per class of pictures, everything exact by FFT.

For a prior N(mu, S) the metric has the closed form IEM^2(Gamma) = D^T (S + I / Gamma)^-1 D with
D = x1 - x2: a Mahalanobis distance, the same for every mu. A lower end gamma takes off the same
expression at gamma. S is circulant on the picture's own grid, so its eigenvalues are the spectrum.
"""

import functools
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft

from denoise_studio.core.resources import resource
from denoise_studio.metrics.iem.opponent import from_opponent, to_opponent

FILE = "gaussian.json"


@dataclass(frozen=True, eq=False)
class GaussianPrior:
    """Pictures `(..., C, H, W)` in a prior's unit.

    Args:
        frequencies: rising, in cycles per pixel.
        powers: of each opponent channel at each of them: the variance of a sample that a flat
            spectrum of that height would give. Between them log-log straight, beyond them constant.
        mean: of each opponent channel.
    """

    frequencies: Any
    powers: Any
    mean: Any

    def spectrum(self, height: int, width: int) -> Any:
        """`(C, H, W // 2 + 1)`: eigenvalues of the covariance, as `scipy.fft.rfft2` orders them."""
        rows, columns = scipy.fft.fftfreq(height)[:, None], scipy.fft.rfftfreq(width)
        log = np.log(np.maximum(np.hypot(rows, columns), self.frequencies[0]))
        knots = np.log(self.frequencies)
        return np.exp(np.stack([np.interp(log, knots, np.log(power)) for power in self.powers]))

    def map(self, difference: Any, highest: float, lowest: float = 0.0) -> Any:
        """The squared distance by place, `(C, H, W)` float64 (opponent channels); its sum is IEM^2.

        By place it is the whitened difference squared, (S + I / Gamma)^-1/2 D.

        Args:
            difference: x1 - x2, `(C, H, W)`.
            highest: upper end of gamma.
            lowest: lower end of gamma.
        """
        power = self.spectrum(*difference.shape[-2:])
        gain = 1 / (power + 1 / highest)
        if lowest:
            gain -= 1 / (power + 1 / lowest)
        channels = to_opponent(difference.astype(np.float64), 0)
        for channel, root in zip(channels, np.sqrt(gain), strict=True):  # one at a time: large pictures
            channel[...] = _filtered(channel, root) ** 2
        return channels

    def posterior_mean(self, y: Any, sigma: Any, draws: Any = None) -> Any:
        """The Wiener filter: `y (N, C, H, W)`, `sigma (N,)`; `draws` make no difference."""
        power = self.spectrum(*y.shape[-2:])
        variance = sigma.astype(np.float64)[:, None, None, None] ** 2
        mean = np.asarray(self.mean)[:, None, None]
        off = to_opponent(y.astype(np.float64), 1) - mean
        return from_opponent(mean + _filtered(off, power / (power + variance)), 1).astype(y.dtype, copy=False)


def _filtered(values: Any, gain: Any) -> Any:
    return scipy.fft.irfft2(scipy.fft.rfft2(values) * gain, values.shape[-2:])


@functools.cache
def load(kind: str, channels: int) -> GaussianPrior:
    """The prior of a class of pictures: "photographs" with 1 or 3 channels, or "ct"."""
    found = json.loads(resource("priors", FILE).read_text(encoding="utf-8"))
    chosen = found["classes"][f"{kind}-{channels}"]
    powers = tuple(np.array(power) for power in chosen["powers"])
    return GaussianPrior(np.array(found["frequencies"]), powers, tuple(chosen["mean"]))
