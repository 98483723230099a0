"""One open picture: its recipe with undo, how it is looked at, and the newest result."""

import itertools
import time
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Values
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.display import Levels, default_levels
from denoise_studio.engine.fits import needs_fit
from denoise_studio.engine.readings import Result
from denoise_studio.engine.resolve import default_recipe, resolve
from denoise_studio.engine.session import Response
from denoise_studio.engine.stack import Stack, stack_of
from denoise_studio.gui.commands import ChangeRecipe
from denoise_studio.metrics.base import check_comparable

_KEY_REPEAT = 0.8
"""Seconds within which edits of the same control by keyboard count as one step."""

_numbers = itertools.count(1)


class Document(QObject):
    """The state that an edit changes (the recipe) and the state that a look changes (levels).

    Signals:
        recipe_changed: the recipe is another one; somebody should render it.
        levels_changed: only the screen changes.
        selection_changed: another region is selected (index, -1 for none).
        response_changed: a newer result, or part of one, is there.
        reference_changed: another picture, or none, is what the result is compared with.
        picture_changed: another slice of the series is shown; the recipe is the same.
    """

    recipe_changed = Signal()
    levels_changed = Signal()
    selection_changed = Signal(int)
    response_changed = Signal()
    reference_changed = Signal()
    picture_changed = Signal()

    def __init__(self, picture: Picture, recipe: Recipe | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picture = picture
        self.stack: Stack | None = None
        """The slices, if this is one of a series with several."""
        if picture.place is not None and len(picture.place.series) > 1:
            self.stack = stack_of(picture.place.series)
            self.stack.put(picture.place.index, picture)
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(500)
        self.viewport: tuple[float, float, float] | None = None
        self.turn: tuple[int, bool] = (0, False)
        """Quarter turns clockwise, and whether it is mirrored before; see `views.viewport.Turn`."""
        self.wanted_id = 0
        self.failed_id = 0
        """The newest request that ended with an error."""
        self._recipe = recipe or default_recipe(picture)
        self._levels = default_levels(picture)
        self._resolved: tuple[Recipe, Recipe | None] | None = None
        self._selected = -1
        self._response: Response | None = None
        self._reference: Picture | None = None
        self._gesture = 0
        self._last_edit = ("", 0.0)
        self._remembered: dict[str, Recipe] = {}

    @property
    def path(self) -> Path | None:
        return self.picture.source.path if self.picture.source else None

    @property
    def title(self) -> str:
        if self.stack is not None:
            return self.stack.series.label or "Series"
        return self.picture.name or (self.path.name if self.path else "Untitled")

    @property
    def fits(self) -> bool:
        """Whether the method finds maps by itself."""
        return needs_fit(self._recipe)

    @property
    def index(self) -> int:
        """Which slice is shown; 0 for a picture of no series."""
        return self.picture.place.index if self.picture.place is not None else 0

    def show_picture(self, picture: Picture) -> None:
        """Go to another slice: the edit, the levels and the view stay."""
        if picture is self.picture:
            return
        self.picture = picture
        self._resolved = self._response = None
        self.picture_changed.emit()

    # The recipe

    @property
    def recipe(self) -> Recipe:
        return self._recipe

    def resolved(self) -> Recipe | None:
        """The recipe with its defaults filled in, None if it does not fit the picture."""
        if self._resolved is None or self._resolved[0] is not self._recipe:
            try:
                self._resolved = self._recipe, resolve(self.picture, self._recipe)
            except RecipeError:
                self._resolved = self._recipe, None
        return self._resolved[1]

    def edit(self, recipe: Recipe, text: str, gesture: int = 0) -> None:
        """Change the recipe as one undoable step.

        Edits with the same `gesture` (see `begin_gesture`) merge into one; so do edits of the
        same text in quick succession, as a held arrow key makes them.
        """
        if recipe == self._recipe:
            return
        now = time.monotonic()
        if not gesture:
            name, when = self._last_edit
            self._gesture = self._gesture if name == text and now - when < _KEY_REPEAT else next(_numbers)
            gesture = self._gesture
            self._last_edit = (text, now)
        self.undo_stack.push(ChangeRecipe(self, self._recipe, recipe, text, gesture))

    @staticmethod
    def begin_gesture() -> int:
        """A number for one drag: all edits that carry it are one step."""
        return next(_numbers)

    def apply_recipe(self, recipe: Recipe) -> None:
        """Set the recipe without a step; only undo commands and loading call this."""
        self._recipe = recipe
        if self._selected >= len(recipe.regions):
            self.select(len(recipe.regions) - 1)
        self.recipe_changed.emit()

    def choose_method(self, method: str) -> None:
        """Switch methods; coming back to one finds its parameters as they were left.

        Regions keep their shapes; the values inside them that only the other method knows wait
        for its return.
        """
        old = self._recipe
        if method == old.method:
            return
        recipe = self.recipe_with(method)
        self._remembered[old.method] = old
        self.edit(recipe, f"method {get_denoiser(method).name}")

    def recipe_with(self, method: str) -> Recipe:
        """The recipe that choosing a method would give, its parameters as they were left."""
        old = self._recipe
        if method == old.method:
            return old
        earlier = self._remembered.get(method, Recipe(method=method))
        denoiser = get_denoiser(method)
        known = {parameter.name for parameter in denoiser.region_parameters} | {"strength"}
        values = {region.name: region.parameters for region in earlier.regions}
        regions = tuple(_carry(region, values.get(region.name), known) for region in old.regions)
        return old.replace(method=method, parameters=earlier.parameters, regions=regions)

    # Looking

    @property
    def levels(self) -> Levels:
        return self._levels

    def set_levels(self, levels: Levels) -> None:
        if levels != self._levels:
            self._levels = levels
            self.levels_changed.emit()

    @property
    def selected(self) -> int:
        """Index of the selected region, -1 for none."""
        return self._selected

    @property
    def selected_region(self) -> Region | None:
        return (
            self._recipe.regions[self._selected] if 0 <= self._selected < len(self._recipe.regions) else None
        )

    def select(self, index: int) -> None:
        index = index if 0 <= index < len(self._recipe.regions) else -1
        if index != self._selected:
            self._selected = index
            self.selection_changed.emit(index)

    @property
    def reference(self) -> Picture | None:
        """What the result is compared with: a full dose, a long exposure, a clean original."""
        return self._reference

    def set_reference(self, reference: Picture | None) -> None:
        """Compare with this picture from now on.

        Raises:
            MeasureError: a difference of the two pictures' values means nothing.
        """
        if reference is not None:
            check_comparable(self.picture, reference)
        if reference is not self._reference:
            self._reference = reference
            self.reference_changed.emit()

    # The result

    @property
    def response(self) -> Response | None:
        """The newest accepted news of a result; its layer may still be partly older."""
        return self._response

    def accept(self, response: Response) -> bool:
        """Take a response unless something newer is wanted or was taken."""
        if response.id < self.wanted_id or response.request.picture is not self.picture:
            return False
        self._response = response
        self.response_changed.emit()
        return True

    def result(self) -> Result | None:
        """The newest result, while it is one of the present recipe; where it is final, it tells itself."""
        response = self._response
        if response is None or response.id != self.wanted_id or response.request.recipe != self._recipe:
            return None
        return Result(self.picture, response.layer, response.recipe, response.fitted)

    @property
    def has_failed(self) -> bool:
        """Whether the newest request ended with an error: nothing more will come."""
        return self.failed_id == self.wanted_id != 0

    @property
    def is_final(self) -> bool:
        """Whether what the newest response holds is the finished result of the current recipe."""
        response = self._response
        return (
            response is not None
            and response.complete
            and response.id == self.wanted_id
            and response.request.recipe == self._recipe
        )


def _carry(region: Region, earlier: Values | None, known: set[str]) -> Region:
    kept = {name: value for name, value in region.parameters.items() if name in known}
    old = {name: value for name, value in (earlier or Values()).items() if name != "strength"}
    return region.replace(parameters=Values({**old, **kept}))
