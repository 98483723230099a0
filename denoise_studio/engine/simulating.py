"""How a raw picture would look at a higher ISO or in less light, as a person asks for it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.model import SensorNoise

if TYPE_CHECKING:
    from denoise_studio.noise.sensor.camera_noise import CameraNoise
    from denoise_studio.noise.sensor.dark_profile import DarkProfile

_FACTORS = tuple(2.0**stop for stop in range(1, 9))
_ISOS = tuple(100.0 * 2.0**stop for stop in range(-1, 13))


class Way(StrEnum):
    """Whose noise is simulated."""

    OWN = "own"
    """This picture's sensor, at a higher ISO."""
    NUMBERS = "numbers"
    """K and s as a person tells them."""
    CAMERA = "camera"
    """A camera with a published calibration."""
    DARK = "dark"
    """This camera, as its dark frames show it."""


@dataclass(frozen=True)
class Setting:
    """One setting of a camera that may be simulated.

    Args:
        factor: gain in terms of the picture's own; 0 where that does not matter.
        iso: as set, None if it is not known.
    """

    factor: float
    iso: float | None

    @property
    def label(self) -> str:
        times = f"{self.factor:g} × its gain" if self.factor else ""
        return f"ISO {self.iso:g}" + (f" ({times})" if times else "") if self.iso else times


@dataclass(frozen=True)
class Camera:
    """A published calibration, as a list shows it.

    Args:
        key: its name.
        label: for people.
        source: where its figures are published.
        settings: the ISOs that it covers.
    """

    key: str
    label: str
    source: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, eq=False)
class Wish:
    """What is to be simulated.

    Args:
        way: whose noise.
        setting: at which ISO; not for numbers of one's own.
        camera: key of a published calibration.
        gain: K of one's own, DN per electron.
        read: s of one's own, DN.
        profile: dark frames of the picture's camera.
        ratio: by which the light is divided.
        brighten: whether the result is multiplied by it again.
        seed: of the noise.
    """

    way: Way
    setting: Setting | None = None
    camera: str = ""
    gain: float = 0.0
    read: float = 0.0
    profile: "DarkProfile | None" = None
    ratio: float = 1.0
    brighten: bool = True
    seed: int = 0

    @property
    def is_comparable(self) -> bool:
        """Whether the result has the picture's brightness, so that a difference of the two is noise."""
        return self.brighten or self.ratio == 1


def cameras() -> tuple[Camera, ...]:
    """Every published calibration with the ISOs it covers; reads a bundled file the first time.

    Raises:
        StudioError: the bundled file is damaged.
    """
    from denoise_studio.noise.sensor.cameras import all_presets

    found = []
    for one in all_presets():
        isos = sorted({*_ISOS, *(point.iso for point in one.points)})
        covered = [iso for iso in isos if _works(lambda iso=iso, one=one: one.at_iso(iso))]  # type: ignore[misc]
        label = one.camera if one.name.isalnum() else f"{one.camera} ({one.name})"
        found.append(Camera(one.name, label, one.source, tuple(Setting(0.0, iso) for iso in covered)))
    return tuple(found)


def _works(call: Callable[[], object]) -> bool:
    try:
        call()
    except StudioError:
        return False
    return True


def own_settings(picture: Picture) -> tuple[Setting, ...]:
    """ISOs above a picture's own; just factors of its gain where it does not tell its ISO."""
    iso = picture.mosaic.iso if picture.mosaic is not None else None
    return tuple(Setting(factor, factor * iso if iso else None) for factor in _FACTORS)


def dark_settings(picture: Picture, profile: "DarkProfile") -> tuple[Setting, ...]:
    """ISOs that a profile covers, not below the picture's own.

    Raises:
        StudioError: the profile is of another camera.
    """
    profile.check(picture)
    own = picture.mosaic.iso if picture.mosaic is not None else None
    isos = sorted({*_ISOS, *profile.isos, *(setting.iso for setting in own_settings(picture) if setting.iso)})
    covered = [iso for iso in isos if _works(lambda iso=iso: profile.at(iso)) and iso >= (own or 0)]  # type: ignore[misc]
    return tuple(Setting(iso / own if own else 0.0, iso) for iso in covered)


def load_dark_profile(path: Path) -> "DarkProfile":
    """Read a profile of dark frames.

    Raises:
        StudioError: it is none.
    """
    from denoise_studio.noise.sensor.dark_file import load_profile

    return load_profile(path)


@dataclass(frozen=True, eq=False)
class Plan:
    """What a wish comes to.

    Args:
        noise: to be simulated, in the picture's DN.
        problem: why it cannot be done, one sentence; "" if it can.
        ratio: the least exposure ratio with which it could.
    """

    noise: "CameraNoise"
    problem: str
    ratio: float

    @property
    def words(self) -> str:
        """The noise, one sentence."""
        return f"To be simulated: K {self.noise.gain:.3g} DN per electron, s {self.noise.dark_sd:.3g} DN."


def plan(picture: Picture, own: SensorNoise, wish: Wish) -> Plan:
    """The noise that a wish means, and whether the picture has less; fast.

    Args:
        picture: camera raw.
        own: noise that it has.
        wish: what is to be simulated.

    Raises:
        StudioError: the wish is not complete, or a camera does not cover it.
    """
    noise = replace(_noise(picture, own, wish), step=_step(picture))
    needed = max(
        max(site.gain / noise.gain for site in own.sites),
        max(site.read for site in own.sites) / max(noise.dark_sd, 1e-9),
    )
    problem = ""
    if needed > wish.ratio:
        problem = (
            f"The picture itself is noisier than that, and noise can only be added: take a higher ISO, or an "
            f"exposure ratio of at least {math.ceil(needed * 10) / 10:g}."
        )
    return Plan(noise, problem, needed)


def _step(picture: Picture) -> float:
    return float(picture.stored.slope) if picture.stored.is_integer else 0.0


def _noise(picture: Picture, own: SensorNoise, wish: Wish) -> "CameraNoise":
    from denoise_studio.noise.sensor.camera_noise import CameraNoise
    from denoise_studio.noise.sensor.cameras import preset
    from denoise_studio.noise.sensor.simulate import of_camera
    from denoise_studio.noise.sensor.tukey import Gaussian

    if wish.way is Way.NUMBERS:
        if not wish.gain > 0:
            raise StudioError("The gain K must be above 0.")
        return CameraNoise(wish.gain, Gaussian(wish.read))
    setting = wish.setting
    if setting is None:
        raise StudioError("No ISO is chosen.")
    if wish.way is Way.CAMERA:
        return of_camera(picture, preset(wish.camera), setting.iso)
    factor = setting.factor or 1.0
    if wish.way is Way.OWN:
        return CameraNoise(
            own.gain * factor, Gaussian(own.read * factor), iso=setting.iso, name="its own sensor"
        )
    if wish.profile is None or setting.iso is None:
        raise StudioError("No profile of dark frames is chosen.")
    return wish.profile.noise(own.gain * factor, setting.iso, proxy=wish.profile.proxy is not None)


def simulated(picture: Picture, own: SensorNoise, wish: Wish, progress: Progress) -> Picture:
    """The picture with the noise that it lacks; some seconds for a camera's.

    It belongs to no file: its source keeps what developing and saving need, without the path.

    Raises:
        StudioError: the wish cannot be fulfilled; one sentence.
        Cancelled: through `progress`.
    """
    from denoise_studio.noise.sensor.simulate import Exposure, simulate

    progress.report(0.05, "simulating sensor noise")
    planned = plan(picture, own, wish)
    if planned.problem:
        raise StudioError(planned.problem)
    dark: FloatArray | None = None
    if wish.way is Way.DARK and wish.profile is not None and wish.setting is not None:
        wish.profile.check(picture)
        dark = wish.profile.level(wish.profile.at(wish.setting.iso or 0.0))
    progress.report(0.2, "simulating sensor noise")
    result = simulate(picture, planned.noise, Exposure(wish.ratio, wish.brighten, wish.seed), own, dark)
    progress.report(0.9, "simulating sensor noise")
    mosaic, source = result.mosaic, picture.source
    if mosaic is not None and wish.way is not Way.DARK:
        mosaic = replace(mosaic, camera="")  # what is published of the camera is no longer true of it
    return replace(
        result,
        mosaic=mosaic,
        name=title(picture, wish),
        notes=(),
        source=replace(source, path=None, sha256="") if source is not None else None,
    )


def title(picture: Picture, wish: Wish) -> str:
    """Name of the new picture: "IMG_1.CR2 @ ISO 12800 (simulated)"."""
    name = picture.name or (picture.source.path.name if picture.source and picture.source.path else "Picture")
    at = f"K {wish.gain:g}, s {wish.read:g} DN" if wish.way is Way.NUMBERS else ""
    if wish.setting is not None and not at:
        at = f"ISO {wish.setting.iso:g}" if wish.setting.iso else f"{wish.setting.factor:g} × gain"
    light = f", 1/{wish.ratio:g} light" if wish.ratio != 1 else ""
    return f"{name} @ {at}{light} (simulated)"
