"""How good the network is, beside the denoisers that everybody knows.

    .venv/bin/pip install -e .[benchmarks]
    .venv/bin/python benchmarks/denoisers.py --data FOLDER --cache FOLDER --verdict

Grey Set12 and BSD68, colour CBSD68 with white noise of 15, 25 and 50, and camera pairs. Finished
results are kept in `--cache`, one line each: run again to go on; a method whose code or weights
have changed is run again. `--cached` prints what is there. BM3D takes hours, the rest minutes.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from peers import costs, report, verdict
from peers.methods import Method, methods
from peers.pictures import PAIRS, SETS, SIGMAS, Case, cases
from peers.rows import Row, Rows
from peers.store import Results

from denoise_studio.core.errors import StudioError


def words(text: str) -> list[str]:
    return text.split(",")


def numbers(text: str) -> list[float]:
    return [float(word) for word in words(text)]


def arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with photos/Set12 and so on")
    parser.add_argument("--cache", type=Path, help="folder for finished results (default: a temporary one)")
    parser.add_argument("--only", type=words, help="these methods alone, by id: bm3d,ffdnet,network,...")
    parser.add_argument(
        "--sets",
        type=words,
        default=[*SETS, PAIRS],
        help="these sets alone, in this order; a path names any other folder of clean pictures",
    )
    parser.add_argument("--sigmas", type=numbers, default=[*SIGMAS], help="these levels alone: 15,25,50")
    parser.add_argument("--limit", type=int, help="only so many pictures of each set")
    parser.add_argument("--cached", action="store_true", help="print what is in the cache, compute no row")
    parser.add_argument("--verdict", action="store_true", help="one line for each promise at the end")
    parser.add_argument("--no-times", action="store_true", help="leave out milliseconds and memory")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of each time")
    parser.add_argument("--threads", type=int, default=2, help="for the times; results take one")
    parser.add_argument("--device", default="cpu", help="where the network runs: cpu, cuda, mps")
    parser.add_argument("--out", type=Path, help="file for a copy of what is printed")
    parser.add_argument("--memory-child", help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(options: Any) -> list[Method]:
    """The methods of this run."""
    rows = methods(options.device)
    if unknown := set(options.only or ()) - {m.id for m in rows}:
        raise SystemExit(f"Unknown: {', '.join(sorted(unknown))}. There are {', '.join(m.id for m in rows)}.")
    picked = [m for m in rows if options.only is None or m.id in options.only]
    for method in picked:
        if method.missing:
            print(f"Skipped: {method.label}: {method.missing}.", file=sys.stderr)
    return [method for method in picked if not method.missing]


def result(method: Method, case: Case, store: Results, compute: bool) -> Row | None:
    """From the cache, or made now."""
    key = {"method": method.id, "version": method.fingerprint(case.channels), **case.key()}
    found = store.get(key)
    if found is None and compute:
        sample = case.sample()
        started = time.perf_counter()
        try:
            pixels = method.run(sample, 1)
        except StudioError as error:
            print(f"{case.set} {case.name} {method.id}: {error}", file=sys.stderr)
            return None
        seconds = time.perf_counter() - started
        psnr, ssim = sample.score(pixels)
        found = {"psnr": psnr, "ssim": ssim, "seconds": round(seconds, 3)}
        store.add(key, found)
        level = "" if case.sigma is None else f" σ {case.sigma:g}"
        said = f"{case.set} {case.name}{level} {method.id}: {psnr:.2f} dB, {ssim:.4f}, {seconds:.1f} s"
        print(said, file=sys.stderr, flush=True)
    if found is None:
        return None
    return Row(case.set, case.name, case.sigma, method.id, found["psnr"], found["ssim"])


def collect(options: Any, picked: list[Method], store: Results) -> Rows:
    """Every row of the run; method by method, so that the quick ones are done first."""
    rows = Rows({method.id: method.label for method in methods(options.device)})
    if options.data is None and not all(Path(name).is_absolute() for name in options.sets):
        raise SystemExit("--data must name the folder with photos/Set12 and so on.")
    photos = (options.data or Path()) / "photos"
    work = list(cases(photos, options.sets, options.sigmas))
    rows.expect(work)
    work = [case for case in work if options.limit is None or case.number <= options.limit]
    for method in picked:
        for case in work:
            if method.white if case.sigma is not None else method.pairs:
                row = result(method, case, store, not options.cached)
                if row is not None:
                    rows.add(row)
    return rows


def main() -> None:
    options = arguments()
    if options.memory_child:
        costs.memory_child(options.memory_child, options.threads, options.device)
        return
    store = Results(options.cache or Path(tempfile.mkdtemp(prefix="denoisers-")))
    print(f"Cache: {store.path}", file=sys.stderr)
    picked = chosen(options)
    rows = collect(options, picked, store)
    lines = [*report.head(), *report.tables(rows, options.sets)]
    if not options.no_times:
        lines += costs.table(picked, options.threads, options.rounds, options.device, __file__)
    if options.verdict:
        lines += ["", "## Verdict", "", *verdict.lines(rows)]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
