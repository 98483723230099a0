"""The controls of a method, built from its descriptor alone."""

from collections.abc import Collection, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from denoise_studio.core.parameter import Parameter, ParameterKind, Value
from denoise_studio.core.picture import Picture
from denoise_studio.engine.noise_told import NOISE_ROLE
from denoise_studio.gui.maps import plain_label
from denoise_studio.gui.panels.file_row import FileRow
from denoise_studio.gui.panels.number_row import NumberRow, Tick
from denoise_studio.gui.panels.parameter_group import ParameterGroup
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

_MULTIPLY = "Multiply what was found"
_REPLACE = "One value instead of the map"


class ParameterForm(QWidget):
    """A row for every parameter, in groups that fold; what a fit decides for itself has none.

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
        self._key = ""
        self._built: tuple[tuple[str, ...], int] | None = None
        self._parameters: dict[str, Parameter] = {}
        self._numbers: dict[str, NumberRow] = {}
        self._others: dict[str, QComboBox | QCheckBox | FileRow] = {}
        self._notes: dict[str, QLabel] = {}
        self._open: dict[tuple[str, str], bool] = {}
        self.groups: dict[str, ParameterGroup] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._first, self._rest = QVBoxLayout(), QVBoxLayout()
        for part, spacing in ((self._first, 2), (self._rest, 0)):
            part.setSpacing(spacing)
            layout.addLayout(part)

    def put_before_groups(self, *widgets: QWidget) -> None:
        """Show these between the rows without a heading and those with one."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        for widget in widgets:
            layout.insertWidget(layout.count() - 1, widget)

    def build(self, parameters: tuple[Parameter, ...], picture: Picture, key: str = "") -> None:
        """Make the rows, unless they are those already."""
        wanted = ((key, *(parameter.name for parameter in parameters)), picture.serial)
        if wanted == self._built:
            return
        self._built, self._key = wanted, key
        for part in (self._first, self._rest):
            while (item := part.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
        self._numbers, self._others, self._notes, self.groups = {}, {}, {}, {}
        shown = [p for p in parameters if p.per_region or not p.fitted]
        self._parameters = {p.name: p for p in shown}
        for group in dict.fromkeys(p.group for p in shown):
            self._add_group(group, [p for p in shown if p.group == group], picture)

    def _add_group(self, name: str, members: list[Parameter], picture: Picture) -> None:
        plain = [p for p in members if not p.fitted]
        maps = [p for p in members if p.fitted]
        if not name:
            for parameter in (*plain, *maps):
                self._first.addWidget(self._row(parameter, picture))
                if parameter.role == NOISE_ROLE:
                    self._first.addWidget(self._note(parameter))
            return
        # What only says more of what is found by itself is folded until somebody asks for it.
        place = (self._key, name)
        group = ParameterGroup(name, self._open.get(place, not maps))
        group.folded.connect(lambda open_: self._open.__setitem__(place, open_))
        factors = [p for p in plain if p.multiplies]
        others = [p for p in plain if not p.multiplies]
        for parameters, caption in ((others, ""), (factors, _MULTIPLY), (maps, _REPLACE)):
            if maps and parameters and caption:
                group.add_caption(caption)
            for parameter in parameters:
                group.rows.addWidget(self._row(parameter, picture))
        self.groups[name] = group
        self._rest.addWidget(group)

    def _row(self, parameter: Parameter, picture: Picture) -> QWidget:
        if not parameter.is_numeric:
            return self._other_row(parameter)
        name = parameter.name
        row = NumberRow(
            plain_label(parameter), parameter.description, self._tick(parameter), _suffix(parameter)
        )
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
        if parameter.role == NOISE_ROLE or (limits.minimum < 0 < limits.maximum and parameter.default == 0):
            row.set_mark(
                float(parameter.default) * scale
            )  # what is found, or no change, is easy to find again
        if parameter.fitted:
            row.reset.setToolTip("Take what was found for each place again")
            row.set_value(float(parameter.default_for(picture, lambda: 0.0)), known=False)
        row.edited.connect(lambda value, gesture: self.edited.emit(name, value / scale, gesture))
        row.cleared.connect(lambda: self.cleared.emit(name))
        self._numbers[name] = row
        return row

    def _note(self, parameter: Parameter) -> QLabel:
        note = self._notes[parameter.name] = QLabel()
        note.setObjectName("quiet")
        note.setAlignment(Qt.AlignmentFlag.AlignRight)
        note.setAccessibleName(f"{parameter.label} in the picture's unit")
        return note

    def set_note(self, name: str, text: str) -> None:
        """Say this below the row of a parameter that is a noise level."""
        if name in self._notes:
            self._notes[name].setText(text)

    def _tick(self, parameter: Parameter) -> Tick | None:
        label = plain_label(parameter)
        if self._optional:
            below = (
                "what lies below is multiplied"
                if parameter.multiplies
                else f"this region has its own {label}"
            )
            return Tick("differs in this region", f"Ticked: {below}. Not ticked: as everywhere else.")
        if parameter.fitted:
            tip = (
                "Ticked: one value everywhere instead of the map. Not ticked: what was found for each place."
            )
            return Tick("the same everywhere", tip)
        return None

    def _file_row(self, parameter: Parameter) -> FileRow:
        name = parameter.name
        row = FileRow(parameter)
        row.edited.connect(lambda path: self.edited.emit(name, path, 0))
        row.cleared.connect(lambda: self.cleared.emit(name))
        self._others[name] = row
        return row

    def _other_row(self, parameter: Parameter) -> QWidget:
        name = parameter.name
        if parameter.kind is ParameterKind.FILE:
            return self._file_row(parameter)
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

    def show_values(
        self,
        values: Mapping[str, Value],
        own: Mapping[str, Value] | None = None,
        found: Mapping[str, float] | None = None,
        changed: Collection[str] = (),
    ) -> None:
        """Show the values in force.

        Args:
            values: of all parameters, maps that nobody replaced left out.
            own: for optional rows, those that differ here.
            found: the number that stands for each map.
            changed: names of those that a person has set; a group tells how many it holds.
        """
        given = values if own is None else own
        for name, row in self._numbers.items():
            parameter = self._parameters[name]
            ticked = name in given
            value: Value | None = given.get(name)
            if value is None and parameter.multiplies:
                value = 1.0
            elif value is None and parameter.fitted:
                value = row.rounded((found or {}).get(name))
            elif value is None:
                value = values[name]
            scale = 100.0 if name == STRENGTH.name else 1.0
            row.set_value(row.value if value is None else float(value) * scale, ticked, value is not None)
            row.set_active(ticked)
        for name, control in self._others.items():
            value = values[name]
            if isinstance(control, QComboBox):
                control.setCurrentText(str(value))
            elif isinstance(control, FileRow):
                control.set_value(str(value))
            else:
                control.setChecked(bool(value))
        for title, group in self.groups.items():
            known = [self._parameters[name] for name in changed if name in self._parameters]
            group.set_changed(sum(p.group == title for p in known))

    def shows(self, key: str) -> bool:
        """Whether the rows are those that were built with this key."""
        return self._built is not None and self._key == key

    def row(self, name: str) -> NumberRow:
        """The row of a numeric parameter; for tests and shortcuts."""
        return self._numbers[name]


def _suffix(parameter: Parameter) -> str:
    """What tells apart, for those who cannot see headings, rows with the same label."""
    factor = " factor" if parameter.multiplies and parameter.group else ""
    return f"{factor}, {parameter.group.lower()}" if parameter.group else factor
