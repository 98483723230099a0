"""Progress and cancellation without any toolkit."""

import threading
from collections.abc import Callable

from denoise_studio.core.errors import Cancelled

Listener = Callable[[float, str], None]


class Progress:
    """Carries progress out of a job and the wish to stop into it.

    A job calls `report` (0..1 and a short text) and, between tiles, `check`, which raises
    `Cancelled` once anybody has called `cancel`. Both may be called from any thread.
    """

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def listen(self, listener: Listener) -> None:
        """Send progress to this listener from now on."""
        self._listener = listener

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        """Raise `Cancelled` if the job is no longer wanted."""
        if self._cancelled.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Pause, but not beyond a `cancel`.

        Raises:
            Cancelled: at once when the job is no longer wanted.
        """
        self._cancelled.wait(seconds)
        self.check()

    def part(self, start: float, end: float) -> "Progress":
        """For a step of a job: its 0..1 is this one's `start`..`end`; cancelled with it."""
        return _Part(self, start, end)

    def report(self, fraction: float, text: str = "") -> None:
        """Tell how far the job is; a no-op without a listener."""
        self.check()
        if self._listener is not None:
            self._listener(min(max(fraction, 0.0), 1.0), text)


class _Part(Progress):
    def __init__(self, whole: Progress, start: float, end: float) -> None:
        super().__init__()
        self._whole, self._start, self._end = whole, start, end

    @property
    def cancelled(self) -> bool:
        return super().cancelled or self._whole.cancelled

    def check(self) -> None:
        super().check()
        self._whole.check()

    def wait(self, seconds: float) -> None:
        self._whole.wait(seconds)
        self.check()

    def report(self, fraction: float, text: str = "") -> None:
        super().report(fraction, text)
        share = min(max(fraction, 0.0), 1.0)
        self._whole.report(self._start + share * (self._end - self._start), text)
