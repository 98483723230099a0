"""Values along a line before and after."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QPushButton, QSpinBox, QWidget

from denoise_studio.engine.measures import Line, ProfileBeside
from denoise_studio.engine.tables import Table, head
from denoise_studio.gui import measure_words as words
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.panels.curve_plot import CurvePlot, bottom, top
from denoise_studio.gui.panels.measure_panel import MeasurePanel
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel

_WIDEST = 100
_TIP = "Values along the line, before and after, and of the reference where there is one"


class ProfilePanel(MeasurePanel):
    """Along the line on the pictures, which is dragged there or typed here."""

    sort = Sort.PROFILE
    what = "profile"

    def __init__(self, bridge: Bridge, measures: Measures, parent: QWidget | None = None) -> None:
        super().__init__(bridge, measures, parent)
        self._filling = False
        self.curve = CurvePlot("Profile before and after", _TIP)
        self.plots.addWidget(self.curve, 1)
        self.ends = tuple(self._spin(name) for name in ("From x", "From y", "To x", "To y"))
        self.width_ = QSpinBox()
        self.width_.setRange(1, _WIDEST)
        self.width_.setSuffix(" px")
        self.width_.setAccessibleName("Width of the profile")
        self.width_.setToolTip("How many lines beside each other are averaged: a wider one shows less noise")
        self.width_.valueChanged.connect(self._typed)
        self.across = QPushButton("In view")
        self.across.setToolTip("Lay the line level through the middle of what is visible")
        self.across.clicked.connect(lambda: measures.set_line(measures.line_in_view()))
        self._lay_out()
        leave_wheel_to_panel(*self.ends, self.width_)
        measures.line_changed.connect(self._show_line)

    def _spin(self, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(-100_000, 100_000)
        box.setDecimals(1)
        box.setKeyboardTracking(False)
        box.setMinimumWidth(78)
        box.setMaximumWidth(90)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setAccessibleName(f"{name} of the profile")
        box.setToolTip(f"{name}, in pixels from the upper left corner; or drag the line on the pictures")
        box.valueChanged.connect(self._typed)
        return box

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        for row, name in enumerate(("From", "To")):
            caption = QLabel(name)
            caption.setObjectName("quiet")
            grid.addWidget(caption, row, 0)
            grid.addWidget(self.ends[2 * row], row, 1)
            grid.addWidget(self.ends[2 * row + 1], row, 2)
        for column in (1, 2):
            grid.setColumnStretch(column, 1)
        self.controls.insertLayout(0, grid)
        grid.addWidget(self.width_, 0, 3)
        grid.addWidget(self.across, 1, 3)

    def restyle(self) -> None:
        self.curve.restyle()
        super().restyle()

    def _show_line(self) -> None:
        line = self.measures.line if self.isVisible() else None
        if line is None:
            return
        self._filling = True
        for box, number in zip(self.ends, (line.x0, line.y0, line.x1, line.y1), strict=True):
            box.setValue(number)
        self.width_.setValue(line.width)
        self._filling = False

    def _typed(self, *_: Any) -> None:
        if not self._filling:
            x0, y0, x1, y1 = (box.value() for box in self.ends)
            self.measures.set_line(Line(x0, y0, x1, y1, self.width_.value()))

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._show_line()

    def show_found(self, found: ProfileBeside, fresh: bool) -> None:
        before, after = found.before, found.after
        reference = found.reference.values if found.reference is not None else None
        self.curve.set_labels(f"along the line ({before.unit})", head("value", found.unit))
        self.curve.show_curves(before.distances, before.values, after.values, reference)
        curves = (before.values, after.values, reference)
        self.curve.set_ranges((0.0, float(before.distances[-1])), (bottom(*curves), top(*curves)))
        self.curve.set_fresh(fresh)
        self._fill(found, fresh)
        self.show_notes()

    def _fill(self, found: ProfileBeside, fresh: bool) -> None:
        document = self.measures.document
        assert document is not None
        rows = self._rows(found)
        self.numbers.set_heads(["before", "after", "change"], [name for name, *_ in rows])
        for row, (name, before, after) in enumerate(rows):
            difference = None if before is None or after is None else after - before
            texts = [words.value(number, document.picture) for number in (before, after)]
            texts.append(words.value(difference, document.picture, sign=True))
            for column, text in enumerate(texts):
                self.numbers.put(row, column, text, f"{name} along the line", fresh)
        self.fit_numbers()

    @staticmethod
    def _rows(found: ProfileBeside) -> tuple[tuple[str, float | None, float | None], ...]:
        def of(name: str) -> tuple[float | None, float | None]:
            both = []
            for values in (found.before.values, found.after.values):
                known = values[np.isfinite(values)]
                both.append(float(getattr(np, name)(known)) if known.size else None)
            return both[0], both[1]

        named = (("Mean", "mean"), ("Minimum", "min"), ("Maximum", "max"))
        return tuple((head(label, found.unit), *of(name)) for label, name in named)

    def numbers_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        line = found.line
        where = (
            f"profile from ({line.x0:g}, {line.y0:g}) to ({line.x1:g}, {line.y1:g}) px, {line.width} px wide"
        )
        return Table((where, "before", "after"), self._rows(found))

    def curve_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        heads = [head("distance", found.before.unit)]
        columns = [found.before.distances]
        for name, profile in (
            ("before", found.before),
            ("after", found.after),
            ("reference", found.reference),
        ):
            if profile is not None:
                heads.append(head(name, found.unit))
                columns.append(profile.values)
        return Table(tuple(heads), tuple(zip(*(column.tolist() for column in columns), strict=True)))
