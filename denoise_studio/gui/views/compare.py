"""Before and after: side by side, wiped over each other, or as a difference."""

from enum import StrEnum
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.engine.display import ByteArray, diverging_table
from denoise_studio.engine.resolve import estimated_noise
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.mouse import Drag, Habits
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.drawing import Order, covered_by
from denoise_studio.gui.views.pane import Pane
from denoise_studio.gui.views.viewport import UPRIGHT, Turn, Viewport

WHOLE = 1_500_000
"""Pixels up to which the whole picture is handed to the screen; above, what can be seen."""


class Mode(StrEnum):
    SIDE = "side"
    WIPE = "wipe"
    DIFFERENCE = "difference"


class Compare(QWidget):
    """The two panes and how they show a document.

    Signals:
        hovered: picture coordinates under the cursor, or None.
        drawn: a drag of the drawing tool: start, point, "start" | "move" | "end".
        clicked: picture coordinates of a plain click.
        menu_requested: global position.
        mode_changed: the new mode.
        shown: something new is on the screen.
        held: whether every pane shows the original now.
        reset_requested: window and level shall be the file's own again.
        wheeled: notches of the wheel towards the end of a series, and the picture point.
        scrolled: slices towards the end, by a drag.
    """

    hovered = Signal(object)
    drawn = Signal(QPointF, QPointF, str)
    clicked = Signal(QPointF)
    menu_requested = Signal(object)
    mode_changed = Signal(str)
    shown = Signal()
    held = Signal(bool)
    zoom_changed = Signal(float)
    reset_requested = Signal()
    wheeled = Signal(int, QPointF)
    scrolled = Signal(int)

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self.mode = Mode.SIDE
        self.holding = False
        self.fit_chip = ""
        """What the search for the method's maps says while nothing is final; "" if it says nothing."""
        self._wipe_share = 0.5
        self.habits = Habits()
        self.viewport = Viewport(self)
        self.before = Pane("Before", self.viewport, original=True)
        self.after = Pane("After", self.viewport)
        self.panes = (self.before, self.after)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(2)
        self.splitter.setChildrenCollapsible(False)
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._order_all)
        self.viewport.changed.connect(self._viewport_changed)

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)
        for pane in self.panes:
            self.splitter.addWidget(pane)
            pane.hovered.connect(self._hover)
            pane.dragged.connect(self._drag)
            pane.clicked.connect(self.clicked)
            pane.menu_requested.connect(self.menu_requested)
            pane.reset_requested.connect(self.reset_requested)
            pane.wheeled.connect(self.wheeled)
            pane.scrolled.connect(self.scrolled)
            pane.installEventFilter(self)
        self.before.double_clicked.connect(lambda point: self._maximise(self.before))
        self.after.double_clicked.connect(lambda point: self._maximise(self.after))
        self.divider = pg.InfiniteLine(angle=90, movable=True, pen=pg.mkPen("#ffffff", width=2))
        self.divider.setHoverPen(pg.mkPen(theme.current().accent, width=3))
        self.divider.sigDragged.connect(self._divider_moved)
        self.divider.grabs_mouse = True
        self.divider.setVisible(False)
        self.after.box.addItem(self.divider, ignoreBounds=True)
        self.marks = []
        for pane in self.panes:
            mark = pg.TargetItem(movable=False, size=14, pen=pg.mkPen("#ffffffb0"), symbol="crosshair")
            mark.setVisible(False)
            pane.box.addItem(mark, ignoreBounds=True)
            self.marks.append(mark)
        self.rubbers = []
        for pane in self.panes:
            rubber = pg.QtWidgets.QGraphicsRectItem()
            rubber.setPen(pg.mkPen("#ffffff", style=Qt.PenStyle.DashLine))
            rubber.setVisible(False)
            pane.box.addItem(rubber, ignoreBounds=True)
            self.rubbers.append(rubber)
        self.colour_bar = ColourBar(self.after, diverging_table(), "Colour scale of the difference")

    # The document

    @property
    def document(self) -> Document | None:
        return self._document

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.viewport = self.viewport.remembered
            self._document.response_changed.disconnect(self.refresh)
            self._document.levels_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.show_state)
        self._document = document
        for pane in self.panes:
            pane.image.clear()
            pane.under.clear()
        if document is None:
            return
        document.response_changed.connect(self.refresh)
        document.levels_changed.connect(self.refresh)
        document.recipe_changed.connect(self.show_state)
        self.set_habits(self.habits)
        if document.viewport is not None:
            self.viewport.set(*document.viewport, turn=Turn(*document.turn))
        else:
            self._fit(Turn(*document.turn))
        self.set_mode(self.mode)

    def slice_changed(self) -> None:
        """Another slice of the series: everything anew, seen as the one before was."""
        self.set_mode(self.mode)

    def set_habits(self, habits: Habits) -> None:
        """What the mouse does from now on."""
        self.habits = habits
        if self._document is not None:
            for pane in self.panes:
                pane.drags = habits.of(self._document.picture.kind)

    # Modes

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self.before.setVisible(mode is not Mode.WIPE)
        self.after.setVisible(True)
        self.divider.setVisible(mode is Mode.WIPE)
        self.before.set_chip(self.before.title, "Before")
        after = {Mode.SIDE: "After", Mode.WIPE: "Before | After", Mode.DIFFERENCE: "After − before"}[mode]
        self.after.set_chip(self.after.title, after)
        self.colour_bar.setVisible(mode is Mode.DIFFERENCE and self._document is not None)
        if self._document is not None:
            limit, unit = self._limit(), self._document.picture.unit
            self.colour_bar.set_texts(f"−{limit:g}", "0", f"+{limit:g}", unit)
        self._place_divider()
        self.mode_changed.emit(mode.value)
        QTimer.singleShot(0, self, self._fit_if_fitted)
        self.refresh()

    def hold(self, on: bool) -> None:
        """Show the original in every pane while a key is held."""
        self.holding = on
        self.after.image.setVisible(not on)
        self.after.set_chip(
            self.after.title,
            "Before (held)"
            if on
            else {"wipe": "Before | After", "side": "After"}.get(self.mode, "After − before"),
        )
        self.held.emit(on)

    def _maximise(self, pane: Pane) -> None:
        if self.mode is Mode.WIPE:
            return
        other = self.after if pane is self.before else self.before
        other.setVisible(not other.isVisible())
        QTimer.singleShot(0, self, self._fit_if_fitted)

    def _divider_moved(self) -> None:
        at = QPointF(*(2 * [self.divider.value()]))  # the other coordinate does not matter
        share = self.after.from_picture(at).x() / max(self.after.width(), 1)
        self._wipe_share = min(max(share, 0.02), 0.98)
        self._place_divider()

    @property
    def split(self) -> float | None:
        """Where the wipe's line is, in pixels from the pane's left; None without one."""
        return self.after.width() * self._wipe_share if self.mode is Mode.WIPE else None

    def _place_divider(self) -> None:
        """Upright on the screen, whichever way the picture is turned; the result is on its right."""
        if self._document is None:
            return
        rect = self._document.picture.rect
        if self.mode is not Mode.WIPE:
            self.after.set_clip(None, rect)
            return
        across = self.viewport.turn.across
        at = self.after.to_picture(QPointF(self.after.width() * self._wipe_share, 0))
        self.divider.blockSignals(True)
        self.divider.setAngle(0 if across else 90)
        self.divider.setValue(at.y() if across else at.x())
        self.divider.blockSignals(False)
        shown = QRectF(rect.x, rect.y, rect.width, rect.height)
        self.after.set_clip(_beyond(shown, at, QPointF(*self.viewport.turn.to_picture(1, 0))), rect)

    # Zoom

    def fit(self) -> None:
        self._fit(self.viewport.turn)

    def _fit(self, turn: Turn) -> None:
        if self._document is not None:
            pane = self.after if self.after.isVisible() or not self.before.isVisible() else self.before
            picture = self._document.picture
            self.viewport.fit(picture.width, picture.height, *pane.device_size(), turn=turn)

    def turn(self, turn: Turn) -> None:
        """Hold the picture another way up; its middle, or the whole of it, stays in view."""
        if self.viewport.fitted:
            self._fit(turn)
        else:
            self.viewport.set(self.viewport.x, self.viewport.y, self.viewport.zoom, turn=turn)

    def reset_view(self) -> None:
        """The whole picture, as the file has it."""
        self._fit(UPRIGHT)

    def _fit_if_fitted(self) -> None:
        if self.viewport.fitted:
            self.fit()
        self._place_divider()

    def set_zoom(self, zoom: float) -> None:
        self.viewport.set(self.viewport.x, self.viewport.y, zoom)

    def _viewport_changed(self) -> None:
        if self._document is not None:
            self._document.turn = self.viewport.turn
        self._place_divider()
        self.zoom_changed.emit(self.viewport.zoom)
        self.refresh()

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            QTimer.singleShot(0, self, self._fit_if_fitted)
        return False

    # Drawing

    def refresh(self) -> None:
        """Have everything drawn again soon; many calls in one turn make one drawing."""
        self._timer.start()
        self.show_state()

    @property
    def is_ordering(self) -> bool:
        """Whether a drawing is about to be ordered."""
        return self._timer.isActive()

    def _limit(self) -> float:
        """Half the range of the difference's colours: four times the noise."""
        if self._document is None:
            return 1.0
        noise = estimated_noise(self._document.picture) * 4 or self._document.levels.width / 10
        return float(np.format_float_positional(noise, precision=1, fractional=False)) or 1.0

    def _order_all(self) -> None:
        document = self._document
        if document is None:
            return
        roles = ["before", "difference" if self.mode is Mode.DIFFERENCE else "after"]
        response = document.response
        for role in roles:
            picture = document.picture
            rect, factor = self.what_to_draw(picture)
            if not rect:
                continue
            order = Order(
                role,
                picture,
                response.layer.pixels if response else None,
                response.recipe if response else None,
                document.levels,
                rect,
                factor,
                self._limit() if role == "difference" else 1.0,
            )
            self._bridge.run(self._bridge.display, order.draw, self._drawn, key=role)

    def what_to_draw(self, picture: Picture) -> tuple[Rect, int]:
        """The rectangle to hand to the screen and the averaging factor when zoomed out."""
        factor = max(1, int(1.0 / max(self.viewport.zoom, 1e-3) + 0.25))
        if picture.width * picture.height <= WHOLE:
            return picture.rect, factor
        seen = self.after.visible_rect()
        margin = max(seen.width, seen.height) // 3
        part = seen.expand(margin).intersect(picture.rect)
        x, y = part.x // factor * factor, part.y // factor * factor
        return Rect.from_edges(x, y, part.x1, part.y1), factor

    def _drawn(self, result: tuple[Order, ByteArray]) -> None:
        order, image = result
        if self._document is None or order.picture is not self._document.picture:
            return
        covered = covered_by(image, order.rect, order.factor)
        if order.role == "before":
            self.before.image.show_bytes(image, covered)
            self.after.under.show_bytes(image, covered)
        elif (order.role == "difference") == (self.mode is Mode.DIFFERENCE):
            self.after.image.show_bytes(image, covered)
        self.shown.emit()

    def show_state(self) -> None:
        """Say what is not final yet, or that it will not be."""
        document = self._document
        text = ""
        if document is not None and not document.is_final:
            response = document.response
            text = "working …"
            if document.has_failed:
                text = "not possible"
            elif self.fit_chip:
                text = self.fit_chip
            elif response is not None and response.id == document.wanted_id and not response.complete:
                text = f"{response.fraction:.0%} …"
        self.after.set_chip(self.after.state, text)

    # Mouse

    def _hover(self, point: QPointF | None) -> None:
        for pane, mark in zip(self.panes, self.marks, strict=True):
            away = point is not None and not pane.underMouse() and self.mode is not Mode.WIPE
            mark.setVisible(away)
            if away and point is not None:
                mark.setPos(point)
        self.hovered.emit(point)

    def _drag(self, drag: Drag, start: QPointF, point: QPointF, move: QPointF, phase: str) -> None:
        ratio = self.devicePixelRatioF()
        if drag is Drag.DRAW:
            self.drawn.emit(start, point, phase)
        elif drag is Drag.PAN and phase == "move":
            self.viewport.pan_screen(move.x() * ratio, move.y() * ratio)
        elif drag is Drag.ZOOM and phase == "move":
            self.viewport.zoom_at(2.0 ** (-move.y() / 100.0), start.x(), start.y())
        elif drag is Drag.LEVELS and phase == "move":
            self._drag_levels(move)
        elif drag is Drag.AUTO_LEVELS:
            self._drag_auto_levels(start, point, phase)

    def _drag_levels(self, move: QPointF) -> None:
        if self._document is None:
            return
        levels = self._document.levels
        step = max(levels.width, self._document.picture.span / 1000) / 300
        wider, higher = self.habits.levels_move(move.x(), move.y())
        width = max(levels.width + wider * step, self._document.picture.span / 1e4)
        self._document.set_levels(levels.with_window(width, levels.level + higher * step))

    def _drag_auto_levels(self, start: QPointF, point: QPointF, phase: str) -> None:
        from denoise_studio.engine.display import robust_levels

        box = QRectF(start, point).normalized()
        for rubber in self.rubbers:
            rubber.setRect(box)
            rubber.setVisible(phase != "end")
        if phase == "end" and self._document is not None:
            rect = Rect.from_edges(
                int(box.left()), int(box.top()), int(box.right()) + 1, int(box.bottom()) + 1
            )
            if rect.intersect(self._document.picture.rect).area > 4:
                self._document.set_levels(robust_levels(self._document.picture, rect))

    def set_tool_cursor(self, drawing: bool) -> None:
        for pane in self.panes:
            pane.drawing = drawing
            pane.viewport().setCursor(
                QCursor(Qt.CursorShape.CrossCursor if drawing else Qt.CursorShape.ArrowCursor)
            )

    def restyle(self) -> None:
        for pane in self.panes:
            pane.restyle()


def _beyond(rect: QRectF, at: QPointF, towards: QPointF) -> QRectF:
    """The part of a rectangle that lies in a direction along one of its sides, from a point on."""
    result = QRectF(rect)
    if towards.x() > 0:
        result.setLeft(min(max(at.x(), rect.left()), rect.right()))
    elif towards.x() < 0:
        result.setRight(max(min(at.x(), rect.right()), rect.left()))
    elif towards.y() > 0:
        result.setTop(min(max(at.y(), rect.top()), rect.bottom()))
    else:
        result.setBottom(max(min(at.y(), rect.bottom()), rect.top()))
    return result
