"""Every region's numbers before and after beside each other, and the contrast of two of them."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.picture import Picture
from denoise_studio.engine.bias_guard import Moved
from denoise_studio.engine.measures import RegionBeside
from denoise_studio.engine.tables import Table
from denoise_studio.gui import measure_words as words
from denoise_studio.gui.bias_watch import BiasWatch
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.measure_columns import MOVED, cells, heads, numbers
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.panels.numbers import Numbers, TakeAway
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.gui.views.region_tools import COLOURS
from denoise_studio.metrics.physics.contrast import NoiseOf, contrast_to_noise
from denoise_studio.metrics.physics.pitch import Pitch

_ROOM = 820
"""Width below which captions give way."""
_NOISE = {
    NoiseOf.POOLED: (
        "noise of both",
        "|mean − mean| / √((sd² + sd²) / 2): the noise of both regions counts alike",
    ),
    NoiseOf.BACKGROUND: ("noise of the second", "|mean − mean| / sd of the second region, the background"),
}


class MeasuresTable(QWidget):
    """A row a region; the whole picture's where there is none."""

    def __init__(
        self, bridge: Bridge, measures: Measures, watch: BiasWatch, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._measures, self._watch = measures, watch
        self._filling = False
        self.numbers = Numbers("Measures of every region")
        self.first, self.second, self.noise_of = QComboBox(), QComboBox(), QComboBox()
        self.contrast = QLabel()
        self.limit = QDoubleSpinBox()
        self.match = QPushButton("Match noise …")
        self.take_away = TakeAway(
            bridge, "Copy or save the measures of every region", {"the table": self.table}
        )
        self.words = QLabel()
        self._build()
        measures.watched_by(Sort.REGIONS, self.isVisible)
        measures.changed.connect(self._changed)
        watch.changed.connect(self.refresh)

    def _build(self) -> None:
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setAccessibleName("Why there are no measures")
        self.contrast.setAccessibleName("Contrast to noise before and after")
        self.contrast.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for combo, name in (
            (self.first, "First region of the contrast"),
            (self.second, "Second region of the contrast"),
        ):
            combo.setAccessibleName(name)
            combo.setToolTip("Contrast to noise of one region against another")
            combo.activated.connect(self.refresh)
        self.noise_of.setAccessibleName("Noise of the contrast")
        self.noise_of.setToolTip("Which noise the contrast is divided by")
        for noise_of, (label, tip) in _NOISE.items():
            self.noise_of.addItem(label, noise_of)
            self.noise_of.setItemData(self.noise_of.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.noise_of.activated.connect(self.refresh)
        self.limit.setAccessibleName("Limit of means")
        self.limit.setToolTip(
            "A mean that moves further than this, and further than noise explains, is flagged: a denoiser "
            "may take noise, not value"
        )
        self.limit.setRange(0.0, 1e6)
        self.limit.setDecimals(2)
        self.limit.setSingleStep(0.5)
        self.limit.setKeyboardTracking(False)
        self.limit.setMaximumWidth(110)
        self.limit.valueChanged.connect(self._limit_typed)
        self.match.setMinimumWidth(self.match.sizeHint().width())
        self.match.setToolTip(
            "Set the strength so that a region has a wanted sd, or the sd of another method"
        )
        leave_wheel_to_panel(self.first, self.second, self.noise_of, self.limit)
        row = QHBoxLayout()
        row.setContentsMargins(8, 3, 6, 3)
        row.setSpacing(5)
        captions = [_quiet(text) for text in ("Contrast of", "to", "Limit")]
        self._spare = [*captions, self.noise_of]
        left: tuple[QWidget, ...] = (
            captions[0], self.first, captions[1], self.second, self.noise_of, self.contrast,
        )  # fmt: skip
        right: tuple[QWidget, ...] = (captions[2], self.limit, self.match, self.take_away)
        for part in left:
            row.addWidget(part)
        row.addStretch(1)
        for part in right:
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.words, 1)
        column.addWidget(self.numbers, 1)

    def _limit_typed(self, value: float) -> None:
        document = self._measures.document
        if document is not None and not self._filling:
            self._watch.set_limit(value, document.picture)
            self.refresh()

    def _changed(self, sort: str) -> None:
        if sort == Sort.REGIONS:
            self.refresh()

    def restyle(self) -> None:
        """Take the present theme's colours."""
        self.refresh()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        for part in self._spare:
            part.setVisible(self.width() >= _ROOM)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._measures.look()
        self.refresh()

    # Showing

    @property
    def _rows(self) -> tuple[RegionBeside, ...]:
        return self._measures.of(Sort.REGIONS).found or ()

    def refresh(self, *_: Any) -> None:
        """Show the newest numbers."""
        document = self._measures.document
        if document is None or not self.isVisible():
            return
        standing = self._measures.of(Sort.REGIONS)
        rows, picture = standing.found or (), document.picture
        self.numbers.setVisible(bool(rows))
        self.words.setVisible(not rows)
        self.words.setText(standing.why or "Measuring …")
        self._filling = True
        self.limit.setSuffix(f" {picture.unit}" if picture.unit else "")
        self.limit.setValue(self._watch.limit(picture))
        self._filling = False
        if rows:
            self._fill(rows, picture, standing.fresh)
        self._offer(rows)
        self._show_contrast(rows, picture, standing.fresh)

    def _fill(self, rows: tuple[RegionBeside, ...], picture: Picture, fresh: bool) -> None:
        pitch = Pitch.of(picture)
        columns = heads(picture.unit, pitch)
        self.numbers.set_heads([short for short, _, _ in columns], [row.area.name for row in rows])
        for place, (_, _, tip) in enumerate(columns):
            item = self.numbers.horizontalHeaderItem(place)
            if item is not None:
                item.setToolTip(tip)
        for number, row in enumerate(rows):
            self._name(number, row)
            flagged = Moved(row.area, row.moved, row.error, self._watch.limit(picture)).flagged
            for place, (text, tip) in enumerate(cells(row, picture, flagged)):
                self.numbers.put(number, place, text, tip, fresh, warned=flagged and place == MOVED)

    def _name(self, number: int, row: RegionBeside) -> None:
        item = self.numbers.verticalHeaderItem(number)
        if item is None or row.area.index < 0:
            return
        colour = QPixmap(10, 10)
        colour.fill(QColor(COLOURS[row.area.index % len(COLOURS)]))
        item.setIcon(QIcon(colour))

    def _offer(self, rows: tuple[RegionBeside, ...]) -> None:
        """The regions that there are, in both lists; the second one starts at the second."""
        names = [row.area.name for row in rows if row.area.index >= 0]
        for combo, first in ((self.first, 0), (self.second, 1)):
            if [combo.itemText(place) for place in range(combo.count())] != names:
                kept = combo.currentIndex()
                combo.clear()
                combo.addItems(names)
                combo.setCurrentIndex(
                    kept if 0 <= kept < len(names) and len(names) > 1 else min(first, len(names) - 1)
                )
            combo.setEnabled(len(names) > 1)

    def _show_contrast(self, rows: tuple[RegionBeside, ...], picture: Picture, fresh: bool) -> None:
        found = self.contrast_beside()
        if found is None:
            self.contrast.setText("– draw two regions")
            self.contrast.setToolTip("")
            self.contrast.setEnabled(False)
            return
        before, after = found
        unit = f" {picture.unit}" if picture.unit else ""
        self.contrast.setText(f"{words.fixed(before.ratio, 2)} → <b>{words.fixed(after.ratio, 2)}</b>")
        told = (
            f"{when}: contrast {words.value(one.contrast, picture)}{unit}, noise "
            f"{words.value(one.noise, picture)}{unit}"
            for when, one in (("Before", before), ("After", after))
        )
        self.contrast.setToolTip(". ".join(told))
        self.contrast.setEnabled(fresh)

    def contrast_beside(self) -> Any:
        """Contrast to noise before and after; None without two different regions."""
        rows = [row for row in self._rows if row.area.index >= 0]
        places = self.first.currentIndex(), self.second.currentIndex()
        if len(rows) < 2 or places[0] == places[1] or not all(0 <= place < len(rows) for place in places):
            return None
        first, second = (rows[place] for place in places)
        noise_of = NoiseOf(self.noise_of.currentData())
        return (
            contrast_to_noise(first.before, second.before, noise_of),
            contrast_to_noise(first.after, second.after, noise_of),
        )

    def table(self) -> Table | None:
        """Everything in full precision, with the contrast to noise in a row of its own."""
        document = self._measures.document
        rows = self._rows
        if document is None or not rows:
            return None
        columns = heads(document.picture.unit, Pitch.of(document.picture))
        names = ("region", *(full for _, full, _ in columns), "standard error of the move")
        body: list[tuple[Any, ...]] = [(row.area.name, *numbers(row), row.error) for row in rows]
        found = self.contrast_beside()
        if found is not None:
            name = f"contrast to noise, {self.first.currentText()} to {self.second.currentText()}"
            cells: list[Any] = [None] * len(columns)
            cells[2:4] = [contrast.ratio for contrast in found]
            body.append((name, *cells, None))
        return Table(names, tuple(body))


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("quiet")
    return label
