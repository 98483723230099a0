"""Training and test pictures, as they lie in folders."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import StudioError

Pixels = npt.NDArray[np.uint8]
_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
_GREY = np.array([0.299, 0.587, 0.114])
"""Rec. 601 luma, as the grey versions of the usual test sets were made."""


def load_pictures(folders: list[Path], channels: int, smallest: int = 1) -> list[Pixels]:
    """All pictures below the folders, by path, each `(H, W, channels)` uint8.

    Smaller ones than `smallest` pixels a side are left out, and colour becomes grey for one
    channel; grey pictures are left out for three.

    Raises:
        StudioError: no folder holds any.
    """
    paths = sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES
    )
    loaded = (_load(path, channels) for path in paths)
    pictures = [picture for picture in loaded if picture is not None and min(picture.shape[:2]) >= smallest]
    if not pictures:
        where = ", ".join(str(folder) for folder in folders)
        raise StudioError(f"There are no pictures to use in {where}.")
    return pictures


def _load(path: Path, channels: int) -> Pixels | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels: Any = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise StudioError(f"{path} cannot be read as a picture: {error}") from None
    if pixels.ndim == 3 and channels == 1:
        pixels = np.rint(pixels @ _GREY).astype(np.uint8)
    if pixels.ndim == 2:
        return pixels[..., None] if channels == 1 else None
    return np.ascontiguousarray(pixels)
