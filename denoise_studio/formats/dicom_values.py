"""What a DICOM image's stored samples stand for."""

import math

from pydicom.dataset import Dataset

from denoise_studio.core.errors import FormatError
from denoise_studio.core.picture import Scale
from denoise_studio.formats.dicom_facts import functional, number

_TRANSFORMATION = "PixelValueTransformationSequence"


def rescale_of(dataset: Dataset, name: str, frame: int = 0) -> tuple[float, float, list[str]]:
    """Slope and intercept of a frame, and notes.

    Raises:
        FormatError: the slope is 0, or one of them is no number.
    """
    source = functional(dataset, _TRANSFORMATION, frame)
    if source is None:
        source = dataset
    slope = _factor(source, "RescaleSlope", "slope", 1.0, name)
    intercept = _factor(source, "RescaleIntercept", "intercept", 0.0, name)
    if slope == 0.0:
        raise FormatError(f"{name} has a rescale slope of 0, so its pixels have no values.")
    notes = []
    if "ModalityLUTSequence" in dataset:
        notes.append("The modality lookup table is not applied; values are the stored ones.")
    return slope, intercept, notes


def _factor(source: Dataset, keyword: str, word: str, default: float, name: str) -> float:
    """A number of the rescale; the default only where there is none: a guess would make values wrong."""
    if source.get(keyword) in (None, ""):
        return default
    value = number(source, keyword, math.nan)
    if math.isnan(value):
        raise FormatError(
            f"{name} is damaged: its rescale {word} is no number, so its pixels have no values."
        )
    return value


def scale_of(dataset: Dataset, frame: int = 0) -> tuple[Scale, str, list[str]]:
    """HU for CT that does not say otherwise, else the scanner's signal; the unit; notes."""
    item = functional(dataset, _TRANSFORMATION, frame)
    source = dataset if item is None else item
    kind = str(source.get("RescaleType") or dataset.get("RescaleType") or "").strip()
    has = "RescaleIntercept" in dataset or item is not None
    if dataset.get("Modality") != "CT":
        return Scale.SIGNAL, "", []
    if kind in ("HU", "") and has and "ModalityLUTSequence" not in dataset:
        return Scale.HU, "HU", []
    why = f"its rescale type is {kind}" if kind and kind != "HU" else "it declares no rescale intercept"
    return Scale.SIGNAL, "", [f"A CT image whose values are not taken as Hounsfield units: {why}."]
