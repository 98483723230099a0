"""A small colour bar with its range, laid over a pane."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from denoise_studio.engine.display import diverging_table


class ColourBar(QWidget):
    """Blue to orange, from -limit to +limit in the picture's unit; sits at the pane's lower edge."""

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Colour scale of the difference")
        self.resize(250, 40)
        self._limit, self._unit = 1.0, ""
        table = diverging_table().copy()
        self._bar = QImage(table.data, 255, 1, 765, QImage.Format.Format_RGB888).copy()
        pane.installEventFilter(self)
        self.hide()

    def set_range(self, limit: float, unit: str) -> None:
        self._limit, self._unit = limit, unit
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and isinstance(watched, QWidget):
            self.move(10, watched.height() - self.height() - 10)
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(self.rect(), 4, 4)
        painter.drawImage(QRectF(10, 7, self.width() - 20, 9), self._bar)
        painter.setPen(QColor("#f0f0f0"))
        area = QRectF(10, 17, self.width() - 20, 20)
        unit = f" {self._unit}" if self._unit else ""
        painter.drawText(
            area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"−{self._limit:g}"
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "0")
        painter.drawText(
            area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"+{self._limit:g}{unit}"
        )
        painter.end()
