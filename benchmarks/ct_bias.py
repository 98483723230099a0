"""Whether the studio's default moves Hounsfield units: flat tissue at simulated doses, before and after.

    .venv/bin/python benchmarks/ct_bias.py [--seeds 6] [--kernels standard sharp] [--doses 0.5 0.25 0.1]

The clean CT sample gets the noise of a full dose of 8 HU in soft tissue (a standard abdomen) and of
fractions of it, made in the projections, and is denoised as a person gets it who opens it and exports.
For each of the phantom's flat discs:

- before, after: what its mean is off the truth, root mean square over all draws of the noise;
- bias: how far the filter moves the mean, averaged over all draws, with its standard error. Every draw
  comes with both signs, so that what noise itself moves cancels;
- largest: the largest move in any one slice;
- Gauss: the same for a Gaussian filter that takes as much noise. It is linear and has no bias: what it
  moves is noise that passes the disc's border.

Then the guard of means (`engine.bias_guard`) on the flat squares that it finds by itself.
"""

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from denoise_studio.core.picture import Picture
from denoise_studio.engine.bias_guard import Guard, bias_guard
from denoise_studio.engine.dose_plan import DoseSlice, DoseWish, percent
from denoise_studio.engine.render import render
from denoise_studio.engine.resolve import default_recipe
from denoise_studio.engine.simulating_ct import simulated
from denoise_studio.formats import open_picture
from denoise_studio.noise.ct.kernels import kernel_named
from denoise_studio.noise.phantom import FLAT

SAMPLE = Path(__file__).parents[1] / "resources" / "samples" / "ct-phantom-clean.dcm"
FULL_SD = 8.0


@dataclass(frozen=True)
class Draw:
    """Means of a disc less the truth: before, after, and after a Gaussian; and the noise's sd in it."""

    before: float
    after: float
    gauss: float
    sd: float


def sigma_for(noise: Any, sd: float) -> float:
    """Of the Gaussian filter that leaves this sd of a noise."""
    low, high = 0.0, 12.0
    for _ in range(12):
        sigma = (low + high) / 2
        low, high = (sigma, high) if gaussian_filter(noise, sigma).std() > sd else (low, sigma)
    return (low + high) / 2


def draws(ready: DoseSlice, kernel: str, dose: float, seeds: int) -> Iterator[tuple[list[Draw], Guard]]:
    """Every draw of the noise, then the same with the other sign."""
    truth = ready.picture.pixels[0]
    for seed in range(seeds):
        wish = DoseWish(dose, kernel_named(kernel), sd=FULL_SD, clean=True, seed=seed)
        noise = simulated(ready.picture, wish, ready=ready).pixels[0] - truth
        yield from (draw(ready.picture, sign * noise) for sign in (1, -1))


def draw(clean: Picture, noise: Any) -> tuple[list[Draw], Guard]:
    truth = clean.pixels[0]
    noisy = clean.derive((truth + noise)[None])
    result = render(noisy, default_recipe(noisy))
    rest = result.pixels[0] - truth
    masks = [disc.mask(truth.shape[0]) for disc in FLAT]
    # As much noise as is left in the liver: elsewhere edges would count too.
    y, x = (slice(line.min(), line.max() + 1) for line in np.nonzero(masks[0]))
    blurred = gaussian_filter(noise, sigma_for(noise[y, x], float(rest[y, x].std())))
    found = [
        Draw(*(float(values[mask].mean()) for values in (noise, rest, blurred)), float(noise[mask].std()))
        for mask in masks
    ]
    return found, bias_guard(noisy, result)


def rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def row(name: str, found: list[Draw]) -> str:
    moved = [draw.after - draw.before for draw in found]
    bias = [(one + other) / 2 for one, other in zip(moved[::2], moved[1::2], strict=True)]
    error = statistics.stdev(bias) / len(bias) ** 0.5 if len(bias) > 1 else float("nan")
    cells = [
        name,
        f"{statistics.fmean(draw.sd for draw in found):.1f}",
        f"{rms([draw.before for draw in found]):.2f}",
        f"{rms([draw.after for draw in found]):.2f}",
        f"{statistics.fmean(bias):+.2f} ± {error:.2f}",
        f"{max(map(abs, moved)):.2f}",
        f"{max(abs(draw.gauss - draw.before) for draw in found):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--kernels", nargs="+", default=["standard", "sharp"])
    parser.add_argument("--doses", nargs="+", type=float, default=[0.5, 0.25, 0.1])
    options = parser.parse_args()
    ready = DoseSlice(open_picture(SAMPLE))
    for kernel in options.kernels:
        for dose in options.doses:
            made = list(draws(ready, kernel, dose, options.seeds))
            print(f"\n### {kernel} kernel, {percent(dose)} of a dose with {FULL_SD:g} HU\n")
            print("| disc | noise, HU | before | after | bias | largest | Gauss |\n|" + "---|" * 7)
            for number, disc in enumerate(FLAT):
                print(row(disc.name, [found[number] for found, _ in made]))
            guards = [guard for _, guard in made]
            flagged = sum(len(guard.flagged) for guard in guards)
            squares = sum(len(guard.moved) for guard in guards)
            worst = max(abs(moved.amount) for guard in guards for moved in guard.moved)
            print(
                f"\nGuard of means: {flagged} of {squares} flat squares flagged, worst move {worst:.2f} HU."
            )


if __name__ == "__main__":
    main()
