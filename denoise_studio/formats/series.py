"""Finding the series of a folder or a file: sorted slices, and what is odd about them."""

import os
from pathlib import Path

from denoise_studio.core.errors import FormatError
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Series


def find_series(path: str | os.PathLike[str], progress: Progress | None = None) -> list[Series]:
    """The series in a folder with all folders inside it, or of one file.

    Slices are sorted by their position along the normal (right x down, so axial slices begin at
    the feet), without positions by instance number, then by name. Series come as the scanner
    numbered them.

    Args:
        path: a folder, a DICOMDIR, a NIfTI volume (.nii, .nii.gz), or a DICOM file with one or
            several pictures: that file alone, not what lies beside it.
        progress: told of every file.

    Raises:
        FormatError: nothing there can be read; one sentence.
        Cancelled: `progress` was cancelled.
    """
    from denoise_studio.formats.series_files import find

    path = Path(path)
    if not path.exists():
        raise FormatError(f"{path} does not exist.")
    return find(path, progress or Progress())
