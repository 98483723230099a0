"""The wheel scrolls a panel; it must not turn the numbers that pass under the cursor."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QWidget


class _Unfocused(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # the panel around it scrolls
            return True
        return False


def leave_wheel_to_panel(*widgets: QWidget) -> None:
    """Let these take the wheel only while they have the keyboard."""
    for widget in widgets:
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(_Unfocused(widget))
