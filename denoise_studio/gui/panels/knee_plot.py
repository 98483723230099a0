"""The knee: how much a method takes away over the noise level that it is told."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from denoise_studio.core.errors import RecipeError, StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.fits import finished_fit, needs_fit
from denoise_studio.engine.knee import FACTORS, Knee, baseline, crop, knee
from denoise_studio.engine.lanes import Job
from denoise_studio.engine.noise_told import Told, can_be_told
from denoise_studio.engine.resolve import resolve
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import number

_HEIGHT = 190
_EDGE = 1.4
"""How far the axis reaches beyond the outermost levels."""
_ABOVE = [(0.5, 1.0), (0.5, 1.0)]
"""Where a label hangs on its line: above it."""
_TICKS = {0.25: "¼ ×", 0.5: "½ ×", 1.0: "1 ×", 2.0: "2 ×", 4.0: "4 ×"}
_TIP = (
    "Over the noise level that the method is told: the standard deviation of what it takes away in the "
    "middle of the view. The right level is where the curve bends: below it noise stays, above it detail "
    "goes; at the estimate (dashed) the removed sd should be about the noise itself."
)


class _Order(NamedTuple):
    """What a curve is of; another one of these needs another curve."""

    picture: Picture
    recipe: Recipe
    fitted: Fitted | None
    rect: Rect


class KneePlot(QWidget):
    """Measured in a lane of its own, only while it can be seen; grey until it is complete.

    Args:
        view: what of the picture can be seen.
    """

    _published = Signal(object, object)

    def __init__(self, bridge: Bridge, view: Callable[[], Rect], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._view = view
        self._document: Document | None = None
        self._order: _Order | None = None
        self._job: Job | None = None
        self._told: Told | None = None
        self.knee: Knee | None = None
        self.is_complete = False
        self.words = QLabel()
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Why there is no knee plot")
        self.plot = pg.PlotWidget()
        self.curve = pg.PlotDataItem(symbol="o", symbolSize=5)
        self.level = pg.InfiniteLine(
            angle=0, label="estimate", labelOpts={"position": 0.14, "anchors": _ABOVE}
        )
        self.marker = pg.InfiniteLine(angle=90)
        self._build_plot()
        self.setFixedHeight(_HEIGHT)
        holder = QVBoxLayout(self)
        holder.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedLayout()
        holder.addLayout(self._pages)
        self._pages.addWidget(self.words)
        self._pages.addWidget(self.plot)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(250)
        self._timer.timeout.connect(self._look)
        self._published.connect(self._grow)
        self.restyle()

    def _build_plot(self) -> None:
        self.plot.setAccessibleName("Knee: what is taken away over the told noise level")
        self.plot.setToolTip(_TIP)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.showAxis("top")
        self.plot.getAxis("left").setWidth(52)
        for name in ("left", "bottom"):
            self.plot.getAxis(name).enableAutoSIPrefix(False)
        for item in (self.level, self.marker, self.curve):
            self.plot.addItem(item)

    def restyle(self) -> None:
        tokens = theme.current()
        self.plot.setBackground(tokens.panel)
        for name in ("left", "bottom", "top"):
            axis = self.plot.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        self.level.setPen(pg.mkPen(tokens.quiet, width=1, style=Qt.PenStyle.DashLine))
        self.level.label.setColor(tokens.quiet)
        self.marker.setPen(pg.mkPen(tokens.text, width=1.2))
        colour = tokens.after if self.is_complete else tokens.faint
        self.curve.setPen(pg.mkPen(colour, width=1.8))
        self.curve.setSymbolPen(None)
        self.curve.setSymbolBrush(colour)

    # What it is of

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        self._stop("")
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
        self.refresh()

    def show_told(self, told: Told | None) -> None:
        """Mark the level that the method is told now."""
        self._told = told
        multiple = told.multiple if told is not None else None
        self.marker.setVisible(multiple is not None)
        if multiple is not None:
            ends = FACTORS[0] / _EDGE, FACTORS[-1] * _EDGE
            self.marker.setValue(math.log10(min(max(multiple, ends[0]), ends[1])))

    def refresh(self, *_: Any) -> None:
        """Look again soon, when the picture, its view or its maps may have changed."""
        if self.isVisible():
            self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        super().hideEvent(event)
        if not self.is_complete:
            self._stop("")  # nobody looks: begin again when somebody does

    def _look(self) -> None:
        if not self.isVisible() or self._document is None:
            return
        try:
            order = self._wanted(self._document)
        except RecipeError:
            self._stop("")
            return
        if order is None:
            self._stop("The knee is measured once the noise has been found.")
        elif order != self._order:
            self._begin(order)

    def _wanted(self, document: Document) -> _Order | None:
        """The curve that is wanted now; None while the method's maps are not there."""
        picture, recipe = document.picture, baseline(document.recipe)
        denoiser = get_denoiser(recipe.method)
        if not can_be_told(denoiser):
            return None
        fitted = finished_fit(picture, resolve(picture, recipe)) if needs_fit(recipe) else None
        if needs_fit(recipe) and fitted is None:
            return None
        return _Order(picture, recipe, fitted, crop(picture, self._view(), denoiser.size_multiple))

    # Measuring

    def _begin(self, order: _Order) -> None:
        old, self._order = self._order, order
        if old is None or (old.picture, old.recipe.method) != (order.picture, order.recipe.method):
            self.knee = None
        self._set_complete(False)

        def work(progress: Progress) -> tuple[_Order, Knee]:
            publish = self._published.emit
            return order, knee(
                order.picture, order.recipe, order.rect, progress, publish=lambda found: publish(order, found)
            )

        self._job = self._bridge.run(self._bridge.knee, work, self._finish, self._failed, key="knee")
        if self.knee is None:
            self._say("measuring …")

    def _grow(self, order: _Order, found: Knee) -> None:
        if order is self._order and not self.is_complete:
            self._draw(found)

    def _finish(self, result: tuple[_Order, Knee]) -> None:
        order, found = result
        if order is self._order:
            self._set_complete(True)
            self._draw(found)

    def _failed(self, error: Exception) -> None:
        self._say(str(error) if isinstance(error, StudioError) else "The knee cannot be measured.")

    def _stop(self, words: str) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self._order = self.knee = None
        self._set_complete(False)
        self._say(words)

    def _set_complete(self, complete: bool) -> None:
        self.is_complete = complete
        self.restyle()

    # Drawing

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self._pages.setCurrentIndex(0)

    def _draw(self, found: Knee) -> None:
        self.knee = found
        unit = self._order.picture.noise_unit if self._order is not None else ""
        of = f" ({unit})" if unit else ""
        self.plot.setLabel("bottom", f"told noise{of}")
        self.plot.setLabel("left", f"taken away, sd{of}")
        places = {multiple: math.log10(multiple) for multiple in _TICKS}
        self.plot.getAxis("top").setTicks([[(places[m], text) for m, text in _TICKS.items()]])
        self.plot.getAxis("bottom").setTicks([[(at, number(m * found.estimate)) for m, at in places.items()]])
        self.curve.setData([math.log10(factor) for factor in found.factors], found.residual_sd)
        self.level.setValue(found.estimate)
        self.plot.setXRange(math.log10(FACTORS[0] / _EDGE), math.log10(FACTORS[-1] * _EDGE), padding=0)
        self.plot.setYRange(0.0, 1.25 * max(found.estimate, *found.residual_sd), padding=0)
        self.show_told(self._told)
        self._pages.setCurrentIndex(1)
