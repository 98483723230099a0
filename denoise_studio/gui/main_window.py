"""The main window: puts the rooms together and carries out the actions."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QUndoGroup
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.engine.session import Request, Response
from denoise_studio.gui import theme
from denoise_studio.gui.actions import ACTIONS, make_actions
from denoise_studio.gui.autosave import Autosave
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.files import Files
from denoise_studio.gui.panels.histogram_panel import HistogramPanel
from denoise_studio.gui.panels.levels_bar import LevelsBar
from denoise_studio.gui.panels.method_panel import MethodPanel
from denoise_studio.gui.panels.pictures_panel import PicturesPanel
from denoise_studio.gui.panels.readouts_panel import ReadoutsPanel
from denoise_studio.gui.panels.regions_panel import RegionsPanel
from denoise_studio.gui.panels.section import Section
from denoise_studio.gui.pictures import project_of
from denoise_studio.gui.settings import SettingsFile, recovery_folder
from denoise_studio.gui.status import StatusBar
from denoise_studio.gui.views.compare import Compare, Mode
from denoise_studio.gui.views.region_tools import RegionTools, Tool
from denoise_studio.gui.window_actions import WindowActions

_PANEL_WIDTH = 348
_CONTEXT_MENU = (
    *("fit", "one-to-one", "", "auto-levels", "reset-levels", "invert", ""),
    *("tool-box", "tool-ellipse", "tool-polygon", "tool-brush", "remove-region", "", "export"),
)


class MainWindow(QMainWindow):
    """One window with any number of open pictures, one of them shown.

    Signals:
        current_changed: another document, or none, is shown.
    """

    current_changed = Signal(object)

    def __init__(
        self, settings: SettingsFile, autosave_folder: Path | None = None, ask_before_closing: bool = False
    ) -> None:
        super().__init__()
        self.ask_before_closing = ask_before_closing
        self.settings = settings
        self.bridge = Bridge(settings.value.memory_mb * 2**20, self)
        self.documents: list[Document] = []
        self.document: Document | None = None
        self.undo_group = QUndoGroup(self)
        self.autosave = Autosave(autosave_folder or recovery_folder(), self)
        self.compare = Compare(self.bridge)
        self.tools = RegionTools(self.compare, self)
        self.method_panel = MethodPanel()
        self.regions_panel = RegionsPanel(self.tools)
        self.readouts_panel = ReadoutsPanel(self.bridge)
        self.histogram_panel = HistogramPanel(self.bridge)
        self.pictures_panel = PicturesPanel()
        self.levels_bar = LevelsBar()
        self.status = StatusBar()
        self.files = Files(self)
        self.carry_out = WindowActions(self)
        self.actions_: dict[str, QAction] = make_actions(self, self.carry_out.slot)
        self._build()
        self._connect()
        self.show_document(None)

    # Building

    def _build(self) -> None:
        self.setWindowTitle("Denoise Studio")
        self.setMinimumSize(900, 560)
        self.resize(1280, 800)
        self.setAcceptDrops(True)
        self.setStatusBar(self.status)
        self._build_menus()
        self._build_tool_bar()
        self.middle = QSplitter(Qt.Orientation.Vertical)
        self.middle.setHandleWidth(1)
        self.middle.addWidget(self._pictures_area())
        self.middle.addWidget(self.histogram_panel)
        self.middle.setStretchFactor(0, 1)
        self.middle.setSizes([800, 130])
        self.histogram_panel.setMinimumHeight(90)
        across = QSplitter(Qt.Orientation.Horizontal)
        across.setHandleWidth(1)
        across.addWidget(self.pictures_panel)
        across.addWidget(self.middle)
        across.addWidget(self._side_panel())
        across.setStretchFactor(1, 1)
        across.setSizes([190, 900, _PANEL_WIDTH])
        self.pictures_panel.setMinimumWidth(150)
        self.setCentralWidget(across)

    def _pictures_area(self) -> QWidget:
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        self.welcome = QLabel(
            "<p style='font-size:20px'>Drop a picture here</p>"
            "<p>DICOM, TIFF, PNG, JPEG or NPY — or press Ctrl+O</p>"
            "<p>To look around first: File ▸ Open the sample</p>"
        )
        self.welcome.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.welcome.setObjectName("quiet")
        self.welcome.setAccessibleName("How to begin")
        layout.addWidget(self.welcome, 1)
        layout.addWidget(self.compare, 1)
        return holder

    def _side_panel(self) -> QScrollArea:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.sections = [
            Section("Method", self.method_panel),
            Section("Regions", self.regions_panel),
            Section("Read-outs", self.readouts_panel),
        ]
        for section in self.sections:
            layout.addWidget(section)
        layout.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setMinimumWidth(_PANEL_WIDTH)
        area.setMaximumWidth(520)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Method, regions and read-outs")
        return area

    def _build_menus(self) -> None:
        bar = self.menuBar()
        menus: dict[str, QMenu] = {}
        for declared in ACTIONS:
            if declared.menu not in menus:
                menus[declared.menu] = bar.addMenu(f"&{declared.menu}")
            menus[declared.menu].addAction(self.actions_[declared.id])
            if declared.id == "open-sample":
                self.recent_menu = menus["File"].addMenu("Open &recent")
                self.recent_menu.aboutToShow.connect(self.files.fill_recent)
            if declared.id == "save-preset":
                self.presets_menu = menus["Edit"].addMenu("&Presets")
                self.presets_menu.aboutToShow.connect(self.files.fill_presets)
            if declared.id in (
                "open-sample",
                "save-project-as",
                "redo",
                "save-preset",
                "hold",
                "zoom-out",
                "invert",
            ):
                menus[declared.menu].addSeparator()

    def _build_tool_bar(self) -> None:
        bar = self.tool_bar = QToolBar("Tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        self.addToolBar(bar)
        for name in ("open", "export", "", "undo", "redo", "", "side", "wipe", "difference"):
            bar.addAction(self.actions_[name]) if name else bar.addSeparator()
        self.hold_button = QToolButton()
        self.hold_button.setIcon(self.actions_["hold"].icon())
        self.hold_button.setToolTip(self.actions_["hold"].toolTip())
        self.hold_button.setAccessibleName("Hold to see the original")
        self.hold_button.pressed.connect(lambda: self.compare.hold(True))
        self.hold_button.released.connect(lambda: self.compare.hold(False))
        bar.addWidget(self.hold_button)
        bar.addSeparator()
        bar.addAction(self.actions_["fit"])
        self.zoom_label = QToolButton()
        self.zoom_label.setText("100 %")
        self.zoom_label.setFixedWidth(62)
        self.zoom_label.setToolTip("Zoom: screen pixels for a picture pixel. Click for 100 % (Z)")
        self.zoom_label.setAccessibleName("Zoom; click for 100 %")
        self.zoom_label.clicked.connect(self.actions_["one-to-one"].trigger)
        bar.addWidget(self.zoom_label)
        bar.addSeparator()
        bar.addWidget(self.levels_bar)
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        for name in ("theme", "shortcuts"):
            bar.addAction(self.actions_[name])
        for action in bar.actions():
            button = bar.widgetForAction(action)
            if isinstance(button, QToolButton) and action.text():
                button.setAccessibleName(action.text().replace("&", "").replace(" …", ""))

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
        self.actions_["histogram"].setChecked(True)
        self.actions_["theme"].setChecked(theme.current().name == "light")
        self.hold_keys = [keys[0].key() for keys in self.actions_["hold"].shortcuts()]  # type: ignore[index]
        self.actions_["hold"].setShortcuts([])  # a shortcut knows no release: keys are watched below
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

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
        document.levels_changed.connect(self._remember)
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
        self.bridge.session.cache.forget(document.picture)
        document.deleteLater()
        self._remember()

    def show_index(self, index: int) -> None:
        if 0 <= index < len(self.documents):
            self.show_document(self.documents[index])

    def show_document(self, document: Document | None) -> None:
        self.document = document
        self.tools.set_tool(Tool.NAVIGATE)
        self.undo_group.setActiveStack(document.undo_stack if document else None)  # type: ignore[arg-type]
        for room in (
            self.compare, self.tools, self.method_panel, self.regions_panel,
            self.readouts_panel, self.histogram_panel, self.levels_bar,
        ):  # fmt: skip
            room.set_document(document)  # type: ignore[attr-defined]
        self.compare.setVisible(document is not None)
        self.welcome.setVisible(document is None)
        self.pictures_panel.setVisible(len(self.documents) > 1)
        self.histogram_panel.setVisible(document is not None and self.actions_["histogram"].isChecked())
        medical = document is not None and document.picture.kind in ("ct", "mr")
        self.status.notice.setVisible(medical)
        self.status.show_device(document.response if document else None)
        for declared in ACTIONS:
            if declared.menu in ("View", "Levels", "Regions") and declared.id not in ("theme", "histogram"):
                self.actions_[declared.id].setEnabled(document is not None)
        names = self.levels_bar.preset_names()
        for number in range(1, 9):
            action = self.actions_[f"window-{number}"]
            action.setEnabled(number <= len(names))
            action.setText(names[number - 1] if number <= len(names) else f"Window preset {number}")
        for name in (
            "export",
            "close-picture",
            "save-project",
            "save-project-as",
            "copy-edit",
            "save-preset",
        ):
            self.actions_[name].setEnabled(document is not None)
        # No file name in the title of a scan: it may tell whose it is.
        shown = "" if document is None else ("Scan" if medical else document.title)
        self.setWindowTitle(f"{shown} – Denoise Studio" if shown else "Denoise Studio")
        self._list_documents()
        if document is not None:
            self.actions_["invert"].setChecked(document.levels.invert)
            self._request()
        self.current_changed.emit(document)

    def _list_documents(self) -> None:
        current = self.documents.index(self.document) if self.document else -1
        self.pictures_panel.show_documents(self.documents, current)
        self.pictures_panel.setVisible(len(self.documents) > 1)

    # Rendering

    def _recipe_changed(self) -> None:
        if self.sender() is self.document:
            self._request()
        self._remember()

    def _request(self) -> None:
        document = self.document
        if document is None:
            return
        pane = self.compare.after
        visible = pane.visible_rect().intersect(document.picture.rect)
        cursor = pane.to_picture(QPointF(pane.mapFromGlobal(pane.cursor().pos())))
        focus = (cursor.x(), cursor.y()) if pane.underMouse() else None
        document.wanted_id = self.bridge.request(Request(document.picture, document.recipe, visible, focus))

    def _responded(self, response: Response) -> None:
        for document in self.documents:
            if document.accept(response) and document is self.document:
                self.status.show_device(response, response.recipe.precision)

    def _failed(self, number: int, error: Exception) -> None:
        document = self.document
        if document is None or number < document.wanted_id:
            return
        document.failed_id = number
        self.compare.show_state()
        text = str(error) if isinstance(error, StudioError) else f"The method failed: {error}"
        self.status.say(text, 30)

    def _remember(self) -> None:
        self.autosave.remember(
            project_of(self.documents, self.documents.index(self.document) if self.document else -1)
        )

    # Looking

    def _hovered(self, point: QPointF | None) -> None:
        self.status.show_cursor(self.document, point)

    def _show_mode(self, mode: str) -> None:
        for name in Mode:
            self.actions_[name.value].setChecked(name.value == mode)

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
        self.actions_["theme"].setChecked(name == "light")
        self.settings.change(theme=name)

    # Qt events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hold-to-see-original: a key that acts while it is down."""
        if isinstance(event, QKeyEvent) and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            if event.isAutoRepeat() or not self._is_hold_key(event):
                return False
            if event.type() == QEvent.Type.KeyPress and self.isActiveWindow() and not _typing():
                self.compare.hold(True)
            elif event.type() == QEvent.Type.KeyRelease and self.compare.holding:
                self.compare.hold(False)
        elif event.type() == QEvent.Type.WindowDeactivate and watched is self and self.compare.holding:
            self.compare.hold(False)  # the key's release goes to another program
        return False

    def _is_hold_key(self, event: QKeyEvent) -> bool:
        return not event.modifiers() and event.key() in self.hold_keys

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
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
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
        return self.bridge.idle and (document is None or document.is_final or document.has_failed)


def _typing() -> bool:
    from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit

    return isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox)
