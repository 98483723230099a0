"""Where a DICOM slice lies in the patient."""

import math
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from denoise_studio.core.plane import Plane
from denoise_studio.formats.dicom_facts import functional, integer, numbers, thickness

_SKEW = 0.02
"""Row and column vectors that are no right angle by more than about a degree are damaged."""


def frame_plane(dataset: Dataset, frame: int = 0) -> Plane | None:
    """Where a frame lies, None where the file does not tell."""
    position = functional(dataset, "PlanePositionSequence", frame)
    orientation = functional(dataset, "PlaneOrientationSequence", frame)
    if position is None and integer(dataset, "NumberOfFrames") > 1:
        return None  # One position for all frames is the place of none but the first.
    return plane_of(
        numbers(dataset if position is None else position, "ImagePositionPatient"),
        numbers(dataset if orientation is None else orientation, "ImageOrientationPatient"),
        thickness(dataset, frame),
    )


def plane_of(
    position: Sequence[float], orientation: Sequence[float], thickness: float | None
) -> Plane | None:
    """The plane out of ImagePositionPatient and ImageOrientationPatient (PS3.3 C.7.6.2.1.1).

    Args:
        position: x, y, z of the centre of the first pixel, mm.
        orientation: direction of a row, then of a column.
        thickness: of the slice, mm.

    Returns:
        None where the values are absent, not finite, no directions or not at right angles.
    """
    if len(position) != 3 or len(orientation) != 6 or not all(map(math.isfinite, (*position, *orientation))):
        return None
    right, down = np.asarray(orientation[:3], np.float64), np.asarray(orientation[3:], np.float64)
    lengths = float(np.linalg.norm(right)), float(np.linalg.norm(down))
    if not all(0.9 < length < 1.1 for length in lengths):
        return None
    right, down = right / lengths[0], down / lengths[1]
    if abs(float(right @ down)) > _SKEW:
        return None
    x, y, z = (float(value) for value in position)
    return Plane((x, y, z), _vector(right), _vector(down), thickness)


def _vector(values: np.ndarray) -> tuple[float, float, float]:  # type: ignore[type-arg]
    x, y, z = (float(value) for value in values)
    return x, y, z
