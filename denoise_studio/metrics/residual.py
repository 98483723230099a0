"""What a method took away: how strong it is, how its neighbours hang together, and whether the picture
is in it.

A result that is the posterior mean of the clean picture leaves no error that the result itself could
predict: E<x - f, H f> = 0 for every linear H (the orthogonality principle). For noise of covariance Σ

    <H r, H f> - b' H' H J b estimates <H (x - f), H f> without bias

(Stein's lemma, as in `metrics.stein`). Over |H f|² it is a share: so much more of the band should be in
the result. Positive: structure was taken away. Negative: noise was left.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.metrics.risk import NORMAL_95
from denoise_studio.metrics.stein import Part

LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
"""Rows and columns apart."""
BANDS = 4
THRESHOLD = 0.1
"""Share from which a band is reported (`docs/risk.md` has how often that is right)."""
_BLUR = 1.0
_BLOCK = 64
_FEWEST_BLOCKS = 12


@dataclass(frozen=True)
class Band:
    """How much more of one octave of structure should be in the result.

    Args:
        size: about how large the structure is, in pixels (half a period, from `size` to twice that).
        share: relative to what the result shows in this octave; nan where it cannot be told.
        error: its standard error.
    """

    size: int
    share: float
    error: float

    @property
    def missing(self) -> bool:
        """Whether structure was taken away: more than the threshold, and more than chance."""
        return self.share > THRESHOLD and self.share > NORMAL_95 * self.error


@dataclass(frozen=True)
class Residual:
    """What was taken away.

    Args:
        sd: of it, the root of the channels' mean variance, in the picture's unit.
        noise_sd: of the noise over the same area, likewise.
        autocorrelation: at `LAGS`.
        noise_autocorrelation: the noise's own there.
        bands: from fine to coarse.
        warning: one sentence if structure was taken away, else ""; none where the noise's correlation
            is only estimated.
    """

    sd: float
    noise_sd: float
    autocorrelation: tuple[float, ...]
    noise_autocorrelation: tuple[float, ...]
    bands: tuple[Band, ...]
    warning: str

    @property
    def ratio(self) -> float:
        """The sd of what was taken away over the noise's: near 1 if it was the noise."""
        return self.sd / self.noise_sd if self.noise_sd > 0 else math.nan

    def describe(self) -> dict[str, Any]:
        """Plain JSON types; None where a number cannot be given."""
        return {
            "sd": self.sd,
            "noise_sd": self.noise_sd,
            "ratio": _plain(self.ratio),
            "autocorrelation": {
                f"{down},{across}": {"residual": _plain(own), "noise": _plain(noise)}
                for (down, across), own, noise in zip(
                    LAGS, self.autocorrelation, self.noise_autocorrelation, strict=True
                )
            },
            "bands": [
                {"size": band.size, "share": _plain(band.share), "error": _plain(band.error)}
                for band in self.bands
            ],
            "warning": self.warning,
        }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def residual(parts: Sequence[Part], sigma_error: float, kernel_error: float = 0.0) -> Residual:
    """Look at what was taken away over some parts of a picture.

    Args:
        parts: with at least one pixel that counts.
        sigma_error: relative standard error of the noise sd.
        kernel_error: as in `metrics.risk.risk`.
    """
    channels = len(parts[0].before)
    taken = np.concatenate([part.residual[:, part.inside] for part in parts], axis=1)
    noise = sum(float((part.noise.sd[:, part.inside].astype(np.float64) ** 2).sum()) for part in parts)
    bands = shares(parts, sigma_error, kernel_error)
    return Residual(
        sd=float(np.sqrt(taken.var(axis=1, dtype=np.float64).mean())),
        noise_sd=math.sqrt(noise / (taken.shape[1] * channels)),
        autocorrelation=autocorrelation(parts),
        noise_autocorrelation=_kernel_at(parts[0].noise.kernel),
        bands=bands,
        # An estimated correlation raises false alarms in one band of six (docs/risk.md).
        warning=_warning(bands) if kernel_error == 0 else "",
    )


def _kernel_at(kernel: FloatArray | None) -> tuple[float, ...]:
    if kernel is None:
        return (0.0,) * len(LAGS)
    middle = kernel.shape[0] // 2
    return tuple(float(kernel[middle + down, middle + across]) for down, across in LAGS)


def autocorrelation(parts: Sequence[Part]) -> tuple[float, ...]:
    """Of what was taken away, at `LAGS`; nan where there is nothing."""
    found: Any = np.zeros((len(LAGS), 2))
    power, count = 0.0, 0
    for part in parts:
        taken = part.residual
        inside = part.inside
        if inside.any():
            taken = taken - taken[:, inside].mean(axis=1)[:, None, None]
        taken = taken * inside
        power += float((taken**2).sum(dtype=np.float64))
        count += int(inside.sum())
        for k, lag in enumerate(LAGS):
            one, two = _shifted(taken, lag)
            first, second = _shifted(inside, lag)
            found[k] += float((one * two).sum(dtype=np.float64)), int((first & second).sum())
    if power <= 0:
        return (math.nan,) * len(LAGS)
    return tuple(float(product / pairs / (power / count)) if pairs else math.nan for product, pairs in found)


def _shifted(values: Any, lag: tuple[int, int]) -> tuple[Any, Any]:
    """Views of all pairs of pixels that are this lag apart."""
    down, across = lag
    height, width = values.shape[-2:]
    rows = slice(0, height - down), slice(down, height)
    left, right = slice(0, width - abs(across)), slice(abs(across), width)
    columns = (left, right) if across >= 0 else (right, left)
    return values[..., rows[0], columns[0]], values[..., rows[1], columns[1]]


def shares(parts: Sequence[Part], sigma_error: float, kernel_error: float = 0.0) -> tuple[Band, ...]:
    """The structure test, one share for every octave from fine to coarse.

    Its error is what blocks of the picture tell of each other, and what errors of the noise's sd and
    correlation add.
    """
    unsure = math.hypot(2 * sigma_error, kernel_error)
    blocks: list[list[Any]] = [[] for _ in range(BANDS)]
    for part in parts:
        if part.probes:
            for own, found in zip(blocks, _of_part(part), strict=False):
                own.append(found)
    return tuple(_band(1 << k, own, unsure) for k, own in enumerate(blocks))


def _band(size: int, found: Sequence[Any], unsure: float) -> Band:
    """From `(B, 3)` a part: inner product, expected noise in it, and |H f|² of every block."""
    blocks = np.concatenate(found) if found else np.zeros((0, 3))
    blocks = blocks[blocks[:, 2] > 0]
    count = len(blocks)
    if count < _FEWEST_BLOCKS:
        return Band(size, math.nan, math.nan)
    product, expected, energy = blocks.sum(axis=0)
    share = (product - expected) / energy
    rest = blocks[:, 0] - blocks[:, 1] - share * blocks[:, 2]
    chance = float((rest**2).sum()) * count / (count - 1) / energy**2
    return Band(size, float(share), float(math.hypot(math.sqrt(chance), unsure * expected / energy)))


def _of_part(part: Part) -> Iterator[Any]:
    """For every octave `(B, 3)`: <H r, H f>, b' H' H J b and |H f|² in blocks."""
    octaves = _Octaves(part.inside)
    planes = [part.result, part.residual]
    for probe in part.probes:
        planes += [probe.direction, part.answer(probe)]
    for (result, taken, *probes), inside, side in octaves.of(planes):
        expected = np.mean([a * b for a, b in zip(probes[::2], probes[1::2], strict=True)], axis=0)
        columns = [_blocks((v * inside).sum(axis=0), side) for v in (result * taken, expected, result**2)]
        yield np.stack(columns, axis=1)


class _Octaves:
    """A pyramid whose levels are what one octave adds: a plane minus itself, smoothed.

    What lies outside has no part in any mean.
    """

    def __init__(self, inside: BoolArray) -> None:
        self._inside = inside.astype(np.float32)

    def of(self, planes: Sequence[FloatArray]) -> Iterator[tuple[list[FloatArray], BoolArray, int]]:
        """For every octave the planes' parts, where they count, and the side of a block."""
        weight = self._inside
        planes = [np.asarray(plane * weight) for plane in planes]
        for k in range(BANDS):
            norm = np.maximum(_smooth(weight), 1e-6)
            parts = [self._fine(plane, weight, norm) for plane in planes]
            yield parts, weight > 0.999, _BLOCK >> k
            small = _halved(weight)
            if min(small.shape) < 4:
                return
            planes = [self._coarse(plane, weight, small) for plane in planes]
            weight = small

    @staticmethod
    def _fine(plane: FloatArray, weight: FloatArray, norm: FloatArray) -> FloatArray:
        return np.asarray(plane - np.stack([_smooth(c) / norm for c in plane * weight]))

    @staticmethod
    def _coarse(plane: FloatArray, weight: FloatArray, small: FloatArray) -> FloatArray:
        return np.asarray(np.stack([_halved(c) for c in plane * weight]) / np.maximum(small, 1e-6))


def _smooth(plane: FloatArray) -> FloatArray:
    import cv2

    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _BLUR, borderType=cv2.BORDER_REFLECT))


def _halved(plane: FloatArray) -> FloatArray:
    height, width = (side // 2 * 2 for side in plane.shape)
    even = plane[:height, :width]
    total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return np.asarray(total * np.float32(0.25))


def _blocks(plane: FloatArray, side: int) -> Any:
    """Sums over squares, flat, float64."""
    starts = [np.arange(0, length, side) for length in plane.shape]
    rows = np.add.reduceat(plane.astype(np.float64), starts[0], axis=0)
    return np.add.reduceat(rows, starts[1], axis=1).ravel()


def _warning(bands: Sequence[Band]) -> str:
    worst = max((band for band in bands if band.missing), key=lambda band: band.share, default=None)
    if worst is None:
        return ""
    return (
        f"Detail of about {worst.size} to {2 * worst.size} pixels was smoothed away with the noise: "
        f"at that size the result should show about {worst.share:.0%} more."
    )
