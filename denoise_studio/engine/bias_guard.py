"""Whether a filter moved the mean of what is flat: the guard of Hounsfield units.

A denoiser may take noise; the mean of a tissue it must leave. Looked at are the regions that a person
drew, or flat squares of soft tissue that are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.picture import Picture
from denoise_studio.core.region import Region
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.areas import Area
from denoise_studio.engine.measures import can_be_measured, flat_rects, hard_inside
from denoise_studio.metrics.base import check_comparable
from denoise_studio.metrics.physics.metrics import default_limit
from denoise_studio.metrics.physics.region_statistics import is_biased, mean_change

_BLOCK = 4


@dataclass(frozen=True)
class Moved:
    """One area's mean.

    Args:
        area: which; its index is -1 for a square that was found.
        amount: after less before, in the picture's unit.
        error: standard error of that.
        limit: how far it may move.
    """

    area: Area
    amount: float
    error: float
    limit: float

    @property
    def flagged(self) -> bool:
        """It moved by more than the limit, and by more than noise explains."""
        return is_biased(self.amount, self.error, self.limit)


@dataclass(frozen=True)
class Guard:
    """What was found.

    Args:
        moved: an entry an area.
        limit: in the picture's unit.
        unit: the picture's.
        drawn: whether the areas are a person's; else flat squares.
    """

    moved: tuple[Moved, ...]
    limit: float
    unit: str
    drawn: bool

    @property
    def flagged(self) -> tuple[Moved, ...]:
        return tuple(moved for moved in self.moved if moved.flagged)

    @property
    def worst(self) -> Moved | None:
        """The area that moved furthest."""
        return max(self.moved, key=lambda moved: abs(moved.amount), default=None)

    def sentence(self) -> str:
        """What a person should know."""
        worst = max(self.flagged, key=lambda moved: abs(moved.amount), default=None)
        unit = f" {self.unit}" if self.unit else ""
        if worst is None:
            most = abs(self.worst.amount) if self.worst is not None else 0.0
            where = _counted(len(self.moved), "region" if self.drawn else "flat square")
            return f"No mean moved by more than {self.limit:g}{unit} ({where}, at most {most:.2g}{unit})."
        what = worst.area.name if self.drawn else "a flat square"
        more = len(self.flagged) - 1
        rest = f", and {_counted(more, 'more')}" if more else ""
        return f"The mean of {what} moved by {worst.amount:+.2f}{unit} (limit {self.limit:g}{unit}){rest}."


def _counted(count: int, what: str) -> str:
    plural = "" if count == 1 or what == "more" else "s"
    return f"{count} {what}{plural}"


def bias_guard(
    before: Picture,
    after: Picture | FloatArray,
    regions: Sequence[Region] = (),
    limit: float | None = None,
) -> Guard:
    """Compare means before and after.

    Args:
        before: the input.
        after: the result, or its pixels `(C, H, W)`.
        regions: where to look; those that are switched off do not count. None of them: flat squares are
            looked for, of soft tissue in CT.
        limit: in the picture's unit; None takes `default_limit`.

    Raises:
        MeasureError: the two cannot be compared, or nothing flat was found.
    """
    if isinstance(after, Picture):
        check_comparable(after, before)
        after = after.pixels
    if not can_be_measured(before):
        raise MeasureError("Camera raw holds one colour a pixel: develop it to measure it.")
    limit = default_limit(before) if limit is None else limit
    areas = [
        area
        for index, region in enumerate(regions)
        if region.enabled
        and (area := Area.of(before, region, index)).rect
        and hard_inside(before, area).any()
    ]
    found = areas or [Area("Flat square", rect) for rect in flat_rects(before)]
    moved = tuple(_moved(before, after, area, limit) for area in found)
    return Guard(moved, limit, before.unit, bool(areas))


def _moved(before: Picture, after: FloatArray, area: Area, limit: float) -> Moved:
    where = (slice(None), *area.rect.slices)
    counted = hard_inside(before, area)
    block = _BLOCK if area.region is None else 2 * _BLOCK
    return Moved(area, *mean_change(before.pixels[where], after[where], counted, block), limit)


__all__ = ["Guard", "Moved", "bias_guard", "default_limit"]
