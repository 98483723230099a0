"""Measures of medical physics of a document, live: ordered when a result is final, greyed when it is not.

All of it runs in the lane *background*: the slowest takes about a tenth of a second.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.errors import Cancelled, MeasureError, StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.areas import Area
from denoise_studio.engine.measures import (
    Line,
    NoiseBeside,
    ProfileBeside,
    RegionBeside,
    TransferBeside,
    noise_beside,
    profile_beside,
    region_beside,
    transfer_beside,
)
from denoise_studio.engine.readings import Result
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.metrics.physics.edge_fit import EdgeShape

log = logging.getLogger(__name__)

_WAIT = 60
"""Milliseconds in which several changes fold into one."""

Found = tuple[RegionBeside, ...] | NoiseBeside | TransferBeside | ProfileBeside


class Sort(StrEnum):
    """What is measured."""

    REGIONS = "regions"
    NOISE = "noise"
    SHARPNESS = "sharpness"
    PROFILE = "profile"


@dataclass(frozen=True, eq=False)
class Standing:
    """The newest measurement of a sort, or why there is none.

    Args:
        found: as the engine gave it; None while there is none.
        why: one sentence if there cannot be one.
        fresh: it is of the present result; else it has to be greyed.
    """

    found: Any = None
    why: str = ""
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class _Order:
    """What a measurement is of: a snapshot for the lane."""

    result: Result
    subject: tuple[Any, ...]
    reference: Picture | None

    def same(self, other: "_Order | None") -> bool:
        return (
            other is not None
            and self.result.layer is other.result.layer
            and self.result.recipe == other.result.recipe
            and self.result.fitted is other.result.fitted
            and self.reference is other.reference
            and self.subject == other.subject
        )


class Measures(QObject):
    """Region statistics, noise power, sharpness and a profile; each only while somebody looks at it.

    Signals:
        changed: the sort whose measurement is new, or is of an older result from now on.
        line_changed: the profile's line is another.

    Args:
        bridge: to the lanes.
        view: what is visible of the picture; the first line of a profile is laid across it.
    """

    changed = Signal(str)
    line_changed = Signal()
    _ended = Signal(str, object)

    def __init__(self, bridge: Bridge, view: Callable[[], Rect], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._view = bridge, view
        self._document: Document | None = None
        self._ordered: dict[Sort, _Order] = {}
        self._busy: dict[Sort, _Order] = {}
        self._standing: dict[Sort, Standing] = {}
        self._looks: dict[Sort, list[Callable[[], bool]]] = {sort: [] for sort in Sort}
        self._lines: WeakKeyDictionary[Document, Line] = WeakKeyDictionary()
        self.shape: EdgeShape | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self._order_all)
        self._ended.connect(self._end)

    # What is measured

    def set_document(self, document: Document | None) -> None:
        old = self._document
        if old is not None:
            for signal in self._signals(old):
                signal.disconnect(self.refresh)
        self._document = document
        self._ordered.clear()
        self._busy.clear()
        self._standing.clear()
        if document is not None:
            for signal in self._signals(document):
                signal.connect(self.refresh)
        self.refresh()
        self.line_changed.emit()

    @staticmethod
    def _signals(document: Document) -> tuple[Any, ...]:
        changed = document.response_changed, document.recipe_changed, document.reference_changed
        return (*changed, document.selection_changed, document.picture_changed)

    @property
    def document(self) -> Document | None:
        return self._document

    @property
    def areas(self) -> tuple[Area, ...]:
        """Every region that is used and meets the picture; the whole picture where there is none."""
        document = self._document
        if document is None:
            return ()
        picture = document.picture
        regions = tuple(
            area
            for index, region in enumerate(document.recipe.regions)
            if region.enabled and (area := Area.of(picture, region, index)).rect
        )
        return regions or (Area.of(picture),)

    @property
    def chosen(self) -> Area | None:
        """The selected region if it is used, else the whole picture."""
        document = self._document
        if document is None:
            return None
        selected = document.selected
        return next((area for area in self.areas if area.index == selected >= 0), Area.of(document.picture))

    def set_shape(self, shape: EdgeShape | None) -> None:
        """What lies in the region whose sharpness is measured; None goes by the region's own shape."""
        if shape is not self.shape:
            self.shape = shape
            self.refresh()

    @property
    def line(self) -> Line | None:
        """Where the profile is taken; without one of its own across the view."""
        document = self._document
        if document is None:
            return None
        if document not in self._lines:
            self._lines[document] = self.line_in_view()
        return self._lines[document]

    def line_in_view(self) -> Line:
        """A level line through the middle of what is visible, six tenths of it long."""
        assert self._document is not None
        whole = self._document.picture.rect
        seen = self._view().intersect(whole) or whole
        middle = round(seen.y + seen.height / 2) + 0.5
        left, right = seen.x + 0.2 * seen.width, seen.x + 0.8 * seen.width
        width = self._lines[self._document].width if self._document in self._lines else 1
        return Line(round(left) + 0.5, middle, max(round(right), round(left) + 2) + 0.5, middle, width)

    def set_line(self, line: Line) -> None:
        """Take the profile there from now on."""
        if self._document is not None and line != self._lines.get(self._document):
            self._lines[self._document] = line
            self.line_changed.emit()
            self.refresh()

    # Looking

    def watched_by(self, sort: Sort, looks: Callable[[], bool]) -> None:
        """Measure a sort only while one of these says that somebody sees it."""
        self._looks[sort].append(looks)

    def is_watched(self, sort: Sort) -> bool:
        return any(looks() for looks in self._looks[sort])

    def of(self, sort: Sort) -> Standing:
        """The newest measurement; it may be of an older result."""
        standing = self._standing.get(sort, Standing())
        order = self._wanted(sort)
        fresh = standing.fresh and order is not None and order.same(self._ordered.get(sort))
        return replace(standing, fresh=fresh)

    # Ordering

    def refresh(self, *_: Any) -> None:
        """Grey what is of an older result, and measure anew what is final."""
        for sort in Sort:
            if self.is_watched(sort):
                self.changed.emit(sort.value)
        self._timer.start()

    look = refresh
    """Somebody sees a sort now."""

    def _wanted(self, sort: Sort) -> _Order | None:
        document = self._document
        result = document.result() if document is not None else None
        chosen = self.chosen
        if document is None or result is None or chosen is None:
            return None
        subject: tuple[Any, ...]
        rects = [chosen.rect]
        if sort is Sort.REGIONS:
            subject = self.areas
            rects = [area.rect for area in self.areas]
        elif sort is Sort.NOISE:
            subject = (chosen,)
        elif sort is Sort.SHARPNESS:
            subject = chosen, self.shape
        else:
            line = self.line
            assert line is not None
            subject, rects = (line,), [line.bounds(document.picture) or document.picture.rect]
        if not all(result.is_final(rect) for rect in rects):
            return None
        reference = document.reference if sort is Sort.PROFILE else None
        return _Order(result, subject, reference)

    def _order_all(self) -> None:
        """Have what is missing measured; what runs already ends first, so that numbers follow a drag."""
        for sort in Sort:
            if self.is_watched(sort) and sort not in self._busy:
                order = self._wanted(sort)
                if order is not None and not order.same(self._ordered.get(sort)):
                    self._begin(sort, order)

    def _begin(self, sort: Sort, order: _Order) -> None:
        def work(progress: Progress) -> Standing:
            try:
                return Standing(_measured(sort, order, progress), fresh=True)
            except StudioError as error:
                return Standing(why=str(error), fresh=True)
            except Cancelled:  # the layer moved on
                self._ended.emit(sort.value, order)
                raise

        def take(standing: Standing) -> None:
            if self._busy.get(sort) is order:
                self._ordered[sort], self._standing[sort] = order, standing
                self.changed.emit(sort.value)
            self._end(sort.value, order)

        def failed(error: Exception) -> None:
            log.error("a measurement failed: %s", error, exc_info=error)
            take(Standing(why="This cannot be measured.", fresh=True))

        self._busy[sort] = order
        self._bridge.run(self._bridge.background, work, take, failed)

    def _end(self, sort: str, order: _Order) -> None:
        """A job is over; what is wanted now may be something else."""
        if self._busy.get(Sort(sort)) is order:
            del self._busy[Sort(sort)]
            self._timer.start()


def _measured(sort: Sort, order: _Order, progress: Progress) -> Found:
    result = order.result
    if sort is Sort.REGIONS:
        return _regions(result, order.subject, progress)
    if sort is Sort.NOISE:
        return noise_beside(result, order.subject[0], progress.check)
    if sort is Sort.SHARPNESS:
        area, shape = order.subject
        return transfer_beside(result, area, shape, progress.check)
    return profile_beside(result, order.subject[0], order.reference)


def _regions(result: Result, areas: tuple[Area, ...], progress: Progress) -> tuple[RegionBeside, ...]:
    """All regions that hold a pixel; raises why not if none does."""
    found: list[RegionBeside] = []
    why: MeasureError | None = None
    for area in areas:
        progress.check()
        try:
            found.append(region_beside(result, area))
        except MeasureError as error:
            why = error
    if not found and why is not None:
        raise why
    return tuple(found)
