"""The studio's own methods, by the road that everybody takes: `engine.render`."""

import functools
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from adaptive import bm3d_rows
from adaptive.cases import Sample
from adaptive.output import Output
from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import ParameterKind, Value, Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.render import Rendering, render_in_full

ADAPTIVE = "adaptive-bilateral"


def registered(method: str) -> bool:
    try:
        get_denoiser(method)
    except RecipeError:
        return False
    return True


def render(picture: Picture, method: str, values: Mapping[str, Value] | None = None) -> Rendering:
    """On the CPU, as the times of the table are."""
    return render_in_full(picture, Recipe(method=method, parameters=Values(values or {}), device="cpu"))


@functools.cache
def warm_up(method: str, channels: int) -> None:
    """Load and compile what the method needs: the table's seconds are those of a program in use."""
    noise = np.random.default_rng(0).normal(0.5, 0.1, (channels, 48, 48)).astype(np.float32)
    short = {"steps": 30} if "steps" in {p.name for p in get_denoiser(method).parameters} else {}
    render(Picture(noise), method, short)


def run(sample: Sample, method: str, values: Mapping[str, Value]) -> Output:
    """Fit and filter."""
    warm_up(method, sample.noisy.channels)
    # A picture of its own: fits are kept by picture, and this one shall be timed.
    picture = sample.noisy.derive(sample.noisy.pixels.copy())
    started = time.perf_counter()
    rendering = render(picture, method, values)
    seconds = time.perf_counter() - started
    maps = {name: values for name, values in _maps(rendering, picture).items() if name.startswith("sigma")}
    note = rendering.fitted.note if rendering.fitted else ""
    return Output(rendering.picture.pixels, _in_use(maps, rendering), seconds, note)


def told(sample: Sample) -> Output:
    """The adaptive filter told how strong the noise is: its own estimate scaled to the true sd."""
    from denoise_studio.noise.local import estimate_noise_model

    picture = sample.noisy
    believed = estimate_noise_model(picture).sd_at(np.arange(picture.height), np.arange(picture.width))
    low, high = sample.limits
    true = bm3d_rows.local_sd(sample) * (high - low)
    factor = float(np.median(true[:, sample.field]) / max(np.median(believed[:, sample.field]), 1e-6))
    limits = get_denoiser(ADAPTIVE).parameter("noise_factor").limits(picture)
    return run(sample, ADAPTIVE, {"noise_factor": min(max(factor, limits.minimum), limits.maximum)})


def medians(sample: Sample) -> Output:
    """The adaptive filter with each of its maps replaced by that map's median."""
    picture = sample.noisy
    first = render(picture, ADAPTIVE)
    valid = np.ones((picture.height, picture.width), bool) if picture.padding is None else ~picture.padding
    values: dict[str, Value] = {}
    for name, pixels in _maps(first, picture).items():
        parameter = get_denoiser(ADAPTIVE).parameter(name)
        limits = parameter.limits(picture)
        value = min(max(float(np.median(pixels[valid])), limits.minimum), limits.maximum)
        values[name] = round(value) if parameter.kind is ParameterKind.INT else value
    second = render(picture, ADAPTIVE, values)
    maps: dict[str, Any] = {name: float(values[name]) for name in _in_use(values, first)}
    return Output(second.picture.pixels, {n: v for n, v in maps.items() if n.startswith("sigma")})


def _maps(rendering: Rendering, picture: Picture) -> dict[str, Any]:
    assert rendering.fitted is not None
    return {name: fitted.at(picture.rect) for name, fitted in rendering.fitted.maps.items()}


def _in_use(maps: Mapping[str, Any], rendering: Rendering) -> dict[str, Any]:
    """Without the maps of a stage that the fit decided not to run."""
    assert rendering.fitted is not None
    stages = rendering.fitted.maps.get("stages_used")
    one = stages is not None and float(stages.values.max()) < 2
    return {name: values for name, values in maps.items() if not (one and name.endswith("_2"))}
