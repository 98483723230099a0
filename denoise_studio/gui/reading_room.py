"""The habits of a reading room: how a picture is held, what stands over it, marks, presets, lecture."""

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF
from PySide6.QtWidgets import QDialog

from denoise_studio.core.picture import Kind
from denoise_studio.gui.dialogs import NOTICE
from denoise_studio.gui.document import Document
from denoise_studio.gui.lecture import LARGE, Lecture
from denoise_studio.gui.mouse import Habits
from denoise_studio.gui.mouse_dialog import MouseDialog
from denoise_studio.gui.presets_dialog import PresetsDialog
from denoise_studio.gui.status import values_text
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.compare import Mode
from denoise_studio.gui.views.corner_texts import corner_texts
from denoise_studio.gui.views.corners import Corners, Notes
from denoise_studio.gui.views.marks import Marks
from denoise_studio.gui.views.pane import Pane
from denoise_studio.gui.views.region_tools import Tool

if TYPE_CHECKING:
    from denoise_studio.gui.main_window import MainWindow

_KEPT = ("corners", "scale_bar", "probe")
"""Switches that the settings remember; the actions have their names with a hyphen."""


class ReadingRoom(QObject):
    """Carries out the actions that only change how a picture is looked at."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._document: Document | None = None
        self._hovered: tuple[Pane, QPointF] | None = None
        compare = window.compare
        self.marks = Marks(self)
        self.sheets = {pane: Corners(pane) for pane in compare.panes}
        compare.set_habits(Habits.from_settings(window.settings.value.mouse))
        compare.viewport.changed.connect(self._moved)
        compare.mode_changed.connect(self.refresh)
        compare.divider.sigDragged.connect(self.refresh)
        compare.held.connect(self.refresh)
        compare.reset_requested.connect(lambda: window.carry_out.do_reset_levels())
        window.overlay.placed.connect(self._moved)
        self.marks.changed.connect(self.refresh)
        window.tools.measured.connect(self._measure)
        for pane in compare.panes:
            pane.hovered.connect(functools.partial(self._hover, pane))

    def begin(self) -> None:
        """Once the window has its actions and panels."""
        window = self._window
        self.lecture = Lecture(window)
        self.lecture.turned.connect(self._lecture_turned)
        for name in _KEPT:
            window.actions_[name.replace("_", "-")].setChecked(getattr(window.settings.value, name))

    def set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.levels_changed.disconnect(self.refresh)
            self._document.picture_changed.disconnect(self.refresh)
            self._document.response_changed.disconnect(self._read_probe)
        self._document, self._hovered = document, None
        self.marks.set_document(document)
        if document is not None:
            document.levels_changed.connect(self.refresh)
            document.picture_changed.connect(self.refresh)
            document.response_changed.connect(self._read_probe)
        self.refresh()

    # What stands over the pictures

    def refresh(self, *_: object) -> None:
        """Write everything anew."""
        for pane, sheet in self.sheets.items():
            sheet.show_notes(self._notes(pane))

    def _moved(self) -> None:
        for sheet in self.sheets.values():
            sheet.moved()
        self.refresh()

    def _notes(self, pane: Pane) -> Notes:
        document, compare, kept = self._document, self._window.compare, self._window.settings.value
        if document is None:
            return Notes()
        view, lecture = compare.viewport, self._in_lecture
        difference = pane is compare.after and compare.mode is Mode.DIFFERENCE and not compare.holding
        medical = document.picture.kind in (Kind.CT, Kind.MR)
        return Notes(
            document.picture,
            corner_texts(document.picture, document.levels, view.turn, view.zoom, not difference),
            kept.corners,
            kept.scale_bar,
            tuple((pin, self.marks.text_of(pin)) for pin in self.marks.pins),
            tuple(self.marks.distances),
            self._probe(pane),
            NOTICE.split(":")[0] if lecture and medical else "",
            compare.split if pane is compare.after else None,
            LARGE if lecture else 1.0,
        )

    @property
    def _in_lecture(self) -> bool:
        return hasattr(self, "lecture") and self.lecture.on

    # The probe

    def _hover(self, pane: Pane, point: QPointF | None) -> None:
        self._hovered = (pane, point) if point is not None else None
        self._read_probe()

    def _read_probe(self) -> None:
        if self._window.settings.value.probe:
            self.refresh()

    def _probe(self, pane: Pane) -> tuple[QPointF, str] | None:
        document = self._document
        if document is None or self._hovered is None or not self._window.settings.value.probe:
            return None
        where, point = self._hovered
        x, y = int(point.x() // 1), int(point.y() // 1)
        inside = 0 <= x < document.picture.width and 0 <= y < document.picture.height
        return (point, values_text(document, x, y)) if where is pane and inside else None

    def _measure(self, start: QPointF, point: QPointF, phase: str) -> None:
        self._show_sheets()
        self.marks.measure(start, point, phase)

    def _show_sheets(self) -> None:
        """A mark that is made now shall be seen."""
        if not self._window.settings.value.corners:
            self._window.actions_["corners"].trigger()

    # Actions: how it is held

    def do_rotate_right(self) -> None:
        self._window.compare.turn(self._window.compare.viewport.turn.turned(1))

    def do_rotate_left(self) -> None:
        self._window.compare.turn(self._window.compare.viewport.turn.turned(-1))

    def do_flip_across(self) -> None:
        self._window.compare.turn(self._window.compare.viewport.turn.mirrored())

    def do_flip_upright(self) -> None:
        self._window.compare.turn(self._window.compare.viewport.turn.upended())

    def do_reset_view(self) -> None:
        self._window.compare.reset_view()

    # Actions: what stands over it

    def do_corners(self) -> None:
        self._keep("corners")

    def do_scale_bar(self) -> None:
        self._keep("scale_bar")

    def do_probe(self) -> None:
        self._keep("probe")

    def _keep(self, name: str) -> None:
        on = self._window.actions_[name.replace("_", "-")].isChecked()
        self._window.settings.change(**{name: on})
        self.refresh()

    def do_pin(self) -> None:
        """Keep the values of the pixel under the cursor in view, or let go of them."""
        if self.marks.pin(self._hovered[1] if self._hovered is not None else None):
            self._show_sheets()
        elif self._document is not None:
            self._window.status.say("Point at a pixel of the picture to pin its values there.")

    def do_tool_measure(self) -> None:
        self._window.tools.set_tool(Tool.MEASURE)

    def do_clear_marks(self) -> None:
        self.marks.clear()

    # Actions: lecture and dialogs

    def do_lecture(self) -> None:
        self.lecture.turn(self._document is not None and not self.lecture.on)

    def leave_lecture(self) -> bool:
        """End it; whether there was one."""
        was = self.lecture.on
        self.lecture.turn(False)
        return was

    def _lecture_turned(self, on: bool) -> None:
        self._window.actions_["lecture"].setChecked(on)
        for pane in self.sheets:
            pane.set_large(on)
            for bar in pane.findChildren(ColourBar):
                bar.set_large(LARGE if on else 1.0)
        self._moved()

    def do_mouse(self) -> None:
        window = self._window
        dialog = MouseDialog(window.compare.habits, window)
        dialog.habits_changed.connect(window.compare.set_habits)
        dialog.accepted.connect(lambda: window.settings.change(mouse=dialog.habits.as_settings()))
        self._open(dialog)

    def do_edit_windows(self) -> None:
        window, document = self._window, self._document
        hu = document is not None and document.picture.unit == "HU"
        now = (document.levels.width, document.levels.level) if document is not None and hu else (400.0, 40.0)
        dialog = PresetsDialog(window.presets, now, window)
        dialog.finished.connect(lambda _: window.levels_bar.list_again())
        self._open(dialog)

    @staticmethod
    def _open(dialog: QDialog) -> None:
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
