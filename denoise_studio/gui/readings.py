"""The read-outs of a document, area by area: ordered when a result is final, greyed when it is not.

Two lanes work: *background* for what takes milliseconds (fidelity, exact priors), *judge* for what
runs networks or the method itself. Each number is sent as soon as it is there, the coarse before the fine.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from denoise_studio.core.errors import Cancelled, StudioError
from denoise_studio.core.geometry import Rect
from denoise_studio.core.picture import Picture
from denoise_studio.core.progress import Progress
from denoise_studio.engine.areas import Area
from denoise_studio.engine.judging import Probes
from denoise_studio.engine.lanes import Job, Lane
from denoise_studio.engine.readings import Result, distances, fidelity, pair
from denoise_studio.gui.bridge import Bridge
from denoise_studio.gui.document import Document
from denoise_studio.metrics.iem.measure import Options
from denoise_studio.metrics.iem.priors import PRIORS, get_prior

VIEW = "In view"
_FIRST = next(prior.name for prior in PRIORS.values() if prior.exact)
"""The prior until a person picks another: there within a frame or two, and it loads no torch."""
_PROBES = 4
"""Draws with which an estimate of the risk ends."""


class Kind(StrEnum):
    """What a number tells."""

    CHANGED = "changed"
    """IEM(input, result)."""
    DISTANCE = "distance"
    """IEM(result, reference)."""
    FIDELITY = "fidelity"
    """PSNR and SSIM against the reference."""
    JUDGEMENT = "judgement"
    """Estimated risk, and what was taken away."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One number, or why there is none.

    Args:
        value: as the engine gave it; None while there is none.
        why: one sentence if there cannot be one.
        fresh: it is of the present result; else it has to be greyed.
        final: it will not get better.
    """

    value: Any = None
    why: str = ""
    fresh: bool = False
    final: bool = False


@dataclass(frozen=True, eq=False)
class _Subject:
    """What the numbers of one moment are about: a snapshot for the lanes."""

    result: Result
    reference: Picture | None
    prior: str

    def is_like(self, other: "_Subject | None") -> bool:
        """Whether the other one's numbers are about the same thing."""
        return (
            other is not None
            and self.result.picture is other.result.picture
            and self.reference is other.reference
            and self.prior == other.prior
        )

    def same(self, other: "_Subject | None") -> bool:
        """Whether numbers of the other one are this one's too."""
        return (
            other is not None
            and self.result.layer is other.result.layer
            and self.result.recipe == other.result.recipe
            and self.result.fitted is other.result.fitted
            and self.reference is other.reference
            and self.prior == other.prior
        )


@dataclass(frozen=True, eq=False)
class _Order:
    """What was ordered last: where, and the lanes that have nothing more to do for it."""

    subject: _Subject
    areas: tuple[Area, ...]
    over: set[str] = field(default_factory=set)


class Readings(QObject):
    """Numbers about the whole picture, what is in view, and each region.

    Signals:
        changed: a number is new, or is of an older result from now on.

    Args:
        bridge: to the lanes.
        view: what is visible of the picture.
    """

    changed = Signal()
    _published = Signal(object, object, str, object)
    _ended = Signal(str, object)

    def __init__(self, bridge: Bridge, view: Callable[[], Rect], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._view = bridge, view
        self._document: Document | None = None
        self.prior = _FIRST
        self._subject: _Subject | None = None
        self._ordered: _Order | None = None
        self._busy: dict[str, tuple[_Order, Job]] = {}
        self._put_off = False
        self._probes = _LastProbes()
        self._found: dict[tuple[tuple[str, int], str], tuple[Area, Reading]] = {}
        self._watchers: list[Callable[[], bool]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._order)
        self._published.connect(self._take)
        self._ended.connect(self._go_on)

    # What is measured

    def set_document(self, document: Document | None) -> None:
        old = self._document
        if old is not None:
            for signal in self._signals(old):
                signal.disconnect(self.refresh)
        self._document = document
        self._found.clear()
        self._subject = self._ordered = None
        for _, job in self._busy.values():
            job.cancel()
        self._busy.clear()  # one that had to wait in its lane never tells that it ended
        if document is not None:
            for signal in self._signals(document):
                signal.connect(self.refresh)
        self.refresh()

    @staticmethod
    def _signals(document: Document) -> tuple[Any, ...]:
        changed = document.response_changed, document.recipe_changed, document.reference_changed
        return (*changed, document.selection_changed)

    @property
    def document(self) -> Document | None:
        return self._document

    def set_prior(self, name: str) -> None:
        """Measure distances under another prior from now on."""
        if name != self.prior:
            self.prior = name
            self.refresh()

    def watched_by(self, looks: Callable[[], bool]) -> None:
        """Measure only while one of these says that somebody sees the numbers."""
        self._watchers.append(looks)

    @property
    def areas(self) -> tuple[Area, ...]:
        """Where: the whole picture, what is in view unless that is all, each active region."""
        if self._document is None:
            return ()
        picture = self._document.picture
        whole = Area.of(picture)
        seen = self._view().intersect(picture.rect)
        view = () if not seen or seen == picture.rect else (Area(VIEW, seen),)
        regions = (
            Area.of(picture, region, index)
            for index, region in enumerate(self._document.recipe.regions)
            if region.enabled
        )
        return (whole, *view, *(area for area in regions if area.rect))

    def chosen_area(self) -> Area | None:
        """The selected region if it is one of them, else the whole picture."""
        selected = self._document.selected if self._document is not None else -1
        areas = self.areas
        return next((area for area in areas if area.index == selected >= 0), areas[0] if areas else None)

    def of(self, area: Area, kind: Kind) -> Reading:
        """The newest number for an area; it may be of an older result, or of where the area was before."""
        known, reading = self._found.get((area.key, kind), (area, Reading()))
        subject = self._wanted()
        fresh = reading.fresh and known == area and subject is not None and subject.same(self._subject)
        return replace(reading, fresh=fresh)

    # Ordering

    def refresh(self, *_: Any) -> None:
        """Grey what is of an older result, and measure anew what is final, if somebody looks."""
        self.changed.emit()
        self._timer.start()

    def look(self) -> None:
        """Somebody sees the numbers now: measure what was put off."""
        if self._put_off:
            self._timer.start()

    def _wanted(self) -> _Subject | None:
        document = self._document
        result = document.result() if document is not None else None
        if document is None or result is None:
            return None
        return _Subject(result, document.reference, self.prior)

    def _missing(self, subject: _Subject) -> list[Area]:
        """Areas with a result that lack numbers of it, the smallest first: they are there soonest."""
        kinds = [Kind.CHANGED, Kind.JUDGEMENT]
        if subject.reference is not None:
            kinds += [Kind.DISTANCE, Kind.FIDELITY]
        final = [area for area in self.areas if subject.result.is_final(area.rect)]
        found = [area for area in final if not all(self._is_done(area, kind) for kind in kinds)]
        return sorted(found, key=lambda area: area.rect.area)

    def _is_done(self, area: Area, kind: Kind) -> bool:
        reading = self.of(area, kind)
        return reading.fresh and reading.final

    def _order(self) -> None:
        """Have what is missing measured. What runs ends after its first numbers if it is not wanted any more.

        So numbers follow a drag, if only a little later, instead of waiting for its end.
        """
        self._put_off = not any(looks() for looks in self._watchers)
        subject = self._wanted()
        if subject is None or self._put_off:
            return
        if not subject.same(self._subject):
            self._found = {
                key: (area, replace(reading, fresh=False)) for key, (area, reading) in self._found.items()
            }
            self._subject = subject
        areas = self._missing(subject)
        old = self._ordered
        if old is None or not old.subject.same(subject) or not set(areas) <= set(old.areas):
            self._ordered = _Order(subject, tuple(areas))
        if areas:
            assert self._ordered is not None
            self._run(self._bridge.background, self._ordered, _quick)
            self._run(self._bridge.judge, self._ordered, self._slow)

    def _slow(self, subject: _Subject, area: Area, progress: Progress) -> "Iterator[_Measured]":
        return _slow(subject, area, self._probes, progress)

    def _run(self, lane: Lane, order: "_Order", work: "_Work") -> None:
        """All numbers of all areas in a lane, each a little better in turn; one such job at a time."""
        if lane.name in self._busy or lane.name in order.over:
            return

        def job(progress: Progress) -> None:
            try:
                if self._measure(order, work, progress):
                    order.over.add(lane.name)
            except Cancelled:  # the layer has moved on, or the picture was closed
                raise
            except Exception:
                order.over.add(lane.name)  # it would fail again
                raise
            finally:
                self._ended.emit(lane.name, order)

        started = self._bridge.run(lane, job, lambda done: None)
        if started is not None:
            self._busy[lane.name] = order, started

    def _measure(self, order: "_Order", work: "_Work", progress: Progress) -> bool:
        """In a lane: whether all is done, or only the first numbers because something newer is wanted."""
        turns = deque((area, *made) for area in order.areas for made in work(order.subject, area, progress))
        firsts = len(turns)
        while turns and (firsts > 0 or self._ordered is order):
            area, kind, values = turns.popleft()
            progress.check()
            reading = _next(values)
            self._published.emit(order.subject, area, kind, reading)
            if not reading.final:
                turns.append((area, kind, values))
            firsts -= 1
        return not turns

    def _go_on(self, lane: str, order: "_Order") -> None:
        if lane in self._busy and self._busy[lane][0] is order:
            del self._busy[lane]
            self._timer.start()

    def _take(self, subject: _Subject, area: Area, kind: str, reading: Reading) -> None:
        known, last = self._found.get((area.key, kind), (area, Reading()))
        if not subject.same(self._subject):
            # Of a moment ago, in a drag: it is shown greyed, until there is one of now.
            if reading.value is None or last.fresh or not subject.is_like(self._subject):
                return
            reading = replace(reading, fresh=False)
        elif reading.value is None and not reading.why:  # no better one: the last was it
            reading = replace(last, final=True) if known == area else reading
        self._found[area.key, kind] = area, reading
        self.changed.emit()


def _next(values: Iterator[Any]) -> Reading:
    """The next value, or why there is none; final and empty where there is no better one."""
    try:
        return Reading(next(values), fresh=True)
    except StopIteration:
        return Reading(fresh=True, final=True)
    except StudioError as error:
        return Reading(why=str(error), fresh=True, final=True)


_Measured = tuple[Kind, Iterator[Any]]
_Work = Callable[[_Subject, Area, Progress], Iterator[_Measured]]


def _quick(subject: _Subject, area: Area, progress: Progress) -> Iterator[_Measured]:
    """What takes milliseconds."""
    if get_prior(subject.prior).exact:
        yield from _distances(subject, area, progress)
    if subject.reference is not None:
        yield Kind.FIDELITY, _fidelity(subject, area, progress)


def _slow(subject: _Subject, area: Area, probes: "_LastProbes", progress: Progress) -> Iterator[_Measured]:
    """What runs a network, or the method itself."""
    if not get_prior(subject.prior).exact:
        yield from _distances(subject, area, progress)
    yield Kind.JUDGEMENT, _judged(subject.result, area, probes, progress)


def _distances(subject: _Subject, area: Area, progress: Progress) -> Iterator[_Measured]:
    yield Kind.CHANGED, _distance(subject, area, Kind.CHANGED, progress)
    if subject.reference is not None:
        yield Kind.DISTANCE, _distance(subject, area, Kind.DISTANCE, progress)


def _distance(subject: _Subject, area: Area, kind: Kind, progress: Progress) -> Iterator[Any]:
    found = pair(subject.result, area, subject.reference)
    other = found.before if kind is Kind.CHANGED else found.reference
    assert other is not None
    yield from distances(found.after, other, Options(prior=subject.prior), progress)


def _fidelity(subject: _Subject, area: Area, progress: Progress) -> Iterator[Any]:
    found = pair(subject.result, area, subject.reference)
    assert found.reference is not None
    yield fidelity(found, found.reference, progress.check)


class _LastProbes:
    """The draws of the newest method and parameters, kept while only the strength changes.

    Used in the lane *judge* alone.
    """

    def __init__(self) -> None:
        self._probes: Probes | None = None

    def of(self, result: Result) -> Probes:
        """Those of a result, fresh ones for another method, parameter or picture."""
        found = self._probes
        if found is None or not found.same(result.picture, result.recipe, result.fitted):
            whole = result.layer.pixels
            found = Probes(result.picture, result.recipe, result.fitted, filtered=whole)
            if not result.is_final(result.picture.rect):  # what was copied may be a mixture
                found = Probes(result.picture, result.recipe, result.fitted)
            self._probes = found
        return found


def _judged(result: Result, area: Area, kept: _LastProbes, progress: Progress) -> Iterator[Any]:
    probes = kept.of(result)
    for count in range(1, _PROBES + 1):
        while probes.count < count:
            probes.grow(progress)
        if not result.is_final(area.rect):
            raise Cancelled
        yield probes.judge(result.layer.pixels, result.recipe, area.region or area.rect)
