"""How right the measures of medical physics are, how long they take, and methods compared at equal noise.

    .venv/bin/python benchmarks/ct_physics.py [--draws 20] [--methods bilateral nlm adaptive-bilateral]

Prints Markdown tables:

- noise power of fields with a known spectrum: mean over draws and scatter of one draw;
- transfer functions of edges and discs with a known blur: the largest error up to Nyquist, and f50's;
- milliseconds of each measure on a 512 x 512 result;
- what methods leave of texture and sharpness once a region has the same sd with all of them. The picture is
  a disc of known blur in soft tissue, with noise of the shape that filtered back-projection gives.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import ncx2

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Ellipse, Region
from denoise_studio.engine import devices
from denoise_studio.engine.areas import Area
from denoise_studio.engine.bias_guard import bias_guard
from denoise_studio.engine.equal_noise import match_noise, noise_of
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import fit
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.measures import (
    Line,
    noise_beside,
    profile_beside,
    region_beside,
    transfer_beside,
)
from denoise_studio.engine.readings import Result
from denoise_studio.engine.render import fill
from denoise_studio.engine.resolve import resolve
from denoise_studio.metrics.physics.edge_fit import EdgeShape
from denoise_studio.metrics.physics.noise_power import noise_power
from denoise_studio.metrics.physics.pitch import Pitch
from denoise_studio.metrics.physics.squares import place_squares
from denoise_studio.metrics.physics.transfer import transfer

MM = Pitch(0.7, 0.7, "mm")
SPREAD = 0.7
"""Blur of edges and discs in mm."""


def smoothed(field: Any, s: float) -> Any:
    """A Gaussian by shifting and adding: nothing that the measurement uses."""
    taps = np.exp(-0.5 * (np.arange(-12, 13) / s) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        field = sum(t * np.roll(field, k, axis) for k, t in zip(range(-12, 13), taps, strict=True))
    return field


def ramp_noise(rng: Any, shape: tuple[int, int], sd: float) -> Any:
    """Noise with a band like that of filtered back-projection: a narrow Gaussian less a wide one."""
    white = rng.normal(0, 1, shape)
    found = smoothed(white, 0.7) - smoothed(white, 2.0)
    return found * (sd / found.std())


def noise_rows(draws: int) -> list[tuple[str, ...]]:
    f = np.linspace(0, 1.0, 20001)
    rows = []
    for name, make, mean, variance in (
        ("white", lambda w: w, 0.25, 1.0),
        ("Gaussian, 0.7 px", lambda w: smoothed(w, 0.7), None, None),
        ("Gaussian, 1.5 px", lambda w: smoothed(w, 1.5), None, None),
        ("band", lambda w: smoothed(w, 0.7) - smoothed(w, 2.0), None, None),
    ):
        if mean is None:
            impulse = np.zeros((129, 129))
            impulse[64, 64] = 1.0
            kernel = make(impulse)
            variance = float((kernel**2).sum())
            # The true spectrum along a ring's mean: from the kernel itself, on a fine grid.
            angles = np.linspace(0, np.pi / 2, 61)
            y = np.arange(-64, 65)
            ring = []
            for at in f[:10001:50]:
                powers = [
                    abs(
                        np.exp(-2j * np.pi * at * np.sin(a) * y)
                        @ kernel
                        @ np.exp(-2j * np.pi * at * np.cos(a) * y)
                    )
                    ** 2
                    for a in angles
                ]
                ring.append(np.mean(powers))
            grid = f[:10001:50]
            mean = float(np.trapezoid(grid * ring, grid) / np.trapezoid(ring, grid))
        found = []
        for seed in range(draws):
            field = 12 * make(np.random.default_rng(seed).normal(0, 1, (512, 512)))
            found.append(noise_power(field, place_squares(np.ones(field.shape, bool), 64), MM))
        integral = [power.variance / (144 * variance) for power in found]
        frequency = [power.mean_frequency * 0.7 / mean for power in found]
        rows.append((name, _with_scatter(integral), _with_scatter(frequency)))
    return rows


def _with_scatter(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def edge(noise: float, seed: int, degrees: float) -> Any:
    y, x = np.mgrid[0:60, 0:60] + 0.5
    a = np.radians(degrees)
    d = ((x - 30.3) * np.cos(a) + (y - 29.8) * np.sin(a)) * 0.7
    return 200 * ndtr(d / SPREAD) + np.random.default_rng(seed).normal(0, noise or 1e-9, x.shape)


def disc(noise: float, seed: int, size: int = 60, radius: float = 11.2) -> Any:
    y, x = np.mgrid[0:size, 0:size] + 0.5
    r = np.hypot(x - size / 2 - 0.3, y - size / 2 + 0.4) * 0.7
    clean = 200 * ncx2.cdf((radius / SPREAD) ** 2, 2, (r / SPREAD) ** 2)
    return clean + np.random.default_rng(seed).normal(0, noise or 1e-9, x.shape)


def transfer_rows(draws: int) -> list[tuple[str, ...]]:
    truth50 = np.sqrt(np.log(2) / 2) / (np.pi * SPREAD)
    rows = []
    for shape in EdgeShape:
        for cnr in (np.inf, 50, 15):
            noise = 0.0 if np.isinf(cnr) else 200 / cnr
            worst, f50 = [], []
            for seed in range(draws):
                values = edge(noise, seed, 5 + 7 * seed) if shape is EdgeShape.LINE else disc(noise, seed)
                found = transfer(values, np.ones(values.shape, bool), MM, shape)
                truth = np.exp(-2 * (np.pi * SPREAD * found.frequencies) ** 2)
                worst.append(float(np.abs(found.transfer - truth)[found.frequencies <= 0.5 / 0.7].max()))
                f50.append(abs((found.f50 or np.inf) / truth50 - 1))
            rows.append(
                (
                    str(shape),
                    "∞" if np.isinf(cnr) else f"{cnr:g}",
                    f"{statistics.median(worst):.4f}",
                    f"{100 * statistics.median(f50):.2f} %",
                    f"{100 * max(f50):.2f} %",
                )
            )
    return rows


def slice_of(seed: int = 0) -> Picture:
    pixels = 60 + np.zeros((512, 512))
    pixels[60:160, 60:160] += 0.6 * disc(0, 0, 100, 21.0)
    pixels = pixels + ramp_noise(np.random.default_rng(seed), (512, 512), 20.0)
    return Picture(pixels[None].astype(np.float32), scale=Scale.HU, unit="HU", spacing=(0.7, 0.7))


FLAT = Region(shape=Box(220, 220, 480, 480), name="flat")
ROUND = Region(shape=Ellipse(110, 110, 46, 46), name="disc")


def finished(picture: Picture, recipe: Recipe) -> Result:
    resolved = resolve(picture, recipe)
    fitted = fit(picture, resolved, Progress())
    layer = Layer(picture)
    fill(layer, Filter(picture, resolved, devices.choose("cpu", _method(recipe)), fitted), Progress())
    return Result(picture, layer, resolved, fitted)


def _method(recipe: Recipe) -> Any:
    from denoise_studio.denoisers import get_denoiser

    return get_denoiser(recipe.method)


def timing_rows() -> list[tuple[str, ...]]:
    picture = slice_of()
    recipe = Recipe(method="bilateral", regions=(FLAT, ROUND), device="cpu")
    result = finished(picture, recipe)
    flat, round_ = (Area.of(picture, region, i) for i, region in enumerate(recipe.regions))
    jobs: tuple[tuple[str, Callable[[], object]], ...] = (
        ("region statistics, 67600 px", lambda: region_beside(result, flat)),
        ("noise power, 67600 px", lambda: noise_beside(result, flat)),
        ("noise power, squares looked for", lambda: noise_beside(result, Area.of(picture))),
        ("sharpness of a disc, 6650 px", lambda: transfer_beside(result, round_)),
        ("profile of 400 px, 9 px wide", lambda: profile_beside(result, Line(20, 50, 420, 60, 9))),
        ("guard of means, squares looked for", lambda: bias_guard(picture, result.over(picture.rect))),
        (
            "strength for a wanted sd",
            lambda: match_noise(
                picture,
                recipe,
                flat,
                12.0,
                Progress(),
                result.layer.pixels[(slice(None), *flat.rect.slices)],
            ),
        ),
    )
    rows = []
    for name, job in jobs:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            job()
            times.append(1e3 * (time.perf_counter() - start))
        rows.append((name, f"{times[0]:.0f}", f"{statistics.median(times[1:]):.0f}"))
    return rows


def equal_rows(methods: list[str]) -> list[tuple[str, ...]]:
    picture = slice_of(3)
    recipes = [Recipe(method=name, regions=(FLAT, ROUND), device="cpu") for name in methods]
    flat, round_ = (Area.of(picture, region, i) for i, region in enumerate(recipes[0].regions))
    least = [noise_of(picture, recipe, flat, Progress()) for recipe in recipes]
    target = max(*least, 4.0)
    rows = []
    for recipe, alone in zip(recipes, least, strict=True):
        match = match_noise(picture, recipe, flat, target, Progress())
        result = finished(picture, match.recipe)
        noise, sharp = noise_beside(result, flat), transfer_beside(result, round_)
        rows.append(
            (
                _method(recipe).name,
                f"{alone:.2f}",
                f"{100 * match.recipe.strength:.1f} %",
                f"{region_beside(result, flat).after.sd:.2f}",
                f"{noise.shift:+.1f} %",
                f"{sharp.before.f50:.3f} → {sharp.after.f50:.3f}",
                f"{region_beside(result, flat).moved:+.2f}",
            )
        )
    return rows


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--methods", nargs="*", default=["bilateral", "nlm", "adaptive-bilateral"])
    given = parser.parse_args()
    table(("field", "integral / variance", "mean frequency / true"), noise_rows(given.draws))
    table(
        ("shape", "contrast to noise", "largest error", "f50 off, median", "f50 off, worst"),
        transfer_rows(given.draws),
    )
    table(("measure", "first, ms", "again, ms"), timing_rows())
    table(
        (
            "method",
            "sd as it is, HU",
            "strength",
            "sd, HU",
            "texture shift",
            "f50, cycles/mm",
            "mean moved, HU",
        ),
        equal_rows(given.methods),
    )


if __name__ == "__main__":
    main()
