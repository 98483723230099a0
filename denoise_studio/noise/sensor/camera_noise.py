"""The noise of one camera at one setting, as ELD takes it apart, and its moments in closed form."""

import math
from dataclasses import dataclass, replace

from denoise_studio.core.errors import StudioError
from denoise_studio.noise.sensor.tukey import ReadNoise


@dataclass(frozen=True, eq=False)
class CameraNoise:
    """D = K (I + N_p) + N_read + N_row + N_q (ELD, arXiv 2108.02158, equation 1), all in DN.

    Args:
        gain: K, DN per electron; above 0.
        read: N_read of a pixel.
        row: sd of N_row, one value for each row as the sensor reads it.
        column: sd of the same for columns, which ELD's cameras do not have.
        step: q of N_q ~ U(-q/2, q/2), the converter's step; 0 for none.
        bias: by which R, G1, G2 and B lie above black without light.
        iso: the setting, None if it is told by its gain.
        name: of camera or preset.

    Raises:
        StudioError: a number that is none, or no gain.
    """

    gain: float
    read: ReadNoise
    row: float = 0.0
    column: float = 0.0
    step: float = 1.0
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    iso: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.gain < math.inf:
            raise StudioError(f"The gain K must be above 0, not {self.gain}.")
        if not all(0 <= value < math.inf for value in (self.row, self.column, self.step)):
            raise StudioError("Row noise, column noise and step of a sensor cannot be negative.")

    @property
    def dark_variance(self) -> float:
        """Variance without light: Var(N_read) + s_row^2 + s_column^2 + q^2 / 12, DN^2."""
        return self.read.variance + self.row**2 + self.column**2 + self.step**2 / 12

    @property
    def dark_sd(self) -> float:
        """S of the Poisson-Gaussian model Var = K x + s^2, DN."""
        return math.sqrt(self.dark_variance)

    def variance(self, light: float) -> float:
        """Variance of a pixel whose mean without bias is `light` DN above black."""
        return self.gain * max(light, 0.0) + self.dark_variance

    def row_mean_variance(self, light: float, width: int) -> float:
        """Variance of the mean of a row of `width` pixels, all at `light`."""
        return self.row**2 + (self.variance(light) - self.row**2) / width

    def scaled(self, factor: float) -> "CameraNoise":
        """In units of which one DN has `factor`; the converter's step stays as it is."""
        red, green, other, blue = (factor * value for value in self.bias)
        return replace(
            self,
            gain=self.gain * factor,
            read=self.read.scaled(factor),
            row=self.row * factor,
            column=self.column * factor,
            bias=(red, green, other, blue),
        )
