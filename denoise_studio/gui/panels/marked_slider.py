"""A slider with one place marked, which a hand finds without aiming."""

from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSlider, QStyle, QWidget

from denoise_studio.gui import theme

_HANDLE = 12
"""Width of the handle in the style sheet: the groove's ends lie half of it inside."""
_LENGTH = 4
_CATCH = 12
"""Steps of a thousand within which the mark catches a drag."""


class MarkedSlider(QSlider):
    """A horizontal slider; `mark` is a position, or None for no mark."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._mark: int | None = None

    @property
    def mark(self) -> int | None:
        return self._mark

    def set_mark(self, position: int | None) -> None:
        if position != self._mark:
            self._mark = position
            self.update()

    @property
    def is_caught(self) -> bool:
        """Whether a drag is so near the mark that it means the mark; keys can go past it step by step."""
        reach = _CATCH * (self.maximum() - self.minimum()) / 1000
        return self._mark is not None and self.isSliderDown() and abs(self.value() - self._mark) <= reach

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._mark is None:
            return
        tokens = theme.current()
        span = self.width() - _HANDLE
        x = _HANDLE / 2 + QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), self._mark, span)
        middle, reach = self.height() / 2, _HANDLE / 2
        painter = QPainter(self)
        painter.setPen(QPen(QColor(tokens.text if self.isEnabled() else tokens.faint), 1.5))
        for sign in (-1, 1):
            start = middle + sign * reach
            painter.drawLine(QLineF(x, start, x, start + sign * _LENGTH))
        painter.end()
