"""Which method, its parameters, and the strength."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from denoise_studio.core.errors import RecipeError
from denoise_studio.core.parameter import Value
from denoise_studio.core.picture import Picture
from denoise_studio.denoisers import all_denoisers, get_denoiser
from denoise_studio.engine.maps import edits, without_edits
from denoise_studio.engine.noise_told import NOISE_ROLE
from denoise_studio.engine.offers import why_so_few
from denoise_studio.engine.resolve import resolve
from denoise_studio.gui.document import Document
from denoise_studio.gui.panels.fit_line import FitLine
from denoise_studio.gui.panels.parameter_form import STRENGTH, ParameterForm
from denoise_studio.gui.panels.wheel import leave_wheel_to_panel


class MethodPanel(QWidget):
    """Edits method, parameters and strength of a document's recipe; noise has a panel of its own.

    Signals:
        failed: a sentence about a recipe that does not fit the picture.
    """

    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._found: Mapping[str, float] = {}
        self.methods = QComboBox()
        self.methods.setAccessibleName("Denoising method")
        for denoiser in all_denoisers():
            self.methods.addItem(denoiser.name, denoiser.id)
        self.summary = QLabel()
        self.summary.setObjectName("quiet")
        self.summary.setWordWrap(True)
        self.fit_line = FitLine()
        self.form = ParameterForm()
        self.strength_form = ParameterForm()
        self.form.put_before_groups(self.strength_form)
        self.reset_maps = QPushButton("Reset all edits of the maps")
        self.reset_maps.setToolTip(
            "Take the maps as they were found again, everywhere: all factors and numbers, in regions too"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 10)
        layout.setSpacing(6)
        for widget in (self.methods, self.summary, self.fit_line, self.form, self.reset_maps):
            layout.addWidget(widget)
        self.reset_maps.clicked.connect(self._reset_maps)
        leave_wheel_to_panel(self.methods)
        self.methods.activated.connect(self._choose)
        for form in (self.form, self.strength_form):
            form.edited.connect(self._edit)
            form.cleared.connect(self._clear)

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.recipe_changed.disconnect(self.refresh)
        self._document = document
        self.setEnabled(document is not None)
        if document is not None:
            document.recipe_changed.connect(self.refresh)
            self.refresh()

    def show_slice(self) -> None:
        """Another slice of the same series: the same controls, with what holds for this one."""
        recipe = self._document.resolved() if self._document is not None else None
        if recipe is not None and self.form.shows(get_denoiser(recipe.method).id):
            self._show_values(recipe.parameters)

    def refresh(self) -> None:
        """Show the document's recipe, defaults filled in."""
        document = self._document
        if document is None:
            return
        picture, denoiser = document.picture, get_denoiser(document.recipe.method)
        self._offer(picture)
        self.methods.setCurrentIndex(self.methods.findData(denoiser.id))
        self.methods.setToolTip(f"{denoiser.summary}\n{denoiser.paper}".strip())
        refusal = denoiser.refusal(picture)
        self._show_controls(not refusal)
        if refusal:
            self._say(refusal, warns=True)
            return
        try:
            recipe = resolve(picture, document.recipe)
        except RecipeError as error:
            self.failed.emit(str(error))
            return
        self._say(" ".join((denoiser.summary, why_so_few(picture))).strip())
        shown = tuple(p for p in denoiser.parameters if p.role != NOISE_ROLE)
        self.form.build(shown, picture, denoiser.id)
        self._show_values(recipe.parameters)
        fitting = denoiser.load_fit is not None
        self.reset_maps.setVisible(fitting)
        self.reset_maps.setEnabled(fitting and bool(edits(document.recipe)))
        self.strength_form.build((STRENGTH,), picture)
        self.strength_form.show_values({STRENGTH.name: recipe.strength})

    def _say(self, summary: str, warns: bool = False) -> None:
        """What the method does, or why it does not take the picture."""
        self.summary.setText(summary)
        name = "warning" if warns else "quiet"
        if self.summary.objectName() != name:
            self.summary.setObjectName(name)
            self.summary.style().polish(self.summary)

    def _show_controls(self, on: bool) -> None:
        """A method that does not take the picture has nothing to set; others may be chosen."""
        self.form.setVisible(on)
        if not on:
            self.reset_maps.hide()

    def _offer(self, picture: Picture) -> None:
        """Grey out the methods that do not take this picture; the tooltip says why."""
        model = self.methods.model()
        assert isinstance(model, QStandardItemModel)
        known = {one.id: one for one in all_denoisers()}
        for row in range(model.rowCount()):  # a method may have come or gone since the list was filled
            one, item = known.get(self.methods.itemData(row)), model.item(row)
            if one is None or item is None:
                continue
            refusal = one.refusal(picture)
            item.setEnabled(not refusal)
            item.setToolTip(refusal or one.summary)

    def _show_values(self, values: Mapping[str, Value]) -> None:
        if self._document is not None:
            self.form.show_values(values, found=self._found, changed=self._document.recipe.parameters)

    def show_found(self, found: Mapping[str, float]) -> None:
        """Show these numbers for maps that nobody replaced."""
        self._found = found
        recipe = self._document.resolved() if self._document is not None else None
        if recipe is not None and self.form.shows(get_denoiser(recipe.method).id):
            self._show_values(recipe.parameters)

    def _choose(self, index: int) -> None:
        if self._document is not None:
            self._document.choose_method(self.methods.itemData(index))

    def _edit(self, name: str, value: object, gesture: int) -> None:
        document = self._document
        if document is None:
            return
        recipe = document.recipe
        if name == STRENGTH.name:
            document.edit(recipe.replace(strength=value), "strength", gesture)
        else:
            label = get_denoiser(recipe.method).parameter(name).label
            document.edit(recipe.with_parameter(name, value), label, gesture)

    def _clear(self, name: str) -> None:
        document = self._document
        if document is None:
            return
        recipe = document.recipe
        if name == STRENGTH.name:
            document.edit(recipe.replace(strength=1.0), "reset strength")
        else:
            label = get_denoiser(recipe.method).parameter(name).label
            document.edit(recipe.replace(parameters=recipe.parameters.without(name)), f"reset {label}")

    def _reset_maps(self) -> None:
        document = self._document
        if document is not None:
            document.edit(
                without_edits(document.recipe), "reset all edits of the maps", Document.begin_gesture()
            )
