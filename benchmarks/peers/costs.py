"""What a method costs: milliseconds and memory for 512 x 512."""

import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from peers import studio
from peers.methods import NETWORK, Method, methods
from peers.pictures import Sample, added

SIGMA = 25.0
KINDS = {1: "grey", 3: "colour"}
NOTES = """ms: median of {rounds} runs in turns, {threads} threads asked for (scikit-image has one), after a
first run that loads and compiles; our methods with their noise estimate and fit. MB: how far a process of
its own rises above what it was after such a first run (on 64 x 64), by the kernel's count, so without
weights."""


@functools.cache
def sample(channels: int, side: int = 512) -> Sample:
    """A free photograph of scikit-image with noise."""
    from skimage import data

    clean = np.atleast_3d(data.camera() if channels == 1 else data.astronaut())[:side, :side]
    return added(np.moveaxis(clean, -1, 0).astype(np.float32), SIGMA, 0)


def table(picked: list[Method], threads: int, rounds: int, device: str, script: str) -> Iterator[str]:
    """One line a method."""
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    timed = [method for method in picked if method.white and not method.oracle and method.id != "noisy"]
    yield f"\n## Cost, 512 x 512 at σ {SIGMA:g}\n\n{NOTES.format(rounds=rounds, threads=threads)}\n"
    yield "| method | ms grey | ms colour | MB grey | MB colour | weights MB, grey and colour |"
    yield "|---|---|---|---|---|---|"
    times = {channels: _times(timed, channels, threads, rounds) for channels in KINDS}
    for method in timed:
        cells = [f"{times[channels][method.id]:.0f}" for channels in KINDS]
        for channels in KINDS:
            job = f"{method.id} {channels}"
            line = [sys.executable, script, "--memory-child", job, "--threads", str(threads)]
            cells.append(_memory([*line, "--device", device]))
        weights = " + ".join(f"{size:.1f}" for size in map(method.megabytes, KINDS) if size)
        yield f"| {method.label} | {' | '.join(cells)} | {weights or 'none'} |"
    if any(method.id == NETWORK for method in timed):
        chosen = [f"{studio.precision(sample(c, 64), NETWORK, device)} ({KINDS[c]})" for c in KINDS]
        yield f"\n`{NETWORK}` ran in {', '.join(chosen)}."


def _times(picked: list[Method], channels: int, threads: int, rounds: int) -> dict[str, float]:
    """In turns, so that all see the same neighbours on a shared machine."""
    taken: dict[str, list[float]] = {method.id: [] for method in picked}
    for method in picked:
        method.run(sample(channels, 64), threads)
    for _ in range(rounds):
        for method in picked:
            started = time.perf_counter()
            method.run(sample(channels), threads)
            taken[method.id].append((time.perf_counter() - started) * 1e3)
            print(
                f"{method.id}, {KINDS[channels]}: {taken[method.id][-1]:.0f} ms", file=sys.stderr, flush=True
            )
    return {name: statistics.median(values) for name, values in taken.items()}


def _memory(line: list[str]) -> str:
    if not Path("/proc/self/clear_refs").exists():
        return "not measured"
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return f"{float(done.stdout):.0f}" if done.returncode == 0 else "failed"


def memory_child(job: str, threads: int, device: str) -> None:
    """In a process of its own: prints the MB that a run needs beyond what was there before."""
    name, channels = job.split()
    method: Any = next(method for method in methods(device) if method.id == name)
    big = sample(int(channels))
    method.run(sample(int(channels), 64), threads)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    before = _status("VmRSS")
    method.run(big, threads)
    print((_status("VmHWM") - before) / 1e6)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
