"""What is being measured, on the pictures: the profile's line with its handles, squares, the fitted edge.

Shown only while the panel that it belongs to is: nothing else may lie over what is being judged.
"""

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from denoise_studio.engine.measures import Line, NoiseBeside, TransferBeside
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.views.compare import Compare
from denoise_studio.gui.views.pane import Pane
from denoise_studio.metrics.physics.edge_fit import EdgeShape

_INK, _HOVER, _MARK = "#ffffff", "#ffd9a0", "#8fd3ff"
_DIGITS = 1
_MOST_SQUARES = 64


class MeasureItems(QObject):
    """Keeps the items on both panes those of the measures, and turns drags into another line."""

    def __init__(self, compare: Compare, measures: Measures, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._compare, self._measures = compare, measures
        self._placing = False
        self.lines: list[Any] = []
        self.marks: list[QGraphicsPathItem] = []
        for pane in compare.panes:
            self._add_to(pane)
        measures.changed.connect(self.refresh)
        measures.line_changed.connect(self.refresh)

    def _add_to(self, pane: Pane) -> None:
        line = pg.LineSegmentROI(
            ((0, 0), (1, 1)),
            pen=pg.mkPen(_INK, width=2),
            hoverPen=pg.mkPen(_HOVER, width=3),
            handlePen=pg.mkPen(_INK, width=1.5),
            handleHoverPen=pg.mkPen(_HOVER, width=2.5),
        )
        line.grabs_mouse = True
        line.setZValue(20)
        line.setVisible(False)
        pane.box.addItem(line, ignoreBounds=True)
        line.sigRegionChanged.connect(self._dragged)
        self.lines.append(line)
        mark = QGraphicsPathItem()
        pen = pg.mkPen(_MARK, width=1.2, style=Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        mark.setPen(pen)
        mark.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        mark.setZValue(9)
        pane.box.addItem(mark, ignoreBounds=True)
        self.marks.append(mark)

    def refresh(self, *_: Any) -> None:
        """Show what belongs to the panel that is open."""
        measures = self._measures
        shown = measures.document is not None
        line = measures.line if shown and measures.is_watched(Sort.PROFILE) else None
        for item in self.lines:
            item.setVisible(line is not None)
        if line is not None:
            self._place(line)
        path = QPainterPath()
        if shown and measures.is_watched(Sort.NOISE):
            path = _squares(measures.of(Sort.NOISE).found)
        elif shown and measures.is_watched(Sort.SHARPNESS):
            path = _edge(measures.of(Sort.SHARPNESS).found, measures)
        for mark in self.marks:
            mark.setPath(path)

    def _place(self, line: Line) -> None:
        self._placing = True
        for item in self.lines:
            for number, point in enumerate(line.ends):
                if _end_of(item, number) != point:
                    item.movePoint(item.getHandles()[number], QPointF(*point), finish=False, coords="parent")
        self._placing = False

    def _dragged(self, item: Any) -> None:
        if self._placing or self._measures.document is None:
            return
        old = self._measures.line
        (x0, y0), (x1, y1) = (_end_of(item, number) for number in (0, 1))
        if old is not None and math.hypot(x1 - x0, y1 - y0) >= 1.0:
            self._measures.set_line(Line(x0, y0, x1, y1, old.width))


def _end_of(item: Any, number: int) -> tuple[float, float]:
    point = item.mapToParent(item.getHandles()[number].pos())
    return round(point.x(), _DIGITS), round(point.y(), _DIGITS)


def _squares(found: NoiseBeside | None) -> QPainterPath:
    """Squares that were found; those in a region overlap and fill it, which shows them well enough."""
    path = QPainterPath()
    if found is not None and found.searched and len(found.rects) <= _MOST_SQUARES:
        for rect in found.rects:
            path.addRect(QRectF(rect.x, rect.y, rect.width, rect.height))
    return path


def _edge(found: TransferBeside | None, measures: Measures) -> QPainterPath:
    """The fitted circle, or the fitted line across its region."""
    path = QPainterPath()
    area = measures.chosen
    if found is None or area is None:
        return path
    place, pitch = found.after.place, found.after.pitch
    x, y = area.rect.x + place.x / pitch.column, area.rect.y + place.y / pitch.row
    if place.shape is EdgeShape.DISC:
        path.addEllipse(QPointF(x, y), place.radius / pitch.column, place.radius / pitch.row)
        return path
    along = -math.sin(place.angle) / pitch.column, math.cos(place.angle) / pitch.row
    norm = math.hypot(*along)
    reach = 0.5 * math.hypot(area.rect.width, area.rect.height)
    dx, dy = (part / norm * reach for part in along)
    line = QPainterPath(QPointF(x - dx, y - dy))
    line.lineTo(QPointF(x + dx, y + dy))
    path.addPath(line)
    return path
