"""What was found about a picture's noise: one line, and a flag where neighbours share it."""

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from denoise_studio.gui.maps import number
from denoise_studio.noise.blind import NoiseEstimate

_CORRELATED = (
    "Neighbouring pixels share their noise, as reconstruction, scaling or JPEG make it: it looks blotchy, "
    "and what was made for white noise leaves much of it"
)
_EXPLAINED = (
    "Noise standard deviation, estimated from the picture itself. The confidence is about the probability "
    "that it is right within 15 %."
)


class EstimateLine(QWidget):
    """Says nothing without a picture, and shows a dash while nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words, self.flag = QLabel(), QLabel()
        for label, style in ((self.words, "quiet"), (self.flag, "warning")):
            label.setObjectName(style)
            label.setWordWrap(True)
        self.words.setAccessibleName("Noise found in the picture")
        self.flag.setAccessibleName("Correlation of the noise")
        self.flag.setToolTip(_CORRELATED)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.words)
        layout.addWidget(self.flag)
        self.clear()

    def clear(self) -> None:
        self._say("", "")

    def wait(self) -> None:
        """The estimate is on its way."""
        self._say("Estimate: –", "")

    def show_estimate(self, estimate: NoiseEstimate, sigma: float, unit: str) -> None:
        """Show an estimate; `sigma` is the number that the method at hand counts from."""
        sd = f"{number(sigma)} {unit}".rstrip()
        kind = "" if estimate.is_correlated else ", white"
        correlated = (
            f"⚑ correlated over {estimate.correlation_length:.1f} px (correlation {estimate.correlation:.2f})"
        )
        self._say(
            f"Estimate {sd}{kind}, confidence {estimate.confidence:.1f}",
            correlated.replace("-", "−") if estimate.is_correlated else "",
        )
        self.words.setToolTip(_details(estimate, unit))

    def _say(self, words: str, flag: str) -> None:
        self.words.setText(words)
        self.flag.setText(flag)
        self.flag.setVisible(bool(flag))


def _details(estimate: NoiseEstimate, unit: str) -> str:
    text = _EXPLAINED
    if estimate.depends:
        text += " The noise differs with brightness."
    if len(estimate.channels) > 1:
        levels = ", ".join(f"{c.name} {number(c.sigma)}" for c in estimate.channels)
        text += f" By channel: {levels} {unit}".rstrip() + "."
    return text
