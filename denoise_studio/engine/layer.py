"""A method's result at full strength, cell by cell, kept between edits."""

import threading
from collections import OrderedDict

from denoise_studio.core.denoiser import Denoiser
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect, bounding
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.fields import maxima
from denoise_studio.engine.grid import CELL, Cell, cell_rect, cells_of


class Layer:
    """The filtered pixels of one picture by one method, and which recipe each cell is for.

    One thread writes (`put`), any may read. A cell counts as done for a recipe once all its
    pixels are; until then they are older ones, which the view marks as not final.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.pixels: FloatArray = picture.pixels.copy()
        self.version = 0
        """Grows with every write: a reader that finds it changed has read a mixture."""
        self._lock = threading.Lock()
        self._done: dict[Cell, Recipe] = {}
        self._fitted: Fitted | None = None

    def use(self, fitted: Fitted | None) -> None:
        """Take these fitted maps from now on: what was done with others is done no longer."""
        if fitted is not self._fitted:
            with self._lock:
                self._fitted = fitted
                self._done.clear()

    @property
    def fitted(self) -> Fitted | None:
        """The maps that its pixels are made with."""
        return self._fitted

    @property
    def is_settled(self) -> bool:
        """Whether its maps are final: not another slice's, nor those of a fit that goes on."""
        return self._fitted is None or self._fitted.final

    @property
    def bytes(self) -> int:
        """With the maps, which live as long as it does."""
        maps = self._fitted.maps.values() if self._fitted is not None else ()
        return self.pixels.nbytes + sum(each.values.nbytes for each in maps)

    def pending(self, recipe: Recipe, within: Rect | None = None) -> list[Rect]:
        """What must be filtered to have every cell (or those in `within`) as this recipe wants it.

        At most one rectangle a cell: the whole cell, or for methods with exact tiles only what
        the difference between the two recipes can have changed.
        """
        denoiser = get_denoiser(recipe.method)
        exact = denoiser.exact_tiles
        whole = self.picture.rect
        changes: dict[int, list[Rect] | None] = {}
        result = []
        for cell in cells_of(within or whole, whole):
            area = cell_rect(cell, whole)
            old = self._done.get(cell)
            if old is not None:
                if id(old) not in changes:
                    changes[id(old)] = self._changed(old, recipe, denoiser)
                changed = changes[id(old)]
                if changed is not None:
                    touched = bounding(rect.intersect(area) for rect in changed)
                    area = touched if exact or not touched else area
            if area:
                result.append(area)
            else:
                with self._lock:
                    self._done[cell] = recipe
        return result

    def _changed(self, old: Recipe, new: Recipe, denoiser: Denoiser) -> list[Rect] | None:
        rects = changed_area(old, new)
        if not rects or self._fitted is None:
            return rects
        reach = max(
            denoiser.reach(maxima(recipe, denoiser, self.picture.rect, self.picture, self._fitted))
            for recipe in (old, new)
        )
        return [rect.expand(reach) for rect in rects]

    def put(self, rect: Rect, pixels: FloatArray, recipe: Recipe, complete: bool) -> None:
        """Write a finished part of one cell.

        With `complete` the cell is done for this recipe. Otherwise it is a mixture from now
        on, done for no recipe at all.
        """
        cell = rect.x // CELL, rect.y // CELL
        with self._lock:
            self.pixels[(slice(None), *rect.slices)] = pixels
            self.version += 1
            if complete:
                self._done[cell] = recipe
            else:
                self._done.pop(cell, None)

    def is_done(self, recipe: Recipe, within: Rect) -> bool:
        """Whether every cell that touches the rectangle is final for this recipe."""
        return all(self._done.get(cell) == recipe for cell in cells_of(within, self.picture.rect))

    def holds(self, recipe: Recipe, within: Rect) -> bool:
        """Whether every cell that touches the rectangle has this recipe's pixels, whatever its strength."""
        done = {id(old): old for cell in cells_of(within, self.picture.rect) if (old := self._done.get(cell))}
        missing = any(cell not in self._done for cell in cells_of(within, self.picture.rect))
        return not missing and all(
            old == recipe or (old.method == recipe.method and changed_area(old, recipe) == [])
            for old in done.values()
        )

    def copy(self) -> "Layer":
        """An independent snapshot for another lane."""
        with self._lock:
            twin = Layer.__new__(Layer)
            twin.picture, twin.version = self.picture, self.version
            twin.pixels, twin._done = self.pixels.copy(), dict(self._done)
            twin._fitted = self._fitted
            twin._lock = threading.Lock()
            return twin


def changed_area(old: Recipe, new: Recipe) -> list[Rect] | None:
    """Where the method's result can differ between two resolved recipes; None for everywhere.

    Strength is left out: it is mixed in afterwards.
    """
    denoiser = get_denoiser(new.method)
    names = ["method", "device", "precision", "seed", "parameters"]
    if denoiser.uses_noise_level:
        names.append("noise_level")
    if any(getattr(old, name) != getattr(new, name) for name in names):
        return None
    before, after = _effective(old, denoiser), _effective(new, denoiser)
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return [region.bounds() for region in before + after]


def _effective(recipe: Recipe, denoiser: Denoiser) -> list[Region]:
    """The regions that reach the method, reduced to what it sees of them."""
    result = []
    for region in recipe.active_regions:
        values = region.parameters.without("strength")
        if values:
            result.append(Region(shape=region.shape, feather=region.feather, parameters=values))
    return result


class LayerCache:
    """The layers of recently used methods and pictures, within a memory budget."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._lock = threading.Lock()
        self._layers: OrderedDict[tuple[int, str], Layer] = OrderedDict()

    def get(self, picture: Picture, method: str, progress: Progress | None = None) -> Layer:
        """The layer for this picture and method, made if there is none.

        Raises:
            Cancelled: through `progress`; a picture that was closed meanwhile gets no new layer.
        """
        key = (picture.serial, method)
        layer = self.peek(picture, method) or Layer(picture)  # copies: not while holding the lock
        with self._lock:
            if progress is not None:
                progress.check()
            self._layers.pop(key, None)
            self._layers[key] = layer
            self._shrink()
            return layer

    def replace(self, layer: Layer, method: str, progress: Progress) -> None:
        """Keep this layer, which its maker has finished, in place of the one that is there.

        Raises:
            Cancelled: through `progress`; a picture that was closed meanwhile gets no new layer.
        """
        with self._lock:
            progress.check()
            self._layers[layer.picture.serial, method] = layer
            self._layers.move_to_end((layer.picture.serial, method))
            self._shrink()

    def peek(self, picture: Picture, method: str) -> Layer | None:
        with self._lock:
            found = self._layers.get((picture.serial, method))
        return found if found is not None and found.picture.pixels is picture.pixels else None

    def forget(self, picture: Picture) -> None:
        """Drop everything that belongs to a picture that was closed."""
        with self._lock:
            for key in [key for key in self._layers if key[0] == picture.serial]:
                del self._layers[key]

    def _shrink(self) -> None:
        while (
            len(self._layers) > 1 and sum(layer.bytes for layer in self._layers.values()) > self.budget_bytes
        ):
            self._layers.popitem(last=False)
