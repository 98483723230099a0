"""Colours and style sheets: two themes, both neutral, one accent. Nothing else names a colour.

The pictures' surround is a grey without any tint, so that it does not change how they look.
"""

import re
from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette, qGray
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """Design tokens: colours as #rrggbb."""

    name: str
    surround: str
    panel: str
    raised: str
    line: str
    text: str
    quiet: str
    faint: str
    accent: str
    accent_text: str
    warning: str
    before: str
    after: str
    sites: tuple[str, str, str, str]
    """Of a camera's classes of pixels: red, the greens beside red and beside blue, blue."""


DARK = Theme(
    name="dark",
    surround="#161616",
    panel="#202020",
    raised="#2d2d2d",
    line="#3a3a3a",
    text="#e6e6e6",
    quiet="#9a9a9a",
    faint="#5a5a5a",
    accent="#4da3ff",
    accent_text="#08131f",
    warning="#ffb454",
    before="#b9b9b9",
    after="#4da3ff",
    sites=("#ff7a70", "#8bd450", "#2cc7a0", "#6ea8ff"),
)

LIGHT = Theme(
    name="light",
    surround="#8c8c8c",
    panel="#f3f3f3",
    raised="#ffffff",
    line="#c9c9c9",
    text="#1b1b1b",
    quiet="#5c5c5c",
    faint="#b0b0b0",
    accent="#0a63c2",
    accent_text="#ffffff",
    warning="#9a5b00",
    before="#6a6a6a",
    after="#0a63c2",
    sites=("#c62f2f", "#4b8a12", "#007f6e", "#2456c9"),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

_ACCENTS = {
    "dark": {"#26486B": "#38506a", "#346792": "#35608c", "#1A72BB": "#2f6fb0", "#259AE9": "#4da3ff"},
    "light": {"#DAEDFF": "#e2eefb", "#9FCBFF": "#a9cdf3", "#73C7FF": "#7fb6ea", "#37AEFE": "#0a63c2"},
}
"""qdarkstyle's accents, and what stands for them here; its other colours lose their tint."""

_OWN_SHEET = """
QWidget {{ font-size: 13px; }}
QMainWindow::separator {{ background: {line}; width: 1px; height: 1px; }}
QToolBar {{ background: {panel}; border: 0; border-bottom: 1px solid {line}; spacing: 2px;
    padding: 4px 6px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 4px 7px;
    margin: 0; color: {text}; }}
QToolButton:hover {{ background: {raised}; border-color: {line}; }}
QToolButton:checked {{ background: {raised}; border-color: {accent}; color: {text}; }}
QToolButton:disabled {{ color: {quiet}; background: transparent; border-color: transparent; }}
QToolButton::menu-indicator {{ image: none; }}
QStatusBar {{ background: {panel}; border-top: 1px solid {line}; color: {quiet}; }}
QStatusBar::item {{ border: 0; }}
QStatusBar QLabel {{ color: {quiet}; padding: 0 6px; background: transparent; }}
QLabel {{ background: transparent; border: 0; padding: 0; }}
QSlider#slices::sub-page:vertical, QSlider#slices::add-page:vertical {{ background: {line}; }}
QLabel#quiet {{ color: {quiet}; }}
QLabel#warning {{ color: {warning}; }}
QLabel#chip {{ background: rgba(0, 0, 0, 150); color: #f0f0f0; border-radius: 4px; padding: 2px 7px; }}
QLabel#chip[large="true"] {{ font-size: 24px; border-radius: 7px; padding: 4px 12px; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: {panel}; border: 0; }}
QToolButton#section {{ font-weight: 600; text-align: left; padding: 7px 8px; border-radius: 0; border: 0;
    border-top: 1px solid {line}; }}
QToolButton#section:checked {{ background: transparent; }}
QToolButton#section:hover {{ background: {raised}; }}
QToolButton#group {{ text-align: left; padding: 4px 2px; border-radius: 3px; border: 0; color: {quiet}; }}
QToolButton#group:checked {{ background: transparent; color: {text}; }}
QToolButton#group:hover, QToolButton#group:focus {{ background: {raised}; }}
QProgressBar#thin {{ max-height: 4px; min-height: 4px; border: 0; border-radius: 2px; background: {line}; }}
QProgressBar#thin::chunk {{ border-radius: 2px; }}
QPushButton {{ background: {raised}; border: 1px solid {line}; border-radius: 5px; padding: 4px 10px;
    color: {text}; min-height: 18px; }}
QMessageBox QPushButton {{ min-width: 140px; }}
QMessageBox QLabel {{ padding: 6px 4px; }}
QPushButton:hover {{ border-color: {accent}; }}
QPushButton:disabled {{ background: {panel}; border: 1px solid {line}; border-radius: 5px; padding: 4px 10px;
    color: {quiet}; }}
QPushButton:default {{ border-color: {accent}; }}
QAbstractSpinBox, QComboBox, QLineEdit {{ background: {raised}; border: 1px solid {line}; border-radius: 4px;
    padding: 2px 4px; min-height: 20px; color: {text}; selection-background-color: {accent};
    selection-color: {accent_text}; }}
QLineEdit#qt_spinbox_lineedit {{ background: transparent; border: 0; padding: 0; min-height: 0; }}
QAbstractSpinBox:disabled, QLabel:disabled, QCheckBox:disabled {{ color: {quiet}; }}
QAbstractSpinBox:focus, QComboBox:focus, QLineEdit:focus {{ border-color: {accent}; }}
QSlider {{ background: transparent; border: 0; padding: 0; min-height: 20px; }}
QSlider::groove:horizontal {{ background: {line}; height: 4px; border: 0; border-radius: 2px; margin: 0; }}
QSlider::sub-page:horizontal {{ background: {accent}; height: 4px; border: 0; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {text}; width: 12px; height: 12px; margin: -4px 0; border: 0;
    border-radius: 6px; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {accent}; }}
QSlider::sub-page:horizontal:disabled {{ background: {line}; }}
QTableView, QListView, QTreeView {{ background: {panel}; alternate-background-color: {panel};
    border: 1px solid {line}; border-radius: 4px; gridline-color: {line}; color: {text}; }}
QTableView::item {{ padding: 2px 5px; }}
QTableView::item:selected, QListView::item:selected {{ background: {selection}; color: {text}; }}
QHeaderView::section {{ background: {panel}; color: {quiet}; border: 0; border-bottom: 1px solid {line};
    padding: 3px 5px; font-weight: 400; }}
QHeaderView {{ background: {panel}; border: 0; }}
QTableView QTableCornerButton::section {{ background: {panel}; border: 0; border-radius: 0; }}
QHeaderView::section:vertical, QHeaderView::section:vertical:first, QHeaderView::section:vertical:last,
QHeaderView::section:vertical:middle {{ border: 0; }}
QLabel#quiet:disabled {{ color: {faint}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QGraphicsView:hover {{ border: 0; }}
QProgressBar {{ background: {raised}; border: 1px solid {line}; border-radius: 4px; text-align: center;
    max-height: 14px; color: {text}; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QSplitter::handle {{ background: {line}; border: 0; }}
QGraphicsView {{ border: 0; padding: 0; }}
QMenuBar {{ background: {panel}; padding: 2px; }}
QDockWidget {{ border: 0; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {line}; }}
QTabBar {{ background: {panel}; border: 0; }}
QTabBar::tab, QTabBar::tab:top, QTabBar::tab:top:!selected {{ background: {panel}; color: {quiet}; border: 0;
    border-bottom: 2px solid transparent; border-radius: 0; padding: 5px 12px; margin: 0; }}
QTabBar::tab:top:hover, QTabBar::tab:top:!selected:hover {{ color: {text}; background: {raised}; border: 0;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected, QTabBar::tab:top:selected {{ background: {panel}; color: {text}; border: 0;
    border-bottom: 2px solid {accent}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {line}; padding: 4px; }}
"""

_current = DARK


def current() -> Theme:
    """The theme in force."""
    return _current


def apply(app: QApplication, name: str) -> Theme:
    """Put a theme ("dark" or "light") on the whole application."""
    global _current
    _current = THEMES[name]
    app.setPalette(_palette(_current))
    app.setStyleSheet(
        _base_sheet(_current) + _OWN_SHEET.format(**vars(_current), selection=_selection(_current))
    )
    return _current


def _base_sheet(theme: Theme) -> str:
    """Qdarkstyle's sheet, with its tinted greys replaced by neutral ones."""
    import qdarkstyle
    from qdarkstyle.dark.palette import DarkPalette
    from qdarkstyle.light.palette import LightPalette

    palette = DarkPalette if theme.name == "dark" else LightPalette
    sheet: str = qdarkstyle.load_stylesheet(qt_api="pyside6", palette=palette)
    known = {
        **_ACCENTS[theme.name],
        palette.COLOR_BACKGROUND_1: theme.panel,
        palette.COLOR_TEXT_1: theme.text,
    }
    return re.sub("#[0-9A-Fa-f]{6}", lambda match: known.get(match[0].upper(), _grey(match[0])), sheet)


def _grey(colour: str) -> str:
    """The neutral grey of the same lightness."""
    return "#" + 3 * f"{qGray(QColor(colour).rgb()):02x}"


def _selection(theme: Theme) -> str:
    return "#2f4964" if theme.name == "dark" else "#cfe3f8"


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.panel,
        QPalette.ColorRole.Base: theme.panel,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.quiet,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Link: theme.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    return palette
