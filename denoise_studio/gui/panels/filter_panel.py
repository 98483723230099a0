"""The filter at this pixel: the weights that each stage really uses around the cursor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from denoise_studio.core.denoiser import Denoiser, Footprint
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.display import ByteArray, Levels, show, show_map
from denoise_studio.engine.maps import footprints
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import maps_of, number, sign
from denoise_studio.gui.views.heat_picture import HeatPicture

_SIDE = 112
_WAIT = 30
"""Milliseconds between two looks while the cursor moves."""

_HOW = "Move the cursor over a picture: here is what the filter averages around it."


@dataclass(frozen=True)
class Look:
    """One stage at one pixel, ready to be shown.

    Attributes:
        footprint: what the stage does.
        weights: `(h, w, 3)` colours.
        patch: the picture there, `(h, w)` or `(h, w, 3)`, as the panes show it.
    """

    footprint: Footprint
    weights: ByteArray
    patch: ByteArray


@dataclass(frozen=True, eq=False)
class _Order:
    picture: Picture
    recipe: Recipe
    fitted: Any
    levels: Levels
    x: int
    y: int

    def look(self, progress: Progress) -> "tuple[_Order, list[Look]]":
        found = footprints(self.picture, self.recipe, self.fitted, self.x, self.y)
        return self, [Look(one, self._colours(one), self._patch(one)) for one in found]

    def _colours(self, one: Footprint) -> ByteArray:
        return show_map(one.weights, 0.0, float(one.weights.max()) or 1.0, logarithmic=False)

    def _patch(self, one: Footprint) -> ByteArray:
        """The same window of the picture; beyond the picture's edge the nearest pixels."""
        ry, rx = (side // 2 for side in one.weights.shape)
        rows = np.clip(np.arange(self.y - ry, self.y + ry + 1), 0, self.picture.height - 1)
        columns = np.clip(np.arange(self.x - rx, self.x + rx + 1), 0, self.picture.width - 1)
        return show(self.picture, self.picture.pixels[:, rows[:, None], columns], self.levels)


class _Stage(QWidget):
    """A stage's two small pictures and its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = HeatPicture("The picture around the cursor", "The picture in the filter's window", _SIDE)
        self.heat = HeatPicture(
            "The filter's weights around the cursor",
            "How much each pixel counts in the average: dark little, bright much. Framed: the pixel itself",
            _SIDE,
        )
        self.text = QLabel()
        self.text.setAccessibleName("What this stage does at the cursor")
        self.text.setFixedWidth(178)
        self.text.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.patch, self.heat, self.text):
            layout.addWidget(widget)


class FilterPanel(QWidget):
    """Shows each stage's weights at the pixel under the cursor, and stays at the last one."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._point: tuple[int, int] | None = None
        self.stages: list[_Stage] = []
        self.looks: list[Look] = []
        self.words = QLabel(_HOW)
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("The filter at the cursor")
        self.place = QLabel()
        self.place.setObjectName("quiet")
        self.place.setFixedWidth(64)
        self.place.setAccessibleName("Pixel that is shown")
        self.place.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        seen = QWidget()
        row = QHBoxLayout(seen)
        row.setContentsMargins(10, 4, 10, 4)
        row.setSpacing(18)
        row.addWidget(self.place)
        self._row = QHBoxLayout()
        self._row.setSpacing(22)
        row.addLayout(self._row)
        row.addStretch(1)
        holder = QVBoxLayout(self)
        holder.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedLayout()
        holder.addLayout(self._pages)
        self._pages.addWidget(self.words)
        self._pages.addWidget(seen)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self._order)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.levels_changed.disconnect(self.refresh)
        self._document = document
        self._point = None
        self._say(_HOW)
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
            document.levels_changed.connect(self.refresh)
            self.refresh()

    def hover(self, point: QPointF | None) -> None:
        """The cursor is over this point of the picture; when it leaves, the last one stays."""
        document = self._document
        if document is None or point is None:
            return
        x, y = int(point.x() // 1), int(point.y() // 1)
        if Rect(x, y, 1, 1).intersect(document.picture.rect) and (x, y) != self._point:
            self._point = x, y
            self.refresh()

    def refresh(self, *_: Any) -> None:
        """Look again soon; a moving cursor is followed about thirty times a second."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def _order(self) -> None:
        document = self._document
        recipe = document.resolved() if document is not None else None
        if document is None or recipe is None:
            return
        denoiser = get_denoiser(recipe.method)
        words = self._why_not(document, denoiser)
        if words or self._point is None:
            self._say(words or _HOW)
            return
        maps = maps_of(document)
        fitted = maps.fitted if maps is not None else None
        order = _Order(document.picture, recipe, fitted, document.levels, *self._point)
        self._bridge.run(self._bridge.display, order.look, self._show, self._failed, key="footprint")

    def _why_not(self, document: Document, denoiser: Denoiser) -> str:
        """Why there is nothing to show, in words; "" if there is."""
        if denoiser.load_explain is None:
            return f"{denoiser.name} cannot show what it averages at a pixel."
        response = document.response
        if response is None or response.recipe.method != denoiser.id:
            return "There is no result yet to look into."
        if self._point is not None and document.picture.padding is not None:
            x, y = self._point
            if document.picture.padding[y, x]:
                return f"x {x}, y {y} is padding: it is left as it is."
        return ""

    def _failed(self, error: Exception) -> None:
        self._say("The filter cannot be shown here.")

    def _say(self, words: str) -> None:
        self.looks = []
        self.words.setText(words)
        self._pages.setCurrentIndex(0)

    def _show(self, result: tuple[_Order, list[Look]]) -> None:
        order, looks = result
        document = self._document
        if document is None or order.picture is not document.picture or self._why_not_now(order):
            return
        self.looks = looks
        while len(self.stages) < len(looks):
            stage = _Stage()
            self._row.addWidget(stage)
            self.stages.append(stage)
        for stage in self.stages[len(looks) :]:
            stage.hide()
        for stage, look in zip(self.stages, looks, strict=False):
            stage.heat.show_bytes(look.weights)
            stage.patch.show_bytes(look.patch)
            stage.text.setText(describe(look.footprint, order.picture, get_denoiser(order.recipe.method)))
            stage.show()
        self.place.setText(f"x {order.x}\ny {order.y}")
        self._pages.setCurrentIndex(1)

    def _why_not_now(self, order: _Order) -> bool:
        """Whether the panel has words to say by now instead."""
        document = self._document
        return document is None or bool(self._why_not(document, get_denoiser(document.recipe.method)))


def describe(one: Footprint, picture: Picture, denoiser: Denoiser) -> str:
    """A stage's name, its values in their units, and over how many pixels it averages."""
    lines = [f"<b>{one.name}</b>"] if one.name else []
    for name, value in one.values.items():
        parameter = denoiser.parameter(name)
        lines.append(
            f"{sign(parameter)}&nbsp;&nbsp;{number(value)} {parameter.limits(picture).unit}".rstrip()
        )
    squares = float((one.weights.astype(np.float64) ** 2).sum())
    if squares > 0:
        count = 1.0 / squares
        lines.append(f"averages about {count:.0f} pixel{'' if round(count) == 1 else 's'}")
    return "<br>".join(lines)
