"""The read-outs of one area, one a row: the selected region's, else the whole picture's."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.gui.reading_columns import COLUMNS
from denoise_studio.gui.readings import Readings
from denoise_studio.metrics.iem.priors import PRIORS


class ReadingsRows(QWidget):
    """Names at the left, numbers at the right, greyed while they are an earlier result's."""

    def __init__(self, readings: Readings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readings = readings
        self.prior = QComboBox()
        self.open_reference = QPushButton("Open a reference …")
        self.names = [QLabel(column.title) for column in COLUMNS]
        self.values = [QLabel() for _ in COLUMNS]
        self._build()
        readings.watched_by(self._is_seen)
        readings.changed.connect(self.refresh)

    def _build(self) -> None:
        self.prior.setAccessibleName("Prior of the information-estimation metric")
        for prior in PRIORS.values():
            self.prior.addItem(prior.label, prior.name)
            self.prior.setItemData(self.prior.count() - 1, prior.description, Qt.ItemDataRole.ToolTipRole)
        self.prior.setCurrentIndex(self.prior.findData(self._readings.prior))
        self.prior.setToolTip(
            "What the metric takes pictures to look like. Numbers under different priors cannot be compared."
        )
        self.prior.activated.connect(lambda index: self._readings.set_prior(self.prior.itemData(index)))
        leave_wheel_to_panel(self.prior)
        self.open_reference.setToolTip(
            "A full dose, a long exposure or a clean original of the same size to compare the result with"
        )
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        caption = QLabel("Prior")
        grid.addWidget(caption, 0, 0)
        grid.addWidget(self.prior, 0, 1)
        for row, (name, value) in enumerate(zip(self.names, self.values, strict=True), 1):
            name.setObjectName("quiet")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setAccessibleName(name.text())
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(name, row, 0)
            grid.addWidget(value, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 10)
        layout.setSpacing(6)
        layout.addLayout(grid)
        layout.addWidget(self.open_reference)

    def _is_seen(self) -> bool:
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._readings.look()

    def refresh(self) -> None:
        """Show the newest numbers."""
        document, area = self._readings.document, self._readings.chosen_area()
        reference = document.reference if document is not None else None
        self.open_reference.setVisible(document is not None and reference is None)
        for column, name, value in zip(COLUMNS, self.names, self.values, strict=True):
            shown = not column.needs_reference or reference is not None
            name.setVisible(shown)
            value.setVisible(shown)
            if document is None or area is None:
                value.setText("")
                continue
            reading = self._readings.of(area, column.kind)
            value.setText(column.show(reading, document.picture))
            value.setEnabled(reading.fresh)
            tip = column.tip(reading, document.picture, area.name)
            name.setToolTip(tip)
            value.setToolTip(tip)
