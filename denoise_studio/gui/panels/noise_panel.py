"""How noisy the picture is, and the slider for how much noise the method is told."""

import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.noise_told import Told, rounded
from denoise_studio.engine.resolve import noise_estimate
from denoise_studio.engine.sensor import has_sensor, sensor_noise
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.gui.maps import maps_of
from denoise_studio.gui.panels.estimate_line import EstimateLine
from denoise_studio.gui.panels.knee_plot import KneePlot
from denoise_studio.gui.panels.marked_slider import MarkedSlider
from denoise_studio.gui.panels.parameter_group import ParameterGroup
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel
from denoise_studio.noise.blind import NoiseEstimate

_STEPS = 1000
_ENDS = 10.0
"""The slider reaches from the estimate divided by this to the estimate times this."""
_TIP = (
    "How much noise the method is told. Right of the mark, which is the estimate: smoother, and detail "
    "may go; left of it: more noise stays"
)


class NoisePanel(QWidget):
    """Seeded by the estimate, which is made in the background; nothing waits for it.

    Signals:
        scale_changed: by what a map of noise levels has to be multiplied to be in the estimate's
            terms (a method may be told more than there is, for noise that neighbours share); None
            while that is not known.
    """

    scale_changed = Signal(object)

    def __init__(
        self, bridge: Bridge, view: Callable[[], Rect], knee_open: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._found: weakref.WeakKeyDictionary[Picture, NoiseEstimate] = weakref.WeakKeyDictionary()
        self._medians: Mapping[str, float] = {}
        self._gesture = 0
        self.controls = QWidget()
        self.slider = MarkedSlider()
        self.spin = QDoubleSpinBox()
        self.multiple = QDoubleSpinBox()
        self.reset = QToolButton()
        self.estimate = EstimateLine()
        self._build_controls()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 10)
        layout.setSpacing(4)
        layout.addWidget(self.controls)
        layout.addWidget(self.estimate)
        self.knee = KneePlot(bridge, view)
        self.knee_group = ParameterGroup("Knee: what each level takes away", knee_open)
        self.knee_group.header.setToolTip(
            "Show or hide what the method takes away at one level after another: the right one is at the bend"
        )
        self.knee_group.rows.addWidget(self.knee)
        layout.addWidget(self.knee_group)

    def _build_controls(self) -> None:
        self.slider.setRange(0, _STEPS)
        self.slider.setSingleStep(10)
        self.slider.setPageStep(100)
        self.slider.set_mark(_STEPS // 2)
        self.slider.setAccessibleName("Told noise slider")
        self.slider.setToolTip(f"{_TIP}. From a tenth of the estimate to ten times.")
        self.spin.setAccessibleName("Told noise")
        self.spin.setToolTip(f"{_TIP}. Standard deviation in the picture's own unit; 0 changes nothing.")
        self.multiple.setAccessibleName("Told noise as a multiple of the estimate")
        self.multiple.setToolTip(f"{_TIP}. As a multiple of the estimate; 0 changes nothing.")
        self.multiple.setSuffix(" ×")
        for box in (self.spin, self.multiple):
            box.setKeyboardTracking(False)
            # After Enter the keys belong to the picture again.
            box.lineEdit().returnPressed.connect(box.clearFocus)
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.reset.setText("↺")
        self.reset.setFixedWidth(24)
        self.reset.setAccessibleName("Reset told noise")
        self.reset.setToolTip("Tell the method the estimate")
        means = QLabel("=")
        means.setObjectName("quiet")
        grid = QGridLayout(self.controls)
        grid.setContentsMargins(0, 0, 0, 2)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(3)
        grid.addWidget(self.slider, 0, 0, 1, 3)
        grid.addWidget(self.reset, 0, 3)
        for column, widget in enumerate((self.spin, means, self.multiple)):
            grid.addWidget(widget, 1, column)
        for column in (0, 2):
            grid.setColumnStretch(column, 1)
        leave_wheel_to_panel(self.slider, self.spin, self.multiple)
        self.slider.sliderPressed.connect(self._press)
        self.slider.sliderReleased.connect(self._release)
        self.slider.valueChanged.connect(self._slid)
        self.spin.valueChanged.connect(self._level_typed)
        self.multiple.valueChanged.connect(self._multiple_typed)
        self.reset.clicked.connect(self._reset)

    # Finding out

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self.refresh)
            self._document.response_changed.disconnect(self._look_again)
        self._document = document
        self._gesture = 0
        self.setEnabled(document is not None)
        if document is not None:
            document.recipe_changed.connect(self.refresh)
            document.response_changed.connect(self._look_again)
            if document.picture not in self._found:
                self._find_out(document.picture)
        self.refresh()
        self.knee.set_document(document)

    def _find_out(self, picture: Picture) -> None:
        def work(progress: Progress) -> tuple[Picture, NoiseEstimate]:
            return picture, noise_estimate(picture)

        self._bridge.run(self._bridge.background, work, self._take, key="noise estimate")

    def _take(self, result: tuple[Picture, NoiseEstimate]) -> None:
        picture, found = result
        self._found[picture] = found
        self.refresh()

    def show_found(self, medians: Mapping[str, float]) -> None:
        """Take the numbers that stand for the maps that the method found."""
        self._medians = medians
        self.scale_changed.emit(self._scale())

    def _scale(self) -> float | None:
        told = self._told()
        names = told.parameter.multiplies if told is not None and told.parameter is not None else ()
        median = next((self._medians[name] for name in names if name in self._medians), None)
        return told.estimate / median if told is not None and told.estimate and median else None

    # Showing

    def _told(self) -> Told | None:
        document = self._document
        if document is None:
            return None
        told, found = Told(document.recipe, None), self._found.get(document.picture)
        if found is None:
            return told
        return Told(document.recipe, found.sigma)

    def refresh(self) -> None:
        """Show what the document's recipe tells its method, and the estimate."""
        told, document = self._told(), self._document
        self._show_estimate(told)
        for part in (self.controls, self.knee_group):
            part.setVisible(told is not None and told.possible)
        self.knee.show_told(told)
        if told is None or document is None:
            return
        self._show_numbers(told, document.picture)
        self.scale_changed.emit(self._scale())

    def _show_numbers(self, told: Told, picture: Picture) -> None:
        level, multiple = told.level, told.multiple
        most = told.most if told.estimate is None else told.most * told.estimate
        unit = picture.noise_unit
        self.spin.setSuffix(f" {unit}" if unit else "")
        decimals = _decimals(told.estimate or level or picture.span / 100)
        _show(self.spin, level, most or picture.span, decimals)
        _show(self.multiple, multiple, told.most, 3 if multiple is not None and 0 < multiple < 1 else 2)
        if not self.slider.isSliderDown():
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(_to_slider(1.0 if multiple is None else multiple))
            self.slider.blockSignals(blocked)

    def _look_again(self) -> None:
        """A fit may have found the sensor's noise more finely."""
        if self._document is not None and has_sensor(self._document.picture):
            self._show_estimate(self._told())

    def _show_estimate(self, told: Told | None) -> None:
        document = self._document
        found = self._found.get(document.picture) if document is not None else None
        if document is None or told is None:
            self.estimate.clear()
            return
        if found is None:
            self.estimate.wait()
            return
        maps = maps_of(document)
        sensor = sensor_noise(document.picture, maps.fitted if maps is not None else None)
        if sensor is not None:
            self.estimate.show_sensor(sensor)
        else:
            self.estimate.show_estimate(found, told.estimate or 0.0, document.picture.noise_unit)

    # Editing

    def _press(self) -> None:
        self._gesture = Document.begin_gesture()

    def _release(self) -> None:
        self._gesture = 0
        self.refresh()  # the handle lies where the number is, also where the mark has caught it

    def _slid(self, position: int) -> None:
        told = self._told()
        if told is not None:
            multiple = 1.0 if self.slider.is_caught else _from_slider(position)
            self._edit(told.with_multiple(multiple))

    def _level_typed(self, level: float) -> None:
        told = self._told()
        if told is not None:
            self._edit(told.with_level(level))

    def _multiple_typed(self, multiple: float) -> None:
        told = self._told()
        if told is not None:
            self._edit(told.with_multiple(multiple))

    def _reset(self) -> None:
        told = self._told()
        if told is not None:
            self._edit(told.reset(), "reset noise level")

    def _edit(self, recipe: Any, text: str = "noise level") -> None:
        if self._document is not None:
            self._document.edit(recipe, text, self._gesture)
        self.refresh()  # also where nothing changed: no box may show what is not told


def _show(box: QDoubleSpinBox, value: float | None, most: float, decimals: int) -> None:
    blocked = box.blockSignals(True)
    # A dash for what is not known: Qt shows it in place of the smallest value.
    box.setSpecialValueText("–" if value is None else "")
    box.setDecimals(decimals)
    box.setRange(0.0, max(most, value or 0.0))
    box.setValue(0.0 if value is None else value)
    box.blockSignals(blocked)


def _decimals(level: float) -> int:
    """As many that a level like this one shows three digits."""
    return min(6, max(0, 2 - math.floor(math.log10(level)))) if level > 0 else 2


def _to_slider(multiple: float) -> int:
    share = math.log(min(max(multiple, 1 / _ENDS), _ENDS) * _ENDS) / math.log(_ENDS**2)
    return round(_STEPS * share)


def _from_slider(position: int) -> float:
    """Three digits: what the number box shows is what is meant."""
    return rounded(_ENDS ** (2 * position / _STEPS - 1), 3)
