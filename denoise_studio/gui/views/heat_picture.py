"""A few pixels, large: the weights of a filter around a pixel, or the picture there."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from denoise_studio.engine.display import ByteArray

_LARGEST_PIXEL = 14
"""A small window is not blown up to the whole square: its size is to be seen."""


class HeatPicture(QWidget):
    """Draws square pixels in the middle of a square and marks the central one."""

    def __init__(self, name: str, tip: str, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setFixedSize(QSize(side, side))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.image = QImage()

    def show_bytes(self, bytes_: ByteArray) -> None:
        """Show `(h, w)` or `(h, w, 3)` screen bytes; both sides are odd."""
        height, width = bytes_.shape[:2]
        colour = bytes_.ndim == 3
        form = QImage.Format.Format_RGB888 if colour else QImage.Format.Format_Grayscale8
        self.image = QImage(bytes_.tobytes(), width, height, width * (3 if colour else 1), form).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.image.isNull():
            return
        rows, columns = self.image.height(), self.image.width()
        size = min(self.width() / max(columns, 1), self.height() / max(rows, 1), _LARGEST_PIXEL)
        size = max(1.0, float(int(size))) if size >= 1 else size
        left, top = (self.width() - columns * size) / 2, (self.height() - rows * size) / 2
        painter = QPainter(self)
        painter.drawImage(QRectF(left, top, columns * size, rows * size), self.image)
        middle = QRectF(left + columns // 2 * size, top + rows // 2 * size, size, size)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for margin, shade in ((1.0, "#000000"), (0.0, "#ffffff")):
            painter.setPen(QPen(QColor(shade), 1))
            painter.drawRect(middle.adjusted(-margin, -margin, margin, margin))
        painter.end()
