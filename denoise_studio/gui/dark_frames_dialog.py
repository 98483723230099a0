"""Measures a camera's dark frames: files taken with the lens cap on become a profile of noise and shading."""

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.progress import Progress
from denoise_studio.engine.dark_frames import SUFFIX, Measured, measure, save
from denoise_studio.engine.lanes import Job
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.pictures import open_filter
from denoise_studio.noise.sensor.dark_profile import DarkProfile
from denoise_studio.noise.sensor.dark_setting import DarkSetting

_HOW = (
    "Ten or more raw files for every ISO, taken with the lens cap on at the exposure time of your pictures. "
    "They show the camera's true black level, its shading and its read noise."
)
_HEADS = (
    ("ISO", "As set on the camera"),
    ("Frames", "Dark frames at this ISO"),
    ("Black error", "By how much black lies above what the file tells, DN: mean of the classes, ± 68 %"),
    ("Row sd", "Noise that a whole row shares, DN"),
    ("Column sd", "Noise that a whole column shares, DN"),
    ("Read sd", "Read noise s in all: of pixels, rows and columns, DN"),
    ("Hot", "Hot pixels"),
)
_SIZE, _ROW = (640, 420), 24


class DarkFramesDialog(QDialog):
    """Stays open while it measures; the window goes on.

    Args:
        bridge: to the lane of files.
        why_not: why a profile cannot be used for the picture shown, "" if it can.

    Signals:
        used: the path of a saved profile that the picture shown shall take.
    """

    used = Signal(str)

    def __init__(
        self, bridge: Bridge, why_not: Callable[[DarkProfile], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Dark frames")
        self.resize(*_SIZE)
        self._bridge, self._why_not = bridge, why_not
        self._job: Job | None = None
        self.measured: Measured | None = None
        self.saved: Path | None = None
        self.files, self.folder = QPushButton("Choose files …"), QPushButton("Choose a folder …")
        self.progress, self.stop = QProgressBar(), QPushButton("Stop")
        self.table = QTableWidget(0, len(_HEADS))
        self.words = QLabel()
        self.save, self.use = QPushButton("Save the profile …"), QPushButton("Use for this picture")
        self._build()
        self._show_result()
        self._set_running(False)

    def _build(self) -> None:
        how = QLabel(_HOW)
        how.setWordWrap(True)
        how.setObjectName("quiet")
        self.files.setToolTip("Raw files taken with the lens cap on")
        self.folder.setToolTip(
            "All raw files of a folder; those that are no dark frames are named and left out"
        )
        self.stop.setToolTip("Stop measuring; nothing is kept")
        self.save.setToolTip("Keep the profile as a file, for this and for later pictures")
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of measuring dark frames")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What was found in the dark frames")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build_table()
        choose = QHBoxLayout()
        for widget in (self.files, self.folder, self.progress, self.stop):
            choose.addWidget(widget, 1 if widget is self.progress else 0)
        choose.addStretch(1)
        close = QPushButton("Close")
        close.setToolTip("Close this window; a profile that was saved stays")
        ends = QHBoxLayout()
        ends.addStretch(1)
        for button in (self.save, self.use, close):
            ends.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(how)
        layout.addLayout(choose)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.words)
        layout.addLayout(ends)
        close.clicked.connect(self.reject)
        self.files.clicked.connect(self._choose_files)
        self.folder.clicked.connect(self._choose_folder)
        self.stop.clicked.connect(self.cancel)
        self.save.clicked.connect(self._choose_target)
        self.use.clicked.connect(lambda: self.used.emit(str(self.saved)))
        self.finished.connect(self.cancel)

    def _build_table(self) -> None:
        table = self.table
        table.setAccessibleName("Dark frames by ISO")
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(_ROW)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        for column, (head, tip) in enumerate(_HEADS):
            item = QTableWidgetItem(head)
            item.setToolTip(tip)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setHorizontalHeaderItem(column, item)
        font = table.font()
        font.setFeature(font.Tag("tnum"), 1)
        table.setFont(font)

    # Choosing

    def _choose_files(self) -> None:
        dialog = QFileDialog(self, "Dark frames", str(Path.home()), open_filter())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.measure([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, "Folder of dark frames", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.measure([Path(name)]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # Measuring

    def measure(self, paths: list[Path]) -> None:
        """Measure these files, or the files of these folders, in the background."""
        self.cancel()
        self._set_running(True)

        def work(progress: Progress) -> Measured:
            return measure(paths, progress)

        self._job = self._bridge.run(
            self._bridge.files, work, self._took, self._failed, key="dark frames", told=self._told
        )

    def cancel(self, *_: object) -> None:
        """Stop what runs; what was measured before stays."""
        if self._job is not None:
            self._job.cancel()
        self._set_running(False)

    def _told(self, fraction: float, text: str) -> None:
        if self._job is not None:
            self.progress.setValue(round(fraction * 1000))
            self.progress.setFormat(text)
            self.progress.setToolTip(text)

    def _took(self, measured: Measured) -> None:
        if self._job is None:
            return
        self._set_running(False)
        self.measured, self.saved = measured, None
        self._show_result()

    def _failed(self, error: Exception) -> None:
        if self._job is None:
            return
        self._set_running(False)
        self._say(str(error), warns=True)

    def _set_running(self, on: bool) -> None:
        if not on:
            self._job = None
        self.progress.setValue(0)
        self.progress.setFormat("")
        self.progress.setVisible(on)
        self.stop.setVisible(on)

    # Showing

    def _show_result(self) -> None:
        measured = self.measured
        self.save.setEnabled(measured is not None)
        self._show_use()
        if measured is None:
            self._say("")
            return
        profile = measured.profile
        self.table.setRowCount(len(profile.settings))
        for row, setting in enumerate(profile.settings):
            for column, (text, tip) in enumerate(_cells(setting)):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        frames = sum(setting.frames for setting in profile.settings)
        size = f"{profile.size[1]} × {profile.size[0]} pixels"
        head = f"{profile.camera or 'Unknown camera'}, {size}, {frames} frames."
        left = measured.left_out
        more = f"{len(left)} left out: {' '.join(left[:3])}{' …' if len(left) > 3 else ''}" if left else ""
        self._say(" ".join(filter(None, (head, *profile.notes, more))), warns=bool(left or profile.notes))
        self.words.setToolTip("\n".join(left))

    def _say(self, text: str, warns: bool = False) -> None:
        self.words.setObjectName("warning" if warns else "quiet")
        self.words.style().polish(self.words)
        self.words.setText(f"⚠ {text}" if warns else text)

    def _show_use(self) -> None:
        measured = self.measured
        why = "Measure dark frames first" if measured is None else self._why_not(measured.profile)
        if not why and self.saved is None:
            why = "Save the profile first: the picture's record names its file"
        self.use.setEnabled(not why)
        self.use.setToolTip(why or "Take shading and black level off this picture before it is denoised")

    # Saving

    def _choose_target(self) -> None:
        dialog = QFileDialog(self, "Save the profile", str(Path.home()), f"Dark profiles (*{SUFFIX})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        camera = self.measured.profile.camera if self.measured is not None else ""
        dialog.selectFile(f"{'-'.join(camera.split()) or 'camera'}-dark{SUFFIX}")
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_to(self, path: Path) -> None:
        """Write the profile, in the background."""
        measured = self.measured
        if measured is None:
            return

        def work(progress: Progress) -> Path:
            return save(measured.profile, path)

        self._bridge.run(self._bridge.files, work, self._was_saved, lambda error: self._say(str(error), True))

    def _was_saved(self, path: Path) -> None:
        self.saved = path
        self._show_use()
        self._say(f"Saved {path.name}.")


def _cells(setting: DarkSetting) -> tuple[tuple[str, str], ...]:
    parts = setting.parts
    errors = ", ".join(f"{name} {_signed(value)}" for name, value in setting.black.items())
    mean = sum(setting.black.values()) / len(setting.black)
    sure = f"± {setting.black_error:.2f}" if math.isfinite(setting.black_error) else "± ?"
    return (
        (f"{setting.iso:g}", ""),
        (f"{setting.frames}", ""),
        (f"{_signed(mean)} {sure}", f"Black error by class, DN: {errors}"),
        (f"{parts.row:.3f}", f"Row noise {parts.row:.3f} ± {parts.row_error:.3f} DN"),
        (f"{parts.column:.3f}", f"Column noise {parts.column:.3f} ± {parts.column_error:.3f} DN"),
        (f"{setting.read_sd:.3f}", f"Pixel noise {parts.pixel:.3f} DN, Tukey λ {setting.tukey.shape:+.3f}"),
        (f"{len(setting.hot)}", ""),
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
