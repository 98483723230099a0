"""Reconstruction kernels: the window on the ramp filter of filtered back-projection.

Five have their cutoff at the sampling limit of the projections, as textbooks and scikit-image
have it (Kak and Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 3). Three
have theirs at a fixed number of cycles per mm, as a scanner's kernels do, so that a slice with
small pixels gets noise of the same grain in mm: Hann windows whose MTF is stated.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError

_MTF50, _MTF10 = 0.5, math.acos(-0.8) / math.pi
"""Where a Hann window has fallen to one half and to one tenth, in terms of its cutoff."""


@dataclass(frozen=True)
class Kernel:
    """A window on the ramp filter.

    Args:
        name: for commands and records.
        shape: "ramp" (none), "shepp-logan", "cosine", "hamming" or "hann".
        cutoff: frequency at which it ends, cycles per mm; None for the sampling limit, which also
            ends it where that is lower.
    """

    name: str
    shape: str
    cutoff: float | None = None

    def window(self, frequency: Any, bin_mm: float) -> Any:
        """The window, 0..1, at frequencies in cycles per mm (any shape); it is also the kernel's MTF.

        Args:
            frequency: not below 0.
            bin_mm: distance of two samples of a projection.
        """
        limit = 0.5 / bin_mm
        end = limit if self.cutoff is None else self.cutoff
        part = np.asarray(frequency, np.float64) / end
        if self.shape == "ramp":
            values = np.ones_like(part)
        elif self.shape == "shepp-logan":
            values = np.sinc(part / 2)
        elif self.shape == "cosine":
            values = np.cos(np.pi / 2 * part)
        else:
            low = 0.54 if self.shape == "hamming" else 0.5
            values = low + (1 - low) * np.cos(np.pi * part)
        # A grain of tolerance: the highest frequency of a transform is the limit itself.
        return np.where(np.asarray(frequency) <= min(end, limit) * (1 + 1e-9), values, 0.0)

    @property
    def label(self) -> str:
        """For people: with its MTF where that is known without the pixel size."""
        if self.cutoff is None:
            return f"{self.name} (ends at the pixels' limit)"
        return f"{self.name} (MTF 50 % {_MTF50 * self.cutoff:.2f}, 10 % {_MTF10 * self.cutoff:.2f} /mm)"


def hann_of(cutoff: float, name: str = "matched") -> Kernel:
    """A Hann window that ends at `cutoff` cycles per mm."""
    return Kernel(name, "hann", cutoff)


KERNELS: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        hann_of(0.60, "soft"),
        hann_of(0.80, "standard"),
        hann_of(1.30, "sharp"),
        *(Kernel(shape, shape) for shape in ("ramp", "shepp-logan", "cosine", "hamming", "hann")),
    )
}


def kernel_named(name: str) -> Kernel:
    """The kernel of this name.

    Raises:
        StudioError: there is none.
    """
    if name not in KERNELS:
        raise StudioError(f"There is no kernel {name!r} (there are: {', '.join(KERNELS)}).")
    return KERNELS[name]


def response(kernel: Kernel, bins: int, bin_mm: float) -> Any:
    """Ramp filter with its window for `rfft` of at least twice `bins` samples, per mm.

    The ramp is the transform of its samples in space (Kak and Slaney, equation 61): sampled in
    frequency instead, it would take the mean of a projection away.
    """
    size = transform_size(bins)
    place = np.fft.fftfreq(size, 1 / size)
    ramp = np.zeros(size)
    odd = place % 2 != 0
    ramp[odd] = -1 / (np.pi * place[odd]) ** 2
    ramp[0] = 0.25
    frequency = np.fft.rfftfreq(size, bin_mm)
    return np.fft.rfft(ramp).real / bin_mm * kernel.window(frequency, bin_mm)


def transform_size(bins: int) -> int:
    """A power of two with room for a filter as long as the projection."""
    return int(2 ** math.ceil(math.log2(2 * max(bins, 8))))


def noise_weights(kernel: Kernel, bins: int, bin_mm: float) -> Any:
    """What the variance of a sample adds to the variance of filtered samples around it.

    Filtered samples are interpolated linearly, so the noise between two of them is smaller than
    at one: with taps q and the place between them evenly spread, (q_n^2 + q_n q_(n+1) + q_(n+1)^2)/3.

    Returns:
        `(size,)` float64, per mm^2, circular, element 0 for the sample itself.
    """
    size = transform_size(bins)
    taps = np.fft.irfft(response(kernel, bins, bin_mm), size)
    ahead = np.roll(taps, -1)
    pair = (taps**2 + taps * ahead + ahead**2) / 3
    return (pair + np.roll(pair, 1)) / 2
