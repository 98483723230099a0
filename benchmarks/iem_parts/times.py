"""Milliseconds for a pair of pictures: the first number and a converged one, beside PSNR and SSIM."""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np

from denoise_studio.metrics import measure
from denoise_studio.metrics.iem.measure import Options, improving
from iem_parts.distortions import picture
from iem_parts.judges import there

TOLERANCE = 0.005


def pair(side: int, channels: int) -> tuple[Any, Any]:
    """A smooth picture with edges, and with noise of sd 10."""
    y, x = np.mgrid[:side, :side] / 64.0
    one = 128 + 60 * np.sin(x) * np.cos(y) + 50 * ((x + y) % 2 > 1)
    pixels = np.repeat(one[None], channels, axis=0)
    return picture(pixels + np.random.default_rng(0).normal(0, 10, pixels.shape)), picture(pixels)


def _milliseconds(call: Callable[[], Any], rounds: int) -> str:
    call()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return f"{1000 * median(seconds):.1f}"


def _devices(prior: str) -> list[str]:
    if prior != "network":
        return ["cpu"]
    import torch

    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def table(quick: bool, rounds: int) -> Iterator[str]:
    sides = (256,) if quick else (256, 512)
    shapes = [(side, channels) for side in sides for channels in (1, 3)]
    heads = [f"{side}, {'grey' if channels == 1 else 'colour'}" for side, channels in shapes]
    yield f"\n## Milliseconds a pair, first number / error at most {TOLERANCE:.1%} (median of {rounds})\n"
    yield f"| | {' | '.join(heads)} |\n|---|{'---|' * len(shapes)}"
    names = {channels: there(channels) for channels in (1, 3)}
    for prior in dict.fromkeys([*names[1], *names[3]]):
        for device in _devices(prior):
            cells = [
                _cell(prior, device, pair(*shape), rounds) if prior in names[shape[1]] else "no weights"
                for shape in shapes
            ]
            yield f"| {prior}, {device} | {' | '.join(cells)} |"
    for name in ("psnr", "ssim"):
        cells = [_usual(name, pair(*shape), rounds) for shape in shapes]
        yield f"| {name.upper()} | {' | '.join(cells)} |"


def _cell(prior: str, device: str, pictures: tuple[Any, Any], rounds: int) -> str:
    options = Options(prior=prior, tolerance=TOLERANCE, device=device)
    first = _milliseconds(lambda: next(improving(*pictures, options)), rounds)
    last = _milliseconds(lambda: list(improving(*pictures, options)), max(1, rounds // 3))
    start, *_, end = [*improving(*pictures, options)] * 2
    covers = "covers" if abs(start.value - end.value) <= start.error + end.error else "MISSES"
    return f"{first} / {last} ({covers})"


def _usual(name: str, pictures: tuple[Any, Any], rounds: int) -> str:
    return _milliseconds(lambda: measure(*pictures, [name]), rounds)
