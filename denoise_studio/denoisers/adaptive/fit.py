"""Maps for the adaptive bilateral filter, from the one noisy picture.

What was tried and what each choice is worth is in `docs/adaptive_bilateral.md`.
"""

from dataclasses import replace

import numpy as np

from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, constant_map
from denoise_studio.core.picture import Kind
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

_GUIDE = np.float32(1.3)
"""Stage 1 smooths this much more where it is only stage 2's guide."""


def fit(task: FitTask) -> Fitted:
    """Find the maps (`core.fitted.Fit`)."""
    task.progress.report(0.0, "measuring the noise")
    picture = task.picture
    model = estimate_noise_model(picture)
    if not model.typical > 0:
        return Fitted(_nothing(task), note="no noise found")
    told = float(task.values["noise_factor"])
    note = _note(task, model.times(told))
    model = model.times(told * (_CAUTION if model.is_white else _CAUTION_CORRELATED))
    first = choose_first(_part(task, 0.02, 0.4), model)
    alone = _first_maps(first, np.float32(1.0))
    if task.values["stages"] == "1":
        return Fitted(alone, note=note)
    task.publish(Fitted(alone | _light_second(task, model), final=False, note=note))
    probe = Probe(task, model)
    guiding = _first_maps(first, _GUIDE)
    sigmas = [guiding[f"sigma_{axis}_1"].at(task.picture.rect) for axis in "xyr"]
    guides = probe.filter(probe.pixels, sigmas), probe.filter(probe.moved, sigmas)
    second = choose_second(_part(task, 0.4, 1.0), probe, guides)
    task.progress.check()
    return Fitted(guiding | _second_maps(task, second), note=note)


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
    import cv2

    height, width = task.picture.height, task.picture.width
    rows, columns = (np.arange(0, size, BLOCK) + (BLOCK - 1) / 2 for size in (height, width))
    y, x = (((at - (COARSE - 1) / 2) / COARSE).astype(np.float32) for at in (rows, columns))
    x, y = (np.ascontiguousarray(a) for a in np.meshgrid(x, y))

    def fine(values: FloatArray) -> ParameterMap:
        smooth = cv2.remap(np.log(values), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return ParameterMap(np.exp(smooth), BLOCK)

    spatial, contrast = fine(second.spatial), fine(second.contrast)
    return {"sigma_x_2": spatial, "sigma_y_2": spatial, "sigma_r_2": contrast}


def _nothing(task: FitTask) -> dict[str, ParameterMap]:
    """Maps that hardly change the picture."""
    picture = task.picture
    least = 1e-3 * picture.span
    values = {f"sigma_{axis}_{stage}": 0.6 for axis in "xy" for stage in (1, 2)}
    values |= {"sigma_r_1": least, "sigma_r_2": least}
    return {name: constant_map(value, picture) for name, value in values.items()}


def _note(task: FitTask, model: NoiseModel) -> str:
    """What was measured, for people: in soft tissue where there is enough, air has less noise."""
    picture = task.picture
    rows, columns = np.arange(0, picture.height, 4), np.arange(0, picture.width, 4)
    sd = np.sqrt((model.sd_at(rows, columns) ** 2).sum(axis=0))
    tissue = np.abs(picture.pixels[0][np.ix_(rows, columns)]) < _SOFT_TISSUE
    if picture.padding is not None:
        tissue &= ~picture.padding[np.ix_(rows, columns)]
    shown, where = model.typical, ""
    if picture.kind is Kind.CT and tissue.mean() > 0.02:
        shown, where = float(np.median(sd[tissue])), " in soft tissue"
    unit = f" {picture.unit}" if picture.unit else ""
    return f"noise {shown:.3g}{unit}{where}, {'white' if model.is_white else 'correlated'}"


def _part(task: FitTask, start: float, end: float) -> FitTask:
    return replace(task, progress=task.progress.part(start, end))
