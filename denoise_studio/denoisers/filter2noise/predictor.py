"""The network that chooses a stage's sigmas: 1,819 parameters for a grey picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_studio.core.fitted import Spread
from denoise_studio.denoisers.filter2noise.attention import attention
from denoise_studio.denoisers.filter2noise.attention_kernels import SIZE
from denoise_studio.denoisers.filter2noise.parameters import LARGEST_SIGMA
from denoise_studio.denoisers.filter2noise.sampling import PATCH

_FLOOR = 1e-6


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer with torch's usual start, uniform within 1 / sqrt(inputs), from a generator of its own.

    The process-wide generator would make the result depend on what else runs.
    """
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    for tensor in (layer.weight, layer.bias):
        nn.init.uniform_(tensor, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return layer


class _SelfAttention(nn.Module):
    """Every patch becomes a mean of all patches' values, weighted by how alike they are."""

    def __init__(self, inputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.query, self.key, self.value = (_linear(inputs, SIZE, generator) for _ in range(3))

    def forward(self, tokens: Tensor, spread: Spread) -> Tensor:
        return attention(self.query(tokens), self.key(tokens), self.value(tokens), spread)


class Predictor(nn.Module):
    """8 x 8 patches -> feature attention -> sigma attention -> LayerNorm -> three sigmas a patch.

    There is no position in it: where a patch lies makes no difference.

    Args:
        channels: of the picture.
        generator: draws the starting weights.
    """

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.features = _SelfAttention(channels * PATCH * PATCH, generator)
        self.sigmas = _SelfAttention(SIZE, generator)
        self.norm = nn.LayerNorm(SIZE)
        self.head = _linear(SIZE, 3, generator)

    def forward(self, x: Tensor, spread: Spread = map) -> Tensor:
        """sigma_x, sigma_y (pixels) and sigma_r (in the unit of `x`) of every patch.

        Args:
            x: `(C, H, W)` in [0, 1], sides multiples of 8.
            spread: runs a function over blocks of patches.

        Returns:
            `(3, H/8, W/8)`, each in (0, 6] up to the floor of 1e-6 added on top.
        """
        channels, height, width = x.shape
        rows, columns = height // PATCH, width // PATCH
        patches = x.reshape(channels, rows, PATCH, columns, PATCH).permute(1, 3, 0, 2, 4)
        tokens = self.sigmas(self.features(patches.reshape(rows * columns, -1), spread), spread)
        raw = functional.softplus(self.head(self.norm(tokens)))
        sigmas: Tensor = raw.clamp(max=LARGEST_SIGMA) + _FLOOR
        return sigmas.T.reshape(3, rows, columns)


def to_pixels(maps: Tensor) -> Tensor:
    """`(n, h, w)` to `(n, 8 h, 8 w)`, every patch's value at all of its pixels."""
    count, rows, columns = maps.shape
    wide = maps[:, :, None, :, None].expand(count, rows, PATCH, columns, PATCH)
    return wide.reshape(count, rows * PATCH, columns * PATCH).contiguous()  # one patch stays a view
