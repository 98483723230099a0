"""Full screen for a lecture: only the pictures, with large type. Keys work; Esc leaves."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QSplitter, QWidget

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

LARGE = 2.0
"""How many times larger the type over the pictures is."""


class Lecture(QObject):
    """Hides everything but the pictures, and brings it back as it was.

    Signals:
        turned: whether it is on.
    """

    turned = Signal(bool)

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._frame: list[QWidget] = []
        self._left = False
        self._state = Qt.WindowState.WindowNoState
        self.on = False
        window.current_changed.connect(self._other_document)

    def turn(self, on: bool) -> None:
        """Begin or end."""
        if on == self.on:
            return
        self.on = on
        window = self._window
        if on:
            self._state = window.windowState()
            self._left = not window.left.isHidden()
            self._frame = [widget for widget in self._around() if not widget.isHidden()]
            for widget in (*self._frame, window.left, window.lower_area):
                widget.hide()
            window.setWindowState(self._state | Qt.WindowState.WindowFullScreen)
        else:
            window.setWindowState(self._state)
            for widget in self._frame:
                widget.show()
            window.left.setVisible(self._left)
            window.lower_area.set_available(window.document is not None)
        self.turned.emit(on)

    def _other_document(self, document: object) -> None:
        """Another picture brings its panels back; without one there is nothing to lecture on."""
        if self.on:
            self._left = not self._window.left.isHidden()
            self._window.left.hide()
            self._window.lower_area.hide()
            if document is None:
                self.turn(False)

    def _around(self) -> list[QWidget]:
        """What frames the pictures at all times."""
        window = self._window
        across = window.centralWidget()
        assert isinstance(across, QSplitter)
        around: list[QWidget] = [window.menuBar(), window.tool_bar, window.status]
        for index in range(across.count()):
            widget = across.widget(index)
            if widget is not None and widget not in (window.middle, window.left):
                around.append(widget)
        return around
