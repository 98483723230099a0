"""The speed and memory that the first version promises, measured on this machine.

    .venv/bin/python benchmarks/first_light.py [--rounds N]

Prints a Markdown table: medians over the rounds, ratios within the same run, and the claim
beside each. It never fails: a slow or busy machine is no error in the program.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Box, Region
from denoise_studio.engine.devices import worker_count
from denoise_studio.engine.display import Levels, show
from denoise_studio.engine.render import compose, render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.engine.session import Request, Session

SIGMA_R = 0.1


class Row(NamedTuple):
    what: str
    measured: str
    beside: str
    claim: str


def grey(side: int, channels: int = 1) -> Picture:
    """Smooth bumps with noise of sd 0.05 on a range of 0..1."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / 40
    smooth = 0.5 + 0.3 * np.sin(x) * np.cos(y)
    noise = np.random.default_rng(0).normal(0, 0.05, (channels, side, side))
    return Picture((smooth + noise).astype(np.float32))


def bilateral(sigma: float, *regions: Region, strength: float = 1.0) -> Recipe:
    values = Values({"sigma_x": sigma, "sigma_y": sigma, "sigma_r": SIGMA_R})
    return Recipe("bilateral", values, regions=regions, strength=strength, device="cpu")


def time_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e3


def median_ms(call: Callable[[], object], rounds: int) -> float:
    """Median wall time; the first call, which may compile or allocate, does not count."""
    call()
    return statistics.median(time_ms(call) for _ in range(rounds))


def whole_picture(rounds: int) -> Iterator[Row]:
    """Render against cv2.bilateralFilter with the same window and as many threads."""
    picture = grey(512)
    cv2.setNumThreads(worker_count())
    for sigma, window in ((1.5, 7), (2.0, 9), (2.5, 11)):
        recipe = bilateral(sigma)

        def ours(recipe: Recipe = recipe) -> object:
            return render_in_full(picture, recipe)

        def theirs(sigma: float = sigma, window: int = window) -> object:
            return cv2.bilateralFilter(picture.pixels[0], window, SIGMA_R, sigma)

        ours(), theirs()
        # In turns, so that both see the same neighbours on a shared machine; the fastest of each
        # says what the code costs, the median what one gets beside them.
        pairs = [(time_ms(ours), time_ms(theirs)) for _ in range(4 * rounds)]
        (mine, other), (my_best, its_best) = (
            [choose(column) for column in zip(*pairs, strict=True)] for choose in (statistics.median, min)
        )
        yield Row(
            f"bilateral, whole 512 x 512, window {window}",
            f"{mine:.1f} ms, fastest {my_best:.1f} ms",
            f"cv2.bilateralFilter {other:.1f} ms, fastest {its_best:.1f} ms; "
            f"ratio {mine / other:.2f}, of the fastest {my_best / its_best:.2f}",
            "at most 1.5 times cv2" if window == 7 else "",
        )


class Edits:
    """A live session that is asked for one recipe after the other, and waited for."""

    def __init__(self, picture: Picture, method: str = "bilateral") -> None:
        self.picture = picture
        self._done = threading.Event()
        self._newest = 0
        self.errors: list[Exception] = []
        self.session = Session(self._answer, lambda number, error: self._fail(error), 1 << 30)
        self.filtered = 0
        layer = self.session.cache.get(picture, method)
        put = layer.put

        def counting(rect: Rect, pixels: object, recipe: Recipe, complete: bool) -> None:
            self.filtered += rect.area
            put(rect, pixels, recipe, complete)  # type: ignore[arg-type]

        layer.put = counting  # type: ignore[method-assign]

    def _answer(self, response: object) -> None:
        if response.complete:  # type: ignore[attr-defined]
            self._done.set()

    def _fail(self, error: Exception) -> None:
        self.errors.append(error)
        self._done.set()

    def ask(self, recipe: Recipe) -> None:
        self._done.clear()
        self.session.request(Request(self.picture, recipe))
        self._done.wait()
        if self.errors:
            raise self.errors[0]

    def close(self) -> None:
        self.session.close()
        self.session.lane.join()
        self.session.fits.join()


def region_edit(rounds: int) -> Iterator[Row]:
    """A region of 128 x 128 gets another sigma_r: only its rectangle is filtered again."""
    for side in (512, 2048):
        edits = Edits(grey(side))
        box = Box(200, 150, 328, 278)

        def recipe(sigma_r: float, box: Box = box) -> Recipe:
            return bilateral(1.5, Region(shape=box, parameters=Values({"sigma_r": sigma_r})))

        edits.ask(recipe(0.2))
        times, counts = [], []
        for index in range(rounds):
            edits.filtered = 0
            started = time.perf_counter()
            edits.ask(recipe(0.21 + 0.01 * index))
            times.append((time.perf_counter() - started) * 1e3)
            counts.append(edits.filtered)
        edits.close()
        yield Row(
            f"edit in a 128 x 128 region of {side} x {side}",
            f"{statistics.median(times):.1f} ms",
            f"{max(counts)} pixels filtered again of {side * side}",
            "only its rectangle (16384)",
        )


def adaptive_edit(rounds: int) -> Iterator[Row]:
    """The same for the adaptive filter with both stages: the rectangle, and stage 2's reach around it."""
    side = 2048
    edits = Edits(grey(side), "adaptive-bilateral")
    box = Box(200, 150, 328, 278)

    def recipe(factor: float) -> Recipe:
        edit = Region(shape=box, parameters=Values({"smoothing": factor}))
        return Recipe(method="adaptive-bilateral", regions=(edit,), device="cpu")

    edits.ask(recipe(1.1))
    times, counts = [], []
    for index in range(rounds):
        edits.filtered = 0
        started = time.perf_counter()
        edits.ask(recipe(1.1 + 0.01 * (index + 1)))
        times.append((time.perf_counter() - started) * 1e3)
        counts.append(edits.filtered)
    edits.close()
    yield Row(
        f"adaptive filter, edit in a 128 x 128 region of {side} x {side}",
        f"{statistics.median(times):.1f} ms",
        f"{max(counts)} pixels filtered again of {side * side}",
        "on screen within 30 ms",
    )


def cheap_moves(rounds: int) -> Iterator[Row]:
    """What runs no filter: strength, and window/level."""
    for side, view in ((512, Rect(0, 0, 512, 512)), (2048, Rect(0, 0, 1920, 1080))):
        picture = grey(side)
        recipe = resolve(picture, bilateral(1.5, strength=0.6))
        filtered = (picture.pixels * np.float32(0.9)).copy()
        levels = [Levels(0.0, 1.0 + 0.01 * i) for i in range(rounds + 1)]
        where = f"{view.width} x {view.height} in view"
        moves = iter(levels)
        mixed = median_ms(lambda p=picture, f=filtered, r=recipe, v=view: compose(p, f, r, v), rounds)
        pixels = compose(picture, filtered, recipe, view)
        shown = median_ms(lambda p=picture, x=pixels, m=moves: show(p, x, next(m)), rounds)
        yield Row(
            f"strength move, {where}",
            f"{mixed + shown:.1f} ms",
            f"mix {mixed:.1f} ms, show {shown:.1f} ms",
            "under 16 ms",
        )
        yield Row(f"window/level move, {where}", f"{shown:.1f} ms", "", "under 16 ms")


def memory_child(side: int) -> None:
    """In a process of its own: how far the peak rises above the picture while it is rendered."""
    render_in_full(grey(64), bilateral(1.5))  # code is loaded and compiled
    pixels = np.empty((1, side, side), np.float32)
    band = grey(512).pixels[0]
    for y in range(0, side, 512):
        for x in range(0, side, 512):
            part = band[: min(512, side - y), : min(512, side - x)]
            pixels[0, y : y + 512, x : x + 512] = part
    picture = Picture(pixels)
    _ = picture.value_range
    before = _reset_peak()
    rendering = render_in_full(picture, bilateral(1.5))
    extra = _peak() - before
    print(extra / rendering.picture.pixels.nbytes)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def _reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def memory(rounds: int) -> Iterator[Row]:
    """Extra memory of rendering, the result included, in multiples of the picture."""
    side = 4096
    if not Path("/proc/self/clear_refs").exists():
        yield Row("extra memory", "not measured", "needs /proc of Linux", "under 2 pictures")
        return
    line = [sys.executable, __file__, "--memory-child", str(side)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    yield Row(
        f"extra memory, {side} x {side}, result included",
        f"{float(done.stdout):.2f} pictures",
        f"one picture is {side * side * 4 // 2**20} MiB",
        "under 2 pictures",
    )


def start_up(rounds: int) -> Iterator[Row]:
    """From the shell: a process until its end."""
    program = [sys.executable, "-m", "denoise_studio"]
    sample = Path(__file__).resolve().parent.parent / "resources" / "samples" / "ct-phantom.dcm"
    commands = {
        "python, nothing else": [sys.executable, "-c", "pass"],
        "import denoise_studio": [sys.executable, "-c", "import denoise_studio"],
        "denoise-studio --help": [*program, "--help"],
        "denoise-studio info (CT sample)": [*program, "info", str(sample)],
    }
    for what, line in commands.items():
        took = median_ms(
            lambda line=line: subprocess.run(line, capture_output=True, check=True), min(rounds, 7)
        )
        yield Row(
            what, f"{took:.0f} ms", "", "neither torch nor Qt" if "help" in what or "import" in what else ""
        )


PARTS = {
    "bilateral": whole_picture,
    "edit": region_edit,
    "adaptive-edit": adaptive_edit,
    "moves": cheap_moves,
    "memory": memory,
    "start": start_up,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="repetitions of each measurement")
    parser.add_argument("--only", choices=PARTS, help="one part of the table")
    parser.add_argument("--memory-child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_child:
        memory_child(options.memory_child)
        return
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads, "
        f"Python {platform.python_version()}, OpenCV {cv2.__version__}{load}; medians of {options.rounds}.\n"
    )
    print("| what | measured | beside it | claim |\n|---|---|---|---|")
    for name, part in PARTS.items():
        if options.only in (None, name):
            for row in part(options.rounds):
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
