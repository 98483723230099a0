"""What part of the picture is looked at: shared by all panes, so they always show the same."""

from PySide6.QtCore import QObject, Signal

_SMALLEST, _LARGEST = 0.01, 64.0


class Viewport(QObject):
    """A centre in picture pixels and a zoom in screen pixels a picture pixel (device pixels).

    Signals:
        changed: the centre or the zoom is another one.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.x, self.y, self.zoom = 0.0, 0.0, 1.0
        self.fitted = True
        """Whether the whole picture is shown and shall stay so when a pane changes its size."""

    def set(self, x: float, y: float, zoom: float, fitted: bool = False) -> None:
        zoom = min(max(zoom, _SMALLEST), _LARGEST)
        self.fitted = fitted
        if (x, y, zoom) != (self.x, self.y, self.zoom):
            self.x, self.y, self.zoom = x, y, zoom
            self.changed.emit()

    @property
    def remembered(self) -> tuple[float, float, float] | None:
        """Centre and zoom; None while the whole picture is shown, whatever size the pane will have."""
        return None if self.fitted else (self.x, self.y, self.zoom)

    def pan(self, dx: float, dy: float) -> None:
        """Move by picture pixels."""
        self.set(self.x + dx, self.y + dy, self.zoom)

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom so that the picture point (x, y) stays where it is on the screen."""
        zoom = min(max(self.zoom * factor, _SMALLEST), _LARGEST)
        share = self.zoom / zoom
        self.set(x + (self.x - x) * share, y + (self.y - y) * share, zoom)

    def fit(self, width: float, height: float, pane_width: float, pane_height: float) -> None:
        """Show a picture of width x height whole in a pane of that many device pixels."""
        zoom = min(pane_width / width, pane_height / height) * 0.98
        self.set(width / 2, height / 2, zoom, fitted=True)
