"""Which device a method runs on, and why it is not the one that was hoped for.

torch is imported only where the machine seems to have a GPU, or a person asks for one, so a
laptop without a GPU shows its first result before torch would even be loaded.
"""

import ctypes
import functools
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.errors import RecipeError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Device:
    """A device class and its name; `why` says why a better one was not taken ("" if none was)."""

    kind: str
    name: str
    why: str = ""


def cpu(why: str = "") -> Device:
    return Device("cpu", f"CPU, {worker_count()} threads", why)


def worker_count() -> int:
    """Threads for filtering: all cores, one kept free above four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores - 1 if cores > 4 else cores


def choose(requested: str, denoiser: Denoiser) -> Device:
    """The device for a method.

    Args:
        requested: "auto", "cpu", "cuda" or "mps".
        denoiser: the method; only devices that it lists are taken.

    Raises:
        RecipeError: the word is none of those.
    """
    if requested not in ("auto", "cpu", "cuda", "mps"):
        raise RecipeError(f"device must be auto, cpu, cuda or mps, not {requested!r}.")
    if requested == "cpu":
        return cpu()
    wanted = ("cuda", "mps") if requested == "auto" else (requested,)
    usable = [kind for kind in wanted if kind in denoiser.devices]
    if not usable:
        return cpu("" if requested == "auto" else f"{denoiser.name} runs on the CPU only")
    if requested == "auto" and not gpu_likely():
        return cpu()
    for kind in usable:
        name, _ = probe(kind)
        if name:
            return Device(kind, name)
    return cpu("; ".join(probe(kind)[1] for kind in usable))


def gpu_likely() -> bool:
    """A quick look, without torch, for a driver that a GPU build of torch could use."""
    if sys.platform == "darwin":
        return os.uname().machine == "arm64"
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@functools.cache
def probe(kind: str) -> tuple[str, str]:
    """Name of the GPU, or "" and the reason why it cannot be used; imports torch once."""
    try:
        import torch
    except (ImportError, OSError) as error:
        log.warning("torch cannot be loaded: %s", error)
        return "", "torch cannot be loaded"
    if kind == "mps":
        return ("Apple GPU", "") if torch.backends.mps.is_available() else ("", "no Apple GPU is available")
    if torch.version.cuda is None and torch.version.hip is None:
        return "", "this torch is built without CUDA"
    if not torch.cuda.is_available():
        return "", "no CUDA device is available"
    return torch.cuda.get_device_name(0), ""


def release(kind: str) -> None:
    """Give cached memory of a GPU back after it ran out."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and kind == "cuda":
        torch.cuda.empty_cache()
    elif torch is not None and kind == "mps":
        torch.mps.empty_cache()
