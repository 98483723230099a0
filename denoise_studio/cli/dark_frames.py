"""`dark-frames`: a camera's dark level and read noise from exposures with the lens cap on."""

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from denoise_studio.cli.printing import echo_json, number, report_progress
from denoise_studio.core.errors import FormatError, StudioError

if TYPE_CHECKING:
    from denoise_studio.core.progress import Progress
    from denoise_studio.noise.sensor.dark_frames import DarkFrame
    from denoise_studio.noise.sensor.dark_profile import DarkProfile
    from denoise_studio.noise.sensor.dark_setting import DarkSetting

_SUFFIX = ".npz"
_HEAD = ("ISO", "frames", "black error DN", "row sd", "column sd", "read sd", "lambda", "hot pixels")


@click.command("dark-frames")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="PROFILE",
    type=click.Path(path_type=Path),
    help=f"The profile to write, {_SUFFIX}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--generator", is_flag=True, help="Also train a generator of read noise (PNNP's proxy); some seconds."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the generator.")
def dark_frames(folder: Path, output: Path, as_json: bool, generator: bool, seed: int) -> None:
    """Measure a camera's dark level and read noise from raw files in FOLDER.

    Take 10 or more with the lens cap on for every ISO. Files that are no dark frames of the
    camera are named on standard error and left out.
    """
    from denoise_studio.noise.sensor.dark_file import save_profile
    from denoise_studio.noise.sensor.dark_fit import profile_of
    from denoise_studio.noise.sensor.dark_frames import sort_out

    if output.suffix.lower() != _SUFFIX:
        raise click.UsageError(f"A dark profile is written as {_SUFFIX}, not as {output.name}.")
    with report_progress() as progress:
        seen, bad = _looked_at(_files(folder), progress.part(0, 0.3))
        kept, refused = sort_out(seen)
        bad += [(frame.name, reason) for frame, reason in refused]
        if not kept:
            for _, reason in bad:
                click.echo(reason, err=True)
            raise StudioError(f"{folder} holds no dark frames.")
        profile = profile_of(kept, progress.part(0.3, 0.8))
        if generator:
            from denoise_studio.noise.sensor.proxy_training import with_proxy

            profile = with_proxy(profile, seed=seed, progress=progress.part(0.8, 1))
        save_profile(profile, output)
    for _, reason in bad:
        click.echo(reason, err=True)
    if as_json:
        echo_json(_described(profile, bad))
    else:
        _print(profile, output)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FormatError(f"{folder} is no folder.")
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _looked_at(paths: list[Path], progress: "Progress") -> tuple[list["DarkFrame"], list[tuple[str, str]]]:
    """Dark frames, and the names of other files, each with a sentence."""
    from denoise_studio.formats import open_picture
    from denoise_studio.noise.sensor.dark_frames import look

    seen, bad = [], []
    for count, path in enumerate(paths):
        progress.report(count / len(paths), f"Looking at {path.name}")
        if path.suffix.lower() == _SUFFIX:
            continue  # profiles may well be kept beside their frames
        try:
            load = functools.partial(open_picture, path)
            seen.append(look(load(), path.name, load))
        except StudioError as error:
            bad.append((path.name, str(error)))
    return seen, bad


def _described(profile: "DarkProfile", bad: list[tuple[str, str]]) -> dict[str, object]:
    return {
        "camera": profile.camera,
        "width": profile.size[1],
        "height": profile.size[0],
        "settings": [setting.describe() for setting in profile.settings],
        "generator": profile.proxy is not None,
        "notes": list(profile.notes),
        "left_out": [{"file": name, "reason": reason} for name, reason in bad],
    }


def _print(profile: "DarkProfile", output: Path) -> None:
    rows = [_HEAD, *(_row(setting) for setting in profile.settings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    click.echo(f"{profile.camera or 'unknown camera'}, {profile.size[1]} x {profile.size[0]} pixels")
    for row in rows:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    for note in profile.notes:
        click.echo(note)
    frames = sum(setting.frames for setting in profile.settings)
    click.echo(f"{number(frames, 'dark frame')} in {output}")


def _row(setting: "DarkSetting") -> tuple[str, ...]:
    parts = setting.parts
    black = " ".join(f"{name} {value:+.2f}" for name, value in setting.black.items())
    error = f"±{setting.black_error:.2f}" if math.isfinite(setting.black_error) else "±?"
    shape = f"±{setting.shape_error:.3f}" if math.isfinite(setting.shape_error) else "±?"
    return (
        f"{setting.iso:g}",
        str(setting.frames),
        f"{black} {error}",
        f"{parts.row:.3f} ±{parts.row_error:.3f}",
        f"{parts.column:.3f} ±{parts.column_error:.3f}",
        f"{setting.read_sd:.3f}",
        f"{setting.tukey.shape:+.3f} {shape}",
        str(len(setting.hot)),
    )
