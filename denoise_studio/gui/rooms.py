"""Where everything is in the main window: menus, tool bar, panes, panels."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.gui.actions import ACTIONS
from denoise_studio.gui.panels.section import Section

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

_PANEL_WIDTH = 348
_LOWER_HEIGHT = 176
_ENDS_OF_PARTS = (
    *(
        "open-sample",
        "close-reference",
        "save-project-as",
        "redo",
        "save-preset",
        "hold",
        "zoom-out",
        "invert",
    ),
    *("loss-curve", "next-map", "reset-view", "scale-bar", "window-9"),
)


def build_rooms(window: "MainWindow") -> None:
    """Pictures at the left, panes and lower area in the middle, panels at the right."""
    window.middle = QSplitter(Qt.Orientation.Vertical)
    window.middle.setHandleWidth(1)
    window.middle.addWidget(_pictures_area(window))
    window.middle.addWidget(window.lower_area)
    window.middle.setStretchFactor(0, 1)
    window.middle.setSizes([800, _LOWER_HEIGHT])
    across = QSplitter(Qt.Orientation.Horizontal)
    across.setHandleWidth(1)
    across.addWidget(_left_side(window))
    across.addWidget(window.middle)
    across.addWidget(_side_panel(window))
    across.setStretchFactor(1, 1)
    across.setSizes([190, 900, _PANEL_WIDTH])
    window.setCentralWidget(across)


def _left_side(window: "MainWindow") -> QWidget:
    """The open pictures, and the slices of the one shown."""
    window.left = QWidget()
    layout = QVBoxLayout(window.left)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(window.pictures_panel, 2)
    layout.addWidget(window.slices_panel, 3)
    window.left.setMinimumWidth(200)
    return window.left


def _pictures_area(window: "MainWindow") -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    window.welcome = QLabel(
        "<p style='font-size:20px'>Drop a picture here</p>"
        "<p>DICOM, camera raw, TIFF, PNG, JPEG or NPY — or press Ctrl+O</p>"
        "<p>or a folder with the slices of a series</p>"
        "<p>To look around first: File ▸ Open the sample</p>"
    )
    window.welcome.setAlignment(Qt.AlignmentFlag.AlignCenter)
    window.welcome.setObjectName("quiet")
    window.welcome.setAccessibleName("How to begin")
    layout.addWidget(window.welcome, 1)
    layout.addWidget(window.compare, 1)
    return holder


def _side_panel(window: "MainWindow") -> QScrollArea:
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for section in (
        Section("Noise", window.noise_panel),
        Section("Method", window.method_panel),
        Section("Regions", window.regions_panel),
        Section("Read-outs", _readouts(window)),
    ):
        layout.addWidget(section)
    layout.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(content)
    area.setMinimumWidth(_PANEL_WIDTH)
    area.setMaximumWidth(520)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    # Else every row would change its width when a group is unfolded.
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    area.setAccessibleName("Noise, method, regions and read-outs")
    return area


def _readouts(window: "MainWindow") -> QWidget:
    """What every area is worth, then its values before and after."""
    both = QWidget()
    layout = QVBoxLayout(both)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(window.readouts_panel)
    layout.addWidget(window.readings_rows)
    return both


def build_menus(window: "MainWindow") -> None:
    """One menu a group of declared actions."""
    bar = window.menuBar()
    menus: dict[str, QMenu] = {}
    for declared in ACTIONS:
        if declared.menu not in menus:
            menus[declared.menu] = bar.addMenu(f"&{declared.menu}")
        menus[declared.menu].addAction(window.actions_[declared.id])
        if declared.id == "open-sample":
            window.recent_menu = menus["File"].addMenu("Open &recent")
            window.recent_menu.aboutToShow.connect(window.files.fill_recent)
        if declared.id == "save-preset":
            window.presets_menu = menus["Edit"].addMenu("&Presets")
            window.presets_menu.aboutToShow.connect(window.files.fill_presets)
        if declared.id in _ENDS_OF_PARTS:
            menus[declared.menu].addSeparator()


def build_tool_bar(window: "MainWindow") -> None:
    """What is needed often, with the levels and the parameter map in the middle."""
    bar = window.tool_bar = QToolBar("Tools")
    bar.setMovable(False)
    bar.setIconSize(QSize(20, 20))
    window.addToolBar(bar)
    for name in ("open", "export", "", "undo", "redo", "", "side", "wipe", "difference"):
        bar.addAction(window.actions_[name]) if name else bar.addSeparator()
    window.hold_button = QToolButton()
    window.hold_button.setIcon(window.actions_["hold"].icon())
    window.hold_button.setToolTip(window.actions_["hold"].toolTip())
    window.hold_button.setAccessibleName("Hold to see the original")
    window.hold_button.pressed.connect(lambda: window.compare.hold(True))
    window.hold_button.released.connect(lambda: window.compare.hold(False))
    bar.addWidget(window.hold_button)
    bar.addSeparator()
    bar.addAction(window.actions_["fit"])
    window.zoom_label = QToolButton()
    window.zoom_label.setText("100 %")
    window.zoom_label.setFixedWidth(62)
    window.zoom_label.setToolTip("Zoom: screen pixels for a picture pixel. Click for 100 % (Z)")
    window.zoom_label.setAccessibleName("Zoom; click for 100 %")
    window.zoom_label.clicked.connect(window.actions_["one-to-one"].trigger)
    bar.addWidget(window.zoom_label)
    bar.addSeparator()
    bar.addWidget(window.levels_bar)
    window.map_bar.action = bar.addWidget(window.map_bar)
    gap = QWidget()
    gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(gap)
    for name in ("theme", "shortcuts"):
        bar.addAction(window.actions_[name])
    for action in bar.actions():
        button = bar.widgetForAction(action)
        if isinstance(button, QToolButton) and action.text():
            button.setAccessibleName(action.text().replace("&", "").replace(" …", ""))
