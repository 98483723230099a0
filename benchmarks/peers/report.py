"""From results to Markdown tables."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from denoise_studio.engine.devices import worker_count
from peers.pictures import PAIRS, SIGMAS
from peers.rows import Rows

PUBLISHED = {
    "Set12": {
        "BM3D": (32.37, 29.97, 26.72),
        "DnCNN": (32.86, 30.44, 27.18),
        "FFDNet": (32.75, 30.43, 27.32),
        "DRUNet": (33.25, 30.94, 27.90),
    },
    "BSD68": {
        "BM3D": (31.07, 28.57, 25.62),
        "DnCNN": (31.73, 29.23, 26.23),
        "FFDNet": (31.63, 29.19, 26.29),
        "DRUNet": (31.91, 29.48, 26.59),
    },
    "CBSD68": {
        "BM3D": (33.52, 30.71, 27.38),
        "DnCNN": (33.90, 31.24, 27.95),
        "FFDNet": (33.87, 31.21, 27.96),
        "DRUNet": (34.30, 31.69, 28.51),
    },
}
"""PSNR at `SIGMAS`, from the papers (in colour BM3D is CBM3D, DnCNN its colour form)."""
HARM = 0.1
"""dB that a camera pair may lose."""
NOTES = """White noise of that sd in 255ths, float32, not clipped, its seed the picture's number: every method
gets the same noisy picture. PSNR (range 255) and SSIM (Gaussian window of sd 1.5 over 11 x 11, mean over
channels) of results clipped to the range and not rounded; means over the pictures of a set. Where a mean
is not of the whole set, the number of its pictures stands beside it, and only the verdict compares it:
with the others on the same pictures."""


def head() -> Iterator[str]:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads"
    yield f"{machine}, Python {platform.python_version()}.\n{NOTES}"


def published(name: str, peer: str, sigma: float | None) -> float | None:
    """dB, None where the papers have none."""
    values = PUBLISHED.get(name, {}).get(peer)
    return values[SIGMAS.index(sigma)] if values and sigma in SIGMAS else None


def tables(rows: Rows, sets: list[str]) -> Iterator[str]:
    """One for each set."""
    for name in (Path(word).name for word in sets):
        if rows.methods(name):
            yield from _pairs(rows) if name == PAIRS else _white(rows, name)


def _white(rows: Rows, name: str) -> Iterator[str]:
    sigmas = rows.sigmas(name)
    yield f"\n## {name}, {rows.wanted(name, sigmas[0])} pictures: PSNR dB / SSIM\n"
    yield f"| method | {' | '.join(f'σ {sigma:g}' for sigma in sigmas)} |\n|---|{'---|' * len(sigmas)}"
    for method in rows.methods(name):
        yield f"| {rows.labels[method]} | {' | '.join(_cell(rows, name, s, method) for s in sigmas)} |"
    for peer in PUBLISHED.get(name, {}):
        numbers = [published(name, peer, sigma) for sigma in sigmas]
        cells = ["" if number is None else f"{number:.2f}" for number in numbers]
        yield f"| *{peer}: published, not measured* | {' | '.join(cells)} |"


def _cell(rows: Rows, name: str, sigma: float | None, method: str) -> str:
    mean = rows.mean(name, sigma, method)
    if mean is None:
        return "not run"
    wanted = rows.wanted(name, sigma)
    partly = f" ({mean.pictures} of {wanted})" if mean.pictures < wanted else ""
    return f"{mean.psnr:.2f} / {mean.ssim:.4f}{partly}"


def _pairs(rows: Rows) -> Iterator[str]:
    """Gains over the noisy picture."""
    yield f"\n## Camera pairs, {rows.wanted(PAIRS, None)} pictures: gain over the noisy one, dB\n"
    yield f"| method | mean PSNR | mean gain | least gain | fall by more than {HARM} dB | pictures |"
    yield "|---|---|---|---|---|---|"
    for method in rows.methods(PAIRS):
        mean = rows.mean(PAIRS, None, method)
        gains = gains_of(rows, method)
        if mean is None or not gains:
            continue
        least = min(gains, key=gains.__getitem__)
        fallen = sum(gain < -HARM for gain in gains.values())
        cells = f"{mean.psnr:.2f} | {fmean(gains.values()):+.2f} | {gains[least]:+.2f} ({least}) | {fallen}"
        yield f"| {pair_label(rows, method)} | {cells} | {len(gains)} |"


def pair_label(rows: Rows, method: str) -> str:
    """What a method is called where nothing is told."""
    return "BM3D, told the true sd of each channel" if method == "bm3d" else rows.labels[method]


def gains_of(rows: Rows, method: str) -> dict[str, float]:
    """By pair, dB over the noisy picture."""
    mine, before = rows.get(PAIRS, None, method), rows.get(PAIRS, None, "noisy")
    return {name: row.psnr - before[name].psnr for name, row in mine.items() if name in before}
