"""A small table in which a person keeps the window presets: add, rename, change, delete, order, reset."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.gui.window_presets import MOST, Preset, PresetStore

_COLUMNS = ("Name", "Width (HU)", "Level (HU)")


class PresetsDialog(QDialog):
    """Edits the list of a `PresetStore`; nothing is kept until OK.

    Args:
        store: gets the new list.
        window: width and level that "Add" proposes: those on the screen.
    """

    def __init__(
        self, store: PresetStore, window: tuple[float, float] = (400.0, 40.0), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Window presets")
        self._store = store
        self._window = window
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setAccessibleName("Window presets")
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().setVisible(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.complaint = QLabel(" ")
        self.complaint.setObjectName("warning")
        self.complaint.setAccessibleName("What is wrong with the list")
        self.buttons = {
            "Add": self._button("Add", "A preset with the window that is on the screen", self.add),
            "Delete": self._button("Delete", "Take the selected preset off the list", self.delete),
            "Up": self._button("Up", "One place up; its number key changes with it", lambda: self.shift(-1)),
            "Down": self._button(
                "Down", "One place down; its number key changes with it", lambda: self.shift(1)
            ),
            "Reset": self._button("Reset", "The list as it ships", lambda: self.show_presets(store.shipped)),
        }
        self._lay_out()
        self.show_presets(store.presets)
        self.resize(460, 400)

    def _lay_out(self) -> None:
        about = QLabel(
            "For CT. The number keys take the file's own windows first, then these from the top; "
            "0 finds a window for what is in view."
        )
        about.setObjectName("quiet")
        about.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in self.buttons.values():
            row.addWidget(button)
        standard = QDialogButtonBox.StandardButton
        ends = QDialogButtonBox(standard.Ok | standard.Cancel)
        ends.accepted.connect(self.accept)
        ends.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 12)
        layout.setSpacing(8)
        for part in (about, self.table):
            layout.addWidget(part)
        layout.addLayout(row)
        layout.addWidget(self.complaint)
        layout.addWidget(ends)

    def _button(self, title: str, tip: str, act: object) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(act)
        return button

    def show_presets(self, presets: tuple[Preset, ...]) -> None:
        """Fill the table; nothing is kept yet."""
        self.table.setRowCount(0)
        for preset in presets:
            self._insert(self.table.rowCount(), preset.name, _text(preset.width), _text(preset.level))
        self.table.selectRow(0)
        self.complaint.setText(" ")

    def _insert(self, row: int, *texts: str) -> None:
        self.table.insertRow(row)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)

    def add(self) -> None:
        """A row below the selected one with the window on the screen, its name ready to be typed."""
        if self.table.rowCount() >= MOST:
            self.complaint.setText(f"{MOST} presets are as many as there can be.")
            return
        row = self.table.currentRow() + 1
        self._insert(row, "New preset", *map(_text, self._window))
        self.table.selectRow(row)
        self.table.editItem(self._cell(row, 0))

    def delete(self) -> None:
        row = self.table.currentRow()
        self.table.removeRow(row)
        self.table.selectRow(min(row, self.table.rowCount() - 1))

    def shift(self, by: int) -> None:
        """Move the selected preset by one place."""
        row = self.table.currentRow()
        if row < 0 or not 0 <= row + by < self.table.rowCount():
            return
        texts = self._texts(row)
        self.table.removeRow(row)
        self._insert(row + by, *texts)
        self.table.selectRow(row + by)

    def _texts(self, row: int) -> list[str]:
        return [self._cell(row, column).text() for column in range(len(_COLUMNS))]

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.table.item(row, column)
        assert item is not None  # every row was filled by `_insert`
        return item

    def presets(self) -> tuple[Preset, ...]:
        """The list as it stands in the table.

        Raises:
            StudioError: a row is no preset; one sentence.
        """
        result = []
        for row in range(self.table.rowCount()):
            name, *numbers = (text.strip() for text in self._texts(row))
            try:
                width, level = (float(text.replace("−", "-").replace(",", ".")) for text in numbers)
            except ValueError as error:
                raise StudioError(f"Width and level of {name or 'a preset'} must be numbers.") from error
            result.append(Preset(name, width, level))
        return tuple(result)

    def accept(self) -> None:
        try:
            self._store.store(self.presets())
        except StudioError as error:
            self.complaint.setText(str(error))
            return
        super().accept()


def _text(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
