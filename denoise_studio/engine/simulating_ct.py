"""How a CT slice or a series would look at a fraction of its dose.

What happens in the projections is `noise.ct.low_dose`; how much noise it is, `engine.dose_plan`.
"""

from dataclasses import replace

import numpy as np

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Place, Series
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.dose_plan import SPACING, TEXT, DosePlan, DoseSlice, DoseWish, percent
from denoise_studio.engine.workers import spread
from denoise_studio.noise.ct.low_dose import added_noise


def simulated(
    picture: Picture, wish: DoseWish, progress: Progress | None = None, ready: DoseSlice | None = None
) -> Picture:
    """A slice as a scan with less dose would show it; a second for 512 x 512.

    Noise is all that changes: HU and sharpness are the slice's, padding keeps its values. It is
    rounded to the steps of the file and ends where its values end. The new picture belongs to no
    file: its source keeps what saving needs, without the path.

    Args:
        picture: CT.
        wish: what is to be simulated.
        progress: told how far it is.
        ready: the same picture, if it was made ready before.

    Raises:
        StudioError: the wish cannot be fulfilled; one sentence.
        Cancelled: through `progress`.
    """
    progress = progress or Progress()
    ready = ready or DoseSlice(picture, progress.part(0.0, 0.5))
    plan = ready.plan(wish)
    noise = added_noise(
        ready.seen, plan.scanner, plan.dose, _seed(picture, wish.seed), spread, progress.part(0.5, 0.95)
    )
    pixels, clipped = _as_stored(picture, picture.pixels[0] + noise)
    notes = _notes(picture, clipped)
    source = picture.source
    progress.report(1.0, TEXT)
    return picture.derive(
        pixels[None],
        name=title(picture, wish),
        place=None,
        notes=notes,
        history=(*picture.history, _line(plan, wish)),
        source=replace(source, path=None, sha256="") if source is not None else None,
    )


def _seed(picture: Picture, seed: int) -> np.random.SeedSequence:
    """A slice of a series has the same noise alone and with the others."""
    index = picture.place.index if picture.place is not None else None
    return np.random.SeedSequence(seed, spawn_key=() if index is None else (index,))


def _as_stored(picture: Picture, values: FloatArray) -> tuple[FloatArray, int]:
    """Values that the file can hold, and how many had to be clipped; padding as it was."""
    stored = picture.stored
    clipped = 0
    if stored.is_integer and stored.slope:
        whole = np.rint((values.astype(np.float64) - stored.intercept) / stored.slope)
        ends = np.clip(whole, *stored.limits)
        outside = ends != whole
        if picture.padding is not None:
            outside &= ~picture.padding
        clipped = int(outside.sum())
        values = (ends * stored.slope + stored.intercept).astype(np.float32)
    if picture.padding is not None:
        values = np.where(picture.padding, picture.pixels[0], values)
    return np.asarray(values, np.float32), clipped


def _notes(picture: Picture, clipped: int) -> tuple[str, ...]:
    notes = [] if picture.spacing else [f"The pixel size is not known: {SPACING:g} mm was taken."]
    if clipped:
        low, high = (
            limit * picture.stored.slope + picture.stored.intercept for limit in picture.stored.limits
        )
        were = "pixel was" if clipped == 1 else "pixels were"
        notes.append(f"{clipped} {were} clipped to what the file holds, {low:g} to {high:g} HU.")
    return tuple(notes)


def title(picture: Picture, wish: DoseWish) -> str:
    """Name of the new picture: "slice.dcm @ 25 % dose (simulated)"."""
    name = picture.name or "Slice"
    return f"{name} @ {percent(wish.fraction)} dose (simulated)"


def _line(plan: DosePlan, wish: DoseWish) -> str:
    kernel, scanner = plan.scanner.kernel, plan.scanner
    end = f" to {kernel.cutoff:.3g}/mm" if kernel.cutoff is not None else ""
    parts = [
        f"simulated dose of {percent(wish.fraction)}: noise made in the projections",
        f"soft tissue {plan.full_sd:.3g} HU at full dose ({plan.origin}), {plan.sd:.3g} HU now",
        f"kernel {kernel.name} ({kernel.shape}{end})",
        f"{scanner.photons:.4g} photons and {scanner.electronic:g} of electronic noise",
    ]
    if scanner.bow_tie is not None:
        parts.append(f"bow-tie to {scanner.bow_tie.edge:g} at {scanner.bow_tie.radius:g} mm")
    if plan.dose.clean:
        parts.append("the slice taken as clean")
    return ", ".join([*parts, f"seed {wish.seed}"])


def simulated_series(series: Series, wish: DoseWish) -> Series:
    """A series whose slices are simulated when they are opened.

    Args:
        series: of CT slices.
        wish: as `settled` on one of the slices.
    """

    def open_slice(whole: Series, index: int, progress: Progress) -> Picture:
        picture = series.open(index, progress.part(0.0, 0.3))
        return replace(simulated(picture, wish, progress.part(0.3, 1.0)), place=Place(whole, index))

    return replace(
        series,
        open_slice=open_slice,
        label=f"{series.label} @ {percent(wish.fraction)} dose (simulated)".strip(),
        key=f"{series.key} {wish}",
        files=frozenset(),
    )
