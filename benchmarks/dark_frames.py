"""What a profile of dark frames is worth: its noise beside held-out frames, its errors by number of frames.

    .venv/bin/python benchmarks/dark_frames.py [--only noise frames shading cost] [--seeds 20]

Synthetic sensors, because no dark frames are at hand: PNNP's Sony A7S2 (two gains, a lambda for each
ISO), the D850 with its long tails, and a made-up sensor of two physical parts, a long-tailed one before
the amplifier and a normal one behind it. Every frame has shading, a black error by colour, fixed rows and
pixels, hot pixels, a level of its own, row and column noise, and is rounded to whole DN.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.noise.sensor.cameras import preset
from denoise_studio.noise.sensor.dark_fit import profile_of
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.proxy_training import with_proxy
from denoise_studio.noise.sensor.tukey import ReadNoise, Tukey

BLACK, WHITE = 512.0, 16383.0
SITES = tuple(Photosite(n, c, BLACK, WHITE) for n, c in (("R", 0), ("G1", 1), ("G2", 1), ("B", 2)))
SIZE = (512, 768)
BIAS = np.array([[1.5, 1.4], [-1.0, -1.1]])
LEVELS = (np.arange(2000) + 0.5) / 2000
HELD_OUT = 1_000_000
Draw = Callable[[float, np.random.Generator, tuple[int, ...]], Any]


@dataclass(frozen=True)
class Sensor:
    """`draw(iso, random, shape)` gives pixel noise in DN; `row(iso)` the sd of row noise."""

    name: str
    isos: tuple[float, ...]
    draw: Draw
    row: Callable[[float], float]
    size: tuple[int, int] = SIZE
    column: float = 0.3
    fixed: float = 0.5

    def shading(self) -> Any:
        random = np.random.default_rng(99)
        height, width = self.size
        y, x = np.mgrid[0:height, 0:width]
        level = 2 * ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) + random.normal(0, 0.3, (height, 1))
        level += random.normal(0, self.fixed, self.size)
        level[tuple(random.integers(0, self.size, (30, 2)).T)] += 300
        return (level + np.tile(BIAS, (height // 2, width // 2))).astype(np.float32)

    def frames(self, iso: float, count: int, seed: int) -> list[Callable[[], Picture]]:
        level = self.shading()
        return [
            lambda n=n: self.frame(iso, level, np.random.default_rng((seed, int(iso), n)))
            for n in range(count)
        ]

    def frame(self, iso: float, level: Any, random: np.random.Generator) -> Picture:
        height, width = self.size
        values = self.draw(iso, random, self.size) + level + random.normal(0, 0.2)
        values += random.normal(0, self.row(iso), (height, 1)) + random.normal(0, self.column, (1, width))
        stored = np.clip(np.rint(values + BLACK), 0, WHITE).astype(np.float32)
        mosaic = Mosaic(((0, 1), (2, 3)), SITES, camera=self.name, iso=iso)
        return Picture(stored[None], Scale.LINEAR, "DN", (BLACK, WHITE), Stored("uint16", 14), mosaic=mosaic)


def sensors() -> Iterator[Sensor]:
    sony, nikon = preset("SonyA7S2-PMN"), preset("NikonD850-2")
    yield Sensor(
        "A7S2",
        (800, 1600, 2000, 6400),
        lambda iso, random, shape: sony.at_iso(iso).read.draw(random, shape),
        lambda iso: sony.at_iso(iso).row,
    )
    yield Sensor(
        "D850",
        (400, 800, 1600, 3200),
        lambda iso, random, shape: nikon.at_iso(iso).read.draw(random, shape),
        lambda iso: nikon.at_iso(iso).row,
    )
    before = Tukey(0.9, -0.2)
    yield Sensor(
        "two parts",
        (400, 800, 1600, 3200),
        lambda iso, random, shape: (
            before.scaled(iso / 400).draw(random, shape) + random.normal(0, 2.0, shape)
        ),
        lambda iso: 0.2 * iso / 400,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    for name in options.only:
        PARTS[name](options.seeds)
        print()


def row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def distance(values: Any, held_out: Any) -> float:
    """Mean difference of 2000 quantiles, in sds."""
    return float(np.abs(np.quantile(values, LEVELS) - held_out).mean())


def noise_part(seeds: int) -> None:
    """Generated read noise beside noise of the same sensor that nobody has seen."""
    row("sensor", "ISO", "Gaussian", "Tukey lambda", "quantiles", "generator", "as many real pixels")
    row(*["---"] * 7)
    for sensor in sensors():
        frames = [frame for iso in sensor.isos for frame in sensor.frames(iso, 10, 0)]
        start = time.perf_counter()
        profile = profile_of(frames)
        fitted = time.perf_counter()
        profile = with_proxy(profile)
        trained = time.perf_counter()
        for iso in sensor.isos:
            row(sensor.name, f"{iso:g}", *(f"{value:.4f}" for value in _distances(sensor, profile, iso)))
        row(f"{sensor.name}: profile {fitted - start:.1f} s, generator {trained - fitted:.1f} s", *[""] * 6)


def _distances(sensor: Sensor, profile: DarkProfile, iso: float) -> Iterator[float]:
    random, shape = np.random.default_rng(7), (HELD_OUT,)
    held_out = sensor.draw(iso, random, shape)
    sd = float(held_out.std())
    real = np.quantile(held_out, LEVELS) / sd
    setting = profile.at(iso)
    assert profile.proxy is not None
    yield distance(random.normal(0, 1, shape), real)
    models: list[ReadNoise] = [setting.tukey, setting.quantiles, profile.proxy.at(iso)]
    for model in models:
        yield distance(model.draw(random, shape) / sd, real)
    yield distance(sensor.draw(iso, random, shape) / sd, real)


def frames_part(seeds: int) -> None:
    """Errors of one ISO by the number of frames; medians over seeds, and how often the told error holds."""
    row(
        "frames",
        "black error DN",
        "told",
        "holds",
        "row sd",
        "told",
        "holds",
        "pixel sd",
        "lambda",
        "read sd",
    )
    row(*["---"] * 10)
    sensor = next(sensors())
    iso = 1600.0
    read = preset("SonyA7S2-PMN").at_iso(iso).read
    assert isinstance(read, Tukey)
    level = sensor.shading()
    for count in (1, 3, 10, 30):
        found = []
        for seed in range(seeds):
            setting = profile_of(sensor.frames(iso, count, seed + 1)).at(iso)
            black = setting.black["R"] - float(np.median(level[::2, ::2]))
            parts = setting.parts
            line = parts.row - sensor.row(iso)
            pixel = parts.pixel / np.sqrt(read.variance + 1 / 12) - 1
            truth = np.sqrt(read.variance + 1 / 12 + sensor.row(iso) ** 2 + sensor.column**2)
            shape = setting.tukey.shape - read.shape
            found.append(
                (
                    black,
                    setting.black_error,
                    line / sensor.row(iso),
                    parts.row_error / sensor.row(iso),
                    pixel,
                    shape,
                    setting.read_sd / truth - 1,
                )
            )
        table = np.array(found)
        size = np.median(np.abs(table), axis=0)
        holds = [np.mean(np.abs(table[:, i]) < table[:, i + 1]) for i in (0, 2)]
        told = f"{size[1]:.3f}" if np.isfinite(size[1]) else "unknown"
        row(
            count,
            f"{size[0]:.3f}",
            told,
            f"{holds[0]:.0%}" if count > 1 else "-",
            f"{size[2]:.1%}",
            f"{size[3]:.1%}",
            f"{holds[1]:.0%}",
            f"{size[4]:.2%}",
            f"{size[5]:.4f}",
            f"{size[6]:.2%}",
        )


def shading_part(seeds: int) -> None:
    """What is left of the fixed pattern, in DN, after subtracting the shading or the frames' plain mean."""
    row("fixed pattern sd", "frames", "shading", "mean of the frames", "nothing", "share of detail kept")
    row(*["---"] * 6)
    first = next(sensors())
    for fixed in (0.1, 0.5, 2.0):
        sensor = Sensor(first.name, first.isos, first.draw, first.row, fixed=fixed)
        truth = sensor.shading()
        usual = np.abs(truth) < 50
        for count in (3, 10, 30):
            frames = sensor.frames(1600, count, 5)
            profile = profile_of(frames)
            setting = profile.at(1600)
            mean = sum(frame().pixels[0] for frame in frames) / count - np.float32(BLACK)
            left = [
                (values - truth)[usual] for values in (profile.level(setting), mean, np.zeros_like(truth))
            ]
            row(f"{fixed:g}", count, *(f"{values.std():.3f}" for values in left), f"{setting.detail:.2f}")


def cost_part(seeds: int) -> None:
    """A profile of 24 MP frames, made anew whenever they are loaded: seconds without that, and memory."""
    sensor = next(sensors())
    large = Sensor(sensor.name, (1600,), sensor.draw, sensor.row, size=(4000, 6000))
    picture = large.frames(1600, 1, 0)[0]()
    random = np.random.default_rng(0)
    shifts = [tuple(int(v) for v in random.integers(0, 1000, 2) * 2) for _ in range(4)]

    def load(shift: tuple[int, ...]) -> Picture:
        return picture.derive(np.roll(picture.pixels, shift, (1, 2)))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    for shift in shifts * 3:
        load(shift)
    loading = time.perf_counter() - start
    start = time.perf_counter()
    profile_of([lambda shift=shift: load(shift) for shift in shifts])
    taken = time.perf_counter() - start - loading
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    row("24 MP", "s a frame", "MB above one frame")
    row("---", "---", "---")
    row("4 frames of one ISO", f"{taken / 4:.2f}", f"{peak / 1024:.0f}")


PARTS = {"noise": noise_part, "frames": frames_part, "shading": shading_part, "cost": cost_part}

if __name__ == "__main__":
    main()
