"""Maps for the adaptive bilateral filter, from the one noisy picture.

What was tried and what each choice is worth is in `docs/adaptive_bilateral.md`.
"""

import math

import numpy as np

from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, constant_map
from denoise_studio.core.picture import Kind
from denoise_studio.core.resample import bilinear
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.adaptive.first import BLOCK, First, choose_first
from denoise_studio.denoisers.adaptive.second import BLOCK as COARSE
from denoise_studio.denoisers.adaptive.second import Probe, Second, choose_second
from denoise_studio.noise.local import NoiseModel, estimate_noise_model

_CAUTION, _CAUTION_CORRELATED = 1.05, 1.15
"""The noise is taken for a little stronger than estimated: too little costs far more than too much.

More so where it is correlated: patches miss its longest waves, and its correlation varies.
"""

_SOFT_TISSUE = 300.0
"""HU, either way, that count as soft tissue or fat."""
_ENOUGH = 0.02
"""Share of the picture."""

_GUIDE = np.float32(1.3)
"""Stage 1 smooths this much more where it is only stage 2's guide.

Not in scans. Noise of CT has next to no low frequencies, so a smoother guide loses its variance faster
than its covariance with the picture. Of the pixels beyond an edge those pass whose noise makes them
look alike, and that noise is then larger than it looks: means move away from the other side (contrast-
filled blood at a tenth of a dose of 8 HU by 1.0 HU, without the extra smoothing by 0.5).
"""
_SCANS = (Kind.CT, Kind.MR)


def fit(task: FitTask) -> Fitted:
    """Find the maps (`core.fitted.Fit`)."""
    task.progress.report(0.0, "measuring the noise")
    picture = task.picture
    model = estimate_noise_model(picture)
    if not model.typical > 0:
        return Fitted(_nothing(task), note="no noise found")
    model = model.times(float(task.values["noise_factor"]) * _told(task, model))
    note = _note(task, model)
    if not model.typical > 0:
        return Fitted(_nothing(task), note=note)
    model = model.times(_CAUTION if model.is_white else _CAUTION_CORRELATED)
    first = choose_first(task.part(0.02, 0.4), model)
    alone = _first_maps(first, np.float32(1.0))
    if task.values["stages"] == "1":
        return Fitted(alone, note=note)
    task.publish(Fitted(alone | _light_second(task, model), final=False, note=note))
    probe = Probe(task, model)
    guiding = _first_maps(first, np.float32(1.0) if picture.kind in _SCANS else _GUIDE)
    second = choose_second(task.part(0.4, 1.0), probe, _guides(task, probe, guiding))
    task.progress.check()
    return Fitted(guiding | _second_maps(task, second), note=note)


def _told(task: FitTask, model: NoiseModel) -> float:
    """How many times the estimate the person says the noise is."""
    return 1.0 if task.noise_level is None else task.noise_level / _strength(task, model)[0]


def _guides(task: FitTask, probe: Probe, maps: dict[str, ParameterMap]) -> tuple[FloatArray, FloatArray]:
    sigmas = [maps[f"sigma_{axis}_1"].at(task.picture.rect) for axis in "xyr"]
    return probe.filter(probe.pixels, sigmas), probe.filter(probe.moved, sigmas)


def _first_maps(first: First, factor: np.float32) -> dict[str, ParameterMap]:
    return {
        "sigma_x_1": ParameterMap(first.sigma_x * factor, BLOCK),
        "sigma_y_1": ParameterMap(first.sigma_y * factor, BLOCK),
        "sigma_r_1": ParameterMap(first.sigma_r * factor, BLOCK),
    }


def _light_second(task: FitTask, model: NoiseModel) -> dict[str, ParameterMap]:
    """A second stage to look at until the real one is found."""
    values = {"sigma_x_2": 2.5, "sigma_y_2": 2.5, "sigma_r_2": model.typical}
    return {name: constant_map(value, task.picture) for name, value in values.items()}


def _second_maps(task: FitTask, second: Second) -> dict[str, ParameterMap]:
    """Stage 2's maps on stage 1's fine blocks, interpolated, so that no coarse block shows."""
    sizes = task.picture.height, task.picture.width
    y, x = ((np.arange(0, size, BLOCK) + (BLOCK - COARSE) / 2) / COARSE for size in sizes)

    def fine(values: FloatArray) -> ParameterMap:
        return ParameterMap(np.exp(bilinear(np.log(values), y, x)), BLOCK)

    spatial, contrast = fine(second.spatial), fine(second.contrast)
    return {"sigma_x_2": spatial, "sigma_y_2": spatial, "sigma_r_2": contrast}


def _nothing(task: FitTask) -> dict[str, ParameterMap]:
    """Maps that change the picture by nothing to speak of."""
    picture = task.picture
    least = 1e-6 * picture.span
    values = {f"sigma_{axis}_{stage}": 0.6 for axis in "xy" for stage in (1, 2)}
    values |= {"sigma_r_1": least, "sigma_r_2": least}
    return {name: constant_map(value, picture) for name, value in values.items()}


def _note(task: FitTask, model: NoiseModel) -> str:
    strength, where = _strength(task, model)
    told = "" if task.noise_level is None else " (told)"
    unit = f" {task.picture.unit}" if task.picture.unit else ""
    return f"noise {strength:.3g}{unit}{where}{told}, {'white' if model.is_white else 'correlated'}"


def _strength(task: FitTask, model: NoiseModel) -> tuple[float, str]:
    """The noise's sd (of one channel, on average) for people, and where it was taken.

    CT: in soft tissue where there is enough of it; air has less noise.
    """
    picture = task.picture
    typical = model.typical / math.sqrt(picture.channels)
    if picture.kind is not Kind.CT:
        return typical, ""
    rows, columns = np.arange(0, picture.height, 4), np.arange(0, picture.width, 4)
    tissue = np.abs(picture.pixels[0][np.ix_(rows, columns)]) < _SOFT_TISSUE
    if picture.padding is not None:
        tissue &= ~picture.padding[np.ix_(rows, columns)]
    if tissue.mean() < _ENOUGH:
        return typical, ""
    return float(np.median(model.sd_at(rows, columns)[0][tissue])), " in soft tissue"
