"""How a slice of a volume is turned so that it is seen as radiologists are used to."""

from dataclasses import dataclass

import numpy as np

from denoise_studio.core.plane import Plane
from denoise_studio.core.types import AnyArray
from denoise_studio.formats.nifti_header import Doubles

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI's x points to the right and y to the front, DICOM's to the left and to the back."""
_VIEWS = (
    ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
)
"""Right and down of sagittal, coronal and axial pictures, by the axis that their normal follows:
the nose to the left, the patient's left to the right, the head or the front on top."""


@dataclass(frozen=True, eq=False)
class Turn:
    """From stored slices to pictures.

    Args:
        transpose: whether rows and columns change places, before they are flipped.
        flip: whether rows (up and down) and columns (left and right) are mirrored.
        backwards: whether the slices' order is reversed.
        spacing: of rows and of columns, mm.
        planes: of every slice k of a volume as stored, None where the file does not tell.
    """

    transpose: bool
    flip: tuple[bool, bool]
    backwards: bool
    spacing: tuple[float, float]
    planes: tuple[Plane, ...] | None

    def apply(self, stored: AnyArray) -> AnyArray:
        """`(j, i)` as stored to `(rows, columns)` as seen."""
        seen = stored.T if self.transpose else stored
        return seen[:: -1 if self.flip[0] else 1, :: -1 if self.flip[1] else 1]

    def undo(self, seen: AnyArray) -> AnyArray:
        """The way back from `apply`."""
        unflipped = seen[:: -1 if self.flip[0] else 1, :: -1 if self.flip[1] else 1]
        return unflipped.T if self.transpose else unflipped


def turn_of(shape: tuple[int, int, int], affine: Doubles | None, size: tuple[float, float, float]) -> Turn:
    """How slices along the third axis are turned.

    Args:
        shape: of the volume along i, j, k.
        affine: `(4, 4)` of the NIfTI header; None leaves slices as they are stored.
        size: of a voxel, mm; taken where there is no affine.
    """
    if affine is None:
        return Turn(False, (False, False), False, (size[1], size[0]), None)
    lps = _LPS @ affine
    step_i, step_j, step_k = lps[:3, 0], lps[:3, 1], lps[:3, 2]
    right, down = _VIEWS[int(np.argmax(np.abs(np.cross(_unit(step_i), _unit(step_j)))))]
    straight = abs(_unit(step_i) @ right) + abs(_unit(step_j) @ down)
    crossed = abs(_unit(step_j) @ right) + abs(_unit(step_i) @ down)
    transpose = bool(crossed > straight)
    across, along = (step_j, step_i) if transpose else (step_i, step_j)
    flip = bool(along @ down < 0), bool(across @ right < 0)
    columns, rows = (shape[1], shape[0]) if transpose else (shape[0], shape[1])
    origin = lps[:3, 3] + (rows - 1) * along * flip[0] + (columns - 1) * across * flip[1]
    across, along = across * (-1 if flip[1] else 1), along * (-1 if flip[0] else 1)
    normal = np.cross(_unit(across), _unit(along))
    thickness = abs(float(step_k @ _unit(normal)))
    planes = None
    if abs(float(_unit(across) @ _unit(along))) < 0.02:
        planes = tuple(
            Plane(_vector(origin + k * step_k), _vector(_unit(across)), _vector(_unit(along)), thickness)
            for k in range(shape[2])
        )
    spacing = float(np.linalg.norm(along)), float(np.linalg.norm(across))
    return Turn(transpose, flip, bool(step_k @ normal < 0), spacing, planes)


def _unit(vector: Doubles) -> Doubles:
    return np.asarray(vector / np.linalg.norm(vector))


def _vector(values: Doubles) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
