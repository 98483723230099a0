"""The open pictures, to switch between them."""

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from denoise_studio.engine.display import thumbnail
from denoise_studio.gui.document import Document

_SIDE = 56


class PicturesPanel(QWidget):
    """A list with small pictures.

    Signals:
        chosen: index of the picture to show.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setAccessibleName("Open pictures")
        self.list.setToolTip("Open pictures; drop files anywhere to open more")
        self.list.setIconSize(QSize(_SIDE, _SIDE))
        self.list.setWordWrap(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.currentRowChanged.connect(self._row_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.list)

    def show_documents(self, documents: list[Document], current: int) -> None:
        """Fill the list anew."""
        self.list.blockSignals(True)
        self.list.clear()
        for document in documents:
            picture = document.picture
            item = QListWidgetItem(
                _thumbnail(document), f"{document.title}\n{picture.width} × {picture.height}"
            )
            item.setToolTip(f"{document.title}: {picture.kind.value}, {picture.stored.bits} bits")
            self.list.addItem(item)
        self.list.setCurrentRow(current)
        self.list.blockSignals(False)

    def _row_changed(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(row)


def _thumbnail(document: Document) -> QIcon:
    """A few thousand sampled pixels: cheap enough for the window's own thread."""
    picture = document.picture
    step = max(1, max(picture.width, picture.height) // (2 * _SIDE))
    image = thumbnail(picture, document.levels, step)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    image = np.ascontiguousarray(image)
    height, width = image.shape[:2]
    data = QImage(image.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    icon = QIcon(QPixmap.fromImage(data))
    icon.addPixmap(QPixmap.fromImage(data), QIcon.Mode.Selected)  # a picture is never tinted
    return icon
