"""Low-dose CT: how near the simulation comes to what it promises, and how long it takes.

    .venv/bin/python benchmarks/ct_dose.py [--only variance spectrum mean measured speed] [--data FOLDER]

- variance: of the added noise in an elliptic patient, over what the closed forms of its projections and
  a reconstruction that shares no code with the package (`tests/noise/ct_phantoms.py`) make of it;
- spectrum: radial, over |f| window^2 with the interpolation's roll-off and aliases, in tenths of the limit;
- mean: of the noise in soft tissue, HU, down to where hardly a photon comes through;
- measured: the noise that is read in the phantom and, with --data, in real slices, and the kernel found;
- speed: seconds for 512 x 512 and 720 views, beside scikit-image's radon and iradon.
"""

import argparse
import itertools
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests" / "noise"))
from ct_phantoms import PATIENT, Ellipse, analytic_lines, draw, pixels, taps, variance_at

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.engine.dose_plan import DoseSlice, DoseWish
from denoise_studio.engine.workers import spread
from denoise_studio.formats import open_picture
from denoise_studio.noise.ct.calibration import measured_sd, sensitivity
from denoise_studio.noise.ct.kernels import kernel_named
from denoise_studio.noise.ct.low_dose import Dose, Projections, Scanner, added_noise
from denoise_studio.noise.ct.projection import Geometry, filtered_back_projection, project
from denoise_studio.noise.ct.texture import pixel_power
from denoise_studio.noise.phantom import FIELD_OF_VIEW, phantom

SIZE, SPACING, VIEWS = 192, 1.9, 288
GEOMETRY = Geometry(SIZE, SIZE, (SPACING, SPACING), VIEWS)
LINE = pixels(SIZE, SPACING)
INSIDE = Ellipse(136, 96, 0)
TISSUE = INSIDE.inside(LINE[None, :], LINE[:, None])
FRACTIONS = (0.5, 0.25, 0.1, 0.05)
REAL = ("cornerstone_CTImage.dcm", "dicompyler_ct0.dcm", "693_UNCR.dcm", "CT1_RLE")


def seen() -> Projections:
    return Projections.of(draw(PATIENT, SIZE, SIZE, SPACING), GEOMETRY)


def variance(_: Path | None) -> None:
    angles = np.arange(VIEWS) * np.pi / VIEWS
    offsets = (np.arange(400) - 199.5) * SPACING
    points = [(x, y) for x in LINE[3::9] for y in LINE[3::9] if INSIDE.inside(x, y)]
    ramp = taps(None, 190, SPACING)
    patient = seen()
    print(
        "| photons | fewest behind the patient | electronic | "
        + " | ".join(f"{f:g}" for f in FRACTIONS)
        + " |"
    )
    print("|" + "---|" * (3 + len(FRACTIONS)))
    for photons, electronic in ((2e6, 0.0), (2e6, 40.0), (2e5, 0.0), (2e5, 10.0)):
        counts = photons * np.exp(-analytic_lines(PATIENT, angles, offsets))
        parts = [
            float(np.mean([variance_at(x, y, counts**-order, angles, offsets, ramp) for x, y in points]))
            for order in (1.0, 2.0)
        ]
        row = []
        for fraction in FRACTIONS:
            scanner, dose = Scanner(photons, electronic, kernel_named("ramp")), Dose(fraction)
            found = np.mean([added_noise(patient, scanner, dose, s, spread)[TISSUE].var() for s in range(12)])
            told = (1 / fraction - 1) * parts[0] + (1 / fraction**2 - 1) * electronic**2 * parts[1]
            row.append(f"{found / told:.3f}")
        print(f"| {photons:g} | {counts.min():.0f} | {electronic:g} | " + " | ".join(row) + " |")


def spectrum(_: Path | None) -> None:
    limit = 0.5 / SPACING
    edges = np.linspace(0.1, 0.9, 9)
    print("| kernel | " + " | ".join(f"{a:.1f}-{b:.1f}" for a, b in itertools.pairwise(edges)) + " |")
    print("|" + "---|" * len(edges))
    nothing = Projections(GEOMETRY, np.zeros((VIEWS, GEOMETRY.bins), np.float32))
    window = np.hanning(SIZE)[:, None] * np.hanning(SIZE)
    line = np.fft.fftfreq(SIZE, SPACING)
    frequency = np.hypot(line[:, None], line)
    for name in ("ramp", "shepp-logan", "hann", "soft"):
        scanner = Scanner(1e4, 0.0, kernel_named(name))
        noise = [added_noise(nothing, scanner, Dose(1.0, clean=True), s, spread) for s in range(12)]
        power = np.mean([np.abs(np.fft.fft2(n * window)) ** 2 for n in noise], axis=0)
        power *= SPACING**2 / (window**2).sum()
        expected = pixel_power(scanner.kernel, SPACING, SIZE) * (1e-4 * 720 / VIEWS * (1000 / 0.0193) ** 2)
        row = []
        for low, high in itertools.pairwise(edges * limit):
            band = (frequency >= low) & (frequency < high)
            row.append(f"{power[band].mean() / expected[band].mean():.3f}")
        print(f"| {name} | " + " | ".join(row) + " |")


def mean(_: Path | None) -> None:
    patient = seen()
    print("| photons | fraction | electronic | fewest counts | noise, HU | mean, HU |\n|" + "---|" * 6)
    for photons, fraction, electronic in (
        (1e6, 0.05, 5.0), (2e5, 0.05, 0.0), (2e5, 0.05, 5.0),
        (5e4, 0.05, 0.0), (5e4, 0.05, 5.0), (1e4, 0.05, 0.0),
    ):  # fmt: skip
        scanner = Scanner(photons, electronic, kernel_named("standard"))
        noises = [added_noise(patient, scanner, Dose(fraction), s, spread)[TISSUE] for s in range(100)]
        means = [float(noise.mean()) for noise in noises]
        fewest = float(patient.counts(scanner).min()) * fraction
        sd = statistics.fmean(float(noise.std()) for noise in noises)
        error = statistics.stdev(means) / len(means) ** 0.5
        cells = (f"{photons:g}", f"{fraction:g}", f"{electronic:g}", f"{fewest:.1f}", f"{sd:.0f}")
        print("| " + " | ".join(cells) + f" | {statistics.fmean(means):+.3f} ± {error:.3f} |")


def measured(data: Path | None) -> None:
    print("| slice | noise, HU | read | kernel ends, /mm | found |\n|" + "---|" * 5)
    anatomy, spacing = phantom(512), FIELD_OF_VIEW / 512
    geometry = Geometry(512, 512, (spacing, spacing))
    clean = Projections.of(anatomy, geometry, run=spread)
    for name in ("soft", "standard", "sharp"):
        for photons in (4e6, 1e6, 2e5, 5e4):
            scanner = Scanner(photons, 0.0, kernel_named(name))
            noisy = anatomy + added_noise(clean, scanner, Dose(1.0, clean=True), 1, spread)
            known = sensitivity(noisy, Projections.of(noisy, geometry, run=spread), scanner, run=spread)
            found = measured_sd(noisy, known, scanner, spacing) or 0.0
            ready = DoseSlice(Picture(noisy[None], Scale.HU, "HU", spacing=(spacing, spacing)))
            kernel = f"{scanner.kernel.cutoff} | {ready.matched.cutoff}"
            print(f"| phantom, {name}, {photons:g} | {known.sd(photons, 0.0):.1f} | {found:.1f} | {kernel} |")
    for name in REAL if data is not None else ():
        picture = open_picture(data / "ct" / name)  # type: ignore[operator]
        ready = DoseSlice(picture)
        plan = ready.plan(DoseWish())
        facts = picture.source.summary if picture.source is not None else {}
        print(f"| {name} ({facts.get('kernel', '')}) | | {plan.full_sd:.1f} | | {ready.matched.cutoff} |")


def speed(_: Path | None) -> None:
    from skimage.transform import iradon, radon

    spacing = FIELD_OF_VIEW / 512
    anatomy, geometry = phantom(512), Geometry(512, 512, (spacing, spacing))
    attenuation = np.maximum(1 + anatomy / 1000, 0).astype(np.float32) * np.float32(0.0193)
    lines = project(attenuation, geometry, spread)
    patient = Projections.of(anatomy, geometry, run=spread)
    scanner = Scanner(1e6)
    picture = Picture(anatomy[None], Scale.HU, "HU", spacing=(spacing, spacing))
    angles = np.linspace(0, 180, 720, endpoint=False)
    warnings.simplefilter("ignore", UserWarning)  # of the corners, which their circle leaves out
    theirs = radon(attenuation, angles, circle=True)
    rows: tuple[tuple[str, Callable[[], Any], int], ...] = (
        ("projection", lambda: project(attenuation, geometry, spread), 5),
        ("projection, scikit-image", lambda: radon(attenuation, angles, circle=True), 1),
        ("back-projection", lambda: filtered_back_projection(lines, geometry, scanner.kernel, spread), 5),
        ("back-projection, scikit-image", lambda: iradon(theirs, angles, filter_name="hann"), 1),
        (
            "counts, noise and back-projection",
            lambda: added_noise(patient, scanner, Dose(0.25), 1, spread),
            5,
        ),
        ("a slice made ready: projected and measured", lambda: DoseSlice(_again(picture)), 3),
    )
    print("| 512 x 512, 720 views | seconds |\n|---|---|")
    for name, work, count in rows:
        work()
        taken = []
        for _ in range(count):
            started = time.perf_counter()
            work()
            taken.append(time.perf_counter() - started)
        print(f"| {name} | {statistics.median(taken):.2f} |")


def _again(picture: Picture) -> Picture:
    """The same as another picture, of which nothing is known yet."""
    return picture.derive(picture.pixels.copy())


PARTS = {"variance": variance, "spectrum": spectrum, "mean": mean, "measured": measured, "speed": speed}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--data", type=Path, help="folder with ct/ and real slices in it")
    options = parser.parse_args()
    for name in options.only:
        print(f"\n### {name}\n")
        PARTS[name](options.data)


if __name__ == "__main__":
    main()
