"""Rows under a heading that folds away."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget


class ParameterGroup(QWidget):
    """A small header and rows below it.

    Signals:
        folded: whether it is open now.
    """

    folded = Signal(bool)

    def __init__(self, title: str, open_: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.header = QToolButton()
        self.header.setObjectName("group")
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setCheckable(True)
        self.header.setChecked(open_)
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.header.setToolTip(f"Show or hide the controls of “{title}”")
        self.content = QWidget()
        self.rows = QVBoxLayout(self.content)
        self.rows.setContentsMargins(0, 0, 0, 4)
        self.rows.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.content)
        self.header.toggled.connect(self._fold)
        self.header.toggled.connect(self.folded)
        self.set_changed(0)
        self._fold(open_)

    def add_caption(self, text: str) -> None:
        caption = QLabel(text)
        caption.setObjectName("quiet")
        self.rows.addWidget(caption)

    def set_changed(self, count: int) -> None:
        """Tell how many rows were changed by hand, so that nothing hides in a folded group."""
        self.header.setText(f"{self._title}  ·  {count} changed" if count else self._title)
        self.header.setAccessibleName(f"{self.header.text()}: fold or unfold")

    def _fold(self, open_: bool) -> None:
        self.header.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.content.setVisible(open_)
