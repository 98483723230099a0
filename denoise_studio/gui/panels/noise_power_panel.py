"""Noise power before and after: radial curves, the two-dimensional spectra, and the texture shift."""

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from denoise_studio.engine.measures import NoiseBeside
from denoise_studio.engine.tables import Table, head
from denoise_studio.gui import measure_words as words
from denoise_studio.gui import theme
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.measures import Measures, Sort
from denoise_studio.gui.panels.curve_plot import CurvePlot, top
from denoise_studio.gui.panels.measure_panel import MeasurePanel
from denoise_studio.metrics.physics.noise_power import NoisePower
from denoise_studio.metrics.physics.pitch import power_unit

_TIP = (
    "Noise power over spatial frequency, mean over all directions. The area under the two-dimensional "
    "spectrum is the noise's variance; its shape is the texture: power at low frequencies is blotchy."
)
_SHIFT = "Texture shift: by how much the mean frequency moved. Below 0 the noise has become coarser."


class NoisePowerPanel(MeasurePanel):
    """Measured in the selected region, else in the flat squares that are found."""

    sort = Sort.NOISE
    what = "noise power"

    def __init__(self, bridge: Bridge, measures: Measures, parent: QWidget | None = None) -> None:
        super().__init__(bridge, measures, parent)
        self.radial = CurvePlot("Radial noise power before and after", _TIP)
        self.spectra = SpectrumView("before"), SpectrumView("after")
        self.plots.addWidget(self.radial, 1)
        for view in self.spectra:
            self.plots.addWidget(view)

    def restyle(self) -> None:
        self.radial.restyle()
        super().restyle()

    def set_narrow(self, narrow: bool) -> None:
        super().set_narrow(narrow)
        for view in self.spectra:
            view.setVisible(not narrow)

    def show_found(self, found: NoiseBeside, fresh: bool) -> None:
        before, after = found.before, found.after
        per = before.pitch.frequency_unit
        unit = power_unit(found.unit, before.pitch)
        self.radial.set_labels(f"{per} · {found.where}", unit)
        self.radial.show_curves(before.frequencies, before.radial, after.radial)
        self.radial.mark((before.mean_frequency, False), (after.mean_frequency, True))
        self.radial.set_ranges((0.0, float(before.frequencies[-1])), (0.0, top(before.radial, after.radial)))
        self.radial.set_fresh(fresh)
        for view, power in zip(self.spectra, (before, after), strict=True):
            view.show_power(power, fresh)
        self._fill(found, fresh)
        per_pixel = (
            "" if before.pitch.known else "The file tells no pixel spacing: frequencies are per pixel."
        )
        self.show_notes(before.note, per_pixel)

    def _fill(self, found: NoiseBeside, fresh: bool) -> None:
        picture = self.measures.document.picture if self.measures.document is not None else None
        assert picture is not None
        rows = self._rows(found)
        self.numbers.set_heads(["before", "after", "change"], [name for name, *_ in rows])
        for row, (name, before, after, tip) in enumerate(rows):
            frequency = row < 2
            texts = (
                [words.frequency(n) for n in (before, after)]
                if frequency
                else [words.value(n, picture) for n in (before, after)]
            )
            for column, text in enumerate((*texts, words.percent(before, after))):
                shift = row == 0 and column == 2
                self.numbers.put(row, column, text, f"{name}. {_SHIFT if shift else tip}", fresh)
        self.fit_numbers()

    @staticmethod
    def _rows(found: NoiseBeside) -> tuple[tuple[str, float, float, str], ...]:
        before, after = found.before, found.after
        per = before.pitch.frequency_unit
        return (
            (
                head("Mean", per),
                before.mean_frequency,
                after.mean_frequency,
                "Mean frequency: the centre of gravity of the radial curve (TG-233)",
            ),
            (
                head("Peak", per),
                before.peak_frequency,
                after.peak_frequency,
                "Peak frequency: where the radial curve, smoothed a little, has its top",
            ),
            (
                head("sd", found.unit),
                before.sd,
                after.sd,
                "Root of the integral of the two-dimensional spectrum",
            ),
        )

    def numbers_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        rows: list[tuple[Any, ...]] = [
            (f"noise {name}", before, after, words.change(before, after))
            for name, before, after, _ in self._rows(found)
        ]
        rows.append(("Texture shift (%)", None, None, found.shift))
        return Table((f"noise power in {found.where}", "before", "after", "change (%)"), tuple(rows))

    def curve_table(self) -> Table | None:
        found = self.found
        if found is None:
            return None
        unit = power_unit(found.unit, found.before.pitch)
        heads = (
            head("frequency", found.before.pitch.frequency_unit),
            head("noise power before", unit),
            head("noise power after", unit),
        )
        columns = (found.before.frequencies, found.before.radial, found.after.radial)
        return Table(heads, tuple(zip(*(column.tolist() for column in columns), strict=True)))


class SpectrumView(QWidget):
    """A two-dimensional spectrum, zero frequency in the middle, from black to its own top."""

    def __init__(self, caption: str) -> None:
        super().__init__()
        self._caption = caption
        self._image: QImage | None = None
        self._extent = (1.0, 1.0)
        self._fresh = True
        self.setAccessibleName(f"Two-dimensional noise power {caption}")
        self.setToolTip(
            "Noise power over both directions of frequency, zero in the middle; grey is its root, from black "
            "to each spectrum's own top. A ring: noise as filtered back-projection makes it. Spokes: streaks."
        )
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(124, 124)

    def show_power(self, power: NoisePower, fresh: bool) -> None:
        """Draw a spectrum."""
        root = np.sqrt(np.maximum(power.power, 0.0))
        grey = np.ascontiguousarray((root * (255.0 / (root.max() or 1.0))).astype(np.uint8))
        side = grey.shape[0]
        self._image = QImage(grey.tobytes(), side, side, side, QImage.Format.Format_Grayscale8).copy()
        self._extent = (1.0 / power.pitch.column, 1.0 / power.pitch.row)
        self._fresh = fresh
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            return
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        line = painter.fontMetrics().height() + 2
        room = min(self.width() - 4, self.height() - line - 6)
        wide, high = (room * part / max(self._extent) for part in self._extent)
        place = QRectF((self.width() - wide) / 2, 4 + (room - high) / 2, wide, high)
        painter.setOpacity(1.0 if self._fresh else 0.35)
        painter.drawImage(place, self._image)
        painter.setPen(QColor(tokens.quiet if self._fresh else tokens.faint))
        below = QRectF(0, 4 + room, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._caption)
        painter.setOpacity(0.5)
        painter.drawEllipse(QPointF(place.center()), 1.5, 1.5)
        painter.end()
