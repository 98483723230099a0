"""What a person can choose for a file format when exporting: depth, quality, how raw is developed, names."""

from pathlib import PurePath

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from denoise_studio.core.picture import Picture
from denoise_studio.engine.outgoing import DEVELOPED
from denoise_studio.formats import Format, SaveOptions

_WAYS = (("for screens (sRGB)", "display"), ("linear (Rec. 2020)", "linear"))
_NAMED = ("dicom", "nifti")
"""Formats whose files say whose picture it is."""
_DEPTHS = {8: "8 bits", 16: "16 bits", 32: "32 bits, floating point"}


class ExportDialog(QDialog):
    """Asks for a format's options; formats without any need no dialog (`wanted`)."""

    def __init__(
        self,
        format_: Format,
        name: str,
        parent: QWidget | None = None,
        picture: Picture | None = None,
        exposure: float = 0.0,
    ) -> None:
        super().__init__(parent)
        self._develops = picture is not None and picture.mosaic is not None and format_.id in DEVELOPED
        self._exposure = exposure if picture is not None and picture.mosaic is not None else 0.0
        self.setWindowTitle("Export options")
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.setVerticalSpacing(10)
        form.addRow(QLabel(f"{format_.name} file {name}"))
        self.bits = QComboBox()
        self.bits.setAccessibleName("Depth")
        self.bits.setToolTip("Bits for each sample. What a file cannot hold is refused or counted.")
        self.bits.addItem("as the source", None)
        for bits in format_.depths:
            self.bits.addItem(_DEPTHS[bits], bits)
        self.quality = QSpinBox()
        self.quality.setAccessibleName("JPEG quality")
        self.quality.setToolTip("100 keeps most. JPEG always loses something; TIFF and PNG lose nothing.")
        self.quality.setRange(1, 100)
        self.quality.setValue(SaveOptions().quality)
        if format_.depths:
            form.addRow("Depth", self.bits)
        if not format_.lossless:
            form.addRow("Quality", self.quality)
        self.develop = QComboBox()
        self.develop.setAccessibleName("Colours")
        self.develop.setToolTip(
            "Camera raw is developed for this format: for screens, or as linear light for further work. "
            "DNG keeps the mosaic for your raw editor."
        )
        for words, way in _WAYS:
            if not (way == "linear" and not format_.lossless):
                self.develop.addItem(words, way)
        self.develop.setCurrentIndex(max(0, self.develop.findData("linear" if format_.id == "tiff" else "")))
        if self._develops:
            form.addRow("Colours", self.develop)
            form.addRow(QLabel(f"Exposure as shown: {exposure:+.2f} EV"))
        self.anonymise = QCheckBox("Anonymise")
        self.anonymise.setToolTip(
            "Without names, dates, identifiers and private tags, by DICOM's basic confidentiality profile;\n"
            "the record beside the file then names no source. Text in the pixels stays"
        )
        self.telling = QLabel(
            "The name of the file holds the source's: choose another if that tells whose it is."
        )
        self.telling.setWordWrap(True)
        self.telling.hide()
        if format_.id in _NAMED:
            form.addRow(self.anonymise)
            form.addRow(self.telling)
            tells = _tells(name, picture)
            self.anonymise.toggled.connect(lambda on: self.telling.setVisible(on and tells))
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Save | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    @staticmethod
    def wanted(format_: Format) -> bool:
        """Whether there is anything to choose."""
        return bool(format_.depths) or not format_.lossless or format_.id in _NAMED

    def options(self) -> SaveOptions:
        way = self.develop.currentData() if self._develops else None
        return SaveOptions(
            self.bits.currentData(),
            self.quality.value(),
            develop=way,
            exposure=self._exposure,
            anonymise=self.anonymise.isChecked(),
        )


def _tells(name: str, picture: Picture | None) -> bool:
    """Whether a file's name holds the name of the picture's source."""
    source = picture.source.path if picture is not None and picture.source is not None else None
    return source is not None and source.stem.lower() in PurePath(name).name.lower()
