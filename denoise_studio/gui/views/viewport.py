"""What part of the picture is looked at, and which way up: shared by all panes, so they show the same."""

from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, Signal

_SMALLEST, _LARGEST = 0.01, 64.0


class Turn(NamedTuple):
    """How the picture is held: mirrored left for right if `flipped`, then turned clockwise by quarters.

    Only how it is shown; every coordinate stays one of the picture.
    """

    quarters: int = 0
    flipped: bool = False

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        """(a, b, c, d): a picture vector (x, y) points to (ax + by, cx + dy) on the screen."""
        a, b, c, d = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))[self.quarters]
        return (-a, b, -c, d) if self.flipped else (a, b, c, d)

    @property
    def across(self) -> bool:
        """Whether the picture's rows stand upright on the screen."""
        return self.quarters % 2 == 1

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """A picture vector as it points on the screen."""
        a, b, c, d = self.matrix
        return a * x + b * y, c * x + d * y

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """A screen vector as it points in the picture."""
        a, b, c, d = self.matrix
        return a * x + c * y, b * x + d * y

    def turned(self, quarters: int) -> "Turn":
        """Turned further, clockwise as it is seen."""
        return Turn((self.quarters + quarters) % 4, self.flipped)

    def mirrored(self) -> "Turn":
        """What is at the left comes to the right, as it is seen."""
        return Turn(-self.quarters % 4, not self.flipped)

    def upended(self) -> "Turn":
        """What is at the top comes to the bottom, as it is seen."""
        return Turn((2 - self.quarters) % 4, not self.flipped)


UPRIGHT = Turn()


class Viewport(QObject):
    """A centre in picture pixels, a zoom in screen pixels a picture pixel (device pixels), and a turn.

    Signals:
        changed: the centre, the zoom or the turn is another one.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.x, self.y, self.zoom = 0.0, 0.0, 1.0
        self.turn = UPRIGHT
        self.fitted = True
        """Whether the whole picture is shown and shall stay so when a pane changes its size."""

    def set(self, x: float, y: float, zoom: float, fitted: bool = False, turn: Turn | None = None) -> None:
        """Look at another part; a turn that is not given stays."""
        zoom = min(max(zoom, _SMALLEST), _LARGEST)
        turn = self.turn if turn is None else turn
        self.fitted = fitted
        if (x, y, zoom, turn) != (self.x, self.y, self.zoom, self.turn):
            self.x, self.y, self.zoom, self.turn = x, y, zoom, turn
            self.changed.emit()

    @property
    def remembered(self) -> tuple[float, float, float] | None:
        """Centre and zoom; None while the whole picture is shown, whatever size the pane will have."""
        return None if self.fitted else (self.x, self.y, self.zoom)

    def pan(self, dx: float, dy: float) -> None:
        """Move by picture pixels."""
        self.set(self.x + dx, self.y + dy, self.zoom)

    def pan_screen(self, dx: float, dy: float) -> None:
        """Move what is seen by so many device pixels to the right and down."""
        x, y = self.turn.to_picture(dx, dy)
        self.pan(-x / self.zoom, -y / self.zoom)

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom so that the picture point (x, y) stays where it is on the screen."""
        zoom = min(max(self.zoom * factor, _SMALLEST), _LARGEST)
        share = self.zoom / zoom
        self.set(x + (self.x - x) * share, y + (self.y - y) * share, zoom)

    def fit(
        self, width: float, height: float, pane_width: float, pane_height: float, turn: Turn | None = None
    ) -> None:
        """Show a picture of width x height whole in a pane of that many device pixels."""
        turn = self.turn if turn is None else turn
        wide, high = (height, width) if turn.across else (width, height)
        zoom = min(pane_width / wide, pane_height / high) * 0.98
        self.set(width / 2, height / 2, zoom, fitted=True, turn=turn)

    def from_picture(self, point: QPointF, width: float, height: float, ratio: float) -> QPointF:
        """Picture coordinates to those of a widget of this size and device pixel ratio."""
        scale = self.zoom / ratio
        x, y = self.turn.to_screen(point.x() - self.x, point.y() - self.y)
        return QPointF(x * scale + width / 2, y * scale + height / 2)

    def to_picture(self, point: QPointF, width: float, height: float, ratio: float) -> QPointF:
        """The reverse of `from_picture`."""
        scale = self.zoom / ratio
        x, y = self.turn.to_picture((point.x() - width / 2) / scale, (point.y() - height / 2) / scale)
        return QPointF(self.x + x, self.y + y)
