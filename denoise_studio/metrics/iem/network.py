"""The learned prior: posterior means by a network of our own, trained for heavy noise."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from denoise_studio.core.errors import StudioError
from denoise_studio.denoisers.network.apply import saying_out_of_memory
from denoise_studio.denoisers.network.weights import read_module
from denoise_studio.metrics.iem.heavy_noise import HeavyNoiseNetwork, HeavyShape

LINEAR_FROM = 20.0
"""From this noise sd on, in the prior's unit, the Wiener filter alone is taken: through such noise the
network sees about a hundredth more, and half of a first number's levels lie there."""
_AT_ONCE = 1 << 19
"""Samples that go through the network together: more fall out of the CPU's caches."""


@dataclass(frozen=True, eq=False)
class NetworkPrior:
    """Pictures `(N, C, H, W)` in the prior's unit, sides multiples of the network's."""

    network: HeavyNoiseNetwork

    @property
    def sigmas(self) -> tuple[float, float]:
        """Noise levels that it was trained for."""
        return self.network.shape.lowest, self.network.shape.highest

    def posterior_mean(self, y: Any, sigma: Any, draws: Any = None) -> Any:
        """E[x | y] for noise of sd `sigma (N,)`; `draws` make no difference.

        Raises:
            OutOfMemory: the device could not hold it.
        """
        means, linear = np.empty(y.shape, np.float32), sigma >= LINEAR_FROM
        for chosen, run in ((~linear, self.network), (linear, self.network.wiener)):
            self._fill(means, y, sigma, np.flatnonzero(chosen), run)
        return means

    def _fill(self, means: Any, y: Any, sigma: Any, chosen: Any, run: Any) -> None:
        device = next(self.network.parameters()).device
        step = max(1, _AT_ONCE // y[0].size)
        with saying_out_of_memory(), torch.inference_mode():
            for start in range(0, len(chosen), step):
                part = chosen[start : start + step]
                x = torch.as_tensor(y[part], dtype=torch.float32).to(device)
                level = torch.as_tensor(sigma[part], dtype=torch.float32).to(device)
                means[part] = run(x.contiguous(memory_format=torch.channels_last), level).cpu().numpy()


@functools.cache
def load(path: Path, sha256: str | None, device: str = "cpu") -> NetworkPrior:
    """The prior with the weights of a file, on a device.

    Raises:
        StudioError: its weights are missing or damaged, or there is no such device.
    """
    network = read_heavy(path, sha256)
    try:
        return NetworkPrior(network.to(device, memory_format=torch.channels_last))  # type: ignore[call-overload]
    except (RuntimeError, AssertionError):
        raise StudioError(f"This machine has no device {device!r} that could be used.") from None


def read_heavy(path: Any, sha256: str | None = None) -> HeavyNoiseNetwork:
    """A network from a file of weights.

    Raises:
        StudioError: the file is missing, is not the one that was shipped, or does not fit.
    """
    return read_module(path, sha256, lambda shape: HeavyNoiseNetwork(HeavyShape.from_json(shape)))
