"""What is known of a camera's noise besides the picture: from its dark frames, or from a published table."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.cameras import CameraPreset, all_presets
from denoise_studio.noise.sensor.dark_profile import DarkProfile, correct
from denoise_studio.noise.sensor.estimate import Known

_MEASURED = 0.05
"""Relative error of a read noise that was measured at this very ISO, on another camera of the model."""
_LINE = 0.25
"""Of one that is read off a camera's line of log s over log K, where no scatter was published."""


@dataclass(frozen=True, eq=False)
class Darkened:
    """A picture with what its dark frames show taken off.

    Args:
        picture: corrected; its black level is true at every pixel.
        known: what the frames say of read noise and black.
        level: `(H, W)` DN that was taken off.
    """

    picture: Picture
    known: Known
    level: FloatArray


def by_profile(picture: Picture, profile: DarkProfile) -> Darkened:
    """Correct a picture by dark frames of its camera.

    Raises:
        StudioError: another camera, size or order of colours, or an ISO unknown or too far away.
    """
    mosaic = picture.mosaic
    corrected = correct(picture, profile)
    assert mosaic is not None and mosaic.iso is not None  # noqa: PT018
    setting = profile.at(mosaic.iso)
    known = Known(
        read=setting.read_sd,
        read_error=_MEASURED * setting.read_sd,
        black=dict.fromkeys((site.name for site in mosaic.sites), 0.0),
        black_error=_finite(setting.black_error),
        source="dark frames",
    )
    bare = replace(corrected, mosaic=replace(mosaic, masked={}))
    return Darkened(bare, known, np.asarray(picture.pixels[0] - corrected.pixels[0], np.float32))


def by_table(picture: Picture) -> Known | None:
    """The published read noise of the picture's camera at its ISO; None where there is none."""
    mosaic = picture.mosaic
    if mosaic is None or not mosaic.camera or not mosaic.iso:
        return None
    for preset in all_presets():
        if _plain(preset.camera) == _plain(mosaic.camera):
            found = _at(preset, mosaic.iso)
            if found is not None:
                site = mosaic.sites[0]
                scale = (site.white - site.black) / preset.span()
                return Known(found[0] * scale, found[1] * scale, source=f"read noise of the {preset.camera}")
    return None


def _at(preset: CameraPreset, iso: float) -> tuple[float, float] | None:
    """Read noise and its error at an ISO, in DN of the preset."""
    try:
        read = preset.at_iso(iso).dark_sd
    except StudioError:
        return None
    if any(point.iso == iso for point in preset.points):
        return read, _MEASURED * read
    lines = [line for segment in preset.segments for line in (segment.gaussian, segment.tukey) if line]
    return read, (min(line.sd for line in lines) if lines else _LINE) * read


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _finite(value: Any) -> float:
    return float(value) if np.isfinite(value) else 1.0
