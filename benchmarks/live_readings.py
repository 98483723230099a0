"""How soon the window's read-outs are there, and whether the window waits for them.

    .venv/bin/python benchmarks/live_readings.py [--rounds N]

Opens the real window offscreen on a 256 x 256 part of the bundled photograph, moves the strength
as a drag does, and watches. Prints a Markdown table of medians.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image

from denoise_studio.core.resources import resource
from denoise_studio.gui.launch import application
from denoise_studio.gui.main_window import MainWindow
from denoise_studio.gui.readings import Kind
from denoise_studio.gui.settings import SettingsFile
from denoise_studio.metrics.iem.measure import Options, iem

SIDE = 256
_PATIENCE = 120.0
_DRAG = 4.0
"""Seconds of dragging."""


class Studio:
    """The window with its event loop turned by hand."""

    def __init__(self, folder: Path, channels: int) -> None:
        self.app = application("dark")
        self.window = MainWindow(SettingsFile(folder / "settings"), folder / "autosave")
        self.window.show()
        pixels = np.asarray(Image.open(resource("samples", "photo.png")).convert("RGB"))[
            40 : 40 + SIDE, 150 : 150 + SIDE
        ]
        Image.fromarray(pixels if channels == 3 else pixels.mean(axis=2).astype(np.uint8)).save(
            folder / "part.png"
        )
        self.window.files.open([folder / "part.png"])
        self.until(lambda: self.window.document is not None)
        self.method("bilateral")
        self.window.actions_["readings"].trigger()
        self.settle()

    def until(self, condition: Callable[[], object]) -> None:
        end = time.perf_counter() + _PATIENCE
        while not condition():
            self.app.processEvents()
            time.sleep(0.001)  # a window waits for events, it does not spin
            if time.perf_counter() > end:
                raise SystemExit("the window did not get there")

    def settle(self) -> None:
        self.until(lambda: self.window.is_idle() and not self.window.readings._timer.isActive())

    def method(self, id: str) -> None:
        document = self.window.document
        assert document is not None
        document.choose_method(id)
        self.settle()

    def reading(self):
        readings = self.window.readings
        return readings.of(readings.areas[0], Kind.CHANGED)

    def move(self, strength: float) -> None:
        document = self.window.document
        assert document is not None
        document.edit(document.recipe.replace(strength=strength), "strength", 1)


class Times(NamedTuple):
    """Milliseconds from a move to the result, and from the result to its number."""

    result: float
    number: float
    covered: bool


def numbers(studio: Studio, rounds: int) -> list[Times]:
    """The first number after each of some moves."""
    found = []
    document = studio.window.document
    assert document is not None
    for index in range(rounds + 1):
        studio.settle()
        started = time.perf_counter()
        studio.move(0.5 + 0.4 * (index % 2) + 0.01 * index)
        studio.until(lambda: document.is_final)
        final = time.perf_counter()
        studio.until(lambda: studio.reading().fresh)
        there = time.perf_counter()
        first = studio.reading().value
        after = document.picture.derive(document.result().over(document.picture.rect))
        exact = iem(
            after, document.picture, Options(prior=first.prior, tolerance=0.004, most_calls=2000, seed=7)
        )
        covered = abs(first.value - exact.value) <= first.error + exact.error
        found.append(Times((final - started) * 1e3, (there - final) * 1e3, covered))
    return found[1:]


def drag(studio: Studio) -> tuple[float, float, int]:
    """Frames a second, the longest time between two turns of the event loop in ms, and numbers shown."""
    shown, count = 0, 0
    last = None

    def frame() -> None:
        nonlocal shown
        shown += 1

    studio.window.compare.shown.connect(frame)
    longest, turns, moved = 0.0, time.perf_counter(), 0.0
    end = turns + _DRAG
    while turns < end:
        if turns - moved > 1 / 60:
            moved = turns
            studio.move(0.5 + 0.5 * abs((turns * 0.7) % 2 - 1))
        studio.app.processEvents()
        time.sleep(0.001)
        value = studio.reading().value
        if value is not last:
            last, count = value, count + 1
        now = time.perf_counter()
        longest, turns = max(longest, now - turns), now
    studio.window.compare.shown.disconnect(frame)
    return shown / _DRAG, longest * 1e3, count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; {SIDE} x {SIDE}; medians of {rounds}.\n")
    print(
        "| picture, prior | first number | its bar covers | frames a second in a drag "
        "| longest wait | numbers a second |"
    )
    print("|---|---|---|---|---|---|")
    for channels, kind in ((1, "grey"), (3, "colour")):
        with tempfile.TemporaryDirectory() as folder:
            studio = Studio(Path(folder), channels)
            for prior in ("gaussian", "patch-gmm", "network"):
                studio.window.readings.set_prior(prior)
                studio.settle()
                times = numbers(studio, rounds)
                ms = statistics.median(t.number for t in times)
                covers = sum(t.covered for t in times)
                frames, longest, count = drag(studio)
                print(
                    f"| {kind}, {prior} | {ms:.0f} ms | {covers} of {len(times)} "
                    f"| {frames:.0f} | {longest:.0f} ms | {count / _DRAG:.1f} |"
                )
            studio.settle()
            studio.window.close()
            studio.window.bridge.join()


if __name__ == "__main__":
    main()
