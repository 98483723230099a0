"""Window and level with presets for scans; exposure for photographs. Only how it is shown."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from denoise_studio.core.picture import Picture, Scale, Window
from denoise_studio.engine.display import Levels, default_levels
from denoise_studio.gui.document import Document
from denoise_studio.gui.window_presets import PresetStore


class LevelsBar(QWidget):
    """Sits in the tool bar.

    Signals:
        listed: the list of windows is another one.
    """

    listed = Signal()

    def __init__(self, store: PresetStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._store = store
        self._windows: list[Window] = []
        self.presets = QComboBox()
        self.width_box = self._box("W", "Window width: how many values from black to white")
        self.level_box = self._box("L", "Window level: the value shown as middle grey")
        self.exposure = self._box("EV", "Exposure of the display in stops; the picture itself is not changed")
        self.exposure.setRange(-8, 12)
        self.exposure.setSingleStep(0.25)
        self.exposure.setDecimals(2)
        self.presets.setAccessibleName("Window preset")
        self.presets.setToolTip("Window presets: the file's own first")
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.presets.setMinimumWidth(150)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.setSpacing(4)
        for widget in (self.presets, self.width_box, self.level_box, self.exposure):
            layout.addWidget(widget)
        self.presets.activated.connect(self._choose)
        self.width_box.valueChanged.connect(self._typed)
        self.level_box.valueChanged.connect(self._typed)
        self.exposure.valueChanged.connect(self._exposed)
        self.set_document(None)

    def _box(self, prefix: str, tip: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setPrefix(f"{prefix} ")
        box.setRange(-1e6, 1e6)
        box.setDecimals(0)
        box.setKeyboardTracking(False)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFixedWidth(80)
        box.setAccessibleName(tip.split(":")[0])
        box.setToolTip(tip)
        return box

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.levels_changed.disconnect(self.refresh)
        self._document = document
        photo = document is not None and _has_exposure(document.picture)
        for widget in (self.presets, self.width_box, self.level_box):
            widget.setVisible(document is not None and not photo)
        self.exposure.setVisible(photo)
        if document is None:
            self._windows = []
            return
        document.levels_changed.connect(self.refresh)
        digits = 0 if document.picture.span >= 50 else 3
        for box in (self.width_box, self.level_box):
            box.setDecimals(digits)
            box.setSingleStep(10 if digits == 0 else 0.01)
        self._fill_presets(document)
        self.refresh()

    def _fill_presets(self, document: Document) -> None:
        self._windows = windows_of(document.picture, self._store)
        self.presets.clear()
        for window in self._windows:
            text = f"{window.name}  {window.width:g} / {window.level:g}".replace("-", "−")
            self.presets.addItem(text, (window.width, window.level))
        self.listed.emit()

    def list_again(self) -> None:
        """After the presets were changed."""
        if self._document is not None:
            self._fill_presets(self._document)
            self.refresh()

    def refresh(self) -> None:
        document = self._document
        if document is None:
            return
        levels = document.levels
        pairs = (
            (self.width_box, levels.width),
            (self.level_box, levels.level),
            (self.exposure, levels.exposure),
        )
        for box, value in pairs:
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        match = [i for i, window in enumerate(self._windows) if _near(window, levels)]
        self.presets.setCurrentIndex(match[0] if match else -1)
        self.presets.setPlaceholderText("Own window")

    def preset_names(self) -> list[str]:
        """What the number keys stand for; none for photographs."""
        photo = self._document is None or _has_exposure(self._document.picture)
        return [] if photo else [self.presets.itemText(i) for i in range(self.presets.count())]

    def use_preset(self, index: int, *_: object) -> None:
        """Take an entry of the list, as the number keys do; nothing happens if there is none."""
        if self._document is not None and not _has_exposure(self._document.picture):
            self._choose(index)

    def _choose(self, index: int) -> None:
        if self._document is not None and index < len(self._windows):
            window = self._windows[index]
            levels = self._document.levels.with_window(window.width, window.level, window.function)
            self._document.set_levels(levels)

    def _typed(self) -> None:
        if self._document is not None:
            width = max(self.width_box.value(), 10.0 ** -self.width_box.decimals())
            self._document.set_levels(self._document.levels.with_window(width, self.level_box.value()))

    def _exposed(self, value: float) -> None:
        if self._document is not None:
            self._document.set_levels(replace(self._document.levels, exposure=value))


def _has_exposure(picture: Picture) -> bool:
    """Whether it is exposed instead of windowed."""
    return picture.scale is Scale.DISPLAY or picture.mosaic is not None


def windows_of(picture: Picture, store: PresetStore) -> list[Window]:
    """What the list and the number keys offer: the file's own windows, then the presets."""
    windows = []
    for number, window in enumerate(picture.windows):
        name = window.name.strip().capitalize()
        windows.append(replace(window, name=f"{name} (file)" if name else f"File's window {number + 1}"))
    if picture.scale is Scale.HU:
        windows += [Window(preset.width, preset.level, preset.name) for preset in store.presets]
    if not windows:
        levels = default_levels(picture)
        windows = [Window(levels.width, levels.level, "Default")]
    return windows


def _near(window: Window, levels: Levels) -> bool:
    slack = 1e-6 * max(abs(window.width), abs(window.level), 1e-9)
    same = abs(window.width - levels.width) <= slack and abs(window.level - levels.level) <= slack
    return same and window.function == levels.function
