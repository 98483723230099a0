"""How many photons a CT slice's full dose is, so that a fraction of it means what it says.

As many as make the noise that the slice has, read in its flat soft tissue (`noise.ct.calibration`).
A person may tell that noise, or the photons. A slice without noise of its own is taken as clean and
gets the noise of its exposure.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.engine.workers import spread
from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.calibration import (
    Sensitivity,
    measured_sd,
    photons_of_exposure,
    sensitivity,
)
from denoise_studio.noise.ct.kernels import Kernel
from denoise_studio.noise.ct.low_dose import STANDARD, Dose, Projections, Scanner
from denoise_studio.noise.ct.projection import Geometry
from denoise_studio.noise.ct.texture import matched_kernel

VIEWS = 720
QUIET = 1.0
"""A slice with less noise than this, HU, has none that a scan could have left: it is clean."""
ASSUMED_SD = 10.0
"""Noise of a full dose that nothing is known of, HU in soft tissue: a usual abdomen's."""
SPACING = 0.7
"""mm of a pixel where the file does not tell."""
_MOST_MAS, _MOST_KVP = 2000.0, 200.0
TEXT = "simulating the dose"


class Origin(StrEnum):
    """Where the photons of the full dose come from."""

    MEASURED = "measured"
    """The noise in the slice's own flat soft tissue."""
    TOLD = "told"
    """A person: the noise at full dose, or the photons."""
    EXPOSURE = "exposure"
    """mAs and kVp in the header."""
    ASSUMED = "assumed"
    """Nothing is known: 10 HU in soft tissue."""


@dataclass(frozen=True)
class DoseWish:
    """What is to be simulated.

    Args:
        fraction: of the full dose, above 0, at most 1.
        kernel: of the reconstruction; None takes the one whose grain is most like the slice's.
        sd: noise of the full dose in soft tissue, HU; None measures it.
        photons: of the full dose to one detector element in one view; wins over `sd`.
        exposure: take the photons from the header's mAs, not from the noise.
        clean: whether the slice has no noise of its own; None finds out.
        electronic: sd of the read-out's noise in photons.
        bow_tie: filter in front of the patient.
        seed: of the noise; each slice of a series has its own, made of this and its index.
    """

    fraction: float = 0.25
    kernel: Kernel | None = None
    sd: float | None = None
    photons: float | None = None
    exposure: bool = False
    clean: bool | None = None
    electronic: float = 5.0
    bow_tie: BowTie | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class DosePlan:
    """What a wish comes to for one slice.

    Args:
        scanner: of the full dose.
        dose: what is taken of it.
        origin: where the photons come from.
        full_sd: noise of the full dose in soft tissue, HU.
        sd: the same at the simulated dose.
    """

    scanner: Scanner
    dose: Dose
    origin: Origin
    full_sd: float
    sd: float

    @property
    def words(self) -> str:
        """The noise and where it comes from, one sentence."""
        how = {
            Origin.MEASURED: "as measured in its flat soft tissue",
            Origin.TOLD: "as told",
            Origin.EXPOSURE: "from mAs and kVp in its header, right to a factor of about 2",
            Origin.ASSUMED: "assumed, as nothing is known",
        }[self.origin]
        begin = "This slice counts as free of noise" if self.dose.clean else "This slice is the full dose"
        photons = f"{float(f'{self.scanner.photons:.3g}'):,.0f} photons a detector element and view"
        return (
            f"{begin}. Noise in soft tissue at full dose {self.full_sd:.3g} HU ({how}; {photons}), "
            f"simulated {self.sd:.3g} HU."
        )


class DoseSlice:
    """A CT slice made ready: projected, its noise looked at. For any thread.

    Args:
        picture: CT.
        progress: told how far it is; half a second for 512 x 512.

    Raises:
        StudioError: no CT slice.
        Cancelled: through `progress`.
    """

    def __init__(self, picture: Picture, progress: Progress | None = None) -> None:
        progress = progress or Progress()
        if problem := why_not(picture):
            raise StudioError(problem)
        self.picture = picture
        spacing = picture.spacing or (SPACING, SPACING)
        self.geometry = Geometry(picture.height, picture.width, spacing, VIEWS)
        progress.report(0.0, TEXT)
        self.seen = Projections.of(picture.pixels[0], self.geometry, picture.padding, spread)
        progress.report(0.8, TEXT)
        estimate = noise_estimate(picture)
        self.matched = STANDARD
        if estimate.is_correlated and estimate.sigma >= QUIET:
            self.matched = matched_kernel(estimate.kernel, self.geometry.bin_mm)
        self._known: dict[tuple[Kernel, BowTie | None], tuple[Sensitivity, float | None]] = {}
        self._lock = threading.Lock()
        sd = self._find(Scanner(1.0, 0.0, self.matched))[1]
        self.is_clean = sd is not None and sd < QUIET
        """Whether it has no noise that a scan could have left."""
        if self.is_clean:
            self.matched = STANDARD
        progress.report(1.0, TEXT)

    def plan(self, wish: DoseWish) -> DosePlan:
        """What a wish means; fast, but for a new kernel or bow-tie (a tenth of a second).

        Raises:
            StudioError: a number is out of range.
        """
        kernel = wish.kernel or self.matched
        trial = Scanner(1.0, wish.electronic, kernel, wish.bow_tie)
        known, measured = self._find(trial)
        clean = wish.clean if wish.clean is not None else self.is_clean
        photons, origin = self._photons(wish, known, None if clean else measured)
        dose = Dose(wish.fraction, clean)
        full = known.sd(photons, wish.electronic)
        added = 0.0
        if not dose.adds_nothing:
            share, electronic = dose.count(wish.electronic)
            added = known.sd(photons * share, electronic)
        sd = added if clean else float(np.hypot(full, added))
        return DosePlan(replace(trial, photons=photons), dose, origin, full, sd)

    def is_known(self, wish: DoseWish) -> bool:
        """Whether `plan` is fast."""
        return (wish.kernel or self.matched, wish.bow_tie) in self._known

    def _find(self, scanner: Scanner) -> tuple[Sensitivity, float | None]:
        key = (scanner.kernel, scanner.bow_tie)
        with self._lock:
            if key not in self._known:
                hu, padding = self.picture.pixels[0], self.picture.padding
                found = sensitivity(hu, self.seen, scanner, padding, spread)
                sd = measured_sd(hu, found, scanner, self.geometry.bin_mm, padding)
                self._known[key] = found, sd
            return self._known[key]

    def _photons(self, wish: DoseWish, known: Sensitivity, sd: float | None) -> tuple[float, Origin]:
        if wish.photons is not None:
            return wish.photons, Origin.TOLD
        if wish.sd is not None:
            if not wish.sd > 0:
                raise StudioError(f"The noise of the full dose must be above 0 HU, not {wish.sd:g}.")
            return known.photons(wish.sd, wish.electronic), Origin.TOLD
        if sd is not None and sd >= QUIET and not wish.exposure:
            return known.photons(sd, wish.electronic), Origin.MEASURED
        photons = self.exposed()
        if photons is not None:
            return photons, Origin.EXPOSURE
        if wish.exposure:
            raise StudioError("The header tells no exposure in mAs: tell the noise or the photons instead.")
        return known.photons(ASSUMED_SD, wish.electronic), Origin.ASSUMED

    def exposed(self) -> float | None:
        """Photons of the full dose by the header's mAs, None if it tells none that can be."""
        picture = self.picture
        facts = picture.source.summary if picture.source is not None else {}
        mas, kvp = _number(facts.get("exposure (mAs)")), _number(facts.get("tube voltage (kVp)"))
        thickness = picture.plane.thickness if picture.plane is not None else None
        thickness = thickness or _number(facts.get("slice thickness (mm)"))
        if not 0 < mas <= _MOST_MAS or not thickness:
            return None
        voltage = kvp if 0 < kvp <= _MOST_KVP else 120.0
        return photons_of_exposure(mas, self.geometry.bin_mm, thickness, voltage, VIEWS)


def _number(value: Any) -> float:
    """A number out of a header, 0 if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def why_not(picture: Picture) -> str:
    """Why a picture's dose cannot be simulated, one sentence; "" if it can."""
    if picture.kind is not Kind.CT or picture.channels != 1:
        return f"{picture.name or 'The picture'} is not a CT slice in Hounsfield units."
    return ""


def percent(fraction: float) -> str:
    """A fraction as people write it."""
    return f"{100 * fraction:.3g} %"


def settled(wish: DoseWish, ready: DoseSlice) -> DoseWish:
    """The wish for all slices of a series, as it was planned on one of them.

    The kernel is the same for all. So are photons that a person told, also by a noise; what is
    measured is measured on every slice, because tube current follows the patient.
    """
    plan = ready.plan(wish)
    photons = plan.scanner.photons if plan.origin is not Origin.MEASURED else None
    return replace(wish, kernel=plan.scanner.kernel, photons=photons, clean=plan.dose.clean)
