"""The window's file actions: dialogs here, the work in the files lane."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QMessageBox

from denoise_studio.core.errors import StudioError
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.core.recipe import Recipe
from denoise_studio.core.resources import resource
from denoise_studio.engine.export import ExportReport
from denoise_studio.engine.lanes import Job
from denoise_studio.engine.offers import refusal
from denoise_studio.engine.presets import delete_preset, load_presets, save_preset
from denoise_studio.engine.project import SUFFIX, save_project
from denoise_studio.formats import SaveOptions, format_for, refuse_source
from denoise_studio.gui.document import Document
from denoise_studio.gui.export_dialog import ExportDialog
from denoise_studio.gui.pictures import (
    WRITING,
    Opened,
    OpenResult,
    open_all,
    open_filter,
    open_reference,
    project_of,
    restore_view,
    save_filter,
    save_result,
)

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

_CANCELLED = "Cancelled; nothing was changed."
SAMPLE = ("samples", "ct-phantom.dcm")


class Files(QObject):
    """Opens and saves pictures, projects and presets; every failure is one sentence in a dialog."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._job: Job | None = None
        self._cancelled = _CANCELLED
        self.project: Path | None = None

    # Jobs with progress

    def run_job(
        self,
        work: Callable[[Progress], Any],
        done: Callable[[Any], None],
        cancelled: str = _CANCELLED,
    ) -> None:
        """Run work of another room in the files lane, with progress, cancel and complaint."""
        self._cancelled = cancelled
        bridge = self._window.bridge

        def ended(result: Any) -> None:
            self._ended()
            done(result)

        self._start(bridge.run(bridge.files, work, ended, self._failed, told=self._told))

    def _start(self, job: Job | None) -> None:
        self._job = job
        if job is not None:
            self._window.status.show_progress(0.0, "")

    def _told(self, fraction: float, text: str) -> None:
        self._window.status.show_progress(fraction, text)

    def _ended(self) -> None:
        self._job = None
        self._cancelled = _CANCELLED
        self._window.status.hide_progress()

    def cancel(self) -> None:
        if self._job is None:
            return
        if self._window.status.progress.format() == WRITING:
            self._window.status.say("The file is being written already; a moment.")
            return
        self._job.cancel()
        sentence = self._cancelled
        self._ended()
        self._window.status.say(sentence)

    def _failed(self, error: Exception) -> None:
        self._ended()
        self.complain(str(error) if isinstance(error, StudioError) else f"Something went wrong: {error}")

    def complain(self, *sentences: str) -> None:
        """Show what went wrong, without stopping anything."""
        box = QMessageBox(
            QMessageBox.Icon.Warning, "Denoise Studio", "\n\n".join(sentences), parent=self._window
        )
        box.setAccessibleName("What went wrong")
        box.finished.connect(box.deleteLater)
        box.open()

    # Opening

    def do_open(self) -> None:
        dialog = QFileDialog(self._window, "Open", self._folder(), open_filter())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.open([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def do_open_sample(self) -> None:
        self.open([resource(*SAMPLE)])

    def open(self, paths: list[Path], *_: object) -> None:
        """Open pictures and projects in the background."""
        bridge = self._window.bridge

        def work(progress: Progress) -> OpenResult:
            return open_all(paths, progress)

        self._start(bridge.run(bridge.files, work, self._opened, self._failed, told=self._told))

    def _opened(self, result: OpenResult) -> None:
        self._ended()
        first = len(self._window.documents)
        for opened in result.opened:
            self._add(opened)
        if result.project is not None:
            self.project = result.project
            self._recent(result.project, [opened.picture for opened in result.opened])
            self._window.show_index(first + result.current)
        if result.problems:
            self.complain(*result.problems)

    def _add(self, opened: Opened) -> None:
        document = Document(opened.picture, opened.recipe)
        document.set_reference(opened.reference)
        if opened.view:
            restore_view(document, opened.view)
        self._window.add_document(document)
        if document.path is not None and document.path != resource(*SAMPLE):
            self._recent(document.path, [opened.picture])
        if opened.picture.notes:
            self._window.status.say(" ".join(opened.picture.notes), 12)

    # What a result is compared with

    def do_open_reference(self) -> None:
        document = self._window.document
        if document is None:
            return
        dialog = QFileDialog(self._window, "Open a reference", self._folder(), open_filter())
        if document.stack is not None:
            dialog.setWindowTitle("Open the series to compare with: the folder of its slices")
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.open_reference(document, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_reference(self, document: Document, path: Path) -> None:
        """Compare a document's results with this file from now on."""
        bridge, picture = self._window.bridge, document.picture

        def opened(reference: Picture) -> None:
            self._ended()
            if document in self._window.documents:
                self._window.slices.take_reference(document, picture, reference)
                self._window.status.say("The read-outs compare with the reference now.")

        self._start(
            bridge.run(
                bridge.files,
                lambda progress: open_reference(path, picture, progress),
                opened,
                self._failed,
                told=self._told,
            )
        )

    def do_close_reference(self) -> None:
        if self._window.document is not None:
            self._window.slices.forget_reference(self._window.document)

    def _recent(self, path: Path, pictures: list[Picture]) -> None:
        """Remember a file; one about scans, whose name may tell whose they are, only if asked to."""
        settings = self._window.settings
        if settings.value.remember_medical or not any(p.kind in ("ct", "mr") for p in pictures):
            settings.store(settings.value.with_recent(path))

    def fill_recent(self) -> None:
        menu: QMenu = self._window.recent_menu
        menu.clear()
        for name in self._window.settings.value.recent:
            path = Path(name)
            action = menu.addAction(path.name)
            action.triggered.connect(functools.partial(self.open, [path]))
            action.setToolTip(name)
        if menu.isEmpty():
            menu.addAction("Nothing yet").setEnabled(False)

    def _folder(self) -> str:
        document = self._window.document
        if document is None or document.path is None or document.path.parent == resource("samples"):
            return str(Path.home())
        return str(document.path.parent)

    # Saving

    def do_export(self) -> None:
        document = self._window.document
        if document is None:
            return
        filters, own = save_filter(document.picture)
        stem = document.path.stem if document.path else "picture"
        suffix = document.path.suffix if document.path and document.path.suffix else ".tiff"
        if document.picture.mosaic is not None:
            suffix = ".dng"
        dialog = QFileDialog(self._window, "Export the result", self._folder(), filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectNameFilter(own)
        dialog.selectFile(f"{stem}-denoised{suffix}")
        dialog.fileSelected.connect(lambda name: self._ask_options(document, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_options(self, document: Document, path: Path) -> None:
        try:
            chosen = format_for(path)
        except StudioError as error:
            self.complain(str(error))
            return
        if not ExportDialog.wanted(chosen):
            self.export(document, path, SaveOptions(exposure=_exposure(document)))
            return
        exposure = _exposure(document)
        dialog = ExportDialog(chosen, path.name, self._window, document.picture, exposure)
        dialog.accepted.connect(lambda: self.export(document, path, dialog.options()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export(self, document: Document, path: Path, options: SaveOptions | None = None) -> None:
        """Save a document's result, its record beside it, in the background."""
        bridge, picture, recipe = self._window.bridge, document.picture, document.recipe
        reference = document.reference

        def work(progress: Progress) -> ExportReport:
            if reference is not None:
                refuse_source(reference, path)
            return save_result(bridge.session, picture, recipe, path, options or SaveOptions(), progress)

        def done(report: ExportReport) -> None:
            if document.recipe == recipe:
                document.undo_stack.setClean()  # the record beside the file keeps the edit
            self._exported(report)

        self._start(bridge.run(bridge.files, work, done, self._failed, told=self._told))

    def _exported(self, report: ExportReport) -> None:
        self._ended()
        text = f"Saved {report.path.name} with its recipe beside it."
        if report.clipped:
            text += f" {report.clipped} values lay outside what the file can hold and were clipped."
        self._window.status.say(" ".join((text, *report.dropped)), 10)

    def do_close_picture(self) -> None:
        document = self._window.document
        if document is None:
            return
        if document.undo_stack.isClean() or not self._window.ask_before_closing:
            self._window.close_document(document)
            return
        box = QMessageBox(self._window)
        box.setText("This picture's edit has not been saved or exported.")
        close = box.addButton("Close without it", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Keep it open", QMessageBox.ButtonRole.RejectRole)

        def answered() -> None:
            if box.clickedButton() is close and document in self._window.documents:
                self._window.close_document(document)
            box.deleteLater()

        box.finished.connect(answered)
        box.open()

    def ask_about_unsaved(self, leave: Callable[[], None]) -> None:
        """Before the window closes over unsaved edits: save them, leave them, or stay."""
        box = QMessageBox(self._window)
        box.setText("Some edits have not been saved or exported.")
        save = box.addButton("Save the project …", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Leave without them", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)

        def answered() -> None:
            if box.clickedButton() is save:
                self.do_save_project()
            elif box.clickedButton() is discard:
                leave()
            box.deleteLater()

        box.finished.connect(answered)
        box.open()

    # Projects

    def do_save_project(self) -> None:
        if self.project is None:
            self.do_save_project_as()
        else:
            self.save_project(self.project)

    def do_save_project_as(self) -> None:
        dialog = QFileDialog(
            self._window, "Save the project", self._folder(), f"Denoise Studio project (*{SUFFIX})"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.selectFile(f"project{SUFFIX}")
        dialog.fileSelected.connect(lambda name: self.save_project(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_project(self, path: Path) -> None:
        """Write what is open and how it is edited to a project file."""
        window, bridge = self._window, self._window.bridge
        if window.document is not None:
            window.document.viewport = window.compare.viewport.remembered
        current = window.documents.index(window.document) if window.document else -1
        project = project_of(window.documents, current)

        def work(progress: Progress) -> Path:
            save_project(project, path)
            return path

        self._start(bridge.run(bridge.files, work, self._project_saved, self._failed))

    def _project_saved(self, path: Path) -> None:
        self._ended()
        kept = [document for document in self._window.documents if document.path is not None]
        for document in kept:
            document.undo_stack.setClean()
        self.project = path
        self._recent(path, [document.picture for document in kept])
        text = f"Saved the project {path.name}."
        if len(kept) < len(self._window.documents):
            text += " Pictures that belong to no file are not in it: export them to keep them."
        self._window.status.say(text)

    def recover(self, left: list[Path]) -> None:
        """Offer edits that a crash left behind."""
        if not left:
            return
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Denoise Studio",
            "The program ended unexpectedly last time. Shall your edits be brought back?",
            parent=self._window,
        )
        box.setAccessibleName("Recover edits")
        yes = box.addButton("Bring them back", QMessageBox.ButtonRole.AcceptRole)
        no = box.addButton("Discard them", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Ask me later", QMessageBox.ButtonRole.RejectRole)

        def answered() -> None:
            clicked = box.clickedButton()
            if clicked is yes:
                self._recover(left)
            elif clicked is no:
                _forget(left)
            box.deleteLater()

        box.finished.connect(answered)
        box.open()

    def _recover(self, left: list[Path]) -> None:
        bridge = self._window.bridge

        def work(progress: Progress) -> OpenResult:
            return open_all(left, progress)

        def done(result: OpenResult) -> None:
            self._opened(OpenResult(result.opened, result.problems))
            if not result.problems:  # else a disk may be missing today: ask again the next time
                _forget(left)  # the edits are open, and autosaved again, under this process

        self._start(bridge.run(bridge.files, work, done, self._failed, told=self._told))

    # Presets

    def fill_presets(self) -> None:
        menu: QMenu = self._window.presets_menu
        menu.clear()
        presets = load_presets(self._window.settings.presets)
        menu.setToolTipsVisible(True)
        for name, recipe in presets:
            action = menu.addAction(name)
            action.triggered.connect(functools.partial(self._use_preset, name, recipe))
            why = self._refusal(recipe)
            action.setEnabled(not why)
            action.setToolTip(why or f"Use the preset “{name}”")
        if not presets:
            menu.addAction("None yet: Edit ▸ Save as preset …").setEnabled(False)
            return
        menu.addSeparator()
        forget = menu.addMenu("&Delete a preset")
        for name, _ in presets:
            forget.addAction(name).triggered.connect(functools.partial(self._delete_preset, name))

    def _refusal(self, recipe: Recipe) -> str:
        """Why a recipe's method does not take the picture shown; "" if it does."""
        document = self._window.document
        return refusal(recipe.method, document.picture) if document is not None else ""

    def _delete_preset(self, name: str, *_: object) -> None:
        try:
            delete_preset(self._window.settings.presets, name)
        except StudioError as error:
            self.complain(str(error))
            return
        self._window.status.say(f"Deleted the preset “{name}”.")

    def _use_preset(self, name: str, recipe: Recipe, *_: object) -> None:
        document = self._window.document
        if document is not None and self._refusal(recipe):
            self._window.status.say(self._refusal(recipe), 12)
        elif document is not None:
            regions = recipe.regions or (
                document.recipe.regions if recipe.method == document.recipe.method else ()
            )
            document.edit(recipe.replace(regions=regions), f"preset {name}")

    def do_save_preset(self) -> None:
        document = self._window.document
        if document is None:
            return
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Save as preset")
        dialog.setLabelText("Name of the preset (method, parameters and strength; no regions):")
        dialog.textValueSelected.connect(lambda name: self.save_preset(name))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save_preset(self, name: str) -> None:
        document = self._window.document
        if document is None:
            return
        try:
            save_preset(self._window.settings.presets, name, document.recipe)
        except StudioError as error:
            self.complain(str(error))
            return
        self._window.status.say(f"Saved the preset “{name}”.")


def _forget(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _exposure(document: Document) -> float:
    """Stops that developing adds: those of the display, for camera raw alone.

    A narrower window of the histogram shows the picture brighter too.
    """
    picture, levels = document.picture, document.levels
    if picture.mosaic is None:
        return 0.0
    return levels.exposure + math.log2(picture.span / max(levels.width, picture.span * 1e-4))
