"""Drawing, selecting and dragging regions on the pictures."""

import functools
from enum import StrEnum
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from denoise_studio.core.geometry import Rect
from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Region, Shape, Stroke
from denoise_studio.gui.document import Document
from denoise_studio.gui.views.compare import Compare
from denoise_studio.gui.views.region_items import (
    RegionOutline,
    make_roi,
    outline,
    place_roi,
    roi_kind,
    shape_of,
)

COLOURS = ("#ffb454", "#7ee0a3", "#f28bd3", "#8fd3ff", "#e8e06a", "#c9a5ff")
"""Outlines by index: told apart by lightness as well as hue."""

_SMALLEST = 3.0
"""Sides below this many pixels are a slip of the hand, not a region."""


class Tool(StrEnum):
    NAVIGATE = "navigate"
    BOX = "box"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    BRUSH = "brush"
    MEASURE = "measure"
    """A distance: no region, see `views.marks`."""


class RegionTools(QObject):
    """Keeps the drawn regions those of the recipe, and turns drags into edits.

    Signals:
        tool_changed: the tool in hand.
        measured: a drag of the measuring tool: start, point, "start" | "move" | "end" | "double".
    """

    tool_changed = Signal(str)
    measured = Signal(QPointF, QPointF, str)

    def __init__(self, compare: Compare, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._compare = compare
        self._document: Document | None = None
        self.tool = Tool.NAVIGATE
        self.brush_radius = 12.0
        self._outlines: list[tuple[Any, QGraphicsPathItem]] = []
        self._roi: Any = None
        self._rois: dict[tuple[str, str, int], Any] = {}
        self._roi_shape: Shape | None = None
        self._gesture = 0
        self._index = -1
        self._points: list[tuple[float, float]] = []
        self._strokes: tuple[Stroke, ...] = ()
        self._fresh = True
        self._clicking = False
        compare.drawn.connect(self._draw)
        compare.clicked.connect(self._click)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.selection_changed.disconnect(self._reselect)
        self._document = document
        if document is not None:
            document.recipe_changed.connect(self.refresh)
            document.selection_changed.connect(self._reselect)
        self._reselect()

    def set_tool(self, tool: Tool) -> None:
        self.tool = tool
        drawing = self._index != -1
        self._points, self._index, self._gesture, self._clicking = [], -1, 0, False
        if drawing:  # it ends here
            self.refresh()
        self._compare.set_tool_cursor(tool is not Tool.NAVIGATE)
        self.tool_changed.emit(tool.value)

    # Showing

    def _reselect(self, index: int = -1) -> None:
        self._drop_roi()
        self.refresh()

    def _drop_roi(self) -> None:
        """Hide it. It stays in the scene: pyqtgraph's ROIs crash when Python collects them."""
        if self._roi is not None:
            self._roi.setVisible(False)
        self._roi, self._roi_shape = None, None

    def refresh(self) -> None:
        """Draw the recipe's regions again."""
        for box, item in self._outlines:
            box.removeItem(item)
        self._outlines = []
        document = self._document
        if document is None:
            self._drop_roi()
            return
        for index, region in enumerate(document.recipe.regions):
            selected = index == document.selected
            path, colour = outline(region.shape), COLOURS[index % len(COLOURS)]
            for pane in self._compare.panes:
                item = RegionOutline(path, colour, selected, region.enabled)
                pane.box.addItem(item, ignoreBounds=True)
                self._outlines.append((pane.box, item))
        self._sync_roi(document)

    def _sync_roi(self, document: Document) -> None:
        region = document.selected_region
        if region is None or self._index >= 0:
            self._drop_roi()
            return
        if self._roi is not None and region.shape == self._roi_shape:
            return
        self._drop_roi()
        colour = COLOURS[document.selected % len(COLOURS)]
        roi = self._rois.get(roi_kind(region.shape, colour)) or self._make_roi(region.shape, colour)
        if roi is None:
            return
        place_roi(roi, region.shape)
        roi.setVisible(True)
        self._roi, self._roi_shape = roi, region.shape

    def _make_roi(self, shape: Shape, colour: str) -> Any:
        roi = make_roi(shape, colour)
        if roi is None:
            return None
        self._rois[roi_kind(shape, colour)] = roi
        self._compare.after.box.addItem(roi, ignoreBounds=True)
        roi.sigRegionChangeStarted.connect(self._roi_started)
        roi.sigRegionChanged.connect(self._roi_moved)
        roi.sigRegionChangeFinished.connect(self._roi_finished)
        roi.setAcceptedMouseButtons(Qt.MouseButton.LeftButton)
        roi.sigClicked.connect(self._roi_clicked)
        for number, segment in enumerate(getattr(roi, "segments", ())):
            # A corner more needs another ROI: pyqtgraph's own way leaves a handle that cannot be dragged.
            segment.sigClicked.disconnect(roi.segmentClicked)
            segment.sigClicked.connect(functools.partial(self._edge_clicked, number))
        return roi

    # Dragging handles

    def _roi_started(self) -> None:
        self._gesture = Document.begin_gesture()

    def _roi_clicked(self, roi: Any, event: Any) -> None:
        """A click without a drag selects what lies on top there, as it does beside the handles."""
        point = roi.mapToParent(event.pos())
        QTimer.singleShot(0, self, lambda: self._click(point))  # the ROI may go: not in its own event

    def _edge_clicked(self, number: int, segment: Any, event: Any) -> None:
        """A click on an edge of a free shape gives it a corner there; edge 0 closes the shape."""
        point = segment.mapToParent(event.pos())
        QTimer.singleShot(0, self, lambda: self._add_corner(number, point))

    def _add_corner(self, number: int, point: QPointF) -> None:
        document = self._document
        region = document.selected_region if document is not None else None
        if document is None or region is None or not isinstance(region.shape, Polygon):
            return
        points = list(region.shape.points)
        points.insert(number or len(points), (round(point.x(), 2), round(point.y(), 2)))
        changed = region.replace(shape=Polygon(tuple(points)))
        recipe = document.recipe.with_region(document.selected, changed)
        document.edit(recipe, "add corner", Document.begin_gesture())

    def _roi_moved(self) -> None:
        document = self._document
        if document is None or self._roi is None or self._roi_shape is None:
            return
        region = document.selected_region
        shape = shape_of(self._roi, self._roi_shape)
        if region is None or shape == region.shape:
            return
        self._roi_shape = shape  # the ROI is there already: refresh must not make another
        changed = region.replace(shape=shape)
        document.edit(document.recipe.with_region(document.selected, changed), "move region", self._gesture)

    def _roi_finished(self) -> None:
        self._roi_moved()
        self._gesture = 0

    # Drawing new ones

    def _draw(self, start: QPointF, point: QPointF, phase: str) -> None:
        if self._document is None:
            return
        if self.tool is Tool.MEASURE:
            self.measured.emit(start, point, phase)
            if phase == "end":
                self.set_tool(Tool.NAVIGATE)
        elif self.tool is Tool.BRUSH and phase != "double":
            self._paint(point, phase)
        elif self.tool is Tool.POLYGON:
            self._free_shape(point, phase)
        elif self.tool in (Tool.BOX, Tool.ELLIPSE) and phase != "double":
            self._span(start, point, phase)

    def _span(self, start: QPointF, point: QPointF, phase: str) -> None:
        if phase == "start":
            self._begin()
            return
        x0, x1 = sorted((round(start.x()), round(point.x())))
        y0, y1 = sorted((round(start.y()), round(point.y())))
        if x1 - x0 >= _SMALLEST and y1 - y0 >= _SMALLEST:
            if self.tool is Tool.BOX:
                self._put(Box(float(x0), float(y0), float(x1), float(y1)))
            else:
                self._put(Ellipse((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2))
        if phase == "end":
            self._end()

    def _free_shape(self, point: QPointF, phase: str) -> None:
        """A drag draws the outline; clicks set corner after corner, until a double click or the first one."""
        spot = (round(point.x(), 1), round(point.y(), 1))
        step = 4.0 / self._compare.viewport.zoom
        if phase == "start" and not self._clicking:
            self._begin()
            self._points = []
        if phase == "move" or (phase == "start" and not self._clicking):
            self._clicking = False
            if not self._points or _distance(self._points[-1], spot) >= step:
                self._points.append(spot)
        elif phase == "end" and (self._clicking or len(self._points) < 2):
            self._set_corner(spot, step)
            return
        elif phase in ("end", "double"):
            self._close_shape(_simplified(self._points, step / 3) if phase == "end" else None)
            return
        if len(self._points) >= 3:
            self._put(Polygon(tuple(self._points)))

    def _set_corner(self, spot: tuple[float, float], step: float) -> None:
        if self._clicking and len(self._points) >= 3 and _distance(self._points[0], spot) < 2 * step:
            self._close_shape(None)
            return
        if not self._clicking:
            self._points = []
        self._clicking = True
        if not self._points or _distance(self._points[-1], spot) >= step:
            self._points.append(spot)
        if len(self._points) >= 3:
            self._put(Polygon(tuple(self._points)))
        else:
            self._show_corners()

    def _close_shape(self, outline_: tuple[tuple[float, float], ...] | None) -> None:
        points = tuple(self._points) if outline_ is None else outline_
        self._clicking = False
        if len(points) >= 3:
            self._put(Polygon(points))
        self._end()

    def _show_corners(self) -> None:
        """The first corners, which are no shape yet."""
        self.refresh()
        path = QPainterPath(QPointF(*self._points[0]))
        size = 3.0 / self._compare.viewport.zoom
        for corner in self._points:
            path.lineTo(QPointF(*corner))
            path.addEllipse(QPointF(*corner), size, size)
            path.moveTo(QPointF(*corner))
        for pane in self._compare.panes:
            item = RegionOutline(path, "#ffffff", True, True)
            pane.box.addItem(item, ignoreBounds=True)
            self._outlines.append((pane.box, item))

    def _paint(self, point: QPointF, phase: str) -> None:
        document = self._document
        assert document is not None
        spot = (round(point.x(), 1), round(point.y(), 1))
        if phase == "start":
            self._points = []
            region = document.selected_region
            self._begin()
            if region is not None and isinstance(region.shape, Brush):
                self._index, self._fresh = document.selected, False
                self._strokes = region.shape.strokes
            else:
                self._strokes = ()
        if not self._points or _distance(self._points[-1], spot) >= self.brush_radius / 5:
            self._points.append(spot)
            stroke = Stroke(tuple(self._points), self.brush_radius)
            self._put(Brush((*self._strokes, stroke)))
        if phase == "end":
            # A tenth of what the eye could tell at the rim; masks cost by the point.
            path = _simplified_path(self._points, self.brush_radius / 20)
            self._put(Brush((*self._strokes, Stroke(path, self.brush_radius))))
            self._end()

    def _begin(self) -> None:
        self._gesture = Document.begin_gesture()
        self._index, self._fresh = -2, True

    def _put(self, shape: Shape) -> None:
        """Add the region that is being drawn, or give it its new shape."""
        document = self._document
        assert document is not None
        recipe = document.recipe
        if self._index < 0:
            region = Region(shape=shape, name=free_name(recipe.regions), feather=default_feather(shape))
            self._index = len(recipe.regions)
            document.edit(recipe.replace(regions=(*recipe.regions, region)), "add region", self._gesture)
            document.select(self._index)
        elif self._index < len(recipe.regions):  # else it was undone while the button is down
            region = recipe.regions[self._index]
            feather = default_feather(shape) if self._fresh else region.feather
            changed = region.replace(shape=shape, feather=feather)
            document.edit(recipe.with_region(self._index, changed), "add region", self._gesture)

    def _end(self) -> None:
        drawn, self._index, self._gesture = self._index, -1, 0
        if drawn >= 0 and self.tool is not Tool.BRUSH:
            self.set_tool(Tool.NAVIGATE)
        self.refresh()

    def _click(self, point: QPointF) -> None:
        """Select the topmost region under the point, or none."""
        document = self._document
        if document is None:
            return
        pixel = Rect(int(point.x()), int(point.y()), 1, 1)
        for index in reversed(range(len(document.recipe.regions))):
            if document.recipe.regions[index].mask(pixel)[0, 0] > 0:
                document.select(index)
                return
        document.select(-1)


def free_name(regions: tuple[Region, ...]) -> str:
    """The name "Region n" with the smallest n that is free."""
    names = {region.name for region in regions}
    return next(f"Region {n}" for n in range(1, len(regions) + 2) if f"Region {n}" not in names)


def default_feather(shape: Shape) -> float:
    """A soft edge that suits the region's size: a tenth of its shorter side, at most 8 px."""
    x0, y0, x1, y1 = shape.extent()
    return float(min(8, max(1, round(min(x1 - x0, y1 - y0) / 10))))


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5


def _simplified(points: list[tuple[float, float]], tolerance: float) -> tuple[tuple[float, float], ...]:
    """Fewer vertices within the tolerance (Douglas and Peucker), so that each can have a handle."""
    from skimage.measure import approximate_polygon

    kept = approximate_polygon(np.array([*points, points[0]]), tolerance)[:-1]
    return tuple((float(x), float(y)) for x, y in kept) if len(kept) >= 3 else tuple(points)


def _simplified_path(points: list[tuple[float, float]], tolerance: float) -> tuple[tuple[float, float], ...]:
    """The same for an open path, whose two ends stay."""
    from skimage.measure import approximate_polygon

    return tuple((float(x), float(y)) for x, y in approximate_polygon(np.array(points), tolerance))


__all__ = ["COLOURS", "RegionTools", "Tool", "default_feather", "free_name"]
