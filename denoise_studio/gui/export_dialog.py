"""What a person can choose for a file format when exporting: depth and quality."""

from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QSpinBox, QWidget

from denoise_studio.formats import Format, SaveOptions

_DEPTHS = {8: "8 bits", 16: "16 bits", 32: "32 bits, floating point"}


class ExportDialog(QDialog):
    """Asks for a format's options; formats without any need no dialog (`wanted`)."""

    def __init__(self, format_: Format, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Save | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    @staticmethod
    def wanted(format_: Format) -> bool:
        """Whether there is anything to choose."""
        return bool(format_.depths) or not format_.lossless

    def options(self) -> SaveOptions:
        return SaveOptions(bits=self.bits.currentData(), quality=self.quality.value())
