"""The parts of the inspector and their places: region, patterns, shares, and a line on how far it is."""

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.engine.inspection import Inspection
from denoise_studio.gui.views.pattern_tile import Drawn, PatternTile, PixelPicture, percent
from denoise_studio.gui.views.share_plot import SharePlot

_SIDE = 192
"""Three screen pixels for each of 64."""
_GAP = 12
_COLUMNS, _ROWS = 4, 2
PER_PAGE = _COLUMNS * _ROWS

_WHAT = (
    "Each pattern is a way this part of the picture can vary. The method keeps that share of it; what it "
    "multiplies by nearly 0 it takes for noise, and what by more than 100 % it strengthens, as along an edge."
)
_FREEDOM_TIP = (
    "Trace of the Jacobian: the sum of the shares of all patterns, as if that many samples passed unchanged "
    "and all others were averaged away. The fewer, the stronger the method works here"
)
_ASYMMETRY_TIP = (
    "How far the Jacobian is from a symmetric one, as an ideal denoiser has: 0 % symmetric, 100 % at most. "
    "The patterns of a symmetric one are at right angles to each other"
)


class InspectorPage:
    """Builds the widgets into a window and shows in them what it is given.

    Args:
        window: gets the layout.
    """

    def __init__(self, window: QWidget) -> None:
        self.what = QLabel(_WHAT)
        self.what.setWordWrap(True)
        self.what.setAccessibleName("What the inspector shows")
        self.where = _quiet("Method and region", " ")
        self.before = PixelPicture("The region before", _SIDE)
        self.after = PixelPicture("The region after", _SIDE)
        self.freedom = _quiet("Degrees of freedom that are kept", " ", _FREEDOM_TIP)
        self.asymmetry = _quiet("Asymmetry of the Jacobian", " ", _ASYMMETRY_TIP)
        self.tiles = [PatternTile(_SIDE) for _ in range(PER_PAGE)]
        self.previous = _button(
            "‹ Previous", "Previous patterns", "Patterns of which more is kept (Page Up, ←)"
        )
        self.next = _button("Next ›", "Next patterns", "Patterns of which less is kept (Page Down, →)")
        self.more = _button("More", "More patterns", "Look for twice as many patterns; those found stay")
        self.place = QLabel()
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.place.setAccessibleName("Patterns that are shown")
        self.place.setFixedWidth(170)
        self.plot = SharePlot()
        self.plot.setFixedHeight(150)
        self.words = _quiet("How far it is", " ")
        self.progress = QProgressBar()
        self.progress.setObjectName("thin")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the inspection")
        self.button = _button("Stop", "Stop", "Stop")
        self.button.setFixedWidth(130)
        for widget in (self.progress, self.button):
            keep = widget.sizePolicy()
            keep.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(keep)
        self._lay_out(window)

    def _lay_out(self, window: QWidget) -> None:
        region = QVBoxLayout()
        region.setSpacing(3)
        self.captions = [QLabel("Before"), QLabel("After")]
        for picture, caption in zip((self.before, self.after), self.captions, strict=True):
            caption.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            region.addWidget(picture)
            region.addWidget(caption)
            region.addSpacing(_GAP - 3)
        region.addStretch(1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(_GAP)
        grid.setVerticalSpacing(_GAP)
        for index, tile in enumerate(self.tiles):
            grid.addWidget(tile, index // _COLUMNS, index % _COLUMNS, Qt.AlignmentFlag.AlignTop)
        pages = QHBoxLayout()
        pages.addStretch(1)
        for widget in (self.previous, self.place, self.next):
            pages.addWidget(widget)
        pages.addStretch(1)
        pages.addWidget(self.more)
        patterns = QVBoxLayout()
        patterns.addLayout(grid)
        patterns.addLayout(pages)
        middle = QHBoxLayout()
        middle.setSpacing(24)
        middle.addLayout(region)
        middle.addLayout(patterns)
        facts = QHBoxLayout()
        facts.setSpacing(24)
        facts.addWidget(self.where, 1)
        facts.addWidget(self.freedom)
        facts.addWidget(self.asymmetry)
        below = QGridLayout()
        below.setHorizontalSpacing(12)
        below.setVerticalSpacing(3)
        below.addWidget(self.words, 0, 0)
        below.addWidget(self.progress, 1, 0)
        below.addWidget(self.button, 0, 1, 2, 1)
        below.setColumnStretch(0, 1)
        layout = QVBoxLayout(window)
        layout.setContentsMargins(16, 14, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.what)
        layout.addLayout(facts)
        layout.addLayout(middle)
        layout.addWidget(self.plot)
        layout.addLayout(below)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)

    def restyle(self) -> None:
        self.plot.restyle()
        for picture in (self.before, self.after, *(tile.picture for tile in self.tiles)):
            picture.update()

    def show_where(self, words: str, before: object, after: object) -> None:
        self.where.setText(words)
        self.before.show_bytes(before)  # type: ignore[arg-type]
        self.after.show_bytes(after)  # type: ignore[arg-type]

    def show_patterns(self, patterns: Sequence[Drawn], wanted: int, page: int, unit: str) -> None:
        """Those of one page, empty places for what is still to come, and all of them in the plot."""
        first = page * PER_PAGE
        last = min(first + PER_PAGE, wanted)
        for index, tile in enumerate(self.tiles, first):
            tile.show_pattern(index, patterns[index] if index < len(patterns) else None, unit)
        self.place.setText(f"{first + 1} to {last} of {wanted}" if patterns else " ")
        self.previous.setEnabled(page > 0)
        self.next.setEnabled(last < wanted and bool(patterns))
        self.plot.show_shares([one.seen.share for one in patterns], wanted)
        self.plot.show_page(first + 1, last)

    def show_facts(self, found: Inspection | None) -> None:
        trace = found.freedom if found is not None else None
        if found is None or trace is None:
            self.freedom.setText(" ")
            self.asymmetry.setText(" ")
            return
        share = percent(trace.value / found.samples)
        self.freedom.setText(
            f"Degrees of freedom {with_error(trace.value, trace.error)} of {found.samples} ({share})"
        )
        self.asymmetry.setText(f"Asymmetry about {percent(trace.asymmetry)}")

    def set_current(self, current: bool) -> None:
        """Grey everything that is not of the present picture and recipe."""
        for picture in (self.before, self.after):
            picture.fade(not current)
        for tile in self.tiles:
            tile.fade(not current)
        for label in (self.where, self.freedom, self.asymmetry, *self.captions):
            label.setEnabled(current)
        self.plot.set_current(current)

    def set_running(self, running: bool, words: str = " ", offer: str = "") -> None:
        """While it runs `show_progress` has the words."""
        self.progress.setVisible(running)
        if not running:
            self.words.setText(words)
        self.button.setVisible(running or bool(offer))
        text = "Stop" if running else offer or "Stop"
        self.button.setText(text)
        self.button.setAccessibleName(f"{text}: inspecting" if running else text)
        self.button.setToolTip(_OFFERS[text])

    def show_progress(self, fraction: float, words: str) -> None:
        self.words.setText(f"{words} …")
        self.progress.setValue(round(1000 * fraction))


def with_error(value: float, error: float) -> str:
    """A number with its error of two digits: "672.3 ± 4.8"."""
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 3
    return f"{value:.{min(digits, 3)}f} ± {error:.{min(digits, 3)}f}".replace("-", "−")


_OFFERS = {
    "Stop": "Stop looking; what was found so far stays",
    "Go on": "Go on where it was stopped",
    "Inspect again": "Look into this region of the picture as it is now",
}


def _quiet(name: str, text: str, tip: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName("quiet")
    label.setAccessibleName(name)
    label.setToolTip(tip)
    return label


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.setFixedWidth(110)
    return button
