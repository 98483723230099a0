"""In the tool bar: what lies over the original in colours, and how strongly."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QWidget

from denoise_studio.gui.document import Document
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.gui.views.map_overlay import MapOverlay

_NONE = "No map"


class MapBar(QWidget):
    """A list of maps and a slider; hidden while nothing is open."""

    def __init__(self, overlay: MapOverlay, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._overlay = overlay
        self._document: Document | None = None
        self.action: QAction | None = None
        """The tool bar's, which shows and hides this."""
        self.combo = QComboBox()
        self.combo.setAccessibleName("Map over the original")
        self.combo.setToolTip(
            "In colours over the original: how strongly the filter works at every place, what it took away, "
            "or how much that changed (M: next)"
        )
        self.combo.setFixedWidth(150)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setValue(round(overlay.opacity * 100))
        self.opacity.setFixedWidth(60)
        self.opacity.setAccessibleName("Opacity of the map")
        self.opacity.setToolTip("How much of the original the map's colours cover")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 6, 0)
        layout.setSpacing(6)
        layout.addWidget(self.combo)
        layout.addWidget(self.opacity)
        leave_wheel_to_panel(self.combo, self.opacity)
        self.combo.activated.connect(lambda index: overlay.choose(self.combo.itemData(index)))
        self.opacity.valueChanged.connect(lambda value: overlay.set_opacity(value / 100))
        overlay.changed.connect(self.refresh)

    def set_document(self, document: Document | None) -> None:
        self._document = document
        self.refresh()

    def refresh(self) -> None:
        """List the maps that there are and show the chosen one."""
        if self.action is not None:
            self.action.setVisible(self._document is not None)
        entries = [("", _NONE), *self._overlay.entries.items()]
        if entries != [(self.combo.itemData(i), self.combo.itemText(i)) for i in range(self.combo.count())]:
            self.combo.clear()
            for name, text in entries:
                self.combo.addItem(text, name)
        self.opacity.setEnabled(self._overlay.name in self._overlay.entries)
        self.combo.setCurrentIndex(max(0, self.combo.findData(self._overlay.name)))
