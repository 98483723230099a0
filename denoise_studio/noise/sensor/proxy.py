"""A small generator of a pixel's read noise, after PNNP's physics-guided proxy (arXiv 2310.09126).

    N_pixel = unit (K(ISO) pre(n1) + fol(n2)),   n1, n2 ~ N(0, 1)

Noise before the amplifier grows with its gain K, noise behind it does not. `pre` and `fol` are 1 x 1
convolutions, so functions of one number: pixels are independent by construction. K(ISO) is the
ratio of ISOs times exp(a learned scaler for each ISO).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.types import FloatArray

CHANNELS, BLOCKS = 16, 2
NETS = ("pre", "fol")
_REACH, _KNOTS = 7.0, 4097
"""A net is a function of one number: drawn from its table over -7..7 sd, linear in between."""
Weights = Mapping[str, Any]


def names(net: str) -> dict[str, tuple[int, ...]]:
    """The arrays of one net and their shapes."""
    shapes: dict[str, tuple[int, ...]] = {f"{net}.in.weight": (1, CHANNELS), f"{net}.in.bias": (CHANNELS,)}
    for block in range(BLOCKS):
        for layer in (1, 2):
            shapes[f"{net}.{block}.{layer}.weight"] = (CHANNELS, CHANNELS)
            shapes[f"{net}.{block}.{layer}.bias"] = (CHANNELS,)
    return shapes | {f"{net}.out.weight": (CHANNELS, 1), f"{net}.out.bias": (1,)}


def forward(weights: Weights, net: str, n: Any, silu: Callable[[Any], Any]) -> Any:
    """One net on numbers `(N, 1)`, for NumPy and torch alike."""
    x = n @ weights[f"{net}.in.weight"] + weights[f"{net}.in.bias"]
    for block in range(BLOCKS):
        y = silu(x @ weights[f"{net}.{block}.1.weight"] + weights[f"{net}.{block}.1.bias"])
        x = x + y @ weights[f"{net}.{block}.2.weight"] + weights[f"{net}.{block}.2.bias"]
    return x @ weights[f"{net}.out.weight"] + weights[f"{net}.out.bias"]


def gain(iso: Any, first: float) -> Any:
    """K(ISO) without its learned part: 1 at the lowest ISO."""
    return np.asarray(iso, np.float64) / first


@dataclass(frozen=True, eq=False)
class Proxy:
    """A trained generator.

    Args:
        isos: that it was trained on, rising.
        scalers: learned log factor of K for each.
        unit: DN of an output of 1.
        weights: of both nets, by `names`.
    """

    isos: npt.NDArray[np.float64]
    scalers: npt.NDArray[np.float64]
    unit: float
    weights: Mapping[str, FloatArray]

    def at(self, iso: float) -> "ProxyNoise":
        """Its noise at an ISO; scalers are linear in log ISO between those trained."""
        scaler = float(np.interp(math.log(iso), np.log(self.isos), self.scalers))
        k = float(gain(iso, float(self.isos[0]))) * math.exp(scaler)
        grid = np.linspace(-_REACH, _REACH, _KNOTS)
        before, behind = (forward(self.weights, net, grid[:, None], _silu)[:, 0] for net in NETS)
        return ProxyNoise(grid, before * (k * self.unit), behind * self.unit)

    def arrays(self) -> dict[str, Any]:
        """All of it as arrays, for a file."""
        own = {"isos": self.isos, "scalers": self.scalers, "unit": np.array(self.unit)}
        return own | dict(self.weights)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "Proxy":
        """The inverse of `arrays`.

        Raises:
            ValueError: an array is missing, of another shape, or not finite.
        """
        shapes = names(NETS[0]) | names(NETS[1])
        count = arrays["isos"].shape if "isos" in arrays else (0,)
        expected = shapes | {"isos": count, "scalers": count, "unit": ()}
        if (
            {name: array.shape for name, array in arrays.items()} != expected
            or len(count) != 1
            or not count[0]
        ):
            raise ValueError
        if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
            raise ValueError
        if arrays["isos"].min() <= 0 or (np.diff(arrays["isos"]) <= 0).any():
            raise ValueError
        weights = {name: arrays[name] for name in shapes}
        return cls(arrays["isos"], arrays["scalers"], float(arrays["unit"]), weights)


@dataclass(frozen=True, eq=False)
class ProxyNoise:
    """The generator at one ISO (a `ReadNoise`).

    Args:
        grid: `(N,)` values of n, evenly spaced.
        before: `(N,)` noise before the amplifier there, DN.
        behind: `(N,)` noise behind it, DN.
    """

    grid: npt.NDArray[np.float64]
    before: npt.NDArray[np.float64]
    behind: npt.NDArray[np.float64]

    def _moments(self, values: Any) -> tuple[float, float]:
        density = np.exp(-np.square(self.grid) / 2)
        density /= density.sum()
        mean = float((density * values).sum())
        return mean, float((density * np.square(values - mean)).sum())

    @property
    def variance(self) -> float:
        return self._moments(self.before)[1] + self._moments(self.behind)[1]

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        first = np.interp(
            random.standard_normal(shape), self.grid, self.before - self._moments(self.before)[0]
        )
        first += np.interp(
            random.standard_normal(shape), self.grid, self.behind - self._moments(self.behind)[0]
        )
        return first.astype(np.float32)

    def scaled(self, factor: float) -> "ProxyNoise":
        return ProxyNoise(self.grid, self.before * factor, self.behind * factor)


def _silu(x: Any) -> Any:
    return x / (1 + np.exp(-np.clip(x, -60, 60)))
