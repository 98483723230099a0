"""The read-outs of every area side by side: the whole picture, what is in view, each region."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.gui import theme
from denoise_studio.gui.reading_columns import COLUMNS, Column
from denoise_studio.gui.readings import Readings


class ReadingsTable(QWidget):
    """A row an area, a column a read-out; greyed while a number is an earlier result's."""

    def __init__(self, readings: Readings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readings = readings
        self.table = QTableWidget()
        self.table.setAccessibleName("Read-outs of every area")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.table.setShowGrid(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().setDefaultSectionSize(24)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        readings.watched_by(self._is_seen)
        readings.changed.connect(self.refresh)

    def _is_seen(self) -> bool:
        return self.isVisible()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._readings.look()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that there is something for."""
        document = self._readings.document
        has = document is not None and document.reference is not None
        return tuple(column for column in COLUMNS if has or not column.needs_reference)

    def refresh(self) -> None:
        """Show the newest numbers."""
        document = self._readings.document
        if document is None or not self.isVisible():
            return
        areas, columns, tokens = self._readings.areas, self.columns, theme.current()
        self.table.setRowCount(len(areas))
        self.table.setColumnCount(len(columns))
        self.table.setHorizontalHeaderLabels([column.short for column in columns])
        self.table.setVerticalHeaderLabels([area.name for area in areas])
        for row, area in enumerate(areas):
            for place, column in enumerate(columns):
                reading = self._readings.of(area, column.kind)
                item = self.table.item(row, place)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(row, place, item)
                item.setText(column.show(reading, document.picture))
                item.setToolTip(column.tip(reading, document.picture, area.name))
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setForeground(QColor(tokens.text if reading.fresh else tokens.faint))

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()
