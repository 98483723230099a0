"""Opening, saving and projects: jobs that run in the files lane on behalf of the window."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from denoise_studio.core.errors import FormatError, StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.resources import resource
from denoise_studio.core.series import Series
from denoise_studio.engine.display import Levels
from denoise_studio.engine.export import ExportReport, export
from denoise_studio.engine.project import SUFFIX, Project, ProjectPicture, load_project
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.engine.session import Session
from denoise_studio.formats import SaveOptions, all_formats, find_series, open_picture
from denoise_studio.gui.document import Document
from denoise_studio.metrics.base import check_comparable

RAW_FORMATS = ("camera-raw", "dng")
"""Formats of what a camera's sensor saw."""
WRITING = "writing"
"""What a job says it does once it can no longer be cancelled."""


@dataclass(frozen=True)
class Opened:
    """A picture that was read, with the edit and the reference that a project had for it."""

    picture: Picture
    recipe: Recipe | None = None
    view: dict[str, Any] | None = None
    reference: Picture | None = None


@dataclass(frozen=True)
class OpenResult:
    """What came of a list of paths: pictures, sentences about failures, and the project opened."""

    opened: tuple[Opened, ...]
    problems: tuple[str, ...]
    project: Path | None = None
    current: int = 0


def open_all(paths: list[Path], progress: Progress) -> OpenResult:
    """Open pictures and projects; one that fails does not stop the others."""
    opened: list[Opened] = []
    problems: list[str] = []
    project: Path | None = None
    current = 0
    for number, path in enumerate(paths):
        progress.report(number / len(paths), f"opening {path.name}")
        try:
            if path.suffix.lower() == SUFFIX and path.is_file():
                loaded = load_project(path)
                project, current = path, len(opened) + max(loaded.current, 0)
                _open_project(loaded, opened, problems, progress)
            elif path.is_dir() or path.name.upper() == "DICOMDIR":
                opened += _open_series(path, progress)
            else:
                picture = _prepared(open_picture(path, progress))
                opened.append(Opened(picture, reference=_clean_partner(path, progress)))
        except StudioError as error:
            problems.append(str(error))
    return OpenResult(tuple(opened), tuple(problems), project, current)


def _open_series(path: Path, progress: Progress) -> list[Opened]:
    """The middle slice of every series in a folder: the others are opened when they are looked at."""
    found = find_series(path, progress)
    return [Opened(_prepared(series.open(len(series) // 2, progress))) for series in found]


def _open_project(project: Project, opened: list[Opened], problems: list[str], progress: Progress) -> None:
    for entry in project.pictures:
        progress.check()
        problem = entry.problem()
        if problem:
            problems.append(problem)
        if not entry.path.is_file():
            continue
        try:
            picture = _prepared(_project_picture(entry, progress))
        except StudioError as error:
            problems.append(str(error))
            continue
        reference = None
        if entry.reference is not None:
            try:
                whole = entry.view.get("reference_series") is True
                place = entry.reference.parent if whole else entry.reference
                reference = open_reference(place, picture, progress)
            except StudioError as error:
                problems.append(str(error))
        opened.append(Opened(picture, entry.recipe, dict(entry.view), reference))


def _project_picture(entry: ProjectPicture, progress: Progress) -> Picture:
    """The picture of an entry: a slice as one of its series."""
    series = entry.view.get("series")
    if isinstance(series, dict):
        for found in find_series(entry.path if series.get("frames") else entry.path.parent, progress):
            index = series.get("index")
            inside = isinstance(index, int) and 0 <= index < len(found) == series.get("count")
            if inside and found.slices[int(series["index"])].path == entry.path:
                return found.open(int(series["index"]), progress)
    return open_picture(entry.path, progress)


def _clean_partner(path: Path, progress: Progress) -> Picture | None:
    """The noise-free version of a bundled sample: what it is compared with from the start."""
    partner = resource("samples", f"{path.stem}-clean{path.suffix}")
    if path.parent != partner.parent or not partner.is_file():
        return None
    return open_picture(partner, progress)


def open_reference(path: Path, picture: Picture, progress: Progress) -> Picture:
    """Open what a picture is to be compared with.

    Raises:
        StudioError: the file cannot be read, or it does not fit the picture.
    """
    reference = beside(path, picture, progress) if path.is_dir() else open_picture(path, progress)
    check_comparable(picture, reference)
    return reference


def beside(folder: Path, picture: Picture, progress: Progress) -> Picture:
    """The slice at a picture's place, of the series in a folder that fits it best.

    Raises:
        StudioError: no series there has slices of this size where the picture lies.
    """
    for series in find_series(folder, progress):
        index = nearest(series, picture) if series.shape == (picture.height, picture.width) else None
        if index is not None:
            return series.open(index, progress)
    raise FormatError(f"{folder.name} holds no series with a slice of this size at this place.")


def nearest(series: Series, picture: Picture) -> int | None:
    """The slice at a picture's position, within half the distance of two slices; None if there is none.

    Without positions it is the slice of the same number.
    """
    place = picture.place
    if picture.plane is None or any(info.position is None for info in series.slices):
        return place.index if place is not None and len(place.series) == len(series) else None
    distances = [abs((info.position or 0.0) - picture.plane.position) for info in series.slices]
    index = distances.index(min(distances))
    step = series.step or (picture.plane.thickness or 1.0)
    return index if distances[index] <= abs(step) / 2 else None


def _prepared(picture: Picture) -> Picture:
    """Estimate here what the window will ask for at once, so that it need not wait."""
    estimated_noise(picture)
    picture.value_range  # noqa: B018 - kept by the picture
    return picture


def project_of(documents: list[Document], current: int) -> Project:
    """What a project file or an autosave holds of the open pictures: those that belong to a file."""
    entries = [
        ProjectPicture(document.path, None, document.recipe, view_of(document), _path(document.reference))
        for document in documents
        if document.path is not None
    ]
    shown = documents[current] if 0 <= current < len(documents) else None
    kept = [document for document in documents if document.path is not None]
    return Project(tuple(entries), kept.index(shown) if shown in kept else min(current, 0, len(kept) - 1))


def _path(picture: Picture | None) -> Path | None:
    return picture.source.path if picture is not None and picture.source is not None else None


def view_of(document: Document) -> dict[str, Any]:
    """How a document is looked at, as plain JSON types."""
    view: dict[str, Any] = {"levels": asdict(document.levels), "viewport": list(document.viewport or ())}
    if document.turn != (0, False):
        view["turn"] = list(document.turn)
    place = document.picture.place
    if place is not None and len(place.series) > 1:
        frames = place.info.frame is not None
        reference = document.reference
        view["reference_series"] = reference is not None and _is_slice(reference)
        view["series"] = {"index": place.index, "count": len(place.series), "frames": frames}
    return view


def _is_slice(picture: Picture) -> bool:
    return picture.place is not None and len(picture.place.series) > 1


def restore_view(document: Document, view: dict[str, Any]) -> None:
    """The reverse of `view_of`; whatever does not fit is left as it is."""
    try:
        document.set_levels(Levels(**view["levels"]))
        quarters, flipped = view.get("turn", (0, False))
        document.turn = (int(quarters) % 4, bool(flipped))
        x, y, zoom = (float(value) for value in view["viewport"])
        document.viewport = (x, y, zoom)
    except (KeyError, TypeError, ValueError):
        return


def save_result(
    session: Session, picture: Picture, recipe: Recipe, path: Path, options: SaveOptions, progress: Progress
) -> ExportReport:
    """Render (using what the preview has done) and save with the record beside it."""
    rendering = session.render_now(picture, recipe, progress)
    progress.report(0.95, WRITING)
    return export(rendering, path, options)


def open_filter() -> str:
    """The filter lines of the open dialog: everything, camera raw alone, no filter."""
    known = list(dict.fromkeys(suffix for f in all_formats() for suffix in f.suffixes if suffix))
    lines = [f"Pictures and projects ({_patterns([*known, SUFFIX])})"]
    raw = list(dict.fromkeys(s for f in all_formats() if f.id in RAW_FORMATS for s in f.suffixes if s))
    if raw:
        lines.append(f"Camera raw ({_patterns(raw)})")
    return ";;".join([*lines, "All files (*)"])


def _patterns(suffixes: list[str]) -> str:
    """As cameras write them too: file dialogs of some systems tell IMG_1.CR2 from img_1.cr2."""
    return " ".join(f"*{one}" for suffix in suffixes for one in (suffix, suffix.upper()))


def save_filter(picture: Picture) -> tuple[str, str]:
    """The filters of the export dialog, and the one that suits the picture: its own format."""
    own = picture.source.format if picture.source else "tiff"
    own = "dng" if picture.mosaic is not None else own
    only = {"dicom", "dng"} - {own}
    writable = [f for f in all_formats() if f.can_write and f.id not in only]
    lines = {f.id: f"{f.name} ({' '.join(f'*{s}' for s in f.suffixes if s)})" for f in writable}
    return ";;".join(lines.values()), lines.get(own, lines["tiff"])
