"""What the window knows of the maps that a method found: which there are, and how they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.picture import Picture
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.maps import found_medians, map_values
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document

_END = " · "


@dataclass(frozen=True, eq=False)
class Maps:
    """The newest maps of a document, with its present hand edits."""

    picture: Picture
    recipe: Recipe
    fitted: Fitted

    def at(self, name: str, x: int, y: int) -> float:
        """A map's value at one pixel."""
        return float(map_values(self.picture, self.recipe, self.fitted, name, Rect(x, y, 1, 1))[0, 0])


def maps_of(document: Document | None) -> Maps | None:
    """The maps that the newest result was made with, if it is one of the present method."""
    response = document.response if document is not None else None
    if document is None or response is None or response.fitted is None:
        return None
    recipe = document.resolved()
    if recipe is None or recipe.method != response.recipe.method:
        return None
    return Maps(document.picture, recipe, response.fitted)


def map_parameters(document: Document | None) -> tuple[Parameter, ...]:
    """The maps that the document's method has or will have found."""
    if document is None:
        return ()
    found = maps_of(document)
    return tuple(
        p
        for p in get_denoiser(document.recipe.method).parameters
        if p.fitted and p.per_region and (found is None or p.name in found.fitted.maps)
    )


def plain_label(parameter: Parameter) -> str:
    """The label without its group's name, which stands above it."""
    parts = parameter.label.split(_END)
    return (
        _END.join(part for part in parts if part.casefold() != parameter.group.casefold()) or parameter.label
    )


def sign(parameter: Parameter) -> str:
    """The last word of its label: "σr"."""
    return plain_label(parameter).split()[-1]


def long_name(parameter: Parameter, picture: Picture) -> str:
    """For a list: "σr · stage 1 (HU)"."""
    unit = parameter.limits(picture).unit
    group = f"{_END}{parameter.group.lower()}" if parameter.group else ""
    return f"{sign(parameter)}{group}{f' ({unit})' if unit else ''}"


def short_name(parameter: Parameter) -> str:
    """For the status bar: "σr 1"."""
    return f"{sign(parameter)} {parameter.group.split()[-1]}" if parameter.group else sign(parameter)


def number(value: float) -> str:
    """Three digits, as a person reads them."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("-", "−")


class Medians(QObject):
    """The numbers that stand for maps in the forms, found in the background lane.

    Signals:
        found: by name, over the picture.
        found_inside: by name, below the selected region and inside it.
    """

    found = Signal(object)
    found_inside = Signal(object)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._done: Fitted | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self._order)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.selection_changed.disconnect(self._selected)
        self._document = document
        self._forget()
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
            document.selection_changed.connect(self._selected)
            self.refresh()

    def _forget(self) -> None:
        self._done = None
        self.found.emit({})
        self.found_inside.emit({})

    def _selected(self, *_: Any) -> None:
        self.found_inside.emit({})  # another region's
        self.refresh()

    def refresh(self, *_: Any) -> None:
        if maps_of(self._document) is not None:
            self._timer.start()
        elif self._done is not None:
            self._forget()

    def _order(self) -> None:
        document, maps = self._document, maps_of(self._document)
        if document is None or maps is None:
            return
        picture, recipe, fitted = maps.picture, maps.recipe, maps.fitted
        background = self._bridge.background
        if fitted is not self._done:
            self._bridge.run(
                background,
                lambda progress: (fitted, found_medians(picture, recipe, fitted)),
                self._show,
                key="medians",
            )
        index = document.selected
        if index >= 0:
            self._bridge.run(
                background,
                lambda progress: (document, index, found_medians(picture, recipe, fitted, index)),
                self._show_inside,
                key="medians inside",
            )

    def _show(self, result: tuple[Fitted, Mapping[str, float]]) -> None:
        fitted, medians = result
        maps = maps_of(self._document)
        if maps is not None and maps.fitted is fitted:
            self._done = fitted
            self.found.emit(medians)

    def _show_inside(self, result: tuple[Document, int, Mapping[str, float]]) -> None:
        document, index, medians = result
        if document is self._document and document.selected == index:
            self.found_inside.emit(medians)
