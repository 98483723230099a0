"""A table of numbers that can be copied with Ctrl+C, and the button that copies and saves all of it."""

import functools
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.engine.tables import Table
from denoise_studio.formats.files import write_bytes
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.icons import icon

_ROW = 22


class Numbers(QTableWidget):
    """Figures of one width at the right; Ctrl+C copies what is selected, with its heads."""

    def __init__(self, name: str, rows_named: bool = True) -> None:
        super().__init__(0, 0)
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.verticalHeader().setVisible(rows_named)
        font = self.font()
        font.setFeature(font.Tag("tnum"), 1)
        self.setFont(font)

    def set_heads(self, columns: list[str], rows: list[str]) -> None:
        """Name columns and rows; cells are kept where there still is one."""
        self.setRowCount(len(rows))
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels(columns)
        self.setVerticalHeaderLabels(rows)
        self.colour_heads()

    def colour_heads(self) -> None:
        """Before and after have a stroke of the colour of their curves, which need no other legend."""
        tokens = theme.current()
        for column in range(self.columnCount()):
            item = self.horizontalHeaderItem(column)
            if item is not None and item.text() in ("before", "after"):
                stroke = QPixmap(12, 3)
                stroke.fill(QColor(tokens.before if item.text() == "before" else tokens.after))
                item.setIcon(QIcon(stroke))

    def put(self, row: int, column: int, text: str, tip: str, fresh: bool, warned: bool = False) -> None:
        """Write a cell: grey while it is of an older result, in the warning colour where it is flagged."""
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        tokens = theme.current()
        item.setText(text)
        item.setToolTip(tip)
        item.setForeground(QColor(tokens.faint if not fresh else tokens.warning if warned else tokens.text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QApplication.clipboard().setText(self.selected_text())
            event.accept()
            return
        super().keyPressEvent(event)

    def selected_text(self) -> str:
        """What is selected (all, if nothing is) with its heads, in columns between tabs."""
        ranges = self.selectedRanges()
        top, left, bottom, right = 0, 0, self.rowCount() - 1, self.columnCount() - 1
        if ranges:
            chosen = ranges[0]
            top, left, bottom, right = (
                chosen.topRow(), chosen.leftColumn(), chosen.bottomRow(), chosen.rightColumn()
            )  # fmt: skip
        columns = range(left, right + 1)
        heads = ["", *(_text(self.horizontalHeaderItem(column)) for column in columns)]
        rows = [
            (_text(self.verticalHeaderItem(row)), *(_text(self.item(row, column)) for column in columns))
            for row in range(top, bottom + 1)
        ]
        return Table(tuple(heads), tuple(rows)).tsv()


def _text(item: QTableWidgetItem | None) -> str:
    return item.text().replace("−", "-") if item is not None else ""


class TakeAway(QToolButton):
    """A button whose menu copies tables and saves them as CSV.

    Args:
        bridge: to the lane that writes files.
        name: of the button, for those who cannot see what it stands beside.
        tables: each under the name that the menu has for it.
    """

    def __init__(
        self,
        bridge: Bridge,
        name: str,
        tables: dict[str, Callable[[], Table | None]],
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self.said: Callable[[str], None] = lambda sentence: None
        """Told what became of a file."""
        self.setIcon(icon("save"))
        self.setAccessibleName(name)
        self.setToolTip("Copy with units for a spreadsheet, or save as CSV in full precision")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for what, table in tables.items():
            menu.addAction(f"Copy {what}", functools.partial(self.copy, table))
            menu.addAction(f"Save {what} as CSV …", functools.partial(self._ask, table))
        self.setMenu(menu)

    def copy(self, table: Callable[[], Table | None]) -> None:
        """Put a table into the clipboard."""
        found = table()
        if found is not None:
            QApplication.clipboard().setText(found.tsv())

    def _ask(self, table: Callable[[], Table | None]) -> None:
        found = table()
        if found is None:
            return
        dialog = QFileDialog(self, "Save numbers", str(Path.home()), "Comma-separated values (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.save(found, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, table: Table, path: Path) -> None:
        """Write a table into a file, which the lane for files does."""
        text = table.csv()

        def work(progress: Progress) -> str:
            write_bytes(path, text.encode("utf-8-sig"))  # the mark tells spreadsheets that it is UTF-8
            return f"{path.name} is saved."

        def failed(error: Exception) -> None:
            self.said(str(error) if isinstance(error, StudioError) else f"{path.name} cannot be written.")

        self._bridge.run(self._bridge.files, work, lambda sentence: self.said(sentence), failed)
