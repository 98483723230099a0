"""The bilateral filter as an operation that torch can differentiate in the picture and the maps.

On the CPU the numba kernels do the work on torch's own memory; elsewhere the shifted torch form
does, forward and backward, without an unfolded window. This module imports torch; nothing imports
this module unless it is about to train.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from denoise_studio.core.fitted import Spread
from denoise_studio.denoisers.bilateral import on_torch
from denoise_studio.denoisers.bilateral.job import MOST_REACH
from denoise_studio.denoisers.bilateral.mirror import origins
from denoise_studio.denoisers.bilateral.whole import bilateral, bilateral_gradients
from denoise_studio.denoisers.bilateral.window import radii


def bilateral_torch_op(
    x: Tensor,
    sigma_x: Tensor,
    sigma_y: Tensor,
    sigma_r: Tensor,
    window: int | None = None,
    valid: Tensor | None = None,
    spread: Spread = map,
) -> Tensor:
    """Filter a picture, differentiably (once) in the first four arguments.

    The window's radius is a step function of the sigmas and counts as constant.

    Args:
        x: `(C, H, W)` float32, C = 1 or 3, in any unit; edges are reflected.
        sigma_x: `(H, W)` float32 in pixels, on x's device.
        sigma_y: likewise.
        sigma_r: `(H, W)` float32 in the unit of x.
        window: radius of one square window for all pixels (as Filter2Noise), or None for the
            ellipse of each pixel's own sigmas.
        valid: `(H, W)` bool, False where a pixel keeps its value and is not looked at; or None.
        spread: runs a function over bands of rows on the CPU.

    Returns:
        `(C, H, W)` float32.

    Raises:
        ValueError: shapes do not fit together, or a window is too large.
        TypeError: something is not float32.
    """
    for tensor in (x, sigma_x, sigma_y, sigma_r):
        if tensor.dtype != torch.float32:
            raise TypeError(f"the bilateral filter takes float32, not {tensor.dtype}")
    if any(sigma.shape != x.shape[1:] for sigma in (sigma_x, sigma_y, sigma_r)):
        raise ValueError(f"the sigmas must be {tuple(x.shape[1:])}")
    kind = _OnCpu if x.device.type == "cpu" else OnDevice
    result: Tensor = kind.apply(x, sigma_x, sigma_y, sigma_r, window, valid, spread)  # type: ignore[no-untyped-call]
    return result


class _OnCpu(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        sigma_x: Tensor,
        sigma_y: Tensor,
        sigma_r: Tensor,
        window: int | None,
        valid: Tensor | None,
        spread: Spread,
    ) -> Tensor:
        ctx.save_for_backward(x, sigma_x, sigma_y, sigma_r)
        ctx.how = {"window": window, "valid": None if valid is None else valid.numpy(), "spread": spread}
        arrays = [tensor.detach().numpy() for tensor in (x, sigma_x, sigma_y, sigma_r)]
        return torch.from_numpy(bilateral(*arrays, **ctx.how))

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
        x, sigma_x, sigma_y, sigma_r = (tensor.detach().numpy() for tensor in ctx.saved_tensors)
        found = bilateral_gradients(
            x, sigma_x, sigma_y, sigma_r, upstream.numpy(), with_pixels=ctx.needs_input_grad[0], **ctx.how
        )
        gradients = [torch.from_numpy(np.ascontiguousarray(gradient)) for gradient in found]
        return (*_wanted(ctx, gradients), None, None, None)


class OnDevice(torch.autograd.Function):
    """The same with torch alone, on any device."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        sigma_x: Tensor,
        sigma_y: Tensor,
        sigma_r: Tensor,
        window: int | None,
        valid: Tensor | None,
        spread: Spread,
    ) -> Tensor:
        ctx.save_for_backward(x, sigma_x, sigma_y, sigma_r, valid)
        ctx.window = window
        ctx.halo = _halo(sigma_x, sigma_y, window)
        source, mask, _, _ = _tile(x, valid, ctx.halo)
        run = on_torch.fastest(x.device.type)
        result: Tensor = run(source, ctx.halo, mask, sigma_x, sigma_y, sigma_r, window=window)
        return result if valid is None else torch.where(valid, result, x)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
        x, sigma_x, sigma_y, sigma_r, valid = ctx.saved_tensors
        source, mask, rows, columns = _tile(x, valid, ctx.halo)
        used = upstream if valid is None else upstream.where(valid, 0.0)
        wide, *maps = on_torch.gradients(
            source, ctx.halo, mask, sigma_x, sigma_y, sigma_r, used, window=ctx.window
        )
        down = wide.new_zeros((x.shape[0], x.shape[1], wide.shape[2])).index_add_(1, rows, wide)
        d_x = torch.zeros_like(x).index_add_(2, columns, down)
        if valid is not None:
            d_x = torch.where(valid, d_x, upstream)
        return (*_wanted(ctx, [d_x, *maps]), None, None, None)


def _wanted(ctx: Any, gradients: list[Tensor]) -> list[Tensor | None]:
    return [g if needed else None for g, needed in zip(gradients, ctx.needs_input_grad, strict=False)]


def _halo(sigma_x: Tensor, sigma_y: Tensor, window: int | None) -> int:
    reach = window
    if reach is None:
        reach = max(int(radii(float(sigma.max()))) for sigma in (sigma_x, sigma_y))
    if not 0 <= reach <= MOST_REACH:
        raise ValueError(f"the window's radius must be from 0 to {MOST_REACH}, not {reach}")
    return reach


def _tile(x: Tensor, valid: Tensor | None, halo: int) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
    """The picture with reflected margins, its mask, and where rows and columns come from."""
    height, width = x.shape[1:]
    rows = torch.from_numpy(origins(-halo, height + halo, height)).to(x.device)
    columns = torch.from_numpy(origins(-halo, width + halo, width)).to(x.device)
    clean = x if valid is None else x.where(valid, 0.0)
    mask = None if valid is None else valid[rows][:, columns]
    return clean[:, rows][:, :, columns], mask, rows, columns
