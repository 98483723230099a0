"""Softmax attention over all patches of a picture, in memory that grows with their number only."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from denoise_studio.core.fitted import Spread
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.filter2noise.attention_kernels import SIZE, attend, pull

BLOCK = 256
"""Tokens that one call takes together: their sums stay in the first cache."""


def attention(q: Tensor, k: Tensor, v: Tensor, spread: Spread = map) -> Tensor:
    """softmax(q k^T / sqrt 8) v, differentiable.

    Args:
        q: `(N, 8)` float32 queries.
        k: `(N, 8)` keys.
        v: `(N, 8)` values.
        spread: runs a function over blocks of tokens.

    Returns:
        `(N, 8)`.
    """
    result: Tensor = _Attention.apply(q, k, v, spread)  # type: ignore[no-untyped-call]
    return result


class _Attention(torch.autograd.Function):
    """The N x N weights are never held, and made again on the way back."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, spread: Spread) -> Tensor:
        lanes, keys, values = _lanes(q * (math.log2(math.e) / math.sqrt(SIZE))), _rows(k), _rows(v)
        out, shift = np.empty_like(lanes), np.empty(lanes.shape[1], np.float32)

        def one(part: slice) -> None:
            block = np.empty((SIZE, part.stop - part.start), np.float32)
            attend(np.ascontiguousarray(lanes[:, part]), keys, values, block, shift[part])
            out[:, part] = block

        _run(one, len(q), spread)
        ctx.numbers, ctx.spread = (lanes, keys, values, out, shift), spread
        return torch.from_numpy(out.T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, values, out, shift = ctx.numbers
        slopes = _lanes(grads[0])
        mean = (slopes * out).sum(0)
        none = np.zeros_like(mean)
        of_queries = queries, shift, slopes, mean
        of_keys = np.ascontiguousarray(keys.T), none, np.ascontiguousarray(values.T), none
        nothing = np.empty((SIZE, 0), np.float32)
        q, k, v = np.empty_like(queries), np.empty_like(queries), np.empty_like(queries)
        _pull(of_queries, (keys, none, values, none), q, nothing, ctx.spread)
        _pull(of_keys, (_turned(queries), shift, _turned(slopes), mean), k, v, ctx.spread)
        # The queries were scaled by log2(e) / sqrt 8; dS is a derivative by the natural score.
        q *= np.float32(SIZE**-0.5)
        k *= np.float32(math.log(2))
        return torch.from_numpy(q.T), torch.from_numpy(k.T), torch.from_numpy(v.T), None


def _pull(
    tokens: tuple[FloatArray, ...],
    others: tuple[FloatArray, ...],
    grad: FloatArray,
    grad_values: FloatArray,
    spread: Spread,
) -> None:
    def one(part: slice) -> None:
        lanes, shift, slopes, mean = (np.ascontiguousarray(array[..., part]) for array in tokens)
        sums, more = np.empty_like(lanes), np.empty_like(grad_values[:, part])
        pull(lanes, shift, slopes, mean, *others, sums, more)
        grad[:, part] = sums
        grad_values[:, part] = more

    _run(one, grad.shape[1], spread)


def _run(one: Any, count: int, spread: Spread) -> None:
    parts = [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]
    for _ in spread(one, parts):
        pass


def _rows(tensor: Tensor) -> FloatArray:
    rows: FloatArray = tensor.detach().contiguous().numpy()
    return rows


def _lanes(tensor: Tensor) -> FloatArray:
    return _turned(tensor.detach().numpy())


def _turned(array: FloatArray) -> FloatArray:
    return np.ascontiguousarray(array.T)
