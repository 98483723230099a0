"""What a person marks on a picture to read it: pinned pixels and distances. Never part of a recipe."""

from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QPointF, Signal

from denoise_studio.gui.document import Document
from denoise_studio.gui.status import values_text
from denoise_studio.gui.views.ruler import Distance

_MOST = 30
_SHORTEST = 0.5
"""Distances below this many pixels are a slip of the hand."""

Pixel = tuple[int, int]


class Marks(QObject):
    """Pins and distances of every document, and what the pins read now.

    Signals:
        changed: something about them is another.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._pins: WeakKeyDictionary[Document, list[Pixel]] = WeakKeyDictionary()
        self._distances: WeakKeyDictionary[Document, list[Distance]] = WeakKeyDictionary()
        self._texts: dict[Pixel, str] = {}
        self.drawing: Distance | None = None
        """The one that is being drawn."""

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self._read_again)
            self._document.recipe_changed.disconnect(self._read_again)
            self._document.picture_changed.disconnect(self._read_again)
        self._document, self.drawing = document, None
        if document is not None:
            document.response_changed.connect(self._read_again)
            document.recipe_changed.connect(self._read_again)
            document.picture_changed.connect(self._read_again)
        self._read_again()

    @property
    def pins(self) -> list[Pixel]:
        return self._pins.get(self._document, []) if self._document is not None else []

    @property
    def distances(self) -> list[Distance]:
        kept = self._distances.get(self._document, []) if self._document is not None else []
        return [*kept, self.drawing] if self.drawing is not None else kept

    def text_of(self, pin: Pixel) -> str:
        """What the picture holds at a pin, before and after."""
        document = self._document
        if pin not in self._texts and document is not None:
            self._texts[pin] = values_text(document, *pin)
        return self._texts.get(pin, "")

    def _read_again(self) -> None:
        self._texts.clear()
        if self.pins:
            self.changed.emit()

    def pin(self, point: QPointF | None) -> bool:
        """Pin the pixel at a point, or take its pin off; whether there was such a pixel."""
        document = self._document
        if document is None or point is None:
            return False
        x, y = int(point.x() // 1), int(point.y() // 1)
        if not (0 <= x < document.picture.width and 0 <= y < document.picture.height):
            return False
        pins = self._pins.setdefault(document, [])
        if (x, y) in pins:
            pins.remove((x, y))
        elif len(pins) < _MOST:
            pins.append((x, y))
        self.changed.emit()
        return True

    def measure(self, start: QPointF, point: QPointF, phase: str) -> None:
        """A drag of the measuring tool."""
        document = self._document
        if document is None or phase == "double":
            return
        ends = ((start.x(), start.y()), (point.x(), point.y()))
        distance = Distance(*((round(x, 2), round(y, 2)) for x, y in ends))
        self.drawing = distance
        if phase == "end":
            self.drawing = None
            long_enough = abs(point.x() - start.x()) + abs(point.y() - start.y()) >= _SHORTEST
            kept = self._distances.setdefault(document, [])
            if long_enough and len(kept) < _MOST:
                kept.append(distance)
        self.changed.emit()

    def clear(self) -> None:
        """Take all marks off this document."""
        if self._document is not None:
            self._pins.pop(self._document, None)
            self._distances.pop(self._document, None)
        self.drawing = None
        self.changed.emit()
