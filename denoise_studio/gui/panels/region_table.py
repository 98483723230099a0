"""The list of regions: colour, name, whether it is used, and what differs in it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from denoise_studio.core.region import Box, Brush, Ellipse, Polygon, Region
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.noise_told import NOISE_ROLE
from denoise_studio.gui import theme
from denoise_studio.gui.maps import short_name
from denoise_studio.gui.panels.parameter_form import STRENGTH
from denoise_studio.gui.views.region_tools import COLOURS

_SHAPES = {Box: "box", Ellipse: "ellipse", Polygon: "polygon", Brush: "brush"}
_ROW = 26


class RegionTable(QTableWidget):
    """A row for every region.

    Signals:
        picked: index of the row selected by hand, -1 for none.
        renamed: index, new name ("" to keep it), whether it is ticked.
        removed: Delete was pressed.
    """

    picked = Signal(int)
    renamed = Signal(int, str, bool)
    removed = Signal()

    def __init__(self) -> None:
        super().__init__(0, 3)
        self._filling = False
        self._flags: dict[int, str] = {}
        self.setAccessibleName("Regions")
        self.setToolTip("Tick: the region is used. Names can be edited; Del removes; later rows lie on top.")
        self.setHorizontalHeaderLabels(["Region", "Shape", "What differs"])
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        header.setMaximumSectionSize(150)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemSelectionChanged.connect(self._picked)
        self.itemChanged.connect(self._item_changed)
        self.installEventFilter(self)

    def show_regions(
        self, regions: tuple[Region, ...], selected: int, summary: Callable[[Region], str]
    ) -> None:
        """Fill it anew; `summary` says what differs in a region."""
        self._filling = True
        self.setRowCount(len(regions))
        for row, region in enumerate(regions):
            self._fill_row(row, region, summary(region))
        if selected >= 0:
            self.selectRow(selected)
        else:
            self.clearSelection()
        self.setVisible(bool(regions))
        self.setFixedHeight(30 + _ROW * min(max(len(regions), 1), 6))
        self._filling = False
        self._show_flags()

    def flag(self, sentences: dict[int, str]) -> None:
        """Mark regions whose mean has moved; the sentence of each says by how much."""
        if sentences != self._flags:
            self._flags = dict(sentences)
            self._show_flags()

    def _show_flags(self) -> None:
        self._filling = True
        for row in range(self.rowCount()):
            item = self.item(row, 2)
            if item is None:
                continue
            summary, flag = item.data(Qt.ItemDataRole.UserRole) or "", self._flags.get(row, "")
            item.setText(f"⚑ {summary}" if flag else summary)
            item.setToolTip(f"{flag}\n{summary}" if flag else summary)
            item.setForeground(QColor(theme.current().warning if flag else theme.current().text))
        self._filling = False

    def _fill_row(self, row: int, region: Region, summary: str) -> None:
        colour = QPixmap(10, 10)
        colour.fill(QColor(COLOURS[row % len(COLOURS)]))
        swatch = QIcon(colour)
        swatch.addPixmap(colour, QIcon.Mode.Selected)  # else the selection tints it
        name = QTableWidgetItem(swatch, region.name or f"Region {row + 1}")
        name.setCheckState(Qt.CheckState.Checked if region.enabled else Qt.CheckState.Unchecked)
        name.setToolTip("Tick: the region is used. Double-click or F2 to rename.")
        shape = QTableWidgetItem(_SHAPES[type(region.shape)])
        differs = QTableWidgetItem(summary)
        differs.setToolTip(summary)
        differs.setData(Qt.ItemDataRole.UserRole, summary)
        for item in (shape, differs):
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        for column, item in enumerate((name, shape, differs)):
            self.setItem(row, column, item)

    def _picked(self) -> None:
        if not self._filling:
            rows = self.selectionModel().selectedRows()
            self.picked.emit(rows[0].row() if rows else -1)

    def _item_changed(self, item: QTableWidgetItem) -> None:
        if not self._filling and item.column() == 0:
            ticked = item.checkState() == Qt.CheckState.Checked
            self.renamed.emit(item.row(), item.text().strip(), ticked)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is self
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        ):
            self.removed.emit()
            return True
        return False


def differences(region: Region, method: str) -> str:
    """What differs in a region, in a few words: "strength 40 %, noise × 2"."""
    known = {p.name: p for p in get_denoiser(method).parameters} if method else {}
    parts = []
    for name, value in region.parameters.items():
        if name == STRENGTH.name:
            parts.append(f"strength {float(value):.0%}".replace("%", " %"))
            continue
        label, times = name, ""
        if name in known:
            label = NOISE_ROLE if known[name].role == NOISE_ROLE else short_name(known[name])
            times = "× " if known[name].multiplies else ""
        parts.append(f"{label} {times}{float(value):.3g}")
    return ", ".join(parts) or "nothing yet"
