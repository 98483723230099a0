"""Maps for the adaptive bilateral filter, from the one noisy picture.

What was tried and what each choice is worth is in `docs/adaptive_bilateral.md`.
"""

from typing import Any

import numpy as np

from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, constant_map
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers.adaptive.first import BLOCK, First, choose_first
from denoise_studio.denoisers.adaptive.second import BLOCK as COARSE
from denoise_studio.denoisers.adaptive.second import Probe, Second, choose_second
from denoise_studio.noise.local import NoiseModel, estimate_noise_model

_CAUTION = 1.05
"""The noise is taken for a little stronger than estimated: too little costs four times as much."""

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
    model = model.times(_CAUTION * told)
    wish = task.values["stages"]
    progress = task.progress
    first = choose_first(_part(task, 0.02, 0.4), model)
    alone = _first_maps(task, first, np.float32(1.0))
    if wish == "1":
        return Fitted(alone, note=f"{note}, one stage")
    task.publish(Fitted(alone, final=False, note=note))
    probe = Probe(task, model)
    spatial, contrast = (_full(m, task) for m in (first.spatial, first.contrast))
    guides = tuple(probe.filter(p, spatial * _GUIDE, contrast * _GUIDE) for p in (probe.pixels, probe.moved))
    second = choose_second(_part(task, 0.4, 0.95), probe, guides)  # type: ignore[arg-type]
    progress.check()
    both = _first_maps(task, first, _GUIDE) | _second_maps(task, second)
    if wish == "auto" and _first_is_better(task, probe, (spatial, contrast), guides, both):
        return Fitted(alone, note=f"{note}, one stage")
    return Fitted(both, note=f"{note}, two stages")


def _first_is_better(task: FitTask, probe: Probe, first: Any, guides: Any, both: Any) -> bool:
    """Whether stage 1 alone has the lower estimated risk over the whole picture."""
    alone = probe.mean_risk(*(probe.filter(pixels, *first) for pixels in (probe.pixels, probe.moved)))
    area = task.picture.rect
    second = both["sigma_x_2"].at(area), both["sigma_r_2"].at(area)
    pair = zip((probe.pixels, probe.moved), guides, strict=True)
    return alone <= probe.mean_risk(*(probe.filter(pixels, *second, guide) for pixels, guide in pair))


def _first_maps(task: FitTask, first: First, factor: np.float32) -> dict[str, ParameterMap]:
    spatial = ParameterMap(first.spatial * factor, BLOCK)
    contrast = ParameterMap(first.contrast * factor, BLOCK)
    alone = factor == 1
    unused = {name: constant_map(1.0, task.picture) for name in ("sigma_x_2", "sigma_y_2")}
    return {
        "sigma_x_1": spatial,
        "sigma_y_1": spatial,
        "sigma_r_1": contrast,
        "sigma_r_2": constant_map(float(np.median(first.contrast)), task.picture),
        **unused,
        "stages_used": constant_map(1.0 if alone else 2.0, task.picture),
    }


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


def _full(values: FloatArray, task: FitTask) -> FloatArray:
    return ParameterMap(values, BLOCK).at(task.picture.rect)


def _nothing(task: FitTask) -> dict[str, ParameterMap]:
    """Maps that hardly change the picture."""
    picture = task.picture
    least = 1e-3 * picture.span
    values = {f"sigma_{axis}_{stage}": 0.6 for axis in "xy" for stage in (1, 2)}
    values |= {"sigma_r_1": least, "sigma_r_2": least, "stages_used": 1.0}
    return {name: constant_map(value, picture) for name, value in values.items()}


def _note(task: FitTask, model: NoiseModel) -> str:
    unit = f" {task.picture.unit}" if task.picture.unit else ""
    kind = "white" if model.correlation_length < 1.15 else "correlated"
    return f"noise {model.typical:.3g}{unit}, {kind}"


def _part(task: FitTask, start: float, end: float) -> FitTask:
    from dataclasses import replace

    return replace(task, progress=task.progress.part(start, end))
