"""Trains the networks on one noisy picture and hands back the maps that they choose for it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import FitTask, Fitted, ParameterMap, Spread, constant_map
from denoise_studio.core.picture import Picture
from denoise_studio.denoisers.filter2noise.loss import Target, edges, loss
from denoise_studio.denoisers.filter2noise.parameters import LARGEST_SIGMA, SMALLEST_SIGMA
from denoise_studio.denoisers.filter2noise.sampling import (
    PATCH,
    Sample,
    half_valid,
    halves,
    prepare,
    shuffled,
)
from denoise_studio.denoisers.filter2noise.stages import denoise, make_predictors, window_radius

LARGEST_PICTURE = 2048 * 2048
"""Pixels. Every patch attends to every other, so time grows with the square: hours beyond this."""

FIRST_SEED = 77
"""The published seed, which a recipe's seed of 0 stands for; others count on from it."""

PUBLISH_EVERY = 20
_RATE, _DECAY = 1e-3, 0.01


def fit(task: FitTask) -> Fitted:
    """Find the maps of a picture (arXiv 2504.13519).

    Args:
        task: its `values` are `stages`, `steps` and `dog_weight`. The networks start from the seed
            77 + `task.seed`. Maps are published every 20 steps; it can be cancelled at any time.

    Returns:
        The maps sigma_x_k, sigma_y_k (pixels), sigma_r_k (the picture's unit) and window_k of each
        stage that runs, and the loss of every step.

    Raises:
        StudioError: the picture is too large, or the loss is no number any more.
        Cancelled: through `task.progress`.
    """
    picture, stages, steps = task.picture, int(task.values["stages"]), int(task.values["steps"])
    if picture.height * picture.width > LARGEST_PICTURE:
        raise StudioError(
            f"{picture.width} x {picture.height} pixels are too many for Filter2Noise, which compares every "
            "patch with every other: crop to at most 2048 x 2048, or choose another method."
        )
    sample = prepare(picture)
    if not sample.span > 0:
        return _nothing_to_find(picture, stages)
    curve: list[float] = []
    with torch.enable_grad(), _one_quiet_thread():
        training = Training(sample, stages, steps, float(task.values["dog_weight"]), task.seed, task.each)
        for step in range(steps):
            task.progress.report(step / steps, f"training, step {step + 1} of {steps}")
            value, maps = training.step()
            if not math.isfinite(value):
                raise StudioError(
                    f"The training of Filter2Noise diverged at step {step + 1}; choose a smaller edge weight."
                )
            curve.append(value)
            if step % PUBLISH_EVERY == 0:
                task.publish(_fitted(maps, picture, sample.span, curve, final=False))
        task.progress.report(1.0, "training done")
        return _fitted(training.maps(), picture, sample.span, curve, final=True)


class Training:
    """One picture, its half-size pair, the networks and their optimiser.

    Args:
        sample: the picture.
        stages: 1 or 2.
        steps: how many will be run; the learning rate's one cycle is laid over them.
        dog_weight: lambda.
        seed: the recipe's.
        spread: as in `FitTask`.
    """

    def __init__(
        self, sample: Sample, stages: int, steps: int, dog_weight: float, seed: int = 0, spread: Spread = map
    ) -> None:
        self._x, self._valid = torch.from_numpy(sample.pixels), _tensor(sample.valid)
        half = half_valid(sample.valid)
        self._half = _tensor(half)
        self._pair = [torch.from_numpy(shuffled(part, half)) for part in halves(sample.pixels)]
        self._spread = spread
        weights = [None if mask is None else mask.to(self._x.dtype) for mask in (self._valid, self._half)]
        self._target = Target(edges(self._x, weights[0]), weights[0], weights[1], dog_weight)
        self.predictors: nn.ModuleList = make_predictors(stages, len(sample.pixels), FIRST_SEED + seed)
        self._optimizer = torch.optim.AdamW(self.predictors.parameters(), lr=_RATE, weight_decay=_DECAY)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, _RATE, total_steps=steps)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def loss(self) -> tuple[Tensor, list[Tensor]]:
        """The loss as the networks stand, and each stage's maps `(3, H/8, W/8)` of the whole picture."""
        full, maps = denoise(self.predictors, self._x, self._valid, self._spread)
        first, second = (denoise(self.predictors, part, self._half, self._spread)[0] for part in self._pair)
        return loss(full, first, second, self._target), maps

    def step(self) -> tuple[float, list[Tensor]]:
        """Train one step; the loss and the maps are those before it."""
        self._optimizer.zero_grad()
        value, maps = self.loss()
        value.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._schedule.step()
        return value.item(), [stage.detach() for stage in maps]

    def maps(self) -> list[Tensor]:
        """Each stage's maps as the networks stand."""
        with torch.no_grad():
            return denoise(self.predictors, self._x, self._valid, self._spread)[1]


def _tensor(mask: Any) -> Tensor | None:
    return None if mask is None else torch.from_numpy(np.ascontiguousarray(mask))


def _fitted(stages: list[Tensor], picture: Picture, span: float, curve: list[float], final: bool) -> Fitted:
    """The maps of the picture itself, without what was grown around it, in its own unit."""
    maps: dict[str, ParameterMap] = {}
    rows, columns = -(-picture.height // PATCH), -(-picture.width // PATCH)
    for number, stage in enumerate(stages, 1):
        x, y, r = stage[:, :rows, :columns].numpy().copy()
        for axis, values in (("x", x), ("y", y)):
            limited = values.clip(SMALLEST_SIGMA, LARGEST_SIGMA)
            maps[f"sigma_{axis}_{number}"] = ParameterMap(limited, PATCH)
        maps[f"sigma_r_{number}"] = ParameterMap((r * np.float64(span)).astype(np.float32), PATCH)
        radius = window_radius(float(max(x.max(), y.max())))
        maps[f"window_{number}"] = constant_map(radius, picture)
    return Fitted(maps, tuple(curve), final)


def _nothing_to_find(picture: Picture, stages: int) -> Fitted:
    """A picture of one value, or of padding alone, stays as it is whatever the sigmas are."""
    maps = {}
    for number in range(1, stages + 1):
        for name, value in (("sigma_x", 1.0), ("sigma_y", 1.0), ("sigma_r", 0.06 * picture.span)):
            maps[f"{name}_{number}"] = constant_map(value, picture)
        maps[f"window_{number}"] = constant_map(1, picture)
    return Fitted(maps, note="the picture has one value only: there is no noise to learn from")


@contextmanager
def _one_quiet_thread() -> Iterator[None]:
    """How torch works here: on this thread alone, and with what vanishes rounded to 0.

    What is heavy runs through `spread`. Torch's own threads would only wait for each other in a
    loop, and where cores are shared a step then takes ten times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
