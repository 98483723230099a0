"""A parameter map in colours over the original, drawn in the display lane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.geometry import Rect
from denoise_studio.core.parameter import Parameter
from denoise_studio.core.progress import Progress
from denoise_studio.engine.display import ByteArray, map_table, show_map, shrink
from denoise_studio.engine.maps import Spread, map_values, spread
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import Maps, long_name, map_parameters, maps_of, number, short_name
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.compare import Compare, Mode
from denoise_studio.gui.views.drawing import covered_by


@dataclass(frozen=True, eq=False)
class _Order:
    """All that one drawing needs: a snapshot for the display lane."""

    maps: Maps
    parameter: Parameter
    rect: Rect
    factor: int
    known: Spread | None

    def same_map(self, other: "_Order | None") -> bool:
        return (
            other is not None
            and self.parameter is other.parameter
            and self.maps.fitted is other.maps.fitted
            and self.maps.picture is other.maps.picture
            and self.maps.recipe == other.maps.recipe
        )

    def draw(self, progress: Progress) -> tuple["_Order", Spread, ByteArray]:
        maps, name = self.maps, self.parameter.name
        values = map_values(maps.picture, maps.recipe, maps.fitted, name, self.rect)
        progress.check()
        found = self.known or spread(maps.picture, maps.recipe, maps.fitted, name)
        progress.check()
        image = show_map(values, *found.shown, self.parameter.logarithmic, self.factor)
        if maps.picture.padding is not None:  # where no filter is there is no map
            padding = maps.picture.padding[self.rect.slices].astype(np.float32)
            seen = shrink(padding[None], self.factor)[0] < 0.5
            image = np.dstack([image, np.where(seen, np.uint8(255), np.uint8(0))])
        return self, found, image


class MapOverlay(QObject):
    """Which map lies over the original, how strongly, and what it says at a pixel.

    Signals:
        changed: another map is chosen, or others can be.
    """

    changed = Signal()

    def __init__(self, bridge: Bridge, compare: Compare) -> None:
        super().__init__(compare)
        self._bridge = bridge
        self._compare = compare
        self._document: Document | None = None
        self._ordered: _Order | None = None
        self._drawn: tuple[_Order, Spread] | None = None
        self.name = ""
        """Of the map that is shown; "" for none."""
        self.opacity = 0.6
        self.bars = {
            pane: ColourBar(pane, map_table(), "Colour scale of the parameter map") for pane in compare.panes
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._order)
        compare.viewport.changed.connect(self.refresh)
        compare.mode_changed.connect(self._place)
        compare.held.connect(self._place)
        self.set_opacity(self.opacity)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        self._ordered = self._drawn = None
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
        self.refresh()

    # What is shown

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The maps that can be shown."""
        return map_parameters(self._document)

    @property
    def parameter(self) -> Parameter | None:
        """The chosen one."""
        return next((p for p in self.parameters if p.name == self.name), None)

    def choose(self, name: str) -> None:
        """Show this map; "" for none."""
        self.name = name
        self.refresh()

    def step(self, by: int = 1) -> None:
        """The next map, and none after the last."""
        names = ["", *(p.name for p in self.parameters)]
        at = names.index(self.name) if self.name in names else 0
        self.choose(names[(at + by) % len(names)])

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        for pane in self._compare.panes:
            pane.overlay.setOpacity(opacity)

    def text_at(self, x: int, y: int) -> str:
        """For the status bar: "σr 1: 34 HU"; "" while no map is shown."""
        maps, parameter = maps_of(self._document), self.parameter
        if maps is None or parameter is None or parameter.name not in maps.fitted.maps:
            return ""
        if maps.picture.padding is not None and maps.picture.padding[y, x]:
            return ""
        value = number(maps.at(parameter.name, x, y))
        return f"{short_name(parameter)}: {value} {parameter.limits(maps.picture).unit}".rstrip()

    # Drawing

    def refresh(self, *_: Any) -> None:
        """Have the map drawn again if anything about it is another one."""
        self._timer.start()

    def _order(self) -> None:
        self.changed.emit()
        maps, parameter = maps_of(self._document), self.parameter
        if maps is None or parameter is None or parameter.name not in maps.fitted.maps:
            self._ordered = None
            if parameter is None or self._drawn is None or self._drawn[0].parameter is not parameter:
                self._drawn = None
            self._place()
            return
        rect, factor = self._compare.what_to_draw(maps.picture)
        if not rect:
            return
        order = _Order(maps, parameter, rect, factor, None)
        if self._drawn is not None and order.same_map(self._drawn[0]):
            order = _Order(maps, parameter, rect, factor, self._drawn[1])
        last = self._ordered
        if last is not None and order.same_map(last) and (last.rect, last.factor) == (rect, factor):
            return
        self._ordered = order
        self._bridge.run(self._bridge.display, order.draw, self._show, key="map")

    def _show(self, result: tuple[_Order, Spread, ByteArray]) -> None:
        order, found, image = result
        if self._ordered is not order:
            return
        self._drawn = order, found
        for pane in self._compare.panes:
            pane.overlay.show_bytes(image, covered_by(image, order.rect, order.factor))
        low, high = found.shown
        middle = (low * high) ** 0.5 if order.parameter.logarithmic and low > 0 else (low + high) / 2
        unit = order.parameter.limits(order.maps.picture).unit
        title = long_name(order.parameter, order.maps.picture).removesuffix(f" ({unit})")
        for bar in self.bars.values():
            bar.set_texts(number(low), number(middle), number(high), unit, title)
        self._place()

    def _place(self, *_: Any) -> None:
        """Over the pane that shows the original, unless it is held to be seen bare."""
        compare = self._compare
        over = compare.after if compare.mode is Mode.WIPE else compare.before
        for pane in compare.panes:
            on = pane is over and self._drawn is not None
            pane.overlay.setVisible(on and not compare.holding)
            self.bars[pane].setVisible(on)
