"""How strong the noise is in some patches: readings that texture hardly reaches.

White noise is read at the highest frequencies of the patches that have least at low ones, where
pictures have almost nothing (Ponomarenko, Lukin, Zriakhov, Kaarna and Astola, "An automatic
approach to lossy compression of AVIRIS images", IGARSS 2007; Colom and Buades, IPOL 2013).
Correlated noise has most of its power at low frequencies; all of its spectrum is read in patches
whose neighbours are flat.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.noise.blind.patches import NO_PLANE, ORDER, Patches

LOW = (ORDER > 0) & (ORDER < 5) & NO_PLANE
MIDDLE = (ORDER >= 5) & (ORDER < 9)
HIGH = ORDER >= 9
BELOW = (ORDER > 0) & (ORDER < 7) & NO_PLANE
UPPER = (ORDER >= 7) & (ORDER < 10)
HIGHEST = ORDER >= 10

_WHITE_SHARE = 0.05
_FLAT_SHARE = 0.1
_FEWEST = 24
_OUTLIER = 4.0
"""Patches whose power lies so many sd of pure noise above the mean of the others are left out."""


@dataclass(frozen=True, eq=False)
class Level:
    """A reading.

    Args:
        variance: of the noise.
        count: independent patches it was read in.
        excess: how much more these patches differ from each other than pure noise would: 1 or
            less if they are flat, more where the picture takes part.
        freedom: independent values in one patch that it was read from.
    """

    variance: float
    count: float
    excess: float
    freedom: float


def white_level(patches: Patches, chosen: Any) -> Level:
    """What noise is there among these patches (indices), if it is white."""
    power = patches.power[chosen]
    structure = patches.around[chosen] if patches.uneven else power[:, LOW | MIDDLE].mean(axis=1)
    kept = power[_lowest(structure, _WHITE_SHARE)]
    high = kept[:, HIGH]
    # The median of the frequencies: a grating or an edge fills only some of them.
    variance = float(np.median(high.mean(axis=0)))
    excess = _excess(high.mean(axis=1), 2.0 / HIGH.sum())
    return Level(variance, len(kept) * patches.apart, excess, float(HIGH.sum()))


def total_level(patches: Patches, chosen: Any) -> Level:
    """What noise is there among these patches (indices), whatever its spectrum."""
    around = patches.around[chosen]
    if not np.isfinite(around).any():
        around = patches.power[chosen][:, NO_PLANE].mean(axis=1)
    power = patches.power[chosen][_lowest(around, _FLAT_SHARE)]
    own = power[:, NO_PLANE].mean(axis=1)
    freedom = _freedom(power.mean(axis=0)[NO_PLANE])
    spread = 2.0 / freedom
    excess = _excess(own, spread)
    kept = own <= np.median(own) * (1 + _OUTLIER * np.sqrt(spread))
    for _ in range(2):
        kept = own <= own[kept].mean() * (1 + _OUTLIER * np.sqrt(spread))
    variance = float(_with_plane(power[kept].mean(axis=0)).mean())
    return Level(variance, kept.sum() * patches.apart, excess, freedom)


def steepness(patches: Patches, chosen: Any) -> float:
    """Power at rather high over power at the highest frequencies: 1 for white noise.

    More if neighbours share their noise. Both are medians over frequencies, in the patches that have
    least at lower ones.
    """
    power = patches.power[chosen]
    kept = power[_lowest(power[:, BELOW].mean(axis=1), _WHITE_SHARE / 2)].mean(axis=0)
    return float(np.median(kept[UPPER]) / max(np.median(kept[HIGHEST]), 1e-30))


def _lowest(values: Any, share: float) -> Any:
    """Indices of the lowest values."""
    count = min(len(values), max(_FEWEST, int(share * len(values))))
    return np.argpartition(values, count - 1)[:count]


def _freedom(spectrum: Any) -> float:
    return float(spectrum.sum() ** 2 / max((spectrum**2).sum(), 1e-60))


def _excess(values: Any, spread: float) -> float:
    return float(values.var() / max(values.mean() ** 2 * spread, 1e-60))


def _with_plane(spectrum: Any) -> Any:
    """The mean and the slopes, which the picture fills, from the lowest frequencies beside them."""
    filled = spectrum.astype(np.float64)
    filled[~NO_PLANE] = spectrum[ORDER == 2].mean()
    return filled
