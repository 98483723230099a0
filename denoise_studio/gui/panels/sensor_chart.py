"""Variance against mean: the windows of every class of pixels, and the line through them with its error."""

from typing import Any, NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from denoise_studio.engine.sensor import Chart, Curve
from denoise_studio.gui import theme

_NAMES = ("R", "G1", "G2", "B")
_SYMBOLS = ("o", "t1", "s", "d")
_DOT = 5
_TIP = (
    "Noise variance over brightness. Each mark is a window of one class of pixels, 16 × 16 of them: solid "
    "ones are flat and carry the line, faint ones hold texture and are left out. The line is variance = "
    "K × mean + s²: its slope is the gain K, its height at black the read noise s squared; the band around "
    "it is its error (95 %)."
)


class Look(NamedTuple):
    """How a class of pixels is drawn: told apart by colour and by shape."""

    colour: str
    symbol: str


def look_of(name: str) -> Look:
    """The look of the class of that name in the present theme."""
    place = _NAMES.index(name) if name in _NAMES else 1
    return Look(theme.current().sites[place], _SYMBOLS[place])


def swatch(name: str, size: int = 11) -> QPixmap:
    """A class's mark, for a table."""
    look, pixmap = look_of(name), QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(size / 2, size / 2)
    colour = QColor(look.colour)
    pg.graphicsItems.ScatterPlotItem.drawSymbol(
        painter, look.symbol, size - 2, pg.mkPen(colour), pg.mkBrush(colour)
    )
    painter.end()
    return pixmap


class _Items(NamedTuple):
    """What is drawn of one class."""

    name: str
    unused: Any
    used: Any
    low: Any
    high: Any
    band: Any
    line: Any


class SensorChart(pg.PlotWidget):
    """Draws one `Chart`; the same items are used again for the next."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Variance against mean of the sensor's noise")
        self.setToolTip(_TIP)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.setLabel("bottom", "mean above black (DN)")
        self.setLabel("left", "variance (DN²)")
        for name in ("left", "bottom"):
            self.getAxis(name).enableAutoSIPrefix(False)
        self.getAxis("left").setWidth(64)
        self.getPlotItem().layout.setContentsMargins(0, 6, 10, 6)  # else the label below is cut off
        self.chart: Chart | None = None
        self._items: list[_Items] = []

    def show_chart(self, chart: Chart) -> None:
        """Draw this."""
        self.chart = chart
        if [items.name for items in self._items] != [curve.name for curve in chart.curves]:
            self._make(chart)
        for items, curve in zip(self._items, chart.curves, strict=True):
            _fill(items, curve)
        for name, ticks in zip(("bottom", "left"), chart.ticks or (None, None), strict=True):
            self.getAxis(name).setTicks(None if ticks is None else [ticks])
        self.setXRange(*chart.x_range, padding=0)
        self.setYRange(*chart.y_range, padding=0)
        self.restyle()

    def _make(self, chart: Chart) -> None:
        self.clear()
        self._items = []
        for curve in chart.curves:
            low, high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
            items = _Items(
                curve.name,
                pg.ScatterPlotItem(pxMode=True),
                pg.ScatterPlotItem(pxMode=True),
                low,
                high,
                pg.FillBetweenItem(low, high),
                pg.PlotCurveItem(),
            )
            for depth, item in enumerate(items[1:]):
                item.setZValue(depth)
                self.addItem(item)
            self._items.append(items)

    def restyle(self) -> None:
        """Take the present theme's colours."""
        tokens = theme.current()
        self.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        for items in self._items:
            look = look_of(items.name)
            for scatter, alpha in ((items.unused, 38), (items.used, 150)):
                scatter.setSymbol(look.symbol)
                scatter.setSize(_DOT)
                scatter.setPen(None)
                scatter.setBrush(_shade(look.colour, alpha))
            items.band.setBrush(_shade(look.colour, 90))
            items.line.setPen(pg.mkPen(_line_colour(look.colour), width=1.6))


def _fill(items: _Items, curve: Curve) -> None:
    items.unused.setData(curve.unused.x, curve.unused.y)
    items.used.setData(curve.used.x, curve.used.y)
    items.low.setData(curve.x, curve.low)
    items.high.setData(curve.x, curve.high)
    items.line.setData(curve.x, curve.y)


def _shade(colour: str, alpha: int) -> QColor:
    shade = QColor(colour)
    shade.setAlpha(alpha)
    return shade


def _line_colour(colour: str) -> QColor:
    """Of the class, but seen on its own dots: lighter on dark ground, darker on light ground."""
    dark = theme.current().name == "dark"
    return QColor(colour).lighter(135) if dark else QColor(colour).darker(150)
