"""Rendering an output again from its record, and comparing pixel by pixel."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.outgoing import prepared
from denoise_studio.engine.record import (
    Record,
    pixels_sha256,
    read_record,
    record_path,
    software,
)
from denoise_studio.engine.render import Rendering, render_in_full
from denoise_studio.formats import SaveOptions, all_formats, find_series, open_picture
from denoise_studio.formats.files import file_sha256


@dataclass(frozen=True)
class ReplayResult:
    """How an output compares with what its record makes again.

    Attributes:
        equal: every pixel is.
        largest_difference: in the unit of the file's values; None where only checksums could
            be compared, or the sizes differ.
        count_different: pixels that differ in any channel; None likewise.
        message: one sentence, with what differs between then and now if the pixels do.
    """

    equal: bool
    largest_difference: float | None
    count_different: int | None
    message: str


def replay(
    output: str | os.PathLike[str],
    input: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Render again from the record beside `output` and compare.

    Args:
        output: a file that this program saved.
        input: its source, where the record's relative path no longer leads to it.
        progress: told how far the rendering is; can cancel it.

    Raises:
        RecipeError: no record, or an input that is missing or another than was recorded.
        StudioError: a file cannot be read or rendered.
    """
    output = Path(output)
    record, source = recorded(output, None if input is None else Path(input))
    rendering = render_in_full(recorded_picture(record, source, progress), record.recipe, progress)
    return _compare(output, record, rendering)


def recorded(output: Path, input: Path | None = None) -> tuple[Record, Path]:
    """The record beside an output, and the input it was made from.

    Args:
        output: a file that this program saved.
        input: its source, where the record's relative path no longer leads to it.

    Raises:
        RecipeError: no record, or an input that is missing or another than was recorded.
    """
    if not output.exists():
        raise RecipeError(f"{output} does not exist.")
    beside = record_path(output)
    if not beside.exists():
        raise RecipeError(f"{output.name} has no record beside it ({beside.name}).")
    record = read_record(beside)
    return record, _input(record, output, input)


def recorded_picture(record: Record, source: Path, progress: Progress | None = None) -> Picture:
    """The input of a record: a picture of its own, a slice of a file, or one of the series in its folder.

    Raises:
        StudioError: it cannot be read, or its series is not there any more.
    """
    frame = record.input.frame if record.input is not None else None
    if frame is None and record.recipe.across == "each":
        return open_picture(source, progress)
    for series in find_series(source if frame is not None else source.parent, progress):
        for index, info in enumerate(series.slices):
            if info.path.resolve() != source.resolve() or info.frame != frame:
                continue
            wanted = record.input.slices if record.input is not None else None
            if wanted not in (None, len(series)):
                raise RecipeError(
                    f"The series of {source.name} has {len(series)} slices here; the result depends on "
                    f"the {wanted} that it had."
                )
            return series.open(index, progress)
    raise RecipeError(f"The series that {source.name} belongs to is not there any more.")


def _input(record: Record, output: Path, given: Path | None) -> Path:
    """The input file, once it is known to be the recorded one."""
    if given is None and record.input is None:
        raise RecipeError(f"The record of {output.name} names no input file; give it with --input.")
    path = given if given is not None else output.parent / record.input.path  # type: ignore[union-attr]
    if not path.is_file():
        hint = "" if given is not None else "; give it with --input"
        raise RecipeError(f"The input {path} does not exist{hint}.")
    if record.input is None:
        return path
    try:
        found = file_sha256(path)
    except OSError as error:
        raise RecipeError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    if found != record.input.sha256:
        raise RecipeError(
            f"{path.name} is not the file that {output.name} was made from: its SHA-256 begins with "
            f"{found[:12]} instead of {record.input.sha256[:12]}."
        )
    return path


def _compare(output: Path, record: Record, rendering: Rendering) -> ReplayResult:
    chosen = next((item for item in all_formats() if item.id == record.output.format), None)
    if chosen is None:
        raise RecipeError(f"The record of {output.name} names an unknown format {record.output.format!r}.")
    written = record.output
    options = SaveOptions(
        written.bits_asked, written.quality, develop=written.developed, exposure=written.exposure
    )
    picture, options = prepared(rendering.picture, chosen, options, rendering.recipe)
    again = chosen.encode(picture, options).pixels
    same_as_recorded = pixels_sha256(again) == record.output.pixels_sha256
    if not chosen.lossless:
        open_picture(output)  # a file that is broken is no success
        if same_as_recorded:
            text = f"Every pixel is equal before {chosen.name} coding, which itself is lossy."
            return ReplayResult(True, None, None, text)
        text = f"The pixels before {chosen.name} coding differ from the recorded ones"
        return ReplayResult(False, None, None, f"{text}{_changes(record, rendering)}.")
    found = open_picture(output)
    if found.pixels.shape != again.shape:
        text = f"{output.name} has {_size(found.pixels)} pixels, the record makes {_size(again)}."
        return ReplayResult(False, None, None, text)
    largest, count = _difference(found.pixels, again)
    if count == 0:
        return ReplayResult(True, 0.0, 0, f"All {found.width * found.height} pixels are equal.")
    unit = f" {found.unit}" if found.unit else ""
    total = found.width * found.height
    text = f"{count} of {total} pixels differ; the largest difference is {largest:.6g}{unit}"
    if same_as_recorded:
        text += "; the file was changed after it was saved"
    else:
        text += _changes(record, rendering)
    return ReplayResult(False, largest, count, f"{text}.")


def _difference(a: FloatArray, b: FloatArray) -> tuple[float, int]:
    """Largest absolute difference, and how many pixels differ in any channel."""
    difference = np.abs(a.astype(np.float64) - b)
    return float(difference.max()), int(np.count_nonzero(difference.max(axis=0)))


def _changes(record: Record, rendering: Rendering) -> str:
    """What is not as it was when the output was made, to explain pixels that differ."""
    now = software()
    parts = [
        f"{name} {then} then, {now.get(name)} now"
        for name, then in record.software.items()
        if now.get(name) != then
    ]
    if rendering.device.kind != record.device.kind:
        parts.append(f"device {record.device.kind} then, {rendering.device.kind} now")
    return f" ({'; '.join(parts)})" if parts else ""


def _size(pixels: FloatArray) -> str:
    channels, height, width = pixels.shape
    return f"{width} x {height} x {channels}"
