"""A dark profile as one file: arrays and a JSON header in NumPy's zip of arrays; nothing in it can run."""

import itertools
import json
import math
import os
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.types import AnyArray
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.dark_setting import DarkSetting
from denoise_studio.noise.sensor.dark_sums import Parts
from denoise_studio.noise.sensor.proxy import Proxy
from denoise_studio.noise.sensor.tukey import Measured, Tukey

SUFFIX = ".npz"
_VERSION = 1
_MARK = "denoise-studio dark profile"
_LARGEST_SIDE = 65535
_MOST_SETTINGS = 100


def save_profile(profile: DarkProfile, path: Path) -> None:
    """Write a profile, beside the target and then renamed.

    Raises:
        StudioError: it cannot be written; the target is then as it was.
    """
    arrays: dict[str, AnyArray] = {"header": _header(profile)}
    for number, setting in enumerate(profile.settings):
        arrays[f"shading_{number}"] = setting.shading.astype(np.float16)
        arrays[f"hot_{number}"] = setting.hot
        arrays[f"levels_{number}"] = setting.quantiles.levels
        arrays[f"quantiles_{number}"] = setting.quantiles.values
    if profile.proxy is not None:
        arrays |= {f"proxy_{name}": values for name, values in profile.proxy.arrays().items()}
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise StudioError(f"Cannot write {path}: {(error.strerror or str(error)).lower()}.") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def load_profile(path: Path) -> DarkProfile:
    """Read a profile.

    Raises:
        StudioError: it is missing, none, damaged or of an unknown version; one sentence.
    """
    try:
        _check_stored(path)
        with np.load(path, allow_pickle=False) as file:
            return _profile({name: file[name] for name in file.files}, path.name)
    except StudioError:
        raise
    except OSError as error:
        raise StudioError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from None
    except Exception:  # NumPy, zip, JSON and types all fail in their own ways on a damaged file
        raise StudioError(f"{path.name} is no dark profile, or is damaged.") from None


def _check_stored(path: Path) -> None:
    """Profiles are not compressed: a small file that says it holds much is refused before it is read."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise StudioError(f"{path.name} is no dark profile: it is compressed.")
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise StudioError(f"{path.name} is damaged: it says that it holds more than it does.")


def _header(profile: DarkProfile) -> AnyArray:
    fields = {
        "mark": _MARK,
        "version": _VERSION,
        "camera": profile.camera,
        "size": profile.size,
        "pattern": profile.pattern,
        "names": profile.names,
        "black": dict(profile.black),
        "step": profile.step,
        "notes": profile.notes,
        "settings": [
            {
                "iso": setting.iso,
                "frames": setting.frames,
                "black": dict(setting.black),
                "black_error": setting.black_error if math.isfinite(setting.black_error) else None,
                "parts": asdict(setting.parts),
                "tukey": [setting.tukey.scale, setting.tukey.shape],
                "shape_error": setting.shape_error if math.isfinite(setting.shape_error) else None,
                "detail": setting.detail,
            }
            for setting in profile.settings
        ],
    }
    return np.frombuffer(json.dumps(fields, allow_nan=False).encode(), np.uint8)


def _profile(arrays: dict[str, Any], name: str) -> DarkProfile:
    fields = json.loads(bytes(arrays["header"]))
    if fields.get("mark") != _MARK:
        raise StudioError(f"{name} is no dark profile.")
    if fields["version"] != _VERSION:
        raise StudioError(f"{name} has version {fields['version']}; this program reads version {_VERSION}.")
    height, width = (int(value) for value in fields["size"])
    pattern = tuple(tuple(int(value) for value in row) for row in fields["pattern"])
    names = tuple(str(value) for value in fields["names"])
    _demand(0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE)
    _demand(pattern and all(len(row) == len(pattern[0]) > 0 for row in pattern))
    _demand(all(0 <= value < len(names) for row in pattern for value in row))
    _demand(0 < len(fields["settings"]) <= _MOST_SETTINGS)
    settings = tuple(
        _setting(
            entry,
            {key: arrays[f"{key}_{number}"] for key in ("shading", "hot", "levels", "quantiles")},
            (height, width),
            names,
        )
        for number, entry in enumerate(fields["settings"])
    )
    _demand(all(one.iso < other.iso for one, other in itertools.pairwise(settings)))
    weights = {key.removeprefix("proxy_"): value for key, value in arrays.items() if key.startswith("proxy_")}
    return DarkProfile(
        camera=str(fields["camera"]),
        size=(height, width),
        pattern=pattern,
        names=names,
        black={key: _number(fields["black"][key]) for key in names},
        step=_number(fields["step"]),
        settings=settings,
        notes=tuple(str(note) for note in fields["notes"]),
        proxy=Proxy.from_arrays(weights) if weights else None,
    )


def _setting(
    entry: Any, arrays: dict[str, Any], size: tuple[int, int], names: tuple[str, ...]
) -> DarkSetting:
    shading, hot = arrays["shading"], arrays["hot"]
    levels, quantiles = arrays["levels"], arrays["quantiles"]
    _demand(shading.shape == size and shading.dtype == np.float16 and np.isfinite(shading).all())
    _demand(hot.ndim == 2 and hot.shape[1:] == (2,) and hot.dtype == np.int32)
    _demand(hot.size == 0 or (hot.min() >= 0 and (hot < size).all()))
    _demand(levels.shape == quantiles.shape and levels.ndim == 1 and 2 <= levels.size <= 1 << 20)
    _demand(levels.dtype == quantiles.dtype == np.float64 and np.isfinite(quantiles).all())
    _demand(levels[0] == 0 and levels[-1] == 1)
    _demand((np.diff(levels) >= 0).all() and (np.diff(quantiles) >= 0).all())
    scale, shape = entry["tukey"]
    parts = Parts(**{key: _number(value) for key, value in entry["parts"].items()})
    _demand(all(value >= 0 for value in asdict(parts).values()) and _number(entry["iso"]) > 0)
    return DarkSetting(
        iso=_number(entry["iso"]),
        frames=int(entry["frames"]),
        black={name: _number(entry["black"][name]) for name in names},
        black_error=math.inf if entry["black_error"] is None else _number(entry["black_error"]),
        parts=parts,
        tukey=Tukey(_number(scale), _number(shape)),
        shape_error=math.inf if entry["shape_error"] is None else _number(entry["shape_error"]),
        quantiles=Measured(levels, quantiles),
        shading=shading,
        hot=hot,
        detail=_number(entry["detail"]),
    )


def _number(value: Any) -> float:
    _demand(isinstance(value, (int, float)) and math.isfinite(value))
    return float(value)


def _demand(holds: Any) -> None:
    if not holds:
        raise ValueError
