"""Tabs below the pictures, which fold away together."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QToolButton, QWidget


class LowerArea(QTabWidget):
    """Panels by the id of the action that shows and folds each.

    Signals:
        turned: id of the panel that is shown now, "" while all are folded.
    """

    turned = Signal(str)

    def __init__(self, panels: dict[str, tuple[str, str, QWidget]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ids = list(panels)
        self._available = False
        self._open = True
        self._gone = ""
        self.setDocumentMode(True)
        self.setMinimumHeight(150)
        self.tabBar().setAccessibleName("What is shown below the pictures")
        for arrow in self.tabBar().findChildren(QToolButton):
            arrow.setToolTip("More tabs")
        for title, tip, panel in panels.values():
            self.setTabToolTip(self.addTab(panel, title), tip)
        self.currentChanged.connect(self._tell)

    def set_available(self, available: bool) -> None:
        """Without a picture there is nothing to show."""
        self._available = available
        self._tell()

    def offer(self, id: str, on: bool) -> None:
        """Show or hide a panel's tab: it may mean nothing for a kind of picture.

        One that was open when its tab went is open again when the tab comes back, unless another
        was chosen meanwhile.
        """
        index = self._ids.index(id)
        if on == self.isTabVisible(index):
            return
        if not on and self.currentIndex() == index:
            self.setCurrentIndex(0)
            self._gone = id
        self.setTabVisible(index, on)
        self.setTabText(index, self.tabText(index))  # Qt keeps the width of a hidden tab without its padding
        if on and self._gone == id and self.currentIndex() == 0:
            self.setCurrentIndex(index)
        self._tell()

    def show_panel(self, id: str, on: bool) -> None:
        """Open at this panel, or fold away; nothing for a tab that is not offered."""
        index = self._ids.index(id)
        if on and not self.isTabVisible(index):
            self._tell()
            return
        self._open = on
        if on:
            self.setCurrentIndex(index)
        self._tell()

    def _tell(self, *_: int) -> None:
        if self.currentIndex() != 0:
            self._gone = ""
        self.setVisible(self._available and self._open)
        self.turned.emit(self._ids[self.currentIndex()] if self._open else "")
