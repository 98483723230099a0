"""What each strength does: how much it changes, and how good the result is estimated to be."""

from typing import Any, NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.areas import Area, middle
from denoise_studio.engine.readings import Result, StrengthCurve, strength_curve
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.readings import Kind, Readings
from denoise_studio.metrics.iem.measure import Options

_SIDE = 256
"""Pixels a side, at most, of what the metric is measured in for this plot."""


class _Order(NamedTuple):
    """What a curve is of."""

    result: Result
    area: Area
    reference: Picture | None
    prior: str

    def same(self, other: "_Order | None") -> bool:
        """The strength itself makes no other curve."""
        return (
            other is not None
            and self.result.layer is other.result.layer
            and self.result.fitted is other.result.fitted
            and self.result.recipe.replace(strength=1.0) == other.result.recipe.replace(strength=1.0)
            and self[1:] == other[1:]
        )


class StrengthPlot(QWidget):
    """Two plots over the strength, its present value marked; grey until they are complete."""

    _published = Signal(object, object)

    def __init__(self, bridge: Bridge, readings: Readings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._readings = bridge, readings
        self._document: Document | None = None
        self._ordered: _Order | None = None
        self.curve: StrengthCurve | None = None
        self.is_complete = False
        self.words = QLabel()
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("Why there is no plot of the strength")
        self.changed = _Plot("IEM", "How much changes: IEM between input and result over the strength")
        self.good = _Plot(
            "PSNR (dB)", "Estimated PSNR over the strength; where there is a reference also the true one"
        )
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(150)
        self._timer.timeout.connect(self._look)
        self._published.connect(self._grow)
        readings.watched_by(self.isVisible)
        readings.changed.connect(self.refresh)
        self.restyle()

    def _build(self) -> None:
        self.amount = self.changed.line(symbol="o", symbolSize=5)
        self.legend = self.good.widget.addLegend(offset=(8, 2))
        self.bar = pg.ErrorBarItem(beam=2.0)
        self.good.widget.addItem(self.bar)
        self.estimated = self.good.line(name="estimated")
        self.true = self.good.line(name="against the reference", symbol="o", symbolSize=5)
        self.best = pg.ScatterPlotItem(size=11, symbol="star")
        self.good.widget.addItem(self.best)
        plots = QWidget()
        across = QHBoxLayout(plots)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(12)
        across.addWidget(self.changed.widget)
        across.addWidget(self.good.widget)
        holder = QVBoxLayout(self)
        holder.setContentsMargins(0, 0, 0, 0)
        self._pages = QStackedLayout()
        holder.addLayout(self._pages)
        self._pages.addWidget(self.words)
        self._pages.addWidget(plots)

    def restyle(self) -> None:
        tokens = theme.current()
        main = tokens.after if self.is_complete else tokens.faint
        for plot in (self.changed, self.good):
            plot.restyle()
        self.legend.setLabelTextColor(tokens.quiet)
        self.amount.setPen(pg.mkPen(main, width=1.8))
        self.amount.setSymbolBrush(main)
        self.amount.setSymbolPen(None)
        self.estimated.setPen(pg.mkPen(tokens.after, width=1.8))
        self.true.setPen(pg.mkPen(tokens.before, width=1.4, style=Qt.PenStyle.DashLine))
        self.true.setSymbolBrush(tokens.before)
        self.true.setSymbolPen(None)
        self.bar.setOpts(pen=pg.mkPen(tokens.after, width=1.4))
        self.best.setBrush(tokens.warning)
        self.best.setPen(None)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.selection_changed.disconnect(self.refresh)
        self._document = document
        self._ordered = self.curve = None
        if document is not None:
            document.recipe_changed.connect(self.refresh)
            document.selection_changed.connect(self.refresh)
        self._say("Measured once there is a result.")
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Mark the present strength, and look again soon for what may have changed."""
        if self._document is None or not self.isVisible():
            return
        for plot in (self.changed, self.good):
            plot.marker.setValue(100 * self._document.recipe.strength)
        self._show_estimate()
        self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._readings.look()
        self.refresh()

    # Measuring

    def _look(self) -> None:
        order = self._wanted()
        if order is not None and not order.same(self._ordered):
            self._begin(order)

    def _wanted(self) -> _Order | None:
        document, area = self._document, self._readings.chosen_area()
        result = document.result() if document is not None else None
        if document is None or area is None or result is None or not self.isVisible():
            return None
        area = middle(area, _SIDE)
        if not result.is_final(area.rect):
            return None
        return _Order(result, area, document.reference, self._readings.prior)

    def _begin(self, order: _Order) -> None:
        self._ordered = order
        self._set_complete(False)

        def work(progress: Progress) -> tuple[_Order, StrengthCurve]:
            def publish(curve: StrengthCurve) -> None:
                self._published.emit(order, curve)

            options = Options(prior=order.prior)
            return order, strength_curve(
                order.result, order.area, options, progress, order.reference, publish
            )

        self._bridge.run(self._bridge.judge, work, self._finish, self._failed, key="strength")

    def _grow(self, order: _Order, curve: StrengthCurve) -> None:
        if order is self._ordered and not self.is_complete:
            self._draw(order, curve)

    def _finish(self, result: tuple[_Order, StrengthCurve]) -> None:
        order, curve = result
        if order is self._ordered:
            self._set_complete(True)
            self._draw(order, curve)

    def _failed(self, error: Exception) -> None:
        self._say(str(error) if isinstance(error, StudioError) else "The strengths cannot be measured.")

    def _set_complete(self, complete: bool) -> None:
        self.is_complete = complete
        self.restyle()

    # Drawing

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self._pages.setCurrentIndex(0)

    def _draw(self, order: _Order, curve: StrengthCurve) -> None:
        self.curve = curve
        percent = 100 * np.array(curve.strengths)
        self.amount.setData(percent, curve.changed)
        self.true.setData(*((percent, _finite(curve.psnr)) if curve.psnr is not None else ([], [])))
        rect = order.area.rect
        where = f"{order.area.name.lower()}, middle {rect.width} × {rect.height} px"
        self.changed.widget.setLabel("bottom", f"strength (%) · {where}")
        self._show_estimate()
        self._pages.setCurrentIndex(1)

    def _show_estimate(self) -> None:
        """The estimate comes with the read-outs: no other draw is needed for another strength."""
        area = self._readings.chosen_area()
        reading = self._readings.of(area, Kind.JUDGEMENT) if area is not None else None
        if reading is None or reading.value is None:
            self.estimated.setData([], [])
            self.best.setData([], [])
            self.bar.setData(x=np.empty(0), y=np.empty(0), top=0, bottom=0)
            return
        curve, risk = reading.value.curve, reading.value.risk
        psnr = _finite(curve.psnr)
        self.estimated.setData(100 * curve.strengths, psnr)
        self.best.setData([100 * curve.best], [np.interp(curve.best, curve.strengths, psnr)])
        low, now, high = _finite([risk.psnr_low, risk.psnr, risk.psnr_high])
        at = np.array([self.good.marker.value()])
        self.bar.setData(x=at, y=np.array([now]), top=high - now, bottom=now - low)


def _finite(values: Any) -> Any:
    """For a plot: infinite ends are cut off above the others."""
    found = np.asarray(values, np.float64)
    known = found[np.isfinite(found)]
    limit = float(known.max()) + 10 if known.size else 0.0
    return np.clip(np.nan_to_num(found, nan=limit, posinf=limit, neginf=-limit), -limit, limit)


class _Plot:
    """One plot over the strength in percent."""

    def __init__(self, label: str, tip: str) -> None:
        self.widget = pg.PlotWidget()
        self.widget.setAccessibleName(tip)
        self.widget.setToolTip(tip)
        self.widget.setMenuEnabled(False)
        self.widget.hideButtons()
        self.widget.setMouseEnabled(x=False, y=False)
        self.widget.setLabel("bottom", "strength (%)")
        self.widget.setLabel("left", label)
        self.widget.setXRange(0, 100, padding=0.03)
        for name in ("left", "bottom"):
            self.widget.getAxis(name).enableAutoSIPrefix(False)
        self.widget.getPlotItem().layout.setContentsMargins(0, 4, 8, 6)  # else the label below is cut off
        self.marker = pg.InfiniteLine(angle=90)
        self.widget.addItem(self.marker, ignoreBounds=True)

    def line(self, **look: Any) -> Any:
        item = pg.PlotDataItem(**look)
        self.widget.addItem(item)
        return item

    def restyle(self) -> None:
        tokens = theme.current()
        self.widget.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.widget.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        self.marker.setPen(pg.mkPen(tokens.text, width=1.2))
