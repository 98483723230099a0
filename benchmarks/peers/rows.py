"""All results of a run, and the means over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from peers.pictures import Case


@dataclass(frozen=True)
class Row:
    """One method on one noisy picture; `sigma` is None for a camera pair."""

    set: str
    picture: str
    sigma: float | None
    method: str
    psnr: float
    ssim: float


class Mean(NamedTuple):
    """Over how many pictures."""

    psnr: float
    ssim: float
    pictures: int


class Rows:
    """Results by set, level and method."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self._all: dict[tuple[str, float | None, str], dict[str, Row]] = {}
        self._wanted: dict[tuple[str, float | None], int] = {}

    def expect(self, cases: Iterable[Case]) -> None:
        """What a full table would hold."""
        for case in cases:
            place = case.set, case.sigma
            self._wanted[place] = self._wanted.get(place, 0) + 1

    def add(self, row: Row) -> None:
        self._all.setdefault((row.set, row.sigma, row.method), {})[row.picture] = row

    def wanted(self, name: str, sigma: float | None) -> int:
        """Pictures of the set."""
        return self._wanted.get((name, sigma), 0)

    def sigmas(self, name: str) -> list[float | None]:
        return [sigma for found, sigma in self._wanted if found == name]

    def get(self, name: str, sigma: float | None, method: str) -> dict[str, Row]:
        """By picture."""
        return self._all.get((name, sigma, method), {})

    def methods(self, name: str) -> list[str]:
        """With results in that set, in the order of the tables."""
        done = {method for found, _, method in self._all if found == name}
        return [method for method in self.labels if method in done]

    def mean(self, name: str, sigma: float | None, method: str) -> Mean | None:
        rows = self.get(name, sigma, method).values()
        if not rows:
            return None
        return Mean(fmean(row.psnr for row in rows), fmean(row.ssim for row in rows), len(rows))

    def above(self, name: str, sigma: float | None, method: str, other: str) -> Mean | None:
        """Mean of method less other, over the pictures that both have."""
        mine, its = self.get(name, sigma, method), self.get(name, sigma, other)
        both = [(row, its[picture]) for picture, row in mine.items() if picture in its]
        if not both:
            return None
        return Mean(
            fmean(a.psnr - b.psnr for a, b in both), fmean(a.ssim - b.ssim for a, b in both), len(both)
        )
