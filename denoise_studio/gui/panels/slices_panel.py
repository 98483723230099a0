"""The slices of a series: a slider beside marks of what is ready, a cine loop, what is odd about it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.series import SliceInfo
from denoise_studio.gui import theme
from denoise_studio.gui.icons import icon
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.gui.slices import RATES, Slices

ACROSS = {
    "each": "Each slice's own",
    "smoothed": "Smoothed along the series",
    "shared": "The same for all slices",
}


class SliceSlider(QSlider):
    """A slider from the first slice at the top to the last, with a mark at every slice that is ready."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.setInvertedAppearance(True)
        self.setInvertedControls(True)
        self.setObjectName("slices")
        self.setAccessibleName("Slice")
        self.setToolTip(
            "Drag to go through the series; the wheel and the up and down keys do too.\n"
            "Marks: slices that are denoised already"
        )
        self.setPageStep(10)
        self.ready: frozenset[int] = frozenset()

    def sizeHint(self) -> QSize:
        return QSize(30, 200)

    def show_ready(self, ready: set[int]) -> None:
        if ready != self.ready:
            self.ready = frozenset(ready)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        count = self.maximum() + 1
        room = self.height() - handle.height()
        painter = QPainter(self)
        colour = QColor(theme.current().accent)
        thick = max(1, round(room / max(count, 1)))
        for index in self.ready:
            y = handle.height() / 2 + room * index / max(count - 1, 1)
            painter.fillRect(round(self.width() - 4), round(y - thick / 2), 3, thick, colour)
        painter.end()


class SlicesPanel(QWidget):
    """Controls of `Slices`; hidden for pictures of no series."""

    def __init__(self, slices: Slices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slices = slices
        self.slider = SliceSlider()
        self.number = QLabel()
        self.number.setObjectName("reading")
        self.number.setAccessibleName("Number of the slice shown")
        self.place = QLabel()
        self.place.setObjectName("quiet")
        self.place.setWordWrap(True)
        self.place.setAccessibleName("Position and thickness of the slice")
        self.ready = QLabel()
        self.ready.setObjectName("quiet")
        self.ready.setWordWrap(True)
        self.ready.setAccessibleName("How many slices are denoised")
        self.cine = QToolButton()
        self.cine.setCheckable(True)
        self.cine.setIcon(icon("play"))
        self.cine.setAccessibleName("Run through the slices")
        self.cine.setToolTip("Run through the slices, round and round  (C)")
        self.rate = QComboBox()
        for rate in RATES:
            self.rate.addItem(f"{rate} / s", rate)
        self.rate.setCurrentIndex(RATES.index(slices.rate))
        self.rate.setAccessibleName("Slices a second")
        self.rate.setToolTip("Slices a second of the loop; those that are not open yet take longer")
        self.ahead = QCheckBox("Denoise ahead")
        self.ahead.setChecked(slices.ahead)
        self.ahead.setToolTip("Denoise the other slices in the background, the nearest first")
        self.across = QComboBox()
        for value, text in ACROSS.items():
            self.across.addItem(text, value)
        self.across.setAccessibleName("Maps along the series")
        self.across.setToolTip(
            "What the method finds by itself: for each slice alone, smoothed with two neighbours on\n"
            "either side so that texture does not flicker, or one value for the whole series"
        )
        self.across_label = QLabel("Found maps")
        self.across_label.setBuddy(self.across)
        self.notes = QLabel()
        self.notes.setObjectName("warning")
        self.notes.setWordWrap(True)
        self.notes.setAccessibleName("What is odd about the series")
        self.save = QPushButton("Save the series …")
        self.save.setToolTip("Denoise every slice and save them as a new, derived series")
        leave_wheel_to_panel(self.rate, self.across)
        self._build()
        self._connect()

    def _build(self) -> None:
        beside = QVBoxLayout()
        beside.setSpacing(4)
        beside.addWidget(self.number)
        beside.addWidget(self.place)
        cine = QHBoxLayout()
        cine.addWidget(self.cine)
        cine.addWidget(self.rate, 1)
        beside.addLayout(cine)
        beside.addWidget(self.ahead)
        beside.addWidget(self.ready)
        beside.addWidget(self.across_label)
        beside.addWidget(self.across)
        beside.addStretch(1)
        beside.addWidget(self.notes)
        beside.addWidget(self.save)
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 6, 8, 8)
        layout.addWidget(self.slider, 0, 0)
        layout.addLayout(beside, 0, 1)
        layout.setColumnStretch(1, 1)

    def _connect(self) -> None:
        slices = self._slices
        self.slider.valueChanged.connect(slices.go)
        self.cine.toggled.connect(slices.play)
        self.rate.activated.connect(lambda index: slices.set_rate(RATES[index]))
        self.ahead.toggled.connect(slices.set_ahead)
        self.across.activated.connect(self._choose_across)
        slices.changed.connect(self.refresh)
        slices.playing_changed.connect(self.cine.setChecked)

    def _choose_across(self, index: int) -> None:
        document = self._slices.document
        if document is not None:
            value = self.across.itemData(index)
            document.edit(document.recipe.replace(across=value), f"found maps: {ACROSS[value].lower()}")

    def refresh(self) -> None:
        """Show where the document is."""
        document, state = self._slices.document, self._slices.state
        self.setVisible(document is not None)
        if document is None or state is None or document.stack is None:
            return
        series = document.stack.series
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(series) - 1)
        self.slider.setValue(state.wanted)
        self.slider.blockSignals(False)
        ready = self._slices.ready()
        self.slider.show_ready(ready)
        self.number.setText(f"{state.wanted + 1} / {len(series)}")
        broken = state.broken.get(state.wanted, "")
        shown = f"cannot be read; slice {document.index + 1} is shown"
        self.place.setText(shown if broken else place_text(series.slices[state.wanted]))
        self.place.setToolTip(broken)
        self.ready.setText(f"{len(ready)} of {len(series)} denoised")
        self.notes.setText("\n".join(series.notes))
        self.notes.setVisible(bool(series.notes))
        fits = document.fits
        self.across_label.setVisible(fits)
        self.across.setVisible(fits)
        self.across.setCurrentIndex(self.across.findData(document.recipe.across))


def place_text(info: SliceInfo) -> str:
    """Position and thickness as they are read out."""
    words = []
    if info.position is not None:
        words.append(f"{info.position:+.1f} mm".replace("-", "−"))
    if info.thickness is not None:
        words.append(f"{info.thickness:g} mm thick")
    return "\n".join(words) or (f"number {info.number}" if info.number is not None else "")
