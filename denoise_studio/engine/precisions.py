"""Which arithmetic a method runs in on this machine: measured once, remembered for the next starts."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.engine.devices import Device
from denoise_studio.formats.files import write_bytes

log = logging.getLogger(__name__)

_lock = threading.Lock()
_known: dict[str, str] = {}


def choose(denoiser: Denoiser, device: Device, channels: int) -> str:
    """The precision, "float32" or "bfloat16", for this method, device and number of channels.

    The first time on a machine this takes as long as the method's measurement does.
    """
    if denoiser.measure_precision is None:
        return "float32"
    key = _key(denoiser, device, channels)
    with _lock:
        if not _known:
            _known.update(_read())
        if key not in _known:
            _known[key] = denoiser.measure_precision(device.kind, channels)
            _write()
        return _known[key]


def _key(denoiser: Denoiser, device: Device, channels: int) -> str:
    """All that the choice depends on."""
    import platform

    import torch

    name = platform.processor() or platform.machine() if device.kind == "cpu" else device.name
    able = torch.backends.cpu.get_cpu_capability() if device.kind == "cpu" else ""
    weights = (denoiser.weights_sha256 or {}).get(channels, "")[:16]
    return " | ".join((denoiser.id, str(denoiser.version), weights, torch.__version__, name, able))


def _file() -> Path:
    return user_cache_path("denoise-studio") / "precision.json"


def _read() -> dict[str, str]:
    try:
        data: Any = json.loads(_file().read_text("utf-8"))
        return {str(key): value for key, value in data.items() if value in ("float32", "bfloat16")}
    except (OSError, ValueError, AttributeError):
        return {}  # nothing remembered: it is measured again


def _write() -> None:
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_bytes(_file(), json.dumps(_known, indent=1).encode())
    except Exception as error:  # remembering is a convenience
        log.info("the measured precision could not be remembered: %s", error)
