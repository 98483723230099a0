"""The rows of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import denoise_studio
from adaptive import bm3d_rows, studio, sweep, zs_n2n
from adaptive.cases import Sample
from adaptive.output import Output
from adaptive.store import digest
from denoise_studio.denoisers import get_denoiser

ZS_STEPS = 1000
"""The paper trains 3000; here more steps only fit more noise (`--zs-steps 3000` shows it)."""


@dataclass(frozen=True)
class Method:
    """A row.

    Args:
        id: for `--only`, and in the JSON.
        label: what the table says.
        run: denoises one picture.
        depends: what else the result depends on: version and parameters.
        missing: why it cannot run, "" if it can.
        group: rows that `--only` may name together.
    """

    id: str
    label: str
    run: Callable[[Sample], Output]
    depends: str = "1"
    missing: str = ""
    group: str = ""


def methods(quick: bool, zs_steps: int = ZS_STEPS) -> tuple[Method, ...]:
    """All rows in the order of the table."""
    zs_steps = 20 if quick else zs_steps
    no_bm3d = "" if find_spec("bm3d") else "the extra `benchmarks` is not installed"
    no_model = "" if find_spec("denoise_studio.noise.local") else "there is no local noise model yet"
    grid = f"1 {sweep.SIGMAS} {sweep.RATIOS}"
    return (
        Method("noisy", "noisy", lambda sample: Output(sample.noisy.pixels)),
        Method(
            "constant",
            "best constant bilateral, no truth, white noise",
            partial(sweep.blind, model=sweep.white_noise),
            f"{grid} {_code('noise/estimate.py')}",
        ),
        Method(
            "constant-local",
            "best constant bilateral, no truth, local noise model",
            partial(sweep.blind, model=sweep.local_noise),
            f"{grid} {_code('noise')}",
            no_model,
        ),
        Method("bm3d-sd", "BM3D told the sd", bm3d_rows.told_sd, "2", missing=no_bm3d, group="bm3d"),
        Method(
            "bm3d-spectrum",
            "BM3D told the spectrum",
            bm3d_rows.told_spectrum,
            "2",
            missing=no_bm3d,
            group="bm3d",
        ),
        Method(
            "zs-n2n",
            f"ZS-N2N, {zs_steps} steps",
            partial(zs_n2n.denoise, steps=zs_steps),
            f"2 {zs_steps}",
        ),
        *(_filter2noise(stages, quick) for stages in ("1", "2")),
        *_adaptive(),
        Method("oracle", "(bound) best constant, truth known", lambda s: sweep.bounds(s)[0], grid),
        Method(
            "oracle-maps",
            "(bound) best filter of the grid at every pixel, truth known",
            lambda s: sweep.bounds(s)[1],
            f"{grid} {sweep.SMOOTHING}",
        ),
    )


def _filter2noise(stages: str, quick: bool) -> Method:
    values = {"stages": stages, **({"steps": 30} if quick else {})}
    method = "filter2noise"
    missing = "" if studio.registered(method) else "the method is not registered yet"
    # Hours of work: trusts the method's version, not its code.
    depends = "" if missing else f"{get_denoiser(method).version} {sorted(values.items())}"
    label = f"Filter2Noise, S{stages}" + (", 30 steps" if quick else "")
    return Method(
        f"{method}-{stages}",
        label,
        partial(studio.run, method=method, values=values),
        depends,
        missing,
        method,
    )


def _adaptive() -> tuple[Method, ...]:
    name = studio.ADAPTIVE
    missing = "" if studio.registered(name) else "the method is not registered yet"
    # Seconds of work: anything in its code may change a result.
    depends = _code("denoisers/adaptive", "denoisers/bilateral", "noise")

    def one(end: str, label: str, run: Callable[[Sample], Output]) -> Method:
        return Method(name + end, f"{name}{label}", run, f"{depends}{end}", missing, name)

    plain = partial(studio.run, method=name)
    rows = [one("", "", partial(plain, values={}))]
    if not missing and any(p.name == "stages" for p in get_denoiser(name).parameters):
        rows += [
            one(f"-{stages}", f", {word}", partial(plain, values={"stages": stages}))
            for stages, word in (("1", "one stage"), ("2", "two stages"))
        ]
    if not missing and any(p.name == "noise_factor" for p in get_denoiser(name).parameters):
        rows.append(one("-told", " told the sd", studio.told))
    return (*rows, one("-medians", ", each map replaced by its median", studio.medians))


def _code(*paths: str) -> str:
    """Checksum of parts of the program."""
    root = Path(denoise_studio.__file__).parent
    return digest([root / path for path in paths if (root / path).exists()])
