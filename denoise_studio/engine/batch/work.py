"""One file of a batch: opened, rendered, saved; and what went wrong, in a sentence."""

import errno
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from denoise_studio.core.errors import FormatError, StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.batch.done import why_anew
from denoise_studio.engine.batch.names import Task
from denoise_studio.engine.batch.report import Entry
from denoise_studio.engine.devices import choose
from denoise_studio.engine.export import ExportReport, export
from denoise_studio.engine.outgoing import require_room
from denoise_studio.engine.record import record_path
from denoise_studio.engine.render import Rendering, render_in_full
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.engine.stack import stack_of
from denoise_studio.engine.volume import is_volume
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions, format_for, open_picture

_PROBE = 1 << 20
"""Bytes that a folder must take for a batch to go on."""


class FolderFull(StudioError):
    """The output folder takes nothing more: the batch ends."""


@dataclass(frozen=True)
class Plan:
    """What all files of a batch have in common."""

    folder: Path
    wishes: Wishes
    options: SaveOptions
    asked: str
    force: bool = False
    gpu: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Opened:
    """A file whose picture waits to be rendered."""

    task: Task
    picture: Picture
    recipe: Recipe
    message: str
    seconds: float


def earlier(task: Task, plan: Plan) -> Entry | str:
    """The entry of a file that an earlier run has done, or why it is rendered anew ("" if it is new)."""
    if plan.force or not task.output:
        return ""
    if task.place is not None and not task.place.series.files:
        return ""  # slices that are made when they are opened, simulated for example, are not their files
    record, why = why_anew(task.path, plan.folder / task.output, plan.asked, plan.options.series)
    if record is None:
        return why
    return Entry(
        input=task.name,
        output=task.output,
        status="skipped",
        method=record.method.id,
        clipped=record.output.clipped,
        dropped=record.output.dropped,
    )


def open_task(task: Task, plan: Plan, message: str, progress: Progress) -> Opened:
    """Read a file and decide its recipe.

    Raises:
        StudioError: it cannot be read, or the wish does not fit it.
        Cancelled: through `progress`.
    """
    started = time.perf_counter()
    if task.place is not None:
        picture = stack_of(task.place.series).get(task.place.index, progress)
    else:
        picture = open_picture(task.path, progress)
    if task.place is None and picture.place is not None and is_volume(picture.place.series):
        count = len(picture.place.series)
        raise FormatError(f"{task.path.name} holds {count} slices, which become one file: denoise it alone.")
    if not task.output:
        raise FormatError(f"{task.path.name} is of a format that is not written; choose one with --format.")
    recipe = plan.wishes.recipe_for(picture)
    return Opened(task, picture, recipe, message, time.perf_counter() - started)


def finish(opened: Opened, plan: Plan, progress: Progress) -> Entry:
    """Render and save.

    Raises:
        StudioError: something about this file; `FolderFull` if no other would fare better.
        Cancelled: through `progress`; nothing is then written.
    """
    started = time.perf_counter()
    task, picture = opened.task, opened.picture
    target = _target(task, plan)
    require_room(picture, format_for(target), plan.options)  # says so before the work
    noise = _noise(picture)
    rendering = _render(picture, opened.recipe, plan, progress)
    saved = _save(rendering, target, plan)
    return Entry(
        input=task.name,
        output=task.output,
        status="done",
        message=opened.message,
        method=rendering.recipe.method,
        noise_sd=noise,
        noise_unit=picture.unit,
        seconds=round(opened.seconds + time.perf_counter() - started, 2),
        clipped=saved.clipped,
        dropped=saved.dropped,
        notes=(
            *_unnamed(picture.notes, task),
            *_outside(picture, opened.recipe),
            *filter(None, [rendering.fallback]),
        ),
    )


def failed(task: Task, plan: Plan, error: BaseException) -> Entry:
    """The entry of a file that cost the batch one sentence."""
    if isinstance(error, StudioError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = "There is not enough memory for a picture of this size."
    elif isinstance(error, OSError):
        text = f"{task.name}: {(error.strerror or str(error)).lower()}."
    else:
        text = f"Unexpected error ({type(error).__name__}: {error})."
    # Reports go from hand to hand: they say no more of the machine than they must.
    text = text.replace(str(plan.folder / task.output), task.output) if task.output else text
    (text,) = _unnamed((text,), task)
    return Entry(input=task.name, output=task.output, status="failed", message=" ".join(text.split()))


def _unnamed(sentences: tuple[str, ...], task: Task) -> tuple[str, ...]:
    """Sentences with the task's name in place of the file's, which an anonymised report must not tell."""
    names = [str(task.path)] if task.path.name in task.name else [str(task.path), task.path.name]
    for name in names:
        sentences = tuple(sentence.replace(name, task.name) for sentence in sentences)
    return sentences


def check_folder(folder: Path) -> None:
    """Raise `FolderFull` if the folder takes no file of a megabyte."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(bytes(_PROBE))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise FolderFull(
            f"Cannot write into the output folder: {(error.strerror or str(error)).lower()}."
        ) from None


def _target(task: Task, plan: Plan) -> Path:
    target = plan.folder / task.output
    if not target.parent.resolve().is_relative_to(plan.folder.resolve()):
        raise FormatError(f"{task.output} would lie outside the output folder, behind a link.")
    if target.exists() and not record_path(target).exists() and not plan.force:
        raise FormatError(
            f"{task.output} is there already and has no record, so it may be somebody's own; "
            "move it, or replace it with --force."
        )
    return target


def _noise(picture: Picture) -> float | None:
    """Of the input; a picture whose noise cannot be told still has a result."""
    try:
        return float(f"{estimated_noise(picture):.4g}")
    except (StudioError, ValueError, ArithmeticError):
        return None


def _render(picture: Picture, recipe: Recipe, plan: Plan, progress: Progress) -> Rendering:
    if choose(recipe.device, get_denoiser(recipe.method)).kind == "cpu":
        return render_in_full(picture, recipe, progress)
    with plan.gpu:  # two at a time would only take each other's memory
        return render_in_full(picture, recipe, progress)


def _save(rendering: Rendering, target: Path, plan: Plan) -> ExportReport:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return export(rendering, target, plan.options, asked=plan.asked)
    except (StudioError, OSError) as error:
        if _disk(error):
            check_folder(plan.folder)
        raise


def _disk(error: BaseException | None) -> bool:
    """Whether the system refused to write, also where a sentence has been made of it since."""
    words = [os.strerror(code).lower() for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)]
    return isinstance(error, OSError) or any(word in str(error).lower() for word in words)


def _outside(picture: Picture, recipe: Recipe) -> tuple[str, ...]:
    """Regions are shapes in pixels: a picture of another size may not have any there."""
    names = [
        region.name or f"Region {number}"
        for number, region in enumerate(recipe.regions, 1)
        if region.enabled and not region.bounds().intersect(picture.rect)
    ]
    if not names:
        return ()
    listed = ", ".join(names)
    return (
        f"Outside this picture of {picture.width} x {picture.height} pixels, so without effect: {listed}.",
    )


def skipped_with_facts(entry: Entry, before: Entry | None) -> Entry:
    """A skipped file's entry with what only the earlier report knows."""
    if before is None or before.status not in ("done", "skipped"):
        return entry
    kept = {name: getattr(before, name) for name in ("noise_sd", "noise_unit", "seconds", "notes")}
    return msgspec.structs.replace(entry, **kept)
