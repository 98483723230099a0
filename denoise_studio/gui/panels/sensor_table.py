"""The numbers beside the plot of a sensor's noise: every class of pixels, and what is said of them."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QTableWidgetItem

from denoise_studio.engine.sensor import SensorView, black_words, doubts, stage_words
from denoise_studio.gui import theme
from denoise_studio.gui.maps import number
from denoise_studio.gui.panels.sensor_chart import swatch
from denoise_studio.gui.reading_columns import with_error
from denoise_studio.noise.sensor.model import SiteNoise

_ROW = 21
_LESS_NEEDED = (3, 4, 6)
_HEADS = (
    ("Class", "Colour that the pixels see; two kinds of green lie beside red and beside blue"),
    ("K (DN)", "Gain, DN per electron: the slope of the line"),
    ("s (DN)", "Read noise, DN: the noise without light, rounding included"),
    ("Black", "Value without light, DN, as it is used"),
    ("White", "Value at which the sensor saturates, DN"),
    ("Conf.", "Confidence: about the probability that K and s are both within 15 % of the truth"),
    ("Used", "Windows that are flat and carry the line"),
)


class SensorTable(QTableWidget):
    """A row a class; figures of one width, at the right."""

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self.setAccessibleName("Sensor noise of every class of pixels")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        for column, (head, tip) in enumerate(_HEADS):
            item = QTableWidgetItem(head)
            item.setToolTip(tip)
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        font = self.font()
        font.setFeature(font.Tag("tnum"), 1)
        self.setFont(font)

    def show_view(self, view: SensorView) -> None:
        """Fill it anew."""
        self.setRowCount(len(view.noise.sites))
        for row, site in enumerate(view.noise.sites):
            used, all_ = view.windows.get(site.name, (0, 0))
            for column, (text, tip) in enumerate(_cells(site, used, all_)):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setForeground(QColor(theme.current().text))
                if column == 0:
                    item.setIcon(QIcon(swatch(site.name)))
                self.setItem(row, column, item)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + _ROW * self.rowCount() + 4)
        self._fit()

    def set_narrow(self, narrow: bool) -> None:
        """Where there is little room: gain, read noise and confidence alone."""
        for column in _LESS_NEEDED:
            self.setColumnHidden(column, narrow)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumWidth(self.horizontalHeader().length() + 4)


def _cells(site: SiteNoise, used: int, all_: int) -> tuple[tuple[str, str], ...]:
    gain = f"K {with_error(site.gain, site.gain * site.gain_error)} DN per electron"
    read = f"s {with_error(site.read, site.read * site.read_error)} DN"
    electrons = f"{read}, {number(site.read / site.gain)} electrons" if site.gain > 0 else read
    return (
        (site.name, f"{gain}; {electrons}"),
        (number(site.gain), gain),
        (number(site.read), electrons),
        (f"{site.black:.2f}", f"Black level {site.black:.2f} DN"),
        (f"{site.white:.0f}", f"White level {site.white:.0f} DN"),
        (f"{site.confidence:.2f}", _HEADS[5][1]),
        (f"{used}", f"{used} of {all_} windows are flat and carry the line"),
    )


class SensorWords(QLabel):
    """How the numbers came about, the verdict on the black level, and what is doubtful."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName("What is known of the sensor's noise")
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setContentsMargins(2, 2, 2, 2)

    def show_view(self, view: SensorView) -> None:
        """Say it."""
        tokens, noise = theme.current(), view.noise
        plain = " ".join((stage_words(noise), black_words(noise.black)))
        lines = [f"<p style='color:{tokens.quiet}; margin:0'>{plain}</p>"]
        lines += [
            f"<p style='color:{tokens.warning}; margin:3px 0 0 0'>⚠ {text}</p>" for text in doubts(noise)
        ]
        self.setText("".join(lines))
