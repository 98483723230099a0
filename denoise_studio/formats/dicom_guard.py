"""Damaged DICOM headers: one sentence that quotes nothing of them, because that may be patient data."""

import contextlib
import re
from collections.abc import Iterator

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from denoise_studio.core.errors import Cancelled, FormatError

_DEEPEST = 32
"""Levels of sequences; structured reports, the deepest objects that there are, have about fifteen."""
_TAG = re.compile(r"\(([0-9A-Fa-f]{4}), ?([0-9A-Fa-f]{4})\)")


@contextlib.contextmanager
def plain_errors(what: str, instead: str = "") -> Iterator[None]:
    """Turn what a parser throws at a damaged header into one sentence.

    Args:
        what: whose header it is, to begin the sentence.
        instead: what a person can do, to end it.

    Raises:
        FormatError: in place of any error but those that speak for themselves.
    """
    try:
        yield
    except (FormatError, Cancelled, OSError, MemoryError):
        raise
    except Exception as error:
        found = _TAG.search(str(error))
        where = f"its attribute ({found[1]},{found[2]})" if found else "an attribute of its header"
        ending = f"; {instead}" if instead else ""
        raise FormatError(f"{what} is damaged: {where} cannot be read{ending}.") from None


def require_shallow(dataset: Dataset, depth: int = 0) -> None:
    """Refuse sequences nested so deep that no scanner made them.

    Copying and writing them takes time and memory that grow with the square of the depth, and ends at
    the interpreter's own limit.

    Raises:
        FormatError: deeper than any real object.
    """
    if depth > _DEEPEST:
        raise FormatError(
            f"The DICOM source is damaged: its sequences are nested more than {_DEEPEST} deep; "
            "save as TIFF or NPY."
        )
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        # Whatever cannot hold items stays as the bytes that it is.
        if isinstance(element, RawDataElement) and element.VR not in ("SQ", "UN", None):
            continue
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                require_shallow(item, depth + 1)
