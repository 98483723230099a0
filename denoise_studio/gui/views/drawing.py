"""One drawing of a pane: a snapshot that the display lane turns into screen bytes."""

from dataclasses import dataclass

import numpy as np

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.display import ByteArray, Levels, show_difference, show_part
from denoise_studio.engine.render import compose


@dataclass(frozen=True)
class Order:
    """All that one drawing needs: a snapshot for the display lane."""

    role: str
    picture: Picture
    layer: FloatArray | None
    recipe: Recipe | None
    levels: Levels
    rect: Rect
    factor: int
    limit: float

    def draw(self, progress: Progress) -> tuple["Order", ByteArray]:
        progress.check()
        if self.role == "difference" and (self.layer is None or self.recipe is None):
            nothing = np.zeros((1, self.rect.height, self.rect.width), np.float32)
            return self, show_difference(nothing, self.limit, self.factor)
        if self.role == "before" or self.layer is None or self.recipe is None:
            return self, show_part(self.picture, self.rect, self.levels, self.factor)
        if self.role == "difference":
            before = self.picture.pixels[(slice(None), *self.rect.slices)]
            return self, show_difference(self._after(self.rect) - before, self.limit, self.factor)
        return self, show_part(self.picture, self.rect, self.levels, self.factor, self._after)

    def _after(self, rect: Rect) -> FloatArray:
        assert self.layer is not None and self.recipe is not None  # noqa: PT018
        return compose(self.picture, self.layer, self.recipe, rect)


def covered_by(image: ByteArray, rect: Rect, factor: int) -> Rect:
    """Where an image of a rectangle lies: the last block of an averaged row may reach past the edge."""
    if factor <= 1:
        return rect
    return Rect(rect.x, rect.y, image.shape[1] * factor, image.shape[0] * factor)
