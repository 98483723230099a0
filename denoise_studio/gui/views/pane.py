"""One pane: a picture on a neutral ground, moved by the shared viewport, with labels on top."""

from enum import Enum
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QLabel, QWidget

from denoise_studio.core.geometry import Rect
from denoise_studio.engine.display import ByteArray
from denoise_studio.gui import theme
from denoise_studio.gui.views.viewport import Viewport


class Drag(Enum):
    """What dragging a mouse button over a picture does."""

    PAN = "pan"
    ZOOM = "zoom"
    LEVELS = "levels"
    AUTO_LEVELS = "auto levels"
    DRAW = "draw"


class PictureItem(pg.ImageItem):  # type: ignore[misc]
    """Screen bytes at a rectangle of the picture; a finished drawing of pyqtgraph."""

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_bytes(self, image: ByteArray, rect: Rect) -> None:
        self.setImage(image, autoLevels=False, levels=None if image.ndim == 3 else (0, 255))
        self.setRect(QRectF(rect.x, rect.y, rect.width, rect.height))


class Pane(pg.GraphicsView):  # type: ignore[misc]
    """Shows up to two images: `image`, and `under` which a wipe or a held key uncovers.

    `overlay` is a third, half seen through, over the one that shows the original: over `image` with
    `original`, else over `under`.

    Signals:
        hovered: picture coordinates under the cursor, or None when it left.
        dragged: `Drag`, start, last and current point in picture coordinates, the move in
            screen pixels, and "start", "move" or "end".
        clicked: a left click without a drag, in picture coordinates.
        double_clicked: likewise.
        menu_requested: global position of a right click without a drag.
    """

    hovered = Signal(object)
    dragged = Signal(object, QPointF, QPointF, QPointF, str)
    clicked = Signal(QPointF)
    double_clicked = Signal(QPointF)
    menu_requested = Signal(object)

    def __init__(
        self, name: str, viewport: Viewport, original: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, background=theme.current().surround)
        self.setAccessibleName(f"{name} view")
        self.setMinimumSize(120, 120)
        self.shared = viewport
        self.box = pg.ViewBox(enableMenu=False, invertY=True, border=None, defaultPadding=0)
        self.box.setMouseEnabled(False, False)
        self.box.disableAutoRange()
        self.setCentralItem(self.box)
        self.under, self.image = PictureItem(), PictureItem()
        self.clip = QGraphicsRectItem()
        self.clip.setPen(QColor(0, 0, 0, 0))
        self.image.setParentItem(self.clip)
        self.overlay = PictureItem()
        self.overlay.setVisible(False)
        for item in (self.under, self.overlay, self.clip):
            self.box.addItem(item, ignoreBounds=True)
        self.under.setZValue(-3)
        self.overlay.setZValue(-1)
        self.clip.setZValue(-2 if original else 0)
        self.title = self._chip("Name of this view")
        self.state = self._chip("What is not final yet")
        self.left_drag = Drag.PAN
        self.title.setText(name)
        self._press: tuple[Drag, QPointF, QPointF] | None = None
        self._last: QPointF = QPointF()
        self._moved = False
        self.setMouseTracking(True)
        viewport.changed.connect(self.apply_viewport)

    def _chip(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName("chip")
        label.setAccessibleName(name)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.hide()
        return label

    def set_chip(self, label: QLabel, text: str) -> None:
        """Show a label on the picture; an empty text hides it."""
        label.setText(text)
        label.setVisible(bool(text))
        self._place_chips()

    def _place_chips(self) -> None:
        for label in (self.title, self.state):
            label.adjustSize()
        self.title.move(10, 10)
        self.state.move(self.width() - self.state.width() - 10, 10)

    # Where

    def apply_viewport(self) -> None:
        """Show the part that the shared viewport says."""
        scale = self.shared.zoom / self.devicePixelRatioF()
        width, height = self.width() / scale, self.height() / scale
        corner = QPointF(self.shared.x - width / 2, self.shared.y - height / 2)
        self.box.setRange(QRectF(corner.x(), corner.y(), width, height), padding=0, update=True)

    def to_picture(self, point: QPointF) -> QPointF:
        """Widget coordinates to picture coordinates."""
        scale = self.shared.zoom / self.devicePixelRatioF()
        return QPointF(
            self.shared.x + (point.x() - self.width() / 2) / scale,
            self.shared.y + (point.y() - self.height() / 2) / scale,
        )

    def visible_rect(self) -> Rect:
        """The picture pixels that can be seen (they may lie outside the picture)."""
        first, last = self.to_picture(QPointF(0, 0)), self.to_picture(QPointF(self.width(), self.height()))
        return Rect.from_edges(int(first.x()) - 1, int(first.y()) - 1, int(last.x()) + 2, int(last.y()) + 2)

    def device_size(self) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return max(self.width(), 1) * ratio, max(self.height(), 1) * ratio

    def set_clip(self, from_x: float | None, picture: Rect) -> None:
        """Show `image` only to the right of this picture column; None shows all of it."""
        self.clip.setRect(QRectF(picture.x, picture.y, picture.width, picture.height))
        clipped = from_x is not None
        if from_x is not None:
            left = min(max(from_x, picture.x), picture.x1)
            self.clip.setRect(QRectF(left, picture.y, picture.x1 - left, picture.height))
        self.clip.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape, clipped)

    def restyle(self) -> None:
        self.setBackground(theme.current().surround)

    # Mouse

    def _drag_for(self, event: QMouseEvent) -> Drag | None:
        button, modifiers = event.button(), event.modifiers()
        if button == Qt.MouseButton.MiddleButton:
            return Drag.PAN
        if button == Qt.MouseButton.RightButton:
            return Drag.ZOOM
        if button != Qt.MouseButton.LeftButton:
            return None
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            return Drag.AUTO_LEVELS
        if modifiers & Qt.KeyboardModifier.ShiftModifier and self.left_drag is not Drag.DRAW:
            return Drag.PAN
        return self.left_drag

    def _over_handle(self, event: QMouseEvent) -> bool:
        """Whether a region's own item wants this press (a handle, or the body of the selected one)."""
        if event.button() != Qt.MouseButton.LeftButton or self.left_drag is Drag.DRAW:
            return False
        items: list[Any] = self.items(event.position().toPoint())
        return any(
            isinstance(item, pg.graphicsItems.ROI.Handle) or getattr(item, "grabs_mouse", False)
            for item in items
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        drag = self._drag_for(event)
        if drag is None or self._over_handle(event):
            super().mousePressEvent(event)
            return
        event.accept()
        self._moved = False
        self._last = event.position()
        self._press = (drag, event.position(), self.to_picture(event.position()))
        if drag is Drag.DRAW:
            point = self.to_picture(event.position())
            self.dragged.emit(drag, point, point, QPointF(), "start")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        half = 0.5 / self.devicePixelRatioF()  # the middle of the screen pixel: what is drawn there
        self.hovered.emit(self.to_picture(event.position() + QPointF(half, half)))
        if self._press is None:
            super().mouseMoveEvent(event)
            return
        drag, start, start_point = self._press
        if not self._moved and (event.position() - start).manhattanLength() < 4:
            return
        move = event.position() - self._last
        if not self._moved and drag is not Drag.DRAW:
            self.dragged.emit(drag, start_point, start_point, QPointF(), "start")
        self._moved = True
        self._last = event.position()
        self.dragged.emit(drag, start_point, self.to_picture(event.position()), move, "move")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            super().mouseReleaseEvent(event)
            return
        (drag, _, start_point), self._press = self._press, None
        point = self.to_picture(event.position())
        if self._moved or drag is Drag.DRAW:
            self.dragged.emit(drag, start_point, point, QPointF(), "end")
        elif event.button() == Qt.MouseButton.RightButton:
            self.menu_requested.emit(event.globalPosition().toPoint())
        else:
            self.clicked.emit(point)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.left_drag is Drag.DRAW:
            point = self.to_picture(event.position())
            self.dragged.emit(Drag.DRAW, point, point, QPointF(), "double")
            return
        self.double_clicked.emit(self.to_picture(event.position()))

    def leaveEvent(self, event: Any) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        point = self.to_picture(event.position())
        self.shared.zoom_at(2.0 ** (event.angleDelta().y() / 480.0), point.x(), point.y())
        event.accept()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if hasattr(self, "state"):
            self._place_chips()
            self.apply_viewport()
