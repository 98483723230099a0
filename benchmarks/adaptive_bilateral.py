"""How good the adaptive bilateral filter is, beside what it must beat and what cannot be beaten.

    .venv/bin/pip install -e .[benchmarks]
    .venv/bin/python benchmarks/adaptive_bilateral.py --data FOLDER --cache FOLDER --out FOLDER --verdict

Without `--data` only the phantom is used. Finished pieces are kept in `--cache`: run again to go
on. `--cached` prints what is there. `--quick` runs every row on tiny pictures in a minute: it
shows that all of it works, its numbers mean nothing. The whole table takes hours, nearly all of
them in Filter2Noise and ZS-N2N.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from adaptive import checks, report, studio, verdict
from adaptive.cases import ELECTRONIC, Case, Sample, cases
from adaptive.methods import ZS_STEPS, Method, methods
from adaptive.report import Row, Rows
from adaptive.store import Store

from denoise_studio.core.errors import StudioError
from denoise_studio.engine.devices import worker_count
from denoise_studio.noise.estimate import noise_sd

NOTES = f"""PSNR with a range of 2000 HU (255 DN for photographs); SSIM with the same range, values
counted from its low end (-1000 HU), a Gaussian window of sd 1.5 px over 11 x 11; both inside the circle
that every view sees. Every CT picture is the middle 256 x 256 pixels of a 512 x 512 slice. Doses are
simulated in the projections: 720 views, electronic noise {ELECTRONIC:g} photons, soft (Hann) or sharp
(Ram-Lak) kernel. Real slices lose most of their own noise first (non-local means; not with `--raw`);
what is left counts as truth and is told beside each picture. BM3D is told the noise that was added
(median sd over the field; or its power spectrum, smoothed). Rows marked (bound) know the truth. Seconds
are of fit and filter: of one thread's work for BM3D and ZS-N2N, else on the wall, with this machine as
busy as it was."""


class Table:
    """Everything printed, kept for the file."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def print(self, line: str) -> None:
        print(line, flush=True)
        self.lines.append(line)


def run_picture(case: Case, rows: list[Method], store: Store, options: Any) -> Iterator[Row]:
    """The rows of one picture, from the cache or made now."""
    sample: Sample | None = None
    for method in rows:
        key = f"row 1 {method.id} {method.depends} {case.key}"
        if options.cached and not store.has(key):
            continue
        if not store.has(key):
            sample = sample or case.sample(store)
        try:
            found = store.json(key, lambda m=method, s=sample: compute(m, s))
        except StudioError as error:
            print(f"{case.group}, {case.scene}, {method.label}: {error}", file=sys.stderr)
            continue
        yield Row(case.group, case.scene, method.id, method.label, **found)


def compute(method: Method, sample: Sample) -> dict[str, Any]:
    output = method.run(sample)
    psnr, ssim = sample.score(output.pixels)
    spread = output.spread(sample.field)
    return {"psnr": psnr, "ssim": ssim, "seconds": output.seconds, "spread": spread, "note": output.note}


def facts(case: Case, store: Store) -> str:
    """What is known of a picture's noise."""

    def measure() -> dict[str, float | None]:
        sample = case.sample(store)
        added = float(sample.noise[:, sample.field].std())
        return {"added": added, "estimate": noise_sd(sample.noisy), "own": sample.own_noise()}

    known = store.json(f"facts 2 {case.key}", measure)
    own = "" if known["own"] is None else f"; the truth's own, in its flattest parts: {known['own']:.1f}"
    return f"noise added: sd {known['added']:.1f}; the program's estimate: {known['estimate']:.1f}{own}"


def run_checks(table: Table, store: Store, code: str, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """HU and time of the adaptive filter."""
    table.print("\n## Flat discs of the phantom: change of the mean, HU\n")
    table.print("| photons | disc | pixels | bias | largest in one picture |\n|---|---|---|---|---|")
    flat = checks.flat_bias(store, code, quick)
    for e in flat:
        line = f"{e['photons']:.3g} | {e['disc']} | {e['pixels']} | {e['bias']:+.2f} | {e['largest']:.2f}"
        table.print(f"| {line} |")
    table.print("\n## Within 3 px of a border: mean error, HU\n\n| border | pixels | bias |\n|---|---|---|")
    borders = checks.border_bias(store, code)
    for e in borders:
        said = f"{e['bias']:+.2f}" if "bias" in e else "yes" if e["kept"] else "NO"
        table.print(f"| {e['border']} | {e['pixels']} | {said} |")
    table.print("\n## Time, median of 3\n")
    table.print("| side | fit and filter, s | filter, s | core s/megapixel |\n|---|---|---|---|")
    times = []
    for e in checks.times(quick):
        times.append(e)
        line = f"{e['side']} | {e['seconds']:.2f} | {e['filter']:.3f} | {e['per_megapixel']:.2f}"
        table.print(f"| {line} |")
    return {"flat": flat, "borders": borders, "time": times}


def arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with ct/ and photos/pairs/")
    parser.add_argument("--cache", type=Path, help="folder for finished pieces (default: a temporary one)")
    parser.add_argument("--out", type=Path, help="folder for the Markdown and JSON copies")
    parser.add_argument("--only", help="these methods alone, by id or group: noisy,bm3d,filter2noise-1,...")
    parser.add_argument("--sets", help=f"these pictures alone, by beginning: {', '.join(report.SETS)}")
    parser.add_argument("--quick", action="store_true", help="tiny pictures, few steps")
    parser.add_argument("--cached", action="store_true", help="print what is in the cache, compute no row")
    parser.add_argument("--verdict", action="store_true", help="one line for each promise at the end")
    parser.add_argument("--raw", action="store_true", help="real slices with all of their own noise as truth")
    parser.add_argument("--no-checks", action="store_true", help="leave out HU, borders and time")
    parser.add_argument("--zs-steps", type=int, default=ZS_STEPS, help="training steps of ZS-N2N")
    return parser.parse_args()


def chosen(options: Any) -> list[Method]:
    wanted = options.only.split(",") if options.only else None
    rows = methods(options.quick, options.zs_steps)
    if unknown := set(wanted or ()) - {m.id for m in rows} - {m.group for m in rows}:
        raise SystemExit(f"Unknown: {', '.join(sorted(unknown))}. There are {', '.join(m.id for m in rows)}.")
    rows = tuple(m for m in rows if wanted is None or m.id in wanted or m.group in wanted)
    for method in rows:
        if method.missing:
            print(f"Skipped: {method.label}: {method.missing}.")
    return [method for method in rows if not method.missing]


def main() -> None:
    options = arguments()
    store = Store(options.cache or Path(tempfile.mkdtemp(prefix="adaptive-bilateral-")))
    table, rows = Table(), Rows()
    if options.quick:
        table.print("**QUICK: tiny pictures and few steps; the numbers mean nothing.**\n")
    table.print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads, "
        f"Python {platform.python_version()}. {NOTES}\n"
    )
    print(f"Cache: {store.folder}", file=sys.stderr)
    picked = chosen(options)
    starts = tuple(options.sets.split(",")) if options.sets else ("",)
    for case in cases(options.data, options.quick, options.raw):
        if not case.group.startswith(starts):
            continue
        head = False
        for row in run_picture(case, picked, store, options):
            if not head:
                table.print(
                    f"\n#### {case.group}, {case.scene} ({facts(case, store)})\n\n{report.PICTURE_HEAD}"
                )
                head = True
            rows.add(row)
            table.print(report.picture_line(row))
    table.print("\n## Summary")
    for line in report.summary(rows):
        table.print(line)
    found: dict[str, list[dict[str, Any]]] = {}
    adaptive = [method for method in picked if method.id == studio.ADAPTIVE]
    if adaptive and not options.no_checks:
        found = run_checks(table, store, adaptive[0].depends, options.quick)
    if options.verdict:
        table.print("\n## Verdict")
        for line in verdict.lines(rows, found):
            table.print(line)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "adaptive_bilateral.md").write_text("\n".join(table.lines) + "\n")
        everything = {"rows": [row.describe() for row in rows.all], "checks": found}
        (options.out / "adaptive_bilateral.json").write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
