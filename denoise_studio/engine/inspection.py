"""What a method keeps of a small region and what it takes away, bound to picture and recipe.

The map is x -> result at the pixels of the region. Everything else is held as it is: the pixels
around it, parameters, fitted maps, noise level, regions and strength. So what is found belongs to
this picture and this recipe, whatever the method is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from denoise_studio.core.denoiser import Linear, Tile
from denoise_studio.core.errors import StudioError
from denoise_studio.core.geometry import Rect, mirrored
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import BoolArray, FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine import devices
from denoise_studio.engine.fields import strength
from denoise_studio.engine.filtering import Filter
from denoise_studio.engine.fits import fit, needs_fit
from denoise_studio.engine.resolve import estimated_noise, resolve
from denoise_studio.metrics.jacobian import (
    Arnoldi,
    Map,
    Pattern,
    Trace,
    Vector,
    checked,
    measured,
    trace,
)

SIDE = 64
"""Of the region, in pixels, at most."""
COUNT, MOST = 16, 64
"""Patterns at first, and at most."""
GOOD = 0.01
"""Residual at which a pattern counts as found."""
_PER_PATTERN = 8
"""Basis vectors for each pattern that is wanted, at most."""
_EVERY = 8
"""Basis vectors from one look at the patterns to the next."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A pattern as a picture, and how much of it there is.

    Args:
        image: `(C, h, w)` float32 of norm 1 over the region; 0 in padding. Its sign is that with which
            the region has it.
        share: what the method leaves of it, 1 for all.
        turn: share of it that turns into its partner's (see `metrics.jacobian.Pattern`).
        residual: how far J e is from share times e.
        before: root mean square of the pattern in the input, in the picture's unit: the projection of
            the input's difference from its mean, over the root of the number of samples.
        after: the same of the result's difference from the input's mean.
    """

    image: FloatArray
    share: float
    turn: float
    residual: float
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Inspection:
    """What is known by now.

    Args:
        rect: the region.
        before: `(C, h, w)` float32, the input there.
        after: the result there.
        patterns: with the largest shares first.
        wanted: how many there will be.
        is_complete: whether this is the end result.
        samples: of the region that can vary: pixels times channels, without padding.
        freedom: of the whole region; None until the end.
        step_error: relative error of a product J v, as measured on one direction; 0 where the method
            has a derivative of its own.
        runs: of the method, or of its derivative, so far.
    """

    rect: Rect
    before: FloatArray
    after: FloatArray
    patterns: tuple[Seen, ...]
    wanted: int
    is_complete: bool
    samples: int
    freedom: Trace | None
    step_error: float
    runs: int


def region_of(picture: Picture, rect: Rect, multiple: int = 1) -> Rect:
    """The middle of `rect` in the picture, at most `SIDE` wide and high.

    It begins at a multiple of the method's, as what the window shows does.
    """
    inside = rect.intersect(picture.rect) or picture.rect
    x, width = _middle(inside.x, inside.width, multiple)
    y, height = _middle(inside.y, inside.height, multiple)
    return Rect(x, y, width, height)


def _middle(start: int, length: int, multiple: int) -> tuple[int, int]:
    size = min(SIDE, length)
    return (start + (length - size) // 2) // multiple * multiple, size


class Inspector:
    """Looks into one region; keeps what it has found for when more is wanted.

    Args:
        picture: the input.
        recipe: as the person left it.
        rect: the region (`region_of`).
    """

    def __init__(self, picture: Picture, recipe: Recipe, rect: Rect) -> None:
        self.picture, self.recipe, self.rect = picture, recipe, rect
        self._valid = _valid(picture, rect)
        self._method: _Varied | None = None
        self._product: Map | None = None
        self._step_error = 0.0
        self._found: Arnoldi | None = None
        self._before = picture.pixels[(slice(None), *rect.slices)]
        self._after = self._before
        self._runs = 0

    def find(
        self, count: int, progress: Progress, publish: Callable[[Inspection], None] = lambda seen: None
    ) -> Inspection:
        """The `count` patterns of which most is kept, and the degrees of freedom.

        Args:
            count: how many.
            progress: asked between runs of the method whether to stop.
            publish: takes what is known on the way, coarse at first.

        Raises:
            Cancelled: through `progress`; what was found is kept for the next call.
            StudioError: there is only padding, or the method cannot run.
        """
        self._open(progress.part(0.0, 0.1))
        assert self._product is not None
        found = self._found = self._found or Arnoldi(self._product, self._samples)
        count = min(count, found.size)
        most = min(found.size, max(_PER_PATTERN * count, _EVERY))
        while found.steps < most:
            found.step()
            progress.check()
            progress.report(0.1 + 0.6 * found.steps / most, f"looking for patterns, direction {found.steps}")
            if found.steps % _EVERY == 0:
                patterns = found.patterns(min(count, found.steps // 2))
                if len(patterns) == count and all(one.residual < GOOD for one in patterns):
                    break
                publish(self._seen(patterns, count))
        patterns = found.patterns(count)
        publish(self._seen(patterns, count))
        for index, one in enumerate(patterns):
            progress.report(0.7 + 0.2 * index / count, f"checking pattern {index + 1} of {count}")
            patterns[index] = checked(one, self._product)
        progress.report(0.9, "counting degrees of freedom")
        freedom = trace(found, progress.check)
        return self._seen(patterns, count, freedom)

    @property
    def _samples(self) -> int:
        return int(self._valid.sum()) * self.picture.channels

    def _open(self, progress: Progress) -> None:
        """Make the method ready, run it once, and find out how to differentiate it."""
        if self._product is not None:
            return
        if not self._valid.any():
            raise StudioError("There is only padding in this region.")
        recipe = resolve(self.picture, self.recipe)
        progress.report(0.0, "starting the method")
        fitted = fit(self.picture, recipe, progress.part(0.0, 0.8)) if needs_fit(recipe) else None
        device = devices.choose(self.recipe.device, get_denoiser(recipe.method))
        # bfloat16 would round the small steps away.
        self._method = _Varied(self.picture, recipe.replace(precision="float32"), device, fitted)
        self._method.prepare(self.rect)
        point = self._samples_of(self._before)
        self._after = self._image(self._run(point))
        progress.report(0.9, "differentiating the method")
        change = self._method.derivative()
        if change is not None:
            self._product = self._counted(change)
            return
        noise = estimated_noise(self.picture) or float(point.std()) or 1.0
        product = measured(self._run, point, noise, progress.check)
        self._product, self._step_error = product, product.error

    def _counted(self, change: Linear) -> Map:
        """The method's own derivative on vectors of valid samples."""

        def product(vector: Vector) -> Vector:
            self._runs += 1
            return self._samples_of(change(self._image(vector)))

        return product

    def _run(self, samples: Vector) -> Vector:
        """The result's valid samples for these of the input, `(n,)`, at the recipe's strength."""
        assert self._method is not None
        self._runs += 1
        return self._samples_of(self._method.result(self._image(samples)))

    def _samples_of(self, pixels: FloatArray) -> Vector:
        return pixels[:, self._valid].astype(np.float64).ravel()

    def _image(self, samples: Vector) -> FloatArray:
        image = np.zeros(self._before.shape, np.float32)
        image[:, self._valid] = samples.reshape(self.picture.channels, -1)
        return image

    def _seen(self, patterns: list[Pattern], wanted: int, freedom: Trace | None = None) -> Inspection:
        return Inspection(
            self.rect,
            self._before,
            self._after,
            tuple(self._one(pattern) for pattern in patterns),
            wanted,
            freedom is not None,
            self._samples,
            freedom,
            self._step_error,
            self._runs,
        )

    def _one(self, pattern: Pattern) -> Seen:
        before, after = self._samples_of(self._before), self._samples_of(self._after)
        mean, root = before.mean(), np.sqrt(before.size)
        sign = -1.0 if pattern.vector @ (before - mean) < 0 else 1.0
        vector = sign * pattern.vector
        return Seen(
            self._image(vector),
            pattern.share,
            pattern.turn,
            pattern.residual,
            float(vector @ (before - mean) / root),
            float(vector @ (after - mean) / root),
        )


class _Varied(Filter):
    """A method over one rectangle, whose pixels are given anew at every run."""

    def prepare(self, rect: Rect) -> None:
        """Make ready for this rectangle: just these pixels, not the squares of the grid they lie in."""
        self.rect = rect
        self.pixels = self.picture.pixels[(slice(None), *rect.slices)]
        self.denoiser = replace(self.denoiser, tile=0)
        self.mix = strength(self.recipe, rect)
        self.load()

    def result(self, pixels: FloatArray) -> FloatArray:
        """`(C, h, w)` float32 for such pixels, mixed as `engine.render.compose` mixes."""
        self.pixels = pixels
        out = np.empty_like(pixels)

        def sink(part: Rect, filtered: FloatArray) -> None:
            out[(slice(None), *part.translate(-self.rect.x, -self.rect.y).slices)] = filtered

        self.run([self.rect], sink, Progress())
        while self.recipe.device != self.device.kind:  # it ran out of memory and goes on elsewhere
            self.recipe = self.recipe.replace(device=self.device.kind)
            self.run([self.rect], sink, Progress())
        return self._mixed(out, pixels)

    def derivative(self) -> Linear | None:
        """From a change of the rectangle's pixels to that of the mixed result, if the method has its own."""
        if self.denoiser.load_derivative is None:
            return None
        tile = self.cut(self.rect)
        change = self.denoiser.load_derivative()(tile)

        def mixed(pixels: FloatArray) -> FloatArray:
            given = np.zeros_like(tile.pixels)
            self._put(given, pixels, self.rect, tile.halo)
            return self._mixed(change(given), pixels)

        return mixed

    def _mixed(self, filtered: FloatArray, pixels: FloatArray) -> FloatArray:
        share = np.asarray(self.mix, np.float32)
        mixed: FloatArray = filtered * share + pixels * (np.float32(1) - share)
        return mixed

    def cut(self, rect: Rect) -> Tile:
        """With the given pixels, also where the margin mirrors them at the picture's edge."""
        tile = super().cut(rect)
        self._put(tile.pixels, self.pixels, rect, tile.halo)
        if tile.valid is not None:
            np.copyto(tile.pixels, 0.0, where=~tile.valid)
        return tile

    def _put(self, wide: FloatArray, pixels: FloatArray, rect: Rect, halo: int) -> None:
        """Write the region's pixels wherever a tile of `rect` shows them."""
        rows, columns = mirrored(rect.expand(halo), self.picture.width, self.picture.height)
        down = np.flatnonzero((rows >= self.rect.y) & (rows < self.rect.y1))
        across = np.flatnonzero((columns >= self.rect.x) & (columns < self.rect.x1))
        above, left = np.ix_(rows[down] - self.rect.y, columns[across] - self.rect.x)
        wide[:, down[:, None], across] = pixels[:, above, left]


def _valid(picture: Picture, rect: Rect) -> BoolArray:
    if picture.padding is None:
        return np.ones((rect.height, rect.width), np.bool_)
    return np.logical_not(picture.padding[rect.slices])
