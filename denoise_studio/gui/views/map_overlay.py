"""A sheet in colours over the original, drawn in the display lane."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.geometry import Rect
from denoise_studio.core.progress import Progress
from denoise_studio.engine.display import ByteArray, shrink
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import long_name, map_parameters, maps_of, number
from denoise_studio.gui.readings import Kind, Readings
from denoise_studio.gui.sheets import (
    CHANGED,
    OTHERS,
    TAKEN_AWAY,
    ChangedSheet,
    Ends,
    MapSheet,
    ResidualSheet,
    Sheet,
)
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.compare import Compare, Mode
from denoise_studio.gui.views.drawing import covered_by


@dataclass(frozen=True, eq=False)
class _Order:
    """All that one drawing needs: a snapshot for the display lane."""

    sheet: Sheet
    rect: Rect
    factor: int
    known: Ends | None

    def draw(self, progress: Progress) -> tuple["_Order", Ends, ByteArray]:
        found = self.known or self.sheet.ends(progress)
        progress.check()
        image = self.sheet.draw(self.rect, found, self.factor)
        padding = self.sheet.picture.padding
        if padding is not None:  # where no filter is there is nothing to show
            hidden = padding[self.rect.slices].astype(np.float32)
            seen = shrink(hidden[None], self.factor)[0] < 0.5
            image = np.dstack([image, np.where(seen, np.uint8(255), np.uint8(0))])
        return self, found, image


class MapOverlay(QObject):
    """Which sheet lies over the original, how strongly, and what it says at a pixel.

    Signals:
        changed: another sheet is chosen, or others can be.
        placed: its colour bar has come, gone or changed.
    """

    changed = Signal()
    placed = Signal()

    def __init__(self, bridge: Bridge, compare: Compare, readings: Readings) -> None:
        super().__init__(compare)
        self._bridge = bridge
        self._readings = readings
        self._compare = compare
        self._document: Document | None = None
        self._ordered: _Order | None = None
        self._drawn: tuple[_Order, Ends] | None = None
        self.name = ""
        """Of the sheet that is shown; "" for none."""
        self.opacity = 0.6
        self.bars = {
            pane: ColourBar(pane, Sheet.table(), "Colour scale of what lies over the original")
            for pane in compare.panes
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._order)
        compare.viewport.changed.connect(self.refresh)
        compare.mode_changed.connect(self._place)
        compare.held.connect(self._place)
        readings.changed.connect(self._read_again)
        readings.watched_by(lambda: self.name == CHANGED)
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
    def entries(self) -> Mapping[str, str]:
        """What can be shown: names and how the list calls them."""
        document = self._document
        if document is None:
            return {}
        maps = {p.name: long_name(p, document.picture) for p in map_parameters(document)}
        return {**maps, **OTHERS}

    def sheet(self) -> Sheet | None:
        """The chosen one as it is now, if there is anything of it to show."""
        document = self._document
        if document is None:
            return None
        if self.name == TAKEN_AWAY:
            result = document.result()
            if result is None or not result.is_final(self._compare.what_to_draw(document.picture)[0]):
                return None
            return ResidualSheet(self.name, document.picture, result, result.layer.version)
        if self.name == CHANGED:
            whole = next(iter(self._readings.areas))
            reading = self._readings.of(whole, Kind.CHANGED)
            if reading.value is None:
                return None
            return ChangedSheet(self.name, document.picture, reading.value, reading.fresh)
        maps = maps_of(document)
        parameter = next((p for p in map_parameters(document) if p.name == self.name), None)
        if maps is None or parameter is None or self.name not in maps.fitted.maps:
            return None
        return MapSheet(self.name, document.picture, maps, parameter)

    def choose(self, name: str) -> None:
        """Show this sheet; "" for none."""
        self.name = name
        self._readings.look()
        self.refresh()

    def step(self, by: int = 1) -> None:
        """The next sheet, and none after the last."""
        names = ["", *self.entries]
        at = names.index(self.name) if self.name in names else 0
        self.choose(names[(at + by) % len(names)])

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        for pane in self._compare.panes:
            pane.overlay.setOpacity(opacity)

    def text_at(self, x: int, y: int) -> str:
        """For the status bar: "σr 1: 34 HU"; "" while nothing is shown."""
        sheet = self.sheet()
        if sheet is None or (sheet.picture.padding is not None and sheet.picture.padding[y, x]):
            return ""
        return sheet.text_at(x, y)

    # Drawing

    def refresh(self, *_: Any) -> None:
        """Have it drawn again if anything about it is another one."""
        self._timer.start()

    def _read_again(self) -> None:
        if self.name == CHANGED:
            self.refresh()

    def _order(self) -> None:
        self.changed.emit()
        sheet = self.sheet()
        if sheet is None:
            self._ordered = None
            if self.name not in self.entries or self._drawn is None or self._drawn[0].sheet.name != self.name:
                self._drawn = None
            self._place()
            return
        rect, factor = self._compare.what_to_draw(sheet.picture)
        if not rect:
            return
        known = self._drawn[1] if self._drawn is not None and sheet.same(self._drawn[0].sheet) else None
        order, last = _Order(sheet, rect, factor, known), self._ordered
        if last is not None and sheet.same(last.sheet) and (last.rect, last.factor) == (rect, factor):
            return
        self._ordered = order
        self._bridge.run(self._bridge.display, order.draw, self._show, key="map")

    def _show(self, result: tuple[_Order, Ends, ByteArray]) -> None:
        order, ends, image = result
        if self._ordered is not order:
            return
        self._drawn = order, ends
        for pane in self._compare.panes:
            pane.overlay.show_bytes(image, covered_by(image, order.rect, order.factor))
        sheet = order.sheet
        for bar in self.bars.values():
            bar.set_table(sheet.table())
            low, middle, high = (number(end) for end in ends)
            bar.set_texts(low, middle, high, sheet.unit, sheet.title)
        self._place()

    def _place(self, *_: Any) -> None:
        """Over the pane that shows the original, unless it is held to be seen bare."""
        compare = self._compare
        over = compare.after if compare.mode is Mode.WIPE else compare.before
        for pane in compare.panes:
            on = pane is over and self._drawn is not None
            pane.overlay.setVisible(on and not compare.holding)
            self.bars[pane].setVisible(on)
        self.placed.emit()
