"""What a method found in the picture, or how far it is with looking: one line and a button."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from denoise_studio.gui.fit_watch import FitState, Standing, percent

_WORDS = {
    Standing.STOPPED: "stopped; the maps are not final",
    Standing.FAILED: "no maps could be found",
    Standing.DONE: "maps found",
}


class FitLine(QWidget):
    """Keeps its height whatever it says.

    Signals:
        stop: the user has seen enough.
        again: the user wants it done after all.
    """

    stop = Signal()
    again = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel()
        self.label.setObjectName("quiet")
        self.label.setWordWrap(True)
        self.label.setAccessibleName("What was found in the picture")
        self.label.setToolTip("What the method found in this picture, on which its maps depend")
        self.progress = QProgressBar()
        self.progress.setObjectName("thin")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of finding the maps")
        keep = self.progress.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(keep)
        self.button = QPushButton()
        self.button.setFixedWidth(86)
        keep = QSizePolicy(self.button.sizePolicy())
        keep.setRetainSizeWhenHidden(True)
        self.button.setSizePolicy(keep)
        self.button.clicked.connect(self._clicked)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(3)
        layout.addWidget(self.label, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.button, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.progress, 1, 0)
        layout.setColumnStretch(0, 1)
        self._state = FitState(Standing.NONE)
        self.hide()

    def show_state(self, state: FitState) -> None:
        """Say where the fit stands; nothing at all for methods without one."""
        self._state = state
        self.setVisible(state.standing is not Standing.NONE)
        running = state.standing is Standing.RUNNING
        self.progress.setVisible(running)
        self.progress.setValue(round(state.fraction * 1000))
        if running:
            self.label.setText(f"finding the maps … {percent(state.fraction)}")
            self.progress.setToolTip(state.text)
        else:
            self.label.setText(
                (state.text if state.standing is Standing.DONE else "") or _WORDS.get(state.standing, "")
            )
        self.button.setVisible(state.standing in (Standing.RUNNING, Standing.STOPPED, Standing.FAILED))
        text = "Stop" if running else "Fit again"
        tip = (
            "Stop looking for better maps; the picture stays as those found so far make it"
            if running
            else "Look for the maps of this picture once more"
        )
        self.button.setText(text)
        self.button.setAccessibleName(f"{text}: finding the maps" if running else text)
        self.button.setToolTip(tip)

    def _clicked(self) -> None:
        (self.stop if self._state.standing is Standing.RUNNING else self.again).emit()
