"""A mixture of Gaussians over patches: the posterior mean is exact, and adapts to edges and texture.

The prior takes the patches of a grid as independent, each drawn from a mixture with full covariances
(Zoran and Weiss, "From Learning Models of Natural Image Patches to Whole Image Restoration", ICCV
2011). Where the grid lies is drawn anew for every path; a mean of squared metrics is one again.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.resources import resource
from denoise_studio.metrics.iem.opponent import from_opponent, to_opponent

SIDE = 8
_AT_ONCE = 64
"""Patches in one go. More fall out of the caches, and their matrix products are then spread over threads,
which takes nine times as long on a busy machine."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """Of patches of one channel, each flattened.

    Args:
        weights: `(K,)`.
        means: `(K, d)`.
        bases: `(K, d, d)`, columns the eigenvectors of each covariance.
        variances: `(K, d)`, their eigenvalues.
    """

    weights: Any
    means: Any
    bases: Any
    variances: Any

    def posterior_mean(self, y: Any, sigma: float) -> Any:
        """E[x | y] for patches `(n, d)` with white noise of sd `sigma`."""
        parts = [self._means(y[start : start + _AT_ONCE], sigma) for start in range(0, len(y), _AT_ONCE)]
        return np.concatenate(parts)

    @functools.cached_property
    def _shift(self) -> Any:
        """`(K, 1, d)`: the means in their own bases."""
        return np.einsum("kd,kde->ke", self.means, self.bases)[:, None]

    def _means(self, y: Any, sigma: float) -> Any:
        total = self.variances + y.dtype.type(sigma) ** 2
        off = y @ self.bases - self._shift
        log = (np.log(self.weights) - 0.5 * np.log(total).sum(axis=1))[:, None]
        log = log - 0.5 * np.einsum("kne,ke->kn", off * off, 1 / total)
        share = np.exp(log - log.max(axis=0))
        share /= share.sum(axis=0)
        off *= (self.variances / total)[:, None]
        off += self._shift
        off *= share[..., None]
        return (off @ self.bases.transpose(0, 2, 1)).sum(axis=0)


@dataclass(frozen=True, eq=False)
class PatchPrior:
    """Pictures `(N, C, H, W)` in a prior's unit; one mixture for each opponent channel."""

    mixtures: tuple[Mixture, ...]

    def posterior_mean(self, y: Any, sigma: Any, draws: Any) -> Any:
        """Exact on whole patches; the pixels of patches that the edge cuts are left as they are.

        Args:
            y: `(N, C, H, W)`.
            sigma: `(N,)`.
            draws: `(N,)`, which grid.
        """
        means = to_opponent(y, 1).copy()
        for picture, level, draw in zip(means, sigma, draws, strict=True):
            top, left = np.random.default_rng((int(draw), SIDE)).integers(SIDE, size=2)
            whole = picture[:, top:, left:]
            height, width = (side // SIDE * SIDE for side in whole.shape[1:])
            for channel, mixture in zip(whole[:, :height, :width], self.mixtures, strict=True):
                found = mixture.posterior_mean(to_patches(channel), float(level))
                channel[...] = _from_patches(found, channel.shape)
        return from_opponent(means, 1)


def to_patches(plane: Any) -> Any:
    """`(H, W)` to `(n, SIDE * SIDE)`."""
    height, width = plane.shape
    tiles = plane.reshape(height // SIDE, SIDE, width // SIDE, SIDE)
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3)).reshape(-1, SIDE * SIDE)


def _from_patches(patches: Any, shape: tuple[int, int]) -> Any:
    height, width = shape
    tiles = patches.reshape(height // SIDE, width // SIDE, SIDE, SIDE)
    return tiles.transpose(0, 2, 1, 3).reshape(height, width)


@functools.cache
def load(kind: str, channels: int) -> PatchPrior:
    """The prior of a class of pictures: "photographs" with 1 or 3 channels, or "ct"."""
    from safetensors.numpy import load_file

    tensors = load_file(resource("priors", "patch-gmm.safetensors"))
    found = []
    for channel in range(channels):
        stem = f"{kind}-{channels}.{channel}"
        covariances = tensors[f"{stem}.covariances"].astype(np.float64)
        variances, bases = np.linalg.eigh(covariances)
        parts = (tensors[f"{stem}.weights"], tensors[f"{stem}.means"], bases, np.maximum(variances, 1e-6))
        found.append(Mixture(*(np.asarray(part, np.float32) for part in parts)))
    return PatchPrior(tuple(found))
