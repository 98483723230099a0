"""The filter on CUDA in one pass: a program takes a block of pixels and keeps all sums in registers.

The neighbours of a block overlap and come from the first cache. Nothing is stored but the result.
This module imports triton; `on_torch` tries it once and does without where that fails.
"""

from typing import Any

import torch
import triton  # type: ignore[import-not-found,import-untyped]
import triton.language as tl  # type: ignore[import-not-found,import-untyped]

from denoise_studio.denoisers.bilateral.window import REACH, SLACK

_REACH, _SLACK = tl.constexpr(REACH), tl.constexpr(SLACK)
_HALF_LOG2_E = tl.constexpr(-0.7213475204444817)
_TINY = tl.constexpr(1e-37)
_ROWS, _COLUMNS = 8, 64
"""A block: wide for whole lines of the cache, flat so that few of its neighbours are foreign."""


# No other annotations than constexpr: the compiler reads them, and knows no Any.


@triton.jit  # type: ignore[untyped-decorator]
def _factor(sigma):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    return 1.0 / tl.maximum(sigma * sigma, _TINY) * _HALF_LOG2_E


@triton.jit  # type: ignore[untyped-decorator]
def _load(at, plane, used, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """One value or three; what is not used is 0, and in grey the last two are the first."""
    first = tl.load(at, mask=used, other=0.0)
    if CHANNELS == 1:
        return first, first, first
    second = tl.load(at + plane, mask=used, other=0.0)
    third = tl.load(at + 2 * plane, mask=used, other=0.0)
    return first, second, third


@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    pixels, guide, valid, sigma_x, sigma_y, sigma_r, out,
    height, width, size, halo, stride, plane, step_x, step_y, step_r,
    square, CHANNELS: tl.constexpr, GUIDES: tl.constexpr, MASKED: tl.constexpr,  # noqa: N803
    SQUARE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,  # noqa: N803
):  # fmt: skip  # pragma: no cover - compiled
    """One block; planes are (h + 2 halo, w + 2 halo), sigmas have row steps of w or 0.

    GUIDES is the guide's number of channels, 0 if the picture is its own.
    """
    rows = (tl.program_id(1) * ROWS + tl.arange(0, ROWS))[:, None]
    columns = (tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    used = (rows < height) & (columns < width)
    sx = tl.load(sigma_x + rows.to(tl.int64) * step_x + columns, mask=used, other=0.0)
    sy = tl.load(sigma_y + rows.to(tl.int64) * step_y + columns, mask=used, other=0.0)
    sr = tl.load(sigma_r + rows.to(tl.int64) * step_r + columns, mask=used, other=1.0)
    gx, gy, gr = _factor(sx), _factor(sy), _factor(sr)
    rx = tl.maximum(tl.ceil(sx * _REACH - _SLACK), 0.0).to(tl.int32)
    ry = tl.maximum(tl.ceil(sy * _REACH - _SLACK), 0.0).to(tl.int32)
    xx, yy = rx * rx, ry * ry
    if SQUARE:
        reach_x, reach_y = square, square
    else:
        reach_x, reach_y = tl.max(rx), tl.max(ry)
    place = (rows + halo).to(tl.int64) * stride + (columns + halo)
    centre0, centre1, centre2 = _load(pixels + place, plane, used, CHANNELS)
    if GUIDES > 0:
        guide0, guide1, guide2 = _load(guide + place, plane, used, GUIDES)
    weights = tl.full((ROWS, COLUMNS), 1.0, tl.float32)
    total0 = tl.zeros((ROWS, COLUMNS), tl.float32)
    total1 = tl.zeros((ROWS, COLUMNS), tl.float32)
    total2 = tl.zeros((ROWS, COLUMNS), tl.float32)
    for dy in range(-reach_y, reach_y + 1):
        limit = reach_x
        if not SQUARE:  # how far the block's largest ellipse goes in this row, or a little farther
            part = 1.0 - (dy * dy) / tl.maximum(reach_y * reach_y, 1).to(tl.float32)
            limit = (reach_x * tl.sqrt(tl.maximum(part, 0.0)) + 0.01).to(tl.int32)
        for dx in range(-limit, limit + 1):
            keep = used & ((dx != 0) | (dy != 0))
            if not SQUARE:
                keep = keep & (dx * dx * yy + dy * dy * xx <= xx * yy) & (dx * dx <= xx) & (dy * dy <= yy)
            at = place + (dy * stride + dx)
            if MASKED:
                keep = keep & (tl.load(valid + at, mask=keep, other=0) != 0)
            other0, other1, other2 = _load(pixels + at, plane, keep, CHANNELS)
            d0, d1, d2 = other0 - centre0, other1 - centre1, other2 - centre2
            if GUIDES > 0:
                near0, near1, near2 = _load(guide + at, plane, keep, GUIDES)
                r0, r1, r2 = near0 - guide0, near1 - guide1, near2 - guide2
            else:
                r0, r1, r2 = d0, d1, d2
            distance = r0 * r0
            if GUIDES == 3 or (GUIDES == 0 and CHANNELS == 3):
                distance += r1 * r1 + r2 * r2
            weight = tl.exp2(distance * gr + (gx * (dx * dx) + gy * (dy * dy)))
            weight = tl.where(keep, weight, 0.0)
            weights += weight
            total0 += weight * d0
            if CHANNELS == 3:
                total1 += weight * d1
                total2 += weight * d2
    target = out + rows.to(tl.int64) * width + columns
    tl.store(target, centre0 + total0 / weights, mask=used)
    if CHANNELS == 3:
        tl.store(target + size, centre1 + total1 / weights, mask=used)
        tl.store(target + 2 * size, centre2 + total2 / weights, mask=used)


def filtered(
    pixels: Any,
    halo: int,
    mask: Any,
    sigma_x: Any,
    sigma_y: Any,
    sigma_r: Any,
    *,
    guide: Any = None,
    window: int | None = None,
) -> Any:
    """Arguments and result as `on_torch.filtered`, on CUDA tensors (or Triton's interpreter)."""
    channels, height, width = pixels.shape[0], pixels.shape[1] - 2 * halo, pixels.shape[2] - 2 * halo
    pixels = pixels.contiguous()
    own = guide is None
    guide = pixels if own else guide.contiguous()
    sigmas = [sigma.contiguous() for sigma in (sigma_x, sigma_y, sigma_r)]
    out = torch.empty((channels, height, width), dtype=torch.float32, device=pixels.device)
    grid = (triton.cdiv(width, _COLUMNS), triton.cdiv(height, _ROWS))
    _kernel[grid](
        pixels, guide, pixels if mask is None else mask.contiguous().view(torch.uint8), *sigmas, out,
        height, width, height * width, halo, pixels.shape[2], pixels.shape[1] * pixels.shape[2],
        *(0 if sigma.shape[0] == 1 else width for sigma in sigmas), 0 if window is None else window,
        CHANNELS=channels, GUIDES=0 if own else guide.shape[0],
        MASKED=mask is not None, SQUARE=window is not None, ROWS=_ROWS, COLUMNS=_COLUMNS, num_warps=4,
    )  # fmt: skip
    return out
