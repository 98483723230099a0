"""Whether the sampler of sensor noise gives back what it was told, for every published camera.

    .venv/bin/python benchmarks/sensor_sampler.py [--rows 131072] [--width 512]

Three gains a camera: the ends of its range and the middle. Each number is what was recovered from the
samples over what was told; lambda by the probability plot correlation of scipy's own quantiles, over samples
without row noise and rounding ("lambda"), and by our fit to samples rounded to whole DN ("rounded").
Nothing here shares code with the sampler but the presets. At the end: nanoseconds a pixel.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize, stats

from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import all_presets
from denoise_studio.noise.sensor.dark_remainder import Cells, fit_tukey
from denoise_studio.noise.sensor.sampler import sample
from denoise_studio.noise.sensor.tukey import NEARLY_GAUSSIAN, Tukey

LIGHT = 200.0
"""Electrons of the lit frames."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=131072)
    parser.add_argument("--width", type=int, default=512)
    options = parser.parse_args()
    row(
        "camera",
        "K",
        "mean",
        "variance lit",
        "variance dark",
        "row means",
        "row sd",
        "lambda",
        "rounded",
        "told",
    )
    row(*["---"] * 10)
    worst: dict[str, float] = {}
    for name, noise in cases():
        found = recovered(noise, options.rows, options.width)
        told = noise.read.shape if isinstance(noise.read, Tukey) else NEARLY_GAUSSIAN
        shown = [f"{found[key]:.4f}" if key in found else "-" for key in KEYS]
        row(name, f"{noise.gain:.3g}", *shown, f"{told:.4f}")
        for key in KEYS:
            if key in found:
                off = abs(found[key] - (told if key in ("lambda", "rounded") else 1))
                worst[key] = max(worst.get(key, 0.0), off)
    row("largest error", "", *(f"{worst[key]:.4f}" for key in KEYS), "")
    print()
    times()


KEYS = ("mean", "lit", "dark", "row means", "row sd", "lambda", "rounded")


def row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def cases() -> Iterator[tuple[str, CameraNoise]]:
    for camera in all_presets():
        low, high = camera.gain_range
        for gain in (low, (low * high) ** 0.5, high):
            yield camera.name, camera.at(gain)


def recovered(noise: CameraNoise, rows: int, width: int) -> dict[str, float]:
    """Each over what it should be, by the published formulas; lambdas as they are."""
    random = np.random.default_rng(1)
    read = noise.read
    if isinstance(read, Tukey):
        pixel = read.scale**2 * float(stats.tukeylambda.var(read.shape))
    else:
        pixel = read.variance
    means, inner, count = [], 0.0, 0
    for _ in range(0, rows, 4096):
        frame = sample(np.zeros((4096, width), np.float32), noise, random)
        mean = frame.mean(axis=1, dtype=np.float64)
        means.append(mean)
        inner += float(np.square(frame - mean[:, None]).sum(dtype=np.float64))
        count += len(frame)
    inner /= count * (width - 1)
    spread = float(np.concatenate(means).var())
    dark = inner + spread - inner / width
    lit = sample(np.full((4096, width), LIGHT * noise.gain, np.float32), noise, random)
    alone = sample(np.zeros((2000, 1000), np.float32), replace(noise, row=0.0, step=0.0), random)
    found = {
        "mean": float(lit.mean(dtype=np.float64)) / (LIGHT * noise.gain),
        "lit": float(lit.var(dtype=np.float64)) / (LIGHT * noise.gain**2 + pixel + noise.row**2 + 1 / 12),
        "dark": dark / (pixel + noise.row**2 + 1 / 12),
        "row means": spread / (noise.row**2 + (pixel + 1 / 12) / width),
        "lambda": ppcc(alone),
        "rounded": rounded(alone, random),
    }
    if noise.row:
        found["row sd"] = np.sqrt(max(spread - inner / width, 0)) / noise.row
    return found


def ppcc(values: Any) -> float:
    """The lambda with the straightest probability plot, over 2000 quantiles."""
    levels = (np.arange(2000) + 0.5) / 2000
    seen = np.quantile(values, levels)

    def bent(shape: float) -> float:
        return -float(np.corrcoef(stats.tukeylambda.ppf(levels, shape), seen)[0, 1])

    found = optimize.minimize_scalar(bent, bounds=(-0.45, 0.5), method="bounded", options={"xatol": 1e-4})
    return float(found.x)


def rounded(values: Any, random: np.random.Generator) -> float:
    """The lambda of values after rounding to whole DN, with the black level off by parts of one."""
    offset = random.uniform(-0.5, 0.5, (len(values), 1)).astype(np.float32)
    cells = Cells(1.0, max(float(values.std()), 0.3))
    cells.add(np.rint(values + offset) - offset)
    return fit_tukey(cells).noise.shape


def times() -> None:
    row("frame of 24 MP", "ns a pixel", "s")
    row("---", "---", "---")
    noise = next(noise for name, noise in cases() if name == "SonyA7S2-PMN")
    for name, light in (("dark", 0.0), ("20 electrons", 20 * noise.gain)):
        scene = np.full((4000, 6000), light, np.float32)
        start = time.perf_counter()
        sample(scene, noise, np.random.default_rng(0))
        taken = time.perf_counter() - start
        row(name, f"{taken / scene.size * 1e9:.0f}", f"{taken:.2f}")


if __name__ == "__main__":
    main()
