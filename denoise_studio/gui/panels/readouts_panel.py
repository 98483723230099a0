"""What the denoiser changed, in numbers that name what they compare."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.region import Region
from denoise_studio.engine.layer import Layer
from denoise_studio.engine.measuring import Comparison, compare_area
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document

_ROWS = ("Mean", "SD", "Min", "Max")


class ReadoutsPanel(QWidget):
    """Mean, sd, smallest and largest value before and after, in the picture or the selected region.

    Numbers that belong to an earlier result are greyed until the new ones are there.
    """

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self.area = QLabel()
        self.table = QTableWidget(len(_ROWS), 3)
        self.removed = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 10)
        layout.setSpacing(6)
        for widget in (self.area, self.table, self.removed):
            layout.addWidget(widget)
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(120)
        self._timer.timeout.connect(self._order)

    def _build(self) -> None:
        self.area.setObjectName("quiet")
        self.area.setWordWrap(True)
        self.removed.setObjectName("quiet")
        self.removed.setWordWrap(True)
        self.removed.setToolTip(
            "How much changed between input and result. It says nothing about which is better."
        )
        table = self.table
        table.setAccessibleName("Read-outs: before, after and change")
        table.setHorizontalHeaderLabels(["before", "after", "change"])
        table.setVerticalHeaderLabels(list(_ROWS))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setShowGrid(False)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        table.verticalHeader().setDefaultSectionSize(24)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.horizontalHeader().setMinimumSectionSize(30)
        table.setFixedHeight(26 + 24 * len(_ROWS) + 4)
        for row in range(len(_ROWS)):
            for column in range(3):
                item = QTableWidgetItem("")
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(row, column, item)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.response_changed.disconnect(self.refresh)
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.selection_changed.disconnect(self.refresh)
        self._document = document
        if document is not None:
            document.response_changed.connect(self.refresh)
            document.recipe_changed.connect(self.refresh)
            document.selection_changed.connect(self.refresh)
        else:
            self._clear()
        self.refresh()

    def _clear(self) -> None:
        """Nothing is open: no numbers of what was."""
        self.area.setText("")
        self.removed.setText("")
        for row in range(self.table.rowCount()):
            for column in range(self.table.columnCount()):
                item = self.table.item(row, column)
                assert item is not None
                item.setText("")

    def refresh(self, *_: Any) -> None:
        """Grey what is shown and measure anew as soon as the result is final."""
        self.table.setEnabled(False)
        self.removed.setEnabled(False)
        if self._document is not None and self._document.is_final:
            self._timer.start()

    def _order(self) -> None:
        document = self._document
        if document is None or not document.is_final or document.response is None:
            return
        response, region = document.response, document.selected_region
        job = _Job(document.picture, response.layer, response.version, response.recipe, region)
        self._bridge.run(self._bridge.background, job.run, self._show, key="read-outs")

    def _show(self, result: "tuple[_Job, Comparison | None]") -> None:
        job, numbers = result
        document = self._document
        if (
            document is None
            or numbers is None
            or document.picture is not job.picture
            or not document.is_final
        ):
            return
        unit = document.picture.unit
        name = f"Inside {job.region.name}" if job.region else "Whole picture"
        size = f"{numbers.pixels:,} pixels{_area(document.picture, numbers)}"
        self.area.setText(f"{name}, {size}; values in {unit or 'file units'}")
        rows = zip(numbers.before, numbers.after, strict=True)
        for row, (before, after) in enumerate(rows):
            for column, value in enumerate((before, after, after - before)):
                sign = "+" if column == 2 else ""
                item = self.table.item(row, column)
                assert item is not None
                item.setText(_text(value, sign, document.picture.span))
        end = f" {unit}" if unit else ""
        self.removed.setText(
            f"Taken away (before − after): sd {_text(numbers.removed_sd, '', document.picture.span)}{end}, "
            f"largest {_text(numbers.largest_change, '', document.picture.span)}{end}"
        )
        self.table.setEnabled(True)
        self.removed.setEnabled(True)


class _Job:
    """A snapshot for the background lane."""

    def __init__(
        self, picture: Picture, layer: Layer, version: int, recipe: Recipe, region: Region | None
    ) -> None:
        self.picture, self.layer, self.version = picture, layer, version
        self.recipe, self.region = recipe, region

    def run(self, progress: Progress) -> "tuple[_Job, Comparison | None]":
        numbers = compare_area(self.picture, self.layer.pixels, self.recipe, self.region, progress)
        # Written to meanwhile: these numbers are of a mixture, and newer ones are on their way.
        return self, numbers if self.layer.version == self.version else None


def _area(picture: Picture, numbers: Comparison) -> str:
    if picture.spacing is None:
        return ""
    return f", {numbers.pixels * picture.spacing[0] * picture.spacing[1]:,.0f} mm²"


def _text(value: float, sign: str, span: float) -> str:
    if not np.isfinite(value):
        return "–"
    digits = 2 if span >= 50 else 4
    value = round(value, digits) + 0.0  # no "−0.00"
    return f"{value:{sign}.{digits}f}".replace("-", "−")
