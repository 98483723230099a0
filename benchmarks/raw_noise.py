"""How well a sensor's noise is found in one mosaic, and what denoising without being told loses.

    .venv/bin/python benchmarks/raw_noise.py --data FOLDER [--only recover black ...] [--quick]

FOLDER holds `photos/train`, `photos/CBSD68` and `raw`. Errors are relative to the truth: K in DN per
electron, s the sd of all noise without light, rounding included. `blind` needs BM3D (extra `benchmarks`) for
its last column.
"""

import argparse
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from raw_parts.blind import blind
from raw_parts.scenes import fourteen_bits, montage, pictures, shoot, single

from denoise_studio.core.picture import Picture
from denoise_studio.denoisers.raw_network.mosaic import denoise
from denoise_studio.formats import open_picture
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import CameraPreset, all_presets
from denoise_studio.noise.sensor.estimate import Known, estimate_sensor
from denoise_studio.noise.sensor.model import SensorNoise

WITHIN = 0.15
Options = argparse.Namespace


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer scenes and gains")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.only:
        PARTS[name](options)
        print(flush=True)


def row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def header(*names: str) -> None:
    row(*names)
    row(*["---"] * len(names))


def through_network(part: Any, mosaic: Any, noise: SensorNoise) -> Any:
    return denoise(part, mosaic, noise.sites, 1.0)


def settings(preset: CameraPreset, count: int, seed: int) -> Iterator[CameraNoise]:
    """A camera's noise at gains spread over its range, with its own scatter from setting to setting."""
    low, high = (math.log(gain) for gain in preset.gain_range)
    for number, place in enumerate(np.linspace(0, 1, count)):
        gain = math.exp(low + place * (high - low))
        random = np.random.default_rng((seed, number))
        yield fourteen_bits(
            preset, preset.at(min(max(gain, preset.gain_range[0]), preset.gain_range[1]), random)
        )


def recover(options: Options) -> None:
    """Part 1: gain and read noise of every preset."""
    print(
        "Median / 90th percentile of the error of K and s, all classes of pixels; montages of 36 pictures\n"
    )
    header("camera", "K coarse", "s coarse", "K fine", "s fine", "confidence fine")
    folder, scenes, gains = (
        options.data / "photos/train",
        1 if options.quick else 3,
        3 if options.quick else 5,
    )
    everything: dict[str, list[float]] = {}
    for preset in all_presets():
        found: dict[str, list[float]] = {}
        for seed in range(scenes):
            scene = montage(folder, seed)
            for number, noise in enumerate(settings(preset, gains, seed)):
                shot = shoot(scene, noise, 100 * seed + number)
                for stage, network in (("coarse", None), ("fine", through_network)):
                    told = estimate_sensor(shot.picture, denoise=network)
                    for site in told.sites:
                        found.setdefault(f"K {stage}", []).append(abs(site.gain / noise.gain - 1))
                        found.setdefault(f"s {stage}", []).append(abs(site.read / shot.noise.dark_sd - 1))
                    found.setdefault(f"sure {stage}", []).append(told.confidence)
        for name, values in found.items():
            everything.setdefault(name, []).extend(values)
        row(preset.name, *_cells(found))
    row("all", *_cells(everything))


def _cells(found: dict[str, list[float]]) -> list[str]:
    shown = [
        f"{np.median(found[name]):.1%} / {np.percentile(found[name], 90):.1%}"
        for name in ("K coarse", "s coarse", "K fine", "s fine")
    ]
    return [*shown, f"{np.median(found['sure fine']):.0%}"]


def black(options: Options) -> None:
    """Part 2: a black level that the file tells wrongly."""
    print(
        "Error of the offset found, in the camera's own DN: median / 90th percentile; truth -5, -2, 1, 5 DN."
    )
    print("By the table of the camera's read noise only where the program takes it (standard error small)\n")
    header(
        "camera",
        "masked pixels",
        "camera's own table",
        "taken",
        "in its interval",
        "scene alone: in its interval",
    )
    folder = options.data / "photos/train"
    total = _Blacks()
    for preset in all_presets():
        found, scene = _Blacks(), montage(folder, 1)
        own = fourteen_bits(preset, preset.at(preset.gain_range[0])).gain / preset.gain_range[0]
        for number, noise in enumerate(settings(preset, 3, 0)):
            for offset in (-5.0, -2.0, 1.0, 5.0):
                found.add(scene, noise, offset, own, 10 * number + int(offset) + 5)
        total.join(found)
        row(preset.name, *found.cells())
    row("all", *total.cells())


class _Blacks:
    """What was found of wrong black levels, in the cameras' own DN."""

    def __init__(self) -> None:
        self.masked: list[float] = []
        self.table: list[float] = []
        self.taken: list[bool] = []
        self.inside: list[bool] = []
        self.scene: list[bool] = []

    def add(self, scene: Any, noise: CameraNoise, offset: float, unit: float, seed: int) -> None:
        shot = shoot(scene, noise, seed, offset * unit, masked=True)
        self.masked.append(abs(estimate_sensor(shot.picture).black.offset / unit - offset))
        shot = shoot(scene, noise, seed, offset * unit)
        table = Known(read=shot.noise.dark_sd)
        found = estimate_sensor(shot.picture, table, through_network).black
        self.taken.append(found.offset != 0)
        self.inside.append(found.interval[0] <= offset * unit <= found.interval[1])
        if found.offset:
            self.table.append(abs(found.offset / unit - offset))
        low, high = estimate_sensor(shot.picture, denoise=through_network).black.interval
        self.scene.append(low <= offset * unit <= high)

    def join(self, other: "_Blacks") -> None:
        for name, values in vars(other).items():
            getattr(self, name).extend(values)

    def cells(self) -> list[str]:
        errors = [_pair(values) for values in (self.masked, self.table)]
        return [*errors, *(f"{np.mean(values):.0%}" for values in (self.taken, self.inside, self.scene))]


def _pair(values: list[float]) -> str:
    return f"{np.median(values):.2f} / {np.percentile(values, 90):.2f}" if values else "-"


def textured(options: Options) -> None:
    """Part 3: whether the confidence says when an estimate is bad."""
    print("Single pictures as they are, sharp and textured, and montages: K and s both within 15 %\n")
    header("confidence", "estimates", "right", "median error of K", "of s")
    cases = list(_hard_cases(options))
    for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)):
        some = [case for case in cases if low <= case[0] < high]
        if some:
            right = np.mean([max(k, s) <= WITHIN for _, k, s in some])
            medians = [f"{np.median([case[i] for case in some]):.1%}" for i in (1, 2)]
            row(f"{low:.0%} to {min(high, 1):.0%}", len(some), f"{right:.0%}", *medians)


def _hard_cases(options: Options) -> Iterator[tuple[float, float, float]]:
    """Confidence, error of K and of s of every class of every mosaic."""
    folder = options.data / "photos/train"
    presets = [preset for preset in all_presets() if preset.segments]
    step = 40 if options.quick else 8
    scenes: list[Callable[[], Any]] = [
        *(lambda p=p, i=i: single(p, i) for i, p in enumerate(pictures(folder)[::step])),  # type: ignore[misc]
        *(lambda i=i: montage(folder, 50 + i, 3, 3) for i in range(1 if options.quick else 10)),  # type: ignore[misc]
    ]
    for number, scene in enumerate(scenes):
        random = np.random.default_rng(number)
        preset = presets[number % len(presets)]
        low, high = (math.log(gain) for gain in preset.gain_range)
        noise = fourteen_bits(preset, preset.at(math.exp(random.uniform(low, high)), random))
        shot = shoot(scene(), noise, number)
        told = estimate_sensor(shot.picture, denoise=through_network)
        for site in told.sites:
            error = abs(site.gain / noise.gain - 1), abs(site.read / shot.noise.dark_sd - 1)
            yield site.confidence, *error


def real(options: Options) -> None:
    """Part 4: real files."""
    print("Moved: largest change of a mean over 64 x 64 pixels of a class, as a share of black to white\n")
    header("file", "stage", "K by class", "s by class", "black", "confidence", "moved", "warning")
    for path in sorted((options.data / "raw").iterdir()):
        picture = open_picture(path)
        for network in (None, through_network):
            found = estimate_sensor(picture, denoise=network)
            gains, reads = (
                ", ".join(f"{value:.3g}" for value in values)
                for values in ([s.gain for s in found.sites], [s.read for s in found.sites])
            )
            warning = found.black.warning or "; ".join(found.notes)
            offset = f"{found.black.offset:+.2f} ({found.black.source})"
            moved = f"{_moved(picture, found):.2%}"
            row(path.name, found.stage, gains, reads, offset, f"{found.confidence:.0%}", moved, warning)


def _moved(picture: Picture, found: SensorNoise) -> float:
    """By how much denoising moves the mean of a patch at most, the black level left as it is."""
    mosaic = picture.mosaic
    assert mosaic is not None
    pixels = picture.pixels[0]
    kept = mosaic.with_black([site.black for site in found.sites])
    change = denoise(pixels, kept, found.sites, 1.0) - pixels
    largest = 0.0
    for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
        plane = change[place[0] :: 2, place[1] :: 2]
        height, width = (side // 32 for side in plane.shape)
        blocks = plane[: height * 32, : width * 32].reshape(height, 32, width, 32)
        largest = max(largest, float(np.abs(blocks.mean(axis=(1, 3))).max()))
    return largest / (picture.nominal_range[1] - picture.nominal_range[0])


PARTS: dict[str, Callable[[Options], None]] = {
    "recover": recover,
    "black": black,
    "textured": textured,
    "real": real,
    "blind": blind,
}

if __name__ == "__main__":
    main()
