"""How long a large raw file takes: estimate, first visible tile after a slider move, all of it, memory.

    .venv/bin/python benchmarks/raw_speed.py [--megapixels 24 100] [--moves 5]

Each size runs in a process of its own, with a synthetic mosaic of 14 bits, in a view of 1200 x 800 pixels at
1:1. "visible" is from the move of the slider until every pixel in view is final and drawn; "first tile" until
the first response with a tile of the view. Memory is the peak of the process less that of the same process
before the mosaic was made (Linux).
"""

import argparse
import resource
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture, Scale, Stored
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.engine.display import default_levels, show_part
from denoise_studio.engine.render import compose, render_in_full
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.engine.session import Request, Response, Session

BLACK, WHITE, GAIN, READ = 512.0, 16383.0, 2.0, 6.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megapixels", nargs="*", type=int, default=[24, 100])
    parser.add_argument("--moves", type=int, default=5)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.one, options.moves)
        return
    names = ("megapixels", "coarse estimate", "fit", "first tile", "visible", "fit to window")
    print("| " + " | ".join((*names, "whole picture", "equal", "memory")) + " |")
    print("|" + "---|" * 9)
    for size in options.megapixels:
        command = [sys.executable, __file__, "--one", str(size), "--moves", str(options.moves)]
        subprocess.run(command, check=True)


def mosaic_picture(megapixels: int) -> Picture:
    """Shading, patches and stripes with sensor noise."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5) // 64 * 64
    width = round(height * 1.5) // 64 * 64
    random = np.random.default_rng(0)
    levels = np.geomspace(30, 12000, (height // 64) * (width // 64)).astype(np.float32)
    sheet = random.permutation(levels).reshape(height // 64, width // 64)
    pixels = np.empty((1, height, width), np.float32)
    for row in range(height // 64):
        light = np.repeat(np.repeat(sheet[row : row + 1], 64, axis=0), 64, axis=1)
        noise = np.sqrt(GAIN * light + READ**2) * random.standard_normal(light.shape, np.float32)
        pixels[0, 64 * row : 64 * row + 64] = np.clip(np.rint(light + noise + BLACK), 0, WHITE)
    names = (("R", 0), ("G1", 1), ("G2", 1), ("B", 2))
    sites = tuple(Photosite(name, colour, BLACK, WHITE) for name, colour in names)
    return Picture(
        pixels,
        scale=Scale.LINEAR,
        unit="DN",
        nominal_range=(BLACK, WHITE),
        stored=Stored("uint16", 14),
        mosaic=Mosaic(((0, 1), (2, 3)), sites),
    )


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Watch:
    """A session with a view, and how long its answers take."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.view = Rect(picture.width // 4, picture.height // 4, 1200, 800).intersect(picture.rect)
        self.levels = default_levels(picture)
        self._done, self._first = threading.Event(), threading.Event()
        self._number = 0
        self.last: Response | None = None
        self.session = Session(self._answer, self._fail, 2**30, lambda news: None)

    def _fail(self, number: int, error: Exception) -> None:
        print(f"failed: {error}", file=sys.stderr)
        self._done.set()
        self._first.set()

    def _answer(self, response: Response) -> None:
        if response.id != self._number:
            return
        self.last = response
        final = response.fitted is not None and response.fitted.final
        if final:
            self._first.set()
        if final and response.layer.is_done(response.recipe, self.view):
            self._done.set()

    def ask(self, recipe: Recipe) -> tuple[float, float]:
        """Seconds until the first tile and until the view is final and drawn."""
        self._done.clear()
        self._first.clear()
        start = time.perf_counter()
        self._number += 1
        self.session.request(Request(self.picture, recipe, self.view))
        self._first.wait()
        first = time.perf_counter() - start
        self._done.wait()
        self.draw(self.view, 1)
        return first, time.perf_counter() - start

    def draw(self, rect: Rect, factor: int) -> float:
        """Seconds that drawing the result takes."""
        start = time.perf_counter()
        response = self.last
        assert response is not None
        layer, recipe = response.layer.pixels, response.recipe
        show_part(
            self.picture, rect, self.levels, factor, lambda part: compose(self.picture, layer, recipe, part)
        )
        return time.perf_counter() - start


def measure(megapixels: int, moves: int) -> None:
    before = peak()
    picture = mosaic_picture(megapixels)
    start = time.perf_counter()
    noise_estimate(picture)
    coarse = time.perf_counter() - start
    watch = Watch(picture)
    _, opened = watch.ask(Recipe("raw-network"))
    found = [watch.ask(Recipe("raw-network", {"noise": 1.0 + 0.1 * (move + 1)})) for move in range(moves)]
    first, visible = (statistics.median(values) for values in zip(*found, strict=True))
    factor = max(1, picture.width // 1200)
    fitted = watch.draw(picture.rect, factor)
    recipe = Recipe("raw-network", {"noise": 1.0 + 0.1 * moves})
    shown = np.array(watch.last.layer.pixels[(slice(None), *watch.view.slices)])  # type: ignore[union-attr]
    watch.session.close()
    steps: list[float] = []
    progress = Progress()
    progress.listen(lambda fraction, text: steps.append(fraction))
    start = time.perf_counter()
    result: Any = render_in_full(picture, recipe, progress).picture.pixels
    whole = time.perf_counter() - start
    equal = bool((result[(slice(None), *watch.view.slices)] == shown).all())
    cells = [
        f"{picture.pixels.size / 1e6:.1f} ({picture.width} x {picture.height})",
        *(f"{seconds:.2f} s" for seconds in (coarse, opened, first, visible, fitted)),
        f"{whole:.0f} s, {len(steps)} steps",
        "yes" if equal else "NO",
        f"{peak() - before:.0f} MB ({picture.pixels.nbytes / 2**20:.0f} MB a picture)",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
