"""Draws sensor noise as ELD models it (arXiv 2108.02158, equation 1), band of rows by band of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from denoise_studio.core.errors import StudioError
from denoise_studio.core.mosaic import Mosaic
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.sensor.camera_noise import CameraNoise

_BAND = 1 << 20
"""Pixels that are drawn at a time: what is needed besides the result, a few times 8 MB."""
GAIN_JITTER = 0.05
"""How far PNNP (arXiv 2310.09126) lets the gain of one sample be off."""
Table = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Converter:
    """An analogue-to-digital converter: rounds to its step, and ends at 0 and white.

    Args:
        black: DN without light, by place in the colour filter's pattern, `(rows, columns)`.
        white: largest DN, likewise.
        step: DN between two codes; 0 if values are kept as they are.
        clips: whether the two ends hold; else it only rounds.
    """

    black: Table
    white: Table
    step: float = 1.0
    clips: bool = True

    @classmethod
    def of(cls, mosaic: Mosaic, step: float = 1.0, clips: bool = True) -> "Converter":
        """With the levels of a mosaic."""
        sites = mosaic.sites
        black, white = ([getattr(site, name) for site in sites] for name in ("black", "white"))
        return cls(mosaic.table(black), mosaic.table(white), step, clips)

    def transposed(self) -> "Converter":
        return Converter(self.black.T, self.white.T, self.step, self.clips)

    def convert(self, values: FloatArray, top: int) -> FloatArray:
        """Values in DN above black, whose first row is the picture's row `top`, as read out; in place."""
        black = _spread(self.black, top, values.shape)
        values += black
        if self.step:
            values *= np.float32(1 / self.step)
            np.rint(values, out=values)
            values *= np.float32(self.step)
        if self.clips:
            np.clip(values, 0, _spread(self.white, top, values.shape), out=values)
        values -= black
        return values


@dataclass(frozen=True, eq=False)
class Missing:
    """What a source that has noise of its own still lacks, by place in the colour filter's pattern.

    Args:
        gain: of the shot noise to be drawn, DN per electron, `(rows, columns)`.
        read: factor on the read noise of a pixel, likewise.
    """

    gain: Table
    read: Table


def sample(
    light: FloatArray,
    noise: CameraNoise,
    random: np.random.Generator,
    *,
    row_axis: int = 0,
    converter: Converter | None = None,
    bias: Table | None = None,
    fixed: FloatArray | None = None,
    missing: "Missing | None" = None,
    jitter: float = 0.0,
) -> FloatArray:
    """One noisy exposure.

    Light below 0, which only a source with noise of its own has, takes from the read noise's
    variance what light as far above 0 would add: so the mean over such a source's noise is right.

    Args:
        light: `(H, W)` expected values in DN above black.
        noise: of the camera.
        random: what everything is drawn from.
        row_axis: along which the sensor's rows follow each other: 1 for a picture that was turned
            by a quarter (`layout.row_axis`).
        converter: rounds and clips for real; None adds N_q ~ U(-q/2, q/2) instead, ELD's model.
        bias: DN above black without light, `(rows, columns)` of the colour filter's pattern.
        fixed: the same for every pixel, `(H, W)`: dark shading.
        missing: of the camera's pixel noise only this share is drawn.
        jitter: the gain is off by a factor drawn from 1 - jitter .. 1 + jitter, once.

    Returns:
        `(H, W)` float32, DN above black.

    Raises:
        StudioError: `light` is no array of rows and columns, or the jitter is not in 0..1.
    """
    if light.ndim != 2 or 0 in light.shape:
        raise StudioError(f"Noise is drawn for rows and columns, not for an array of shape {light.shape}.")
    if not 0 <= jitter < 1:
        raise StudioError(f"The jitter of the gain must be in 0..1, not {jitter}.")
    factor = 1 + jitter * float(random.uniform(-1, 1)) if jitter else 1.0
    missing = missing or Missing(np.full((1, 1), noise.gain, np.float32), np.ones((1, 1), np.float32))
    turned = row_axis % 2 == 1
    scene = light.T if turned else light
    if turned:
        converter = None if converter is None else converter.transposed()
        bias, fixed = (None if part is None else part.T for part in (bias, fixed))
        missing = Missing(missing.gain.T, missing.read.T)
    columns = random.standard_normal(scene.shape[1], np.float32) * np.float32(noise.column)
    result = np.empty(scene.shape, np.float32)
    count = max(1, _BAND // scene.shape[1])
    for top in range(0, scene.shape[0], count):
        band = np.ascontiguousarray(scene[top : top + count], np.float32)
        gain = _spread(missing.gain, top, band.shape) * np.float32(factor)
        values = _shot(band, gain, random)
        values += _dark(band, noise, gain, _spread(missing.read, top, band.shape), random)
        values += columns
        if bias is not None:
            values += _spread(bias, top, values.shape)
        if fixed is not None:
            values += fixed[top : top + count]
        if converter is not None:
            values = converter.convert(values, top)
        elif noise.step:
            values += random.random(values.shape, np.float32) * np.float32(noise.step) - np.float32(
                noise.step / 2
            )
        result[top : top + count] = values
    return np.ascontiguousarray(result.T) if turned else result


def _shot(light: FloatArray, gain: Any, random: np.random.Generator) -> FloatArray:
    """K Poisson(x / K), exactly; what is below 0 stays as it is, and all does where K is 0."""
    lit = np.maximum(light, 0)
    if not lit.any() or not np.any(gain):
        return light.copy()
    gain = np.asarray(gain, np.float32)
    mean = np.divide(lit, gain, where=gain > 0, out=np.zeros_like(lit))
    electrons: FloatArray = random.poisson(mean).astype(np.float32)
    electrons *= gain
    np.copyto(electrons, light, where=(gain == 0) | (light < 0))
    return electrons


def _dark(
    light: FloatArray, noise: CameraNoise, gain: Any, factor: Any, random: np.random.Generator
) -> FloatArray:
    """Read noise of every pixel, times a factor, and of every row."""
    values = noise.read.draw(random, light.shape)
    below = light < 0
    if noise.read.variance > 0 and below.any():
        left = np.square(factor) + np.minimum(light, 0) * (gain / np.float32(noise.read.variance))
        values *= np.sqrt(np.maximum(left, 0))
    else:
        values *= factor
    if noise.row:
        values += random.standard_normal((len(light), 1), np.float32) * np.float32(noise.row)
    return values


def bias_table(noise: CameraNoise, mosaic: Mosaic) -> Table:
    """The colour bias of a camera by place in a mosaic's pattern; X-Trans takes green's first."""
    red, green, other, blue = noise.bias
    by_name = {"R": red, "G": green, "G1": green, "G2": other, "B": blue}
    return mosaic.table([by_name.get(site.name, 0.0) for site in mosaic.sites])


def _spread(table: Table, top: int, shape: tuple[int, ...]) -> Any:
    """A pattern's table over a band that begins at row `top`; one value stays one value."""
    if table.size == 1:
        return table[0, 0]
    rows, columns = table.shape
    line = table[np.arange(top, top + shape[0]) % rows]
    return np.tile(line, (1, -(-shape[1] // columns)))[:, : shape[1]]
