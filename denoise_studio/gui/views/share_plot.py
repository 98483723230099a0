"""The shares that a method keeps of its patterns, over their number."""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from denoise_studio.gui import theme

_TIP = (
    "How much of each pattern is left, in per cent, the largest first. 100 %: kept as it is; above: raised; "
    "0: taken away. The band marks the patterns that are shown"
)


class SharePlot(pg.PlotWidget):
    """A falling curve; the band is the page that is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Shrinkage: the share that is kept of each pattern")
        self.setToolTip(_TIP)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.getPlotItem().setContentsMargins(0, 8, 8, 0)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.getAxis("left").setWidth(52)
        for name in ("left", "bottom"):
            self.getAxis(name).enableAutoSIPrefix(False)
        self.setLabel("left", "keeps (%)")
        self.setLabel("bottom", "pattern")
        self.page = pg.LinearRegionItem(movable=False)
        self.whole = pg.InfiniteLine(100.0, angle=0)
        self.curve = pg.PlotDataItem(symbol="o", symbolSize=5)
        for item in (self.page, self.whole, self.curve):
            self.addItem(item)
        self.is_current = True
        self.restyle()

    def restyle(self) -> None:
        tokens = theme.current()
        self.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        self.whole.setPen(pg.mkPen(tokens.quiet, width=1, style=Qt.PenStyle.DashLine))
        self.page.setBrush(pg.mkBrush(tokens.raised))
        for line in self.page.lines:
            line.setPen(pg.mkPen(None))
        colour = tokens.after if self.is_current else tokens.faint
        self.curve.setPen(pg.mkPen(colour, width=1.8))
        self.curve.setSymbolPen(None)
        self.curve.setSymbolBrush(colour)

    def show_shares(self, shares: Sequence[float], wanted: int) -> None:
        """Falling shares, 1 for all, of the patterns that are there out of those that there will be."""
        self.curve.setData(list(range(1, len(shares) + 1)), [100 * share for share in shares])
        self.setXRange(0.5, max(wanted, 1) + 0.5, padding=0)
        lowest = min((0.0, *shares))
        self.setYRange(100 * lowest, 110 * max((1.0, *shares)), padding=0)

    def show_page(self, first: int, last: int) -> None:
        """Mark the patterns from one to another, counted from 1."""
        self.page.setRegion((first - 0.5, last + 0.5))

    def set_current(self, current: bool) -> None:
        self.is_current = current
        self.restyle()
