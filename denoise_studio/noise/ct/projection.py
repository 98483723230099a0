"""Parallel-beam projections of a picture of any shape, and filtered back-projection."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.types import FloatArray
from denoise_studio.noise.ct.kernels import Kernel, response, transform_size

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""How pieces of work are run, like `map`: the engine gives its pool."""
_VIEWS, _ROWS = 24, 16
"""Views, or rows of pixels, that are one piece of work."""


@dataclass(frozen=True)
class Geometry:
    """How a picture is seen: every view sees all of it, whatever its shape.

    Args:
        height, width: of the picture in pixels.
        spacing: distance of its rows and of its columns in mm.
        views: directions, evenly over 180 degrees.
    """

    height: int
    width: int
    spacing: tuple[float, float]
    views: int = 720

    def __post_init__(self) -> None:
        if not all(0 < mm < math.inf for mm in self.spacing):
            raise StudioError(f"The pixel spacing must be above 0 mm, not {self.spacing}.")
        if self.views < 1:
            raise StudioError(f"A scan needs at least one view, not {self.views}.")

    @property
    def bin_mm(self) -> float:
        """Distance of two detector elements, seen from the centre: the smaller of the pixels' two."""
        return min(self.spacing)

    @property
    def bins(self) -> int:
        """Detector elements: enough for the picture's diagonal."""
        dy, dx = self.spacing
        return math.ceil(math.hypot(self.height * dy, self.width * dx) / self.bin_mm) + 3

    @property
    def offsets(self) -> FloatArray:
        """`(bins,)` distance of a detector element's ray from the centre, mm."""
        return np.asarray((np.arange(self.bins) - 0.5 * (self.bins - 1)) * self.bin_mm)

    def directions(self, views: slice = slice(None)) -> tuple[Any, Any]:
        """Cosines and sines of some views' directions."""
        angles = (np.arange(self.views) * (math.pi / self.views))[views]
        return np.cos(angles), np.sin(angles)

    def thinned(self, factor: int) -> "Geometry":
        """The same with every `factor`-th view."""
        return Geometry(self.height, self.width, self.spacing, max(self.views // factor, 1))


def project(image: FloatArray, geometry: Geometry, run: Run = map) -> FloatArray:
    """Line integrals: `(H, W)` per mm in, `(views, bins)` float32 without unit out."""
    from denoise_studio.noise.ct.beams import project_views

    source = np.ascontiguousarray(image, np.float32)
    turned = geometry.directions()
    lines = np.empty((geometry.views, geometry.bins), np.float32)
    dy, dx = geometry.spacing

    def work(part: slice) -> None:
        cosines, sines = (values[part] for values in turned)
        project_views(source, cosines, sines, dx, dy, geometry.bin_mm, lines[part])

    for _ in run(work, _slices(geometry.views, _VIEWS)):
        pass
    return lines


def filtered_back_projection(
    lines: FloatArray, geometry: Geometry, kernel: Kernel, run: Run = map
) -> FloatArray:
    """The picture of `(views, bins)` line integrals: `(H, W)` float32, per mm."""
    size = transform_size(geometry.bins)
    shape = response(kernel, geometry.bins, geometry.bin_mm)
    filtered = np.fft.irfft(np.fft.rfft(lines, size, axis=1) * shape, size, axis=1)[:, : geometry.bins]
    return back_projection(filtered, geometry, run=run)


def back_projection(samples: Any, geometry: Geometry, step: int = 1, run: Run = map) -> FloatArray:
    """Integral over half a turn of `(views, bins)` samples, at every `step`-th pixel: float32."""
    from denoise_studio.noise.ct.beams import back_project

    source = np.ascontiguousarray(samples, np.float32)
    cosines, sines = (values.astype(np.float32) for values in geometry.directions())
    dy, dx = geometry.spacing
    ys, xs = (
        ((np.arange(0, count, step) - 0.5 * (count - 1)) * (mm / geometry.bin_mm)).astype(np.float32)
        for count, mm in ((geometry.height, dy), (geometry.width, dx))
    )
    image = np.empty((ys.size, xs.size), np.float32)

    def work(part: slice) -> None:
        back_project(source, cosines, sines, xs, ys[part], image[part])

    for _ in run(work, _slices(ys.size, _ROWS)):
        pass
    image *= np.float32(math.pi / geometry.views)
    return image


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]
