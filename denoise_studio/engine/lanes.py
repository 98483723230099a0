"""Lanes: one worker thread each, in which the newest request of a kind wins."""

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from denoise_studio.core.errors import Cancelled
from denoise_studio.core.progress import Progress
from denoise_studio.engine.workers import lower_priority

log = logging.getLogger(__name__)
_ids = itertools.count(1)


@dataclass(eq=False)
class Job:
    """Work in a lane. `on_error` is called in the lane with whatever the work raised."""

    work: Callable[[Progress], None]
    progress: Progress
    key: str | None = None
    on_error: Callable[[Exception], None] | None = None
    id: int = field(default_factory=lambda: next(_ids))

    def cancel(self) -> None:
        self.progress.cancel()


class Lane:
    """A thread that runs jobs one after another.

    Jobs with a key replace each other: submitting one drops the waiting job of that key and
    cancels the running one, so at most one waits. Jobs without a key queue up in order.
    """

    def __init__(self, name: str, nice: int = 0) -> None:
        self.name = name
        self._nice = nice
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=f"denoise-lane-{name}", daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[Progress], None],
        key: str | None = None,
        on_error: Callable[[Exception], None] | None = None,
        progress: Progress | None = None,
    ) -> Job:
        """Queue work; it gets its `Progress` and should ask `check()` between steps.

        Raises:
            RuntimeError: the lane is closed.
        """
        job = Job(work, progress or Progress(), key, on_error)
        with self._changed:
            if self._closed:
                raise RuntimeError(f"the lane {self.name} is closed")
            if key is not None:
                for old in [waiting for waiting in self._waiting if waiting.key == key]:
                    old.cancel()
                    self._waiting.remove(old)
                if self._running is not None and self._running.key == key:
                    self._running.cancel()
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def cancel_all(self) -> None:
        with self._changed:
            for job in (*self._waiting, *([self._running] if self._running else [])):
                job.cancel()
            self._waiting.clear()
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        with self._changed:
            return not self._waiting and self._running is None

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing runs or waits; for tests and the command line, never for the window."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and self._running is None, timeout)

    def close(self) -> None:
        """Take no more jobs and cancel all; the thread ends after the running job's next check."""
        with self._changed:
            self.cancel_all()
            self._closed = True
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread of a closed lane; whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        if self._nice:
            lower_priority(self._nice)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                self._running = job = self._waiting.popleft()
            self._run(job)
            del job  # keep no picture alive while idle
            with self._changed:
                self._running = None
                self._changed.notify_all()

    def _run(self, job: Job) -> None:
        try:
            job.progress.check()
            job.work(job.progress)
        except Cancelled:
            pass
        except Exception as error:  # the lane must outlive any job
            if job.on_error is None:
                log.exception("a job in the lane %s failed", self.name)
            elif not job.progress.cancelled:
                _call(job.on_error, error)


def _call(callback: Callable[[Exception], Any], error: Exception) -> None:
    try:
        callback(error)
    except Exception:
        log.exception("an error callback failed")
