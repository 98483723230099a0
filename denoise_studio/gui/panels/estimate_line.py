"""What was found about a picture's noise: one line, and a flag where neighbours share it."""

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from denoise_studio.gui.maps import number
from denoise_studio.noise.blind import NoiseEstimate
from denoise_studio.noise.sensor.as_estimate import MosaicEstimate

_CORRELATED = (
    "Neighbouring pixels share their noise, as reconstruction, scaling or JPEG make it: it looks blotchy, "
    "and what was made for white noise leaves much of it"
)
_EXPLAINED = (
    "Noise standard deviation, estimated from the picture itself. The confidence is about the probability "
    "that it is right within 15 %."
)


_BLACK = "A wrong black level tints shadows and makes the noise model wrong in the dark"


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
        if isinstance(estimate, MosaicEstimate):
            self._show_sensor(estimate)
            return
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
        self.flag.setToolTip(_CORRELATED)

    def _show_sensor(self, estimate: MosaicEstimate) -> None:
        """Of camera raw: gain, read noise, and what is doubtful about the black level."""
        found = estimate.sensor
        warnings = [text for text in (found.black.warning, *found.notes) if text]
        sure = f"confidence {found.confidence:.1f}"
        self._say(
            f"Sensor: K {number(found.gain)} DN per electron, s {number(found.read)} DN, {sure}",
            " ".join(f"⚠ {text}" for text in warnings).replace("-", "−"),
        )
        low, high = found.black.interval
        self.flag.setToolTip(_BLACK)
        self.words.setToolTip(
            "A first, coarse look: variance = K (mean − black) + s². The method looks again, through its "
            f"network. Black by {found.black.source}: {low:+.1f} to {high:+.1f} DN from the file's possible."
        )

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
