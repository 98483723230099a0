"""A plot of one curve before and after, grey while it is of an older result."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from denoise_studio.gui import theme
from denoise_studio.metrics.physics.pitch import Doubles


class CurvePlot(pg.PlotWidget):  # type: ignore[misc]
    """Curves before, after, and of a reference; the heads of the table beside it have their colours."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.getPlotItem().layout.setContentsMargins(0, 4, 8, 6)  # else the label below is cut off
        self.reference = pg.PlotDataItem(connect="finite")
        self.before = pg.PlotDataItem(connect="finite")
        self.after = pg.PlotDataItem(connect="finite")
        for item in (self.reference, self.before, self.after):
            self.addItem(item)
        self._marks: list[Any] = []
        self.fresh = False
        self.restyle()

    def set_labels(self, bottom: str, left: str) -> None:
        """Name the axes, units in brackets."""
        self.setLabel("bottom", bottom)
        self.setLabel("left", left)

    def show_curves(
        self, x: Doubles, before: Doubles | None, after: Doubles | None, reference: Doubles | None = None
    ) -> None:
        """Draw curves over one axis; None leaves one out."""
        for item, values in ((self.before, before), (self.after, after), (self.reference, reference)):
            item.setData(*((x, values) if values is not None else ([], [])))

    def mark(self, *places: tuple[float, bool]) -> None:
        """Upright lines at these places; True for the result's, False for the input's."""
        while len(self._marks) < len(places):
            line = pg.InfiniteLine(angle=90)
            self._marks.append(line)
            self.addItem(line, ignoreBounds=True)
        for line, place in zip(self._marks, places, strict=False):
            line.setValue(place[0])
            line.of_result = place[1]
        for index, line in enumerate(self._marks):
            line.setVisible(index < len(places))
        self._style_marks()

    def set_fresh(self, fresh: bool) -> None:
        if fresh != self.fresh:
            self.fresh = fresh
            self.restyle()

    def set_ranges(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show this much; ranges without a width are widened."""
        for set_range, (low, high) in ((self.setXRange, x), (self.setYRange, y)):
            if not (np.isfinite(low) and np.isfinite(high)):
                low, high = 0.0, 1.0
            set_range(low, high if high > low else low + 1.0, padding=0.02)

    def restyle(self) -> None:
        """Take the present theme's colours."""
        tokens = theme.current()
        self.setBackground(tokens.panel)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        before, after = (tokens.before, tokens.after) if self.fresh else (tokens.faint, tokens.faint)
        self.before.setPen(pg.mkPen(before, width=1.4))
        self.after.setPen(pg.mkPen(after, width=1.8))
        self.reference.setPen(pg.mkPen(tokens.warning if self.fresh else tokens.faint, width=1.2))
        self._style_marks()

    def _style_marks(self) -> None:
        tokens = theme.current()
        for line in self._marks:
            colour = tokens.after if line.of_result else tokens.before
            line.setPen(pg.mkPen(colour if self.fresh else tokens.faint, width=1, style=Qt.PenStyle.DotLine))


def top(*curves: Doubles | None) -> float:
    """The highest finite value of some curves, 0 if there is none."""
    values = [float(np.nanmax(curve)) for curve in curves if curve is not None and np.isfinite(curve).any()]
    return max(values, default=0.0)


def bottom(*curves: Doubles | None) -> float:
    """The lowest finite value of some curves."""
    values = [float(np.nanmin(curve)) for curve in curves if curve is not None and np.isfinite(curve).any()]
    return min(values, default=0.0)
