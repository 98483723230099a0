"""What the mouse does over pictures: a button's drag for scans and for photographs, and window and level."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.gui.mouse import CHOICES, Drag, Habits

_KINDS = {"scans": "CT and MR", "photographs": "Photographs"}
_BUTTONS = ("left", "middle", "right")
_SWITCHES = {
    "swap_axes": (
        "Swap the axes",
        "Drag across for the level, up and down for the window, instead of the reverse",
    ),
    "invert_width": ("Turn the window's direction round", "The other way makes the window wider"),
    "invert_level": ("Turn the level's direction round", "The other way raises the level"),
}


class MouseDialog(QDialog):
    """Edits the habits; every change is tried at once over the pictures behind.

    Signals:
        habits_changed: `Habits` as they are set now; those from before after Cancel.
    """

    habits_changed = Signal(object)

    def __init__(self, habits: Habits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Mouse")
        self._before = habits
        self.lists: dict[tuple[str, str], QComboBox] = {}
        self.switches: dict[str, QCheckBox] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(8)
        layout.addLayout(self._grid())
        layout.addSpacing(8)
        layout.addWidget(QLabel("Window and level"))
        for name, (title, tip) in _SWITCHES.items():
            switch = self.switches[name] = QCheckBox(title)
            switch.setToolTip(tip)
            switch.toggled.connect(self._tell)
            layout.addWidget(switch)
        quiet = QLabel(
            "Shift + left drag pans, Ctrl + left drag takes window and level from a box,\n"
            "Ctrl + Shift + left drag and Ctrl + wheel zoom, whatever tool is in hand.\n"
            "A right click without a drag opens the menu."
        )
        quiet.setObjectName("quiet")
        layout.addSpacing(8)
        layout.addWidget(quiet)
        layout.addSpacing(6)
        layout.addWidget(self._buttons())
        self.show_habits(habits)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(6)
        for column, title in enumerate(_KINDS.values(), 1):
            heading = QLabel(title)
            heading.setObjectName("quiet")
            grid.addWidget(heading, 0, column)
        for row, button in enumerate(_BUTTONS, 1):
            grid.addWidget(QLabel(f"{button.capitalize()} drag"), row, 0)
            for column, kind in enumerate(_KINDS, 1):
                grid.addWidget(self._list(kind, button), row, column)
        return grid

    def _list(self, kind: str, button: str) -> QComboBox:
        box = self.lists[kind, button] = QComboBox()
        for drag, title in CHOICES.items():
            box.addItem(title, drag.value)
        box.setAccessibleName(f"{button.capitalize()} drag: {_KINDS[kind]}")
        box.setToolTip(f"What a drag with the {button} button does over {_KINDS[kind]}")
        box.currentIndexChanged.connect(self._tell)
        return box

    def _buttons(self) -> QDialogButtonBox:
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Ok | standard.Cancel | standard.RestoreDefaults)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        restore = buttons.button(standard.RestoreDefaults)
        restore.setText("Usual habits")
        restore.setToolTip("As viewers in reading rooms and darkrooms have it")
        restore.clicked.connect(lambda: self.show_habits(Habits()))
        return buttons

    @property
    def habits(self) -> Habits:
        """As they are set now."""
        scans, photographs = (
            {button: Drag(self.lists[kind, button].currentData()) for button in _BUTTONS} for kind in _KINDS
        )
        return Habits(scans, photographs, *(self.switches[name].isChecked() for name in _SWITCHES))

    def show_habits(self, habits: Habits) -> None:
        """Put the controls where these habits are."""
        for (kind, button), box in self.lists.items():
            box.blockSignals(True)
            box.setCurrentIndex(box.findData(getattr(habits, kind)[button].value))
            box.blockSignals(False)
        for name, switch in self.switches.items():
            switch.blockSignals(True)
            switch.setChecked(getattr(habits, name))
            switch.blockSignals(False)
        self._tell()

    def _tell(self, *_: object) -> None:
        self.habits_changed.emit(self.habits)

    def reject(self) -> None:
        self.habits_changed.emit(self._before)
        super().reject()
