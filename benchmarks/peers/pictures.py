"""Clean pictures, their noisy copies, and camera pairs."""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from denoise_studio.core.picture import Picture, Scale
from denoise_studio.formats.registry import open_picture
from denoise_studio.metrics import measure

SETS = ("Set12", "BSD68", "CBSD68")
"""Folders of clean pictures, in the order of the tables."""
SIGMAS = (15.0, 25.0, 50.0)
"""sd of the white noise, in 255ths of the range."""
PAIRS = "pairs"
LIMITS = (0.0, 255.0)
_NOISE = 1
"""Version of `Case.noisy`: another number, and every row is made again."""
_ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
_PARTNERS = {"_real": "_mean", "_noisy": "_clean"}


@dataclass(frozen=True, eq=False)
class Sample:
    """A noisy picture and its truth.

    Args:
        noisy: in DN (0..255), not clipped.
        clean: `(C, H, W)`.
        sigma: sd of the noise that methods are told; None if they are told nothing.
    """

    noisy: Picture
    clean: Any
    sigma: float | None

    @cached_property
    def true_sds(self) -> list[float]:
        """Of the noise in each channel, DN."""
        return [float(channel.std()) for channel in self.noisy.pixels.astype(np.float64) - self.clean]

    def score(self, pixels: Any) -> tuple[float, float]:
        """PSNR in dB and SSIM, clipped to the range, not rounded."""
        clipped = np.clip(pixels, *LIMITS).astype(np.float32)
        answer = measure(Picture(clipped), Picture(self.clean.copy()), ["psnr", "ssim"], LIMITS)
        return float(answer["psnr"].value or 0), float(answer["ssim"].value or 0)


@dataclass(frozen=True)
class Case:
    """A noisy picture to be made.

    Args:
        set: the name of its set.
        path: the clean picture, or a pair's noisy one.
        number: its place in the set, from 1; seeds the noise.
        sigma: of the noise to be added, None for a pair.
    """

    set: str
    path: Path
    number: int
    sigma: float | None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def truth(self) -> Path:
        return self.path if self.sigma is not None else _partner(self.path)

    @property
    def channels(self) -> int:
        return _facts(self.truth)[0]

    def key(self) -> dict[str, Any]:
        """Everything that the sample depends on."""
        facts = {"set": self.set, "picture": self.name, "number": self.number, "sigma": self.sigma}
        return {**facts, "files": f"{_facts(self.path)[1]} {_facts(self.truth)[1]}", "noise": _NOISE}

    def sample(self) -> Sample:
        first = open_picture(self.path)
        if self.sigma is None:
            return Sample(first, open_picture(self.truth).pixels, None)
        return added(first.pixels, self.sigma, self.number)


@functools.cache
def _facts(path: Path) -> tuple[int, str]:
    """Number of channels and checksum of a file."""
    return open_picture(path).channels, hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def added(clean: Any, sigma: float, seed: int) -> Sample:
    """A picture in DN with white noise."""
    rng = np.random.default_rng([seed, round(1000 * sigma)])
    noise = np.float32(sigma) * rng.standard_normal(clean.shape, np.float32)
    noisy = Picture(clean + noise, scale=Scale.DISPLAY, unit="DN", nominal_range=LIMITS)
    return Sample(noisy, clean, sigma)


def cases(photos: Path, names: list[str], sigmas: list[float]) -> Iterator[Case]:
    """Every noisy picture, set by set, and picture by picture at all levels.

    Args:
        photos: folder of the sets.
        names: of sets, `PAIRS`, or paths of other folders of clean pictures.
        sigmas: levels of noise.
    """
    for name in names:
        folder = photos / name  # a full path replaces `photos`
        found = sorted(p for p in folder.glob("*") if p.suffix.lower() in _ENDINGS)
        if name == PAIRS:
            found = [p for p in found if _is_noisy(p)]
        if not found:
            raise SystemExit(f"There are no pictures in {folder}.")
        levels: list[float | None] = [None] if name == PAIRS else [*sigmas]
        for number, path in enumerate(found, 1):
            for sigma in levels:
                yield Case(folder.name, path, number, sigma)


def _is_noisy(path: Path) -> bool:
    return path.stem.endswith(tuple(_PARTNERS))


def _partner(path: Path) -> Path:
    ending = next(ending for ending in _PARTNERS if path.stem.endswith(ending))
    return path.with_name(path.stem.removesuffix(ending) + _PARTNERS[ending] + path.suffix)
