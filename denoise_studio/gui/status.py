"""The status bar: cursor values, device line, progress with cancel. Nothing moves when numbers change."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from denoise_studio.core.geometry import Rect
from denoise_studio.core.types import FloatArray
from denoise_studio.engine.bias_guard import Guard
from denoise_studio.engine.render import compose
from denoise_studio.engine.session import Response
from denoise_studio.gui.document import Document


class StatusBar(QStatusBar):
    """Cursor read-out at the left, device line at the right.

    Signals:
        cancelled: the user wants the running job to stop.
    """

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.under_cursor = QLabel()
        self.under_cursor.setAccessibleName("Values under the cursor")
        self.under_cursor.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.notice = QLabel("Not for diagnosis")
        self.notice.setAccessibleName("Notice")
        self.notice.setToolTip("Denoise Studio is no medical device.")
        self.means = QLabel()
        self.means.setObjectName("warning")
        self.means.setAccessibleName("Means that moved")
        self.means.hide()
        self.device = QLabel()
        self.device.setAccessibleName("Device, precision, tile and time")
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(150)
        self.progress.setAccessibleName("Progress of the running job")
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setAccessibleName("Cancel the running job")
        self.cancel.setToolTip("Stop the running job; nothing half-done is kept")
        self.cancel.clicked.connect(self.cancelled)
        self.addWidget(self.under_cursor, 1)
        for widget in (self.progress, self.cancel, self.means, self.notice, self.device):
            self.addPermanentWidget(widget)
        self.hide_progress()
        self.notice.hide()
        self._message_timer = QTimer(self)
        self._message_timer.setSingleShot(True)
        self._message_timer.timeout.connect(self._forget_message)
        self._message = ""

    def show_cursor(
        self,
        document: Document | None,
        point: QPointF | None,
        more: Callable[[int, int], str] = lambda x, y: "",
    ) -> None:
        """Values before and after at a picture point, in the picture's own unit and in mm.

        `more` has something to add about a pixel, such as a parameter's value there.
        """
        if self._message:
            return
        text = ""
        if document is not None and point is not None:
            x, y = int(point.x() // 1), int(point.y() // 1)
            if 0 <= x < document.picture.width and 0 <= y < document.picture.height:
                text = "   ".join(filter(None, (cursor_text(document, x, y), more(x, y))))
        self.under_cursor.setText(text)

    def say(self, text: str, seconds: float = 6.0) -> None:
        """Show a sentence in place of the cursor values for a while."""
        self._message = text
        self.under_cursor.setText(text)
        self._message_timer.start(int(seconds * 1000))

    def show_means(self, guard: Guard | None) -> None:
        """Flag that a mean moved further than it may."""
        worst = max(guard.flagged, key=lambda moved: abs(moved.amount), default=None) if guard else None
        self.means.setVisible(worst is not None)
        if guard is not None and worst is not None:
            amount = f"{worst.amount:+.1f}".replace("-", "−")
            self.means.setText(f"⚑ mean {amount} {guard.unit}")
            self.means.setToolTip(guard.sentence())

    def _forget_message(self) -> None:
        self._message = ""
        self.under_cursor.setText("")

    def show_device(self, response: Response | None, precision: str = "float32") -> None:
        """Device, precision, tile, milliseconds, and why it fell back."""
        if response is None:
            self.device.setText("")
            return
        text = (
            f"{response.device.name} · {precision} · tile {response.tile} px · {_time(response.milliseconds)}"
        )
        if response.fallback:
            text += f" · {response.fallback}"
        self.device.setText(text)
        self.device.setToolTip(response.fallback or "Where the method ran, and how long")

    def show_progress(self, fraction: float, text: str) -> None:
        self.progress.setValue(round(fraction * 1000))
        self.progress.setFormat(text)
        self.progress.setToolTip(text)
        self.progress.show()
        self.cancel.show()

    def hide_progress(self) -> None:
        self.progress.hide()
        self.cancel.hide()


def cursor_text(document: Document, x: int, y: int) -> str:
    """Position, distance in mm, and the value before and after at one pixel."""
    picture = document.picture
    place = f"x {x}  y {y}"
    if picture.spacing is not None:
        place += f"  ({x * picture.spacing[1]:.1f}, {y * picture.spacing[0]:.1f} mm)"
    if picture.mosaic is not None:
        place += f"  {picture.mosaic.site_at(x, y).name}"
    return f"{place}   {values_text(document, x, y)}"


def values_text(document: Document, x: int, y: int) -> str:
    """The value before and after at one pixel, with its unit."""
    picture, response = document.picture, document.response
    if picture.padding is not None and picture.padding[y, x]:
        return "padding, left as it is"
    unit = f" {picture.unit}" if picture.unit else ""
    before = _values(picture.pixels[:, y, x], picture.span)
    if response is None:
        return f"{before}{unit}"
    pixel = compose(picture, response.layer.pixels, response.recipe, Rect(x, y, 1, 1))[:, 0, 0]
    pending = "" if document.is_final else "  (not final)"
    return f"{before} → {_values(pixel, picture.span)}{unit}{pending}"


def _values(values: FloatArray, span: float) -> str:
    digits = 1 if span >= 50 else 4
    text = "  ".join(f"{value:.{digits}f}" for value in values)
    return (text if values.size == 1 else f"({text})").replace("-", "−")


def _time(milliseconds: float) -> str:
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
