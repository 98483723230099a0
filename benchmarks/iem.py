"""The information-estimation metric: how exact, how fast, and whether it orders as people do.

    .venv/bin/python benchmarks/iem.py --data FOLDER            # everything
    .venv/bin/python benchmarks/iem.py --data FOLDER --quick    # a look at all of it
    .venv/bin/python benchmarks/iem.py --only integral times    # needs no data

FOLDER holds `iqa` and `photos/train`. A prior whose weights are not there has no row.
"""

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from iem_parts import integrals, perception, times

from denoise_studio.engine.devices import worker_count

PARTS = ("integral", "times", "csiq", "series", "equal-psnr")
_WITH_DATA = PARTS[2:]


def arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with iqa and photos/train")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="these parts alone")
    parser.add_argument("--quick", action="store_true", help="few pictures, one size, one round")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each time")
    parser.add_argument("--pictures", type=int, default=perception.COUNT, help="of the training set")
    return parser.parse_args()


def lines(options: Any) -> Iterator[str]:
    """Of all parts, as they are done."""
    cores = f"{os.cpu_count()} cores, {worker_count()} threads"
    yield f"{platform.system()} {platform.machine()}, {cores}, Python {platform.python_version()}."
    count = 2 if options.quick else options.pictures
    parts = {
        "integral": lambda: integrals.table(options.quick),
        "times": lambda: times.table(options.quick, 1 if options.quick else options.rounds),
        "csiq": lambda: perception.csiq(options.data),
        "series": lambda: perception.series(options.data, count),
        "equal-psnr": lambda: perception.equal_psnr(options.data, count),
    }
    for name in options.only:
        if name in _WITH_DATA and options.data is None:
            yield f"\n{name}: needs --data"
        else:
            yield from parts[name]()


def main() -> None:
    for line in lines(arguments()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
