"""A file with several slices, denoised slice by slice into one new file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from denoise_studio.core import recipe as recipes
from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.series import Series
from denoise_studio.engine.record import record_path
from denoise_studio.engine.render import render_in_full
from denoise_studio.engine.resolve import resolve
from denoise_studio.engine.stack import stack_of
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions, SaveReport
from denoise_studio.formats.files import write_bytes
from denoise_studio.formats.frames import save_frames


@dataclass(frozen=True)
class VolumeReport:
    """What was written: the file, how many slices, and its recipe beside it."""

    saved: SaveReport
    slices: int
    recipe: Recipe
    recipe_path: Path


def is_volume(series: Series) -> bool:
    """Whether the slices are those of one file."""
    return len(series) > 1 and all(info.frame is not None for info in series.slices)


def save_volume(
    series: Series,
    path: Path,
    wishes: Wishes | None = None,
    options: SaveOptions | None = None,
    progress: Progress | None = None,
) -> VolumeReport:
    """Denoise every slice of a file and save them as one derived file: DICOM, or NIfTI by its name's end.

    Memory holds a few slices. It cannot be gone on with: a run that is ended leaves nothing.

    Args:
        series: of one file.
        path: an existing file is replaced, never the source; `path` + ".recipe.json" holds the recipe.
        wishes: what to do; None takes the default.
        options: for the whole file.
        progress: told how far it is; its `cancel` stops between slices.

    Raises:
        FormatError: a slice cannot be read, or the file cannot be written.
        RecipeError: the wish does not fit.
        Cancelled: through `progress`; nothing is then written.
    """
    if not is_volume(series):
        raise FormatError("These slices are files of their own; they are saved one by one.")
    progress, wishes = progress or Progress(), wishes or Wishes()
    stack = stack_of(series)
    recipe = wishes.recipe_for(stack.get(0, progress))
    options = options or SaveOptions()
    if not options.anonymise:
        options = replace(options, recipe=recipes.to_json(recipe))

    def results() -> Iterator[Picture]:
        for index in range(len(series)):
            part = progress.part(index / len(series), (index + 1) / len(series))
            progress.report(index / len(series), f"slice {index + 1} of {len(series)}")
            yield render_in_full(stack.get(index, part), recipe, part).picture

    saved = save_frames(results(), path, options)
    beside = record_path(path)
    write_bytes(beside, recipes.to_json(recipe))
    return VolumeReport(saved, len(series), resolve(stack.get(0, progress), recipe), beside)
