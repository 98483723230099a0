"""What was found about a picture's noise: one line, and a flag where neighbours share it."""

import re

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from denoise_studio.engine.sensor import black_words, doubts, is_open, stage_words
from denoise_studio.gui.maps import number
from denoise_studio.noise.blind import NoiseEstimate
from denoise_studio.noise.sensor.model import SensorNoise

_CORRELATED = (
    "Neighbouring pixels share their noise, as reconstruction, scaling or JPEG make it: it looks blotchy, "
    "and what was made for white noise leaves much of it"
)
_EXPLAINED = (
    "Noise standard deviation, estimated from the picture itself. The confidence is about the probability "
    "that it is right within 15 %."
)
_SENSOR = (
    "Noise of the sensor: variance = K × (mean − black) + s², on average over the classes of pixels. The "
    "confidence is about the probability that both are right within 15 %. The noise model below the pictures "
    "shows why (U)."
)
_DOUBTS = (
    "Why the numbers of the sensor's noise have to be looked at with care; the noise model (U) shows more"
)
_OPEN = "black level bounded by this scene alone"


class EstimateLine(QWidget):
    """Says nothing without a picture, and shows a dash while nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words, self.flag = QLabel(), QLabel()
        for label, style in ((self.words, "quiet"), (self.flag, "warning")):
            label.setObjectName(style)
            label.setWordWrap(True)
        self.words.setAccessibleName("Noise found in the picture")
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
        self.flag.setToolTip(_CORRELATED)
        self.flag.setAccessibleName("Correlation of the noise")

    def show_sensor(self, noise: SensorNoise) -> None:
        """Show what is known of a sensor: gain, read noise, how sure, and what is doubtful."""
        sure = "your own numbers" if noise.stage == "told" else f"confidence {noise.confidence:.1f}"
        parts = [
            f"Sensor: K {number(noise.gain)} DN per electron, s {number(noise.read)} DN",
            sure if noise.stage == "told" else f"{noise.stage}, {sure}",
            *([_OPEN] if is_open(noise.black) else []),
        ]
        self._say(" · ".join(parts), "\n".join(f"⚠ {_minus(text)}" for text in doubts(noise)))
        self.words.setToolTip(" ".join((_SENSOR, stage_words(noise), black_words(noise.black))))
        self.flag.setToolTip(_DOUBTS)
        self.flag.setAccessibleName("Doubts about the sensor's noise")

    def _say(self, words: str, flag: str) -> None:
        self.words.setText(words)
        self.flag.setText(flag)
        self.flag.setVisible(bool(flag))


def _minus(text: str) -> str:
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)


def _details(estimate: NoiseEstimate, unit: str) -> str:
    text = _EXPLAINED
    if estimate.depends:
        text += " The noise differs with brightness."
    if len(estimate.channels) > 1:
        levels = ", ".join(f"{c.name} {number(c.sigma)}" for c in estimate.channels)
        text += f" By channel: {levels} {unit}".rstrip() + "."
    return text
