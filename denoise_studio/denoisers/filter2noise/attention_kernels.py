"""Softmax attention of width 8, way there and way back, for a block of tokens; the weights are not kept.

A block's tokens lie side by side in memory ("lanes", `(8, n)`) and take in all others one by one,
so that everything is vectorised along the block and no sum is split: how the tokens are cut into
blocks changes no bit, and blocks may run on any number of cores.
"""

from typing import Any

import numba
import numpy as np

from denoise_studio.denoisers.bilateral.taps import FAST, F, exp2_normal

SIZE = 8


@numba.njit(fastmath=FAST, nogil=True)
def _dots(lanes: Any, c: Any, minus: Any, minus_all: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Product of every lane with one other token, less a number of the lane's and one of the token's."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    for x in range(out.shape[0]):
        total = lanes[0, x] * c0 + lanes[1, x] * c1 + lanes[2, x] * c2 + lanes[3, x] * c3
        total += lanes[4, x] * c4 + lanes[5, x] * c5 + lanes[6, x] * c6 + lanes[7, x] * c7
        out[x] = total - (minus[x] + minus_all)


@numba.njit(fastmath=FAST, nogil=True)
def _add(weight: Any, c: Any, sums: Any) -> None:  # pragma: no cover - compiled
    """Add one token to the eight sums of every lane, weighted."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    for x in range(weight.shape[0]):
        w = weight[x]
        sums[0, x] += w * c0
        sums[1, x] += w * c1
        sums[2, x] += w * c2
        sums[3, x] += w * c3
        sums[4, x] += w * c4
        sums[5, x] += w * c5
        sums[6, x] += w * c6
        sums[7, x] += w * c7


@numba.njit(fastmath=FAST, nogil=True)
def _keep_largest(value: Any, largest: Any) -> None:  # pragma: no cover - compiled
    for x in range(value.shape[0]):
        largest[x] = max(largest[x], value[x])


@numba.njit(fastmath=FAST, nogil=True)
def _weigh(score: Any, total: Any) -> None:  # pragma: no cover - compiled
    for x in range(score.shape[0]):
        score[x] = exp2_normal(score[x])
        total[x] += score[x]


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def attend(lanes: Any, keys: Any, values: Any, out: Any, shift: Any) -> None:  # pragma: no cover - compiled
    """sum_j 2^(q k_j) v_j / sum_j 2^(q k_j) of a block of queries.

    lanes (8, n) queries, scaled so that powers of 2 are meant; keys and values (N, 8); out (8, n);
    shift (n,) receives log2 of the sum, which makes the weights again on the way back.
    """
    count = lanes.shape[1]
    nothing = np.zeros(count, np.float32)
    score, total = np.empty(count, np.float32), np.zeros(count, np.float32)
    shift[:] = F(-3e38)
    out[:] = F(0.0)
    for j in range(keys.shape[0]):
        _dots(lanes, keys[j], nothing, F(0.0), score)
        _keep_largest(score, shift)
    for j in range(keys.shape[0]):
        _dots(lanes, keys[j], shift, F(0.0), score)
        _weigh(score, total)
        _add(score, values[j], out)
    for x in range(count):
        for e in range(SIZE):
            out[e, x] /= total[x]
        shift[x] += np.log2(total[x])


@numba.njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def pull(
    lanes: Any, shift: Any, slopes: Any, mean: Any, others: Any, other_shift: Any, other_slopes: Any,
    other_mean: Any, grad: Any, grad_values: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """The way back, for a block of queries or of keys: the two take the same sums.

    With A the weight of a pair and S its score, dS = A (dO v - mean), mean = dO O of the query:

    lanes (8, n) queries (or keys), slopes (8, n) their dO (or values), others (N, 8) the keys (or
    queries) and other_slopes (N, 8) their values (or dO). shift and mean belong to the queries; the
    keys' are 0. grad (8, n) receives sum dS times the others, and grad_values (8, n), which is
    (8, 0) for queries, sum A dO.
    """
    count = lanes.shape[1]
    weight, slope = np.empty(count, np.float32), np.empty(count, np.float32)
    grad[:] = F(0.0)
    grad_values[:] = F(0.0)
    for j in range(others.shape[0]):
        _dots(lanes, others[j], shift, other_shift[j], weight)
        _dots(slopes, other_slopes[j], mean, other_mean[j], slope)
        for x in range(count):
            weight[x] = exp2_normal(weight[x])
            slope[x] *= weight[x]
        _add(slope, others[j], grad)
        if grad_values.shape[1]:
            _add(weight, other_slopes[j], grad_values)
