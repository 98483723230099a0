"""All of medical physics in the window: the measures, their panels, what they draw, the guard of means."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from denoise_studio.engine.equal_noise import Match
from denoise_studio.engine.measures import can_be_measured
from denoise_studio.gui.bias_watch import BiasWatch
from denoise_studio.gui.document import Document
from denoise_studio.gui.match_noise_dialog import MatchNoiseDialog
from denoise_studio.gui.measures import Measures
from denoise_studio.gui.panels.measures_table import MeasuresTable
from denoise_studio.gui.panels.noise_power_panel import NoisePowerPanel
from denoise_studio.gui.panels.profile_panel import ProfilePanel
from denoise_studio.gui.panels.transfer_panel import TransferPanel
from denoise_studio.gui.views.measure_items import MeasureItems

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

TABS = ("measures", "noise-power", "sharpness", "profile")


class MeasureRoom(QObject):
    """Made before the lower area, which takes `tabs`."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._document: Document | None = None
        self.dialog: MatchNoiseDialog | None = None
        bridge, compare = window.bridge, window.compare
        self.measures = Measures(bridge, compare.after.visible_rect, self)
        self.watch = BiasWatch(bridge, self)
        self.table = MeasuresTable(bridge, self.measures, self.watch)
        self.noise_power = NoisePowerPanel(bridge, self.measures)
        self.sharpness = TransferPanel(bridge, self.measures)
        self.profile = ProfilePanel(bridge, self.measures)
        self.items = MeasureItems(compare, self.measures, self)
        self.tabs: dict[str, tuple[str, str, QWidget]] = {
            "measures": ("Measures", "Statistics of every region before and after (Shift+G)", self.table),
            "noise-power": ("Noise power", "Noise texture before and after (Shift+N)", self.noise_power),
            "sharpness": ("Sharpness", "How sharply an edge or a disc is drawn (Shift+T)", self.sharpness),
            "profile": ("Profile", "Values along a line before and after (Shift+P)", self.profile),
        }
        self.watch.changed.connect(self._show_guard)
        self.table.match.clicked.connect(self.match)

    def begin(self) -> None:
        """Once the rest of the window is there."""
        window = self._window
        window.lower_area.turned.connect(lambda id_: self.items.refresh())
        for panel in (self.table, self.noise_power, self.sharpness, self.profile):
            panel.take_away.said = window.status.say

    def set_document(self, document: Document | None) -> None:
        """Measure this one from now on."""
        if self.dialog is not None:
            self.dialog.reject()
        self._document = document
        measurable = document is not None and can_be_measured(document.picture)
        for name in TABS:
            self._window.lower_area.offer(name, measurable)
        for name in (*TABS, "match-noise"):
            self._window.actions_[name].setEnabled(measurable)
        shown = document if measurable else None
        self.measures.set_document(shown)
        self.watch.set_document(shown)
        self.items.refresh()

    def restyle(self) -> None:
        """Take the present theme's colours."""
        for panel in (self.table, self.noise_power, self.sharpness, self.profile):
            panel.restyle()

    def _show_guard(self) -> None:
        guard = self.watch.guard
        self._window.status.show_means(guard)
        unit = f" {guard.unit}" if guard is not None and guard.unit else ""
        flagged = guard.flagged if guard is not None and guard.drawn else ()
        self._window.regions_panel.table.flag(
            {
                one.area.index: f"Its mean moved by {one.amount:+.2f}{unit} (limit {one.limit:g}{unit})."
                for one in flagged
            }
        )

    def match(self) -> None:
        """Ask for an equal noise."""
        if self._document is None or self.dialog is not None:
            return
        dialog = self.dialog = MatchNoiseDialog(self._window.bridge, self._document, self._window)
        dialog.matched.connect(self._matched)
        dialog.finished.connect(self._closed)
        dialog.open()

    def _matched(self, match: Match) -> None:
        self._window.status.say(match.sentence, 12)

    def _closed(self, *_: int) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
