"""How regions look on the picture, and the handles of the selected one."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPainterPathStroker, QTransform
from PySide6.QtWidgets import QGraphicsPathItem

from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Shape

_DIGITS = 2
"""Coordinates are kept to a hundredth of a pixel: finer than a hand, short in a recipe."""


def outline(shape: Shape) -> QPainterPath:
    """The shape's edge in picture coordinates."""
    path = QPainterPath()
    if isinstance(shape, Box):
        x0, y0, x1, y1 = shape.extent()
        path.addRect(QRectF(x0, y0, x1 - x0, y1 - y0))
    elif isinstance(shape, Ellipse):
        path.addEllipse(QPointF(0, 0), shape.rx, shape.ry)
        path = QTransform().translate(shape.cx, shape.cy).rotate(shape.angle).map(path)
    elif isinstance(shape, Polygon):
        path.addPolygon([QPointF(*point) for point in shape.points])
        path.closeSubpath()
    else:
        path = _brush_path(shape)
    return path


def _brush_path(shape: Brush) -> QPainterPath:
    result = QPainterPath()
    result.setFillRule(Qt.FillRule.WindingFill)
    for stroke in shape.strokes:
        line = QPainterPath(QPointF(*stroke.points[0]))
        for point in stroke.points[1:]:
            line.lineTo(QPointF(*point))
        if len(stroke.points) == 1:
            result.addEllipse(QPointF(*stroke.points[0]), stroke.radius, stroke.radius)
            continue
        pen = QPainterPathStroker()
        pen.setWidth(2 * stroke.radius)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        result = result.united(pen.createStroke(line).simplified())
    return result


class RegionOutline(QGraphicsPathItem):
    """The edge of a region. Never filled: nothing may tint what is being judged."""

    def __init__(self, path: QPainterPath, colour: str, selected: bool, enabled: bool) -> None:
        super().__init__(path)
        pen = pg.mkPen(colour, width=2 if selected else 1.3)
        if not enabled:
            pen.setStyle(Qt.PenStyle.DotLine)
        pen.setCosmetic(True)
        self.setPen(pen)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(10)


def make_roi(shape: Shape, colour: str) -> Any:
    """A pyqtgraph ROI with handles for a shape; None for brush strokes, which have none."""
    pens = {
        "pen": pg.mkPen(colour, width=2),
        "hoverPen": pg.mkPen("#ffffff", width=2),
        "handlePen": pg.mkPen("#ffffff", width=1.5),
        "handleHoverPen": pg.mkPen(colour, width=2.5),
    }
    roi: Any
    if isinstance(shape, Box):
        roi = pg.ROI((0, 0), (1, 1), rotatable=False, **pens)
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0), (0.5, 1), (0, 0.5), (1, 0.5)):
            roi.addScaleHandle((x, y), (1 - x if x != 0.5 else 0.5, 1 - y if y != 0.5 else 0.5))
    elif isinstance(shape, Ellipse):
        roi = pg.EllipseROI((0, 0), (1, 1), **pens)  # brings a handle that turns it
        for x, y in ((0.5, 0), (0.5, 1), (0, 0.5)):
            roi.addScaleHandle((x, y), (1 - x, 1 - y))
    elif isinstance(shape, Polygon):
        roi = pg.PolyLineROI(shape.points, closed=True, **pens)
    else:
        return None
    place_roi(roi, shape)
    roi.grabs_mouse = True
    roi.setZValue(20)
    return roi


def place_roi(roi: Any, shape: Shape) -> None:
    """Put a ROI that `make_roi` made for such a shape where this shape is."""
    if isinstance(shape, Box):
        x0, y0, x1, y1 = shape.extent()
        roi.setState({"pos": (x0, y0), "size": (x1 - x0, y1 - y0), "angle": 0.0})
    elif isinstance(shape, Ellipse):
        corner = QPointF(shape.cx, shape.cy) - QTransform().rotate(shape.angle).map(
            QPointF(shape.rx, shape.ry)
        )
        size = (2 * shape.rx, 2 * shape.ry)
        roi.setState({"pos": (corner.x(), corner.y()), "size": size, "angle": shape.angle})
    elif isinstance(shape, Polygon):
        roi.setPos((0, 0), update=False)
        for handle, (x, y) in zip(roi.handles, shape.points, strict=True):
            handle["pos"] = pg.Point(x, y)
            handle["item"].setPos(x, y)
        for item in (*roi.segments, roi):
            item.stateChanged(finish=False)


def roi_kind(shape: Shape, colour: str) -> tuple[str, str, int]:
    """Shapes of one kind can share a ROI one after another."""
    return type(shape).__name__, colour, len(shape.points) if isinstance(shape, Polygon) else 0


def shape_of(roi: Any, former: Shape) -> Shape:
    """The shape that a ROI has been dragged to."""
    if isinstance(former, Box):
        pos, size = roi.pos(), roi.size()
        return Box(*_tidy(pos.x(), pos.y(), pos.x() + size.x(), pos.y() + size.y()))
    if isinstance(former, Ellipse):
        size = roi.size()
        centre = roi.mapToParent(QPointF(size.x() / 2, size.y() / 2))
        angle = (roi.angle() + 180.0) % 360.0 - 180.0
        return Ellipse(*_tidy(centre.x(), centre.y(), abs(size.x()) / 2, abs(size.y()) / 2, angle))
    points = [roi.mapToParent(handle.pos()) for handle in roi.getHandles()]
    return Polygon(tuple((_round(p.x()), _round(p.y())) for p in points))


def _round(value: float) -> float:
    return round(value, _DIGITS)


def _tidy(*values: float) -> tuple[float, ...]:
    return tuple(_round(value) for value in values)


def moved(shape: Shape, x: float, y: float, width: float, height: float) -> Shape:
    """The shape fitted into another bounding box: what typing its position and size does."""
    x0, y0, x1, y1 = shape.extent()
    sx = width / (x1 - x0) if x1 > x0 else 1.0
    sy = height / (y1 - y0) if y1 > y0 else 1.0

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return _round(x + (point[0] - x0) * sx), _round(y + (point[1] - y0) * sy)

    if isinstance(shape, Box):
        return Box(*_tidy(x, y, x + width, y + height))
    if isinstance(shape, Ellipse):
        if shape.angle % 180 == 0:
            rx, ry = width / 2, height / 2
        else:  # a turned ellipse keeps its proportions
            rx, ry = shape.rx * min(sx, sy), shape.ry * min(sx, sy)
        return Ellipse(*_tidy(x + width / 2, y + height / 2, rx, ry, shape.angle))
    if isinstance(shape, Polygon):
        return Polygon(tuple(place(point) for point in shape.points))
    strokes = tuple(
        type(stroke)(tuple(place(point) for point in stroke.points), stroke.radius * min(sx, sy))
        for stroke in shape.strokes
    )
    return Brush(strokes)
