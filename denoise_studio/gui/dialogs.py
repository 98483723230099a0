"""Small dialogs: the sheet of shortcuts, about, preferences, export options."""

import html
import platform
from importlib import metadata
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from denoise_studio import __version__
from denoise_studio.gui import theme
from denoise_studio.gui.actions import ACTIONS, MOUSE
from denoise_studio.gui.settings import SettingsFile

NOTICE = "Not for diagnosis: Denoise Studio is no medical device."


def _sheet(title: str, body: str, parent: QWidget | None, width: int, height: int) -> QDialog:
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    label = QLabel(body)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setContentsMargins(16, 12, 16, 12)
    label.setAccessibleName(title)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setWidget(label)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.addWidget(scroll)
    layout.addWidget(buttons)
    dialog.resize(width, height)
    return dialog


def shortcuts_dialog(parent: QWidget | None, mouse: tuple[tuple[str, str], ...] = MOUSE) -> QDialog:
    """All keys and what the mouse does."""
    quiet = theme.current().quiet
    rows = []
    for menu, actions in groupby(ACTIONS, lambda action: action.menu):
        rows.append(f"<tr><td colspan=3 style='padding-top:10px'><b>{menu}</b></td></tr>")
        for action in actions:
            keys = " &nbsp;or&nbsp; ".join(
                html.escape(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText))
                for key in action.keys
            )
            title = html.escape(action.title.replace("&", "").replace(" …", ""))
            rows.append(
                f"<tr><td style='padding-right:18px'>{title}</td>"
                f"<td style='padding-right:18px'><b>{keys}</b></td>"
                f"<td style='color:{quiet}'>{html.escape(action.tip)}</td></tr>"
            )
    rows.append("<tr><td colspan=3 style='padding-top:10px'><b>Mouse</b></td></tr>")
    rows += [
        f"<tr><td>{html.escape(k)}</td><td colspan=2 style='color:{quiet}'>{html.escape(v)}</td></tr>"
        for k, v in mouse
    ]
    return _sheet("Keys and mouse", f"<table cellspacing=3>{''.join(rows)}</table>", parent, 860, 700)


def about_dialog(parent: QWidget | None, device: str) -> QDialog:
    """Version, device, libraries, licence, and the notice."""
    names = (
        "torch",
        "numpy",
        "numba",
        "opencv-python-headless",
        "PySide6-Essentials",
        "pyqtgraph",
        "pydicom",
    )
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    body = (
        f"<h2>Denoise Studio {__version__}</h2>"
        "<p>Look at a noisy picture, denoise it, steer the denoiser by hand, and know from honest numbers "
        "what was done to it.</p>"
        f"<p><b>{NOTICE}</b></p>"
        f"<p>Device: {html.escape(device)}<br>Python {platform.python_version()}, {libraries}</p>"
        "<p>Nothing is downloaded at run time and nothing is sent anywhere.<br>"
        "Licence: Apache-2.0; those of the libraries are in THIRD_PARTY_LICENSES.md.</p>"
    )
    return _sheet("About Denoise Studio", body, parent, 620, 400)


class PreferencesDialog(QDialog):
    """Memory and privacy."""

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._settings = settings
        self.memory = QSpinBox()
        self.memory.setRange(128, 65536)
        self.memory.setSingleStep(128)
        self.memory.setSuffix(" MB")
        self.memory.setValue(settings.value.memory_mb)
        self.memory.setAccessibleName("Memory for kept results")
        self.memory.setToolTip("Results kept for switching back and forth; the picture shown is always kept")
        self.medical = QCheckBox("Remember DICOM files under “Open recent”")
        self.medical.setChecked(settings.value.remember_medical)
        self.medical.setToolTip("Off by default: names of medical files can tell whose they are")
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.addRow("Memory for kept results", self.memory)
        form.addRow(self.medical)
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Ok | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

    def accept(self) -> None:
        self._settings.change(memory_mb=self.memory.value(), remember_medical=self.medical.isChecked())
        super().accept()
