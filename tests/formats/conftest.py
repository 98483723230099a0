"""Fixtures that write the small files of `format_files`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from format_files import ct_dataset


@pytest.fixture
def write_ct(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CT slice of the given stored samples and attributes."""

    def write(stored: np.ndarray, name: str = "slice.dcm", **changes: Any) -> Path:
        path = tmp_path / name
        ct_dataset(stored, **changes).save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def ct_path(write_ct: Callable[..., Path]) -> Path:
    """A 12-bit unsigned slice with every stored value class, 24 x 20."""
    stored = (np.arange(480, dtype=np.uint16) * 8).reshape(24, 20)
    return write_ct(stored, BitsStored=12, HighBit=11)


@pytest.fixture
def dciodvfy() -> None:
    """Skips where the checker of DICOM files is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("needs dciodvfy (Debian package dicom3tools)")
