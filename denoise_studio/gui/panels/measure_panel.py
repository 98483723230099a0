"""What the panels of noise power, sharpness and profile have in common: plots, numbers, or why none."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from denoise_studio.engine.tables import Table
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.panels.numbers import Numbers, TakeAway

_SIDE, _NARROW_SIDE = 376, 304
_NARROW = 700
"""Below this width only what matters most is shown."""
_ROW = 20


class MeasurePanel(QWidget):
    """Plots at the left, controls and numbers at the right.

    A subclass fills `plots` and `controls`, and shows what was found.
    """

    sort: Sort
    what: str
    """What its buttons copy and save."""

    def __init__(self, bridge: Bridge, measures: Measures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.measures = measures
        self._narrow = False
        self.words = QLabel()
        self.words.setObjectName("quiet")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.words.setAccessibleName(f"Why there is no {self.what}")
        self.plots = QHBoxLayout()
        self.controls = QHBoxLayout()
        self.numbers = Numbers(f"Numbers of the {self.what}")
        self.numbers.verticalHeader().setDefaultSectionSize(_ROW)
        self.numbers.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.numbers.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.notes = QLabel()
        self.notes.setObjectName("warning")
        self.notes.setWordWrap(True)
        self.notes.setAccessibleName(f"Doubts about the {self.what}")
        self.flag = QLabel("⚑ doubtful")
        self.flag.setObjectName("warning")
        self.flag.setAccessibleName(f"Whether the {self.what} is doubtful")
        self.flag.setVisible(False)
        tables = {"the numbers": self.numbers_table, "the curve": self.curve_table}
        self.take_away = TakeAway(bridge, f"Copy or save the {self.what}", tables)
        self._pages = QStackedLayout()
        self._build()
        measures.watched_by(self.sort, self.isVisible)
        measures.changed.connect(self._changed)

    def _build(self) -> None:
        page = QWidget()
        page.setLayout(self.plots)
        self.plots.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self.words)
        self._pages.addWidget(page)
        shown = QWidget()
        shown.setLayout(self._pages)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 3, 6, 3)
        column.setSpacing(3)
        self.controls.setSpacing(4)
        self.controls.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addLayout(self.controls, 1)
        top.addWidget(self.flag, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.take_away, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        column.addWidget(self.numbers)
        column.addWidget(self.notes)
        column.addStretch(1)
        scroll = self.side = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(f"Controls and numbers of the {self.what}")
        scroll.setWidget(side)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        across.addWidget(shown, 1)
        across.addWidget(scroll)

    def set_narrow(self, narrow: bool) -> None:
        """Whether there is little room: what can be missed goes."""
        self.side.setFixedWidth(_NARROW_SIDE if narrow else _SIDE)
        self._narrow = narrow
        self.numbers.setColumnHidden(2, narrow)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.set_narrow(self.width() < _NARROW)

    def numbers_table(self) -> Table | None:
        """The numbers in full precision; None while there are none."""
        raise NotImplementedError

    def curve_table(self) -> Table | None:
        """The curves in full precision; None while there are none."""
        raise NotImplementedError

    def show_found(self, found: Any, fresh: bool) -> None:
        """Draw a measurement."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Take the present theme's colours."""
        self.refresh()

    @property
    def found(self) -> Any:
        """The newest measurement, None while there is none."""
        return self.measures.of(self.sort).found

    def _changed(self, sort: str) -> None:
        if sort == self.sort:
            self.refresh()

    def refresh(self) -> None:
        """Show the newest numbers, or why there are none."""
        if not self.isVisible() or self.measures.document is None:
            return
        standing = self.measures.of(self.sort)
        self.numbers.setVisible(standing.found is not None)
        self.take_away.setEnabled(standing.found is not None)
        if standing.found is None:
            self.words.setText(standing.why or "Measuring …")
            self.show_notes()
            self._pages.setCurrentIndex(0)
            return
        self.show_found(standing.found, standing.fresh)
        self._pages.setCurrentIndex(1)

    def show_notes(self, *sentences: str) -> None:
        """Say what makes the numbers doubtful."""
        text = " ".join(sentence for sentence in sentences if sentence)
        self.notes.setText(f"⚑ {text}" if text else "")
        self.notes.setVisible(bool(text))
        self.flag.setToolTip(text)  # the sentences themselves may lie below what is seen
        self.flag.setVisible(bool(text))

    def fit_numbers(self) -> None:
        """As high as its rows, so that it needs no bar of its own."""
        self.numbers.setColumnHidden(2, self._narrow)
        rows = self.numbers.rowCount() * self.numbers.verticalHeader().defaultSectionSize()
        self.numbers.setFixedHeight(rows + self.numbers.horizontalHeader().sizeHint().height() + 4)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.measures.look()
        self.refresh()
