"""From the heads of one DICOM series to `Series` that open their slices."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from denoise_studio.core.picture import Kind, Picture, Scale
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series, SliceInfo
from denoise_studio.formats.dicom_file import load_kept
from denoise_studio.formats.dicom_heads import Head, heads_of
from denoise_studio.formats.dicom_read import read
from denoise_studio.formats.dicom_stacks import Stack, file_order, part, places_of
from denoise_studio.formats.dicom_values import scale_of
from denoise_studio.formats.slice_order import Walk, walk


def series_of(heads: Sequence[Head], notes: Sequence[str] = ()) -> list[Series]:
    """The stacks of one series instance UID, each sorted.

    Args:
        heads: in any order.
        notes: sentences that all of them get, about files that cannot be read.
    """
    stacks = sorted(part(heads), key=lambda stack: min(map(file_order, stack.heads)))
    return [_series(stack, index, notes) for index, stack in enumerate(stacks)]


def _series(stack: Stack, index: int, notes: Sequence[str]) -> Series:
    placed, walked, more = _sort(stack)
    first = placed[0][1]
    infos = tuple(_info(head, position) for position, head in placed)
    said = [*stack.notes, *more, *walked.notes, *_copied(stack), *notes]
    return Series(
        slices=infos,
        shape=first.shape,
        kind=Kind.CT if first.hounsfield else Kind.MR,
        open_slice=open_slice,
        label=_label(first, len(infos), stack.words),
        step=walked.step,
        notes=tuple(dict.fromkeys(said)),
        tilt=walked.tilt,
        unread=tuple(notes),
        key=f"{first.series}#{index}" if index else first.series,
        files=frozenset(head.path for head in (*stack.heads, *stack.copies)),
    )


def open_slice(series: Series, index: int, progress: Progress) -> Picture:
    """Read one slice of a series of DICOM files."""
    from denoise_studio.formats.registry import open_checked

    info, place = series.slices[index], Place(series, index)
    return open_checked(info.path, lambda: replace(read(info.path, progress, info.frame or 0), place=place))


def open_first(path: Path, progress: Progress) -> Picture:
    """The picture of a file; of one with several frames the first, with its place in their series."""
    picture = read(path, progress)
    file = load_kept(path, progress)
    if file.frames == 1:
        return picture
    heads = heads_of(file.dataset, path, lambda frame: scale_of(file.dataset, frame)[0] is Scale.HU)
    note = f"The file has {file.frames} frames; this is the first."
    for series in series_of(heads):
        for index, info in enumerate(series.slices):
            if info.frame == 0:
                return replace(picture, place=Place(series, index), notes=(note, *picture.notes))
    return replace(picture, notes=(note, *picture.notes))


def _info(head: Head, position: float | None) -> SliceInfo:
    number = head.number if head.frame is None else head.frame + 1
    return SliceInfo(head.path, head.frame, position, head.thickness, number)


def _sort(stack: Stack) -> tuple[list[tuple[float | None, Head]], Walk, list[str]]:
    """The heads in order with their positions, without those that repeat a place."""
    lost = sum(head.plane is None for head in stack.heads)
    if stack.free or lost:
        by_number = sorted(stack.heads, key=file_order)
        notes = []
        if not stack.free:
            what = "Some slices tell" if lost < len(by_number) else "The slices tell"
            by = "instance number" if by_number[0].frame is None else "frame number"
            notes = [f"{what} no position, so they are sorted by {by}."]
        return [(None, head) for head in by_number], Walk(None, 0.0, ()), notes
    places = places_of(stack.heads)
    kept = [place[0] for place in places]
    repeated = [head for place in places for _, head in place[1:]]
    notes = []
    if repeated:
        notes.append(
            f"{len(repeated)} slice{_s(repeated)} at the same position as another "
            f"{'is' if len(repeated) == 1 else 'are'} left out: {_names(repeated)}."
        )
    walked = walk([head.plane for _, head in kept if head.plane is not None], kept[0][1].tilt)
    return [*kept], walked, notes


def _copied(stack: Stack) -> list[str]:
    if not stack.copies:
        return []
    names = _names(stack.copies)
    are = "is a copy" if len(stack.copies) == 1 else "are copies"
    return [f"{len(stack.copies)} file{_s(stack.copies)} {are} of others and left out: {names}."]


def _label(head: Head, count: int, words: Sequence[str]) -> str:
    """Modality, series number, kernel, count and thickness: nothing that a person typed."""
    parts = [head.modality or "DICOM"]
    if head.series_number is not None:
        parts.append(f"series {head.series_number}")
    if head.kernel:
        parts.append(head.kernel[:16])
    thick = f" of {head.thickness:g} mm" if head.thickness else ""
    parts.append(f"{count} slice{'' if count == 1 else 's'}{thick}")
    return ", ".join([*parts, *words])


def _names(heads: Sequence[Head]) -> str:
    return ", ".join(head.path.name for head in heads[:3]) + (", ..." if len(heads) > 3 else "")


def _s(several: Sequence[Any]) -> str:
    return "" if len(several) == 1 else "s"
