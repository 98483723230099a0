"""Running the command line: inside this process, and as a person would."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import noisy
from click.testing import CliRunner
from PIL import Image

from denoise_studio.cli.app import studio


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def failed(self) -> str:
        """The one line that a failure prints."""
        assert self.code == 1, self
        assert self.out == "", self
        assert self.err.startswith("denoise-studio: ")
        assert self.err.count("\n") == 1, self.err
        assert self.err.endswith(".\n"), self.err
        return self.err

    def misused(self) -> str:
        assert self.code == 2, self
        assert "Traceback" not in self.err
        return self.err

    def done(self) -> str:
        assert (self.code, self.err) == (0, ""), self
        return self.out


@pytest.fixture
def run() -> Callable[..., Outcome]:
    """The command line in this process."""

    def call(*words: Any) -> Outcome:
        result = CliRunner().invoke(studio, [str(word) for word in words])
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def command() -> Callable[..., Outcome]:
    """The real program in a process of its own."""

    def call(*words: Any, **more: Any) -> Outcome:
        line = [sys.executable, "-m", "denoise_studio", *(str(word) for word in words)]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(
            line, capture_output=True, text=True, check=False, timeout=120, env=environment, **more
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    """40 x 50 float32 between about 0 and 1."""
    path = tmp_path / "data.npy"
    np.save(path, noisy(40, 50)[0])
    return path


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """A 60 x 44 colour photograph of 8 bits."""
    path = tmp_path / "photo.png"
    values = np.moveaxis(noisy(44, 60, 3) * 255, 0, -1).clip(0, 255).astype(np.uint8)
    Image.fromarray(values).save(path)
    return path
