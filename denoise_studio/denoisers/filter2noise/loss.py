"""What the training makes small: the disagreement of two half pictures, and lost edges."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from denoise_studio.denoisers.filter2noise.sampling import halves

_SIZE, _NARROW, _WIDE = 7, 9.0, 10.0


def dog_kernel(dtype: torch.dtype = torch.float32) -> Tensor:
    """`(1, 1, 7, 7)`: a Gaussian of sigma 9 minus one of sigma 10, each summing to 1 in the window."""
    offsets = torch.arange(_SIZE, dtype=torch.float64) - _SIZE // 2

    def gaussian(sigma: float) -> Tensor:
        line = torch.exp(-offsets.square() / (2 * sigma**2))
        plane = torch.outer(line, line)
        return plane / plane.sum()

    return (gaussian(_NARROW) - gaussian(_WIDE)).to(dtype)[None, None]


def edges(x: Tensor, valid: Tensor | None = None) -> Tensor:
    """|DoG * x| of every channel, with zeros around the picture and in place of what is invalid.

    Args:
        x: `(C, H, W)`.
        valid: `(H, W)` of 0 and 1, or None.
    """
    response: Tensor = _Dog.apply(x if valid is None else x * valid)  # type: ignore[no-untyped-call]
    return response.abs()


class _Dog(torch.autograd.Function):
    """The kernel is symmetric, so the way back is the same filter: seven times as fast as torch's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return functional.conv2d(x[:, None], dog_kernel(x.dtype), padding=_SIZE // 2)[:, 0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _Dog.forward(ctx, grads[0])


def mean_l1(a: Tensor, b: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of |a - b| over the valid pixels and all channels; 0 if none is valid."""
    difference = (a - b).abs()
    if valid is None:
        return difference.mean()
    return (difference * valid).sum() / (valid.sum() * len(difference)).clamp(min=1)


@dataclass(frozen=True, eq=False)
class Target:
    """What stays the same through the training.

    Args:
        edges: |DoG * y| of the noisy picture y.
        valid: `(H, W)` of 0 and 1, or None.
        half: the same for a half-size picture.
        dog_weight: lambda.
    """

    edges: Tensor
    valid: Tensor | None
    half: Tensor | None
    dog_weight: float


def loss(full: Tensor, first: Tensor, second: Tensor, target: Target) -> Tensor:
    """L = 1/3 (|S1 - S2| + |S1 - D1 F| + |S2 - D2 F| + |D1 F - D2 F|) + lambda ||DoG y| - |DoG F||.

    Every |.| between pictures is a mean; arXiv 2504.13519.

    Args:
        full: F, the filtered picture, `(C, H, W)`.
        first: S1, the filtered and shuffled half picture D1, `(C, H/2, W/2)`.
        second: S2, likewise from D2.
        target: the rest.
    """
    one, two = halves(full)
    pairs = ((first, second), (first, one), (second, two), (one, two))
    agreement = sum((mean_l1(a, b, target.half) for a, b in pairs), full.new_zeros(()))
    kept = mean_l1(target.edges, edges(full, target.valid), target.valid)
    return agreement / 3 + target.dog_weight * kept
