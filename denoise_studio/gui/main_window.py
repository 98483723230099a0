"""The main window: puts the rooms together and carries out the actions."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QUndoGroup
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QMenu,
    QSplitter,
    QToolBar,
    QToolButton,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.engine.sensor import has_sensor
from denoise_studio.engine.session import Request, Response
from denoise_studio.gui import theme
from denoise_studio.gui.actions import ACTIONS, make_actions
from denoise_studio.gui.autosave import Autosave
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.files import Files
from denoise_studio.gui.fit_watch import FitWatch, Standing
from denoise_studio.gui.hold_keys import HoldKeys
from denoise_studio.gui.inspector import InspectorWindow
from denoise_studio.gui.maps import Medians
from denoise_studio.gui.measure_room import TABS, MeasureRoom
from denoise_studio.gui.panels.filter_panel import FilterPanel
from denoise_studio.gui.panels.fit_panel import FitPanel
from denoise_studio.gui.panels.histogram_panel import HistogramPanel
from denoise_studio.gui.panels.levels_bar import LevelsBar
from denoise_studio.gui.panels.lower_area import LowerArea
from denoise_studio.gui.panels.map_bar import MapBar
from denoise_studio.gui.panels.method_panel import MethodPanel
from denoise_studio.gui.panels.noise_panel import NoisePanel
from denoise_studio.gui.panels.pictures_panel import PicturesPanel
from denoise_studio.gui.panels.readings_rows import ReadingsRows
from denoise_studio.gui.panels.readings_table import ReadingsTable
from denoise_studio.gui.panels.readouts_panel import ReadoutsPanel
from denoise_studio.gui.panels.regions_panel import RegionsPanel
from denoise_studio.gui.panels.sensor_plot import SensorPlotPanel
from denoise_studio.gui.panels.slices_panel import SlicesPanel
from denoise_studio.gui.panels.strength_plot import StrengthPlot
from denoise_studio.gui.pictures import project_of
from denoise_studio.gui.raw_tools import RawTools
from denoise_studio.gui.reading_room import ReadingRoom
from denoise_studio.gui.readings import Readings
from denoise_studio.gui.rooms import build_menus, build_rooms, build_tool_bar
from denoise_studio.gui.series_tools import SeriesTools
from denoise_studio.gui.settings import SettingsFile, recovery_folder
from denoise_studio.gui.slices import Slices
from denoise_studio.gui.status import StatusBar
from denoise_studio.gui.views.compare import Compare, Mode
from denoise_studio.gui.views.map_overlay import MapOverlay
from denoise_studio.gui.views.region_tools import RegionTools, Tool
from denoise_studio.gui.window_actions import WindowActions
from denoise_studio.gui.window_presets import PresetStore

PANELS = ("histogram", "readings", *TABS, "strength-plot", "sensor-plot", "filter-here", "loss-curve")
_CONTEXT_MENU = (
    *("fit", "one-to-one", "", "auto-levels", "reset-levels", "invert", ""),
    *("rotate-right", "flip-across", "reset-view", "tool-measure", ""),
    *("tool-box", "tool-ellipse", "tool-polygon", "tool-brush", "remove-region", "", "export"),
)


class MainWindow(QMainWindow):
    """One window with any number of open pictures, one of them shown.

    Signals:
        current_changed: another document, or none, is shown.
    """

    current_changed = Signal(object)
    welcome: QLabel
    middle: QSplitter
    left: QWidget
    tool_bar: QToolBar
    hold_button: QToolButton
    zoom_label: QToolButton
    recent_menu: QMenu
    presets_menu: QMenu

    def __init__(
        self, settings: SettingsFile, autosave_folder: Path | None = None, ask_before_closing: bool = False
    ) -> None:
        super().__init__()
        self.ask_before_closing = ask_before_closing
        self.settings = settings
        self.bridge = Bridge(settings.value.memory_mb * 2**20, self)
        self.documents: list[Document] = []
        self.document: Document | None = None
        self._cursor: QPointF | None = None
        self.undo_group = QUndoGroup(self)
        self.autosave = Autosave(autosave_folder or recovery_folder(), self)
        self.compare = Compare(self.bridge)
        self.slices = Slices(self.bridge, self.compare, settings.value.memory_mb * 2**20, self)
        self.slices_panel = SlicesPanel(self.slices)
        self.tools = RegionTools(self.compare, self)
        self.noise_panel = NoisePanel(self.bridge, self.compare.after.visible_rect, settings.value.knee)
        self.method_panel = MethodPanel()
        self.regions_panel = RegionsPanel(self.tools)
        self.readouts_panel = ReadoutsPanel(self.bridge)
        self.histogram_panel = HistogramPanel(self.bridge)
        self.filter_panel = FilterPanel(self.bridge)
        self.fit_watch = FitWatch(self.bridge, self)
        self.fit_panel = FitPanel(self.fit_watch)
        self.medians = Medians(self.bridge, self)
        self.readings = Readings(self.bridge, self.compare.after.visible_rect, self)
        self.readings_rows = ReadingsRows(self.readings)
        self.readings_table = ReadingsTable(self.readings)
        self.strength_plot = StrengthPlot(self.bridge, self.readings)
        self.sensor_plot = SensorPlotPanel(self.bridge)
        self.inspector = InspectorWindow(self.bridge, self)
        self.overlay = MapOverlay(self.bridge, self.compare, self.readings)
        self.map_bar = MapBar(self.overlay)
        self.measure_room = MeasureRoom(self)
        self.lower_area = LowerArea(
            {
                "histogram": ("Histogram", "Values before and after (H)", self.histogram_panel),
                "readings": ("Read-outs", "Numbers of every area beside each other (N)", self.readings_table),
                **self.measure_room.tabs,
                "strength-plot": ("Strength", "What each strength does (G)", self.strength_plot),
                "sensor-plot": ("Noise model", "Variance against mean of a raw file (U)", self.sensor_plot),
                "filter-here": ("Filter here", "What is averaged around the cursor (X)", self.filter_panel),
                "loss-curve": ("Fit", "How the maps were found (L)", self.fit_panel),
            }
        )
        self.pictures_panel = PicturesPanel()
        self.presets = PresetStore(settings.folder)
        self.levels_bar = LevelsBar(self.presets)
        self.levels_bar.listed.connect(self._name_windows)
        self.status = StatusBar()
        self.files = Files(self)
        self.raw_tools = RawTools(self)
        self.series_tools = SeriesTools(self)
        self.reading_room = ReadingRoom(self)
        self.carry_out = WindowActions(self)
        self.actions_: dict[str, QAction] = make_actions(self, self.carry_out.slot)
        self.setWindowTitle("Denoise Studio")
        self.setMinimumSize(900, 560)
        self.resize(1280, 800)
        self.setAcceptDrops(True)
        self.setStatusBar(self.status)
        build_menus(self)
        build_tool_bar(self)
        build_rooms(self)
        self.reading_room.begin()
        self.measure_room.begin()
        self._connect()
        self.show_document(None)

    def _connect(self) -> None:
        self.bridge.responded.connect(self._responded)
        self.bridge.failed.connect(self._failed)
        self.compare.hovered.connect(self._hovered)
        self.compare.menu_requested.connect(self._context_menu)
        self.compare.mode_changed.connect(self._show_mode)
        self.compare.zoom_changed.connect(
            lambda zoom: self.zoom_label.setText(f"{zoom:.0%}".replace("%", " %"))
        )
        self.pictures_panel.chosen.connect(self.show_index)
        self.method_panel.failed.connect(self.status.say)
        self.status.cancelled.connect(self.files.cancel)
        self.undo_group.canUndoChanged.connect(self.actions_["undo"].setEnabled)
        self.undo_group.canRedoChanged.connect(self.actions_["redo"].setEnabled)
        self.undo_group.undoTextChanged.connect(lambda text: self._name_step("undo", text))
        self.undo_group.redoTextChanged.connect(lambda text: self._name_step("redo", text))
        for name in ("undo", "redo"):
            self.actions_[name].setEnabled(False)
        self.slices.failed.connect(lambda sentence: self.status.say(sentence, 12))
        self.slices.playing_changed.connect(self.actions_["cine"].setChecked)
        self.slices_panel.save.clicked.connect(self.actions_["export-series"].trigger)
        self.lower_area.turned.connect(self._show_panel)
        self.fit_watch.changed.connect(self._show_fit)
        self.method_panel.fit_line.stop.connect(self.fit_watch.stop)
        self.method_panel.fit_line.again.connect(self.fit_watch.again)
        self.medians.found.connect(self.method_panel.show_found)
        self.medians.found.connect(self.noise_panel.show_found)
        self.noise_panel.knee_group.folded.connect(lambda open_: self.settings.change(knee=open_))
        self.compare.viewport.changed.connect(self.noise_panel.knee.refresh)
        self.compare.viewport.changed.connect(self.readings.refresh)
        self.readings_rows.open_reference.clicked.connect(self.actions_["open-reference"].trigger)
        self.noise_panel.scale_changed.connect(self.regions_panel.show_noise_scale)
        self.medians.found_inside.connect(self.regions_panel.show_found)
        self.compare.hovered.connect(self.filter_panel.hover)
        self.overlay.changed.connect(lambda: self._hovered(self._cursor))
        self.actions_["theme"].setChecked(theme.current().name == "light")
        self.hold_keys = HoldKeys(self, self.compare, self.actions_["hold"])

    def _name_step(self, name: str, text: str) -> None:
        action = self.actions_[name]
        key = action.shortcut().toString()
        action.setToolTip(
            f"{name.capitalize()} {text}  ({key})".replace("  (", " (")
            if text
            else f"{name.capitalize()} ({key})"
        )

    # Documents

    def add_document(self, document: Document) -> None:
        self.documents.append(document)
        document.setParent(self)
        self.undo_group.addStack(document.undo_stack)
        document.recipe_changed.connect(self._recipe_changed)
        document.picture_changed.connect(self._slice_changed)
        document.levels_changed.connect(self._remember)
        document.reference_changed.connect(self._remember)
        self.show_document(document)
        self._remember()

    def close_document(self, document: Document) -> None:
        index = self.documents.index(document)
        self.documents.remove(document)
        self.undo_group.removeStack(document.undo_stack)
        if document is self.document:
            self.bridge.session.lane.cancel_all()
            rest = self.documents
            self.show_document(rest[min(index, len(rest) - 1)] if rest else None)
        else:
            self._list_documents()
        self.bridge.session.ahead.cancel_all()
        self.slices.close(document)
        self.bridge.session.forget(document.picture)
        document.deleteLater()
        self._remember()

    def show_index(self, index: int) -> None:
        if 0 <= index < len(self.documents):
            self.show_document(self.documents[index])

    def show_document(self, document: Document | None) -> None:
        self.document, self._cursor = document, None
        self.tools.set_tool(Tool.NAVIGATE)
        self.undo_group.setActiveStack(document.undo_stack if document else None)  # type: ignore[arg-type]
        for room in (
            self.compare, self.tools, self.noise_panel, self.method_panel, self.regions_panel,
            self.readouts_panel, self.histogram_panel, self.levels_bar, self.fit_watch, self.fit_panel,
            self.medians, self.readings, self.strength_plot, self.inspector, self.overlay, self.map_bar,
            self.sensor_plot, self.filter_panel, self.slices, self.reading_room, self.measure_room,
        ):  # fmt: skip
            room.set_document(document)  # type: ignore[attr-defined]
        series = document is not None and document.stack is not None
        self.slices_panel.setVisible(series)
        self.left.setVisible(series or len(self.documents) > 1)
        self.compare.setVisible(document is not None)
        self.welcome.setVisible(document is None)
        self.pictures_panel.setVisible(len(self.documents) > 1)
        self.lower_area.set_available(document is not None)
        sensor = document is not None and has_sensor(document.picture)
        self.lower_area.offer("sensor-plot", sensor)
        self.actions_["sensor-plot"].setEnabled(sensor)
        ct = document is not None and document.picture.kind == "ct"
        self.actions_["simulate"].setEnabled(sensor or ct)
        medical = document is not None and document.picture.kind in ("ct", "mr")
        self.status.notice.setVisible(medical)
        self.status.show_device(document.response if document else None)
        for declared in ACTIONS:
            if declared.menu in ("View", "Picture", "Levels", "Regions") and declared.id not in (
                "theme",
                *PANELS,
            ):
                self.actions_[declared.id].setEnabled(document is not None)
        self._name_windows()
        for name in (
            "export",
            "close-picture",
            "save-project",
            "save-project-as",
            "copy-edit",
            "save-preset",
            "open-reference",
        ):
            self.actions_[name].setEnabled(document is not None)
        for name in ("cine", "export-series"):
            self.actions_[name].setEnabled(series)
        # No file name in the title of a scan: it may tell whose it is.
        shown = "" if document is None else ("Scan" if medical else document.title)
        self.setWindowTitle(f"{shown} – Denoise Studio" if shown else "Denoise Studio")
        self._list_documents()
        if document is not None:
            self.actions_["invert"].setChecked(document.levels.invert)
            self._request()
        self.current_changed.emit(document)

    def _name_windows(self) -> None:
        """Tell in the menu which window each number key stands for."""
        names = self.levels_bar.preset_names()
        for number in range(1, 10):
            action = self.actions_[f"window-{number}"]
            action.setEnabled(number <= len(names))
            action.setText(names[number - 1] if number <= len(names) else f"Window preset {number}")
        self.actions_["edit-windows"].setEnabled(True)

    def _list_documents(self) -> None:
        current = self.documents.index(self.document) if self.document else -1
        self.pictures_panel.show_documents(self.documents, current)
        self.pictures_panel.setVisible(len(self.documents) > 1)

    # Slices

    def _slice_changed(self) -> None:
        """Another slice: what is known of it at once, the rest is asked for."""
        document = self.document
        if document is None or self.sender() is not document:
            return
        ready = self.bridge.ready(self._wish(document))
        document.wanted_id = ready.id if ready is not None else self.bridge.request(self._wish(document))
        self.compare.slice_changed()
        for room in (
            self.noise_panel, self.readouts_panel, self.histogram_panel, self.fit_watch, self.fit_panel,
            self.medians, self.readings, self.strength_plot, self.inspector, self.overlay, self.filter_panel,
        ):  # fmt: skip
            room.set_document(document)  # type: ignore[attr-defined]
        self.method_panel.show_slice()
        if ready is not None:
            self._responded(ready)
        self._hovered(self._cursor)

    # Rendering

    def _recipe_changed(self) -> None:
        if self.sender() is self.document:
            self._request()
        self._remember()

    def _request(self) -> None:
        document = self.document
        if document is not None:
            document.wanted_id = self.bridge.request(self._wish(document))

    def _wish(self, document: Document) -> Request:
        pane = self.compare.after
        visible = pane.visible_rect().intersect(document.picture.rect)
        cursor = pane.to_picture(QPointF(pane.mapFromGlobal(pane.cursor().pos())))
        focus = (cursor.x(), cursor.y()) if pane.underMouse() else None
        return Request(document.picture, document.recipe, visible, focus)

    def _responded(self, response: Response) -> None:
        for document in self.documents:
            if document.accept(response) and document is self.document:
                self.status.show_device(response, response.recipe.precision)
                self._hovered(self._cursor)

    def _failed(self, number: int, error: Exception) -> None:
        document = self.document
        if document is None or number < document.wanted_id:
            return
        document.failed_id = number
        self.fit_watch.refresh()
        self.compare.show_state()
        text = str(error) if isinstance(error, StudioError) else f"The method failed: {error}"
        self.status.say(text, 30)

    def _remember(self) -> None:
        self.autosave.remember(
            project_of(self.documents, self.documents.index(self.document) if self.document else -1)
        )

    # Looking

    def _hovered(self, point: QPointF | None) -> None:
        self._cursor = point
        self.status.show_cursor(self.document, point, self.overlay.text_at)

    def _show_mode(self, mode: str) -> None:
        for name in Mode:
            self.actions_[name.value].setChecked(name.value == mode)

    def _show_panel(self, id: str) -> None:
        for name in PANELS:
            self.actions_[name].setChecked(name == id)

    def _show_fit(self) -> None:
        self.method_panel.fit_line.show_state(self.fit_watch.state)
        self.compare.fit_chip = self.fit_watch.state.chip
        self.compare.show_state()

    def _context_menu(self, position: Any) -> None:
        menu = QMenu(self)
        for name in _CONTEXT_MENU:
            menu.addAction(self.actions_[name]) if name else menu.addSeparator()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)

    def set_theme(self, name: str) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply(application, name)
        self.compare.restyle()
        self.histogram_panel.restyle()
        self.fit_panel.restyle()
        self.noise_panel.knee.restyle()
        self.readings_table.refresh()
        self.strength_plot.restyle()
        self.sensor_plot.restyle()
        self.measure_room.restyle()
        self.inspector.restyle()
        self.actions_["theme"].setChecked(name == "light")
        self.settings.change(theme=name)

    # Qt events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files.open(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing runs on: jobs are cancelled, and the edits need no recovery."""
        if self.ask_before_closing and any(not d.undo_stack.isClean() for d in self.documents):
            event.ignore()
            self.files.ask_about_unsaved(self._close_anyway)
            return
        self.hold_keys.stop()
        self.bridge.close()
        self.autosave.forget()
        event.accept()
        super().closeEvent(event)

    def _close_anyway(self) -> None:
        self.ask_before_closing = False
        self.close()

    def is_idle(self) -> bool:
        """Whether everything asked for is done and on the screen; for snapshots and tests."""
        document = self.document
        if not self.bridge.idle or document is None:
            return document is None and self.bridge.idle
        return document.is_final or document.has_failed or self.fit_watch.state.standing is Standing.STOPPED
