"""Sharpness before and after: the task transfer function of an edge or a disc, and the edge itself."""

from typing import Any

from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from denoise_studio.engine.measures import TransferBeside
from denoise_studio.engine.tables import Table, head
from denoise_studio.gui import measure_words as words
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.panels.curve_plot import CurvePlot, bottom, top
from denoise_studio.gui.panels.measure_panel import MeasurePanel
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.metrics.physics.edge_fit import EdgeShape

_CURVE = (
    "Task transfer function: how much of the contrast of this edge is left at each spatial frequency. "
    "Dotted: where half of it is left. A nonlinear filter treats every contrast in its own way: measure at "
    "the one that matters."
)
_EDGE = (
    "Edge spread function: values over the distance from the fitted edge, all pixels of the region together"
)


class TransferPanel(MeasurePanel):
    """Of the selected region: a box over a straight edge, or an ellipse around a disc."""

    sort = Sort.SHARPNESS
    what = "sharpness"

    def __init__(self, bridge: Bridge, measures: Measures, parent: QWidget | None = None) -> None:
        super().__init__(bridge, measures, parent)
        self.curve = CurvePlot("Task transfer function before and after", _CURVE)
        self.edge = CurvePlot("Edge spread function before and after", _EDGE)
        self.plots.addWidget(self.curve, 3)
        self.plots.addWidget(self.edge, 2)
        self.shape = QComboBox()
        self.shape.setAccessibleName("What lies in the region")
        self.shape.setToolTip(
            "A disc is looked for in an ellipse, a straight edge in other regions, unless you say otherwise"
        )
        for label, shape in (
            ("edge or disc", None),
            ("straight edge", EdgeShape.LINE),
            ("disc", EdgeShape.DISC),
        ):
            self.shape.addItem(label, shape)
        self.shape.activated.connect(self._choose)
        leave_wheel_to_panel(self.shape)
        self.caption = QLabel("In the region")
        self.caption.setObjectName("quiet")
        self.controls.insertWidget(0, self.caption)
        self.controls.insertWidget(1, self.shape)

    def _choose(self, index: int) -> None:
        chosen = self.shape.itemData(index)  # Qt makes a plain string of it
        self.measures.set_shape(EdgeShape(chosen) if chosen else None)

    def restyle(self) -> None:
        for plot in (self.curve, self.edge):
            plot.restyle()
        super().restyle()

    def set_narrow(self, narrow: bool) -> None:
        super().set_narrow(narrow)
        self.edge.setVisible(not narrow)
        self.caption.setVisible(not narrow)

    def show_found(self, found: TransferBeside, fresh: bool) -> None:
        before, after = found.before, found.after
        pitch = after.pitch
        self.curve.set_labels(f"{pitch.frequency_unit} · {found.where}", "contrast left")
        self.curve.show_curves(after.frequencies, before.transfer, after.transfer)
        marks = [(t.f50, of) for t, of in ((before, False), (after, True)) if t.f50 is not None]
        self.curve.mark(*marks)
        highest = min(max(top(before.transfer, after.transfer), 1.0), 1.6)
        self.curve.set_ranges((0.0, float(min(after.frequencies[-1], 1.4 * pitch.nyquist))), (0.0, highest))
        self.edge.set_labels(f"distance ({pitch.unit})", head("value", found.unit))
        self.edge.before.setData(before.distances, before.edge)
        self.edge.after.setData(after.distances, after.edge)
        reach = (float(after.distances[0]), float(after.distances[-1]))
        self.edge.set_ranges(reach, (bottom(before.edge, after.edge), top(before.edge, after.edge)))
        for plot in (self.curve, self.edge):
            plot.set_fresh(fresh)
        self._fill(found, fresh)
        notes = [f"After: {note}" for note in after.notes]
        notes += [f"Before: {note}" for note in before.notes if note not in after.notes]
        per_pixel = "" if pitch.known else "The file tells no pixel spacing: frequencies are per pixel."
        self.show_notes(*notes, per_pixel)

    def _fill(self, found: TransferBeside, fresh: bool) -> None:
        document = self.measures.document
        assert document is not None
        rows = self._rows(found)
        self.numbers.set_heads(["before", "after", "change"], [name for name, *_ in rows])
        for row, (name, before, after, kind, tip) in enumerate(rows):
            if kind == "frequency":
                texts = [words.frequency(number) for number in (before, after)]
            elif kind == "value":
                texts = [words.value(number, document.picture) for number in (before, after)]
            else:
                texts = [words.fixed(number, 1) for number in (before, after)]
            for column, text in enumerate((*texts, words.percent(before, after))):
                self.numbers.put(row, column, text, f"{name}. {tip}", fresh)
        self.fit_numbers()

    @staticmethod
    def _rows(found: TransferBeside) -> tuple[tuple[str, float | None, float | None, str, str], ...]:
        before, after = found.before, found.after
        per = after.pitch.frequency_unit
        return (
            (head("f50", per), before.f50, after.f50, "frequency", "Where half the contrast is left"),
            (head("f10", per), before.f10, after.f10, "frequency", "Where a tenth of the contrast is left"),
            (
                head("Contrast", found.unit),
                abs(before.contrast),
                abs(after.contrast),
                "value",
                "Between the two sides, away from the edge",
            ),
            (
                "Contrast to noise",
                before.cnr,
                after.cnr,
                "ratio",
                "Noise: sd on both sides of the edge. TG-233 asks for a ratio of 15 at least",
            ),
        )

    def numbers_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        rows: tuple[tuple[Any, ...], ...] = tuple(
            (name, before, after, words.change(before, after))
            for name, before, after, *_ in self._rows(found)
        )
        noise = found.before.noise, found.after.noise
        rows = (*rows, (head("Noise sd", found.unit), *noise, words.change(*noise)))
        return Table((f"sharpness of the {found.where}", "before", "after", "change (%)"), rows)

    def curve_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        after = found.after
        heads = (head("frequency", after.pitch.frequency_unit), "transfer before", "transfer after")
        columns = (after.frequencies, found.before.transfer, after.transfer)
        return Table(heads, tuple(zip(*(column.tolist() for column in columns), strict=True)))
