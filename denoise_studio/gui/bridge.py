"""The one bridge between the window and the engine: lanes on one side, Qt signals on the other.

Callbacks of the engine arrive in its threads; they are sent through queued signals to slots of
this object, which lives in the window's thread, and only from there to the rest.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from denoise_studio.core.progress import Progress
from denoise_studio.engine import workers
from denoise_studio.engine.lanes import Job, Lane
from denoise_studio.engine.session import Request, Response, Session

log = logging.getLogger(__name__)

Done = Callable[[Any], None]
Failed = Callable[[Exception], None]
Told = Callable[[float, str], None]


@dataclass(frozen=True)
class _Waiting:
    done: Done
    failed: Failed | None
    told: Told | None


class Bridge(QObject):
    """Owns the session and the lanes of one window.

    Signals:
        responded: `Response` of the live preview.
        failed: the id of a preview request and its error.
        fit_told: `FitNews` of a search for maps.
    """

    responded = Signal(object)
    failed = Signal(int, object)
    fit_told = Signal(object)
    _finished = Signal(int, object, object)
    _progressed = Signal(int, float, str)

    def __init__(self, budget_bytes: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = Session(self.responded.emit, self.failed.emit, budget_bytes, self.fit_told.emit)
        self.display = Lane("display")
        self.background = Lane("background", nice=10)
        self.judge = Lane("judge", nice=12)
        self.knee = Lane("knee", nice=15)
        self.files = Lane("files", nice=3)
        self.slices = Lane("slices")
        self._hold = workers.hold()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._closed = False
        self._finished.connect(self._deliver)
        self._progressed.connect(self._tell)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        session = self.session
        return (
            session.lane, session.fits, session.ahead, self.display, self.background, self.judge,
            self.knee, self.files, self.slices,
        )  # fmt: skip

    def request(self, request: Request) -> int:
        """Ask the session for a preview; 0 after closing."""
        return 0 if self._closed else self.session.request(request)

    def ready(self, request: Request) -> Response | None:
        """The finished preview, if it is there already."""
        return None if self._closed else self.session.ready(request)

    def run(
        self,
        lane: Lane,
        work: Callable[[Progress], Any],
        done: Done,
        failed: Failed | None = None,
        key: str | None = None,
        told: Told | None = None,
    ) -> Job | None:
        """Run work in a lane and call back in the window's thread; None after closing.

        With `key`, a newer job of that key makes this one's result unwanted.
        """
        if self._closed:
            return None
        number = next(self._numbers)
        if key is not None:  # the job that this one replaces will never report
            self._waiting.pop(self._newest.get((lane.name, key), 0), None)
            self._newest[lane.name, key] = number
        self._waiting[number] = _Waiting(done, failed, told)
        progress = Progress(lambda fraction, text: self._progressed.emit(number, fraction, text))

        def body(progress: Progress) -> None:
            result = work(progress)
            progress.check()
            self._finished.emit(number, result, None)

        return lane.submit(body, key, lambda error: self._finished.emit(number, None, error), progress)

    @Slot(int, object, object)
    def _deliver(self, number: int, result: Any, error: Exception | None) -> None:
        assert QThread.currentThread() is self.thread()
        waiting = self._waiting.pop(number, None)
        if waiting is None or self._closed:
            return
        if error is None:
            waiting.done(result)
        elif waiting.failed is not None:
            waiting.failed(error)
        else:
            log.error("a background job failed: %s", error, exc_info=error)

    @Slot(int, float, str)
    def _tell(self, number: int, fraction: float, text: str) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None and waiting.told is not None and not self._closed:
            waiting.told(fraction, text)

    @property
    def idle(self) -> bool:
        return all(lane.idle for lane in self.lanes)

    def close(self) -> None:
        """Cancel everything and take no more; does not wait."""
        self._closed = True
        for lane in self.lanes:
            lane.close()

    def join(self, timeout: float = 10.0) -> bool:
        """Wait for the threads to end, after the window has gone; whether all have."""
        ended = all(lane.join(timeout) for lane in self.lanes)
        workers.leave(self._hold)
        self._waiting.clear()
        return ended


__all__ = ["Bridge", "Request", "Response"]
