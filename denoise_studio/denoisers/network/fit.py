"""How noisy the picture is at every pixel, as the network is told it."""

import numpy as np

from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, constant_map
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.network.calibrate import calibrated
from denoise_studio.denoisers.network.weights import Weights
from denoise_studio.noise.blind import NoiseEstimate, estimate_noise

_BLOCK = 8
"""Side of the squares that share a noise level: the estimate is smoother than that."""
_ALIKE = 0.05
"""A calibration closer to 1 than this is the noise of the calibration itself."""


def fit(task: FitTask, weights: Weights) -> Fitted:
    """The noise map (`core.fitted.Fit`): estimated or told, then calibrated for correlated noise."""
    task.progress.report(0.0, "measuring the noise")
    estimate = estimate_noise(task.picture)
    level = estimate.sigma if task.noise_level is None else task.noise_level
    if not level > 0:
        return Fitted({"sigma": constant_map(0.0, task.picture)}, note="no noise found")
    varied = task.values["follow"] != "nowhere" and task.noise_level is None
    sigma = _map(task, estimate) if varied else constant_map(level, task.picture)
    factor = 1.0
    if task.values["calibrate"] and estimate.is_correlated:
        task.publish(Fitted({"sigma": sigma}, final=False, note=_note(task, estimate, level, 1.0)))
        factor = calibrated(task.part(0.2, 1.0), estimate, level, weights)
        factor = 1.0 if abs(factor - 1) < _ALIKE else factor
    told = ParameterMap(sigma.values * np.float32(factor), sigma.block)
    return Fitted({"sigma": told}, note=_note(task, estimate, level, factor))


def _map(task: FitTask, estimate: NoiseEstimate) -> ParameterMap:
    """The sd of a channel on average, at the middle of every block."""
    sides = task.picture.height, task.picture.width
    rows, columns = (np.arange(0, side, _BLOCK) + (_BLOCK - 1) / 2 for side in sides)
    channels: FloatArray = estimate.sd_at(rows, columns)  # type: ignore[arg-type]
    return ParameterMap(np.sqrt((channels**2).mean(axis=0)).astype(np.float32), _BLOCK)


def _note(task: FitTask, estimate: NoiseEstimate, level: float, factor: float) -> str:
    unit = f" {task.picture.noise_unit}" if task.picture.noise_unit else ""
    told = "" if task.noise_level is None else " (told)"
    kind = "correlated" if estimate.is_correlated else "white"
    tuned = "" if factor == 1 else f", the network told {factor:.2f} × that"
    return f"noise {level:.3g}{unit}{told}, {kind}{tuned}"
