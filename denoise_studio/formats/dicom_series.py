"""From the heads of one DICOM series to `Series` that open their slices."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series, SliceInfo
from denoise_studio.formats.dicom_heads import Head
from denoise_studio.formats.dicom_stacks import SAME_PLACE, Stack, part
from denoise_studio.formats.slice_order import Walk, walk


def series_of(heads: Sequence[Head], notes: Sequence[str] = ()) -> list[Series]:
    """The stacks of one series instance UID, each sorted.

    Args:
        heads: in any order.
        notes: sentences that all of them get.
    """
    stacks = sorted(part(heads), key=lambda stack: min(map(_number_order, stack.heads)))
    return [_series(stack, index, notes) for index, stack in enumerate(stacks)]


def _series(stack: Stack, index: int, notes: Sequence[str]) -> Series:
    heads, walked, more = _sort(stack)
    first = heads[0]
    infos = tuple(_info(head, stack.free) for head in heads)
    said = [*stack.notes, *more, *walked.notes, *_copied(stack), *notes]
    return Series(
        slices=infos,
        shape=first.shape,
        kind=Kind.CT if first.hounsfield else Kind.MR,
        open_slice=open_slice,
        label=_label(first, len(heads), stack.words),
        step=walked.step,
        notes=tuple(dict.fromkeys(said)),
        tilt=walked.tilt,
        key=f"{first.series}#{index}" if index else first.series,
        files=frozenset(head.path for head in (*stack.heads, *stack.copies)),
    )


def open_slice(series: Series, index: int, progress: Progress) -> Picture:
    """Read one slice of a series of DICOM files."""
    from denoise_studio.formats.registry import open_picture

    return replace(open_picture(series.slices[index].path, progress), place=Place(series, index))


def _info(head: Head, free: bool) -> SliceInfo:
    number = head.number if head.frame is None else head.frame + 1
    return SliceInfo(head.path, head.frame, None if free else head.position, head.thickness, number)


def _sort(stack: Stack) -> tuple[list[Head], Walk, list[str]]:
    """The heads in order without those that repeat a place."""
    by_number = sorted(stack.heads, key=_number_order)
    lost = sum(head.plane is None for head in by_number)
    if stack.free or lost:
        notes = []
        if not stack.free:
            notes = ["The slices tell no position and are sorted by instance number."]
        return by_number, Walk(None, 0.0, ()), notes
    heads: list[Head] = []
    repeated: list[Head] = []
    for head in sorted(by_number, key=lambda head: head.position or 0.0):
        same = heads and (head.position or 0.0) - (heads[-1].position or 0.0) < SAME_PLACE
        (repeated if same else heads).append(head)
    notes = []
    if repeated:
        notes.append(
            f"{len(repeated)} slice{_s(repeated)} at the same position as another "
            f"{'is' if len(repeated) == 1 else 'are'} left out: {_names(repeated)}."
        )
    walked = walk([head.plane for head in heads if head.plane is not None], heads[0].tilt)
    return heads, walked, notes


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


def _number_order(head: Head) -> tuple[Any, ...]:
    number = float("inf") if head.number is None else head.number
    return number, natural(head.path), -1 if head.frame is None else head.frame


def natural(path: Path) -> list[tuple[int, int, str]]:
    """A key that puts "slice 10" after "slice 9"."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in parts]


def _names(heads: Sequence[Head]) -> str:
    return ", ".join(head.path.name for head in heads[:3]) + (", ..." if len(heads) > 3 else "")


def _s(several: Sequence[Any]) -> str:
    return "" if len(several) == 1 else "s"
