"""The noise model of a raw picture, so that a person sees why to trust it: plot, numbers, verdict."""

from typing import Any, NamedTuple

from PySide6.QtCore import Qt, QTimer
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

from denoise_studio.core.errors import StudioError
from denoise_studio.core.fitted import Fitted
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.sensor import SensorView, has_sensor, sensor_noise, sensor_view
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import maps_of
from denoise_studio.gui.panels.sensor_chart import SensorChart
from denoise_studio.gui.panels.sensor_table import SensorTable, SensorWords

_SIDE, _LEAST_SIDE = 476, 296
_CORNER = (74, 4, 0, 0)
_WAIT = "Measuring the sensor's noise …"


class _Order(NamedTuple):
    """What is to be shown; compared by identity, for a picture and a fit do not change."""

    picture: Picture
    fitted: Fitted | None


class SensorPlotPanel(QWidget):
    """Prepared in the background while it can be seen; runs no method by itself."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._ordered: _Order | None = None
        self.view: SensorView | None = None
        self.words = QLabel()
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("Why there is no plot of the noise model")
        self.chart, self.table, self.verdict = SensorChart(), SensorTable(), SensorWords()
        self.side = QScrollArea()
        self.logarithmic = QCheckBox("Logarithmic axes")
        self.logarithmic.setAccessibleName("Logarithmic axes of the noise model")
        self.logarithmic.setToolTip("Decades on both axes: shadows and read noise are seen as well as light")
        self.logarithmic.toggled.connect(self._draw)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.words)
        self._pages.addWidget(self._page())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(100)
        self._timer.timeout.connect(self._look)

    def _page(self) -> QWidget:
        """Plot at the left; numbers and words at the right, which scroll where there is no room."""
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 2, 4, 2)
        column.setSpacing(3)
        column.addWidget(self.table)
        column.addWidget(self.verdict)
        column.addStretch(1)
        scroll = self.side
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Numbers of the noise model")
        scroll.setWidget(side)
        # Where the plot is empty: the line rises to the right.
        corner = QVBoxLayout(self.chart)
        corner.setContentsMargins(*_CORNER)
        corner.addWidget(self.logarithmic, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        page = QWidget()
        across = QHBoxLayout(page)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        across.addWidget(self.chart, 1)
        across.addWidget(scroll)
        return page

    def restyle(self) -> None:
        """Take the present theme's colours."""
        self.chart.restyle()
        if self.view is not None:
            self.table.show_view(self.view)
            self.verdict.show_view(self.view)

    # What it is of

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        self._ordered = self.view = None
        self._say(_WAIT)
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Look again soon, when the fit may have found something else."""
        if self.isVisible():
            self._timer.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        width = _SIDE if self.width() >= 2 * _SIDE - _LEAST_SIDE else _LEAST_SIDE
        self.side.setFixedWidth(width)
        self.table.set_narrow(width < _SIDE)

    def _look(self) -> None:
        document = self._document
        if document is None or not self.isVisible():
            return
        if not has_sensor(document.picture):
            self._say("Only the noise of sensors with the Bayer pattern is estimated.")
            return
        maps = maps_of(document)
        order = _Order(document.picture, maps.fitted if maps is not None else None)
        old = self._ordered
        if old is None or old.picture is not order.picture or old.fitted is not order.fitted:
            self._begin(order)

    def _begin(self, order: _Order) -> None:
        self._ordered = order

        def work(progress: Progress) -> tuple[_Order, SensorView | None]:
            noise = sensor_noise(order.picture, order.fitted)
            progress.check()
            return order, sensor_view(noise) if noise is not None else None

        self._bridge.run(self._bridge.background, work, self._take, self._failed, key="sensor plot")

    def _take(self, result: tuple[_Order, SensorView | None]) -> None:
        order, view = result
        if order is not self._ordered or view is None:
            return
        self.view = view
        self.table.show_view(view)
        self.verdict.show_view(view)
        self._draw()
        self._pages.setCurrentIndex(1)

    def _failed(self, error: Exception) -> None:
        self._say(str(error) if isinstance(error, StudioError) else "The noise model cannot be shown.")

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self._pages.setCurrentIndex(0)

    def _draw(self, *_: Any) -> None:
        if self.view is not None:
            self.chart.show_chart(self.view.logarithmic if self.logarithmic.isChecked() else self.view.linear)
