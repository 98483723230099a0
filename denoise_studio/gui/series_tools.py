"""Opening a folder as series, and saving a whole one: dialogs here, the work in the files lane."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from denoise_studio.core.progress import Progress
from denoise_studio.core.series import Series
from denoise_studio.denoisers import get_denoiser
from denoise_studio.engine.batch import Report, run_series
from denoise_studio.engine.batch.series import folder_for
from denoise_studio.engine.volume import VolumeReport, is_volume, save_volume
from denoise_studio.engine.wishes import Wishes
from denoise_studio.formats import SaveOptions
from denoise_studio.gui.document import Document

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow


class SeriesTools(QObject):
    """The actions about series."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def do_open_series(self) -> None:
        """Ask for a folder."""
        dialog = QFileDialog(self._window, "Open the series in a folder", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self._window.files.open([Path(name)]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def do_export_series(self) -> None:
        """Ask where the derived series goes."""
        document = self._window.slices.document
        if document is None or document.stack is None:
            return
        if is_volume(document.stack.series):
            self._ask_for_file(document)
            return
        dialog = SaveSeriesDialog(document, self._window)
        dialog.accepted.connect(lambda: self.save(document, dialog.folder(), dialog.options()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_for_file(self, document: Document) -> None:
        """The slices of one file become one file."""
        if document.stack is None:
            return
        source = document.path or document.stack.series.slices[0].path  # a simulated slice is of no file
        ending = next((end for end in (".nii.gz", ".nii") if source.name.lower().endswith(end)), ".dcm")
        stem = source.name[: -len(ending)] if source.name.lower().endswith(ending) else source.stem
        dialog = QFileDialog(self._window, "Save the whole file", str(source.parent), f"*{ending}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"{stem}-denoised{ending}")
        dialog.fileSelected.connect(lambda name: self.save_file(document, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_file(self, document: Document, path: Path, options: SaveOptions | None = None) -> None:
        """Denoise every slice with the document's recipe into one file, in the background."""
        if document.stack is None:
            return
        series, recipe = document.stack.series, document.recipe

        def work(progress: Progress) -> VolumeReport:
            return save_volume(series, path, Wishes(recipe=recipe), options, progress)

        def done(report: VolumeReport) -> None:
            if document.recipe == recipe:
                document.undo_stack.setClean()
            text = f"Saved {report.slices} slices as {path.name} with the recipe beside it."
            if report.saved.clipped:
                text += f" {report.saved.clipped} values lay outside what the file can hold and were clipped."
            self._window.status.say(" ".join((text, *report.saved.dropped)), 12)

        self._window.files.run_job(work, done)

    def save(self, document: Document, folder: Path, options: SaveOptions | None = None) -> None:
        """Denoise every slice with the document's recipe into a folder, in the background."""
        if document.stack is None:
            return
        series, recipe = document.stack.series, document.recipe

        def work(progress: Progress) -> Report:
            return _save(series, folder, Wishes(recipe=recipe), options or SaveOptions(), progress)

        def done(report: Report) -> None:
            if document.recipe == recipe and not report.totals.failed:
                document.undo_stack.setClean()
            self._saved(report, folder)

        self._window.files.run_job(
            work, done, cancelled="Cancelled; the slices saved so far stay. Save again to go on."
        )

    def _saved(self, report: Report, folder: Path) -> None:
        totals = report.totals
        if report.stopped:
            self._window.files.complain(report.stopped)
            return
        saved = totals.done + totals.skipped
        text = f"{saved} slices are saved as a new series in {folder.name}"
        text += f" ({totals.skipped} were there already)." if totals.skipped else "."
        clipped = sum(entry.clipped for entry in report.files)
        if clipped:
            text += f" {clipped} values lay outside what the files can hold and were clipped."
        self._window.status.say(text, 12)
        if report.failures:
            self._window.files.complain(
                f"{totals.failed} of {totals.files} slices could not be saved.",
                *(entry.message for entry in report.failures[:5]),
            )


def _save(series: Series, folder: Path, wishes: Wishes, options: SaveOptions, progress: Progress) -> Report:
    """`run_series`, telling how many slices are through."""

    class Told:
        def file(self, entry: object, report: Report) -> None:
            totals = report.totals
            through = totals.files - totals.left
            if not progress.cancelled:
                progress.report(through / totals.files, f"slice {through} of {totals.files}")

        def tick(self, report: Report, running: dict[str, float]) -> None: ...

    return run_series(series, folder, wishes=wishes, options=options, progress=progress, watcher=Told())


class SaveSeriesDialog(QDialog):
    """Where the new series goes, and whether it still says whose it is."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert document.stack is not None
        series, recipe = document.stack.series, document.recipe
        self.setWindowTitle("Save the whole series")
        self.setMinimumWidth(520)
        method = get_denoiser(recipe.method).name
        words = QLabel(
            f"All {len(series)} slices with the present edit ({method}, strength {recipe.strength:.0%}) as a "
            "new series derived from this one, with its recipe inside and beside every file. "
            "The source is not touched. If it is ended early, saving again goes on (not if it is anonymised)."
        )
        words.setWordWrap(True)
        self.path = QLineEdit(str(folder_for(series)))
        self.path.setAccessibleName("Folder of the new series")
        self.path.setToolTip("Folder of the new series; made if it is missing")
        choose = QPushButton("Choose …")
        choose.setToolTip("Choose the folder")
        choose.clicked.connect(self._choose)
        self.anonymise = QCheckBox("Anonymise")
        self.anonymise.setToolTip(
            "Without names, dates, identifiers and private tags, by DICOM's basic confidentiality profile;\n"
            "the recipe is then not inside the files either"
        )
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(choose)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(words)
        layout.addLayout(row)
        layout.addWidget(self.anonymise)
        layout.addWidget(buttons)

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Folder of the new series", str(Path(self.path.text()).parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.path.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def folder(self) -> Path:
        return Path(self.path.text().strip())

    def options(self) -> SaveOptions:
        return SaveOptions(anonymise=self.anonymise.isChecked())
