"""How many pictures fit into memory at once: what they take, and whose turn it is."""

import os
import threading
from pathlib import Path

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.denoisers import get_denoiser

_OPENING = 3
"""Pictures (in float32) that opening takes at its peak; measured: 2.7 to 4.6."""
_WORKING = 8
"""The same for filtering and saving; measured: 6 to 8."""
_FITTING = 30
"""The same for a method that finds maps; measured: 28."""
_WEIGHTS = 400 * 2**20
"""What a method with weights needs beside pictures: its library and one tile's layers."""

_EXPANSION = {".jpg": 30, ".jpeg": 30, ".png": 8, ".cr3": 8}
"""Bytes of float32 pixels for each of the file; 4 for what is not listed."""

_SHARE = 0.6
"""Part of the free memory that a batch takes."""


def guess_bytes(path: Path) -> int:
    """What opening a file may take, before anything is known but its size."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    return size * _EXPANSION.get(path.suffix.lower(), 4) * _OPENING


def open_bytes(picture: Picture) -> int:
    """What an open picture that waits takes."""
    return 2 * picture.pixels.nbytes


def working_bytes(picture: Picture, method: str) -> int:
    """What rendering and saving it take at their peak."""
    denoiser = get_denoiser(method)
    beside = _WEIGHTS if denoiser.weights_sha256 else 0
    return picture.pixels.nbytes * (_FITTING if denoiser.load_fit else _WORKING) + beside


def free_bytes() -> int:
    """Memory that is free now, for this process: the system's, or what its container may still take."""
    return max(64 * 2**20, min(_system(), _container()))


def budget_bytes() -> int:
    """What a batch takes at most."""
    return int(free_bytes() * _SHARE)


class Budget:
    """Lets work begin while its memory fits, and always one piece when nothing else runs."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used: dict[object, int] = {}
        self._working: set[object] = set()
        self._changed = threading.Condition()

    def open(self, key: object, size: int, stop: Progress) -> None:
        """Wait until `size` bytes fit, or nothing else is in memory.

        Raises:
            Cancelled: through `stop`.
        """
        with self._changed:
            while self._used and self._total() + size > self.limit:
                self._wait(stop)
            self._used[key] = size

    def opened(self, key: object, size: int) -> None:
        """Put what it really takes in the guess's place."""
        with self._changed:
            self._used[key] = size
            self._changed.notify_all()

    def work(self, key: object, size: int, stop: Progress) -> None:
        """Wait until it may grow to `size` bytes, or nothing else is being worked on.

        Raises:
            Cancelled: through `stop`.
        """
        with self._changed:
            while self._working and self._total() - self._used[key] + size > self.limit:
                self._wait(stop)
            self._used[key] = size
            self._working.add(key)

    def close(self, key: object) -> None:
        """It has left the memory."""
        with self._changed:
            self._used.pop(key, None)
            self._working.discard(key)
            self._changed.notify_all()

    def _total(self) -> int:
        return sum(self._used.values())

    def _wait(self, stop: Progress) -> None:
        stop.check()
        self._changed.wait(0.1)
        stop.check()


def _system() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return 4 * 2**30  # Windows has no such call; half of what its smallest machines have


def _container() -> int:
    """What a control group (version 2) leaves; no limit counts as endless."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        kept = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        # Files that were read stay in memory until it is wanted.
        return limit - used + sum(int(size) for name, size in kept if name == "inactive_file")
    except (OSError, ValueError):
        return 2**62
