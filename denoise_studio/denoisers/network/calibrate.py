"""Which noise level the network has to be told for noise that is not white.

A network trained on white noise, told the sd of noise that neighbouring pixels share, takes too
little of it away; told the sd of noise before a picture was made smaller, too much. As NoiseShift
does for diffusion models, the level that minimises the error is searched once and then used. The
error is Stein's unbiased risk estimate for noise of covariance C (Eldar, IEEE TSP 2009),

    R(s) = mean (f(y, s) - y)^2 + 2 tr(C df/dy) / N - mean diag C,

with the trace from one random probe b of covariance C (Ramani, Blu and Unser, IEEE TIP 2008):
b' (f(y + e b) - f(y)) / e with b ~ N(0, C) has the expectation tr(C df/dy).
"""

import math
from collections.abc import Callable

import numpy as np

from denoise_studio.core.fitted import FitTask
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.apply import on_device, run
from denoise_studio.denoisers.network.weights import Weights
from denoise_studio.noise.blind import NoiseEstimate
from denoise_studio.noise.coloured import coloured_noise

LOWEST, HIGHEST = 0.25, 4.0
"""Range of the factor that is searched."""
_LEAST_BELIEVED, _MOST_BELIEVED = 1.0, 3.0
"""Range where only an estimate of the noise says what is best.

Correlated noise is estimated low (`docs/noise_estimate.md`), and so is the risk of leaving it: less than
the estimate is never told, on camera pairs that loses 0.3 dB on average.
"""
_COARSE = 9
_ROUNDS = 2
_PROBE = 0.1
"""Size of the probe, in sds: small against the noise, large against rounding."""
_SIDE = 256
"""Pixels a side of the part that is looked at."""


def best_factor(error: Callable[[float], float], lowest: float = LOWEST, highest: float = HIGHEST) -> float:
    """The factor in the range where `error` is least: a coarse look in octaves, then closer ones.

    The last three points are taken for a parabola, so the result is finer than the grid.
    """
    factors = np.exp(np.linspace(math.log(lowest), math.log(highest), _COARSE))
    errors = [error(float(factor)) for factor in factors]
    step = math.log(highest / lowest) / (_COARSE - 1)
    for _ in range(_ROUNDS):
        best = float(factors[int(np.argmin(errors))])
        step /= 2
        closer = [
            best * math.exp(shift) for shift in (-step, step) if lowest <= best * math.exp(shift) <= highest
        ]
        errors += [error(factor) for factor in closer]
        factors = np.append(factors, closer)
    order = np.argsort(factors)
    return _vertex(np.log(factors[order]), np.array(errors)[order])


def _vertex(x: FloatArray, y: FloatArray) -> float:
    """The exponential of the lowest point of the parabola through the least value and its neighbours."""
    middle = int(np.argmin(y))
    if middle in (0, len(x) - 1):
        return float(np.exp(x[middle]))
    part = slice(middle - 1, middle + 2)
    a, b, _ = np.polyfit(x[part] - x[middle], y[part], 2)
    shift = -b / (2 * a) if a > 0 else 0.0
    return float(np.exp(x[middle] + np.clip(shift, x[middle - 1] - x[middle], x[middle + 1] - x[middle])))


def calibrated(task: FitTask, estimate: NoiseEstimate, level: float, weights: Weights) -> float:
    """What to multiply the noise level by for this picture's correlated noise.

    Args:
        task: of the fit; told how far it is.
        estimate: the picture's noise.
        level: its sd, as estimated or told.
        weights: the network's.
    """
    network = on_device(weights, task.device)
    pixels = busiest_part(task.picture)
    probe = coloured_noise(estimate.kernel, pixels.shape, seed=task.seed) * np.float32(level)
    count = 0

    def risk(factor: float) -> float:
        nonlocal count
        task.progress.report(count / (_COARSE + 2 * _ROUNDS), "calibrating the network")
        count += 1
        sigma = factor * level
        plain = run(network, pixels, sigma, "float32").astype(np.float64)
        moved = run(network, pixels + np.float32(_PROBE) * probe, sigma, "float32")
        trace = np.vdot(probe, moved - plain) / _PROBE
        return float(((plain - pixels) ** 2).mean() + 2 * trace / pixels.size)

    return best_factor(risk, _LEAST_BELIEVED, _MOST_BELIEVED)


def busiest_part(picture: Picture) -> FloatArray:
    """The square of the picture, in full resolution, with the most contrast; `(C, h, w)`.

    Where there is something to lose, and no padding if that can be.
    """
    side = min(_SIDE, picture.height, picture.width)
    best, most = Rect(0, 0, side, side), -1.0
    for y in range(0, picture.height - side + 1, max(1, side // 2)):
        for x in range(0, picture.width - side + 1, max(1, side // 2)):
            rect = Rect(x, y, side, side)
            spread = _spread(picture, rect)
            if spread > most:
                best, most = rect, spread
    return np.ascontiguousarray(picture.pixels[(slice(None), *best.slices)])


def _spread(picture: Picture, rect: Rect) -> float:
    """The sd of the valid pixels, less where there are fewer of them."""
    part = picture.pixels[(slice(None), *rect.slices)][:, ::4, ::4]
    if picture.padding is None:
        return float(part.std())
    valid = ~picture.padding[rect.slices][::4, ::4]
    return float(part[:, valid].std() * valid.mean()) if valid.any() else 0.0
