"""One pattern of the inspector: a small picture with a line below, or an empty place for one."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from denoise_studio.core.types import FloatArray
from denoise_studio.engine.display import ByteArray, show_difference
from denoise_studio.engine.inspection import GOOD, Seen
from denoise_studio.gui import theme
from denoise_studio.gui.maps import number

_FADED = 0.35
_GREY = 64.0
"""Zero, as in the table of differences."""


def colours(image: FloatArray) -> ByteArray:
    """A pattern as `(h, w, 3)`: mid grey where it is 0, its largest value at a colour's end.

    One channel: blue below zero, orange above. Three: the pattern itself, laid over the grey.
    """
    limit = float(np.abs(image).max()) or 1.0
    if len(image) == 1:
        return show_difference(image, limit)
    span = np.where(image < 0, _GREY, 255.0 - _GREY)
    return np.ascontiguousarray(np.moveaxis(np.rint(_GREY + span * image / limit), 0, -1), np.uint8)


def percent(share: float) -> str:
    """A share as a person reads it, without a hidden sign of zero."""
    return f"{round(100 * share) + 0} %".replace("-", "−")


def headline(index: int, one: Seen) -> str:
    """One line: "3 · keeps 93 %"; "≈" while it is not settled, "↻" where it turns into its partner."""
    verb = "raises to" if one.share >= 1.005 else "keeps"
    about = "≈ " if one.residual > GOOD else ""
    return f"{index + 1} · {verb} {about}{percent(one.share)}{' ↻' if one.turn else ''}"


def details(index: int, one: Seen, unit: str) -> str:
    """All numbers of a pattern, for a tooltip."""
    of = f" {unit}" if unit else ""
    lines = [
        f"Pattern {index + 1}: what is left of a small change along it is {one.share:.4f} of it",
        f"Residual of the pair: {number(one.residual)}",
        f"In the region: {number(one.before)}{of} before, {number(one.after)}{of} after",
        "(root mean square; differences from the mean before)",
    ]
    if one.turn:
        lines.append(f"Turns: {number(one.turn)} of it becomes its partner's, the pattern beside it (↻)")
    return "\n".join(lines)


class PixelPicture(QWidget):
    """Square pixels, as large as the square has room for; faded where what it shows is not current."""

    def __init__(self, name: str, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFixedSize(QSize(side, side))
        self.image = QImage()
        self.is_faded = False

    def show_bytes(self, bytes_: ByteArray | None) -> None:
        """Show `(h, w)` or `(h, w, 3)` screen bytes; None for an empty place."""
        if bytes_ is None:
            self.image = QImage()
        else:
            height, width = bytes_.shape[:2]
            depth = 3 if bytes_.ndim == 3 else 1
            form = QImage.Format.Format_RGB888 if depth == 3 else QImage.Format.Format_Grayscale8
            self.image = QImage(bytes_.tobytes(), width, height, width * depth, form).copy()
        self.update()

    def fade(self, faded: bool) -> None:
        self.is_faded = faded
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.image.isNull():
            painter.setPen(QColor(theme.current().line))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        else:
            ratio = self.devicePixelRatioF()  # whole screen pixels for each, so that all are alike
            longest = max(self.image.width(), self.image.height())
            size = max(1, int(self.width() * ratio / longest)) / ratio
            width, height = self.image.width() * size, self.image.height() * size
            painter.setOpacity(_FADED if self.is_faded else 1.0)
            left, top = (self.width() - width) // 2, (self.height() - height) // 2
            painter.drawImage(QRectF(left, top, width, height), self.image)
        painter.end()


@dataclass(frozen=True, eq=False)
class Drawn:
    """A pattern ready to be shown; made in the lane.

    Args:
        seen: its numbers.
        bytes: its `colours`.
    """

    seen: Seen
    bytes: ByteArray


class PatternTile(QWidget):
    """A pattern's picture and its line."""

    def __init__(self, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PixelPicture("Pattern", side)
        self.words = QLabel()
        self.words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.words.setAccessibleName("What is left of the pattern")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.words)

    def show_pattern(self, index: int, drawn: Drawn | None, unit: str) -> None:
        self.picture.show_bytes(drawn.bytes if drawn is not None else None)
        self.words.setText(headline(index, drawn.seen) if drawn is not None else " ")
        text = details(index, drawn.seen, unit) if drawn is not None else ""
        self.setToolTip(text)
        self.picture.setAccessibleName(f"Pattern {index + 1}" if drawn is not None else "No pattern")
        self.picture.setAccessibleDescription(text)

    def fade(self, faded: bool) -> None:
        self.picture.fade(faded)
        self.words.setEnabled(not faded)
