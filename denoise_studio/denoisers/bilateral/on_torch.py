"""The same filter with torch, for GPUs: shifted copies added up in place, no unfolded window."""

from typing import Any

import numpy as np

from denoise_studio.core.errors import OutOfMemory
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers.bilateral.window import radii


def bilateral_torch(
    pixels: FloatArray,
    halo: int,
    valid: BoolArray | None,
    sigma_x: FloatArray,
    sigma_y: FloatArray,
    sigma_r: FloatArray,
    device: str,
) -> FloatArray:
    """Arguments as `bilateral_cpu`, plus the torch device; the result is on the CPU.

    Raises:
        OutOfMemory: the device could not hold the tile.
    """
    import torch

    try:
        with torch.inference_mode():
            return _run(torch, pixels, halo, valid, (sigma_x, sigma_y, sigma_r), device)
    except torch.OutOfMemoryError:
        reason = "the GPU has not enough memory for this tile"
    except RuntimeError as error:  # Apple's backend raises a plain one
        if "out of memory" not in str(error).lower():
            raise
        reason = "the GPU has not enough memory for this tile"
    # Raised outside the except block: a traceback would keep the tensors alive.
    raise OutOfMemory(reason)


def inside(dx: int, dy: int, rx: int, ry: int) -> bool:
    """Whether a neighbour lies in the window: an ellipse of these radii."""
    xx, yy = rx * rx, ry * ry
    return dx * dx * yy + dy * dy * xx <= xx * yy and dx * dx <= xx and dy * dy <= yy


def _run(torch: Any, pixels: Any, halo: int, valid: Any, sigmas: Any, device: str) -> FloatArray:
    source = torch.from_numpy(pixels).to(device)
    height, width = source.shape[1] - 2 * halo, source.shape[2] - 2 * halo
    gx, gy, gr = (
        torch.from_numpy((-0.5 / np.square(s.astype(np.float64))).clip(-3e38).astype(np.float32)).to(device)
        for s in sigmas
    )
    reach = [radii(sigma) for sigma in sigmas[:2]]
    rx, ry = (torch.from_numpy(radius).to(device) for radius in reach)
    mask = None if valid is None else torch.from_numpy(np.ascontiguousarray(valid)).to(device)
    centre = source[:, halo : halo + height, halo : halo + width]
    weights = torch.ones((height, width), device=device)
    total = torch.zeros_like(centre)
    reach_x, reach_y = int(reach[0].max()), int(reach[1].max())
    low_x, low_y = int(reach[0].min()), int(reach[1].min())
    xx, yy = rx.square(), ry.square()
    for dy in range(-reach_y, reach_y + 1):
        for dx in range(-reach_x, reach_x + 1):
            if (dx == 0 and dy == 0) or not inside(dx, dy, reach_x, reach_y):
                continue
            rows, columns = slice(halo + dy, halo + dy + height), slice(halo + dx, halo + dx + width)
            difference = source[:, rows, columns] - centre
            weight = difference.square().sum(0).mul_(gr).add_(gx * (dx * dx) + gy * (dy * dy)).exp_()
            if not inside(dx, dy, low_x, low_y):
                weight.mul_((dx * dx * yy + dy * dy * xx <= xx * yy) & (dx * dx <= xx) & (dy * dy <= yy))
            if mask is not None:
                weight.mul_(mask[rows, columns])
            weights.add_(weight)
            total.add_(difference.mul_(weight))
    result: FloatArray = (centre + total.div_(weights)).cpu().numpy()
    return result
