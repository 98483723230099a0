"""How long until the window is there, and until the sample stands in it, on this machine.

    .venv/bin/python benchmarks/start_up.py [--rounds N]

Starts the real program anew each time, offscreen, with the compiled kernels cached (a first
start ever compiles them once). Prints a Markdown table of medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

_PROGRAM = """
import sys, tempfile, time
from pathlib import Path
from denoise_studio.gui.launch import application
app = application("dark")
from denoise_studio.gui.main_window import MainWindow
from denoise_studio.gui.settings import SettingsFile
folder = Path(tempfile.mkdtemp())
window = MainWindow(SettingsFile(folder), folder)
window.show()
app.processEvents()
shown = time.time()
window.files.do_open_sample()
while window.compare.before.image.image is None:
    app.processEvents()
before = time.time()
while not (window.document.is_final and window.bridge.idle):
    app.processEvents()
done = time.time()
print(shown, before, done, "torch" in sys.modules)
window.close()
window.bridge.join()
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    times, torch = [], set()
    for _ in range(rounds + 1):
        # The clock starts before Python does, as it does for a person.
        start = time.time()
        output = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        times.append([float(moment) - start for moment in output[:3]])
        torch.add(output[3])
    medians = [statistics.median(column) for column in zip(*times[1:], strict=True)]
    print(f"Medians of {rounds} starts after one to warm up; torch loaded: {', '.join(sorted(torch))}.\n")
    print("| from the command to | seconds | claim |\n|---|---|---|")
    claims = ("before torch is loaded", "within 3 s", "")
    names = ("window visible", "sample on screen", "its result on screen, histogram and read-outs done")
    for name, seconds, claim in zip(names, medians, claims, strict=True):
        print(f"| {name} | {seconds:.2f} | {claim} |")


if __name__ == "__main__":
    main()
