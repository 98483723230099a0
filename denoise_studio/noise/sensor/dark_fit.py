"""From dark frames to a profile, with at most a few frames' worth of memory."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.sensor.dark_frames import DarkFrame, by_iso, look, sort_out, spread
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.dark_remainder import Cells, fit_tukey, measured
from denoise_studio.noise.sensor.dark_setting import DarkSetting
from denoise_studio.noise.sensor.dark_shading import Shading, hot_pixels, robust_sd, shading_of, smooth
from denoise_studio.noise.sensor.dark_sums import Parts, Sums, parts_of_one

ENOUGH = 10
"""Frames an ISO from which nothing is lost by having few (arXiv 2310.09126 and later work on it)."""
_MOST_HOT = 0.01


def profile_of(
    frames: Sequence[Picture | DarkFrame | Callable[[], Picture]], progress: Progress | None = None
) -> DarkProfile:
    """What dark frames of one camera tell.

    Every frame is loaded twice, one at a time: once for the mean and the sums of squares, once
    for what is left without them.

    Args:
        frames: pictures, functions that open one, or frames that `dark_frames.look` has seen; in
            any order of ISOs.
        progress: told of and asked after every frame.

    Raises:
        StudioError: no frames, one that is none, frames of several cameras or sizes, a light leak.
        Cancelled: `progress` was cancelled.
    """
    progress = progress or Progress()
    seen = []
    for number, frame in enumerate(frames):
        progress.report(0.1 * number / len(frames), "Looking at dark frames")
        seen.append(_looked_at(frame))
    if not seen:
        raise StudioError("There are no dark frames.")
    kept, refused = sort_out(seen)
    if refused:
        raise StudioError(refused[0][1])
    groups = by_iso(kept)
    settings, notes = [], []
    done = 0
    for iso, group in groups.items():
        part = progress.part(0.1 + 0.9 * done / len(kept), 0.1 + 0.9 * (done + len(group)) / len(kept))
        settings.append(_setting(iso, group, part))
        notes += _doubts(iso, len(group))
        done += len(group)
    first = kept[0]
    return DarkProfile(
        camera=first.camera,
        size=first.size,
        pattern=first.pattern,
        names=tuple(site.name for site in first.sites),
        black={site.name: site.black for site in first.sites},
        step=first.step,
        settings=tuple(settings),
        notes=tuple(notes),
    )


def _looked_at(frame: Picture | DarkFrame | Callable[[], Picture]) -> DarkFrame:
    if isinstance(frame, DarkFrame):
        return frame
    if isinstance(frame, Picture):
        return look(frame)
    return look(frame(), load=frame)


def _doubts(iso: float, count: int) -> list[str]:
    if count == 1:
        doubt = "patterns that stay cannot be told from noise, and the black level's error is unknown"
        return [f"ISO {iso:g} has one dark frame: {doubt}; take 10."]
    if count < ENOUGH:
        return [f"ISO {iso:g} has only {count} dark frames; 10 make shading and black level good."]
    return []


def _setting(iso: float, group: list[DarkFrame], progress: Progress) -> DarkSetting:
    sums = Sums(group[0].size)
    for number, frame in enumerate(group):
        progress.report(number / (2 * len(group)), f"Averaging ISO {iso:g}")
        sums.add(frame.values())
    period = (len(group[0].pattern), len(group[0].pattern[0]))
    mean = sums.mean()
    slow = smooth(mean, period)
    hot, parts = _hot_and_parts(sums, mean, slow)
    shading = shading_of(mean, slow, hot, parts, sums.count)
    cells = Cells(group[0].step, parts.pixel, _stretch(shading.weight, sums.count, sums.size))
    for number, frame in enumerate(group):
        progress.report(0.5 + number / (2 * len(group)), f"Distribution at ISO {iso:g}")
        cells.add(_remainder(frame.values(), shading.level, hot))
    fit = fit_tukey(cells)
    black, level = _black(shading, hot, group[0])
    return DarkSetting(
        iso=iso,
        frames=sums.count,
        black=black,
        black_error=parts.mean_error(sums.count, _of_class(sums.size, period)),
        parts=parts,
        tukey=fit.noise,
        shape_error=fit.shape_error,
        quantiles=measured(cells),
        shading=level.astype(np.float16),
        hot=np.argwhere(hot).astype(np.int32),
        detail=shading.weight,
    )


def _of_class(size: tuple[int, int], period: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns that the pixels of one place in the pattern have."""
    return max(1, size[0] // period[0]), max(1, size[1] // period[1])


def _hot_and_parts(sums: Sums, mean: FloatArray, slow: FloatArray) -> tuple[BoolArray, Parts]:
    detail = mean - slow
    if sums.count == 1:
        hot = hot_pixels(detail, robust_sd(detail))
        return hot, parts_of_one(np.where(hot, np.float32(0), detail))
    everything = np.ones(sums.size, np.bool_)
    hot = hot_pixels(detail, sums.parts(everything).pixel)
    # Hot pixels are noisy as well: without them the limit is a fair one.
    hot = hot_pixels(detail, sums.parts(~hot).pixel)
    if hot.mean() > _MOST_HOT:
        raise StudioError(f"{hot.mean():.0%} of the pixels stand out: these do not look like dark frames.")
    return hot, sums.parts(~hot)


def _remainder(values: FloatArray, level: FloatArray, hot: BoolArray) -> FloatArray:
    """A frame's pixel noise, `(N,)`: without shading, its own level, rows and columns, and hot pixels."""
    values -= level
    values[hot] = 0
    values -= values.mean(axis=1, keepdims=True)
    values -= values.mean(axis=0, keepdims=True)
    return values[~hot]


def _stretch(weight: float, count: int, size: tuple[int, int]) -> float:
    """What subtracting the shading, and means that a value is part of, has done to its sd, to be undone."""
    height, width = size
    # Pixel noise s^2 and fixed pattern F^2, of which w = F^2 / (F^2 + s^2 / n) of the mean is taken off:
    # s^2 (1 - w/n)^2 + s^2 (n - 1) (w/n)^2 + F^2 (1 - w)^2 = s^2 (1 - w/n).
    own = 1 - weight / count if count > 1 else 1.0
    return 1 / math.sqrt(own * (1 - 1 / height) * (1 - 1 / width))


def _black(shading: Shading, hot: BoolArray, frame: DarkFrame) -> tuple[dict[str, float], FloatArray]:
    """Each class's own level, and the shading without it."""
    index = np.array(frame.pattern)
    errors = np.zeros(len(frame.sites))
    classes = spread(index.astype(np.float32), frame.size)
    for number in range(len(frame.sites)):
        where = (classes == number) & ~hot
        errors[number] = shading.level[where].mean(dtype=np.float64)
    table = errors.astype(np.float32)[index]
    names = [site.name for site in frame.sites]
    return dict(zip(names, map(float, errors), strict=True)), shading.level - spread(table, frame.size)
