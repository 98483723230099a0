"""The stages one after the other, as the training runs them."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from denoise_studio.core.fitted import Spread
from denoise_studio.denoisers.bilateral.autograd import bilateral_torch_op
from denoise_studio.denoisers.filter2noise.parameters import LARGEST_SIGMA
from denoise_studio.denoisers.filter2noise.predictor import Predictor, to_pixels


def make_predictors(stages: int, channels: int, seed: int) -> nn.ModuleList:
    """One network a stage, started from the seed."""
    generator = torch.Generator().manual_seed(seed)
    return nn.ModuleList(Predictor(channels, generator) for _ in range(stages))


def window_radius(largest: float) -> int:
    """ceil(max sigma), at most 6: the floor added to a sigma of 6 does not open another ring."""
    return min(math.ceil(largest), int(LARGEST_SIGMA))


def denoise(
    predictors: Sequence[Any] | nn.ModuleList, x: Tensor, valid: Tensor | None = None, spread: Spread = map
) -> tuple[Tensor, list[Tensor]]:
    """Filter a picture with the sigmas that the networks choose for it.

    y_i = sum w x_j / sum w over one square window for all pixels, with the sigmas of the centre i
    and reflected edges. The published sum of weights has 1e-8 added to it; as the centre alone
    weighs 1, float32 cannot tell.

    Args:
        predictors: one a stage; stage 2's looks at stage 1's result.
        x: `(C, H, W)` in [0, 1], sides multiples of 8.
        valid: `(H, W)`, False where a pixel keeps its value and weighs nothing; or None.
        spread: runs a function over bands of rows.

    Returns:
        The result and every stage's maps `(3, H/8, W/8)`.
    """
    found = []
    for predictor in predictors:
        maps = predictor(x, spread)
        found.append(maps)
        radius = window_radius(float(maps[:2].detach().max()))
        sx, sy, sr = to_pixels(maps)
        x = bilateral_torch_op(x, sx, sy, sr, radius, valid, spread)
    return x, found
