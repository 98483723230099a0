"""The few facts of a DICOM file's header that say to which series it belongs and where it lies."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from denoise_studio.core.plane import Plane
from denoise_studio.formats.dicom_facts import functional, integer, numbers, spacing, thickness
from denoise_studio.formats.dicom_plane import frame_plane


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


MARKS: dict[str, tuple[str, str]] = {
    "image type": ("ImageType", ""),
    "frame type": ("FrameType", "CTImageFrameTypeSequence"),
    "MR frame type": ("FrameType", "MRImageFrameTypeSequence"),
    "stack": ("StackID", "FrameContentSequence"),
    "echo time": ("EchoTime", ""),
    "effective echo time": ("EffectiveEchoTime", "MREchoSequence"),
    "echo": ("EchoNumbers", ""),
    "temporal position": ("TemporalPositionIdentifier", ""),
    "temporal index": ("TemporalPositionIndex", "FrameContentSequence"),
    "b-value": ("DiffusionBValue", "MRDiffusionSequence"),
    "cardiac phase": ("NominalPercentageOfCardiacPhase", "CardiacSynchronizationSequence"),
    "trigger time": ("TriggerTime", ""),
    "kernel": ("ConvolutionKernel", "CTReconstructionSequence"),
    "tube voltage": ("KVP", "CTXRayDetailsSequence"),
    "acquisition": ("AcquisitionNumber", ""),
    "frame acquisition": ("FrameAcquisitionNumber", "FrameContentSequence"),
    "acquisition time": ("AcquisitionTime", ""),
    "acquisition date and time": ("AcquisitionDateTime", ""),
}
"""What tells pictures of one place apart, in the order in which it is tried: the keyword, and the
macro that has it in files with functional groups."""

TAGS = [
    "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber",
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "Rows", "Columns",
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "SliceThickness",
    "GantryDetectorTilt", "NumberOfFrames", "RescaleType", "RescaleIntercept", "RescaleSlope",
    "ModalityLUTSequence", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PhotometricInterpretation",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    *(keyword for keyword, _ in MARKS.values()),
]  # fmt: skip


def heads_of(dataset: Dataset, path: Path, hounsfield: Callable[[int], bool]) -> list[Head]:
    """One head for every frame.

    Args:
        dataset: with at least `TAGS`.
        path: the file.
        hounsfield: tells of a 0-based frame whether its values are Hounsfield units.
    """
    count = max(1, integer(dataset, "NumberOfFrames"))
    shared = _shared(dataset)
    groups = len(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    told = [_head(dataset, path, frame, shared, hounsfield(frame)) for frame in range(min(count, groups + 1))]
    if count == 1:
        return [replace(told[0], frame=None)]
    # Frames without a group of their own are all alike.
    return [*told, *(replace(told[-1], frame=frame) for frame in range(len(told), count))]


def _head(dataset: Dataset, path: Path, frame: int, shared: dict[str, Any], hounsfield: bool) -> Head:
    marks = _marks(dataset, frame)
    return Head(
        path=path,
        frame=frame,
        plane=frame_plane(dataset, frame),
        spacing=spacing(dataset, frame)[0],
        thickness=thickness(dataset, frame),
        marks=marks,
        hounsfield=hounsfield,
        localizer=any("LOCALIZER" in marks.get(kind, "") for kind in _KINDS),
        kernel=marks.get("kernel", ""),
        tilt=_tilt(dataset, frame),
        **shared,
    )


_KINDS = ("image type", "frame type", "MR frame type")


def _shared(dataset: Dataset) -> dict[str, Any]:
    """Fields of `Head` that all frames of a file share."""
    return {
        "instance": str(dataset.get("SOPInstanceUID") or ""),
        "series": str(dataset.get("SeriesInstanceUID") or ""),
        "reference": str(dataset.get("FrameOfReferenceUID") or ""),
        "modality": str(dataset.get("Modality") or ""),
        "shape": (integer(dataset, "Rows"), integer(dataset, "Columns")),
        "number": whole(dataset, "InstanceNumber"),
        "series_number": whole(dataset, "SeriesNumber"),
    }


def _marks(dataset: Dataset, frame: int) -> dict[str, str]:
    grouped = "PerFrameFunctionalGroupsSequence" in dataset or "SharedFunctionalGroupsSequence" in dataset
    marks = {}
    for name, (keyword, macro) in MARKS.items():
        item = functional(dataset, macro, frame) if macro and grouped else None
        if text := _plain((dataset if item is None else item).get(keyword)):
            marks[name] = text
    return marks


def _tilt(dataset: Dataset, frame: int) -> float:
    """Gantry tilt that the file declares, degrees."""
    item = functional(dataset, "CTAcquisitionDetailsSequence", frame)
    found = numbers(dataset if item is None else item, "GantryDetectorTilt")
    return found[0] if found and math.isfinite(found[0]) else 0.0


def whole(dataset: Dataset, keyword: str) -> int | None:
    """A whole number, or None."""
    found = numbers(dataset, keyword)
    return int(found[0]) if found and math.isfinite(found[0]) else None


def _plain(value: Any) -> str:
    """A value as text of one line; several are joined."""
    if value is None:
        return ""
    several = not isinstance(value, str) and hasattr(value, "__iter__")
    return " ".join(str(each) for each in value) if several else str(value)
