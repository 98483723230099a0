"""Fixtures that write the small files of `format_files`."""

import shutil
import subprocess
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
def dciodvfy() -> Callable[[Path], set[str]]:
    """What the standard's checker calls errors in a file; skips where it is not installed."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("needs dciodvfy (Debian package dicom3tools)")

    def errors(path: Path) -> set[str]:
        run = subprocess.run([program, str(path)], capture_output=True, check=False)
        lines = (run.stdout + run.stderr).decode("utf-8", "replace").splitlines()
        return {line for line in lines if line.startswith("Error")}

    return errors
