"""How many photons the full dose is: such that a slice's noise is what the scan would have given it."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.noise.ct.low_dose import Projections, Scanner, image_variance
from denoise_studio.noise.ct.measured import STRIDE, TISSUE, flat_factor
from denoise_studio.noise.ct.projection import Run

_ENOUGH = 40
_PLACES = 2000
_BODY = -950.0
_MOST = math.exp(14.0)
"""Rays behind more attenuation than this (metal) say nothing about soft tissue."""
_THINNING = 4
_MOST_PHOTONS, _FEWEST_PHOTONS = 1e9, 100.0

_KERMA = 0.25
"""Air kerma in the centre of a scanner at 120 kVp, mGy per mAs of a rotation: usual ones have 0.2 to
0.3 (CTDI in air of the ImPACT CT patient dosimetry calculator)."""
_FLUENCE = 3.0e7
"""Photons per mm^2 and mGy of a filtered 120 kVp beam (IPEM Report 78)."""
_DETECTED = 0.6
"""What geometry and scintillator leave of them."""
_VOLTAGE_POWER = 2.3
"""A tube's output goes with about this power of its voltage."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What a slice's noise comes to, by the photons of the full dose.

    Args:
        quantum: `(h, w)` variance in HU^2 at every 4th pixel, times photons.
        electronic: `(h, w)` the same of a read-out of sd 1, times photons squared.
        tissue: `(h, w)` where there is soft tissue; where there is hardly any, the body; else all.
    """

    quantum: FloatArray
    electronic: FloatArray
    tissue: BoolArray

    def sd(self, photons: float, electronic: float) -> float:
        """Noise in soft tissue at full dose in HU, the median of its places."""
        quantum, read = self._places
        return float(np.sqrt(np.median(quantum / photons + read * (electronic / photons) ** 2)))

    @functools.cached_property
    def _places(self) -> tuple[Any, Any]:
        """Both at some thousand places of soft tissue: enough for a median, few enough for a slider."""
        step = max(1, int(self.tissue.sum()) // _PLACES)
        quantum, read = (
            values[self.tissue][::step].astype(np.float64) for values in (self.quantum, self.electronic)
        )
        return quantum, read

    def photons(self, sd: float, electronic: float) -> float:
        """Photons that make this noise, between 100 and 10^9."""
        low, high = math.log(_FEWEST_PHOTONS), math.log(_MOST_PHOTONS)
        for _ in range(40):
            middle = (low + high) / 2
            if self.sd(math.exp(middle), electronic) > sd:
                low = middle
            else:
                high = middle
        return math.exp((low + high) / 2)


def sensitivity(
    hu: FloatArray, seen: Projections, scanner: Scanner, padding: BoolArray | None = None, run: Run = map
) -> Sensitivity:
    """Found by propagation of variances through the reconstruction, to first order in the noise.

    Args:
        hu: `(H, W)`.
        seen: its projections.
        scanner: kernel and bow-tie; its photons do not matter.
        padding: `(H, W)`, True where the slice is none.
        run: runs pieces of work.
    """
    geometry = seen.geometry.thinned(_THINNING)
    part = Projections(geometry, seen.lines[::_THINNING][: geometry.views])
    inverse = np.minimum(scanner.photons / part.counts(scanner), _MOST)
    # A view of these stands for several, whose noises are independent.
    share = geometry.views / seen.geometry.views
    quantum, electronic = (
        image_variance(values, geometry, scanner.kernel, STRIDE, run) * np.float32(share)
        for values in (inverse, inverse**2)
    )
    return Sensitivity(quantum, electronic, _tissue(hu, padding))


def _tissue(hu: FloatArray, padding: BoolArray | None) -> BoolArray:
    values = hu[::STRIDE, ::STRIDE]
    valid = np.ones(values.shape, np.bool_) if padding is None else ~padding[::STRIDE, ::STRIDE]
    for low, high in (TISSUE, (_BODY, math.inf)):
        found: Any = valid & (values > low) & (values < high)
        if found.sum() >= _ENOUGH:
            return np.asarray(found, np.bool_)
    return valid if valid.any() else np.logical_not(valid)


def measured_sd(
    hu: FloatArray,
    known: Sensitivity,
    scanner: Scanner,
    bin_mm: float,
    padding: BoolArray | None = None,
) -> float | None:
    """Noise that a slice has in its soft tissue, in HU; None where there is too little of that.

    Arguments as of `sensitivity`, and `bin_mm`, the distance of two pixels.
    """
    factor = flat_factor(hu, known.quantum, scanner.kernel, bin_mm, padding)
    if factor is None:
        return None
    return math.sqrt(factor) * known.sd(1.0, 0.0)


def photons_of_exposure(
    mas: float, bin_mm: float, thickness: float, kvp: float = 120.0, views: int = 720
) -> float:
    """Photons to one detector element in one view, from the tube's settings; right to a factor of about 2.

    Args:
        mas: tube current times time of a rotation.
        bin_mm: width of an element, seen from the centre.
        thickness: of the slice, mm.
        kvp: tube voltage.
        views: over 180 degrees, which share a rotation's photons.
    """
    kerma = mas * _KERMA * (kvp / 120.0) ** _VOLTAGE_POWER
    return float(kerma * _FLUENCE * _DETECTED * bin_mm * thickness / views)
