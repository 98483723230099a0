"""One pane: a picture on a neutral ground, moved by the shared viewport, with labels on top."""

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QLabel, QWidget

from denoise_studio.core.geometry import Rect
from denoise_studio.engine.display import ByteArray
from denoise_studio.gui import theme
from denoise_studio.gui.mouse import PHOTOGRAPHS, Drag, drag_for
from denoise_studio.gui.views.viewport import Viewport

_SCROLL_PIXELS = 12.0
"""Of a drag that scrolls, for one slice."""
_NUDGE = 0.004
"""Screen pixels by which everything is drawn off: where a screen pixel's middle falls exactly between two
pixels of the picture, as all do at 100 % in a pane of odd width, the one that is drawn is the one that is
read under the cursor."""
_NOTCH = 120
"""What Qt calls one notch of a wheel."""


class PictureBox(pg.ViewBox):  # type: ignore[misc]
    """Shows the part and the turn that a viewport says; its coordinates are the picture's."""

    _matrixNeedsUpdate: bool

    def __init__(self, viewport: Viewport) -> None:
        self._viewport = viewport
        super().__init__(enableMenu=False, invertY=True, border=None, defaultPadding=0)
        self.setMouseEnabled(False, False)
        self.disableAutoRange()

    def updateMatrix(self, changed: Any = None) -> None:
        """From picture coordinates to the box; pyqtgraph's own knows no quarter turns."""
        if not self._matrixNeedsUpdate:
            return
        bounds, seen, turn = self.rect(), self.viewRect(), self._viewport.turn
        wide, high = (seen.height(), seen.width()) if turn.across else (seen.width(), seen.height())
        if not wide or not high:
            return
        a, b, c, d = turn.matrix
        middle, centre = bounds.center(), seen.center()
        matrix = QTransform.fromTranslate(middle.x(), middle.y())
        matrix.scale(bounds.width() / wide, bounds.height() / high)
        matrix = QTransform(a, c, b, d, 0, 0) * matrix
        matrix.translate(-centre.x(), -centre.y())
        self.childGroup.setTransform(matrix)
        self._matrixNeedsUpdate = False
        self.sigTransformChanged.emit(self)


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
        reset_requested: a double click with Ctrl.
        menu_requested: global position of a right click without a drag.
        wheeled: notches of the wheel towards the end of the series, and the picture point, while
            `wheel_scrolls`; parts of a notch are saved up.
        scrolled: slices towards the end, by a drag that scrolls.
    """

    hovered = Signal(object)
    dragged = Signal(object, QPointF, QPointF, QPointF, str)
    clicked = Signal(QPointF)
    double_clicked = Signal(QPointF)
    reset_requested = Signal()
    menu_requested = Signal(object)
    wheeled = Signal(int, QPointF)
    scrolled = Signal(int)

    def __init__(
        self, name: str, viewport: Viewport, original: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, background=theme.current().surround)
        self.setAccessibleName(f"{name} view")
        self.setMinimumSize(120, 120)
        self.shared = viewport
        self.box = PictureBox(viewport)
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
        self.drags: Mapping[str, Drag] = PHOTOGRAPHS
        """What each button does while no tool is in hand."""
        self.drawing = False
        """Whether a drawing tool is in hand: then the bare left button draws."""
        self.wheel_scrolls = False
        """Whether the wheel goes through slices; with Ctrl it zooms all the same."""
        self._turned = self._scrolled = 0.0
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

    def set_large(self, large: bool) -> None:
        """Labels that can be read from the last row."""
        for label in (self.title, self.state):
            label.setProperty("large", large)
            label.style().unpolish(label)
            label.style().polish(label)
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
        if self.shared.turn.across:
            width, height = height, width
        seen = QRectF(self.shared.x - width / 2, self.shared.y - height / 2, width, height)
        seen.translate(_NUDGE / scale, _NUDGE / scale)
        self.box.setRange(seen, padding=0, update=True)
        self.box._matrixNeedsUpdate = True  # a turn alone leaves the range as it is
        self.box.updateMatrix()

    def to_picture(self, point: QPointF) -> QPointF:
        """Widget coordinates to picture coordinates."""
        return self.shared.to_picture(point, self.width(), self.height(), self.devicePixelRatioF())

    def from_picture(self, point: QPointF) -> QPointF:
        """Picture coordinates to widget coordinates."""
        return self.shared.from_picture(point, self.width(), self.height(), self.devicePixelRatioF())

    def visible_rect(self) -> Rect:
        """The picture pixels that can be seen (they may lie outside the picture)."""
        corner = QPointF(self.width(), self.height())
        seen = QRectF(self.to_picture(QPointF(0, 0)), self.to_picture(corner)).normalized()
        return Rect.from_edges(
            int(seen.left()) - 1, int(seen.top()) - 1, int(seen.right()) + 2, int(seen.bottom()) + 2
        )

    def device_size(self) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return max(self.width(), 1) * ratio, max(self.height(), 1) * ratio

    def set_clip(self, shown: QRectF | None, picture: Rect) -> None:
        """Show `image` only in this rectangle of the picture; None shows all of it."""
        whole = QRectF(picture.x, picture.y, picture.width, picture.height)
        self.clip.setRect(whole if shown is None else shown.intersected(whole))
        self.clip.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape, shown is not None)

    def restyle(self) -> None:
        self.setBackground(theme.current().surround)

    # Mouse

    def _over_handle(self, event: QMouseEvent) -> bool:
        """Whether a region's own item wants this press (a handle, or the body of the selected one)."""
        if event.button() != Qt.MouseButton.LeftButton or self.drawing:
            return False
        items: list[Any] = self.items(event.position().toPoint())
        if any(isinstance(item, pg.graphicsItems.ROI.Handle) for item in items):
            return True
        bare = not event.modifiers() & (
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
        )
        return bare and any(getattr(item, "grabs_mouse", False) for item in items)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        drag = drag_for(event.button(), event.modifiers(), self.drags, self.drawing)
        if drag is None or self._over_handle(event):
            super().mousePressEvent(event)
            return
        event.accept()
        self._moved, self._scrolled = False, 0.0
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
        if drag is Drag.SCROLL:
            self._scroll(move.y())
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
        elif event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(point)

    def _scroll(self, down: float) -> None:
        self._scrolled += down
        whole = int(self._scrolled / _SCROLL_PIXELS)
        self._scrolled -= whole * _SCROLL_PIXELS
        if whole:
            self.scrolled.emit(whole)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.reset_requested.emit()
            return
        if self.drawing:
            point = self.to_picture(event.position())
            self.dragged.emit(Drag.DRAW, point, point, QPointF(), "double")
            return
        self.double_clicked.emit(self.to_picture(event.position()))

    def leaveEvent(self, event: Any) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        point, up = self.to_picture(event.position()), event.angleDelta().y()
        if self.wheel_scrolls and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._turned -= up
            whole = int(self._turned / _NOTCH)
            self._turned -= whole * _NOTCH
            if whole:
                self.wheeled.emit(whole, point)
        else:
            self.shared.zoom_at(2.0 ** (up / (4.0 * _NOTCH)), point.x(), point.y())
        event.accept()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if hasattr(self, "state"):
            self._place_chips()
            self.apply_viewport()
