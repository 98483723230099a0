"""A small colour bar with its range, laid over a pane."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from denoise_studio.engine.display import ByteArray


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
        self.set_table(table)
        self.resize(250, 40)
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
        self.resize(250, 60 if title else 40)
        self._place()
        self.update()

    def _place(self) -> None:
        self.move(10, self._pane.height() - self.height() - 10)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and watched is self._pane:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(self.rect(), 4, 4)
        top = self.height() - 40
        painter.drawImage(QRectF(10, top + 7, self.width() - 20, 9), self._bar)
        painter.setPen(QColor("#f0f0f0"))
        line = Qt.AlignmentFlag.AlignVCenter
        if self.title:
            painter.drawText(
                QRectF(10, 4, self.width() - 20, 20), Qt.AlignmentFlag.AlignLeft | line, self.title
            )
        area = QRectF(10, top + 17, self.width() - 20, 20)
        low, middle, high = self.texts
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | line, low)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, middle)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | line, f"{high} {self.unit}".rstrip())
        painter.end()
