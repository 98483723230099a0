"""Hold-to-see-original: keys that act while they are down."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

from denoise_studio.gui.views.compare import Compare


class HoldKeys(QObject):
    """Watches the keys of an action for their release, which a shortcut does not know."""

    def __init__(self, window: QWidget, compare: Compare, action: QAction) -> None:
        super().__init__(window)
        self._window = window
        self._compare = compare
        self.keys = [keys[0].key() for keys in action.shortcuts()]  # type: ignore[index]
        action.setShortcuts([])
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def stop(self) -> None:
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            if event.isAutoRepeat() or not self._is_hold_key(event):
                return False
            if event.type() == QEvent.Type.KeyPress and self._window.isActiveWindow() and not _typing():
                self._compare.hold(True)
            elif event.type() == QEvent.Type.KeyRelease and self._compare.holding:
                self._compare.hold(False)
        elif (
            event.type() == QEvent.Type.WindowDeactivate and watched is self._window and self._compare.holding
        ):
            self._compare.hold(False)  # the key's release goes to another program
        return False

    def _is_hold_key(self, event: QKeyEvent) -> bool:
        return not event.modifiers() and event.key() in self.keys


def _typing() -> bool:
    return isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox)
