"""Asks for a dose: how much of it, by which reconstruction, and how noisy the full dose is."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.errors import StudioError
from denoise_studio.engine.dose_plan import DosePlan, DoseSlice, DoseWish, percent
from denoise_studio.noise.ct.bow_tie import BowTie
from denoise_studio.noise.ct.counting import LARGEST_SD
from denoise_studio.noise.ct.kernels import KERNELS

Compute = Callable[[DoseWish, Callable[[], None]], None]
"""Have a wish planned in the background, then call back in the window's thread."""

_LEAST, _MOST = 5, 100
_WIDTH, _LINES = 500, 7
_ABOUT = (
    "A simulation for teaching and tests: noise is made in the projections of this slice (photon counts, "
    "read-out, filtered back-projection) and added to it. No scanner was asked, and nothing else changes."
)


class CtDoseDialog(QDialog):
    """Says at once what a dose comes to.

    Args:
        ready: the slice.
        compute: has a wish planned in the background.
        slices: of its series; more than one can all be simulated.

    Signals:
        wished: the `DoseWish` that was confirmed, and whether it is for all slices.
    """

    wished = Signal(object, bool)

    def __init__(
        self, ready: DoseSlice, compute: Compute, slices: int = 1, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Simulate a lower dose")
        self.setMinimumWidth(_WIDTH)
        self._ready, self._compute, self._slices = ready, compute, slices
        self._told = False
        """Whether a person has said how noisy the full dose is."""
        self.slider, self.dose = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        self.kernel = QComboBox()
        self.full = QDoubleSpinBox()
        self.measure = QToolButton()
        self.clean = QCheckBox("This slice is free of noise")
        self.electronic = QDoubleSpinBox()
        self.bow_tie = QCheckBox("lets through at 25 cm")
        self.edge = QSpinBox()
        self.seed = QSpinBox()
        self.all = QCheckBox(f"All {slices} slices, each with noise of its own")
        self.becomes, self.problem = QLabel(), QLabel()
        self._build()
        self._fill()
        self.refresh()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        about = QLabel(_ABOUT)
        about.setWordWrap(True)
        about.setObjectName("quiet")
        form.addRow(about)
        form.addRow("Dose", _row((self.slider, 1), (self.dose, 0)))
        form.addRow("Kernel", self.kernel)
        form.addRow("Noise at full dose", _row((self.full, 1), (self.measure, 0)))
        form.addRow("", self.clean)
        form.addRow("Electronic noise", self.electronic)
        form.addRow("Bow-tie filter", _row((self.bow_tie, 0), (self.edge, 1)))
        form.addRow("Seed", self.seed)
        form.addRow("", self.all)
        form.setRowVisible(self.all, self._slices > 1)
        form.addRow(self._told_lines())
        self.button = QPushButton("Simulate")
        self.button.setDefault(True)
        self.button.setToolTip("Open the simulated slice as a new picture; this one is its reference")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def _told_lines(self) -> QWidget:
        told = QWidget()
        lines = QVBoxLayout(told)
        lines.setContentsMargins(0, 4, 0, 4)
        for text, name in ((self.becomes, "quiet"), (self.problem, "warning")):
            text.setObjectName(name)
            text.setWordWrap(True)
            lines.addWidget(text)
        lines.addStretch(1)
        # Room for all that may be said: nothing moves while numbers change.
        told.setMinimumHeight(_LINES * self.fontMetrics().lineSpacing())
        self.becomes.setAccessibleName("What the dose comes to")
        self.problem.setAccessibleName("Why it cannot be simulated")
        return told

    def _fill(self) -> None:
        for widget, name, tip in (
            (self.slider, "Dose slider", "How much of the full dose the new slice shall have"),
            (self.dose, "Dose", "How much of the full dose the new slice shall have, percent"),
            (self.kernel, "Kernel", "Of the reconstruction: a soft one has less and coarser noise"),
            (
                self.full,
                "Noise at full dose",
                "Sd in soft tissue, HU. Measured in this slice where it is flat; correct it if you know it",
            ),
            (self.measure, "Measure the noise at full dose", "Back to the noise measured in this slice"),
            (
                self.clean,
                "This slice is free of noise",
                "A phantom or a denoised slice: it gets all the noise of the dose, not only what is missing",
            ),
            (
                self.electronic,
                "Electronic noise",
                "Sd of the read-out in photons: it tells where few photons come through",
            ),
            (self.bow_tie, "Bow-tie filter", "A filter that spares the rim: less light far from the middle"),
            (self.edge, "Transmission of the bow-tie", "Light that is left 25 cm off the middle, percent"),
            (self.seed, "Seed", "Another seed is another draw of the same noise"),
            (self.all, "All slices", "Opens the whole series anew; slices are simulated when they are shown"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self.slider.setRange(_LEAST, _MOST)
        self.dose.setRange(_LEAST, _MOST)
        self.dose.setDecimals(1)
        self.dose.setSuffix(" %")
        self.dose.setValue(25.0)
        self.slider.setValue(25)
        self.kernel.addItem(self._grain(), None)
        for kernel in KERNELS.values():
            self.kernel.addItem(kernel.label, kernel)
        self.full.setRange(0.1, 500.0)
        self.full.setDecimals(1)
        self.full.setSuffix(" HU")
        self.full.setKeyboardTracking(False)
        self.measure.setText("↺")
        self.clean.setChecked(self._ready.is_clean)
        self.electronic.setRange(0.0, LARGEST_SD)
        self.electronic.setDecimals(1)
        self.electronic.setSuffix(" photons")
        self.electronic.setValue(DoseWish().electronic)
        self.edge.setRange(2, 100)
        self.edge.setSuffix(" %")
        self.edge.setValue(round(100 * BowTie().edge))
        self.edge.setEnabled(False)
        self.seed.setRange(0, 2**31 - 1)
        self._connect()

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self.dose.setValue)
        self.dose.valueChanged.connect(self._typed)
        self.kernel.activated.connect(self.refresh)
        self.full.valueChanged.connect(self._tell)
        self.measure.clicked.connect(self._forget)
        self.clean.clicked.connect(self.refresh)
        self.electronic.valueChanged.connect(self.refresh)
        self.bow_tie.toggled.connect(self.edge.setEnabled)
        self.bow_tie.clicked.connect(self.refresh)
        self.edge.valueChanged.connect(self.refresh)

    def _grain(self) -> str:
        kernel = self._ready.matched
        if kernel.name in KERNELS:
            return f"{kernel.name}: this slice has no grain to go by"
        return f"as grainy as this slice (Hann, ends at {kernel.cutoff:.2f} /mm)"

    def wish(self) -> DoseWish:
        """What the dialog says now."""
        return DoseWish(
            fraction=self.dose.value() / 100,
            kernel=self.kernel.currentData(),
            sd=self.full.value() if self._told else None,
            clean=self.clean.isChecked(),
            electronic=self.electronic.value(),
            bow_tie=BowTie(self.edge.value() / 100) if self.bow_tie.isChecked() else None,
            seed=self.seed.value(),
        )

    def _typed(self, value: float) -> None:
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round(value))
        self.slider.blockSignals(blocked)
        self.refresh()

    def _tell(self, *_: float) -> None:
        self._told = True
        self.refresh()

    def _forget(self) -> None:
        self._told = False
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Say what the wish comes to; at once, or when the background has found out."""
        wish = self.wish()
        self.measure.setEnabled(self._told)
        if not self._ready.is_known(wish):
            self._say("…", "", possible=False)
            self._compute(wish, self.refresh)
            return
        try:
            plan = self._ready.plan(wish)
        except StudioError as error:
            self._say("", str(error))
            return
        self._show(plan)

    def _show(self, plan: DosePlan) -> None:
        if not self._told:
            blocked = self.full.blockSignals(True)
            self.full.setValue(plan.full_sd)
            self.full.blockSignals(blocked)
        self._say(plan.words, self._doubt(plan), possible=True)

    def _doubt(self, plan: DosePlan) -> str:
        if plan.dose.adds_nothing:
            return f"At {percent(1.0)} of the dose nothing is added."
        return ""

    def _say(self, becomes: str, problem: str, possible: bool = False) -> None:
        self.becomes.setText(becomes)
        self.becomes.setVisible(bool(becomes))
        self.problem.setText(f"⚠ {problem}" if problem else "")
        self.problem.setVisible(bool(problem))
        self.button.setEnabled(possible)

    def _confirm(self) -> None:
        self.wished.emit(self.wish(), self._slices > 1 and self.all.isChecked())
        self.accept()


def _row(*parts: tuple[QWidget, int]) -> QWidget:
    """Widgets beside each other in one field of a form."""
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget, stretch in parts:
        row.addWidget(widget, stretch)
    return whole
