"""Variance against mean of a raw file: the windows, the lines through them, and the numbers."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.progress import Progress
from denoise_studio.engine.sensing import ClassPlot, SensorPlot, sensor_plot
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import number

_LOOKS = {"R": ("#e5484d", "o"), "G1": ("#46a758", "t"), "G2": ("#12a594", "s"), "B": ("#4c8df6", "d")}
"""Colour and shape of each class: they differ without colour vision too."""
_TIP = (
    "Each point is a window of 16 × 16 pixels of one class. Solid ones are flat and carry the line "
    "variance = K × mean + s²; faint ones hold texture and do not"
)


class _Axis(pg.AxisItem):
    """Plain numbers at 1, 2 and 5 of every decade where it is logarithmic."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> Any:  # noqa: N803
        if not self.logMode:
            return super().tickValues(minVal, maxVal, size)
        steps = (1, 2, 5) if maxVal - minVal < 3 else (1,)
        decades = range(int(np.floor(minVal)), int(np.ceil(maxVal)) + 1)
        ticks = [decade + float(np.log10(step)) for decade in decades for step in steps]
        return [(1.0, [tick for tick in ticks if minVal <= tick <= maxVal])]

    def tickStrings(self, values: Any, scale: float, spacing: float) -> Any:
        if not self.logMode:
            return super().tickStrings(values, scale, spacing)
        return [f"{10**value:g}" if value < 4 else f"{10**value:.0f}" for value in values]


class SensorPlotPanel(QWidget):
    """Drawn while it is seen; prepared in the background."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self.shown: SensorPlot | None = None
        self.words = QLabel("For camera raw files of the Bayer pattern.")
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("Why there is no plot of the noise model")
        self.plot = pg.PlotWidget(axisItems={"bottom": _Axis("bottom"), "left": _Axis("left")})
        self.numbers, self.verdict = QLabel(), QLabel()
        self.logarithmic = QCheckBox("Logarithmic")
        self._build()
        self.restyle()

    def _build(self) -> None:
        self.plot.setAccessibleName("Variance against mean")
        self.plot.setToolTip(_TIP)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setLabel("bottom", "mean above black (DN)")
        self.plot.setLabel("left", "variance (DN²)")
        for name in ("left", "bottom"):
            self.plot.getAxis(name).enableAutoSIPrefix(False)
        self.plot.getPlotItem().layout.setContentsMargins(0, 4, 8, 6)  # else the label below is cut off
        self.logarithmic.setChecked(True)
        self.logarithmic.setToolTip("Both axes in decades, so that shadows are seen too")
        self.logarithmic.toggled.connect(self._draw)
        self.numbers.setTextFormat(Qt.TextFormat.RichText)
        self.numbers.setAccessibleName("Numbers of the noise model")
        self.verdict.setWordWrap(True)
        self.verdict.setObjectName("quiet")
        self.verdict.setAccessibleName("What is known of the black level")
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        told = QScrollArea()
        told.setWidgetResizable(True)
        told.setFrameShape(QFrame.Shape.NoFrame)
        told.setWidget(self.verdict)
        told.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        middle, side = QVBoxLayout(), QVBoxLayout()
        middle.addWidget(self.numbers)
        middle.addStretch(1)
        side.addWidget(told, 1)
        side.addWidget(self.logarithmic)
        page = QWidget()
        across = QHBoxLayout(page)
        across.setContentsMargins(0, 0, 8, 0)
        across.setSpacing(12)
        across.addWidget(self.plot, 3)
        across.addLayout(middle)
        across.addLayout(side, 2)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.words)
        self._pages.addWidget(page)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
        self._document, self.shown = document, None
        self._pages.setCurrentIndex(0)
        if document is not None:
            document.response_changed.connect(self.refresh)
            self.refresh()

    def refresh(self, *_: Any) -> None:
        """Have it prepared anew if it is seen and there may be something else to show."""
        document = self._document
        if document is None or not self.isVisible() or document.picture.mosaic is None:
            return
        picture = document.picture
        fitted = document.response.fitted if document.response is not None else None
        if self.shown is not None and fitted is not None and fitted.knowledge is self.shown.noise:
            return

        def work(progress: Progress) -> SensorPlot | None:
            progress.check()
            return sensor_plot(picture, fitted)

        self._bridge.run(self._bridge.background, work, self._take, self._failed, key="sensor plot")

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def _failed(self, error: Exception) -> None:
        self.words.setText(str(error))
        self._pages.setCurrentIndex(0)

    def _take(self, found: SensorPlot | None) -> None:
        self.shown = found
        if found is None:
            self.words.setText("The noise of this sensor is not estimated: only the Bayer pattern is.")
            self._pages.setCurrentIndex(0)
            return
        self.numbers.setText(_table(found))
        self.verdict.setText(_verdict(found))
        self._pages.setCurrentIndex(1)
        self._draw()

    def restyle(self) -> None:
        tokens = theme.current()
        self.plot.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.quiet)
        if self.shown is not None:
            self.numbers.setText(_table(self.shown))

    def _draw(self, *_: Any) -> None:
        found = self.shown
        if found is None:
            return
        self.plot.clear()
        on = self.logarithmic.isChecked()
        self.plot.setLogMode(x=on, y=on)
        for one in found.classes:
            self._scatter(one, one.others, 45, 3)
        for one in found.classes:
            self._scatter(one, one.used, 190, 4)
        for one in found.classes:
            self._line(one, found.levels)
        self._set_range(found, on)

    def _scatter(self, one: ClassPlot, points: Any, alpha: int, size: int) -> None:
        colour, symbol = _LOOKS.get(one.site.name, ("#888888", "o"))
        brush = pg.mkColor(colour)
        brush.setAlpha(alpha)
        x, y = points
        if self.logarithmic.isChecked():
            good = (x > 0) & (y > 0)
            x, y = np.log10(x[good]), np.log10(y[good])
        self.plot.addItem(pg.ScatterPlotItem(x, y, symbol=symbol, size=size, brush=brush, pen=None))

    def _line(self, one: ClassPlot, levels: Any) -> None:
        site = one.site
        middle = site.gain * levels + site.read**2
        error = np.hypot(site.gain * site.gain_error * levels, 2 * site.read**2 * site.read_error)
        colour = pg.mkColor(_LOOKS.get(site.name, ("#888888", "o"))[0])
        self.plot.addItem(pg.PlotDataItem(levels, middle, pen=pg.mkPen(colour, width=1.8)))
        dashes = pg.mkPen(colour, width=1, style=Qt.PenStyle.DotLine)
        for sign in (-2, 2):
            self.plot.addItem(pg.PlotDataItem(levels, np.maximum(middle + sign * error, 1e-3), pen=dashes))

    def _set_range(self, found: SensorPlot, logarithmic: bool) -> None:
        """To the windows that count: the faint ones above may go off the plot."""
        used = (
            np.concatenate([one.used for one in found.classes], axis=1) if found.classes else np.empty((2, 0))
        )
        used = used[:, (used > 0).all(axis=0)]
        if not used.shape[1]:
            self.plot.autoRange()
            return
        (left, right), (low, high) = ((float(v.min()), float(v.max())) for v in used)
        if logarithmic:
            self.plot.setXRange(np.log10(max(left, right / 1e4)) - 0.1, np.log10(right) + 0.1, padding=0)
            self.plot.setYRange(np.log10(max(low, high / 1e5)) - 0.2, np.log10(high) + 0.5, padding=0)
        else:
            self.plot.setXRange(0, right * 1.05, padding=0)
            self.plot.setYRange(0, high * 1.3, padding=0)


def _table(found: SensorPlot) -> str:
    quiet = theme.current().quiet
    heads = "".join(
        f'<td align="right" style="color:{quiet}">{text}&nbsp;&nbsp;</td>'
        for text in ("", "K (DN)", "s (DN)", "black", "white", "sure")
    )
    rows = []
    for site in found.noise.sites:
        colour = _LOOKS.get(site.name, (quiet, ""))[0]
        cells = (
            number(site.gain),
            number(site.read),
            f"{site.black:.2f}",
            f"{site.white:.0f}",
            f"{site.confidence:.0%}",
        )
        shown = "".join(f'<td align="right">{cell}&nbsp;&nbsp;</td>' for cell in cells)
        rows.append(f'<tr><td style="color:{colour}"><b>{site.name}</b>&nbsp;</td>{shown}</tr>')
    return f"<table cellspacing='2'><tr>{heads}</tr>{''.join(rows)}</table>"


def _verdict(found: SensorPlot) -> str:
    noise = found.noise
    low, high = noise.black.interval
    stages = {
        "coarse": "A first, coarse look at flat places.",
        "fine": "Looked at again through the network.",
        "told": "Numbers of your own.",
    }
    black = {
        "scene": f"From this scene alone black may lie {low:+.1f} to {high:+.1f} DN from the file's level.",
    }.get(
        noise.black.source,
        f"Black level by {noise.black.source}: {noise.black.offset:+.2f} DN from the file's.",
    )
    lines = [stages.get(noise.stage, ""), black, noise.black.warning, *noise.notes]
    return " ".join(line for line in lines if line).replace("-", "−")
