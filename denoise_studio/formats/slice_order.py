"""The order of slices along their normal, and what is odd about their places, in sentences."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.plane import Plane

_GAP = 1.5
"""Slices farther apart than this many usual steps have a gap between them."""
_EVEN = 0.01
"""Distances that differ by less than this part of the step are even."""
_TILTED = 0.1
"""Degrees; below it is rounding of the file's numbers."""


@dataclass(frozen=True)
class Walk:
    """How the origins of sorted slices step.

    Args:
        step: the usual distance in mm, None for less than two slices.
        tilt: degrees between the way of the origins and the normal.
        notes: one sentence each.
    """

    step: float | None
    tilt: float
    notes: tuple[str, ...]


def walk(planes: Sequence[Plane], tag: float) -> Walk:
    """Judge slices that are sorted by position and lie at different places.

    Args:
        planes: of the slices in order, all in one direction.
        tag: gantry tilt that the files declare, degrees.
    """
    if len(planes) < 2:
        notes = (f"The gantry was tilted by {abs(tag):g} degrees.",) if abs(tag) > _TILTED else ()
        return Walk(None, abs(tag), notes)
    origins = np.array([plane.origin for plane in planes], np.float64)
    normal = common_normal(planes)
    along = (origins - origins[0]) @ normal
    aside = (origins - origins[0]) - along[:, None] * normal
    distances = np.diff(along)
    step = usual(distances)
    tilt, sideways = _tilt(along, aside, tag)
    return Walk(step, tilt, (*_gaps(distances, step), *sideways))


def common_normal(planes: Sequence[Plane]) -> npt.NDArray[np.float64]:
    """Unit vector across all of them, for planes that differ by rounding."""
    rights = np.array([plane.right for plane in planes], np.float64)
    downs = np.array([plane.down for plane in planes], np.float64)
    mean = np.cross(rights, downs).mean(axis=0)
    return np.asarray(mean / (np.linalg.norm(mean) or 1.0))


def usual(distances: Any) -> float:
    """The distance that occurs most often, to 0.01 mm; the smaller of two."""
    counts = Counter(np.round(distances, 2).tolist())
    most = max(counts.values())
    nearest = min(value for value, count in counts.items() if count == most)
    return float(np.median(distances[np.abs(distances - nearest) < 0.011]))


def _gaps(distances: Any, step: float) -> list[str]:
    notes = []
    wide = np.flatnonzero(distances > _GAP * step)
    even = np.abs(distances - step) <= max(_EVEN * step, 0.011)
    odd = ~even
    missing = distances[wide] / step
    if len(wide) and bool((np.abs(missing - np.round(missing)) < 0.1).all()) and even.sum() >= len(wide):
        odd[wide] = False
        lost = int((np.round(missing) - 1).sum())
        places = [f"{index + 1} and {index + 2}" for index in wide[:3]]
        more = f" and {len(wide) - 3} more places" if len(wide) > 3 else ""
        slices = "slice is" if lost == 1 else "slices are"
        notes.append(
            f"{lost} {slices} missing: there is a gap between slices {', '.join(places)}{more} "
            f"({distances[wide].max():g} mm instead of {step:.4g} mm)."
        )
    if odd.any():
        notes.append(
            f"The distance of slices varies between {distances.min():.4g} and {distances.max():.4g} mm."
        )
    return notes


def _tilt(along: Any, aside: Any, tag: float) -> tuple[float, list[str]]:
    """Degrees by geometry, and notes; origins that wander without a rule are no tilt.

    Args:
        along: `(N,)` way of the origins along the normal, mm.
        aside: `(N, 3)` what they move across it, mm.
        tag: what the files declare, degrees.
    """
    slope = (along @ aside) / float(along @ along)
    wander = float(np.linalg.norm(aside - along[:, None] * slope, axis=1).max())
    tilt = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    notes = []
    # What is no straight line is no tilt.
    if wander > max(0.5, 0.1 * float(np.linalg.norm(aside, axis=1).max())):
        tilt = 0.0
        notes.append(f"Slices do not lie straight above each other: they wander sideways by {wander:.3g} mm.")
    if tilt > _TILTED:
        shift = float(np.linalg.norm(slope))
        notes.append(
            f"The gantry was tilted by {tilt:.3g} degrees: each slice is shifted sideways by "
            f"{shift:.3g} mm a millimetre."
        )
        if abs(tag) > _TILTED and abs(abs(tag) - tilt) > 1.0:
            notes.append(f"The files declare another tilt, {abs(tag):g} degrees.")
    elif abs(tag) > _TILTED and not notes:
        notes.append(
            f"The files declare a gantry tilt of {abs(tag):g} degrees, but their slices lie straight "
            "above each other."
        )
    return (tilt if tilt > _TILTED else 0.0), notes
