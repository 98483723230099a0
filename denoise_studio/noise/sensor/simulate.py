"""How a mosaic would look in less light or at a higher ISO: the noise that it lacks is added."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Mosaic, Photosite
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.cameras import CameraPreset
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.layout import as_shown, row_axis
from denoise_studio.noise.sensor.model import SensorNoise
from denoise_studio.noise.sensor.sampler import Converter, Missing, bias_table, sample


@dataclass(frozen=True)
class Exposure:
    """How the simulated picture is exposed.

    Args:
        ratio: by which the light is divided before noise is added (ELD, arXiv 2108.02158, uses 100
            to 300); 1 keeps it.
        brighten: whether the result is multiplied by it again.
        seed: of the noise.
        jitter: the gain is off by a factor drawn from 1 - jitter .. 1 + jitter (PNNP: 0.05).
    """

    ratio: float = 1.0
    brighten: bool = False
    seed: int = 0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio < math.inf:
            raise StudioError(f"The exposure ratio must be above 0, not {self.ratio}.")


def simulate(
    picture: Picture,
    noise: CameraNoise,
    exposure: Exposure | None = None,
    source: SensorNoise | None = None,
    dark: FloatArray | None = None,
) -> Picture:
    """A mosaic as the sensor would have seen it with this noise.

    A pixel of mean x gets a variance of K x + s^2 in all, in the DN of the result before it is
    brightened: from a source with Var = K0 x + s0^2 only what is missing. It is rounded to the file's
    steps and ends at 0 and at white, as the sensor's converter does.

    Args:
        picture: a mosaic.
        noise: of the camera to be simulated, in the picture's DN (`in_units_of`).
        exposure: light and seed.
        source: noise that the picture has; None takes it as clean.
        dark: `(H, W)` dark level in DN above black, as the sensor reads it, to be added.

    Raises:
        StudioError: no mosaic, or the picture is noisier than the camera to be simulated.
    """
    exposure = exposure or Exposure()
    mosaic = picture.mosaic
    if mosaic is None:
        raise StudioError(f"{picture.name or 'The picture'} is not what a camera's sensor saw (a raw file).")
    step = float(picture.stored.slope) if picture.stored.is_integer else 0.0
    noise = replace(noise, step=step)
    black = mosaic.spread([site.black for site in mosaic.sites], picture.rect)
    light = (picture.pixels[0] - black) / np.float32(exposure.ratio)
    noise, missing = _missing(noise, mosaic, source, exposure.ratio)
    values = sample(
        light,
        noise,
        np.random.default_rng(exposure.seed),
        row_axis=row_axis(picture.orientation),
        converter=Converter.of(mosaic, step),
        bias=bias_table(noise, mosaic) if any(noise.bias) else None,
        fixed=None if dark is None else as_shown(dark, picture.orientation),
        missing=missing,
        jitter=exposure.jitter,
    )
    if exposure.brighten:
        values *= np.float32(exposure.ratio)
    values += black
    np.minimum(values, mosaic.spread([site.white for site in mosaic.sites], picture.rect), out=values)
    # Masked pixels hold the source's own noise: they would tell another story than the picture.
    mosaic = replace(mosaic, iso=noise.iso or mosaic.iso, masked={})
    line = _line(noise, exposure, source)
    return picture.derive(values[None], mosaic=mosaic, history=(*picture.history, line))


def of_camera(
    picture: Picture,
    camera: CameraPreset,
    iso: float | None = None,
    gain: float | None = None,
    random: np.random.Generator | None = None,
) -> CameraNoise:
    """A preset's noise in a picture's DN, at an ISO or a gain.

    Args:
        picture: a mosaic.
        camera: preset.
        iso: as set on that camera.
        gain: K in the preset's own DN instead.
        random: draws one camera setting from around the typical.

    Raises:
        StudioError: neither ISO nor gain, or outside the preset's range.
    """
    if gain is not None:
        found = camera.at(gain, random)
    elif iso is not None:
        found = camera.at_iso(iso, random)
    else:
        raise StudioError("A camera's noise needs an ISO or a gain.")
    return found.scaled(unit_factor(picture, camera.bits))


def of_profile(
    picture: Picture, profile: DarkProfile, gain: float, iso: float, proxy: bool = False
) -> tuple[CameraNoise, FloatArray]:
    """A dark profile's noise, and its dark level as the sensor reads it.

    Raises:
        StudioError: the picture is of another camera, or the ISO too far from those measured.
    """
    profile.check(picture)
    return profile.noise(gain, iso, proxy), profile.level(profile.at(iso))


def unit_factor(picture: Picture, bits: int) -> float:
    """DN of a picture for one DN of `bits`: a power of two, by the bits that its white level needs."""
    assert picture.mosaic is not None
    white = max(site.white for site in picture.mosaic.sites)
    return float(2.0 ** (math.ceil(math.log2(white + 1)) - bits))


def _missing(
    noise: CameraNoise, mosaic: Mosaic, source: SensorNoise | None, ratio: float
) -> tuple[CameraNoise, Missing | None]:
    """The noise to draw, and how much of it for each class."""
    if source is None:
        return noise, None
    own = {site.name: (site.gain / ratio, (site.read / ratio) ** 2) for site in source.sites}
    gains, variances = [], []
    for site in mosaic.sites:
        gain, variance = own.get(site.name, (source.gain / ratio, (source.read / ratio) ** 2))
        if gain > noise.gain or variance > noise.dark_variance:
            raise StudioError(_too_noisy(noise, site, gain, variance, ratio))
        gains.append(noise.gain - gain)
        variances.append(noise.dark_variance - variance)
    # Rows and columns are shared by all classes: they get no more than the class that lacks least.
    rounding = noise.step**2 / 12
    shared = noise.row**2 + noise.column**2
    room = max(min(variances) - rounding, 0.0)
    if shared > room:
        shrink = math.sqrt(room / shared)
        noise = replace(noise, row=noise.row * shrink, column=noise.column * shrink)
        shared = room
    read = noise.read.variance
    factors = [math.sqrt(max(value - rounding - shared, 0.0) / read) if read else 0.0 for value in variances]
    return noise, Missing(mosaic.table(gains), mosaic.table(factors))


def _too_noisy(noise: CameraNoise, site: Photosite, gain: float, variance: float, ratio: float) -> str:
    needed = ratio * max(gain / noise.gain, math.sqrt(variance / noise.dark_variance))
    return (
        f"The picture is noisier (K {gain:.3g}, s {math.sqrt(variance):.3g} DN in {site.name}) than what is "
        f"to be simulated (K {noise.gain:.3g}, s {noise.dark_sd:.3g} DN); noise can only be added: take a "
        f"higher ISO or an exposure ratio of at least {needed:.2g}."
    )


def _line(noise: CameraNoise, exposure: Exposure, source: SensorNoise | None) -> str:
    parts: list[Any] = [f"noise simulated: {noise.name}" if noise.name else "noise simulated"]
    if noise.iso:
        parts.append(f"ISO {noise.iso:g}")
    parts.append(f"K {noise.gain:.4g}, s {noise.dark_sd:.4g} DN")
    if exposure.ratio != 1:
        parts.append(f"1/{exposure.ratio:g} of the light{', brightened again' if exposure.brighten else ''}")
    if source is None:
        parts.append("the picture taken as clean")
    parts.append(f"seed {exposure.seed}")
    return ", ".join(parts)
