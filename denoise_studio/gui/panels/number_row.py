"""One numeric parameter: name, slider, number with unit, and a way back to the default."""

import math
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QWidget,
)

from denoise_studio.gui.document import Document
from denoise_studio.gui.panels.marked_slider import MarkedSlider
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel

_STEPS = 1000
_NAME_WIDTH = 100


class Tick(NamedTuple):
    """A check box in front of a row: what ticking it means, for screen readers and as a tip."""

    name: str
    tip: str


class NumberRow(QWidget):
    """Edits one number by slider, spin box or keyboard.

    Args:
        label: the parameter's name for people.
        description: the tooltip: what it does to the picture.
        tick: shows a check box; unticked, the row's number is not in force.
        suffix: for screen readers, after the label: which of several rows with this label it is.

    Signals:
        edited: value and gesture (0 for a single edit; the same number during one drag).
        cleared: the user wants the default back (or unchecked the box).
    """

    edited = Signal(float, int)
    cleared = Signal()

    def __init__(
        self,
        label: str,
        description: str,
        tick: Tick | None = None,
        suffix: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._logarithmic = False
        self._low, self._high, self._value = 0.0, 1.0, 0.0
        self._least = 0.0
        """Where the decades of a logarithmic slider begin: with a lower limit of 0 at the smallest step."""
        self._mark: float | None = None
        self._gesture = 0
        self.check = QCheckBox(label)
        self.label = QLabel(label)
        self.slider = MarkedSlider()
        self.spin = QDoubleSpinBox()
        self.reset = QToolButton()
        self._build(label, description, tick, f"{label}{suffix}")

    def _build(self, label: str, description: str, tick: Tick | None, name: str) -> None:
        self.slider.setRange(0, _STEPS)
        self.slider.setAccessibleName(f"{name} slider")
        self.spin.setAccessibleName(name)
        self.spin.setKeyboardTracking(False)
        # After Enter the keys belong to the picture again.
        self.spin.lineEdit().returnPressed.connect(self.spin.clearFocus)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.spin.setFixedWidth(98)
        self.reset.setText("↺")
        self.reset.setFixedWidth(24)
        self.reset.setAccessibleName(f"Reset {name}")
        self.reset.setToolTip(f"Set {label} back to its default for this picture")
        if tick is not None:
            self.check.setAccessibleName(f"{name} {tick.name}")
            self.check.setToolTip(tick.tip)
        (self.check if tick is None else self.label).setParent(None)
        self.label.setBuddy(self.spin)
        for widget in (self.label, self.slider, self.spin):
            widget.setToolTip(description)
        for head in (self.check, self.label):
            head.setFixedWidth(_NAME_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.setSpacing(5)
        layout.addWidget(self.label if tick is None else self.check)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.spin)
        layout.addWidget(self.reset)
        leave_wheel_to_panel(self.slider, self.spin)
        self.slider.sliderPressed.connect(self._press)
        self.slider.sliderReleased.connect(self._release)
        self.slider.valueChanged.connect(self._slid)
        self.spin.valueChanged.connect(self._typed)
        self.reset.clicked.connect(self.cleared)
        self.check.clicked.connect(self._checked)

    def set_limits(
        self, low: float, high: float, step: float, unit: str, logarithmic: bool = False, whole: bool = False
    ) -> None:
        """Range, smallest sensible step and unit, as the number box shows them."""
        self._low, self._high, self._logarithmic = low, high, logarithmic and low >= 0
        self._least = low or step
        blocked = self.spin.blockSignals(True)
        self.spin.setDecimals(0 if whole else min(6, max(0, math.ceil(-math.log10(step)))))
        self.spin.setRange(low, high)
        self.spin.setSingleStep(step)
        if self._logarithmic:
            self.spin.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.spin.setSuffix(f" {unit}" if unit else "")
        self.spin.blockSignals(blocked)

    def set_mark(self, value: float) -> None:
        """Mark a value on the slider; a drag is caught there."""
        self._mark = value
        self.slider.set_mark(self._to_slider(value))

    @property
    def value(self) -> float:
        return self._value

    def set_value(self, value: float, own: bool = True, known: bool = True) -> None:
        """Show a value without telling anybody.

        `own` ticks the box of a row that has one; with `known` off the number is a dash.
        """
        self._value = value
        for widget in (self.spin, self.slider, self.check):
            widget.blockSignals(True)
        self.spin.setSpecialValueText("" if known else "–")
        self.spin.setValue(value if known else self.spin.minimum())
        if not self.slider.isSliderDown():
            self.slider.setValue(self._to_slider(value))
        self.check.setChecked(own)
        for widget in (self.spin, self.slider, self.check):
            widget.blockSignals(False)

    def rounded(self, value: float | None) -> float | None:
        """A number as the box shows it: no hidden digits get into a recipe when it is taken."""
        if value is None:
            return None
        return min(max(round(value, self.spin.decimals()), self._low), self._high)

    def set_active(self, on: bool) -> None:
        """Whether the number is in force and can be changed."""
        for widget in (self.slider, self.spin, self.reset):
            widget.setEnabled(on)

    def _to_slider(self, value: float) -> int:
        value = min(max(value, self._low), self._high)
        if self._high <= self._low:
            return 0
        if self._logarithmic and value <= self._low:
            return 0
        if self._logarithmic:
            share = math.log(max(value / self._least, 1.0)) / math.log(self._high / self._least)
            return max(round(_STEPS * share), 1 if self._low == 0 else 0)
        return round(_STEPS * (value - self._low) / (self._high - self._low))

    def _from_slider(self, position: int) -> float:
        share = position / _STEPS
        if self._logarithmic and position > 0:
            value = self._least * (self._high / self._least) ** share
        else:
            value = self._low + (self._high - self._low) * share
        # What the number box shows is what is meant: no hidden digits in a recipe.
        return float(round(value, self.spin.decimals()))

    def _press(self) -> None:
        self._gesture = Document.begin_gesture()

    def _release(self) -> None:
        self._gesture = 0

    def _slid(self, position: int) -> None:
        value = self._from_slider(position)
        if self.slider.is_caught and self._mark is not None:
            value = self._mark
        elif value == self._value and not self.slider.isSliderDown():
            # Else rounding would swallow a key press, and the next one too.
            value += math.copysign(10.0 ** -self.spin.decimals(), position - self._to_slider(value))
        self._tell(value)

    def _typed(self, value: float) -> None:
        self._tell(value)

    def _tell(self, value: float) -> None:
        value = min(max(value, self._low), self._high)
        self.set_value(value)
        self.edited.emit(value, self._gesture)

    def _checked(self, on: bool) -> None:
        if on:
            self.edited.emit(self._value, 0)
        else:
            self.cleared.emit()
