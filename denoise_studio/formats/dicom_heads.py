"""The few facts of a DICOM file's header that say to which series it belongs and where it lies."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.plane import Plane
from denoise_studio.formats.dicom_facts import integer, numbers
from denoise_studio.formats.dicom_plane import plane_of


class NoPicture(FormatError):
    """A sound DICOM object that holds no picture, such as a report: nothing is wrong with it."""


@dataclass(frozen=True)
class Head:
    """One frame of one file, before its pixels are read.

    Args:
        path: the file.
        frame: 0-based, None for a file of one picture.
        instance: SOP instance UID, "" where absent.
        series: series instance UID.
        reference: frame of reference UID; positions of different ones do not compare.
        modality: "CT", "MR", ...
        shape: rows and columns.
        hounsfield: whether its values are Hounsfield units.
        plane: where it lies, None where the file does not tell.
        spacing: distance of rows and of columns, mm.
        thickness: mm.
        number: instance number.
        tilt: GantryDetectorTilt, degrees.
        localizer: whether it is a scout view.
        series_number: as the scanner counts.
        kernel: convolution kernel, "" where absent.
        marks: what tells pictures of the same place apart: echo, phase, b-value, ...
    """

    path: Path
    frame: int | None
    instance: str
    series: str
    reference: str
    modality: str
    shape: tuple[int, int]
    hounsfield: bool
    plane: Plane | None = None
    spacing: tuple[float, float] | None = None
    thickness: float | None = None
    number: int | None = None
    tilt: float = 0.0
    localizer: bool = False
    series_number: int | None = None
    kernel: str = ""
    marks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def position(self) -> float | None:
        return None if self.plane is None else self.plane.position


MARKS = {
    "image type": "ImageType",
    "echo time": "EchoTime",
    "echo": "EchoNumbers",
    "temporal position": "TemporalPositionIdentifier",
    "b-value": "DiffusionBValue",
    "cardiac phase": "NominalPercentageOfCardiacPhase",
    "trigger time": "TriggerTime",
    "kernel": "ConvolutionKernel",
    "tube voltage": "KVP",
    "acquisition": "AcquisitionNumber",
    "acquisition time": "AcquisitionTime",
    "acquisition date and time": "AcquisitionDateTime",
}
"""In the order in which they are tried to tell pictures of the same place apart."""

TAGS = [
    "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "Rows", "Columns",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "GantryDetectorTilt", "NumberOfFrames",
    "RescaleType", "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence", "SamplesPerPixel",
    "BitsAllocated", "BitsStored", "PhotometricInterpretation", *MARKS.values(),
]  # fmt: skip


def head_of(dataset: Dataset, path: Path, hounsfield: bool) -> Head:
    """Of a file with a single picture."""
    thickness = one(dataset, "SliceThickness")
    spacing = numbers(dataset, "PixelSpacing")
    return Head(
        path=path,
        frame=None,
        plane=plane_of(
            numbers(dataset, "ImagePositionPatient"), numbers(dataset, "ImageOrientationPatient"), thickness
        ),
        spacing=(spacing[0], spacing[1]) if len(spacing) == 2 else None,
        thickness=thickness,
        marks={name: _mark(dataset.get(keyword)) for name, keyword in MARKS.items()},
        hounsfield=hounsfield,
        **common(dataset),
    )


def common(dataset: Dataset) -> dict[str, Any]:
    """Fields of `Head` that all frames of a file share."""
    kinds = dataset.get("ImageType") or []
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    return {
        "instance": str(dataset.get("SOPInstanceUID") or ""),
        "series": str(dataset.get("SeriesInstanceUID") or ""),
        "reference": str(dataset.get("FrameOfReferenceUID") or ""),
        "modality": str(dataset.get("Modality") or ""),
        "shape": (integer(dataset, "Rows"), integer(dataset, "Columns")),
        "number": whole(dataset, "InstanceNumber"),
        "tilt": one(dataset, "GantryDetectorTilt") or 0.0,
        "localizer": "LOCALIZER" in kinds,
        "series_number": whole(dataset, "SeriesNumber"),
        "kernel": plain(dataset.get("ConvolutionKernel")),
    }


def one(dataset: Dataset, keyword: str) -> float | None:
    """A finite number, or None."""
    found = numbers(dataset, keyword)
    return found[0] if found and math.isfinite(found[0]) else None


def whole(dataset: Dataset, keyword: str) -> int | None:
    value = one(dataset, keyword)
    return None if value is None else int(value)


def plain(value: Any) -> str:
    """A value as text of one line; several are joined."""
    if value is None:
        return ""
    several = not isinstance(value, str) and hasattr(value, "__iter__")
    return " ".join(str(each) for each in value) if several else str(value)


def _mark(value: Any) -> str:
    return plain(value)
