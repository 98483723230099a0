"""What lies over a pane: texts in its corners, letters at its edges, a scale, pins, distances, a probe.

Small, quiet and grey: nothing may draw the eye from the picture, or tint what is being judged.
"""

from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from denoise_studio.core.picture import Picture
from denoise_studio.gui.views.colour_bar import ColourBar
from denoise_studio.gui.views.corner_texts import CornerTexts
from denoise_studio.gui.views.pane import Pane
from denoise_studio.gui.views.ruler import Distance, ScaleBar, bars

INK, SHADE = QColor(236, 236, 236), QColor(0, 0, 0, 105)
_SIZE = 12
"""Of the type, in pixels."""
_EDGE = 12
_LONGEST_BAR = 0.28
"""Of the pane's width."""
_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight


@dataclass
class Notes:
    """What to show.

    Args:
        picture: for the scale and the lengths; None shows nothing.
        texts: for corners and edges.
        shown: False hides everything; in large type the window's numbers stay.
        scale_bar: whether there is a scale where the spacing is known.
        pins: pixel and what it reads.
        distances: drawn by hand.
        probe: values under the cursor and where; "" for none.
        notice: a line that stays, at the bottom of the right column.
        split: where a line divides the pane, in pixels from its left; letters give way to it.
        large: how many times larger than usual, for a lecture.
    """

    picture: Picture | None = None
    texts: CornerTexts = field(default_factory=CornerTexts)
    shown: bool = True
    scale_bar: bool = True
    pins: tuple[tuple[tuple[int, int], str], ...] = ()
    distances: tuple[Distance, ...] = ()
    probe: tuple[QPointF, str] | None = None
    notice: str = ""
    split: float | None = None
    large: float = 1.0


class Corners(QWidget):
    """A clear sheet over a pane. The mouse goes through it."""

    def __init__(self, pane: Pane) -> None:
        super().__init__(pane)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setAccessibleName(f"{pane.title.text()}: slice, scan, window and directions")
        self._pane = pane
        self.notes = Notes()
        self._still: QPixmap | None = None
        pane.installEventFilter(self)
        self.lower()
        pane.viewport().lower()

    def show_notes(self, notes: Notes) -> None:
        """Show these; what stands still is drawn once and kept."""
        moved_only = self._same_but_probe(notes)
        self.notes = notes
        self.setAccessibleDescription(notes.texts.words if notes.shown else "")
        if not moved_only:
            self._still = None
        self.update()

    def _same_but_probe(self, notes: Notes) -> bool:
        old = self.notes
        names = ("picture", "texts", "shown", "scale_bar", "pins", "distances", "notice", "split", "large")
        return all(getattr(old, name) == getattr(notes, name) for name in names)

    def moved(self) -> None:
        """The pane shows another part, or its bars came or went: everything has another place."""
        self._still = None
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._pane and event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.resize(self._pane.size())
            self.moved()
        return False

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        notes = self.notes
        if notes.picture is None:
            return
        if self._still is None or self._still.devicePixelRatio() != self.devicePixelRatioF():
            self._still = self._draw_still()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._still)
        if notes.probe is not None and notes.shown:
            painter.setFont(self._font())
            place, text = notes.probe
            self._tag(painter, self._pane.from_picture(place), text)
        painter.end()

    def _draw_still(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        sheet = QPixmap(self.size() * ratio)
        sheet.setDevicePixelRatio(ratio)
        sheet.fill(Qt.GlobalColor.transparent)
        painter = QPainter(sheet)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font())
        if self.notes.shown:
            self._draw_corners(painter)
            self._draw_edges(painter)
            self._draw_marks(painter)
        elif self.notes.large > 1:
            self._draw_lines(painter, self.notes.texts.view, _LEFT, self._floor(), up=True)
        painter.end()
        return sheet

    def _font(self, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(round(_SIZE * self.notes.large))
        font.setWeight(weight)
        font.setFeature(font.Tag("tnum"), 1)
        return font

    @property
    def _line(self) -> float:
        return QFontMetricsF(self._font()).height()

    def _ceiling(self) -> float:
        """Below the pane's labels, whether or not they are there now."""
        return self._pane.title.y() + self._pane.title.height() + 6.0

    def _floor(self) -> float:
        """Above a colour bar, where there is one."""
        bars_ = [bar for bar in self._pane.findChildren(ColourBar) if bar.isVisible()]
        return min([self.height() - _EDGE, *(bar.y() - 6 for bar in bars_)])

    def _draw_corners(self, painter: QPainter) -> None:
        texts = self.notes.texts
        self._draw_lines(painter, texts.slice, _LEFT, self._ceiling())
        widest = max((self._width(line) for line in (*texts.slice, *texts.view)), default=0.0)
        notice = (self.notes.notice,) if self.notes.notice else ()
        right = (*texts.scan, *notice)
        if widest + max(map(self._width, right), default=0.0) + 4 * _EDGE < self.width():
            self._draw_lines(painter, right, _RIGHT, self._ceiling())
        self._draw_lines(painter, texts.view, _LEFT, self._floor(), up=True)
        if self.notes.scale_bar:
            self._draw_scale(painter)

    def _width(self, text: str) -> float:
        return QFontMetricsF(self._font()).horizontalAdvance(text)

    def _draw_lines(
        self, painter: QPainter, lines: tuple[str, ...], side: Qt.AlignmentFlag, y: float, up: bool = False
    ) -> None:
        """Lines from a height down, or upwards so that the last stands on it."""
        top = y - len(lines) * self._line if up else y
        for number, line in enumerate(lines):
            place = QRectF(_EDGE, top + number * self._line, self.width() - 2 * _EDGE, self._line)
            write(painter, place, side | Qt.AlignmentFlag.AlignVCenter, line)

    def _draw_edges(self, painter: QPainter) -> None:
        """The letters of directions, in the middle of each edge."""
        left, right, top, bottom = self.notes.texts.edges
        if not any(self.notes.texts.edges):
            return
        painter.setFont(self._font(QFont.Weight.DemiBold))
        width, height, line = float(self.width()), float(self.height()), self._line
        middle = QRectF(_EDGE, (height - line) / 2, width - 2 * _EDGE, line)
        write(painter, middle, _LEFT, left)
        write(painter, middle, _RIGHT, right)
        centre = Qt.AlignmentFlag.AlignHCenter
        split = self.notes.split
        beside = 1.2 * line if split is not None and abs(split - width / 2) < line else 0.0
        write(painter, QRectF(beside, 10, width, line), centre, top)
        bars_ = [bar for bar in self._pane.findChildren(ColourBar) if bar.isVisible()]
        covered = any(bar.x() + bar.width() > width / 2 - 2 * line for bar in bars_)
        floor = self._floor() if covered else height - 10
        write(painter, QRectF(beside, floor - line, width, line), centre, bottom)
        painter.setFont(self._font())

    def _draw_scale(self, painter: QPainter) -> None:
        picture, view = self.notes.picture, self._pane.shared
        if picture is None or picture.spacing is None or self.width() < 200:
            return
        longest = min(self.width() * _LONGEST_BAR, 170 * self.notes.large)
        scale = view.zoom / self._pane.devicePixelRatioF()
        level, upright = bars(picture.spacing, view.turn.across, scale, longest)
        corner = QPointF(round(self.width() - _EDGE) - 0.5, round(self.height() - _EDGE) - 0.5)
        self._draw_bar(painter, corner, level, QPointF(-1, 0))
        text = level.label
        if upright is not None:
            self._draw_bar(painter, corner, upright, QPointF(0, -1))
            text = f"↔ {level.label}   ↕ {upright.label}"
        below = QRectF(0, corner.y() - 9 * self.notes.large - self._line, corner.x(), self._line)
        write(
            painter, below if upright is None else below.translated(-14 * self.notes.large, 0), _RIGHT, text
        )

    def _draw_bar(self, painter: QPainter, corner: QPointF, bar: ScaleBar, along: QPointF) -> None:
        """A line with a tick at each part, the ends' ticks longer."""
        inward = QPointF(along.y(), along.x())  # upwards from a level bar, leftwards from an upright one
        tick = 6.0 * self.notes.large
        lines = [(corner, corner + along * bar.pixels)]
        for part in range(bar.parts + 1):
            foot = corner + along * (bar.pixels * part / bar.parts)
            lines.append((foot, foot + inward * (tick if part in (0, bar.parts) else tick / 2)))
        draw_lines(painter, lines, self.notes.large)

    def _draw_marks(self, painter: QPainter) -> None:
        picture, large = self.notes.picture, self.notes.large
        assert picture is not None
        for distance in self.notes.distances:
            start, end = map(self._pane.from_picture, distance.points())
            draw_lines(painter, [(start, end), *_ends(start, end, 5 * large)], large)
            low = end if end.y() >= start.y() else start
            self._tag(painter, low, distance.text(picture))
        for number, ((x, y), text) in enumerate(self.notes.pins, 1):
            place, arm = self._pane.from_picture(QPointF(x + 0.5, y + 0.5)), 6 * large
            draw_lines(
                painter,
                [
                    (place + QPointF(*way) * 2, place + QPointF(*way) * arm)
                    for way in ((1, 0), (-1, 0), (0, 1), (0, -1))
                ],
                large,
            )
            self._tag(painter, place, f"{number}   {text}")

    def _tag(self, painter: QPainter, place: QPointF, text: str) -> None:
        """A text to the lower right of a place, or wherever there is room."""
        width, gap = self._width(text) + 4, 8 * self.notes.large
        x = place.x() + gap if place.x() + gap + width < self.width() else place.x() - gap - width
        y = place.y() + gap if place.y() + gap + self._line < self.height() else place.y() - gap - self._line
        if self.rect().contains(place.toPoint()):  # a short pane: over its own mark rather than cut off
            x = min(max(x, 3.0), max(self.width() - width - 3.0, 3.0))
        write(painter, QRectF(x, y, width, self._line), _LEFT, text)


def write(painter: QPainter, place: QRectF, side: Qt.AlignmentFlag, text: str) -> None:
    """A text that can be read on black and on white."""
    if not text:
        return
    painter.setPen(SHADE)
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(place.translated(dx, dy), side, text)
    painter.setPen(INK)
    painter.drawText(place, side, text)


def draw_lines(painter: QPainter, lines: list[tuple[QPointF, QPointF]], large: float = 1.0) -> None:
    """Lines that can be seen on black and on white."""
    for colour, width in ((SHADE, 3.0), (INK, 1.0)):
        pen = QPen(colour, width * max(1.0, large / 1.4))
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)
        painter.setPen(pen)
        for start, end in lines:
            painter.drawLine(start, end)


def _ends(start: QPointF, end: QPointF, arm: float) -> list[tuple[QPointF, QPointF]]:
    """Short lines across both ends of a line."""
    way = end - start
    length = (way.x() ** 2 + way.y() ** 2) ** 0.5
    if length < 1:
        return []
    across = QPointF(-way.y(), way.x()) * (arm / length)
    return [(point - across, point + across) for point in (start, end)]
