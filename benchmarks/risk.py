"""How well the error of a result is told without its clean picture.

    .venv/bin/python benchmarks/risk.py --data FOLDER --rows FILE [--parts bias white ...] [--methods ...]

FOLDER holds `photos/Set12`, `photos/BSD68` and `ct`; without it only the phantom is used. Every trial is a
line of JSON in `--rows`; trials that are there already are not made again, and the tables are of all of
them. `--quick` makes a few trials of each: it shows that all of it works, its numbers mean little.

Parts: "bias": noise known, 20 seeds; "white": noise estimated; "correlated": noise blurred with a Gaussian;
"dose": low-dose CT simulated in the projections; "time": what a judgement costs by size.
"""

import argparse
import itertools
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.judging import ENOUGH, Probes
from denoise_studio.engine.render import render_in_full
from denoise_studio.engine.resolve import estimated_noise, noise_estimate, resolve
from denoise_studio.formats.registry import open_picture
from denoise_studio.metrics.residual import THRESHOLD, shares
from denoise_studio.metrics.stein import Noise, Part, Probe
from denoise_studio.noise.ct_dose import Scan, dose_noise, inscribed_circle
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

METHODS = ("bilateral", "nlm", "network", "adaptive-bilateral")
LEVELS = (10, 25, 50)
HU_LEVELS = (15, 30, 60)
SEEDS = 20
BLURS = (0.5, 0.8)
PHOTONS = (3e5, 8e4, 2e4)
SLICES = ("dicompyler_ct0.dcm", "693_UNCR.dcm")
STRONG = 2.0
"""Of this many times the noise a method is told for the rows "strong"."""


@dataclass(frozen=True)
class Case:
    """A noisy picture to be made: `make` gives it and its truth; `sigma` is None to be estimated."""

    part: str
    scene: str
    level: str
    seed: int
    make: Callable[[], tuple[Picture, Any]]
    sigma: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with photos/Set12 and so on")
    parser.add_argument("--rows", type=Path, default=Path("risk.jsonl"), help="finished trials")
    parser.add_argument("--parts", nargs="*", default=["bias", "white", "correlated", "dose", "time"])
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cached", action="store_true", help="only the tables of what is there")
    options = parser.parse_args()
    rows = read(options.rows)
    known = {row["key"] for row in rows}
    for case in [] if options.cached else cases(options):
        for method in options.methods:
            for variant in variants(case, method):
                key = "/".join((case.part, case.scene, case.level, str(case.seed), method, variant))
                if key in known:
                    continue
                row = {"key": key, **trial(case, method, variant)}
                rows.append(row)
                with options.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    tables(rows)
    if "time" in options.parts and not options.cached:
        times(options.methods, options.quick)


def variants(case: Case, method: str) -> tuple[str, ...]:
    """Told the usual noise, and for every fourth photograph too much as well."""
    strong = case.part == "white" and case.seed % 4 == 0 and method != "adaptive-bilateral"
    return ("usual", "strong") if strong else ("usual",)


def read(path: Path) -> list[Any]:
    lines = path.read_text().splitlines() if path.exists() else []
    return list({row["key"]: row for row in map(json.loads, lines)}.values())


def cases(options: Any) -> Iterator[Case]:
    parts = {"bias": bias_cases, "white": white_cases, "correlated": correlated_cases, "dose": dose_cases}
    for name, make in parts.items():
        if name in options.parts:
            found = list(make(options.data))
            yield from found[:: max(1, len(found) // 3)] if options.quick else found


def photographs(data: Path | None) -> list[Path]:
    if data is None:
        return []
    return [*sorted((data / "photos/Set12").glob("*.png")), *sorted((data / "photos/BSD68").glob("*.png"))]


def bias_cases(data: Path | None) -> Iterator[Case]:
    """Sigma known: a photograph and the phantom, 20 seeds each."""
    for seed in range(SEEDS):
        for file in photographs(data)[2:42:40]:
            for level in LEVELS:
                yield Case("bias", file.stem, str(level), seed, photo(file, level, seed, side=256), level)
        for level in HU_LEVELS:
            yield Case("bias", "phantom", f"{level} HU", seed, white_phantom(level, seed), level)


def white_cases(data: Path | None) -> Iterator[Case]:
    """Sigma estimated: every second photograph of Set12 and BSD68 once a level, and the phantom."""
    for number, file in enumerate(photographs(data)[::2]):
        for level in LEVELS:
            name = f"{file.parent.name} {file.stem}"
            yield Case("white", name, str(level), number, photo(file, level, 1000 + number))
    for seed in range(SEEDS):
        for level in HU_LEVELS:
            yield Case("white", "phantom", f"{level} HU", seed, white_phantom(level, 1000 + seed))


def correlated_cases(data: Path | None) -> Iterator[Case]:
    for number, file in enumerate(photographs(data)[::8]):
        for level in LEVELS:
            for blur in BLURS:
                make = photo(file, level, 2000 + number, blur)
                yield Case("correlated", file.stem, f"{level}, blurred {blur:g} px", number, make)


def dose_cases(data: Path | None) -> Iterator[Case]:
    files: list[Path | None] = [None, *(() if data is None else (data / "ct" / name for name in SLICES))]
    for seed in range(3):
        for photons in PHOTONS:
            for file in files:
                scene = "phantom" if file is None else file.stem
                yield Case("dose", scene, f"{photons:.0e} photons", seed, dose(file, photons, seed))


def photo(
    file: Path, level: float, seed: int, blur: float = 0.0, side: int = 1000
) -> Callable[[], tuple[Picture, Any]]:
    def make() -> tuple[Picture, Any]:
        clean = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(np.float32)[None, :side, :side]
        noise = np.random.default_rng([seed, round(level)]).normal(0.0, 1.0, clean.shape)
        if blur:
            noise = cv2.GaussianBlur(noise[0], (0, 0), blur)[None]
            noise /= noise.std()
        noisy = np.float32(clean + level * noise)
        return Picture(noisy, scale=Scale.DISPLAY, nominal_range=(0.0, 255.0)), clean

    return make


def hu(pixels: Any, padding: Any = None) -> Picture:
    return Picture(
        np.asarray(pixels, np.float32)[None],
        scale=Scale.HU,
        unit="HU",
        nominal_range=(-1024.0, 3071.0),
        padding=padding,
    )


def white_phantom(level: float, seed: int) -> Callable[[], tuple[Picture, Any]]:
    def make() -> tuple[Picture, Any]:
        clean = phantom(512)[128:384, 128:384]
        noise = np.random.default_rng([seed, round(level)]).normal(0.0, level, clean.shape)
        return hu(clean + noise), clean[None]

    return make


def dose(file: Path | None, photons: float, seed: int) -> Callable[[], tuple[Picture, Any]]:
    """The middle of a slice; a real one loses most of its own noise first, what is left counts as truth."""

    def make() -> tuple[Picture, Any]:
        from adaptive.cases import AIR, quieted

        if file is None:
            clean, spacing = phantom(512), FIELD_OF_VIEW / 512
            seen = np.ones(clean.shape, bool)
        else:
            picture = open_picture(file)
            seen = np.ones(picture.pixels.shape[1:], bool) if picture.padding is None else ~picture.padding
            clean = quieted(np.maximum(np.where(seen, picture.pixels[0], AIR), AIR)).astype(np.float32)
            spacing = picture.spacing[0] if picture.spacing else 0.7
        scan = Scan(photons, 8.0, 360, "hann")
        noise = dose_noise(clean, spacing, scan, seed=seed + round(photons))
        start = (clean.shape[0] - 256) // 2
        middle = (slice(start, start + 256),) * 2
        outside = ~(seen & inscribed_circle(clean.shape[0]))[middle]
        return hu((clean + noise)[middle], outside if outside.any() else None), clean[None][:, *middle]

    return make


def trial(case: Case, method: str, variant: str) -> dict[str, Any]:
    """One picture, one method: what is estimated and what is true."""
    picture, clean = case.make()
    recipe = told(picture, Recipe(method=method, noise_level=case.sigma), variant)
    rendering = render_in_full(picture, recipe)
    result = rendering.picture.pixels
    started = time.perf_counter()
    probes = Probes(picture, rendering.recipe, rendering.fitted, case.sigma, filtered=result)
    for _ in range(ENOUGH):
        probes.grow(Progress())
    found = probes.judge(result, rendering.recipe)
    inside = np.ones(clean.shape[1:], bool) if picture.padding is None else ~picture.padding
    noise = (picture.pixels - clean)[:, inside]
    return {
        "part": case.part,
        "scene": case.scene,
        "level": case.level,
        "method": method,
        "variant": variant,
        "true": float(((result - clean)[:, inside].astype(np.float64) ** 2).mean()),
        "true_sigma": float(noise.std()),
        "mse": found.risk.mse,
        "low": found.risk.low,
        "high": found.risk.high,
        "freedom": found.risk.freedom,
        "parts": found.risk.parts,
        "sigma": found.risk.sigma,
        "sigma_error": found.risk.sigma_error,
        "confidence": noise_estimate(picture).confidence,
        "correlated": noise_estimate(picture).is_correlated,
        "reliable": found.risk.reliable,
        "bands": [(band.share, band.error, band.missing) for band in found.residual.bands],
        "true_bands": true_shares(picture, clean, result, inside),
        "seconds": time.perf_counter() - started,
    }


def told(picture: Picture, recipe: Recipe, variant: str) -> Recipe:
    """The method's defaults, or told `STRONG` times as much noise."""
    if variant == "usual":
        return recipe
    if recipe.method == "network":
        return recipe.with_parameter("noise", STRONG)
    if get_denoiser(recipe.method).uses_noise_level:
        return recipe.replace(noise_level=STRONG * estimated_noise(picture))
    values = resolve(picture, recipe).parameters
    return recipe.with_parameter("sigma_r", STRONG * float(values["sigma_r"]))


def true_shares(picture: Picture, clean: Any, result: Any, inside: Any) -> list[float]:
    """What the structure test estimates, from the clean picture."""
    nothing = np.zeros_like(clean)
    part = Part(clean, result, inside, 1.0, Noise(nothing), [Probe(nothing, nothing)])
    return [band.share for band in shares([part], 0.0)]


def tables(rows: list[Any]) -> None:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row["part"], row["method"], row["variant"], row["level"]].append(row)
    print("\nBias and spread of the estimated MSE; how often the bar holds the truth\n")
    head = (
        "part",
        "method",
        "told",
        "noise",
        "trials",
        "sigma",
        "bias",
        "spread",
        "held",
        "flagged",
        "bar dB",
    )
    line(*head)
    line(*["---"] * len(head))
    for (part, method, variant, level), found in groups.items():
        line(part, method, variant, level, len(found), *_figures(found))
    print(f"\nStructure test: a band is missing if more than {THRESHOLD:.0%} of it is\n")
    head = ("part", "method", "told", "noise", "trials", "truly missing", "found", "false alarms", "warned")
    line(*head)
    line(*["---"] * len(head))
    for (part, method, variant, level), found in groups.items():
        line(part, method, variant, level, len(found), *_structure(found))


def _figures(rows: list[Any]) -> tuple[str, ...]:
    error = np.array([row["mse"] / row["true"] - 1 for row in rows])
    good = [row for row in rows if row["reliable"]]
    held = np.mean([row["low"] <= row["true"] <= row["high"] for row in rows])
    sigma = np.array([row["sigma"] / row["true_sigma"] - 1 for row in rows])
    width = [half_decibels(row) for row in rows]
    return (
        f"{np.median(sigma):+.1%} / {np.sqrt((sigma**2).mean()):.1%}",
        f"{error.mean():+.1%} ± {error.std() / math.sqrt(len(rows)):.1%}",
        f"{np.sqrt((error**2).mean()):.1%}",
        f"{held:.0%}",
        f"{1 - len(good) / len(rows):.0%}",
        f"-{np.median([w[0] for w in width]):.2f} +{np.median([w[1] for w in width]):.2f}",
    )


def half_decibels(row: Any) -> tuple[float, float]:
    def gap(one: float, two: float) -> float:
        return 10 * math.log10(one / two) if min(one, two) > 0 else math.inf

    return gap(row["high"], row["mse"]), gap(row["mse"], row["low"])


def _structure(rows: list[Any]) -> tuple[str, ...]:
    hits, alarms = [], []
    for row in rows:
        for (share, _, missing), true in zip(row["bands"], row["true_bands"], strict=True):
            if math.isfinite(share) and true > THRESHOLD:
                hits.append(missing)
            elif math.isfinite(share) and true < THRESHOLD / 2:
                alarms.append(missing)
    warned = np.mean([any(band[2] for band in row["bands"]) for row in rows])
    share = f"{np.mean(hits):.0%} of {len(hits)}" if hits else "none"
    return (
        f"{len(hits) / max(1, sum(len(row['bands']) for row in rows)):.0%}",
        share,
        f"{np.mean(alarms):.1%} of {len(alarms)}" if alarms else "none",
        f"{warned:.0%}",
    )


def times(methods: list[str], quick: bool) -> None:
    print("\nSeconds by size: one render, first probe, one more, judgement\n")
    line("method", "size", "render", "first probe", "next probe", "judgement")
    line(*["---"] * 6)
    for method in methods:
        for height, width in (
            ((256, 256), (1024, 1024)) if quick else ((512, 512), (1024, 1024), (4000, 6000))
        ):
            clean = cv2.resize(np.float32(phantom(512)), (width, height))
            noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
            picture = hu(clean + 20 * noise)
            try:
                line(
                    method, f"{height} x {width}", *_seconds(picture, Recipe(method=method, noise_level=20.0))
                )
            except StudioError as error:
                line(method, f"{height} x {width}", str(error))


def _seconds(picture: Picture, recipe: Recipe) -> Iterator[str]:
    stamps = [time.perf_counter()]

    def stamp() -> None:
        stamps.append(time.perf_counter())

    large = picture.rect.area > 4 << 20
    resolved = resolve(picture, recipe)
    fitted = None
    if large and get_denoiser(recipe.method).load_fit is None:
        result = picture.pixels
    else:
        rendering = render_in_full(picture, recipe)
        result, resolved, fitted = rendering.picture.pixels, rendering.recipe, rendering.fitted
    stamp()
    probes = Probes(picture, resolved, fitted)
    probes.grow(Progress())
    stamp()
    probes.grow(Progress())
    stamp()
    probes.judge(result, resolved)
    stamp()
    yield from (f"{b - a:.2f}" for a, b in itertools.pairwise(stamps))


def line(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
