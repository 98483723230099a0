"""How a fit went: its loss at every step, live while it runs."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from denoise_studio.core.fitted import Fitted
from denoise_studio.denoisers import get_denoiser
from denoise_studio.gui import theme
from denoise_studio.gui.document import Document
from denoise_studio.gui.fit_watch import FitWatch, Standing
from denoise_studio.gui.maps import maps_of, number


class FitPanel(QWidget):
    """A curve where the method has one, else words."""

    def __init__(self, watch: FitWatch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._watch = watch
        self._document: Document | None = None
        self._shown: Fitted | None = None
        self.words = QLabel()
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("How the maps were found")
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName("Loss at every step of the fit")
        self.plot.setToolTip(
            "The loss that the fit makes smaller, at every step; a level curve: no more to gain"
        )
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setLogMode(x=False, y=True)
        self.plot.getAxis("left").setWidth(64)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.plot.setLabel("bottom", "step")
        self.plot.setLabel("left", "loss")
        self.curve = self.plot.plot([], [])
        self.last = QLabel(self.plot)
        self.last.setObjectName("chip")
        self.last.setAccessibleName("Newest step and its loss")
        self.last.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        holder = QVBoxLayout(self)
        holder.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedLayout()
        holder.addLayout(self._pages)
        self._pages.addWidget(self.words)
        self._pages.addWidget(self.plot)
        watch.changed.connect(self.refresh)
        self.restyle()

    def restyle(self) -> None:
        tokens = theme.current()
        self.plot.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        self.curve.setPen(pg.mkPen(tokens.after, width=1.6))

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        self._shown = None
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        maps = maps_of(self._document)
        fitted = maps.fitted if maps is not None else None
        if fitted is None or len(fitted.curve) < 2:
            self._shown = None
            self.words.setText(self._words())
            self._pages.setCurrentIndex(0)
            return
        if fitted is not self._shown:
            self._shown = fitted
            self._draw(fitted.curve)
        self._pages.setCurrentIndex(1)

    def _words(self) -> str:
        state, document = self._watch.state, self._document
        name = get_denoiser(document.recipe.method).name if document is not None else ""
        return {
            Standing.NONE: f"{name} fits nothing to the picture." if name else "",
            Standing.RUNNING: f"Finding the maps: {state.text or 'starting'}.",
            Standing.DONE: f"Found without training, so there is no curve: {state.text or 'done'}.",
            Standing.STOPPED: "The fit was stopped.",
            Standing.FAILED: "The fit failed.",
        }[state.standing]

    def _draw(self, curve: tuple[float, ...]) -> None:
        loss = np.array(curve, float)
        loss[~(loss > 0)] = np.nan  # has no logarithm
        steps = np.arange(1, loss.size + 1)
        good = np.isfinite(loss)
        self.curve.setData(steps[good], loss[good])
        self.plot.setXRange(1, max(loss.size, 2), padding=0.01)
        self.plot.enableAutoRange(y=True)
        self.last.setText(f"step {loss.size}   loss {number(curve[-1])}")
        self.last.adjustSize()
        self._place()

    def _place(self) -> None:
        self.last.move(max(0, self.plot.width() - self.last.width() - 10), 6)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._place()
