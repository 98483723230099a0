"""`simulate --dose`: how a CT slice or a series would look at a fraction of its dose."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from denoise_studio.cli.printing import number, report_progress
from denoise_studio.core.errors import FormatError

if TYPE_CHECKING:
    from denoise_studio.core.picture import Picture
    from denoise_studio.core.progress import Progress
    from denoise_studio.core.series import Series
    from denoise_studio.engine.dose_plan import DoseWish

_EDGE = 0.15
_KERNELS = ("auto", "soft", "standard", "sharp", "ramp", "shepp-logan", "cosine", "hamming", "hann")
NAMES = ("kernel", "full_noise", "photons", "electronic", "bow_tie", "clean")
"""Of the options that need `--dose`."""


class Photons(click.ParamType):  # type: ignore[type-arg]
    """`auto`, `header` or a number above 0."""

    name = "auto|header|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in ("auto", "header") or isinstance(value, float):
            return value
        try:
            found = float(value)
        except ValueError:
            found = 0.0
        if not 0 < found < float("inf"):
            self.fail(f"{value!r} is neither auto nor header nor a number above 0.", param, ctx)
        return found


_OPTIONS = (
    click.option(
        "--dose",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="FRACTION",
        help="CT: the fraction of the dose to be simulated, for example 0.25.",
    ),
    click.option(
        "--kernel",
        type=click.Choice(_KERNELS),
        help="CT: of the reconstruction; auto takes the grain of IN's noise.  [default: auto]",
    ),
    click.option(
        "--full-noise",
        type=click.FloatRange(0, min_open=True),
        metavar="HU",
        help="CT: noise of the full dose in soft tissue.  [default: as measured in IN]",
    ),
    click.option(
        "--photons",
        type=Photons(),
        help="CT: of the full dose, to one detector element in one view: from IN's noise, from the mAs in "
        "its header, or told.  [default: auto]",
    ),
    click.option(
        "--electronic",
        type=click.FloatRange(0, 200),
        metavar="N",
        help="CT: sd of the read-out's noise in photons.  [default: 5]",
    ),
    click.option(
        "--bow-tie",
        is_flag=False,
        flag_value=_EDGE,
        type=click.FloatRange(0, 1, min_open=True),
        metavar="[EDGE]",
        help=f"CT: a bow-tie filter that lets this part through 25 cm off the centre.  [default: {_EDGE:g}]",
    ),
    click.option(
        "--clean/--noisy",
        default=None,
        help="CT: IN has no noise of its own and gets all of the dose's; or it has.  [default: found out]",
    ),
)


def dose_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--dose` and what goes with it."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_wish(options: dict[str, Any]) -> "DoseWish":
    """What `dose_options` were given."""
    from denoise_studio.engine.dose_plan import DoseWish
    from denoise_studio.noise.ct.bow_tie import BowTie
    from denoise_studio.noise.ct.kernels import KERNELS

    photons, told = options["photons"], {}
    if options["full_noise"] is not None and photons not in (None, "auto"):
        raise click.UsageError("Tell the full dose in one way: --full-noise or --photons.")
    if options["electronic"] is not None:
        told["electronic"] = options["electronic"]
    return DoseWish(
        fraction=options["dose"],
        kernel=KERNELS.get(options["kernel"] or "auto"),
        sd=options["full_noise"],
        photons=photons if isinstance(photons, float) else None,
        exposure=photons == "header",
        clean=options["clean"],
        bow_tie=None if options["bow_tie"] is None else BowTie(options["bow_tie"]),
        seed=options["seed"],
        **told,
    )


def simulate_dose(source: Path, output: Path, wish: "DoseWish") -> None:
    """A file into a file, a folder into a folder.

    Raises:
        StudioError: it cannot be read, simulated or saved; one sentence.
    """
    with report_progress() as progress:
        if source.is_dir() or source.name.upper() == "DICOMDIR":
            lines = _series(source, output, wish, progress)
        else:
            lines = _file(source, output, wish, progress)
    for line in lines:
        click.echo(line)


def _file(source: Path, output: Path, wish: "DoseWish", progress: "Progress") -> list[str]:
    from denoise_studio.engine.dose_plan import DoseSlice
    from denoise_studio.engine.simulating_ct import simulated
    from denoise_studio.engine.volume import is_volume
    from denoise_studio.formats import format_for, open_picture, refuse_source, save_picture

    format_for(output)
    picture = open_picture(source, progress.part(0.0, 0.1))
    refuse_source(picture, output)
    if picture.place is not None and is_volume(picture.place.series):
        return _volume(picture.place.series, output, wish, progress.part(0.1, 1.0))
    ready = DoseSlice(picture, progress.part(0.1, 0.5))
    result = simulated(picture, wish, progress.part(0.5, 0.9), ready)
    report = save_picture(result, output)
    return [ready.plan(wish).words, *result.notes, *report.dropped]


def _volume(series: "Series", output: Path, wish: "DoseWish", progress: "Progress") -> list[str]:
    from denoise_studio.formats.frames import save_frames

    words, low = _settled(series, wish, progress.part(0.0, 0.05))
    report = save_frames(_slices(low, progress.part(0.05, 1.0)), output)
    return [words, number(len(low), "slice"), *report.dropped]


def _series(source: Path, folder: Path, wish: "DoseWish", progress: "Progress") -> list[str]:
    from denoise_studio.formats import SaveOptions, find_series, save_picture
    from denoise_studio.formats.registry import all_formats

    found = find_series(source, progress.part(0.0, 0.05))
    if len(found) != 1:
        names = "; ".join(series.label for series in found)
        raise FormatError(
            f"{source} holds {number(len(found), 'serie')}s, give one folder a series: {names}."
        )
    if folder.exists() and any(folder.iterdir()):
        raise FormatError(f"The folder {folder} is not empty.")
    folder.mkdir(parents=True, exist_ok=True)
    words, low = _settled(found[0], wish, progress.part(0.05, 0.1))
    options = SaveOptions(series=f"simulated {uuid.uuid4().hex}")
    digits = max(4, len(str(len(low))))
    dropped: dict[str, None] = {}
    for index, picture in enumerate(_slices(low, progress.part(0.1, 1.0))):
        id = picture.source.format if picture.source is not None else "dicom"
        suffix = next((each.suffixes[0] for each in all_formats() if each.id == id), ".dcm")
        report = save_picture(picture, folder / f"slice-{index + 1:0{digits}d}{suffix}", options)
        dropped |= dict.fromkeys((*picture.notes, *report.dropped))
    return [words, f"{number(len(low), 'slice')} in {folder}", *dropped]


def _settled(series: "Series", wish: "DoseWish", progress: "Progress") -> tuple[str, "Series"]:
    """What the wish comes to on the middle slice, and the series of all."""
    from denoise_studio.engine.dose_plan import DoseSlice, settled
    from denoise_studio.engine.simulating_ct import simulated_series

    ready = DoseSlice(series.open(len(series) // 2, progress), progress)
    return ready.plan(wish).words, simulated_series(series, settled(wish, ready))


def _slices(series: "Series", progress: "Progress") -> "Iterator[Picture]":
    for index in range(len(series)):
        progress.report(index / len(series), f"slice {index + 1} of {len(series)}")
        yield series.open(index, progress.part(index / len(series), (index + 1) / len(series)))
