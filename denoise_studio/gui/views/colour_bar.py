"""A small colour bar with its range, laid over a pane."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from denoise_studio.engine.display import ByteArray

_WIDTH = 250
"""Pixels, where it is not enlarged."""


class ColourBar(QWidget):
    """A table's colours with three numbers below, and a title above; sits at the pane's lower edge.

    Args:
        pane: what it lies over.
        table: `(n, 3)` colours from left to right.
        name: for screen readers.
    """

    def __init__(self, pane: QWidget, table: ByteArray, name: str) -> None:
        super().__init__(pane)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(name)
        self._pane = pane
        self.texts = ("", "", "")
        self.unit = self.title = ""
        self._large = self._scale = 1.0
        self.set_table(table)
        self._fit()
        pane.installEventFilter(self)
        self.hide()

    def set_table(self, table: ByteArray) -> None:
        """Other colours from left to right, `(n, 3)`."""
        count = len(table)
        self._bar = QImage(table.tobytes(), count, 1, 3 * count, QImage.Format.Format_RGB888).copy()

    def set_texts(self, low: str, middle: str, high: str, unit: str, title: str = "") -> None:
        """The numbers at the left end, in the middle and at the right end, and their unit."""
        self.texts, self.unit, self.title = (low, middle, high), unit, title
        self.setAccessibleDescription(f"{title} {low} to {high} {unit}".strip())
        self._fit()
        self._place()
        self.update()

    def set_large(self, times: float) -> None:
        """As many times larger, to be read from afar."""
        self._large = times
        self._fit()
        self._place()

    def _fit(self) -> None:
        self._scale = max(1.0, min(self._large, (self._pane.width() - 20) / _WIDTH))
        height = 60 if self.title else 40
        self.resize(round(_WIDTH * self._scale), round(height * self._scale))

    def _place(self) -> None:
        self.move(10, self._pane.height() - self.height() - 10)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and watched is self._pane:
            self._fit()
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.scale(self._scale, self._scale)
        height = 60 if self.title else 40
        painter.drawRoundedRect(QRectF(0, 0, _WIDTH, height), 4, 4)
        top, inner = height - 40, _WIDTH - 20
        painter.drawImage(QRectF(10, top + 7, inner, 9), self._bar)
        painter.setPen(QColor("#f0f0f0"))
        line = Qt.AlignmentFlag.AlignVCenter
        if self.title:
            painter.drawText(QRectF(10, 4, inner, 20), Qt.AlignmentFlag.AlignLeft | line, self.title)
        area = QRectF(10, top + 17, inner, 20)
        low, middle, high = self.texts
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | line, low)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, middle)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | line, f"{high} {self.unit}".rstrip())
        painter.end()
