"""The studio's own line icons, drawn from short SVG paths in the theme's text colour."""

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from denoise_studio.gui import theme

_PATHS = {
    "open": "M3 7v11a1.5 1.5 0 0 0 1.5 1.5h15A1.5 1.5 0 0 0 21 18V9a1.5 1.5 0 0 0-1.5-1.5H12L10 5H4.5A1.5 1.5 0 0 0 3 6.5z",
    "save": "M12 3.5v11M7.5 10.5 12 15l4.5-4.5M4 16v3a1.5 1.5 0 0 0 1.5 1.5h13A1.5 1.5 0 0 0 20 19v-3",
    "undo": "M8.5 5 4 9.5 8.5 14M4.5 9.5H14a5.5 5.5 0 0 1 0 11h-3",
    "redo": "M15.5 5 20 9.5 15.5 14M19.5 9.5H10a5.5 5.5 0 0 0 0 11h3",
    "side": "M3.5 5h17v14h-17zM12 5v14",
    "wipe": "M3.5 5h17v14h-17zM14 3v18M17 9l2 3-2 3M11 9l-2 3 2 3",
    "difference": "M12 5v8M8 9h8M8 18h8",
    "hold": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z",
    "play": "M8 5.500v13l10.500-6.500z",
    "fit": "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
    "box": "M4 6h16v12H4z",
    "ellipse": "M12 5.5c5 0 8.5 2.9 8.5 6.5s-3.500 6.500-8.500 6.500S3.500 15.600 3.500 12 7 5.500 12 5.500z",
    "polygon": "M5 17 4 9l7-5 8 4 1 8-8 4z",
    "brush": "M20 4 10.500 13.500M8.500 14.500c-2.500 0-3 2-3 3.500 0 1-.8 2-2 2 3 1.500 8 .8 8-3.500z",
    "add": "M12 5v14M5 12h14",
    "copy": "M8.500 8.500h11v11h-11zM5.500 15.500h-1v-11h11v1",
    "remove": "M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10.500 10.500v5.500M13.500 10.500v5.500",
    "theme": "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
    "help": "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.400-1 .9-1 1.700M12 16.500v.200",
    "navigate": "M12 3v18M3 12h18M9.500 5.500 12 3l2.500 2.500M9.500 18.500 12 21l2.500-2.500M5.500 9.500 3 12l2.500 2.500M18.500 9.500 21 12l-2.500 2.500",
}

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" '
    'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="{path}"/></svg>'
)


class _LineIcon(QIconEngine):
    """Paints a path in whatever text colour the theme has at that moment."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        tokens = theme.current()
        colour = tokens.quiet if mode == QIcon.Mode.Disabled else tokens.text
        if state == QIcon.State.On:
            colour = tokens.accent
        data = _SVG.format(colour=colour, path=_PATHS[self._name]).encode()
        QSvgRenderer(QByteArray(data)).render(painter, QRectF(rect))  # type: ignore[call-overload]

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _LineIcon(self._name)


def icon(name: str) -> QIcon:
    """The icon of that name; it follows the theme by itself."""
    assert name in _PATHS, name
    return QIcon(_LineIcon(name))
