"""What a DICOM data set says beside its pixels: windows, spacing, and facts without the patient."""

import math
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from denoise_studio.core.picture import Window
from denoise_studio.formats.dicom_recipe import told

_FACTS = {
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "image type": "ImageType",
    "tube voltage (kVp)": "KVP",
    "tube current (mA)": "XRayTubeCurrent",
    "exposure (mAs)": "Exposure",
    "exposure time (ms)": "ExposureTime",
    "slice thickness (mm)": "SliceThickness",
    "kernel": "ConvolutionKernel",
    "filter": "FilterType",
    "reconstruction diameter (mm)": "ReconstructionDiameter",
    "field strength (T)": "MagneticFieldStrength",
    "body part": "BodyPartExamined",
    "lossy compression": "LossyImageCompression",
}
_SPACINGS = {
    "PixelSpacing": "",
    "ImagerPixelSpacing": "The pixel spacing is that of the detector, not of the patient.",
    "NominalScannedPixelSpacing": "The pixel spacing is that of the film scanner.",
}


def windows(dataset: Dataset, frame: int = 0) -> tuple[Window, ...]:
    """The file's own display windows of a frame with their explanations."""
    item = functional(dataset, "FrameVOILUTSequence", frame)
    source = dataset if item is None else item
    levels, widths = numbers(source, "WindowCenter"), numbers(source, "WindowWidth")
    names = _texts(source, "WindowCenterWidthExplanation")
    stated = str(source.get("VOILUTFunction") or "").strip().upper()
    function = stated if stated in ("LINEAR", "LINEAR_EXACT", "SIGMOID") else ""
    result = []
    for index, (level, width) in enumerate(zip(levels, widths, strict=False)):
        if 0 < width < math.inf and math.isfinite(level):
            result.append(Window(width, level, names[index] if index < len(names) else "", function))
    return tuple(result)


def spacing(dataset: Dataset, frame: int = 0) -> tuple[tuple[float, float] | None, list[str]]:
    """Row and column distance of a frame in mm, and a note if it is not the patient's."""
    measures = functional(dataset, "PixelMeasuresSequence", frame)
    for source in (measures, dataset) if measures is not None else (dataset,):
        for keyword, note in _SPACINGS.items():
            pair = numbers(source, keyword)
            if len(pair) == 2 and min(pair) > 0 and all(map(math.isfinite, pair)):
                return (pair[0], pair[1]), [note] if note else []
    return None, []


def thickness(dataset: Dataset, frame: int = 0) -> float | None:
    """Thickness of a frame's slice in mm, if the file tells."""
    measures = functional(dataset, "PixelMeasuresSequence", frame)
    for source in (measures, dataset) if measures is not None else (dataset,):
        found = numbers(source, "SliceThickness")
        if found and 0 < found[0] < math.inf:
            return found[0]
    return None


def summary(dataset: Dataset) -> dict[str, Any]:
    """Facts about the scan; nothing that names or dates a patient."""
    facts: dict[str, Any] = {}
    for name, keyword in _FACTS.items():
        value = dataset.get(keyword)
        if value not in (None, ""):
            facts[name] = "\\".join(map(str, value)) if isinstance(value, (list, tuple)) else _plain(value)
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    facts["transfer syntax"] = UID(syntax).name if syntax else "none stated"
    if recipe := told(dataset):
        facts["denoised before"] = recipe
    facts["private tags"] = sum(1 for tag in dataset.keys() if tag.is_private)  # noqa: SIM118
    return facts


def functional(dataset: Dataset, keyword: str, frame: int = 0) -> Any:
    """The item of a frame's functional group macro of an enhanced image, or None.

    Args:
        dataset: of the file.
        keyword: of the macro's sequence.
        frame: 0-based.
    """
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    for group in (*frames[frame : frame + 1], *(dataset.get("SharedFunctionalGroupsSequence") or ())):
        if items := group.get(keyword):
            return items[0]
    return None


def _plain(value: Any) -> Any:
    if not isinstance(value, str) and isinstance(value, (int, float)):
        return float(value) if isinstance(value, float) else int(value)
    try:
        return float(value) if hasattr(value, "original_string") else str(value)
    except ValueError:
        return str(value)


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values as numbers; none where it is absent, empty or no number."""
    try:
        return [float(value) for value in _values(dataset, keyword)]
    except (TypeError, ValueError):
        return []


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    return [str(value) for value in _values(dataset, keyword)]


def integer(dataset: Dataset, keyword: str, default: int = 0) -> int:
    """A whole number, the default where it is absent, empty or no number."""
    try:
        return int(dataset.get(keyword) if dataset.get(keyword) not in (None, "") else default)
    except (TypeError, ValueError):
        return default


def number(dataset: Dataset, keyword: str, default: float) -> float:
    """A finite number, the default where it is absent, empty or none."""
    try:
        value = float(dataset.get(keyword) if dataset.get(keyword) not in (None, "") else default)
    except (TypeError, ValueError):
        return default
    return value if math.isfinite(value) else default
