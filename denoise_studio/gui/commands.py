"""Undo: a step is the recipe before and the recipe after, nothing else."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from denoise_studio.core.recipe import Recipe

if TYPE_CHECKING:
    from denoise_studio.gui.document import Document

_ID = 1


class ChangeRecipe(QUndoCommand):
    """One edit of a document's recipe; edits of one drag merge into one step."""

    def __init__(self, document: "Document", before: Recipe, after: Recipe, text: str, gesture: int) -> None:
        super().__init__(text)
        self._document = document
        self._before = before
        self._after = after
        self._gesture = gesture

    def id(self) -> int:
        return _ID

    def undo(self) -> None:
        self._document.apply_recipe(self._before)

    def redo(self) -> None:
        self._document.apply_recipe(self._after)

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ChangeRecipe) or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True
