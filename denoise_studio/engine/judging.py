"""How good a result is, told without a clean picture: for the window's read-outs and for Python.

`Probes` runs the method a few times on the picture moved a little (`engine.probing`). What follows from
that for a strength, a region or a part of the picture is arithmetic (`metrics.risk`, `metrics.residual`).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise_studio.core.errors import MeasureError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Kind, Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.areas import inside
from denoise_studio.engine.fields import strength
from denoise_studio.engine.layer import Layer, changed_area
from denoise_studio.engine.probing import Square, answers, bind, drawn, squares
from denoise_studio.engine.render import render_in_full
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.metrics.base import Subject
from denoise_studio.metrics.residual import Residual, residual
from denoise_studio.metrics.risk import LEAST_CONFIDENCE, Curve, Risk, curve, risk
from denoise_studio.metrics.stein import Noise, Part, Probe, Sums, sums
from denoise_studio.noise.local import estimate_noise_model

ENOUGH = 2
"""Probes after which their scatter is small beside the rest on most pictures."""
STEP = 0.02
"""Size of a probe, in sds of the noise: small against it, large against rounding."""


@dataclass(frozen=True)
class Judgement:
    """What is known of a result over an area.

    Args:
        pixels: positions that were looked at; padding is none.
        risk: its estimated error.
        residual: what was taken away.
        curve: the error over the strength, were it the same everywhere.
    """

    pixels: int
    risk: Risk
    residual: Residual
    curve: Curve

    def describe(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "pixels": self.pixels,
            "risk": self.risk.describe(),
            "residual": self.residual.describe(),
            "curve": self.curve.describe(),
        }


class Probes:
    """How a method answers to small changes of one picture: what every `Judgement` follows from.

    `grow` may run in one thread while `judge` does in others.

    Args:
        picture: the input.
        recipe: resolved; its strength and those of its regions do not matter.
        fitted: the maps in use, which the probes leave as they are.
        sigma: sd of white noise that is known, in the picture's unit, instead of the estimate.
        seed: of the probes, and of the squares that are looked at in a large picture.
        area: part of the picture that is looked at; None for all of it.
        filtered: `(C, H, W)` full-strength result for this recipe, if there is one: saves a run.
    """

    def __init__(
        self,
        picture: Picture,
        recipe: Recipe,
        fitted: Fitted | None,
        sigma: float | None = None,
        seed: int = 0,
        area: Rect | None = None,
        filtered: FloatArray | None = None,
    ) -> None:
        self.picture, self.recipe, self.fitted = picture, recipe, fitted
        self._estimate = noise_estimate(picture)
        self._sigma, self._seed = sigma, seed
        # In CT the local model tells the strength from place to place better, this one the correlation.
        self._model = estimate_noise_model(picture) if sigma is None and picture.kind is Kind.CT else None
        # A photograph's map also follows its texture a little, which is not noise (docs/risk.md).
        self._even = self._estimate.model == "gaussian" and picture.kind not in (Kind.CT, Kind.MR)
        self._bound = bind(picture, recipe, fitted)
        self._squares = squares(picture, self._bound, (area or picture.rect).intersect(picture.rect), seed)
        self._plain: list[FloatArray] | None = None
        if filtered is not None and recipe.precision == "float32":
            self._plain = [filtered[(slice(None), *s.rect.slices)].copy() for s in self._squares]
        self._found: tuple[list[Probe], ...] = ()

    @property
    def count(self) -> int:
        """How many probes there are."""
        return len(self._found)

    @property
    def sigma_error(self) -> float:
        """Relative standard error of the noise sd, 0 if it was told."""
        return 0.0 if self._sigma is not None else self._estimate.sigma_error

    def same(self, picture: Picture, recipe: Recipe, fitted: Fitted | None) -> bool:
        """Whether these probes hold for this resolved recipe too."""
        return (
            picture is self.picture
            and fitted is self.fitted
            and recipe.method == self.recipe.method
            and changed_area(self.recipe, recipe) == []
        )

    def grow(self, progress: Progress) -> None:
        """Add one probe: about one run of the method over at most a megapixel, the first time maybe two.

        Raises:
            Cancelled: through `progress`, between tiles; nothing is added then.
        """
        directions = [self._direction(k, square) for k, square in enumerate(self._squares)]
        if not any(direction.any() for direction in directions):
            self._found = (*self._found, [Probe(d, d) for d in self._inner(directions)])
            return
        if self._plain is None:
            self._plain = answers(self._bound, self._squares, {}, progress.part(0.0, 0.5))
            progress = progress.part(0.5, 1.0)
        shift = {
            square.outer: direction * np.float32(STEP)
            for square, direction in zip(self._squares, directions, strict=True)
        }
        moved = answers(self._bound, self._squares, shift, progress)
        probes = [
            Probe(direction, (after - before) / np.float32(STEP))
            for direction, after, before in zip(self._inner(directions), moved, self._plain, strict=True)
        ]
        self._found = (*self._found, probes)

    def _direction(self, index: int, square: Square) -> FloatArray:
        padding = self.picture.padding
        return drawn(
            self._noise(square.outer),
            None if padding is None else padding[square.outer.slices],
            [self._seed, self.count, index],
        )

    def _inner(self, outer: Sequence[FloatArray]) -> Iterator[FloatArray]:
        for square, values in zip(self._squares, outer, strict=True):
            inner = square.rect.translate(-square.outer.x, -square.outer.y)
            yield values[(slice(None), *inner.slices)]

    def _noise(self, rect: Rect) -> Noise:
        if self._sigma is not None:
            return Noise(np.full((self.picture.channels, rect.height, rect.width), self._sigma, np.float32))
        rows, columns = np.arange(rect.y, rect.y1), np.arange(rect.x, rect.x1)
        estimate = self._estimate
        kernel = estimate.kernel if estimate.is_correlated else None
        sd = (self._model or estimate).sd_at(rows, columns)
        if self._even:
            sd = np.empty_like(sd)
            sd[:] = np.array([c.sigma for c in estimate.channels])[:, None, None]
        return Noise(sd, kernel)

    def judge(self, filtered: FloatArray, recipe: Recipe, area: Region | Rect | None = None) -> Judgement:
        """What is known of a result over an area; no run of the method.

        Args:
            filtered: `(C, H, W)` full-strength result.
            recipe: as in `same`, with the strengths of the result.
            area: a rectangle, where a region's mask is above one half, or None for all.

        Raises:
            MeasureError: there is no probe yet, or none of the area was looked at.
        """
        found = self._found
        if not found:
            raise MeasureError("The method has not been probed yet.")
        parts = list(self._parts(filtered, recipe, area, found))
        if not parts:
            raise MeasureError("No pixel of this area was looked at.")
        low, high = Subject(self.picture, self.picture).data_range
        width = high - low
        full = [sums(dataclasses.replace(part, mix=1.0)) for part in parts]
        each = [
            sums(part) if isinstance(part.mix, np.ndarray) else own.at(part.mix)
            for part, own in zip(parts, full, strict=True)
        ]
        total = sum(each, Sums())
        sample, doubt = self._sampling(each, total, area)
        kernel_error = 0.0 if self._sigma is not None else self._estimate.kernel_error
        found_risk = risk(total, self.sigma_error, width, self._doubt() or doubt, sample, kernel_error)
        taken = residual(parts, self.sigma_error, kernel_error)
        return Judgement(total.pixels, found_risk, taken, curve(sum(full, Sums()), width))

    def _parts(
        self,
        filtered: FloatArray,
        recipe: Recipe,
        area: Region | Rect | None,
        found: tuple[list[Probe], ...],
    ) -> Iterator[Part]:
        for k, square in enumerate(self._squares):
            rect = square.rect.intersect(self._rect(area))
            if not rect:
                continue
            counted = inside(self.picture, area if isinstance(area, Region) else None, rect)
            if not counted.any():
                continue
            where = (slice(None), *rect.slices)
            own = (slice(None), *rect.translate(-square.rect.x, -square.rect.y).slices)
            yield Part(
                before=self.picture.pixels[where],
                after=filtered[where],
                inside=counted,
                mix=strength(recipe, rect),
                noise=self._noise(rect),
                probes=[Probe(probes[k].direction[own], probes[k].answer[own]) for probes in found],
            )

    def _rect(self, area: Region | Rect | None) -> Rect:
        if area is None:
            return self.picture.rect
        bounds = area.bounds() if isinstance(area, Region) else area
        return bounds.intersect(self.picture.rect)

    def _sampling(self, each: Sequence[Sums], total: Sums, area: Region | Rect | None) -> tuple[float, str]:
        """The sd that the mean error has because only some squares were looked at, or a doubt."""
        wanted = self._rect(area)
        if any(square.rect.contains(wanted) for square in self._squares):
            return 0.0, ""
        if len(each) < 2:
            return 0.0, "Only one small part of this area was looked at."
        mean = total.loss / total.samples
        rest = sum((part.loss - mean * part.samples) ** 2 for part in each)
        seen = sum(square.rect.intersect(wanted).area for square in self._squares) / wanted.area
        spread = rest * len(each) / (len(each) - 1) * max(0.0, 1 - seen)
        return float(np.sqrt(spread)) / total.samples, ""

    def _doubt(self) -> str:
        estimate = self._estimate
        if self._sigma is not None:
            if estimate.is_correlated:
                return "Neighbouring pixels seem to share their noise, but it was taken for white."
            return ""
        if estimate.sigma > 0 and estimate.confidence < LEAST_CONFIDENCE:
            return "The picture's noise could not be estimated well enough."
        if estimate.is_correlated:
            # Corrected for, but by an estimate that is low at the lowest frequencies (docs/risk.md).
            return "Neighbouring pixels share their noise: the error may be more than twice what it says."
        return ""


def risk_of(
    picture: Picture,
    recipe: Recipe,
    progress: Progress | None = None,
    sigma: float | None = None,
    probes: int = ENOUGH,
    area: Region | Rect | None = None,
) -> Judgement:
    """Render a picture and say how good the result is, without a clean one.

    Args:
        picture: the input.
        recipe: what to do; defaults are filled in.
        progress: told how far it is; its `cancel` stops between tiles.
        sigma: sd of white noise that is known, in the picture's unit; None to estimate the noise.
        probes: how often the method is run again, at least once.
        area: see `Probes.judge`.

    Raises:
        RecipeError: the recipe does not fit the picture.
        Cancelled: through `progress`.
    """
    progress = progress or Progress()
    layer = Layer(picture)
    full = recipe.replace(strength=1.0, regions=tuple(_unmixed(region) for region in recipe.regions))
    rendering = render_in_full(picture, full, progress.part(0.0, 1 / (1 + probes)), layer)
    found = Probes(
        picture, rendering.recipe, rendering.fitted, sigma, recipe.seed, filtered=rendering.picture.pixels
    )
    for k in range(max(1, probes)):
        found.grow(progress.part((k + 1) / (probes + 1), (k + 2) / (probes + 1)))
    return found.judge(rendering.picture.pixels, recipe, area)


def _unmixed(region: Region) -> Region:
    return region.replace(parameters=region.parameters.without("strength"))
