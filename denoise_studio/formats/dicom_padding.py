"""Which pixels of a DICOM image are no part of the picture."""

from typing import Any

from pydicom.dataset import Dataset

from denoise_studio.core.picture import Scale
from denoise_studio.formats.dicom_facts import integer

_UNDECLARED = -1500.0
"""No tissue, air or metal artefact fills an area with one value below this many HU."""


def find_padding(dataset: Dataset, samples: Any, values: Any, scale: Scale) -> tuple[Any, list[str]]:
    """The `(H, W)` mask of padding, or None, and notes.

    Declared padding lies between PixelPaddingValue and PixelPaddingRangeLimit (PS3.3
    C.7.5.1.1.2). A CT image that declares none, but has an area of one value far below air, was
    filled outside the scanner's field of view.
    """
    mask = None
    if (limits := padding_range(dataset)) is not None:
        mask = (samples >= limits[0]) & (samples <= limits[1])
    notes: list[str] = []
    if scale is Scale.HU and (mask is None or not mask.any()):
        mask, notes = undeclared(values)
    if mask is None or not mask.any():
        return None, []
    if mask.all():
        return None, ["Every pixel has the padding value, so none is taken as padding."]
    return mask, notes


def undeclared(values: Any) -> tuple[Any, list[str]]:
    """The mask of an area of one value far below air, in HU, and the sentence that tells; or None."""
    lowest = float(values.min())
    if lowest > _UNDECLARED:
        return None, []
    fill = values == lowest
    count = int(fill.sum())
    if count < max(8, fill.size // 200):
        return None, []
    note = f"{count} pixels of {lowest:g} HU are taken as padding, which the file does not declare."
    return fill, [note]


def padding_range(dataset: Dataset) -> tuple[int, int] | None:
    """Lowest and highest stored sample that means padding, or None."""
    edges = [
        _as_sample(dataset, dataset[keyword].value)
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")
        if keyword in dataset and dataset[keyword].value not in (None, "")
    ]
    known = [edge for edge in edges if edge is not None]
    return (min(known), max(known)) if known and len(known) == len(edges) else None


def _as_sample(dataset: Dataset, value: Any) -> int | None:
    """US and SS are often mixed up: read the bits as the pixels' own representation has them."""
    allocated = integer(dataset, "BitsAllocated")
    try:
        number = int.from_bytes(value[:2], "little") if isinstance(value, bytes) else int(value)
    except (TypeError, ValueError):
        return None
    number &= (1 << allocated) - 1
    signed = integer(dataset, "PixelRepresentation") == 1
    return number - (1 << allocated) if signed and number >> (allocated - 1) else number
