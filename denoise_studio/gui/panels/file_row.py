"""One parameter that is a file: its name, a button to choose another, one to take none."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from denoise_studio.core.parameter import Parameter
from denoise_studio.engine.dark_frames import DARK_ROLE, SUFFIX
from denoise_studio.gui.icons import icon

_NONE = "none"
_ALL = "All files (*)"
_FILTERS = {DARK_ROLE: f"Dark profiles (*{SUFFIX})"}


class _Cut(QLabel):
    """A name that is cut in the middle where there is little room."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_name(self, name: str) -> None:
        self._whole = name
        self.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.show_name(self._whole)


class FileRow(QWidget):
    """Shows the name of a file; the path is in the tooltip.

    Signals:
        edited: the path that was chosen.
        cleared: no file is wanted.
    """

    edited = Signal(str)
    cleared = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parameter = parameter
        self._path = ""
        self.label, self.name = QLabel(parameter.label), _Cut()
        self.choose, self.clear = QToolButton(), QToolButton()
        self.label.setToolTip(parameter.description)
        self.name.setAccessibleName(f"File of {parameter.label}")
        self.choose.setIcon(icon("open"))
        self.choose.setAccessibleName(f"Choose {parameter.label}")
        self.choose.setToolTip(f"Choose a file. {parameter.description}")
        self.clear.setText("✕")
        self.clear.setFixedWidth(24)
        self.clear.setAccessibleName(f"Clear {parameter.label}")
        self.clear.setToolTip(f"Take no file for {parameter.label}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 3, 0, 3)
        layout.setSpacing(5)
        layout.addWidget(self.label)
        layout.addWidget(self.name, 1)
        for button in (self.choose, self.clear):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            layout.addWidget(button)
        self.choose.clicked.connect(self._choose)
        self.clear.clicked.connect(self.cleared)
        self.set_value("")

    def set_value(self, path: str) -> None:
        """Show this file without telling anybody; "" for none."""
        self._path = path
        self.clear.setEnabled(bool(path))
        self.name.setEnabled(bool(path))
        self.name.setToolTip(path or self._parameter.description)
        self.name.show_name(Path(path).name if path else _NONE)

    def _choose(self) -> None:
        filters = ";;".join(part for part in (_FILTERS.get(self._parameter.role, ""), _ALL) if part)
        folder = str(Path(self._path).parent if self._path else Path.home())
        dialog = QFileDialog(self, f"Choose {self._parameter.label}", folder, filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.edited)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
