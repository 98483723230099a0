"""The columns of the table of measures: what each is called on screen and in a file, how it is written."""

from collections.abc import Callable
from typing import NamedTuple

from denoise_studio.core.picture import Picture
from denoise_studio.engine.measures import RegionBeside
from denoise_studio.engine.tables import head
from denoise_studio.gui import measure_words as words
from denoise_studio.metrics.physics.pitch import Pitch
from denoise_studio.metrics.physics.region_statistics import PERCENTILES, RegionStatistics


class _Column(NamedTuple):
    """One statistic: what it is called, and how it is taken."""

    name: str
    tip: str
    take: Callable[[RegionStatistics], float]


def _percentile(index: int) -> Callable[[RegionStatistics], float]:
    return lambda statistics: statistics.percentiles[index]


_SHOWN = (
    _Column("Mean", "Mean of the region", lambda s: s.mean),
    _Column("sd", "Standard deviation in the region", lambda s: s.sd),
    _Column("Minimum", "Smallest value", lambda s: s.minimum),
    *(
        _Column(
            "Median" if rank == 50 else f"{rank} %",
            f"Below it lie {rank} % of the pixels",
            _percentile(index),
        )
        for index, rank in enumerate(PERCENTILES)
    ),
    _Column("Maximum", "Largest value", lambda s: s.maximum),
)
AREA, PIXELS, MOVED, SD_CHANGE = 0, 1, 4, 7
"""Places of columns: area, pixels, how far the mean moved (after it before and after), the sd's change."""


def heads(unit: str, pitch: Pitch) -> list[tuple[str, str, str]]:
    """Of every column: short for the screen, in full for a file, and what it tells."""
    found = [
        (f"{pitch.unit}²", head("area", f"{pitch.unit}²"), "Area of the pixels that count"),
        ("px", "pixels", "How many pixels count: inside the shape, and no padding"),
    ]
    for column in _SHOWN:
        found += [
            (f"{column.name} {when}", head(f"{column.name} {when}", unit), f"{column.tip}, {when}")
            for when in ("before", "after")
        ]
        if column.name == "Mean":
            tip = "How far the mean moved; flagged where it is more than the limit and than noise explains"
            found.append(("moved", head("mean moved", unit), tip))
        elif column.name == "sd":
            found.append(("change", "sd change (%)", "By how much the sd changed"))
    return found


def numbers(row: RegionBeside) -> list[float | None]:
    """All of a row in full precision."""
    found: list[float | None] = [row.before.area, float(row.before.pixels)]
    for column in _SHOWN:
        before, after = column.take(row.before), column.take(row.after)
        found += [before, after]
        if column.name == "Mean":
            found.append(row.moved)
        elif column.name == "sd":
            found.append(words.change(before, after))
    return found


def cells(row: RegionBeside, picture: Picture, flagged: bool) -> list[tuple[str, str]]:
    """Text and tip of every cell of a row."""
    unit = f" {picture.unit}" if picture.unit else ""
    found = []
    for place, (number, (_, full, tip)) in enumerate(
        zip(numbers(row), heads(picture.unit, Pitch.of(picture)), strict=True)
    ):
        if place == PIXELS:
            text = words.fixed(number, 0)
        elif place == AREA:
            text = words.fixed(number, 1)
        elif place == SD_CHANGE:
            text = "–" if number is None else f"{words.fixed(number, 1, sign=True)} %"
        else:
            text = words.value(number, picture, sign=place == MOVED)
        if place == MOVED:
            text = f"⚑ {text}" if flagged else text
            tip = f"{tip}. Standard error ± {words.value(row.error, picture)}{unit}."
        found.append((text, f"{row.area.name}, {full}. {tip}"))
    return found
