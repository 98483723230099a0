"""The controls of a method, built from its descriptor alone."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from denoise_studio.core.parameter import Parameter, ParameterKind, Value
from denoise_studio.core.picture import Picture
from denoise_studio.gui.panels.number_row import NumberRow
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel

STRENGTH = Parameter(
    "strength",
    "Strength",
    "Mix of the original (0 %) and the denoised picture (100 %); runs nothing again.",
    1.0,
    minimum=0.0,
    maximum=1.0,
    step=0.01,
    per_region=True,
)
"""The one parameter that every method has: it belongs to the recipe, not to the method."""


class ParameterForm(QWidget):
    """A row for every parameter.

    Args:
        optional: for a region: every row has a check box "differs here".

    Signals:
        edited: name, value, gesture.
        cleared: name.
    """

    edited = Signal(str, object, int)
    cleared = Signal(str)

    def __init__(self, optional: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._optional = optional
        self._built: tuple[tuple[str, ...], int] | None = None
        self._numbers: dict[str, NumberRow] = {}
        self._others: dict[str, QComboBox | QCheckBox] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)

    def build(self, parameters: tuple[Parameter, ...], picture: Picture, key: str = "") -> None:
        """Make the rows, unless they are those already."""
        wanted = ((key, *(parameter.name for parameter in parameters)), picture.serial)
        if wanted == self._built:
            return
        self._built = wanted
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._numbers, self._others = {}, {}
        for parameter in parameters:
            self._layout.addWidget(self._row(parameter, picture))

    def _row(self, parameter: Parameter, picture: Picture) -> QWidget:
        if not parameter.is_numeric:
            return self._other_row(parameter)
        name = parameter.name
        row = NumberRow(parameter.label, parameter.description, self._optional)
        limits = parameter.limits(picture)
        percent = name == STRENGTH.name
        scale = 100.0 if percent else 1.0
        row.set_limits(
            limits.minimum * scale,
            limits.maximum * scale,
            limits.step * scale,
            "%" if percent else limits.unit,
            parameter.logarithmic,
            parameter.kind is ParameterKind.INT or percent,
        )
        row.edited.connect(lambda value, gesture: self.edited.emit(name, value / scale, gesture))
        row.cleared.connect(lambda: self.cleared.emit(name))
        self._numbers[name] = row
        return row

    def _other_row(self, parameter: Parameter) -> QWidget:
        name = parameter.name
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 3, 0, 3)
        control: QComboBox | QCheckBox
        if parameter.kind is ParameterKind.CHOICE:
            control = QComboBox()
            control.addItems(list(parameter.choices))
            control.textActivated.connect(lambda text: self.edited.emit(name, text, 0))
            layout.addWidget(QLabel(parameter.label), 1)
        else:
            control = QCheckBox(parameter.label)
            control.clicked.connect(lambda on: self.edited.emit(name, on, 0))
        leave_wheel_to_panel(control)
        control.setAccessibleName(parameter.label)
        control.setToolTip(parameter.description)
        layout.addWidget(control)
        self._others[name] = control
        return holder

    def show_values(self, values: Mapping[str, Value], own: Mapping[str, Value] | None = None) -> None:
        """Show the values in force; for optional rows `own` has those that differ here."""
        for name, row in self._numbers.items():
            differs = own is None or name in own
            value = own[name] if own is not None and name in own else values[name]
            row.set_value(float(value) * (100.0 if name == STRENGTH.name else 1.0), differs)
            row.slider.setEnabled(differs)
            row.spin.setEnabled(differs)
            row.reset.setEnabled(differs)
        for name, control in self._others.items():
            value = values[name]
            if isinstance(control, QComboBox):
                control.setCurrentText(str(value))
            else:
                control.setChecked(bool(value))

    def row(self, name: str) -> NumberRow:
        """The row of a numeric parameter; for tests and shortcuts."""
        return self._numbers[name]
