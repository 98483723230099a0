"""pydicom's remarks, kept to itself."""

import warnings
from typing import Any

from denoise_studio.formats.quiet import silence


def hush() -> None:
    """Keep pydicom's remarks on odd values, which may quote patient data, off terminal and logs.

    A filter is only added, for these modules, and never removed: swapping the list of filters
    back and forth would race with other threads.
    """
    for name in (r"pydicom(\.|$)", r"denoise_studio\.formats\.dicom"):
        present = any(
            f[0] == "ignore" and f[3] is not None and _pattern(f[3]) == name for f in warnings.filters
        )
        if not present:
            warnings.filterwarnings("ignore", module=name)
    silence("pydicom")


def _pattern(module: Any) -> str:
    return str(getattr(module, "pattern", module))
