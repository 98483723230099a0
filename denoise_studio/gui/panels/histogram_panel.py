"""Histogram of before and after, with the window and level as a band to drag."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from denoise_studio.core.progress import Progress
from denoise_studio.engine.measuring import Histograms, histograms
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document


class HistogramPanel(QWidget):
    """Two curves over the values; heights are square roots, so that small tissues show."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._setting = False
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName("Histogram before and after")
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideAxis("left")
        self.plot.setToolTip(
            "Grey: before. Coloured: after. Drag the band or its edges: what is shown from black to white."
        )
        self.legend = self.plot.addLegend(offset=(-12, 4), colCount=2)
        self.before = pg.PlotDataItem(name="before")
        self.after = pg.PlotDataItem(name="after")
        self.band = pg.LinearRegionItem(swapMode="block")
        for item in (self.before, self.after, self.band):
            self.plot.addItem(item)
        self.band.sigRegionChanged.connect(self._band_moved)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(150)
        self._timer.timeout.connect(self._order)
        self.restyle()

    def restyle(self) -> None:
        tokens = theme.current()
        self.plot.setBackground(tokens.panel)
        axis = self.plot.getAxis("bottom")
        axis.setPen(tokens.line)
        axis.setTextPen(tokens.quiet)
        self.legend.setLabelTextColor(tokens.quiet)
        self.before.setPen(pg.mkPen(tokens.before, width=1))
        self.before.setFillLevel(0)
        fill = pg.mkColor(tokens.before)
        fill.setAlpha(60)
        self.before.setFillBrush(fill)
        self.after.setPen(pg.mkPen(tokens.after, width=1.8))
        band = pg.mkColor(tokens.accent)
        band.setAlpha(26)
        self.band.setBrush(band)
        for line in self.band.lines:
            line.setPen(pg.mkPen(tokens.accent, width=1.5))

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.levels_changed.disconnect(self._show_levels)
        self._document = document
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.levels_changed.connect(self._show_levels)
            self.plot.setLabel("bottom", document.picture.unit or "value")
            self._show_levels()
            self.refresh()

    def refresh(self, *_: Any) -> None:
        self._timer.start()

    def _order(self) -> None:
        document = self._document
        if document is None or not self.isVisible():
            return
        picture, response = document.picture, document.response
        filtered = response.layer.pixels if response is not None and document.is_final else None
        recipe = response.recipe if response is not None else None

        def work(progress: Progress) -> Histograms:
            return histograms(picture, filtered, recipe, progress)

        self._bridge.run(self._bridge.background, work, self._show, key="histogram")

    def _show(self, counts: Histograms) -> None:
        centres = (counts.edges[:-1] + counts.edges[1:]) / 2
        self.before.setData(centres, np.sqrt(counts.before))
        self.after.setData(centres, np.sqrt(counts.after))
        # One tall bar (air, clipped white) must not flatten all others.
        tallest = np.sort(np.maximum(counts.before, counts.after))
        tall = np.sqrt(tallest[-4] if tallest.size > 4 else tallest[-1])
        self.plot.setYRange(0, float(tall) * 1.05 or 1.0, padding=0)
        self.plot.setXRange(float(counts.edges[0]), float(counts.edges[-1]), padding=0.01)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def _show_levels(self) -> None:
        if self._document is not None:
            self._setting = True
            self.band.setRegion((self._document.levels.low, self._document.levels.high))
            self._setting = False

    def _band_moved(self) -> None:
        if self._document is None or self._setting:
            return
        low, high = self.band.getRegion()
        self._document.set_levels(replace(self._document.levels, low=float(low), high=float(high)))
