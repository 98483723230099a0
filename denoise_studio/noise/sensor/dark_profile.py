"""What a camera's dark frames tell, by ISO, and a picture corrected by it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Pattern
from denoise_studio.core.picture import Picture
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.camera_noise import CameraNoise
from denoise_studio.noise.sensor.dark_frames import spread
from denoise_studio.noise.sensor.dark_setting import DarkSetting, mixed, scaled_from
from denoise_studio.noise.sensor.layout import as_read, as_shown, pattern_as_read
from denoise_studio.noise.sensor.proxy import Proxy
from denoise_studio.noise.sensor.tukey import ReadNoise

_BEYOND = 2.0
"""Factor of ISO up to which a profile is continued beyond its ends."""


@dataclass(frozen=True, eq=False)
class DarkProfile:
    """Dark frames of one camera, by ISO.

    Args:
        camera: make and model.
        size: rows and columns as the sensor reads them.
        pattern: of the colour filter, from the first pixel read on; indices into `names`.
        names: of the classes.
        black: by name, what the file tells, DN.
        step: DN between two values of the file; 0 for floating point.
        settings: by rising ISO.
        notes: sentences on what is doubtful.
        proxy: PNNP's generator of pixel noise, if one was trained.
    """

    camera: str
    size: tuple[int, int]
    pattern: Pattern
    names: tuple[str, ...]
    black: Mapping[str, float]
    step: float
    settings: tuple[DarkSetting, ...]
    notes: tuple[str, ...] = ()
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        if not self.settings:
            raise StudioError("A dark profile needs frames of at least one ISO.")

    @property
    def isos(self) -> tuple[float, ...]:
        return tuple(setting.iso for setting in self.settings)

    def at(self, iso: float) -> DarkSetting:
        """The profile at an ISO; between two measured ones in between, up to twice beyond the ends.

        Raises:
            StudioError: farther beyond the measured ISOs.
        """
        low, high = self.settings[0], self.settings[-1]
        if not low.iso / _BEYOND <= iso <= high.iso * _BEYOND:
            raise StudioError(
                f"The dark profile holds ISO {low.iso:g} to {high.iso:g}, too far from ISO {iso:g}."
            )
        for setting in self.settings:
            if setting.iso == iso:
                return setting
        if len(self.settings) == 1:
            return scaled_from(low, iso)
        above = next(
            (i for i, setting in enumerate(self.settings) if setting.iso > iso), len(self.settings) - 1
        )
        above = max(above, 1)
        return mixed(self.settings[above - 1], self.settings[above], iso)

    def read_sd(self, iso: float) -> float:
        """Read noise s of the Poisson-Gaussian model at an ISO, DN."""
        return self.at(iso).read_sd

    def black_error(self, iso: float) -> Mapping[str, float]:
        """By name of a class: black as the frames show it less black as the file tells, DN."""
        return self.at(iso).black

    def noise(self, gain: float, iso: float, proxy: bool = False) -> CameraNoise:
        """The camera's noise for simulation. Dark frames do not tell the gain K.

        Args:
            gain: K, DN per electron.
            iso: as set.
            proxy: pixel noise from the trained generator instead of the measured quantiles.

        Raises:
            StudioError: no generator was trained, or the ISO is too far away.
        """
        setting = self.at(iso)
        read: ReadNoise = setting.quantiles
        if proxy:
            if self.proxy is None:
                raise StudioError("This dark profile has no trained generator of noise.")
            read = self.proxy.at(iso)
        parts = setting.parts
        return CameraNoise(
            gain, read, parts.row, parts.column, step=self.step, iso=iso, name=f"dark frames of {self.camera}"
        )

    def linear_map(self) -> tuple[FloatArray, FloatArray]:
        """PNNP's ds = ds_k ISO + ds_b (arXiv 2310.09126): least squares over the ISOs, pixel by pixel.

        Returns:
            ds_k in DN per ISO and ds_b in DN above the file's black, both `(H, W)` float32. A
            sensor with two gains is no line: compare with `at`.

        Raises:
            StudioError: fewer than two ISOs.
        """
        if len(self.settings) < 2:
            raise StudioError("A line over ISO needs dark frames of at least two ISOs.")
        isos = np.array(self.isos)
        weights = (isos - isos.mean()) / np.square(isos - isos.mean()).sum()
        slope, mean = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        for setting, weight in zip(self.settings, weights, strict=True):
            level = self.level(setting)
            slope += level * np.float32(weight)
            mean += level / np.float32(len(isos))
        return slope, mean - slope * np.float32(isos.mean())

    def level(self, setting: DarkSetting) -> FloatArray:
        """Shading and black error together: `(H, W)` float32, DN above the file's black, as read."""
        table = np.array([setting.black[name] for name in self.names], np.float32)[np.array(self.pattern)]
        return setting.shading.astype(np.float32) + spread(table, self.size)

    def check(self, picture: Picture) -> None:
        """Whether a picture is of this profile's camera.

        Raises:
            StudioError: it is not; one sentence.
        """
        mosaic, name = picture.mosaic, picture.name or "The picture"
        if mosaic is None:
            raise StudioError(f"{name} is not what a camera's sensor saw (a raw file).")
        if mosaic.camera != self.camera:
            raise StudioError(
                f"{name} is of {mosaic.camera or 'an unknown camera'}, the dark frames are of {self.camera}."
            )
        size = as_read(picture.pixels[0], picture.orientation).shape
        if size != self.size:
            raise StudioError(
                f"{name} has {size[1]} x {size[0]} pixels, the dark frames {self.size[1]} x {self.size[0]}."
            )
        pattern = pattern_as_read(mosaic, picture.height, picture.width, picture.orientation)
        if pattern != self.pattern or tuple(site.name for site in mosaic.sites) != self.names:
            raise StudioError(f"{name} has its colours in another order than the dark frames.")


def correct(picture: Picture, profile: DarkProfile, iso: float | None = None) -> Picture:
    """Take dark shading and black-level error off a mosaic.

    Afterwards the black level that the picture tells is true at every pixel; values are no whole
    numbers any more.

    Args:
        picture: of the profile's camera.
        profile: of dark frames.
        iso: instead of the picture's own.

    Raises:
        StudioError: another camera, size or order of colours, or an ISO unknown or too far away.
    """
    profile.check(picture)
    assert picture.mosaic is not None
    iso = iso or picture.mosaic.iso
    if not iso:
        raise StudioError(f"{picture.name or 'The picture'} does not say at which ISO it was taken.")
    setting = profile.at(iso)
    pixels = picture.pixels - as_shown(profile.level(setting), picture.orientation)
    sites = picture.mosaic.sites
    told = {site.name: site.black - profile.black[site.name] for site in sites}
    if any(told.values()):
        # The file tells another black than the dark frames' files did: the error is the rest of it.
        pixels += picture.mosaic.spread([told[site.name] for site in sites], picture.rect)
    offsets = ", ".join(f"{name} {value:+.2f}" for name, value in setting.black.items())
    line = f"dark frames (ISO {iso:g}): black level off by {offsets} DN, shading taken off"
    return picture.derive(pixels.astype(np.float32, copy=False), history=(*picture.history, line))
