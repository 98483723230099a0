"""Place, size and angle of a region in number boxes."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QWidget

from denoise_studio.core.region import Ellipse, Region, Shape
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.gui.views.region_items import moved

_GEOMETRY = (
    ("x", "x", "Left edge"),
    ("y", "y", "Upper edge"),
    ("width", "w", "Width"),
    ("height", "h", "Height"),
    ("angle", "∠", "Angle"),
)


class RegionGeometry(QWidget):
    """Five boxes; the angle is there for ellipses alone.

    Signals:
        placed: the shape that was typed.
    """

    placed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shape: Shape | None = None
        self.boxes: dict[str, QDoubleSpinBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        for place, (key, sign, label) in enumerate(_GEOMETRY):
            box = QDoubleSpinBox()
            box.setRange(*((-180, 180) if key == "angle" else (-1e6, 1e6)))
            box.setDecimals(1)
            box.setSuffix("°" if key == "angle" else " px")
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setKeyboardTracking(False)
            box.setFixedWidth(108)
            box.setAccessibleName(f"{label} of the region")
            box.setToolTip(
                f"{label} of the selected region in {'degrees' if key == 'angle' else 'picture pixels'}"
            )
            leave_wheel_to_panel(box)
            box.valueChanged.connect(self._typed)
            self.boxes[key] = box
            name = QLabel(sign)
            name.setObjectName("quiet")
            name.setBuddy(box)
            row, column = divmod(place, 2)
            grid.addWidget(name, row, 2 * column)
            grid.addWidget(box, row, 2 * column + 1)
            if key == "angle":
                self._angle_label = name
        grid.setColumnStretch(4, 1)

    def show_region(self, region: Region) -> None:
        """Show where a region is."""
        self._shape = region.shape
        x0, y0, x1, y1 = region.shape.extent()
        turns = isinstance(region.shape, Ellipse)
        angle = region.shape.angle if isinstance(region.shape, Ellipse) else 0.0
        for widget in (self._angle_label, self.boxes["angle"]):
            widget.setVisible(turns)
        for box, value in zip(self.boxes.values(), (x0, y0, x1 - x0, y1 - y0, angle), strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)

    def _typed(self, value: float) -> None:
        shape = self._shape
        if shape is None:
            return
        x, y, width, height, angle = (box.value() for box in self.boxes.values())
        if isinstance(shape, Ellipse) and round(angle, 1) != round(shape.angle, 1):
            shape = Ellipse(shape.cx, shape.cy, shape.rx, shape.ry, angle)
        else:
            shape = moved(shape, x, y, max(width, 1.0), max(height, 1.0))
        self.placed.emit(shape)
