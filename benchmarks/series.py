"""A CT series of 500 slices in the window: first slice, scrolling, memory, saving all of it.

    .venv/bin/python benchmarks/series.py [--slices 500] [--default 24]

Writes a made series of 512 x 512 slices (int16, one file each, names in an order of their own) to a
temporary folder, then measures in processes of their own, offscreen. A step is from the wish for another
slice until both panes show it, the one on the right denoised and final. Memory is the peak of the process
less that of the same process with an empty window (Linux).
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from series_parts import write_series

SIZE = 512
_PATIENCE = 900.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--default", type=int, default=24, help="slices saved with the default method")
    parser.add_argument("--part", choices=("window", "save"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "window":
        window(options.folder)
        return
    if options.part == "save":
        save(options.folder, options.default)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "series"
        write_series(folder, options.slices, SIZE)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
        print(f"{options.slices} slices of {SIZE} x {SIZE}, {size:.0f} MiB on disk\n")
        print("| what | median | worst |\n|---|---|---|", flush=True)
        for part in ("window", "save"):
            command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
            subprocess.run([*command, "--default", str(options.default)], check=True)


def row(what: str, times: list[float], unit: str = "ms") -> None:
    print(f"| {what} | {statistics.median(times):.3g} {unit} | {max(times):.3g} {unit} |", flush=True)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Studio:
    """The window with its event loop turned by hand."""

    def __init__(self) -> None:
        from denoise_studio.gui.launch import application
        from denoise_studio.gui.main_window import MainWindow
        from denoise_studio.gui.settings import SettingsFile

        self.app = application("dark")
        folder = Path(tempfile.mkdtemp())
        self.window = MainWindow(SettingsFile(folder / "settings"), folder / "autosave")
        self.window.show()
        self.drawn: list[int] = []
        self.window.compare.shown.connect(self._shown)

    def _shown(self) -> None:
        if self.window.document is not None:
            self.drawn.append(self.window.document.index)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.perf_counter() + _PATIENCE
        while not condition():
            self.app.processEvents()
            time.sleep(0.0005)  # leave the lock of the interpreter to the lanes
            if time.perf_counter() > end:
                raise SystemExit("nothing happens any more")

    def go(self, index: int) -> float:
        """Milliseconds until the slice is drawn on both sides, denoised."""
        compare = self.window.compare
        started = time.perf_counter()
        self.drawn.clear()
        self.window.slices.go(index)
        document = self.window.document
        assert document is not None
        self.until(
            lambda: (
                document.index == index
                and document.is_final
                and self.drawn.count(index) >= 2
                and self.window.bridge.display.idle
                and not compare.is_ordering
            )
        )
        return 1e3 * (time.perf_counter() - started)


def window(folder: Path) -> None:
    from denoise_studio.core.recipe import Recipe

    studio = Studio()
    studio.until(lambda: studio.window.isVisible())
    empty = peak()
    slices = studio.window.slices
    slices.set_ahead(False)
    started = time.perf_counter()
    studio.window.files.open([folder])
    studio.until(lambda: studio.drawn)
    row("folder to first slice on screen", [time.perf_counter() - started], "s")
    document = studio.window.document
    assert document is not None
    assert document.stack is not None
    studio.until(lambda: document.is_final)
    row("folder to first slice denoised (adaptive, its fit too)", [time.perf_counter() - started], "s")
    document.edit(Recipe(method="bilateral"), "fast")
    studio.until(lambda: document.is_final)
    middle = document.index
    row("step, slice neither open nor denoised (bilateral)", [studio.go(middle + n) for n in range(1, 41)])
    row("step, open and denoised", [studio.go(middle + n % 40) for n in range(1, 121)])
    slices.set_ahead(True)
    ahead = studio.window.bridge.session.ahead
    studio.until(lambda: ahead.idle and len(slices.ready()) > 100)
    ready = len(slices.state.ready if slices.state else ())
    row(
        "step, while nothing else runs, all around ready", [studio.go(middle + n % 90) for n in range(1, 181)]
    )
    row(f"memory beside an empty window, {ready} slices ready (budget 1024 MiB)", [peak() - empty], "MiB")
    studio.window.close()
    studio.window.bridge.join()


def save(folder: Path, count: int) -> None:
    from denoise_studio.engine import batch
    from denoise_studio.engine.wishes import Wishes
    from denoise_studio.formats import find_series

    before = peak()
    started = time.perf_counter()
    (series,) = find_series(folder)
    row(f"finding and sorting {len(series)} files", [time.perf_counter() - started], "s")
    for method, chosen in (("bilateral", len(series)), ("adaptive-bilateral", count)):
        part = type(series)(series.slices[:chosen], series.shape, series.kind, series.open_slice)
        out = folder.parent / method
        started = time.perf_counter()
        report = batch.run_series(part, out, wishes=Wishes(method=method))
        taken = time.perf_counter() - started
        assert report.totals.done == chosen
        row(f"saving {chosen} slices, {method}", [taken], "s")
    row("memory while saving", [peak() - before], "MiB")


if __name__ == "__main__":
    main()
