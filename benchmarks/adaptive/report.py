"""From rows to Markdown tables."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Row:
    """One method on one picture; `spread` has the 5th, 50th and 95th percentile of each map."""

    group: str
    scene: str
    method: str
    label: str
    psnr: float
    ssim: float
    seconds: float | None = None
    spread: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""

    def describe(self) -> dict[str, Any]:
        return asdict(self)


class Rows:
    """All rows of a run."""

    def __init__(self) -> None:
        self.all: list[Row] = []

    def add(self, row: Row) -> None:
        self.all.append(row)

    def names(self, of: str, group: str | None = None) -> list[str]:
        """Values of a field, in the order of their appearance."""
        return list(dict.fromkeys(getattr(row, of) for row in self.all if group in (None, row.group)))

    def get(self, group: str, method: str) -> dict[str, Row]:
        """By scene."""
        return {row.scene: row for row in self.all if row.group == group and row.method == method}

    def mean(self, group: str, method: str, what: str = "psnr") -> tuple[float, int] | None:
        """Mean over the scenes that the method has done, and their number."""
        values = [getattr(row, what) for row in self.get(group, method).values()]
        values = [value for value in values if value is not None]
        return (fmean(values), len(values)) if values else None


SETS = {
    "dose": "Simulated doses, soft kernel (correlated noise); photons",
    "sharp kernel": "Simulated doses of the phantom, sharp kernel; photons",
    "white": "White noise; its sd",
    "camera": "Camera pairs",
}


def summary(rows: Rows) -> Iterator[str]:
    """One table a set: means over pictures, PSNR / SSIM, and seconds a picture."""
    labels = {row.method: row.label for row in rows.all}
    for start, title in SETS.items():
        groups = [group for group in rows.names("group") if group.startswith(start)]
        if not groups:
            continue
        counts = {group: len(rows.names("scene", group)) for group in groups}
        yield f"\n### {title}: mean PSNR dB / SSIM over the pictures, seconds a picture\n"
        heads = [f"{_short(group, start)} ({counts[group]})" for group in groups]
        yield f"| method | {' | '.join(heads)} | s |\n|---|{'---|' * (len(groups) + 1)}"
        for method in rows.names("method"):
            cells = [_mean_cell(rows, group, method, counts[group]) for group in groups]
            seconds = [rows.mean(group, method, "seconds") for group in groups]
            known = [value[0] for value in seconds if value]
            if any(cells):
                cells.append(_seconds(fmean(known) if known else None))
                yield f"| {labels[method]} | {' | '.join(cells)} |"


def _short(group: str, start: str) -> str:
    return group.removeprefix(start).removeprefix(", dose").strip(" ,") or group


def _mean_cell(rows: Rows, group: str, method: str, count: int) -> str:
    psnr, ssim = rows.mean(group, method), rows.mean(group, method, "ssim")
    if psnr is None or ssim is None:
        return ""
    partly = f" ({psnr[1]} of {count})" if psnr[1] < count else ""
    return f"{psnr[0]:.2f} / {ssim[0]:.4f}{partly}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


PICTURE_HEAD = "| method | PSNR dB | SSIM | s | maps p5..p50..p95 |\n|---|---|---|---|---|"


def picture_line(row: Row) -> str:
    """One method's line in a picture's own table."""
    spread = "; ".join(f"{name} {_range(values)}" for name, values in row.spread.items())
    spread += f" ({row.note})" if row.note else ""
    return f"| {row.label} | {row.psnr:.2f} | {row.ssim:.4f} | {_seconds(row.seconds)} | {spread} |"


def _range(values: list[float]) -> str:
    low, middle, high = (f"{value:.3g}" for value in values)
    return low if low == middle == high else f"{low}..{middle}..{high}"
