"""Asks for an equal noise: which method, in which region, to which sd. The answer is one undoable edit."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.types import FloatArray
from denoise_studio.denoisers import all_denoisers, get_denoiser
from denoise_studio.engine.areas import Area
from denoise_studio.engine.equal_noise import Match, match_noise, noise_of
from denoise_studio.engine.lanes import Job
from denoise_studio.engine.measures import hard_inside
from denoise_studio.engine.readings import Result
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.metrics.physics.pitch import Pitch
from denoise_studio.metrics.physics.region_statistics import region_statistics

_ROOM = 460


class MatchNoiseDialog(QDialog):
    """Stays open, so that several methods can be set one after another.

    Signals:
        matched: `Match` that has become the recipe.
    """

    matched = Signal(object)

    def __init__(self, bridge: Bridge, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._document = bridge, document
        self._job: Job | None = None
        self.setWindowTitle("Match noise")
        self.setMinimumWidth(_ROOM)
        self.where, self.method, self.other = QComboBox(), QComboBox(), QComboBox()
        self.sd = QDoubleSpinBox()
        self.by_number, self.by_method = QRadioButton("an sd of"), QRadioButton("the sd of")
        self.answer = QLabel()
        self.progress = QProgressBar()
        self.go = QPushButton("Match")
        self._build()
        self._fill()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.setVerticalSpacing(10)
        about = QLabel(
            "Sets the strength, and if that is not enough the noise level told, so that the region has the "
            "sd you want. At equal noise, texture and edges of two methods can be compared fairly."
        )
        about.setWordWrap(True)
        about.setObjectName("quiet")
        form.addRow(about)
        for combo, name, tip in (
            (self.where, "Region", "Where the noise is measured: choose one that is flat"),
            (self.method, "Method to set", "Whose strength is set; another one than now takes its place"),
            (self.other, "Method to match", "Its sd in the region, at its present settings, is the target"),
        ):
            combo.setAccessibleName(name)
            combo.setToolTip(tip)
        self.where.currentIndexChanged.connect(self._show_present)
        self.sd.setAccessibleName("Wanted sd")
        self.sd.setToolTip("The standard deviation that the region shall have, in the picture's unit")
        self.by_number.setToolTip("Match a number")
        self.by_method.setToolTip("Match another method at its present settings")
        choices = QButtonGroup(self)
        for button in (self.by_number, self.by_method):
            choices.addButton(button)
        self.by_number.setChecked(True)
        self.by_number.toggled.connect(self._enable)
        form.addRow("Region", self.where)
        form.addRow("Set", self.method)
        for button, field in ((self.by_number, self.sd), (self.by_method, self.other)):
            row = QHBoxLayout()
            row.setSpacing(10)
            row.addWidget(button)
            row.addWidget(field, 1)
            form.addRow("To" if button is self.by_number else "", row)
        self.answer.setWordWrap(True)
        self.answer.setAccessibleName("What was done")
        self.answer.setMinimumHeight(48)
        form.addRow(self.answer)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the match")
        self.progress.setVisible(False)
        form.addRow(self.progress)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.ApplyRole)
        self.go.setDefault(True)
        self.go.setToolTip("Find the strength and set it, as a step that can be undone")
        self.go.clicked.connect(self.match)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def _fill(self) -> None:
        document = self._document
        picture = document.picture
        for index, region in enumerate(document.recipe.regions):
            area = Area.of(picture, region, index)
            if region.enabled and area.rect:
                self.where.addItem(area.name, area)
                if index == document.selected:
                    self.where.setCurrentIndex(self.where.count() - 1)
        if not self.where.count():
            self.where.addItem("Whole picture", Area.of(picture))
        for combo in (self.method, self.other):
            for denoiser in all_denoisers():
                if not denoiser.refusal(picture) and denoiser.id != "identity":
                    combo.addItem(denoiser.name, denoiser.id)
        self.method.setCurrentIndex(max(0, self.method.findData(document.recipe.method)))
        self.sd.setRange(0.0, picture.span * 10)
        self.sd.setDecimals(2 if picture.span >= 50 else 5)
        self.sd.setSuffix(f" {picture.unit}" if picture.unit else "")
        self._show_present()
        self._enable()

    @property
    def area(self) -> Area:
        found: Area = self.where.currentData()
        return found

    def _enable(self, *_: object) -> None:
        self.sd.setEnabled(self.by_number.isChecked())
        self.other.setEnabled(self.by_method.isChecked())

    def _show_present(self, *_: object) -> None:
        """Half the input's sd is a start; measured on the input, which is at hand."""
        picture, area = self._document.picture, self.area
        if area is None:
            return
        counted = hard_inside(picture, area)
        if counted.any():
            values = picture.pixels[(slice(None), *area.rect.slices)]
            found = region_statistics(values, counted, Pitch.of(picture))
            self.sd.setValue(found.sd / 2)
            unit = f" {picture.unit}" if picture.unit else ""
            self.answer.setText(f"The input's sd there is {found.sd:.4g}{unit}.")

    # Matching

    def match(self) -> None:
        """Find the recipe in the lane for slow things; the window stays alive."""
        document, area = self._document, self.area
        picture = document.picture
        recipe = document.recipe_with(self.method.currentData())
        by_method = self.by_method.isChecked()
        other = document.recipe_with(self.other.currentData()) if by_method else None
        wanted = self.sd.value()
        result = document.result()
        full = _at_full_strength(result, recipe, area)

        def work(progress: Progress) -> Match:
            target = wanted
            if other is not None:
                target = noise_of(picture, other, area, progress.part(0.0, 0.3))
            return match_noise(picture, recipe, area, target, progress.part(0.3, 1.0), full)

        self.go.setEnabled(False)
        self.progress.setValue(0)
        self.progress.setVisible(True)
        self.answer.setText("Measuring …")
        start = document.recipe
        self._job = self._bridge.run(
            self._bridge.judge,
            work,
            lambda match: self._take(match, start),
            self._failed,
            key="match noise",
            told=lambda fraction, text: self.progress.setValue(round(1000 * fraction)),
        )

    def _take(self, match: Match, start: Recipe) -> None:
        self._ended()
        self.answer.setText(match.sentence)
        if not match.reached:
            return
        if self._document.recipe != start:
            self.answer.setText("The settings were changed meanwhile: match again.")
            return
        name = get_denoiser(match.recipe.method).name
        self._document.edit(match.recipe, f"match noise of {name}", Document.begin_gesture())
        self.matched.emit(match)

    def _failed(self, error: Exception) -> None:
        self._ended()
        self.answer.setText(str(error) if isinstance(error, StudioError) else "This cannot be matched.")

    def _ended(self) -> None:
        self._job = None
        self.go.setEnabled(True)
        self.progress.setVisible(False)

    def done(self, code: int) -> None:
        if self._job is not None:
            self._job.cancel()
        super().done(code)


def _at_full_strength(result: Result | None, recipe: Recipe, area: Area) -> FloatArray | None:
    """What the preview has of it already, if it is of this method and final."""
    if result is None or result.recipe.method != recipe.method or not result.is_final(area.rect):
        return None
    return result.layer.pixels[(slice(None), *area.rect.slices)].copy()
