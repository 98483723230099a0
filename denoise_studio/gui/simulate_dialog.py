"""Asks which sensor's noise a raw picture shall have: at a higher ISO, in less light, of another camera."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.core.parameter import Parameter, ParameterKind
from denoise_studio.core.picture import Picture
from denoise_studio.engine.dark_frames import DARK_ROLE
from denoise_studio.engine.sensor import doubts
from denoise_studio.engine.simulating import (
    Camera,
    Setting,
    Way,
    Wish,
    dark_settings,
    own_settings,
    plan,
)
from denoise_studio.gui.maps import number
from denoise_studio.gui.panels.file_row import FileRow
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.model import SensorNoise

_PROFILE = Parameter(
    "profile", "Profile", "Dark frames of this picture's camera (Tools ▸ Dark frames)", "",
    ParameterKind.FILE, role=DARK_ROLE,
)  # fmt: skip
_WIDTH, _LINES = 480, 9


class Known(NamedTuple):
    """What the dialog needs to know; found in the background.

    Args:
        picture: camera raw.
        own: noise that it has.
        cameras: published calibrations.
    """

    picture: Picture
    own: SensorNoise
    cameras: tuple[Camera, ...]


class SimulateDialog(QDialog):
    """Says at once what a wish comes to, and whether it can be fulfilled.

    Args:
        known: about the picture.
        load: has a file of dark frames read and given to `take_profile`.

    Signals:
        wished: the `Wish` that was confirmed.
    """

    wished = Signal(object)

    def __init__(self, known: Known, load: Callable[[Path], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Simulate sensor noise")
        self.setMinimumWidth(_WIDTH)
        self._known, self._load = known, load
        self._profile: DarkProfile | None = None
        self.sensor, self.iso = QComboBox(), QComboBox()
        self.profile = FileRow(_PROFILE)
        self.gain, self.read, self.ratio = QDoubleSpinBox(), QDoubleSpinBox(), QDoubleSpinBox()
        self.brighten = QCheckBox("Brighten the result again")
        self.seed = QSpinBox()
        self.has, self.becomes, self.problem = QLabel(), QLabel(), QLabel()
        self._form = QFormLayout(self)
        self._build()
        self._fill()
        self._sensor_chosen()

    def _build(self) -> None:
        form = self._form
        form.setContentsMargins(16, 16, 16, 16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows = (
            ("Sensor", self.sensor, "Whose noise the new picture shall have"),
            ("Setting", self.iso, "The ISO, or how much stronger the gain is than the picture's own"),
            ("Gain K", self.gain, "DN of this picture per electron"),
            ("Read noise s", self.read, "Noise without light, DN of this picture"),
            ("Exposure ratio", self.ratio, "The light is divided by this before noise is added"),
            ("Seed", self.seed, "Another seed is another draw of the same noise"),
        )
        for label, widget, tip in rows:
            widget.setAccessibleName(label)
            widget.setToolTip(tip)
            if widget is self.iso:
                form.addRow("Profile", self.profile)
            if widget is self.seed:
                form.addRow("", self.brighten)
            form.addRow(label, widget)
        self.brighten.setToolTip(
            "Multiply by the exposure ratio again: the result is as bright as this picture, and its PSNR can "
            "be told"
        )
        self.profile.label.hide()
        told = QWidget()
        lines = QVBoxLayout(told)
        lines.setContentsMargins(0, 4, 0, 4)
        for text, name in ((self.has, "quiet"), (self.becomes, "quiet"), (self.problem, "warning")):
            text.setObjectName(name)
            text.setWordWrap(True)
            lines.addWidget(text)
        lines.addStretch(1)
        # Room for all that may be said: nothing moves while numbers change.
        told.setMinimumHeight(_LINES * self.fontMetrics().lineSpacing())
        form.addRow(told)
        self.has.setAccessibleName("Noise of this picture")
        self.becomes.setAccessibleName("Noise to be simulated")
        self.problem.setAccessibleName("Why it cannot be simulated")
        self.button = QPushButton("Simulate")
        self.button.setToolTip("Open the simulated picture as a new one; this one is its reference")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def _fill(self) -> None:
        own = self._known.own
        self.sensor.addItem("This picture's own, at a higher ISO", (Way.OWN, ""))
        for camera in self._known.cameras:
            self.sensor.addItem(camera.label, (Way.CAMERA, camera.key))
        self.sensor.addItem("This picture's own, from dark frames", (Way.DARK, ""))
        self.sensor.addItem("Numbers of your own", (Way.NUMBERS, ""))
        for box, value, decimals in ((self.gain, 8 * own.gain, 4), (self.read, 8 * own.read, 3)):
            box.setDecimals(decimals)
            box.setRange(0.0, 1e5)
            box.setValue(value)
            box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.gain.setSuffix(" DN")
        self.read.setSuffix(" DN")
        self.ratio.setRange(1.0, 1000.0)
        self.ratio.setDecimals(1)
        self.ratio.setSuffix(" ×")
        self.ratio.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.seed.setRange(0, 2**31 - 1)
        self.brighten.setChecked(True)
        self.sensor.activated.connect(self._sensor_chosen)
        self.iso.activated.connect(self.refresh)
        for spin in (self.gain, self.read, self.ratio):
            spin.valueChanged.connect(self.refresh)
        self.brighten.clicked.connect(self.refresh)
        self.profile.edited.connect(self._profile_chosen)
        self.profile.cleared.connect(lambda: self.take_profile(None))
        sure = "".join(f" ⚠ {text}" for text in doubts(own))
        self.has.setText(
            f"This picture has K {number(own.gain)} DN per electron, s {number(own.read)} DN ({own.stage} "
            f"estimate); only what is missing is added.{sure}"
        )

    # What is chosen

    @property
    def way(self) -> Way:
        return Way(self.sensor.currentData()[0])

    def wish(self) -> Wish:
        """What the dialog says now."""
        return Wish(
            way=self.way,
            setting=None if self.way is Way.NUMBERS else self.iso.currentData(),
            camera=self.sensor.currentData()[1],
            gain=self.gain.value(),
            read=self.read.value(),
            profile=self._profile if self.way is Way.DARK else None,
            ratio=self.ratio.value(),
            brighten=self.brighten.isChecked(),
            seed=self.seed.value(),
        )

    def _settings(self) -> tuple[Setting, ...]:
        picture, way = self._known.picture, self.way
        if way is Way.OWN:
            return own_settings(picture)
        if way is Way.CAMERA:
            key = self.sensor.currentData()[1]
            return next(camera.settings for camera in self._known.cameras if camera.key == key)
        if way is Way.DARK and self._profile is not None:
            return dark_settings(picture, self._profile)
        return ()

    def _sensor_chosen(self, *_: int) -> None:
        numbers, dark = self.way is Way.NUMBERS, self.way is Way.DARK
        for widget, on in (
            (self.iso, not numbers),
            (self.gain, numbers),
            (self.read, numbers),
            (self.profile, dark),
        ):
            self._form.setRowVisible(widget, on)
        key = self.sensor.currentData()[1]
        source = next((c.source for c in self._known.cameras if c.key == key), "")
        self.sensor.setToolTip(f"Published: {source}" if source else "Whose noise the new picture shall have")
        self.iso.clear()
        try:
            settings = self._settings()
        except StudioError as error:
            self._say("", str(error))
            return
        for setting in settings:
            self.iso.addItem(setting.label, setting)
        self._choose_possible(settings)
        self.refresh()
        self.adjustSize()

    def _choose_possible(self, settings: tuple[Setting, ...]) -> None:
        """Begin at a setting that is noisier than the picture: the third, or the first that can be."""
        able = [row for row in range(len(settings)) if not self._trouble(row)]
        self.iso.setCurrentIndex(able[min(2, len(able) - 1)] if able else len(settings) - 1)

    def _trouble(self, row: int) -> str:
        self.iso.setCurrentIndex(row)
        try:
            return plan(self._known.picture, self._known.own, self.wish()).problem
        except StudioError as error:
            return str(error)

    def _profile_chosen(self, path: str) -> None:
        self.profile.set_value(path)
        self._load(Path(path))

    def take_profile(self, profile: DarkProfile | None, problem: str = "") -> None:
        """Dark frames that were read, or why they could not be."""
        self._profile = profile
        if profile is None:
            self.profile.set_value("")
        self._sensor_chosen()
        if problem:
            self._say("", problem)

    def refresh(self, *_: object) -> None:
        """Say what the wish comes to."""
        self.brighten.setEnabled(self.ratio.value() != 1)
        if self.way is Way.DARK and self._profile is None:
            self._say("Choose a profile of this camera's dark frames.", "", possible=False)
            return
        try:
            planned = plan(self._known.picture, self._known.own, self.wish())
        except StudioError as error:
            self._say("", str(error))
            return
        self._say(planned.words, planned.problem)

    def _say(self, becomes: str, problem: str, possible: bool = True) -> None:
        self.becomes.setText(becomes)
        self.becomes.setVisible(bool(becomes))
        self.problem.setText(f"⚠ {problem}" if problem else "")
        self.problem.setVisible(bool(problem))
        self.button.setEnabled(possible and not problem)

    def _confirm(self) -> None:
        self.wished.emit(self.wish())
        self.accept()
