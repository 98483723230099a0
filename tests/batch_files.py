"""Small real files for batches: DICOM slices, photographs, data."""

from pathlib import Path

import numpy as np
import pydicom
import tifffile
from builders import noisy
from PIL import Image

from denoise_studio.core.resources import resource
from denoise_studio.engine.batch import Report


def slice_of_ct(path: Path, row: int = 200, side: int = 48) -> Path:
    """A part of the bundled phantom as a slice of its own; all have one series and one patient."""
    data = pydicom.dcmread(resource("samples", "ct-phantom.dcm"))
    part = data.pixel_array[row : row + side, 200 : 200 + side]
    data.Rows, data.Columns = part.shape
    data.PixelData = part.tobytes()
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{data.SOPInstanceUID}.{row}"
    data.PatientName = "Secret^Name"
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path)
    return path


def photo(path: Path, seed: int = 0) -> Path:
    """A 40 x 32 colour photograph of 8 bits; the ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.moveaxis(noisy(32, 40, 3, seed) * 255, 0, -1).clip(0, 255).astype(np.uint8)
    if path.suffix == ".tif":
        tifffile.imwrite(path, values, photometric="rgb")
    else:
        Image.fromarray(values).save(path)
    return path


def data(path: Path, side: int = 32, seed: int = 0) -> Path:
    """side x side float32."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, noisy(side, side, seed=seed)[0])
    return path


def statuses(report: Report) -> dict[str, str]:
    return {entry.input: entry.status for entry in report.files}


def tree(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too, without records and the report."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in names if not name.endswith((".recipe.json", "batch-report.json")))
