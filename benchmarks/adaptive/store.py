"""A folder of finished pieces, so that an interrupted run goes on where it stopped."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, Any]


class Store:
    """Arrays and JSON by key; a key tells everything that the content depends on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def arrays(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        path = self._path(key, ".npz")
        if not path.exists():
            made = make()
            _replace(path, lambda part: np.savez_compressed(part, **made))
        with np.load(path) as file:
            return {name: file[name] for name in file.files}

    def has(self, key: str) -> bool:
        return self._path(key, ".json").exists()

    def json(self, key: str, make: Callable[[], Any]) -> Any:
        path = self._path(key, ".json")
        if not path.exists():
            text = json.dumps({"key": key, "value": make()}, indent=1)
            _replace(path, lambda part: part.write_text(text))
        return json.loads(path.read_text())["value"]

    def _path(self, key: str, ending: str) -> Path:
        name = re.sub(r"[^a-z0-9]+", "-", key.lower())[:80].strip("-")
        return self.folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}{ending}"


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Written beside it and renamed: what is there is whole."""
    part = path.with_name(f"{os.getpid()}-part-{path.name}")
    write(part)
    part.replace(path)


def digest(paths: list[Path]) -> str:
    """Checksum of these files and all Python files below these folders: for code that is being worked on."""
    sums = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            sums.update(file.read_bytes())
    return sums.hexdigest()[:16]
