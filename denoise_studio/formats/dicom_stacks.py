"""The pictures of one DICOM series parted into stacks: one size, one direction, one of each place."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.formats.dicom_heads import MARKS, Head
from denoise_studio.formats.slice_order import common_normal

_SAME_DIRECTION = 0.99995
"""Cosine of about half a degree: scanners write directions with that little noise."""
SAME_PLACE = 0.01
"""Slices nearer than this, in mm, lie at one place."""


@dataclass(frozen=True)
class Stack:
    """Pictures that make one series of slices.

    Args:
        heads: in no particular order.
        words: what tells it from its siblings, for the label: "localizer", "echo time 20".
        notes: sentences about how it was parted from its siblings.
        free: every slice has a direction of its own, so positions order nothing.
        copies: pictures that are here twice, and were left out.
    """

    heads: tuple[Head, ...]
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    free: bool = False
    copies: tuple[Head, ...] = field(default=())


def part(heads: Sequence[Head]) -> list[Stack]:
    """Part the pictures of one series instance UID."""
    kept, copies = _without_copies(heads)
    stacks = [Stack(tuple(kept))]
    stacks = _each(stacks, _by_localizer)
    stacks = _each(stacks, _by_form)
    stacks = _each(stacks, _by_reference)
    stacks = _each(stacks, _by_direction)
    stacks = _each(stacks, _by_marks)
    if len(stacks) > 1:
        note = f"The series is shown as {len(stacks)} stacks of slices, this is one of them."
        stacks = [replace(stack, notes=(*stack.notes, note)) for stack in stacks]
    if copies:
        stacks[0] = replace(stacks[0], copies=tuple(copies))
    return stacks


def _without_copies(heads: Sequence[Head]) -> tuple[list[Head], list[Head]]:
    """One picture of each SOP instance and frame, the first by name; and the others."""
    seen: set[tuple[str, int | None]] = set()
    kept: list[Head] = []
    copies: list[Head] = []
    for head in sorted(heads, key=lambda head: str(head.path)):
        key = (head.instance, head.frame)
        (copies if head.instance and key in seen else kept).append(head)
        seen.add(key)
    return kept, copies


def _each(stacks: Iterable[Stack], cut: Callable[[Stack], list[Stack]]) -> list[Stack]:
    return [piece for stack in stacks for piece in cut(stack)]


def _split(stack: Stack, groups: Iterable[tuple[str, list[Head]]], note: str) -> list[Stack]:
    groups = list(groups)
    if len(groups) < 2:
        return [stack]
    return [
        replace(
            stack,
            heads=tuple(heads),
            words=(*stack.words, *([word] if word else [])),
            notes=(*stack.notes, note),
        )
        for word, heads in groups
    ]


def _grouped(heads: Sequence[Head], key: Callable[[Head], Any]) -> dict[Any, list[Head]]:
    groups: dict[Any, list[Head]] = defaultdict(list)
    for head in heads:
        groups[key(head)].append(head)
    return groups


def _by_localizer(stack: Stack) -> list[Stack]:
    groups = _grouped(stack.heads, lambda head: head.localizer)
    named = [("localizer" if scout else "", heads) for scout, heads in groups.items()]
    return _split(stack, named, "The series mixes localizers with other slices.")


def _by_form(stack: Stack) -> list[Stack]:
    """Size, pixel distance, modality and meaning of values."""
    groups = _grouped(stack.heads, lambda head: head.shape)
    sizes = [(f"{shape[1]} x {shape[0]}", heads) for shape, heads in groups.items()]
    return [
        last
        for sized in _split(stack, sizes, "The series mixes slices of different size.")
        for last in _split(
            sized,
            [("", heads) for heads in _grouped(sized.heads, _form).values()],
            "The series mixes slices of different pixel distance or meaning.",
        )
    ]


def _by_reference(stack: Stack) -> list[Stack]:
    """What positions refer to; some anonymisers give every file another one, which tells nothing."""
    groups = _grouped(stack.heads, lambda head: head.reference)
    if 1 < len(groups) == len(stack.heads):
        note = "Every slice has its own frame of reference; their positions are taken to belong together."
        return [replace(stack, notes=(*stack.notes, note))]
    named = [("", heads) for heads in groups.values()]
    return _split(stack, named, "The series mixes slices of different frames of reference.")


def _form(head: Head) -> tuple[Any, ...]:
    spacing = None if head.spacing is None else tuple(round(value, 4) for value in head.spacing)
    return spacing, head.hounsfield, head.modality


def _by_direction(stack: Stack) -> list[Stack]:
    groups: list[tuple[Any, list[Head]]] = []
    for head in stack.heads:
        for first, heads in groups:
            if _parallel(first, head.plane):
                heads.append(head)
                break
        else:
            groups.append((head.plane, [head]))
    if len(groups) > max(3, len(stack.heads) // 2):
        note = "Every slice has its own direction, so positions do not order them."
        return [replace(stack, free=True, notes=(*stack.notes, note))]
    named = [(_direction(first), heads) for first, heads in groups]
    if any(first is None for first, _ in groups):
        return _split(stack, named, "Some slices of the series tell no position.")
    return _split(stack, named, "The series has mixed orientation.")


def _parallel(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return first is second
    return all(
        float(np.dot(one, other)) > _SAME_DIRECTION
        for one, other in ((first.right, second.right), (first.down, second.down))
    )


def _direction(plane: Any) -> str:
    """Axial, coronal or sagittal: the axis that the normal follows most."""
    if plane is None:
        return "without position"
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(plane.normal)))]


def _by_marks(stack: Stack) -> list[Stack]:
    """Where places have several pictures, the first marks that tell them apart.

    A mark that differs from slice to slice makes no stacks: what it parts must have fewer
    pictures a place than before, and be no more parts than a place has pictures.
    """
    most = 0 if stack.free else _crowd(stack.heads)
    if most < 2:
        return [stack]
    for name in MARKS:
        groups = _grouped(stack.heads, lambda head, name=name: head.marks.get(name, ""))  # type: ignore[misc]
        if 1 < len(groups) <= most and all(_crowd(heads, True) < most for heads in groups.values()):
            named = [(f"{name} {value}".strip(), heads) for value, heads in groups.items()]
            parts = _split(stack, named, f"Its slices repeat at each place and differ in {name}.")
            return _each(parts, _by_marks)
    return _by_turn(stack, most)


def _by_turn(stack: Stack, most: int) -> list[Stack]:
    """Where every place has equally many pictures that nothing tells apart: by their order."""
    places = [[head for _, head in place] for place in places_of(stack.heads)]
    if len(places) < 2 or any(len(place) != most for place in places):
        return [stack]
    in_order = [sorted(place, key=file_order) for place in places]
    turns = [(f"pass {turn + 1}", [place[turn] for place in in_order]) for turn in range(most)]
    return _split(stack, turns, f"Each place has {most} slices, which only their numbers tell apart.")


def _crowd(heads: Sequence[Head], strict: bool = False) -> int:
    """How many pictures a place has at most; 1 where just a few places have several.

    Two scans that meet have a few places in common, which are duplicates and no second stack.
    """
    counts = [len(place) for place in places_of(heads)]
    several = sum(count > 1 for count in counts)
    if not several or (not strict and several < len(counts) / 2 and several <= max(3, len(counts) // 10)):
        return 1
    return max(counts)


def places_of(heads: Sequence[Head]) -> list[list[tuple[float, Head]]]:
    """Pictures that lie at one place together, sorted; with their position along the common normal, mm.

    Those that tell no position are left out. Of one place the first in file order is the first.
    """
    placed = [(head, head.plane) for head in sorted(heads, key=file_order) if head.plane is not None]
    if not placed:
        return []
    # One normal for all: directions that differ by rounding would move far origins.
    normal = common_normal([plane for _, plane in placed])
    walk = sorted(((float(normal @ plane.origin), head) for head, plane in placed), key=lambda pair: pair[0])
    places: list[list[tuple[float, Head]]] = []
    for position, head in walk:
        if places and position - places[-1][0][0] < SAME_PLACE:
            places[-1].append((position, head))
        else:
            places.append([(position, head)])
    for place in places:
        place.sort(key=lambda pair: file_order(pair[1]))
    return places


def file_order(head: Head) -> tuple[Any, ...]:
    """By instance number, then name, then frame."""
    number = float("inf") if head.number is None else head.number
    return number, natural(head.path), -1 if head.frame is None else head.frame


def natural(path: Path) -> list[tuple[int, int, str]]:
    """A key that puts "slice 10" after "slice 9"."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in parts]
